"""The day of the incident that a text tells of: as a line calls it, or what bears it out.

A line that names the day of the incident goes before a heading and a `Date:`, these before front
matter and the name of the file, which as often are of the day it was written, and so are believed
only where the text does not name other days alone. What can be of two days is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from kb.adopt.days_in_text import (
    days_in,
    days_with_places,
    named_month,
    other_day,
    prose_days,
    read_written_day,
    unclear_day,
)
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.labelled_lines import EDGES, LabelledLine, toml_title
from kb.adopt.several_incidents import several_incidents
from kb.records.document import Document
from kb.records.list_items import read_date
from kb.records.markdown import read_heading
from kb.records.timeline import TimelineEntry
from kb.records.written_dates import no_such_day, read_written_time
from kb.sentences import clipped

#: What names the day of the incident and no other.
INCIDENT_DAYS = frozenset(
    {"incident date", "date of incident", "date of the incident", "incident start date"}
    | {"incident from", "incident start", "incident started", "date occurred", "occurred on"}
    | {"date of occurrence", "date of outage", "outage date", "occurred", "occurred at"}
    | {"incident start time", "incident began", "date of event", "event date"}
    | {"fecha del incidente", "data do incidente", "date de l'incident", "datum des vorfalls"}
    | {"data dell'incidente", "datum van het incident", "發生時間", "发生时间", "首次发生时间"}
    | {"発生日時", "発生日", "発生時刻", "발생일시", "발생일", "发生日期", "故障时间"}
)
_DAYS = frozenset(
    {
        "date",
        "dates",
        "date range",
        "date and time",
        "date/time",
        "fecha",
        "data",
        "datum",
        "日付",
        "日期",
        "날짜",
        "дата",
    }
)
#: Why a date is unknown where a text says nothing of one, and something else may stand in.
NO_DAY = "nothing names a day"
FILE_NAME = "the file name"
#: A timeline of more days holds what led to it, or what was done later.
_ONE_INCIDENT = timedelta(days=7)
#: A day of another zone.
_OTHER_ZONE = timedelta(days=1)
#: Within so many days of an incident its file is named for the day of the writing.
_WRITTEN_SOON = timedelta(days=31)
#: Keys of the front matter of a site's page: its `date` is when it was published.
_PAGE_KEYS = frozenset(
    {"author", "authors", "layout", "permalink", "categories", "category", "draft", "slug"}
    | {"excerpt", "image", "cover", "lastmod", "pubdate", "publishdate", "published"}
    | {"description"}
)
#: Keys of front matter that is about an incident, and so is its `date`.
_INCIDENT_KEY = re.compile(
    r"sev|impact|duration|detect|resolv|start|affected|incident|outage|root[_-]?cause|service|mtt"
    r"|when|time|period|window|happened|began|begin|occurred|summary|fecha|data|hora|inicio|début"
    r"|discover|found|introduced"
    r"|时间|時間|日時|日期|시간|일시"
)
#: A label with a blank behind its colon: in `At 01:52 UTC` there is none.
_ANY_LABEL = re.compile(
    r"[ \t>|*_+-]{0,20}(?P<label>[^\W\d][\w /()-]{1,40}?)[ \t*_]{0,8}[:：|](?!\d)"
)
#: What a date has behind it that is not of the incident: `2026-05-23 (the incident predates it)`.
_OF_ELSE = re.compile(
    r"[^(（]{0,30}[(（][^)）]{0,60}(?:predate|before|earlier|writ|publish|draft|review)",
    re.IGNORECASE,
)
_LONGEST_REMARK = 60
_FEW_SECTIONS = 4
#: Before the only day of a text: what was done on it is not how the incident began.
_DONE_ON = re.compile(
    r"\b(?:fixed|resolved|closed|mended|merged|deployed|released|shipped|published|reviewed|updated"
    r"|revised|changed|written|created|scheduled|due|until|by)\b[^.!?]{0,60}$",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"(?<![\d:.])\d{1,2}:\d{2}(?!\d)")
_MOST_NAMED = 3
_LONGEST_TOLD = 40
_TWO_WAYS = "which can be read in more than one way"
#: A day in a name: `2021-03-04`, `2021_03_04` and `20210304`.
_ISO = re.compile(r"(?<!\d)(?:(\d{4})([-_.])(\d{2})\2(\d{2})|(20\d{2})()(\d{2})(\d{2}))(?!\d)")


@dataclass(frozen=True, slots=True)
class _NamedDay:
    """A day and where it stands; `is_weak` for one that may be that of the writing."""

    day: date
    source: str
    is_weak: bool = False
    is_heading: bool = False


def derive_day(document: Document, labels: list[LabelledLine]) -> DerivedFact:
    """The day of the incident, with its source; empty where it is unknown."""
    begin, several = several_incidents(document)
    rows = [row for row in labels if not begin or row.line < begin]
    named = _labelled(rows, INCIDENT_DAYS, document)
    lived = _timeline_days(document)
    if named:
        is_one = len({one.day for one in named}) == 1
        return _fact(named[0].day, named[0].source) if is_one else _of_several(named, lived)
    if several and not _is_dated(document):
        return _unknown(several)
    return _remarked(document, labels) or _derived(document, labels, lived)


def _derived(document: Document, labels: list[LabelledLine], lived: list[date]) -> DerivedFact:
    """The day of a text that calls none that of the incident."""
    told = [*_named_days(document, labels)]
    strong = [one for one in told if not one.is_weak]
    if len({one.day for one in strong}) == 1:
        return _from_strong(document, strong, [one for one in told if one.is_weak], lived)
    if strong:
        return _of_several(strong, lived)
    if len({one.day for one in told}) == 1:
        return _from_weak(document, told[0], lived)
    return _of_several(told, lived) if told else _untold(document, labels, lived)


def _is_dated(document: Document) -> bool:
    """Whether the title has a day: what stands below it, in however many parts, is of that day."""
    return any(days_in(document.title))


def _remarked(document: Document, labels: list[LabelledLine]) -> DerivedFact | None:
    """An unknown day where a date says of itself that it is of something else."""
    for row in labels:
        day = read_written_day(row.value) if row.label in _DAYS else None
        if day and row.line > document.front.end_line and _OF_ELSE.match(row.value):
            told = clipped(row.value, _LONGEST_REMARK)
            return _unknown(f"line {row.line} says {told}", day)
    return None


def _fact(day: date, source: str, *, stands_in: bool = False) -> DerivedFact:
    return DerivedFact("date", day.isoformat(), source, stands_in=stands_in)


def _unknown(why: str, proposal: date | None = None) -> DerivedFact:
    return DerivedFact("date", "", why, proposal=proposal.isoformat() if proposal else "")


def _contested(days: Iterable[_NamedDay], lived: list[date]) -> DerivedFact:
    """No day, for these disagree, and where a timeline of one incident begins as the proposal.

    Else it is the first of them: a day of the writing, the repair or the end is later.
    """
    days = [*days]
    begins = f", its timeline begins on {lived[0]}" if lived else ""
    is_one = lived and lived[-1] - lived[0] <= _ONE_INCIDENT
    first = lived[0] if is_one else min(one.day for one in days)
    return _unknown(f"{_listed(days)}{begins}", first)


def _listed(days: Iterable[_NamedDay]) -> str:
    told = [*dict.fromkeys(f"{one.source} says {one.day}" for one in days)]
    more = f" and {len(told) - _MOST_NAMED} more" if len(told) > _MOST_NAMED + 1 else ""
    return f"{', '.join(told[:_MOST_NAMED] if more else told)}{more}"


def _from_strong(
    document: Document, strong: list[_NamedDay], weak: list[_NamedDay], lived: list[date]
) -> DerivedFact:
    """A day that a line or a heading tells; another in the file name is that of the writing.

    Where the timeline is of other days, the lead names earlier ones alone, or nothing settles which
    of two it is, it is unknown.
    """
    told, others = strong[0], [one for one in weak if one.day != strong[0].day]
    begins = lived[0] if lived and lived[-1] - lived[0] <= _ONE_INCIDENT else None
    # A date that is no heading's may be of the writing, too: days after the timeline begins.
    is_late = begins and not told.is_heading and told.day - begins > _OTHER_ZONE
    if is_late or (lived and not _is_borne_out(told.day, lived)):
        return _contested([told, *others], lived)
    if not lived and (earlier := _earlier_alone(document, told.day, strong)):
        return _contested([told, *others, *earlier], lived)
    # A heading is of the incident, a file may be named for the day on which it was written.
    is_later = all(told.day < one.day < told.day + _WRITTEN_SOON for one in others)
    if not others or (told.is_heading and is_later and begins not in {one.day for one in others}):
        return _fact(told.day, told.source)
    named = {told.day, *(one.day for one in others)}
    if lived and lived[0] in named:
        return _fact(lived[0], f"its timeline; {_listed([told, *others])}")
    return _contested([told, *others], lived)


def _earlier_alone(document: Document, day: date, told: Iterable[_NamedDay]) -> list[_NamedDay]:
    """The days soon before it that the lead names, where it does not name the day itself.

    Lines that tell the day, those of `told`, count for nothing: all may be of the writing.
    """
    own = {one.source for one in told}
    named = [one for one in _lead_days(document, day) if one.source not in own]
    is_named = any(abs(one.day - day) <= _OTHER_ZONE for one in named)
    return [] if is_named else [one for one in named if _is_soon_before(one.day, day)]


def _is_soon_before(earlier: date, day: date) -> bool:
    """Whether a text of the one day may tell of the other; long before lies another incident."""
    return _OTHER_ZONE < day - earlier < _WRITTEN_SOON


def _lead_days(document: Document, near: date | None) -> list[_NamedDay]:
    days = prose_days(document, near, is_lead=True)
    return [_NamedDay(day, f"line {line}") for day, line in days]


def _of_several(told: list[_NamedDay], lived: list[date]) -> DerivedFact:
    """Of days that disagree the one on which the timeline begins."""
    borne_out = {one.day for one in told if lived and abs(one.day - lived[0]) <= _OTHER_ZONE}
    if len(borne_out) == 1:
        return _fact(borne_out.pop(), f"its timeline; {_listed(told)}")
    return _contested(told, lived)


def _from_weak(document: Document, told: _NamedDay, lived: list[date]) -> DerivedFact:
    """A day of front matter or of the file name, where the text does not name others.

    It is borne out by where the timeline begins: a day later the file may have been written.
    """
    if lived:
        is_begin = timedelta(0) <= lived[0] - told.day <= _OTHER_ZONE
        return _fact(told.day, told.source) if is_begin else _contested([told], lived)
    # No file is named, and no page is dated, before the incident it tells of.
    prose = [one for one in _lead_days(document, told.day) if one.day - told.day <= _OTHER_ZONE]
    if not prose:
        return _named_by_no_line(document, told)
    if abs(prose[0].day - told.day) <= _OTHER_ZONE:
        return _fact(told.day, told.source)
    only = _untold(document, [], lived, told.day)
    # Of front matter and another day neither is known to be that of the incident.
    if only.value and told.source == FILE_NAME and _is_soon_before(prose[0].day, told.day):
        return replace(only, source=f"{only.source}; {_listed([told])}", stands_in=True)
    return _contested([*prose[:_MOST_NAMED], told], lived)


def _named_by_no_line(document: Document, told: _NamedDay) -> DerivedFact:
    """A day of front matter or of the file name that stands nowhere in the lead."""
    if _is_publication(document):
        return _unknown(f"{told.source} says {told.day}, when it may have been published", told.day)
    days = [_NamedDay(day, f"line {line}") for day, line in prose_days(document, told.day)]
    earlier = [one for one in days if _is_soon_before(one.day, told.day)]
    if earlier and not any(abs(one.day - told.day) <= _OTHER_ZONE for one in days):
        return _contested([*earlier[:_MOST_NAMED], told], [])
    named = told.source != FILE_NAME
    source = told.source if named else f"{told.source}, and no line names it"
    return _fact(told.day, source, stands_in=not named)


def _is_publication(document: Document) -> bool:
    """Whether front matter is that of a page of a site, and says nothing of an incident."""
    keys = {entry.key.lower() for entry in document.front.entries}
    return not keys.isdisjoint(_PAGE_KEYS) and not any(map(_INCIDENT_KEY.match, keys))


def _untold(
    document: Document,
    labels: list[LabelledLine],
    lived: list[date],
    near: date | None = None,
) -> DerivedFact:
    """The day of a text of which no label, heading or name tells it.

    `near` lends its year to a day without one, else the timeline does.
    """
    if why := _unread(document, labels):
        return _unknown(why)
    near = near or (lived[0] if lived else None)
    lead = [*prose_days(document, near, is_lead=True)]
    prose = lead or [*prose_days(document, near)]
    if prose:
        return _of_prose(document, prose, lived, is_lead=bool(lead))
    if month := named_month(document):
        return _unknown(month)
    if not lived and (other := other_day(document)):
        return _unknown(f"line {other[0]} says {other[1]}, which may be of the writing", other[1])
    return _begin_of_timeline(document, lived)


def _of_prose(
    document: Document, prose: list[tuple[date, int]], lived: list[date], *, is_lead: bool
) -> DerivedFact:
    """The first day that a text names, where its timeline has it, too, or it names no other."""
    named, first = dict(reversed(prose)), prose[0][0]
    if first in lived:
        source = f"line {named[first]}, the first day it names, which its timeline has"
        return _fact(first, source, stands_in=True)
    others = {day: line for day, line in prose_days(document, first) if day not in named}
    is_told = is_lead and _tells_begin(document.source_line(named[first]), first)
    # Far below, a day may be that of the repair or of another incident.
    if len(named) == 1 and is_told and not lived and not others:
        return _fact(first, f"line {named[first]}, the only day it names", stands_in=True)
    days = [_NamedDay(day, f"line {line}") for day, line in sorted((named | others).items())]
    more = f" and {len(days) - _MOST_NAMED} more" if len(days) > _MOST_NAMED else ""
    fact = _contested(days[:_MOST_NAMED], lived)
    return replace(fact, source=f"{fact.source}{more}")


def _tells_begin(line: str, day: date) -> bool:
    """Whether a day in a line may be that on which it began.

    It is none of a value of something else, `Sprint: 2026-05-04`, or of what was done on it.
    """
    label = _ANY_LABEL.match(line)
    if label is not None and not _INCIDENT_KEY.search(label["label"].lower()):
        return False
    start = next((start for found, start in days_with_places(line, day) if found == day), 0)
    return not _DONE_ON.search(line[:start])


def _unread(document: Document, labels: list[LabelledLine]) -> str:
    """Why a line that is of the day, or the heading, names none; empty where there is neither."""
    row = next((row for row in labels if row.label in _DAYS | INCIDENT_DAYS), None)
    if row and (odd := no_such_day(row.value.lstrip("@"))):
        return f"line {row.line} says {odd}, which is no day of the calendar"
    if row:
        told = clipped(row.value.replace("\\", ""), _LONGEST_TOLD)
        found = read_written_time(row.value.lstrip("@"))
        why = _TWO_WAYS if found and found.unclear else "which names no day"
        return f"line {row.line} says {told}, {why}"
    line, told = unclear_day(document)
    return f"line {line} says {told}, {_TWO_WAYS}" if line else ""


def _begin_of_timeline(document: Document, lived: list[date]) -> DerivedFact:
    if not lived:
        return _unknown(NO_DAY)
    entries = (e.line for e in _dated(document) if _day_as_written(document, e) == lived[0])
    section = document.section("timeline")
    line = next(entries, section.line if section else 0)
    if lived[-1] - lived[0] > _ONE_INCIDENT:
        return _unknown(f"its timeline goes from {lived[0]} to {lived[-1]}", lived[0])
    source = f"line {line}, where its timeline begins"
    return _fact(lived[0], source, stands_in=len(lived) > 1)


def _is_borne_out(day: date, lived: list[date]) -> bool:
    return bool(lived) and lived[0] - _OTHER_ZONE <= day <= lived[-1] + _OTHER_ZONE


def _timeline_days(document: Document) -> list[date]:
    """The days of the timeline, in their order; none where it begins with times alone."""
    section, entries = document.section("timeline"), _dated(document)
    if section is None:
        return []
    headings = filter(None, (read_heading(line.text) for line in section.lines))
    days = {day for heading in headings for day in days_in(heading, document.name_date)}
    begin = entries[0].line if entries else section.end_line
    above = (line.text for line in section.lines if line.number < begin)
    if not days and any(map(_CLOCK.search, above)):
        return []
    return sorted(days | {_day_as_written(document, entry) for entry in entries})


def _dated(document: Document) -> list[TimelineEntry]:
    return [entry for entry in document.timeline if entry.has_day]


def _day_as_written(document: Document, entry: TimelineEntry) -> date:
    """The day a line of the timeline names, which in UTC may be the one before or after."""
    near = entry.at.date()
    written = days_in(document.source_line(entry.line))
    return next((day for day in written if abs(day - near) <= _OTHER_ZONE), near)


def _labelled(
    labels: Iterable[LabelledLine], names: frozenset[str], document: Document
) -> list[_NamedDay]:
    own = document.front.end_line
    found = ((row, read_written_day(row.value)) for row in labels if row.label in names)
    return [_NamedDay(day, f"line {row.line}", row.line <= own) for row, day in found if day]


def _named_days(document: Document, labels: list[LabelledLine]) -> Iterator[_NamedDay]:
    # At the foot of a text a date is that of the writing.
    foot = document.sections[-1].line if len(document.sections) >= _FEW_SECTIONS else None
    yield from _labelled((r for r in labels if not foot or r.line < foot), _DAYS, document)
    for section in document.sections:
        if section.heading.strip(EDGES).lower() in _DAYS | INCIDENT_DAYS:
            first = next((line for line in section.lines if line.text.strip()), None)
            if first and (day := read_written_day(first.text.strip(EDGES))):
                yield _NamedDay(day, f"line {first.number}")
    file_day = next(filter(None, map(read_date, _iso_texts(document.path.name))), None)
    title = document.front.text("title") or toml_title(document, labels)
    line = next((row.line for row in labels if row.label == "title"), 1)
    for day in days_in(title, file_day):
        yield _NamedDay(day, f"line {line}", is_heading=True)
    heading = next((section for section in document.sections if section.level == 1), None)
    for day in days_in(heading.heading, file_day) if heading else ():
        yield _NamedDay(day, f"line {heading.line}" if heading else "", is_heading=True)
    if file_day:
        yield _NamedDay(file_day, FILE_NAME, is_weak=True)


def _iso_texts(name: str) -> list[str]:
    found = (tuple(filter(str.isdigit, filter(None, m.groups()))) for m in _ISO.finditer(name))
    return ["-".join(parts) for parts in found]


def without_iso_days(name: str) -> str:
    """A name without the days in it."""
    return _ISO.sub("", name)
