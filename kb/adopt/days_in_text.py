"""The days that a text names, in its headings, its labels and its prose, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from kb.adopt.day_ranges import begin_of_spans
from kb.records.document import Document
from kb.records.written_dates import MONTH_NAMES, read_written_time

_LONGEST_HEADING = 300
_LONGEST_LINE = 2_000
_MOST_LINES = 1_000
_LEAD_LINES = 15
_LEAD_END = 60
_WORD = re.compile(r"(?<!\w)\w")
#: A word that may begin a day: no part of an address, a path or a version.
_FREE_WORD = re.compile(r"(?<![\w/.@=-])\w")
_ADDRESS = re.compile(r"\w{1,20}://\S+|\]\([^()\s]{0,300}\)|`[^`\n]{0,300}`")
#: Lines that name the day of the writing, or of the end, and none of the incident.
_OF_OTHER = re.compile(
    r"[ \t>*_|#-]*(?:posted|published|(?:last[ ])?(?:updated|modified|reviewed|edited)|written"
    r"|created|generated|prepared|reported|filed|opened|merged|deployed|fixed|closed|ended|restored"
    r"|recovered|resolved|mitigated|verified|version|due|deadline|next[ ]review"
    r"|review(?:[ ]date)?)\b"
    r"[^:：|\n]{0,30}[:：|]",
    re.IGNORECASE,
)
_MONTH = re.compile(
    rf"(?<!\w)(?:{MONTH_NAMES})(?:,?[ ](?:de[ ])?\d{{4}}|[ ]\d{{1,2}}(?:st|nd|rd|th)?(?!\w))", re.I
)


def days_in(heading: str, near: date | None = None) -> Iterator[date]:
    """The days a heading names, in whatever form; `near` lends its year to one without."""
    text = begin_of_spans(heading[:_LONGEST_HEADING])
    yield from (day for day, _ in _days_of(text, _WORD, near))


def read_written_day(text: str) -> date | None:
    """The one day a text begins with, None where it names none, or leaves it open."""
    found = read_written_time(begin_of_spans(text[:_LONGEST_HEADING].lstrip("@")))
    return found.day if found else None


def days_with_places(line: str, near: date) -> Iterator[tuple[date, int]]:
    """The days of a line of prose, each with where it begins."""
    yield from _days_of(begin_of_spans(line[:_LONGEST_LINE]), _FREE_WORD, near)


def _days_of(text: str, word: re.Pattern[str], near: date | None) -> Iterator[tuple[date, int]]:
    end = 0
    for start in word.finditer(text):
        found = read_written_time(text[start.start() :], near) if start.start() >= end else None
        if found and found.day:
            end = start.start() + found.end
            yield found.day, start.start()


def prose_days(
    document: Document, near: date | None = None, *, is_lead: bool = False
) -> Iterator[tuple[date, int]]:
    """The days that the text names outside its timeline, code and links, with their lines.

    Lines that name the day of the writing or of the end (`Last reviewed: …`) are left out. The lead
    is all up to the end of a summary near the top, or so many lines.
    """
    found = _prose_days(document, near, is_lead=is_lead)
    yield from (one for one in found if not _OF_OTHER.match(document.source_line(one[1])))


def other_day(document: Document) -> tuple[int, date] | None:
    """The line and the day of the first that is of the writing or of the end."""
    found = _prose_days(document, None, is_lead=True)
    return next(((n, day) for day, n in found if _OF_OTHER.match(document.source_line(n))), None)


def _prose_days(
    document: Document, near: date | None, *, is_lead: bool
) -> Iterator[tuple[date, int]]:
    timeline = document.section("timeline")
    summary = next((one for one in document.sections if one.key == "summary"), None)
    skipped = {line.number for line in timeline.lines} if timeline else set()
    texts = [line for line in document.lines if line.fence is None and not line.comment]
    if is_lead and summary and summary.lines and summary.line <= _LEAD_END:
        texts = [line for line in texts if line.number <= summary.lines[-1].number]
    elif is_lead:
        texts = [line for line in texts if line.text.strip()][:_LEAD_LINES]
    for line in texts[:_MOST_LINES]:
        if line.number not in skipped and any(map(str.isdigit, line.text)):
            plain = begin_of_spans(_ADDRESS.sub(" ", line.text[:_LONGEST_LINE]))
            yield from ((day, line.number) for day, _ in _days_of(plain, _FREE_WORD, near))


def named_month(document: Document) -> str:
    """The line that names a month with its year, or a day of a month, and no more; else empty."""
    timeline = document.section("timeline")
    skipped = {line.number for line in timeline.lines} if timeline else set()
    lines = (line for line in document.lines[:_MOST_LINES] if line.number not in skipped)
    for line in lines:
        if line.fence is None and (found := _MONTH.search(line.text[:_LONGEST_LINE])):
            return f"line {line.number} says {found[0]}"
    return ""


def unclear_day(document: Document) -> tuple[int, str]:
    """The line of a heading that names a day which can be two, and the day; 0 for none."""
    heading = next((section for section in document.sections if section.level == 1), None)
    for word in _WORD.finditer(heading.heading[:_LONGEST_HEADING]) if heading else ():
        found = read_written_time(heading.heading[word.start() :]) if heading else None
        if heading and found and found.unclear and not found.day:
            return heading.line, found.unclear
    return 0, ""
