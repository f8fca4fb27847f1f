"""What in an old text tells the day of its incident: lines, headings, names, lead and timeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from kb.adopt.days_in_text import days_in, days_with_places, prose_days, read_written_day
from kb.adopt.labelled_lines import EDGES, LabelledLine, toml_title
from kb.records.action_and_prior_items import read_date
from kb.records.document import Document
from kb.records.markdown import read_heading
from kb.records.timeline import TimelineEntry

#: What names the day of the incident and no other.
INCIDENT_DAYS = frozenset(
    {"incident date", "date of incident", "date of the incident", "incident start date"}
    | {"incident from", "incident start", "incident started", "date occurred", "occurred on"}
    | {"date of occurrence", "date of outage", "outage date", "occurred", "occurred at"}
    | {"incident start time", "incident began", "date of event", "event date"}
    | {"date and time of incident", "date and time of the incident", "date/time of incident"}
    | {"date & time of incident", "incident date and time", "incident date/time", "首次出现"}
    | {"fecha del incidente", "data do incidente", "date de l'incident", "datum des vorfalls"}
    | {"data dell'incidente", "datum van het incident", "發生時間", "发生时间", "首次发生时间"}
    | {"発生日時", "発生日", "発生時刻", "발생일시", "발생일", "发生日期", "故障时间"}
)
DATES = frozenset(
    {"date", "dates", "date range", "date and time", "date/time", "fecha", "data", "datum"}
    | {"日付", "日期", "날짜", "дата"}
)
FILE_NAME = "the file name"
#: A day of another zone.
OTHER_ZONE = timedelta(days=1)
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
#: Before a day: what was done on it is not how the incident began.
_DONE_ON = re.compile(
    r"\b(?:fixed|resolved|closed|mended|merged|deployed|released|shipped|published|reviewed|updated"
    r"|revised|changed|written|created|scheduled|due|until|by)\b[^.!?]{0,60}$",
    re.IGNORECASE,
)
#: At the foot of a text of so many sections a date is that of the writing.
_FEW_SECTIONS = 4
_FEW_TIMES = 2
_CLOCK = re.compile(r"(?<![\d:.])\d{1,2}:\d{2}(?!\d)")
#: A day in a name: `2021-03-04`, `2021_03_04` and `20210304`.
_ISO = re.compile(r"(?<!\d)(?:(\d{4})([-_.])(\d{2})\2(\d{2})|(20\d{2})()(\d{2})(\d{2}))(?!\d)")

#: The kinds of witnesses. A page and its file are named and dated in one go: they are one witness.
LABEL, HEADING, PAGE, LEAD, TIMELINE = "label", "heading", "page", "lead", "timeline"
ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class DayWitness:
    """A day, the kind of what tells it, and where that stands."""

    kind: str
    day: date
    source: str


def day_witnesses(document: Document, labels: list[LabelledLine]) -> list[DayWitness]:
    """All that tells the day of the incident, in the order in which it is believed."""
    found = [*_dated_lines(document, labels), *_headings(document, labels)]
    found += _page(document, labels)
    lines = {one.source for one in found}
    near = found[0].day if found else None
    timeline = timeline_days(document)
    found += (
        one for one in lead_days(document, near or _first(timeline)) if one.source not in lines
    )
    return [*found, *_begin_of_timeline(document, timeline), *_times_alone(document, found)]


def incident_days(document: Document, labels: Iterable[LabelledLine]) -> Iterator[DayWitness]:
    """The days that lines and headings call those of the incident."""
    yield from _labelled(labels, INCIDENT_DAYS, document)
    yield from _below_headings(document, INCIDENT_DAYS)


def lead_days(
    document: Document, near: date | None, *, is_any: bool = False
) -> Iterator[DayWitness]:
    """The days that the lead tells as those of what happened; `is_any`: all that it names.

    `near` lends its year to a day without one.
    """
    for day, line in prose_days(document, near, is_lead=True):
        if is_any or _tells_begin(document.source_line(line), day):
            yield DayWitness(LEAD, day, f"line {line}")


def timeline_days(document: Document) -> list[date]:
    """The days of the timeline, in their order; none where it begins with times alone."""
    section, entries = document.section("timeline"), _dated_entries(document)
    if section is None:
        return []
    headings = filter(None, (read_heading(line.text) for line in section.lines))
    days = {day for heading in headings for day in days_in(heading, document.name_date)}
    begin = entries[0].line if entries else section.end_line
    above = (line.text for line in section.lines if line.number < begin)
    if not days and any(map(_CLOCK.search, above)):
        return []
    return sorted(days | {_day_as_written(document, entry) for entry in entries})


def without_iso_days(name: str) -> str:
    """A name without the days in it."""
    return _ISO.sub("", name)


def _first(days: list[date]) -> date | None:
    return days[0] if days else None


def _labelled(
    labels: Iterable[LabelledLine], names: frozenset[str], document: Document
) -> Iterator[DayWitness]:
    """The days that lines with these labels tell; front matter is of the page."""
    own = document.front.end_line
    for row in labels:
        day = read_written_day(row.value) if row.label in names else None
        if day:
            yield DayWitness(PAGE if row.line <= own else LABEL, day, f"line {row.line}")


def _dated_lines(document: Document, labels: list[LabelledLine]) -> Iterator[DayWitness]:
    foot = document.sections[-1].line if len(document.sections) >= _FEW_SECTIONS else None
    rows = (row for row in labels if not foot or row.line < foot)
    yield from (one for one in _labelled(rows, DATES, document) if one.kind == LABEL)
    yield from _below_headings(document, DATES)


def _below_headings(document: Document, names: frozenset[str]) -> Iterator[DayWitness]:
    for section in document.sections:
        if section.heading.strip(EDGES).lower() in names:
            first = next((line for line in section.lines if line.text.strip()), None)
            if first and (day := read_written_day(first.text.strip(EDGES))):
                yield DayWitness(LABEL, day, f"line {first.number}")


def _headings(document: Document, labels: list[LabelledLine]) -> Iterator[DayWitness]:
    near = _file_day(document)
    title = document.front.text("title") or toml_title(document, labels)
    line = next((row.line for row in labels if row.label == "title"), 1)
    yield from (DayWitness(HEADING, day, f"line {line}") for day in days_in(title, near))
    heading = next((section for section in document.sections if section.level == 1), None)
    if heading:
        days = days_in(heading.heading, near)
        yield from (DayWitness(HEADING, day, f"line {heading.line}") for day in days)


def _page(document: Document, labels: list[LabelledLine]) -> Iterator[DayWitness]:
    if day := _file_day(document):
        yield DayWitness(PAGE, day, FILE_NAME)
    if not _is_publication(document):
        found = _labelled(labels, DATES, document)
        yield from (one for one in found if one.kind == PAGE)


def _file_day(document: Document) -> date | None:
    found = _ISO.finditer(document.path.name)
    texts = ("-".join(filter(str.isdigit, filter(None, m.groups()))) for m in found)
    return next(filter(None, map(read_date, texts)), None)


def _is_publication(document: Document) -> bool:
    """Whether front matter is that of a page of a site, and says nothing of an incident."""
    keys = {entry.key.lower() for entry in document.front.entries}
    return not keys.isdisjoint(_PAGE_KEYS) and not any(map(_INCIDENT_KEY.match, keys))


def _tells_begin(line: str, day: date) -> bool:
    """Whether a day in a line may be that on which it began.

    It is none of a value of something else, `Sprint: 2026-05-04`, or of what was done on it.
    """
    label = _ANY_LABEL.match(line)
    if label is not None and not _INCIDENT_KEY.search(label["label"].lower()):
        return False
    start = next((start for found, start in days_with_places(line, day) if found == day), 0)
    return not _DONE_ON.search(line[:start])


def _begin_of_timeline(document: Document, timeline: list[date]) -> Iterator[DayWitness]:
    if timeline:
        entries = (e.line for e in _dated_entries(document))
        days = (n for n in entries if timeline[0] in days_in(document.source_line(n)))
        section = document.section("timeline")
        line = next(days, section.line if section else 0)
        yield DayWitness(TIMELINE, timeline[0], f"line {line}")


def _times_alone(document: Document, found: list[DayWitness]) -> Iterator[DayWitness]:
    """A timeline of times without a day: these are of the one day that the head names.

    Of a day that the lead alone names they may be the day after.
    """
    section = document.section("timeline")
    is_in_head = any(one.kind != LEAD for one in found)
    is_one = len({one.day for one in found}) == 1
    if section and is_in_head and is_one and not timeline_days(document):
        times = sum(bool(_CLOCK.search(line.text)) for line in section.lines)
        if times >= _FEW_TIMES:
            yield DayWitness(TIMELINE, found[0].day, f"the times below line {section.line}")


def _dated_entries(document: Document) -> list[TimelineEntry]:
    return [entry for entry in document.timeline if entry.has_day]


def _day_as_written(document: Document, entry: TimelineEntry) -> date:
    """The day a line of the timeline names, which in UTC may be the one before or after."""
    near = entry.at.date()
    written = days_in(document.source_line(entry.line))
    return next((day for day in written if abs(day - near) <= OTHER_ZONE), near)
