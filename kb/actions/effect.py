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
from itertools import takewhile

from kb.actions.route_names import is_of_route, is_route, routes_named
from kb.library import Library
from kb.numbers_in_words import plural
from kb.records.effect_attributes import Verification, verification, watch_days
from kb.records.list_items import ActionItem
from kb.records.model import Postmortem
from kb.records.runs_seen import RunsSeen

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
    """The failure of a record seen once more: an entry of its own, or another record.

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
    def _of_class(self) -> dict[tuple[str, str], list[Postmortem]]:
        """The records by route and class, each list in the order they happened."""
        found: dict[tuple[str, str], list[Postmortem]] = {}
        for record in sorted(self._told, key=_began):
            for route in routes_named(record.route):
                for word in dict.fromkeys(record.classes):
                    found.setdefault((route, word), []).append(record)
        return found

    @cached_property
    def _repeats(self) -> dict[str, list[Postmortem]]:
        """Record id to those whose author called them a repeat of it, in order of time."""
        found: dict[str, list[Postmortem]] = {}
        for record in sorted(self._told, key=_began):
            for name in dict.fromkeys(p.id for p in record.priors if p.verdict == "repeat"):
                found.setdefault(name, []).append(record)
        return found

    def recurrences(self, record: Postmortem, since: date) -> Iterator[Recurrence]:
        """Each time from a day on that the failure of a record was seen besides its own, in order.

        They are looked for as they are asked for: on a route with thousands of records the first
        one mostly decides.
        """
        word, midnight = record.primary_class, datetime.combine(since, time(), UTC)
        lists = [self._of_class.get((r, word), []) for r in sorted(routes_named(record.route))]
        others = merge(
            *(_from(found, midnight) for found in (*lists, self._repeats.get(record.id, []))),
            key=_began,
        )
        own = sorted(_occurrences(record), key=lambda one: one.at)
        told = (one for other in others if (one := _as_recurrence(record, other)))
        late = (one for one in own if one.at >= midnight)
        return merge(late, told, key=lambda one: one.at)


def _from(found: Sequence[Postmortem], at: datetime) -> Iterator[Postmortem]:
    """The records of a list, in the order they happened, from a moment on."""
    first = bisect_left(found, (at, ""), key=_began)
    return (found[place] for place in range(first, len(found)))


def _began(record: Postmortem) -> tuple[datetime, str]:
    return record.happened_at, record.id


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
    until = _after(closed, days) if days else None
    if again := _came_again(record, closed, today, evidence, verified):
        return replace(again, watch_until=until)
    if verified and closed <= verified.day <= today:
        return ActionEffect(EFFECTIVE, verified.day, f"verified by {verified.by}", "", until)
    if until is None:
        return ActionEffect(why="not verified yet")
    return _watched(item, record, (closed, until), today, evidence)


def _after(day: date, days: int) -> date:
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
            return ActionEffect(FAILED, one.day, _said(one, record), one.record)
        if doubt is None and (verified is None or one.day > verified.day):
            doubt = one
    return ActionEffect(why=_doubtful(doubt)) if doubt else None


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


def _occurrences(record: Postmortem) -> Iterator[Recurrence]:
    for one in record.occurrences:
        if one.at is not None:
            elsewhere = is_route(one.route) and not is_of_route(record.route, one.route)
            doubt = f"it was on the route {one.route}" if elsewhere else ""
            yield Recurrence(one.at, record.id, is_occurrence=True, doubt=doubt)


def _as_recurrence(record: Postmortem, other: Postmortem) -> Recurrence | None:
    """Another record as one, where it is of the class on the route, or its author says repeat.

    None for an earlier record, one of another origin, and one of another class.
    """
    if other.id == record.id or other.origin != record.origin:
        return None
    verdicts = {prior.verdict for prior in other.priors if prior.id == record.id}
    if "repeat" in verdicts:
        return Recurrence(other.happened_at, other.id, is_occurrence=False)
    if not record.primary_class or record.primary_class not in other.classes:
        return None
    doubts = (
        "its author calls it different" if "different" in verdicts else "",
        "it was a near miss" if other.kind == "near-miss" else "",
        "" if other.primary_class == record.primary_class else "the class is not its first",
    )
    doubt = next(filter(None, doubts), "")
    return Recurrence(other.happened_at, other.id, is_occurrence=False, doubt=doubt)


def _said(again: Recurrence, record: Postmortem) -> str:
    where = "" if again.record == record.id else f": {again.record}"
    return f"came again on {again.day}{where}"


def _doubtful(one: Recurrence) -> str:
    why = one.doubt or "it is the day on which the action was closed"
    told = "an occurrence" if one.is_occurrence else one.record
    return f"{told} of {one.day} may be a recurrence ({why}): a person has to verify"
