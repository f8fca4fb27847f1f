"""The day of the incident that a text tells of: what two witnesses agree on, else unknown.

A line that calls a day that of the incident is believed alone. Every other place may tell another
day: a `Date:`, a heading and a file name that of the writing, the lead and the timeline that of
what led to it. So a day is known where two of them name it and none speaks against it; of a single
one, and of days that disagree, the likeliest is proposed for a person to judge.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from kb.adopt.day_witnesses import (
    DATES,
    HEADING,
    INCIDENT_DAYS,
    LABEL,
    LEAD,
    OTHER_ZONE,
    PAGE,
    TIMELINE,
    DayWitness,
    day_witnesses,
    incident_days,
    lead_days,
    timeline_days,
)
from kb.adopt.days_in_text import (
    days_in,
    named_month,
    other_day,
    prose_days,
    read_written_day,
    unclear_day,
)
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.labelled_lines import LabelledLine
from kb.adopt.several_incidents import several_incidents
from kb.records.document import Document
from kb.records.written_dates import no_such_day, read_written_time
from kb.sentences import clipped

#: Why a date is unknown where a text says nothing of one, and something else may stand in.
NO_DAY = "nothing names a day"
#: So many witnesses make a day known: DECISIONS holds how often one, two and three are right.
_ENOUGH = 2
#: A timeline of more days holds what led to it, or what was done later.
_ONE_INCIDENT = timedelta(days=7)
#: Within so many days before the day of the writing lies the incident; long before, another one.
_WRITTEN_SOON = timedelta(days=31)
#: What a date has behind it that is not of the incident: `2026-05-23 (the incident predates it)`.
_OF_ELSE = re.compile(
    r"[^(（]{0,30}[(（][^)）]{0,60}(?:predate|before|earlier|writ|publish|draft|review)",
    re.IGNORECASE,
)
_LONGEST_REMARK = 60
_MOST_NAMED = 3
_LONGEST_VALUE = 40
_TWO_WAYS = "which can be read in more than one way"


def derive_day(
    document: Document, labels: list[LabelledLine], entered: DayWitness | None = None
) -> DerivedFact:
    """The day of the incident, with its source; empty where it is unknown.

    `entered` is the day on which somebody entered it in a tool, a witness to what the text says.
    """
    begin, several = several_incidents(document)
    rows = [row for row in labels if not begin or row.line < begin]
    named = [*incident_days(document, rows)]
    timeline = timeline_days(document)
    if named:
        is_one = len({one.day for one in named}) == 1
        return _fact(named[0].day, named[0].source) if is_one else _contested(named, timeline)
    if several and (begin == _title_line(document) or not _is_dated(document)):
        return _unknown(several)
    witnesses = day_witnesses(document, labels)
    if entered and entered.day in {one.day for one in witnesses}:
        witnesses.append(entered)
    if entered and not witnesses and {day for day, _ in prose_days(document)} == {entered.day}:
        return _unknown(NO_DAY)
    return _remarked(document, labels) or _agreed(document, labels, witnesses, timeline)


def _agreed(
    document: Document,
    labels: list[LabelledLine],
    witnesses: list[DayWitness],
    timeline: list[date],
) -> DerivedFact:
    """The day that enough witnesses name, and none speaks against."""
    days = dict.fromkeys(one.day for one in witnesses)
    known = [day for day in days if _is_known(document, day, witnesses, timeline)]
    if len(known) == 1:
        sources = dict.fromkeys(one.source for one in witnesses if one.day == known[0])
        return _fact(known[0], ", ".join(sources))
    if not witnesses:
        return _without_witness(document, labels)
    if why := _unread_label(document, labels):
        return _unknown(f"{why}; {_listed(witnesses)}", _likeliest(witnesses, timeline))
    return _contested(witnesses, timeline)


def _is_known(
    document: Document, day: date, witnesses: Sequence[DayWitness], timeline: Sequence[date]
) -> bool:
    kinds = {one.kind for one in witnesses if one.day == day}
    if HEADING in kinds and day in timeline:
        # What led to it may stand before it in its timeline.
        kinds.add(TIMELINE)
    others = [one for one in witnesses if one.day != day]
    if len(kinds) < _ENOUGH or any(one.kind in {LABEL, HEADING} for one in others):
        return False
    if any(one.kind == PAGE and one.day < day for one in others):
        # No file is named, and no page is dated, before the incident it tells of.
        return False
    if timeline and not timeline[0] - OTHER_ZONE <= day <= timeline[-1] + OTHER_ZONE:
        return False
    # A timeline may end on the day of the writing, which a label and a name then both tell.
    is_late = bool(timeline) and day - timeline[0] > OTHER_ZONE
    if is_late and kinds.isdisjoint({HEADING, LEAD}):
        return False
    return not _is_of_writing(document, day, kinds)


def _is_of_writing(document: Document, day: date, kinds: set[str]) -> bool:
    """Whether the text tells of days shortly before: first of these, or of these alone."""
    if TIMELINE in kinds or ({LABEL, HEADING} & kinds and LEAD in kinds):
        return False
    lead = [one.day for one in lead_days(document, day, is_any=True)]
    named = lead or [found for found, _ in prose_days(document, day)]
    if day in named:
        named = named[: named.index(day)]
    return any(OTHER_ZONE < day - one < _WRITTEN_SOON for one in named)


def _is_dated(document: Document) -> bool:
    """Whether the title has a day: what stands below it, in however many parts, is of that day."""
    return any(days_in(document.title))


def _title_line(document: Document) -> int:
    return document.sections[0].line if document.sections else 0


def _remarked(document: Document, labels: list[LabelledLine]) -> DerivedFact | None:
    """An unknown day where a date says of itself that it is of something else."""
    for row in labels:
        day = read_written_day(row.value) if row.label in DATES else None
        if day and row.line > document.front.end_line and _OF_ELSE.match(row.value):
            remark = clipped(row.value, _LONGEST_REMARK)
            return _unknown(f"line {row.line} says {remark}", day)
    return None


def _fact(day: date, source: str) -> DerivedFact:
    return DerivedFact("date", day.isoformat(), source)


def _unknown(why: str, proposal: date | None = None) -> DerivedFact:
    return DerivedFact("date", "", why, proposal=proposal.isoformat() if proposal else "")


def _contested(witnesses: Sequence[DayWitness], timeline: Sequence[date]) -> DerivedFact:
    """No day, for one witness is too few, or several disagree; the likeliest is proposed."""
    return _unknown(_listed(witnesses), _likeliest(witnesses, timeline))


def _likeliest(witnesses: Sequence[DayWitness], timeline: Sequence[date]) -> date:
    """The day with the most witnesses; of several one that lead and timeline both have.

    Else it is where the timeline of one incident begins, or the first of a month: a day of the
    writing, the repair or the end is later, and one long before of something else.
    """
    kinds = {
        day: {one.kind for one in witnesses if one.day == day} for day in {o.day for o in witnesses}
    }
    most = max(map(len, kinds.values()))
    days = {day for day, of_day in kinds.items() if len(of_day) == most}
    lead = (one.day for one in witnesses if one.kind == LEAD and one.day in timeline)
    is_one = bool(timeline) and timeline[-1] - timeline[0] <= _ONE_INCIDENT
    begin = next((day for day in (*lead, *timeline[:is_one]) if day in days), None)
    return begin or min(day for day in days if max(days) - day < _WRITTEN_SOON)


def _listed(witnesses: Iterable[DayWitness]) -> str:
    """Who says what, of one day alone with `only`: `only line 3 says 2026-05-04`."""
    sources: dict[date, list[str]] = {}
    for one in witnesses:
        if one.source not in sources.setdefault(one.day, []):
            sources[one.day].append(one.source)
    parts = [_statement(day, places) for day, places in sources.items()]
    more = f" and {len(parts) - _MOST_NAMED} more" if len(parts) > _MOST_NAMED + 1 else ""
    named = ", ".join(parts[:_MOST_NAMED] if more else parts)
    is_alone = len(parts) == 1 and " and " not in named
    return f"only {named}" if is_alone else f"{named}{more}"


def _statement(day: date, places: Sequence[str]) -> str:
    verb = "says" if len(places) == 1 else "say"
    return f"{' and '.join(places)} {verb} {day}"


def _without_witness(document: Document, labels: list[LabelledLine]) -> DerivedFact:
    """No day, and why, of a text of which nothing tells the day."""
    if why := _unread_label(document, labels):
        return _unknown(why)
    named = [*prose_days(document)]
    if named:
        witnesses = [DayWitness(LEAD, day, f"line {line}") for day, line in named]
        return _unknown(_listed(witnesses), named[0][0])
    if month := named_month(document):
        return _unknown(month)
    if other := other_day(document):
        return _unknown(f"line {other[0]} says {other[1]}, which may be of the writing", other[1])
    return _unknown(NO_DAY)


def _unread_label(document: Document, labels: list[LabelledLine]) -> str:
    """Why a line that is of the day, or the heading, names none; empty where there is neither."""
    rows = [row for row in labels if row.label in DATES | INCIDENT_DAYS]
    row = next((row for row in rows if not read_written_day(row.value)), None)
    if row and (odd := no_such_day(row.value.lstrip("@"))):
        return f"line {row.line} says {odd}, which is no day of the calendar"
    if row:
        value = clipped(row.value.replace("\\", ""), _LONGEST_VALUE)
        found = read_written_time(row.value.lstrip("@"))
        why = _TWO_WAYS if found and found.unclear else "which names no day"
        return f"line {row.line} says {value}, {why}"
    line, text = unclear_day(document)
    return f"line {line} says {text}, {_TWO_WAYS}" if line else ""
