"""The idempotency-key audit of a page: a matrix of tools and questions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from kb.records.markdown import FieldLine, SectionText
from kb.records.postmortem import Postmortem
from kb.site.pages.sections.blocks import Fields, Part, definitions, grouped, label, parts
from kb.site.safe_html import LinkTarget, to_inline_html

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


def idempotency_parts(section: SectionText, _: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """The audit of each tool that is named, as one matrix."""
    return parts(section, link, _audit_matrix)


def _audit_matrix(fields: Fields, link: LinkTarget) -> Iterator[Part]:
    groups = [g for g in grouped(fields, "TOOL") if g[0].key == "TOOL"]
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
