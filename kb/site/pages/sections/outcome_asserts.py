"""The outcome asserts of a page: what the agent said it did, beside whether it was so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.site.pages.sections.blocks import Definitions, Fields, Part, definitions, grouped, parts
from kb.site.safe_html import LinkTarget, to_inline_html

_HELD = {"yes": "It was so", "no": "It was not so"}


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """What the agent said it did, the check that would have told, and whether it was so."""

    shape: ClassVar[str] = "claim"
    said: Markup | str
    held: str
    verdict: str
    checks: tuple[Definitions, ...]


def outcome_assert_parts(section: SectionText, _: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """A card for each claim of the agent."""
    return parts(section, link, _claims)


def _claims(fields: Fields, link: LinkTarget) -> Iterator[ClaimCard]:
    for group in grouped(fields, "LLM_SAYS_IT_DID"):
        claim = next((field for field in group if field.key == "LLM_SAYS_IT_DID"), None)
        held = next((field.word for field in group if field.key == "HELD"), "not-checked")
        rest = [field for field in group if field.key not in {"LLM_SAYS_IT_DID", "HELD"}]
        yield ClaimCard(
            to_inline_html(claim.value, link) if claim else "no claim",
            held,
            _HELD.get(held, "Nobody checked"),
            tuple(definitions(rest, link)),
        )
