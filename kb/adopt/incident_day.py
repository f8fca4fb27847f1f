"""The day of the incident that a text tells of: as a line calls it, or what bears it out.

A line that names the day of the incident goes before a heading and a `Date:`, these before front
matter and the name of the file, which as often are of the day it was written, and so are believed
only where the text does not name other days alone. What can be of two days is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from kb.adopt.day_ranges import begin_of_spans
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.labelled_lines import EDGES, LabelledLine, toml_title
from kb.records.document import Document
from kb.records.list_items import read_date
from kb.records.timeline import TimelineEntry
from kb.records.written_dates import MONTH_NAMES, no_such_day, read_written_time
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
)
_LONGEST_HEADING = 300
_LONGEST_LINE = 2_000
_MOST_LINES = 1_000
_LEAD_LINES = 15
_LEAD_END = 60
_MOST_NAMED = 3
_LONGEST_TOLD = 40
_TWO_WAYS = "which can be read in more than one way"
_WORD = re.compile(r"(?<!\w)\w")
#: A word that may begin a day: no part of an address, a path or a version.
_FREE_WORD = re.compile(r"(?<![\w/.@=-])\w")
_ADDRESS = re.compile(r"\w{1,20}://\S+|\]\([^()\s]{0,300}\)|`[^`\n]{0,300}`")
_MONTH = re.compile(rf"(?<!\w)(?:{MONTH_NAMES})(?:,?[ ](?:de[ ])?\d{{4}}|[ ]\d{{1,2}}(?!\w))", re.I)
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
    named = _labelled(labels, INCIDENT_DAYS, document)
    if len({one.day for one in named}) == 1:
        return _fact(named[0].day, named[0].source)
    told = [*_told(document, labels)]
    strong = [one for one in told if not one.is_weak]
    lived = _lived(document)
    if len({one.day for one in strong}) == 1:
        return _from_strong(strong[0], [one for one in told if one.is_weak], lived)
    if strong:
        return _of_several(strong, lived)
    if len({one.day for one in told}) == 1:
        return _from_weak(document, told[0], lived)
    return _of_several(told, lived) if told else _untold(document, labels, lived)


def days_in(heading: str, near: date | None = None) -> Iterator[date]:
    """The days a heading names, in whatever form; `near` lends its year to one without."""
    text = begin_of_spans(heading[:_LONGEST_HEADING])
    yield from (day for day, _ in _days_of(text, _WORD, near))


def read_written_day(text: str) -> date | None:
    """The one day a text begins with, None where it names none, or leaves it open."""
    found = read_written_time(begin_of_spans(text[:_LONGEST_HEADING].lstrip("@")))
    return found.day if found else None


def _days_of(text: str, word: re.Pattern[str], near: date | None) -> Iterator[tuple[date, int]]:
    end = 0
    for start in word.finditer(text):
        found = read_written_time(text[start.start() :], near) if start.start() >= end else None
        if found and found.day:
            end = start.start() + found.end
            yield found.day, start.start()


def _fact(day: date, source: str, *, stands_in: bool = False) -> DerivedFact:
    return DerivedFact("date", day.isoformat(), source, stands_in=stands_in)


def _unknown(why: str) -> DerivedFact:
    return DerivedFact("date", "", why)


def _listed(days: Iterable[_NamedDay]) -> str:
    return ", ".join(f"{one.source} says {one.day}" for one in days)


def _from_strong(told: _NamedDay, weak: list[_NamedDay], lived: list[date]) -> DerivedFact:
    """A day that a line or a heading tells; another in the file name is that of the writing.

    Where the timeline is of other days, or nothing settles which of two it is, it is unknown.
    """
    # A heading is of the incident, a file may be named for the day on which it was written.
    others = [one for one in weak if one.day != told.day]
    begins = lived[0] if lived and lived[-1] - lived[0] <= _ONE_INCIDENT else None
    is_later = all(told.day < one.day < told.day + _WRITTEN_SOON for one in others)
    if told.is_heading and is_later and begins not in {one.day for one in others}:
        return _fact(told.day, told.source)
    # A date that is no heading's may be of the writing, too: days after the timeline begins.
    is_late = begins and not told.is_heading and told.day - begins > _OTHER_ZONE
    if is_late or (begins and not _is_borne_out(told.day, lived)):
        return _unknown(f"{_listed([told, *others])}, its timeline begins on {lived[0]}")
    if others and lived and lived[0] == told.day:
        return _fact(told.day, f"its timeline; {_listed([told, *others])}")
    if others and lived and lived[0] == others[0].day:
        return _fact(lived[0], f"its timeline; {_listed([told, *others])}")
    return _unknown(_listed([told, *others])) if others else _fact(told.day, told.source)


def _of_several(told: list[_NamedDay], lived: list[date]) -> DerivedFact:
    """Of days that disagree the one that the timeline bears out."""
    borne_out = {one.day for one in told if one.day in lived}
    if len(borne_out) == 1:
        return _fact(borne_out.pop(), f"its timeline; {_listed(told)}")
    return _unknown(_listed(told))


def _from_weak(document: Document, told: _NamedDay, lived: list[date]) -> DerivedFact:
    """A day of front matter or of the file name, where the text does not name others alone.

    It is borne out by where the timeline begins: at its end the file may have been written.
    """
    if _is_borne_out(told.day, lived):
        is_begin = abs(told.day - lived[0]) <= _OTHER_ZONE
        why = f"{_listed([told])}, its timeline begins on {lived[0]}"
        return _fact(told.day, told.source) if is_begin else _unknown(why)
    prose = [*_prose_days(document, told.day, is_lead=True)]
    if any(abs(day - told.day) <= _OTHER_ZONE for day, _ in prose):
        return _fact(told.day, told.source)
    if not prose and not lived:
        return _named_by_no_line(document, told)
    fact = _untold(document, [], lived, prose)
    # Of front matter and another day neither is known to be that of the incident.
    is_near = fact.value and abs(date.fromisoformat(fact.value) - told.day) < _WRITTEN_SOON
    if is_near and told.source == FILE_NAME:
        return DerivedFact("date", fact.value, f"{fact.source}; {_listed([told])}", stands_in=True)
    place = fact.source.partition(",")[0]
    source = f"{place} says {fact.value}" if fact.value else fact.source
    return _unknown(f"{source}, {_listed([told])}")


def _named_by_no_line(document: Document, told: _NamedDay) -> DerivedFact:
    """A day of front matter or of the file name that stands nowhere in the text."""
    if _is_publication(document):
        return _unknown(f"{told.source} says {told.day}, when it may have been published")
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
    prose: list[tuple[date, int]] | None = None,
) -> DerivedFact:
    """The day of a text of which no label, heading or name tells it."""
    if why := _unread(document, labels):
        return _unknown(why)
    lead = [*_prose_days(document, is_lead=True)] if prose is None else prose
    if prose is None:
        prose = lead or [*_prose_days(document)]
    named = dict(reversed(prose))
    if not named and (month := _month(document)):
        return _unknown(month)
    if not named:
        return _begin_of_timeline(document, lived)
    first = prose[0][0]
    if first in lived:
        source = f"line {named[first]}, the first day it names, which its timeline has"
        return _fact(first, source, stands_in=True)
    others = {day for day, _ in _prose_days(document, first)} - {first}
    # Far below, a day may be that of the repair or of another incident.
    if len(named) == 1 and lead and not lived and not others:
        return _fact(first, f"line {named[first]}, the only day it names", stands_in=True)
    named |= {day: line for day, line in _prose_days(document, first) if day not in named}
    days = [_NamedDay(day, f"line {line}") for day, line in sorted(named.items())]
    more = f" and {len(days) - _MOST_NAMED} more" if len(days) > _MOST_NAMED else ""
    begins = f", its timeline begins on {lived[0]}" if lived else ""
    return _unknown(f"{_listed(days[:_MOST_NAMED])}{more}{begins}")


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
    line, told = _unclear(document)
    return f"line {line} says {told}, {_TWO_WAYS}" if line else ""


def _begin_of_timeline(document: Document, lived: list[date]) -> DerivedFact:
    if not lived:
        return _unknown(NO_DAY)
    line = next(e.line for e in _dated(document) if _day_as_written(document, e) == lived[0])
    if lived[-1] - lived[0] > _ONE_INCIDENT:
        return _unknown(f"its timeline goes from {lived[0]} to {lived[-1]}")
    source = f"line {line}, where its timeline begins"
    return _fact(lived[0], source, stands_in=len(lived) > 1)


def _is_borne_out(day: date, lived: list[date]) -> bool:
    return bool(lived) and lived[0] - _OTHER_ZONE <= day <= lived[-1] + _OTHER_ZONE


def _lived(document: Document) -> list[date]:
    """The days of the timeline, in their order."""
    return sorted({_day_as_written(document, entry) for entry in _dated(document)})


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


def _told(document: Document, labels: list[LabelledLine]) -> Iterator[_NamedDay]:
    yield from _labelled(labels, _DAYS, document)
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


def _prose_days(
    document: Document, near: date | None = None, *, is_lead: bool = False
) -> Iterator[tuple[date, int]]:
    """The days that the text names outside its timeline, code and links, with their lines.

    The lead is all up to the end of a summary near the top, or so many lines.
    """
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


def _month(document: Document) -> str:
    """The line that names a month with its year, or a day of a month, and no more; else empty."""
    for line in document.lines[:_MOST_LINES]:
        if line.fence is None and (found := _MONTH.search(line.text[:_LONGEST_LINE])):
            return f"line {line.number} says {found[0]}"
    return ""


def _unclear(document: Document) -> tuple[int, str]:
    """The line of a heading that names a day which can be two, and the day; 0 for none."""
    heading = next((section for section in document.sections if section.level == 1), None)
    for word in _WORD.finditer(heading.heading[:_LONGEST_HEADING]) if heading else ():
        found = read_written_time(heading.heading[word.start() :]) if heading else None
        if heading and found and found.unclear and not found.day:
            return heading.line, found.unclear
    return 0, ""
