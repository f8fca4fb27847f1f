"""The days that a text names, in its headings, its labels and its prose, with their lines.

A span of days, `March 2–5, 2026`, is cut to the day it begins on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

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
_TO_WORD = r"[ ](?:to|until|till|through|bis|al|até)[ ]"
_TO = rf"(?:[ ]?[-–—/~～][ ]?|{_TO_WORD})"
_SPAN_DAY = r"\d{1,2}(?:st|nd|rd|th|\.)?"
_SPAN_MONTH = rf"(?:{MONTH_NAMES}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?)"
#: `first` and `last` are compared, `begin` and `year` are what is left.
_SPANS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # `2026-03-02/05`, `2026-03-02 to 2026-03-05`
        rf"(?<![\w-])(?P<begin>(?:\d{{4}}-\d{{2}}-)(?P<first>\d{{2}}))"
        rf"(?:/(?P<last>\d{{2}})|{_TO}\d{{4}}-\d{{2}}-\d{{2}})(?P<year>)(?![\w-])",
        # `March 2–5, 2026`, `March 30 – April 2, 2026`
        rf"(?<!\w)(?P<begin>{_SPAN_MONTH}[ ](?P<first>{_SPAN_DAY})){_TO}"
        rf"(?:{_SPAN_MONTH}[ ]{_SPAN_DAY}|(?P<last>{_SPAN_DAY}))(?P<year>,?[ ]\d{{4}})(?!\d)",
        # `2–5 March 2026`; in `SEV 2 - 14 March 2026` the 2 is no day.
        rf"(?<![\w.:/-])(?P<begin>(?P<first>{_SPAN_DAY}))(?:[-–—]|{_TO_WORD})(?P<last>{_SPAN_DAY})"
        rf"(?P<year>[ ]{_SPAN_MONTH}[ ]\d{{4}})(?!\d)",
    )
)
_LAST_DAY = 31
#: The word before a number: `region 1–4 May 2026` is of region 1, `from 1–4 May 2026` of four days.
_WORD_BEFORE = re.compile(r"(?:\w{1,20}|[#№]|\b(?:no|nr)\.)[ \t]{0,6}$", re.IGNORECASE)
_LONGEST_BEFORE = 30
_OF_TIME = frozenset(
    {"from", "between", "on", "of", "the", "during", "since", "dated", "date", "dates"}
    | {"am", "vom", "von", "zwischen", "den", "dem", "del", "dal", "desde", "de", "du"}
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


def begin_of_spans(text: str) -> str:
    """The text with each span of days as the day that it begins on."""
    if any(map(str.isdigit, text)):
        for pattern in _SPANS:
            text = pattern.sub(_begin, text)
    return text


def first_span(text: str) -> tuple[int, int, str] | None:
    """Where the first span of days begins and ends, with the day it begins on; None without one."""
    found = (span for pattern in _SPANS for span in pattern.finditer(text) if _is_span(span))
    first = min(found, key=re.Match.start, default=None)
    return (*first.span(), _begin(first)) if first else None


def _begin(span: re.Match[str]) -> str:
    return span["begin"] + span["year"] if _is_span(span) else span[0]


def _is_span(span: re.Match[str]) -> bool:
    """Whether the two numbers are days, the second after the first."""
    first, last = _number(span["first"]), _number(span["last"] or "")
    if first > _LAST_DAY or (span["last"] and first >= last):
        return False
    if span["begin"] != span["first"]:
        return True
    before = span.string[max(0, span.start() - _LONGEST_BEFORE) : span.start()]
    word = _WORD_BEFORE.search(before)
    return not word or word[0].strip().lower() in _OF_TIME


def _number(day: str) -> int:
    return int("".join(filter(str.isdigit, day)) or 0)
