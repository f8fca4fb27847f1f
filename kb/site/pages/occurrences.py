"""How often the cause of an incident did harm: a strip in time, a list, and what shares its source.

The strip is an SVG without text, as the clocks are; what it shows stands below it in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from kb.actions.action import Action
from kb.actions.route_names import is_of_route, is_route
from kb.humanize import plural, said_day
from kb.records.merged_records import occurrences_of
from kb.records.postmortem import Occurrence, Postmortem
from kb.site.content import Site
from kb.site.pages.record_links import Link, record_link, word_link

_WIDTH = 1000.0
_RUN_SHOWN = 12  # characters of a run's digest: enough to find it by


@dataclass(frozen=True, slots=True)
class OccurrenceRow:
    """One time, as a row; `told` is the merged record that tells it, where one does."""

    day: date | None
    hour: str
    route: Link | None
    customers: str
    note: str
    run: str
    told: Link | None


@dataclass(frozen=True, slots=True)
class StripMark:
    """A point of the strip: the incident, an occurrence, or the day a watched action was closed."""

    css: str
    x: float


@dataclass(frozen=True, slots=True)
class CameAgain:
    """What the page says of it; `strip` is empty where nothing can be drawn to scale."""

    sentence: str
    strip: tuple[StripMark, ...]
    said: str
    begin: date
    end: date
    rows: tuple[OccurrenceRow, ...]


def came_again(site: Site, record: Postmortem, path: str) -> CameAgain | None:
    """The occurrences of a record, None where it did harm once."""
    merged = site.merged_here.get(record.id, ())
    found = occurrences_of(record, merged)
    times = [one.at for one in found if one.at is not None]
    if not found:
        return None
    marks = _marks(record, times, site.actions_by_record.get(record.id, ()))
    first, last = min((record.happened_at, *times)), site.as_of.at
    return CameAgain(
        sentence=" ".join(_sentences(site, record, times)),
        strip=_strip(marks, first, last),
        said=", ".join(f"{_SAID[css]} {said_day(at.date())}" for css, at in marks),
        begin=first.date(),
        end=last.date(),
        rows=tuple(_row(site, record, path, one) for one in found),
    )


_SAID = {"first": "the incident on", "again": "again on", "mended": "an action closed on"}


def _marks(
    record: Postmortem, times: Sequence[datetime], actions: Sequence[Action]
) -> list[tuple[str, datetime]]:
    """What the strip shows, in order of time."""
    closed = {action.closed for action in actions if action.closed and action.watch_days}
    return sorted(
        [
            ("first", record.happened_at),
            *(("again", at) for at in times),
            *(("mended", datetime.combine(day, datetime.min.time(), UTC)) for day in closed),
        ],
        key=lambda mark: mark[1],
    )


def _strip(
    marks: Sequence[tuple[str, datetime]], first: datetime, last: datetime
) -> tuple[StripMark, ...]:
    whole = (last - first).total_seconds()
    if whole <= 0:
        return ()
    shares = ((css, (at - first).total_seconds() / whole) for css, at in marks)
    return tuple(
        StripMark(css, round(share * _WIDTH, 1)) for css, share in shares if 0 <= share <= 1
    )


def _sentences(site: Site, record: Postmortem, times: Sequence[datetime]) -> Iterator[str]:
    """How often in how long, and on how many runs of the route that were seen."""
    if not times:
        return
    first, today = min((record.happened_at, *times)).date(), site.as_of.day
    days = (today - first).days
    yield f"{len(times) + 1} times in {plural(days, 'day')}, last on {said_day(max(times).date())}."
    seen = site.runs_seen.on(first, today).items()
    here = [counts for route, counts in seen if is_of_route(record.route, route)]
    if here:
        runs, on = (sum(counts) for counts in zip(*here, strict=True))
        were = "was" if runs == 1 else "were"
        yield f"{plural(runs, 'run')} of the route {were} seen on {plural(on, 'day')} since."


def _row(site: Site, record: Postmortem, path: str, one: Occurrence) -> OccurrenceRow:
    merged = site.merged_here.get(record.id, ())
    teller = next((r.id for r in merged if one.note == f"told in {r.id}"), "")
    people = "" if one.customers is None else plural(one.customers, "customer")
    elsewhere = is_route(one.route) and not is_of_route(record.route, one.route)
    has_hour = one.at is not None and (one.at.hour, one.at.minute) != (0, 0)
    return OccurrenceRow(
        day=one.at.date() if one.at else None,
        hour=f"{one.at:%H:%M} UTC" if one.at and has_hour else "",
        route=word_link(site, path, "routes", one.route) if elsewhere else None,
        customers=people,
        note="" if teller else one.note,
        run=one.trace[:_RUN_SHOWN] or one.run[:_RUN_SHOWN],
        told=Link(teller) if teller else None,
    )


#: A run or source behind more records than these is named by its count.
_NAMED_OF_ONE_SOURCE = 5


@dataclass(frozen=True, slots=True)
class SameSource:
    """The other records behind which the same run or source stands: some by name, and the rest."""

    named: tuple[Link, ...]
    more: int


def same_source(site: Site, record: Postmortem, path: str) -> SameSource | None:
    """The other records behind which the same run, trace or source stands; None for none."""
    ids = [one for one in site.shared_sources.get(record.id, ()) if site.counted(one) != record.id]
    if not ids:
        return None
    named = tuple(record_link(site, path, one) for one in ids[:_NAMED_OF_ONE_SOURCE])
    return SameSource(named, len(ids) - len(named))
