"""Whether a text is a log of several incidents, of which none is the incident of the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from kb.adopt.days_in_text import days_in, read_written_day
from kb.humanize import plural
from kb.records.document import Document
from kb.records.markdown import SectionText

#: `## Incident 2 — the pump stood still`: a heading of one among several.
_NUMBERED = re.compile(
    r"(?:incidente?|outage|post-?mortem|case|vorfall|störung|事故|障害)[ ]?(?:#|n[or°º]\.?)?[ ]?"
    r"(?P<number>\d{1,4}(?:-\d{1,4})*+)\b",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"[ \t>*_|+-]*(?:incident[ ]date|date(?:[ ]of[ ](?:the[ ])?incident)?|fecha|datum|日期|日付)"
    r"[ \t*_]*[:：|][ \t*_|]*(?P<day>[^|*]{6,40})",
    re.IGNORECASE,
)
#: How a reason begins that is of such a text.
SEVERAL = "it tells of"
_MOST_NAMED = 3
#: How many dates below headings of their own make a log of a text.
_SEVERAL = 2
_NEAR = 5
#: Sections that hold days of one incident.
_OF_ONE = frozenset({"timeline", "actions"})


def several_incidents(document: Document) -> tuple[int, str]:
    """The line where the first of several begins, and what to say of them; 0 for one incident."""
    found = ([*lines(document)] for lines in (_titled, _numbered, _dated))
    lines = next((lines for lines in found if len(lines) >= _SEVERAL), [])
    if not lines:
        return 0, ""
    named = ", ".join(map(str, lines[:_MOST_NAMED]))
    more = ", …" if len(lines) > _MOST_NAMED else ""
    return lines[0], f"{SEVERAL} {plural(len(lines), 'incident')}, from lines {named}{more} on"


def _titled(document: Document) -> Iterator[int]:
    """The lines of titles, headings of the first level, that name days which differ."""
    days = set()
    for section in (one for one in document.sections if one.level == 1):
        day = next(days_in(section.heading), None)
        if day and day not in days:
            days.add(day)
            yield section.line


def _numbered(document: Document) -> Iterator[int]:
    """The lines of headings below the first level that have numbers which differ."""
    numbers = set()
    for section in (one for one in document.sections if one.level > 1):
        found = _NUMBERED.match(section.heading.strip(" *_#"))
        if found and found["number"] not in numbers:
            numbers.add(found["number"])
            yield section.line


def _dated(document: Document) -> Iterator[int]:
    """The lines of the dates that differ, each right below a heading of the highest level."""
    below = [one for one in document.sections if one.level > 1 and one.key not in _OF_ONE]
    level = min((one.level for one in below), default=0)
    days = set()
    for section in (one for one in below if one.level == level):
        found = _date_below(document, section)
        if found and found[1] not in days:
            days.add(found[1])
            yield found[0]


def _date_below(document: Document, section: SectionText) -> tuple[int, date] | None:
    end = min(section.line + _NEAR, section.end_line)
    for number in range(section.line + 1, end + 1):
        row = _DATED.match(document.source_line(number))
        day = read_written_day(row["day"].strip(" *_")) if row else None
        if day:
            return number, day
    return None
