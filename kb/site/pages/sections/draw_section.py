"""A section of a record in the parts it is drawn as, by the function of its key.

A section without a function of its own is prose and definition lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.site.pages.sections.actions import action_parts
from kb.site.pages.sections.blocks import Part, parts, parts_beside
from kb.site.pages.sections.idempotency_audit import idempotency_parts
from kb.site.pages.sections.outcome_asserts import outcome_assert_parts
from kb.site.pages.sections.policy_path import policy_path_parts
from kb.site.pages.sections.timeline_lines import timeline_parts
from kb.site.safe_html import LinkTarget

PartsOf = Callable[[SectionText, Postmortem, LinkTarget], Iterable[Part]]


def section_parts(section: SectionText, record: Postmortem, link: LinkTarget) -> tuple[Part, ...]:
    """One section of a record in the parts it is drawn as."""
    draw = _PARTS_OF.get(section.key or "")
    return tuple(draw(section, record, link) if draw else parts(section, link))


def _without_priors(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """A section without the earlier incidents that have cards of their own, verdicts included."""
    lines = {prior.line for prior in record.priors if link(f"{prior.id}.md")}
    return parts_beside(section, lines, link)


_PARTS_OF: dict[str, PartsOf] = {
    "counterfactual": _without_priors,
    "timeline": timeline_parts,
    "policy_path": policy_path_parts,
    "outcome_asserts": outcome_assert_parts,
    "idempotency": idempotency_parts,
    "actions": action_parts,
}
