"""What an existing postmortem says of itself in so many words, each fact with its line.

A value that can be read two ways, or is no word of the form, is not taken; the report says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from html import unescape

from kb.records.compound_values import CLOCK_NAMES
from kb.records.dates import read_written_time
from kb.records.document import Document
from kb.records.list_items import read_date
from kb.records.markdown import SectionText
from kb.records.timeline import TimelineEntry

#: Labels are read in so many lines from the top: below, a `Date:` may be that of anything.
_HEAD_LINES = 60
#: A label and its value on one line: a key of front matter, a list item, a row of a table.
_LABEL = re.compile(
    r"[ \t>|*_+#-]*(?P<label>[A-Za-z][A-Za-z '/()_-]{1,40}?)[ \t*_]*(?:[:=|])[ \t*_|]*"
    r"(?P<value>.*)$"
)
_EDGES = " \t*_|`\"'"
#: What names the day of the incident and no other: it goes before all else that names a day.
_INCIDENT_DATES = frozenset(
    {"incident date", "date of incident", "date of the incident", "incident start date"}
    | {"incident from", "incident start", "incident started", "date occurred", "occurred on"}
    | {"date of occurrence", "date of outage", "outage date"}
    | {"fecha del incidente", "data do incidente", "date de l'incident", "datum des vorfalls"}
    | {"data dell'incidente", "datum van het incident"}
)
_DATES = _INCIDENT_DATES | {"date"}
_SEVERITIES = frozenset(
    {"severity", "sev", "severity level", "incident severity", "severidad", "severidade"}
)
_STATUSES = frozenset({"status", "state", "document status", "postmortem status"})
_CLOCKS: Mapping[str, frozenset[str]] = {
    "first_impact": frozenset({"impact start", "start of impact", "impact started"}),
    "detected": frozenset({"detected", "detected at", "time detected", "detection time"}),
    "acknowledged": frozenset({"acknowledged", "acknowledged at", "time acknowledged"}),
    "contained": frozenset({"mitigated", "mitigated at", "contained", "contained at"}),
    "resolved": frozenset({"resolved", "resolved at", "time resolved", "resolution time"}),
}
#: Why a date is unknown where a text says nothing of one, and something else may stand in.
NO_DAY = "nothing names a day"
FILE_NAME = "the file name"
#: A timeline of more days holds what led to it, or what was done later.
_ONE_INCIDENT = timedelta(days=7)
#: A day of another zone.
_OTHER_ZONE = timedelta(days=1)
_LONGEST_HEADING = 300
_LONGEST_SEVERITY = 30
_WORD = re.compile(r"(?<!\w)\w")
#: What a heading may name before what happened.
_KIND = re.compile(
    r"(?:(?:post[ -]?)?incident(?:[ ](?:report|review|retro|date|postmortem))?|post[ -]?mortem|rca)"
    r"(?:[ ]*(?::|–|—)|[ ]+-)[ ]*",
    re.IGNORECASE,
)
_UNFINISHED = frozenset({"draft", "wip", "in progress", "work in progress", "in-progress"})
#: A bare number is a place on a scale that may run the other way.
_SEV = re.compile(r"(?:SEV|severity)[ \t_-]?([1-4])", re.IGNORECASE)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
#: First headings that name the kind of document and nothing that happened.
_NO_TITLES = frozenset(
    {"postmortem", "post-mortem", "post mortem", "incident report", "incident postmortem"}
    | {"incident", "summary", "overview", "issue summary", "incident summary", "rca"}
    | {"postmortem report", "post-mortem report", "root cause analysis", "introduction"}
    | {"incident review", "post-incident review", "post incident review", "incident retro"}
    | {
        "metadata",
        "meta",
        "details",
        "abstract",
        "incident details",
        "tl;dr",
        "tldr",
        "what happened",
        "timeline",
    }
)
#: Titles of a form that nobody has filled in.
_UNFILLED = re.compile(
    r"[<\[{].{0,80}[>\]}]|(?:(?:your|incident|issue|postmortem|outage|short|brief)[ ]){0,2}"
    r"(?:title|name|headline)(?:[ ](?:here|of[ ](?:the[ ])?(?:incident|issue)))?|x{3,}|todo|tbd",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class DerivedFact:
    """One value and where it came from; `value` is empty where it is unknown, `source` says why.

    `word` is what stands there in the team's own scale, in small letters, empty for none;
    `stands_in` says that nothing names the value, and the source is the nearest thing to it.
    """

    key: str
    value: str
    source: str
    word: str = ""
    stands_in: bool = False


@dataclass(frozen=True, slots=True)
class _Labelled:
    label: str
    value: str
    line: int


def derive(document: Document) -> tuple[DerivedFact, ...]:
    """Title, date, status, severity and clocks of a text, in the order of the form."""
    labels = list(_labels(document))
    title, day = _title(document, labels), _date(document, labels)
    clocks = (_clock(name, labels) for name in CLOCK_NAMES)
    return (title, day, _status(labels), _severity(labels), *clocks)


def is_unfilled(title: str) -> bool:
    """Whether a title stands for one that nobody has written: `[Incident title]`, `ISSUE NAME`."""
    return bool(_UNFILLED.fullmatch(" ".join(title.split())[:120]))


def severity_of(word: str) -> str:
    """The severity that a word names in the form's own scale, empty for any other."""
    found = _SEV.fullmatch(word.strip())
    return f"SEV{found[1]}" if found else ""


def _labels(document: Document) -> Iterator[_Labelled]:
    """The labelled values of the head, its own front matter included; no code, no comments."""
    skipped = {line.number for line in document.lines if line.fence is not None or line.comment}
    own = range(1, document.front.end_line + 1)
    # The date of a source or an author is indented there.
    skipped |= {n for n in own if document.source_line(n)[:1] in {" ", "-"}}
    for number in range(1, _HEAD_LINES + 1):
        found = _LABEL.match(document.source_line(number)) if number not in skipped else None
        value = unescape(found["value"].partition("|")[0]).strip(_EDGES + "\xa0") if found else ""
        if found and value:
            label = " ".join(found["label"].strip(_EDGES).lower().replace("_", " ").split())
            yield _Labelled(label, value, number)


def _title(document: Document, labels: list[_Labelled]) -> DerivedFact:
    own = document.front.text("title").strip()
    if own:
        line = next((row.line for row in labels if row.label == "title"), 1)
        return DerivedFact("title", own, f"line {line}")
    heading = _first_heading(document)
    told = heading.heading.strip(" \t:#") if heading else ""
    if heading and told.lower() not in _NO_TITLES and not is_unfilled(told):
        return DerivedFact("title", _without_day(told), f"line {heading.line}")
    is_form = is_unfilled(told)
    source = f"{FILE_NAME}; line {heading.line} is a form's" if heading and is_form else FILE_NAME
    stem = document.path.stem
    words = re.sub(r"[_-]+", " ", _ISO.sub("", stem)).strip() or stem
    return DerivedFact("title", words, source)


def _first_heading(document: Document) -> SectionText | None:
    """The first heading of the first level, else one of any level that the text begins with."""
    first = next((s for s in document.sections if s.level == 1 and s.heading.strip()), None)
    if first or document.front.present:
        return first
    begin = next((line for line in document.lines if line.text.strip("\ufeff \t")), None)
    return next((s for s in document.sections if begin and s.line == begin.number), None)


def _without_day(heading: str) -> str:
    """A heading without the day, or the kind of document, that it begins with."""
    kind = _KIND.match(heading)
    text = heading[kind.end() :] if kind else heading
    found = read_written_time(text)
    rest = text[found.end :].lstrip(" ,:–—-") if found and found.day else text
    return rest if any(map(str.isalnum, rest)) else heading


def _date(document: Document, labels: list[_Labelled]) -> DerivedFact:
    """The one day that label, heading and file name agree on; of two, what the timeline bears out.

    What is called the day of the incident goes before them. Where nothing names a day it is the one
    the timeline begins with, where that is of one week.
    """
    named = [(day, line) for day, line in _days_told(document, labels) if line in _lines(labels)]
    if len({day for day, _ in named}) == 1:
        return DerivedFact("date", named[0][0].isoformat(), named[0][1])
    told = list(_days_told(document, labels))
    lived = sorted({_day_as_written(document, entry) for entry in _dated(document)})
    if len({day for day, _ in told}) == 1:
        return _told_day(*told[0], lived)
    if told:
        said = ", ".join(f"{source} says {day}" for day, source in told)
        borne_out = {day for day, _ in told if day in lived}
        if len(borne_out) == 1:
            return DerivedFact("date", borne_out.pop().isoformat(), f"its timeline; {said}")
        return DerivedFact("date", "", said)
    return _untold_day(document, labels, lived)


def _untold_day(document: Document, labels: list[_Labelled], lived: list[date]) -> DerivedFact:
    """The day of a text of which no label, heading or name tells it."""
    unread = next((row.line for row in labels if row.label in _DATES), 0) or _unclear(document)
    if unread:
        return DerivedFact("date", "", f"line {unread} can be read in more than one way")
    if lived and lived[-1] - lived[0] <= _ONE_INCIDENT:
        line = next(e.line for e in _dated(document) if _day_as_written(document, e) == lived[0])
        source = f"line {line}, where its timeline begins"
        return DerivedFact("date", lived[0].isoformat(), source, stands_in=len(lived) > 1)
    return DerivedFact("date", "", NO_DAY)


def _lines(labels: list[_Labelled]) -> frozenset[str]:
    """The lines that name the day of the incident and no other, as sources."""
    return frozenset(f"line {row.line}" for row in labels if row.label in _INCIDENT_DATES)


def _dated(document: Document) -> list[TimelineEntry]:
    return [entry for entry in document.timeline if entry.has_day]


def _day_as_written(document: Document, entry: TimelineEntry) -> date:
    """The day a line of the timeline names, which in UTC may be the one before or after."""
    near = entry.at.date()
    written = _days_in(document.source_line(entry.line))
    return next((day for day in written if abs(day - near) <= _OTHER_ZONE), near)


def _told_day(day: date, source: str, lived: list[date]) -> DerivedFact:
    """A day that is told; a file may be named for the day it was written."""
    if source != FILE_NAME:
        return DerivedFact("date", day.isoformat(), source)
    borne_out = bool(lived) and lived[0] - _OTHER_ZONE <= day <= lived[-1] + _OTHER_ZONE
    if not borne_out:
        told = f"; its timeline begins on {lived[0]}" if lived else ", and no line names it"
        source = f"{source}{told}"
    return DerivedFact("date", day.isoformat(), source, stands_in=not borne_out)


def _days_told(document: Document, labels: list[_Labelled]) -> Iterator[tuple[date, str]]:
    for row in labels:
        if row.label in _DATES and (day := read_written_day(row.value)):
            yield day, f"line {row.line}"
    for section in document.sections:
        if section.heading.strip(_EDGES).lower() in _DATES:
            first = next((line for line in section.lines if line.text.strip()), None)
            if first and (day := read_written_day(first.text.strip(_EDGES))):
                yield day, f"line {first.number}"
    title = document.front.get("title")
    for day in _days_in(document.front.text("title")) if title else ():
        yield day, f"line {title.line}" if title else ""
    heading = next((section for section in document.sections if section.level == 1), None)
    for day in _days_in(heading.heading) if heading else ():
        yield day, f"line {heading.line}" if heading else ""
    for match in _ISO.finditer(document.path.name):
        if found := read_date(match[0]):
            yield found, FILE_NAME


def _unclear(document: Document) -> int:
    """The line of a heading that names a day which can be two, 0 where it does not."""
    heading = next((section for section in document.sections if section.level == 1), None)
    for word in _WORD.finditer(heading.heading[:_LONGEST_HEADING]) if heading else ():
        found = read_written_time(heading.heading[word.start() :]) if heading else None
        if found and found.unclear and not found.day:
            return heading.line if heading else 0
    return 0


def _days_in(heading: str) -> Iterator[date]:
    """The days a heading names, in whatever form."""
    end = 0
    for word in _WORD.finditer(heading[:_LONGEST_HEADING]):
        found = read_written_time(heading[word.start() :]) if word.start() >= end else None
        if found and found.day:
            end = word.start() + found.end
            yield found.day


def read_written_day(text: str) -> date | None:
    """The one day a text begins with, None where it names none, or leaves it open."""
    found = read_written_time(text.lstrip("@"))
    return found.day if found else None


def _status(labels: list[_Labelled]) -> DerivedFact:
    for row in labels:
        if row.label in _STATUSES and row.value.lower() in _UNFINISHED:
            return DerivedFact("status", "draft", f"line {row.line}")
    return DerivedFact("status", "published", "adopted, so that search finds it")


def _severity(labels: list[_Labelled]) -> DerivedFact:
    row = next((row for row in labels if row.label in _SEVERITIES), None)
    if row is None:
        return DerivedFact("severity", "", "nothing names one")
    return severity_fact(row.value, f"line {row.line}")


def severity_fact(word: str, source: str) -> DerivedFact:
    """The severity that a word names; unknown where it is of a scale of the team's own."""
    told = " ".join(word.partition("(")[0].split())[:_LONGEST_SEVERITY]
    named = severity_of(told)
    why = f"{source} has a word of its own, {told}"
    return DerivedFact("severity", named, source if named else why, told.lower())


def _clock(name: str, labels: list[_Labelled]) -> DerivedFact:
    key = f"clocks.{name}"
    rows = [row for row in labels if row.label in _CLOCKS.get(name, frozenset())]
    if not rows:
        return DerivedFact(key, "", "nothing names it")
    text, line = rows[0].value.lstrip("@"), rows[0].line
    found = read_written_time(text)
    # What goes on behind the time may say that it was another one.
    is_whole = found is not None and not text[found.end :].strip() and not found.until
    if found and is_whole and found.day and found.clock and found.zone and (at := found.at()):
        return DerivedFact(key, at.isoformat().replace("+00:00", "Z"), f"line {line}")
    return DerivedFact(key, "", f"line {line} has no day, time and zone")
