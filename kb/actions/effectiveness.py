"""Whether an action that is done did what it was made for: unknown, effective or failed.

Done and effective are two things. An action is watched for some days after it was closed, or
somebody verifies it; without either nobody asked. A recurrence makes it failed. When its watch has
ended without one, it is effective only if its route ran meanwhile: a route that stood still proves
nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from heapq import merge
from itertools import groupby, takewhile

from kb.actions.route_names import is_of_route, is_route, routes_named
from kb.humanize import plural
from kb.library import Library
from kb.records.action_and_prior_items import ActionItem
from kb.records.effectiveness_attributes import Verification, verification, watch_days
from kb.records.postmortem import Postmortem
from kb.records.route_run_counts import RunsSeen

UNKNOWN, EFFECTIVE, FAILED = "unknown", "effective", "failed"
EFFECTS = (UNKNOWN, EFFECTIVE, FAILED)


@dataclass(frozen=True, slots=True)
class ActionEffect:
    """What became of an action that is done.

    `since` is the day on which it was known, `why` the reason in a sentence without its stop, `by`
    the record that tells the recurrence of a failed one. The watch ends with the day `watch_until`.
    """

    word: str = UNKNOWN
    since: date | None = None
    why: str = ""
    by: str = ""
    watch_until: date | None = None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """The failure of a record seen once more: an occurrence, its own or another's, or a record.

    `record` is the id of the record that tells it; `doubt` says why it may be none, empty where it
    surely is one.
    """

    at: datetime
    record: str
    is_occurrence: bool
    doubt: str = ""

    @property
    def day(self) -> date:
        """The UTC day."""
        return self.at.astimezone(UTC).date()


@dataclass(frozen=True)
class EffectEvidence:
    """What is held against the promises of a library: its records, and the runs somebody saw.

    Drafts are left out, but for those named in `drafts`.
    """

    records: tuple[Postmortem, ...] = ()
    runs_seen: RunsSeen = field(default_factory=RunsSeen)
    drafts: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def _told(self) -> tuple[Postmortem, ...]:
        return tuple(r for r in self.records if r.status != "draft" or r.id in self.drafts)

    @cached_property
    def _seen(self) -> tuple[_Seen, ...]:
        """Every moment that the records tell, in order."""
        return tuple(sorted((one for record in self._told for one in _seen_in(record)), key=_when))

    @cached_property
    def _of_class(self) -> dict[tuple[str, str], list[_Seen]]:
        """The moments by route and class of what was seen, each list in order."""
        found: dict[tuple[str, str], list[_Seen]] = {}
        for one in self._seen:
            for route in routes_named(one.route):
                for word in dict.fromkeys(one.record.classes):
                    found.setdefault((route, word), []).append(one)
        return found

    @cached_property
    def _repeats(self) -> dict[str, list[_Seen]]:
        """Record id to the moments of those whose author called them a repeat of it, in order."""
        found: dict[str, list[_Seen]] = {}
        for one in self._seen:
            for name in dict.fromkeys(p.id for p in one.record.priors if p.verdict == "repeat"):
                found.setdefault(name, []).append(one)
        return found

    @cached_property
    def _of_incident(self) -> dict[str, list[_Seen]]:
        """The id of the record that counts to the moments of all that are one with it, in order."""
        found: dict[str, list[_Seen]] = {}
        for one in self._seen:
            found.setdefault(_counted_as(one.record), []).append(one)
        return found

    def recurrences(self, record: Postmortem, since: date) -> Iterator[Recurrence]:
        """Each time from a day on that the failure of a record was seen besides its own, in order.

        They are looked for as they are asked for: on a route with thousands of records the first
        one mostly decides.
        """
        word, midnight = record.primary_class, datetime.combine(since, time(), UTC)
        lists = (
            sorted((one for one in _seen_in(record) if one.is_occurrence), key=_when),
            *(self._of_class.get((r, word), []) for r in sorted(routes_named(record.route))),
            self._repeats.get(record.id, []),
            self._of_incident.get(_counted_as(record), []),
        )
        seen = merge(*(_moments_from(found, midnight) for found in lists), key=_when)
        once = (next(same) for _, same in groupby(seen, key=_when))
        return (told for one in once if (told := _as_recurrence(record, one)))


@dataclass(frozen=True, slots=True)
class _Seen:
    """When a record began, or the time of one of its occurrences, and on which route that was."""

    at: datetime
    record: Postmortem
    route: str
    is_occurrence: bool = False


def _seen_in(record: Postmortem) -> Iterator[_Seen]:
    yield _Seen(record.happened_at, record, record.route)
    for one in record.occurrences:
        if one.at is not None:
            route = one.route if is_route(one.route) else record.route
            yield _Seen(one.at, record, route, is_occurrence=True)


def _counted_as(record: Postmortem) -> str:
    """The id of the record that counts for this one: two that proved to be one have the same."""
    return record.merged_into or record.id


def _moments_from(found: Sequence[_Seen], at: datetime) -> Iterator[_Seen]:
    """The moments of a list, which is in order, from one on."""
    first = bisect_left(found, (at, "", False, ""), key=_when)
    return (found[place] for place in range(first, len(found)))


def _when(one: _Seen) -> tuple[datetime, str, bool, str]:
    return one.at, one.record.id, one.is_occurrence, one.route


def effect_evidence(library: Library, drafts: Iterable[str] = ()) -> EffectEvidence:
    """What a library holds against its promises."""
    return EffectEvidence(library.records, library.runs_seen, frozenset(drafts))


def effect_of(
    item: ActionItem,
    record: Postmortem,
    closed: date | None,
    today: date,
    evidence: EffectEvidence,
) -> ActionEffect:
    """The effect of an action of a record that was closed on a day, None for one nobody knows."""
    days, verified = watch_days(item), verification(item)
    if item.state != "closed" or record.origin == "public" or not (days or verified):
        return ActionEffect()
    if closed is None:
        return ActionEffect(why="nobody knows the day it was closed")
    until = _days_after(closed, days) if days else None
    if verified and verified.day > today:
        verified = None  # as of that day nobody had looked
    if again := _came_again(record, closed, today, evidence, verified):
        return replace(again, watch_until=until)
    if verified and closed <= verified.day:
        return ActionEffect(EFFECTIVE, verified.day, f"verified by {verified.by}", "", until)
    if until is None:
        return ActionEffect(why="not verified yet")
    return _watched(item, record, (closed, until), today, evidence)


def _days_after(day: date, days: int) -> date:
    """So many days after a day; the last day there is where that lies beyond it."""
    return date.fromordinal(min(day.toordinal() + days, date.max.toordinal()))


def _came_again(
    record: Postmortem,
    closed: date,
    today: date,
    evidence: EffectEvidence,
    verified: Verification | None,
) -> ActionEffect | None:
    """What a recurrence since the closing makes of the effect; None where there is none.

    A doubtful one leaves it unknown, until somebody verifies the action at that day or later.
    """
    doubt: Recurrence | None = None
    for one in takewhile(lambda one: one.day <= today, evidence.recurrences(record, closed)):
        if one.day > closed and not one.doubt:
            return ActionEffect(FAILED, one.day, _recurrence_sentence(one, record), one.record)
        if doubt is None and (verified is None or one.day > verified.day):
            doubt = one
    return ActionEffect(why=_doubtful(doubt, record)) if doubt else None


def _watched(
    item: ActionItem,
    record: Postmortem,
    watch: tuple[date, date],
    today: date,
    evidence: EffectEvidence,
) -> ActionEffect:
    """The effect of an action whose failure was not seen again, by its watch."""
    until = watch[1]
    if today <= until:
        return ActionEffect(why=f"watched until {until}", watch_until=until)
    ran = next(_ran(item, record, watch, evidence), "")
    if not ran:
        why = f"watched until {until}, and nobody says that the route ran meanwhile"
        return ActionEffect(why=why, watch_until=until)
    return ActionEffect(EFFECTIVE, until, f"not again until {until}; {ran}", watch_until=until)


def _ran(
    item: ActionItem, record: Postmortem, watch: tuple[date, date], evidence: EffectEvidence
) -> Iterator[str]:
    """How it is known that the route ran between closing and the end of the watch."""
    closed, until = watch
    seen = evidence.runs_seen.on(closed + timedelta(days=1), until).items()
    here = [counts for route, counts in seen if is_of_route(record.route, route)]
    if here:
        runs, days = (sum(counts) for counts in zip(*here, strict=True))
        yield f"{plural(runs, 'run')} of the route seen on {plural(days, 'day')}"
    said = item.date("ran")
    if said and closed <= said <= until:
        yield f"the route ran on {said}, as the action says"
    again = record.clocks.restarted
    if again and closed <= again.astimezone(UTC).date() <= until:
        yield f"the route runs since {again.astimezone(UTC).date()}, as the record says"


def _as_recurrence(record: Postmortem, seen: _Seen) -> Recurrence | None:
    """A moment as one: of the record or one that is one with it, of a repeat, or of its class.

    None for the record itself as it began, for one of another origin, and one of another class.
    """
    other = seen.record
    if other.origin != record.origin or _tells_the_same(record, seen):
        return None
    verdicts = {prior.verdict for prior in other.priors if prior.id == record.id}
    if _counted_as(other) == _counted_as(record) or "repeat" in verdicts:
        doubt = _elsewhere(record, seen)
    elif not record.primary_class or record.primary_class not in other.classes:
        return None
    else:
        doubts = (
            "its author calls it different" if "different" in verdicts else "",
            "it was a near miss" if other.kind == "near-miss" else "",
            "" if other.primary_class == record.primary_class else "the class is not its first",
        )
        doubt = next(filter(None, doubts), "")
    return Recurrence(seen.at, other.id, seen.is_occurrence, doubt)


def _tells_the_same(record: Postmortem, seen: _Seen) -> bool:
    """Whether a moment is the one of which the record tells: it began then.

    Of two records that proved to be one the other tells the same where it has the same day.
    """
    if seen.is_occurrence:
        return seen.record.id != record.id and seen.at == record.happened_at
    if _counted_as(seen.record) != _counted_as(record):
        return False
    return seen.record.id == record.id or seen.at.date() == record.happened_at.date()


def _elsewhere(record: Postmortem, seen: _Seen) -> str:
    """Why an occurrence may be none: its route is named by neither record; empty for others."""
    known = routes_named(record.route) | routes_named(seen.record.route)
    routes = routes_named(seen.route)
    return "" if not routes or routes & known else f"it was on the route {seen.route}"


def _recurrence_sentence(again: Recurrence, record: Postmortem) -> str:
    where = "" if again.record == record.id else f": {again.record}"
    return f"came again on {again.day}{where}"


def _doubtful(one: Recurrence, record: Postmortem) -> str:
    why = one.doubt or "it is the day on which the action was closed"
    where = "" if one.record == record.id else f" in {one.record}"
    text = f"an occurrence{where}" if one.is_occurrence else one.record
    return f"{text} of {one.day} may be a recurrence ({why}): a person has to verify"
