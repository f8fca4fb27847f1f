"""Spans of days as people write them, `March 2–5, 2026`, cut to the day they begin on."""

from __future__ import annotations

import re

from kb.records.written_dates import MONTH_NAMES

_TO_WORD = r"[ ](?:to|until|till|through|bis|al|até)[ ]"
_TO = rf"(?:[ ]?[-–—/~～][ ]?|{_TO_WORD})"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.)?"
_MONTH = rf"(?:{MONTH_NAMES}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?)"
#: `first` and `last` are compared, `begin` and `year` are what is left.
_SPANS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # `2026-03-02/05`, `2026-03-02 to 2026-03-05`
        rf"(?<![\w-])(?P<begin>(?:\d{{4}}-\d{{2}}-)(?P<first>\d{{2}}))"
        rf"(?:/(?P<last>\d{{2}})|{_TO}\d{{4}}-\d{{2}}-\d{{2}})(?P<year>)(?![\w-])",
        # `March 2–5, 2026`, `March 30 – April 2, 2026`
        rf"(?<!\w)(?P<begin>{_MONTH}[ ](?P<first>{_DAY})){_TO}"
        rf"(?:{_MONTH}[ ]{_DAY}|(?P<last>{_DAY}))(?P<year>,?[ ]\d{{4}})(?!\d)",
        # `2–5 March 2026`; in `SEV 2 - 14 March 2026` the 2 is no day.
        rf"(?<![\w.:/-])(?P<begin>(?P<first>{_DAY}))(?:[-–—]|{_TO_WORD})(?P<last>{_DAY})"
        rf"(?P<year>[ ]{_MONTH}[ ]\d{{4}})(?!\d)",
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
