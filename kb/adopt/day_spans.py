"""Spans of days as people write them, `March 2–5, 2026`, cut to the day they begin on."""

from __future__ import annotations

import re

from kb.records.dates import MONTH_NAMES

_TO = r"(?:[ ]?[-–—/][ ]?|[ ](?:to|until|till|through|bis|al|até)[ ])"
_DAY = r"\d{1,2}(?:st|nd|rd|th|\.)?"
_MONTH = rf"(?:{MONTH_NAMES}|(?:jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?)"
_SPANS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # `2026-03-02/05`, `2026-03-02 to 2026-03-05`
        rf"(?<![\w-])(\d{{4}}-\d{{2}}-\d{{2}})(?:/\d{{2}}|{_TO}\d{{4}}-\d{{2}}-\d{{2}})()(?![\w-])",
        # `March 2–5, 2026`, `March 30 – April 2, 2026`
        rf"(?<!\w)({_MONTH}[ ]{_DAY}){_TO}(?:{_MONTH}[ ])?{_DAY}(,?[ ]\d{{4}})(?!\d)",
        # `2–5 March 2026`
        rf"(?<![\w.:/-])({_DAY}){_TO}{_DAY}([ ]{_MONTH}[ ]\d{{4}})(?!\d)",
    )
)


def begin_of_spans(text: str) -> str:
    """The text with each span of days as the day that it begins on."""
    if any(map(str.isdigit, text)):
        for span in _SPANS:
            text = span.sub(r"\1\2", text)
    return text
