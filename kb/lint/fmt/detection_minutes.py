"""Writes DETECTION_CHAIN_MINUTES as the clocks give it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.fmt.text_edit import Edit, newline_of
from kb.records.document import Document
from kb.records.markdown import FieldLine, SectionText
from kb.records.postmortem import minutes_between, read_time

KEY = "DETECTION_CHAIN_MINUTES"
#: A number of minutes and nothing else, a remark in brackets apart: `3 hours` is left to a person.
_WRITTEN = regex(
    r"(?:(?P<number>\d+(?:[,_]\d{3})*(?:\.\d+)?)(?:[ \t]*min(?:ute)?s?\.?)?|unknown)"
    r"[ \t]*(?=\(|\Z)",
    re.IGNORECASE,
)
_ROUNDING = 0.5


def chain_minutes(document: Document) -> float | None:
    """Minutes from first impact (of a near miss: first warning) to detection; None if not known.

    A negative chain counts as not known: then the clocks are wrong, and no number is right.
    """
    near_miss = document.front.text("kind") == "near-miss"
    start = "first_warning" if near_miss else "first_impact"
    first, last = (read_time(document.front.text(f"clocks.{name}")) for name in (start, "detected"))
    minutes = minutes_between(first, last)
    return None if minutes is None or minutes < 0 else minutes


def rounded(minutes: float) -> int:
    """Whole minutes, halves upwards."""
    return math.floor(minutes + _ROUNDING)


def chain_field(document: Document) -> FieldLine | None:
    """The line that holds the number, None where there is none."""
    section = document.section("detection")
    return next((f for f in section.fields if f.key == KEY), None) if section else None


def written_minutes(value: str) -> float | None:
    """The minutes a value gives, None when it gives something else, such as hours or a range."""
    match = _WRITTEN.match(value.strip())
    return float(re.sub("[,_]", "", match["number"])) if match and match["number"] else None


def agrees(value: str, minutes: float) -> bool:
    """Whether a written value is this number of minutes, rounded either way."""
    number = written_minutes(value)
    return number is not None and abs(number - minutes) <= _ROUNDING


def minutes_edits(document: Document) -> Iterator[Edit]:
    """The edit that writes the computed number, a remark behind it kept."""
    section, minutes = document.section("detection"), chain_minutes(document)
    if section is None or minutes is None or document.front.faults:
        return
    field = chain_field(document)
    if field is None:
        yield from _inserted(document, section, minutes)
    elif not agrees(field.value, minutes):
        yield from _corrected(document, field, minutes)


def _corrected(document: Document, field: FieldLine, minutes: float) -> Iterator[Edit]:
    source = document.source_line(field.line)
    colon = source.find(":", max(source.find(field.written), 0)) + 1
    if not colon or field.style in {"table", "heading"}:
        return
    lead = len(source[colon:]) - len(source[colon:].lstrip())
    start = document.offset(field.line, colon + lead + 1)
    match = _WRITTEN.match(field.value.strip())
    written = (match["number"] or match[0].rstrip()) if match else ""
    what = f"{KEY} is {rounded(minutes)} by the clocks"
    if not field.value.strip():
        start = document.offset(field.line, colon + 1)
        yield Edit(start, start + lead, f" {rounded(minutes)}", what, "wrong-detection-minutes")
    elif written and source.startswith(written, colon + lead):
        end = start + len(written)
        yield Edit(start, end, str(rounded(minutes)), what, "wrong-detection-minutes")


def _inserted(document: Document, section: SectionText, minutes: float) -> Iterator[Edit]:
    """A first line in the section's evidence fence, or a fence of its own at the section's end."""
    newline = newline_of(document.text)
    line = f"{KEY}: {rounded(minutes)}{newline}"
    what = f"{KEY} is missing"
    opening = next(
        (ln for ln in section.lines if ln.is_mark and (ln.fence or "").split()[:1] == ["evidence"]),
        None,
    )
    if opening and opening.number < section.end_line and not opening.text[:1].isspace():
        at = document.offset(opening.number + 1)
        yield Edit(at, at, line, what, "wrong-detection-minutes")
        return
    if any(field.style != "fenced" for field in section.fields) or _ends_inside(section):
        return
    last = next((ln.number for ln in reversed(section.lines) if ln.text.strip()), section.line)
    at = document.offset(last) + len(document.source_line(last))
    fence = f"{newline}{newline}```evidence{newline}{line}```"
    yield Edit(at, at, fence, what, "wrong-detection-minutes")


def _ends_inside(section: SectionText) -> bool:
    """Whether the section ends in a fence or comment that was never closed."""
    lines = [line for line in section.lines if line.text.strip()]
    return bool(lines) and (
        lines[-1].comment or (lines[-1].fence is not None and not lines[-1].is_mark)
    )
