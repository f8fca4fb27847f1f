"""The parts of a record's sections, one function for each section that has a shape of its own.

The idempotency audit is a matrix, the policy path two lanes, an outcome assert a claim against the
world, the timeline a line with tags, actions are chips. Every other section is a definition list.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from markupsafe import Markup

from kb.records.list_items import ActionItem
from kb.records.markdown import FieldLine, SectionText
from kb.records.model import Postmortem
from kb.site.pages.section_blocks import (
    Definitions,
    Fields,
    Part,
    definitions,
    label,
    parts,
    parts_beside,
    with_said_day,
)
from kb.site.safe_html import LinkTarget, to_inline_html

PartsOf = Callable[[SectionText, Postmortem, LinkTarget], Iterable[Part]]

#: Questions of the audit whose answer is good when it is yes; the others are facts without colour.
_GOOD_WHEN_YES = {
    "WAS_THIS_CALL_IDEMPOTENT",
    "KEY_PRESENT_IN_TOOL_SCHEMA",
    "KEY_PRESENT_IN_AGENT_PROMPT",
    "KEY_PRESENT_IN_TRACE",
    "KEY_PRESENT_IN_LIVE_TRACE",
    "DEDUPE_AT_API_LAYER",
    "DEDUPE_AT_DB_LAYER",
}
_ATTRIBUTES = ("owner", "due", "lever", "gate", "tracker", "closed", "watch", "verified")
_HELD = {"yes": "It was so", "no": "It was not so"}


def section_parts(section: SectionText, record: Postmortem, link: LinkTarget) -> tuple[Part, ...]:
    """One section of a record in the parts it is drawn as."""
    draw = _PARTS_OF.get(section.key or "")
    return tuple(draw(section, record, link) if draw else parts(section, link))


def _grouped(fields: Fields, opener: str) -> list[Fields]:
    groups: list[list[FieldLine]] = []
    for field in fields:
        if field.key == opener or not groups:
            groups.append([])
        groups[-1].append(field)
    return [tuple(group) for group in groups]


@dataclass(frozen=True, slots=True)
class AuditCell:
    """The answer of one tool: `none`, `fact`, or `yes` and `gap` where one was hoped for."""

    state: str
    word: str = ""
    remark: Markup | str = ""


@dataclass(frozen=True, slots=True)
class AuditMatrix:
    """Tools as columns, questions as rows."""

    shape: ClassVar[str] = "audit"
    tools: tuple[str, ...]
    rows: tuple[tuple[str, tuple[AuditCell, ...]], ...]


def _idempotency(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    return parts(section, link, _audit_matrix)


def _audit_matrix(fields: Fields, link: LinkTarget) -> Iterator[Part]:
    groups = [g for g in _grouped(fields, "TOOL") if g[0].key == "TOOL"]
    if not groups:
        yield from definitions(fields, link)
        return
    by_tool = [{field.key: field for field in group} for group in groups]
    keys = dict.fromkeys(field.key for group in groups for field in group if field.key != "TOOL")
    yield AuditMatrix(
        tuple(group[0].value for group in groups),
        tuple(
            (label(key), tuple(_audit_cell(answers, key, link) for answers in by_tool))
            for key in keys
        ),
    )


def _audit_cell(answers: dict[str, FieldLine], key: str, link: LinkTarget) -> AuditCell:
    """A gap is an answer that says no where yes was needed."""
    field = answers.get(key)
    if field is None or not field.value.strip():
        return AuditCell("none")
    needed = answers.get("SHOULD_IT_HAVE_BEEN")
    gap = key in _GOOD_WHEN_YES and field.word == "no" and bool(needed and needed.word == "yes")
    harm = key == "REAL_HARM_OCCURRED" and field.word == "yes"
    is_good = key in _GOOD_WHEN_YES and field.word == "yes"
    state = "gap" if gap or harm else "yes" if is_good else "fact"
    word, _, remark = field.value.partition("(")
    return AuditCell(state, word.strip(), to_inline_html(remark.rstrip(") "), link))


@dataclass(frozen=True, slots=True)
class Lane:
    """One path, step by step; the step at which it left the allowed one is marked, -1 for none."""

    name: str
    css: str
    steps: tuple[Markup, ...]
    diverges_at: int


@dataclass(frozen=True, slots=True)
class Lanes:
    """The allowed path over the actual one."""

    shape: ClassVar[str] = "lanes"
    lanes: tuple[Lane, ...]


def _policy_path(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    return parts(section, link, _lanes)


def _lanes(fields: Fields, link: LinkTarget) -> Iterator[Part]:
    paths = {f.key: _steps(f.value) for f in fields if f.key in {"ALLOWED_POLICY", "ACTUAL_PATH"}}
    if not any(len(steps) > 1 for steps in paths.values()):
        yield from definitions(fields, link)
        return
    allowed = paths.get("ALLOWED_POLICY", ())
    yield Lanes(
        tuple(
            Lane(
                label(key),
                key.partition("_")[0].lower(),
                tuple(to_inline_html(step, link) for step in steps),
                -1 if key == "ALLOWED_POLICY" else _divergence(steps, allowed),
            )
            for key, steps in paths.items()
        )
    )
    yield from definitions([field for field in fields if field.key not in paths], link)


def _steps(text: str) -> tuple[str, ...]:
    return tuple(step.strip() for step in re.split(r"\s*(?:->|→)\s*", text) if step.strip())


def _divergence(steps: tuple[str, ...], allowed: tuple[str, ...]) -> int:
    """The place of the first step that is not the allowed one, -1 where none is."""
    if not allowed or steps == allowed:
        return -1
    same = [a == b for a, b in zip(steps, allowed, strict=False)]
    return same.index(False) if False in same else min(len(steps), len(allowed))


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """What the agent said it did, the check that would have told, and whether it was so."""

    shape: ClassVar[str] = "claim"
    said: Markup | str
    held: str
    verdict: str
    checks: tuple[Definitions, ...]


def _outcome_asserts(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    return parts(section, link, _claims)


def _claims(fields: Fields, link: LinkTarget) -> Iterator[ClaimCard]:
    for group in _grouped(fields, "LLM_SAYS_IT_DID"):
        claim = next((field for field in group if field.key == "LLM_SAYS_IT_DID"), None)
        held = next((field.word for field in group if field.key == "HELD"), "not-checked")
        rest = [field for field in group if field.key not in {"LLM_SAYS_IT_DID", "HELD"}]
        yield ClaimCard(
            to_inline_html(claim.value, link) if claim else "no claim",
            held,
            _HELD.get(held, "Nobody checked"),
            tuple(definitions(rest, link)),
        )


@dataclass(frozen=True, slots=True)
class Moment:
    """One dated line; its day is shown only where it changes, its hour where it has one."""

    at: datetime
    shows_day: bool
    hour: str
    text: Markup
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimelineList:
    """The dated lines of a timeline."""

    shape: ClassVar[str] = "timeline"
    moments: tuple[Moment, ...]


def _timeline(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    moments, day = [], None
    for entry in record.timeline:
        at = entry.at
        hour = f"{at:%H:%M}" if entry.has_time else ""
        text = to_inline_html(entry.text, link)
        moments.append(Moment(at, at.date() != day, hour, text, tuple(entry.tags)))
        day = at.date()
    if moments:
        yield TimelineList(tuple(moments))
    yield from parts_beside(section, {entry.line for entry in record.timeline}, link)


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """One action with its state, its attributes by name, and what became of it."""

    label: str
    text: Markup
    state: str
    is_untold: bool
    attributes: tuple[tuple[str, str], ...]
    days_overdue: int = 0
    effect: str = ""
    effect_why: str = ""


@dataclass(frozen=True, slots=True)
class ActionList:
    """The actions of a record."""

    shape: ClassVar[str] = "actions"
    entries: tuple[ActionEntry, ...]


def _actions(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    is_public = record.origin == "public"
    entries = tuple(_action(action, link, is_public) for action in record.actions)
    if entries:
        yield ActionList(entries)
    yield from parts_beside(section, {action.line for action in record.actions}, link)


def _action(action: ActionItem, link: LinkTarget, is_public: bool) -> ActionEntry:
    attributes = ((name, action.attribute(name)) for name in _ATTRIBUTES)
    return ActionEntry(
        action.label,
        to_inline_html(action.text, link),
        action.state,
        is_public and action.state == "open",
        tuple((name, with_said_day(value)) for name, value in attributes if value),
    )


def _without_priors(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """A section without the earlier incidents that have cards of their own, verdicts included."""
    lines = {prior.line for prior in record.priors if link(f"{prior.id}.md")}
    return parts_beside(section, lines, link)


_PARTS_OF: dict[str, PartsOf] = {
    "counterfactual": _without_priors,
    "timeline": _timeline,
    "policy_path": _policy_path,
    "outcome_asserts": _outcome_asserts,
    "idempotency": _idempotency,
    "actions": _actions,
}
