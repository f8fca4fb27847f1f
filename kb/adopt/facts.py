"""What an existing postmortem says of itself in so many words, each fact with its line.

A value that can be read two ways, or is no word of the form, is not taken; the report says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from kb.records.compound_values import CLOCK_NAMES, read_time
from kb.records.document import Document

#: Labels are read in so many lines from the top: below, a `Date:` may be that of anything.
_HEAD_LINES = 60
#: A label and its value on one line: a key of front matter, a list item, a row of a table.
_LABEL = re.compile(
    r"[ \t>|*_+-]*(?P<label>[A-Za-z][A-Za-z /()_-]{1,40}?)[ \t*_]*(?:[:=|])[ \t*_|]*(?P<value>.*)$"
)
_EDGES = " \t*_|`\"'"
_DATES = frozenset(
    {"date", "incident date", "date of incident", "date of the incident", "incident start date"}
)
_SEVERITIES = frozenset({"severity", "sev", "severity level", "incident severity"})
_STATUSES = frozenset({"status", "state", "document status", "postmortem status"})
_CLOCKS: Mapping[str, frozenset[str]] = {
    "first_impact": frozenset({"impact start", "start of impact", "impact started"}),
    "detected": frozenset({"detected", "detected at", "time detected", "detection time"}),
    "acknowledged": frozenset({"acknowledged", "acknowledged at", "time acknowledged"}),
    "contained": frozenset({"mitigated", "mitigated at", "contained", "contained at"}),
    "resolved": frozenset({"resolved", "resolved at", "time resolved", "resolution time"}),
}
_UNFINISHED = frozenset({"draft", "wip", "in progress", "work in progress", "in-progress"})
_SEV = re.compile(r"(?:SEV|severity)?[ \t_-]?([1-4])", re.IGNORECASE)
_AT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T \t]+(\d{2}:\d{2}(?::\d{2})?)[ \t]*(UTC|GMT|Z|[+-]\d{2}:?\d{2})"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)")
_DAY_FIRST = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)?\.?[ \t]+{_MONTH},?[ \t]+(\d{{4}})", re.I)
_MONTH_FIRST = re.compile(rf"{_MONTH}[ \t]+(\d{{1,2}})(?:st|nd|rd|th)?,?[ \t]+(\d{{4}})", re.I)
#: First headings that name the kind of document and nothing that happened.
_NO_TITLES = frozenset(
    {"postmortem", "post-mortem", "post mortem", "incident report", "incident postmortem"}
    | {"incident", "summary", "overview", "issue summary", "incident summary", "rca"}
    | {"postmortem report", "post-mortem report", "root cause analysis", "introduction"}
)


@dataclass(frozen=True, slots=True)
class DerivedFact:
    """One value and where it came from; `value` is empty where it is unknown, `source` says why."""

    key: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class _Labelled:
    label: str
    value: str
    line: int


def derive(document: Document, first_commit: date | None) -> tuple[DerivedFact, ...]:
    """Title, date, status, severity and clocks of a text, in the order of the form.

    `first_commit` is the day Git first had the file, for one that names no other. The date is
    unknown where there is none at all.
    """
    labels = list(_labels(document))
    title, day = _title(document, labels), _date(document, labels, first_commit)
    clocks = (_clock(name, labels) for name in CLOCK_NAMES)
    return (title, day, _status(labels), _severity(labels), *clocks)


def _labels(document: Document) -> Iterator[_Labelled]:
    """The labelled values of the head, its own front matter included; no code, no comments."""
    skipped = {line.number for line in document.lines if line.fence is not None or line.comment}
    own = range(1, document.front.end_line + 1)
    # The date of a source or an author is indented there.
    skipped |= {n for n in own if document.source_line(n)[:1] in {" ", "-"}}
    for number in range(1, _HEAD_LINES + 1):
        found = _LABEL.match(document.source_line(number)) if number not in skipped else None
        if found and found["value"].strip(_EDGES):
            label = " ".join(found["label"].strip(_EDGES).lower().replace("_", " ").split())
            yield _Labelled(label, found["value"].strip(_EDGES), number)


def _title(document: Document, labels: list[_Labelled]) -> DerivedFact:
    own = document.front.text("title").strip()
    if own:
        line = next((row.line for row in labels if row.label == "title"), 1)
        return DerivedFact("title", own, f"line {line}")
    heading = next((s for s in document.sections if s.level == 1 and s.heading.strip()), None)
    if heading and heading.heading.strip(" :#").lower() not in _NO_TITLES:
        return DerivedFact("title", heading.heading.strip(), f"line {heading.line}")
    words = re.sub(r"[_-]+", " ", _ISO.sub("", document.path.stem)).strip() or document.path.stem
    return DerivedFact("title", words, "the file name")


def _date(document: Document, labels: list[_Labelled], first_commit: date | None) -> DerivedFact:
    """The one day that label, heading and file name agree on; two days are none."""
    told = list(_days_told(document, labels))
    if len({day for day, _ in told}) == 1:
        return DerivedFact("date", told[0][0].isoformat(), told[0][1])
    if told:
        said = ", ".join(f"{source} says {day}" for day, source in told)
        return DerivedFact("date", "", said)
    unread = next((row.line for row in labels if row.label in _DATES), 0)
    if unread:
        return DerivedFact("date", "", f"line {unread} can be read in more than one way")
    if first_commit:
        return DerivedFact("date", first_commit.isoformat(), "the file's first commit, no other")
    return DerivedFact("date", "", "nothing names a day")


def _days_told(document: Document, labels: list[_Labelled]) -> Iterator[tuple[date, str]]:
    for row in labels:
        if row.label in _DATES and (day := read_written_day(row.value)):
            yield day, f"line {row.line}"
    heading = next((section for section in document.sections if section.level == 1), None)
    texts = [(heading.heading, f"line {heading.line}")] if heading else []
    for text, source in (*texts, (document.path.name, "the file name")):
        for match in _ISO.finditer(text):
            if day := _day(*match.groups()):
                yield day, source


def read_written_day(text: str) -> date | None:
    """The one day a text begins with, None where it names none, or a slash leaves it open."""
    if match := _ISO.match(text):
        return _day(*match.groups())
    if match := _DAY_FIRST.match(text):
        return _day(match[3], _month(match[2]), match[1])
    if match := _MONTH_FIRST.match(text):
        return _day(match[3], _month(match[1]), match[2])
    return None


def _month(name: str) -> str:
    return str(_MONTHS.index(name[:3].lower()) + 1)


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _status(labels: list[_Labelled]) -> DerivedFact:
    for row in labels:
        if row.label in _STATUSES and row.value.lower() in _UNFINISHED:
            return DerivedFact("status", "draft", f"line {row.line}")
    return DerivedFact("status", "published", "adopted, so that search finds it")


def _severity(labels: list[_Labelled]) -> DerivedFact:
    row = next((row for row in labels if row.label in _SEVERITIES), None)
    if row is None:
        return DerivedFact("severity", "", "nothing names one")
    found = _SEV.fullmatch(row.value)
    if found:
        return DerivedFact("severity", f"SEV{found[1]}", f"line {row.line}")
    return DerivedFact("severity", "", f"line {row.line} has a word of its own")


def _clock(name: str, labels: list[_Labelled]) -> DerivedFact:
    key = f"clocks.{name}"
    rows = [row for row in labels if row.label in _CLOCKS.get(name, frozenset())]
    if not rows:
        return DerivedFact(key, "", "nothing names it")
    found = _AT.fullmatch(rows[0].value)
    if found:
        zone = "Z" if found[3] in {"UTC", "GMT"} else found[3]
        at = read_time(f"{found[1]}T{found[2]}{zone}")
        if at:
            return DerivedFact(key, at.isoformat().replace("+00:00", "Z"), f"line {rows[0].line}")
    return DerivedFact(key, "", f"line {rows[0].line} has no day, time and zone")
