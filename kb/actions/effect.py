"""Whether an action that is done did what it was made for: unknown, effective or failed.

Done and effective are two things. An action is watched for some days after it was closed, or
somebody verifies it; without either nobody asked. A recurrence makes it failed. When its watch has
ended without one, it is effective only if its route ran meanwhile: a route that stood still proves
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

from kb.actions.route_names import is_of_route, is_route, routes_named
from kb.library import Library
from kb.numbers_in_words import plural
from kb.records.list_items import ActionItem
from kb.records.model import Postmortem
from kb.records.runs_seen import RunsSeen
from kb.records.watching import Verification, verification, watch_days

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
    def _by_route(self) -> dict[str, list[Postmortem]]:
        found: dict[str, list[Postmortem]] = {}
        for record in self._told:
            for route in routes_named(record.route):
                found.setdefault(route, []).append(record)
        return found

    @cached_property
    def _repeats(self) -> dict[str, list[Postmortem]]:
        """Record id to those whose author called them a repeat of it."""
        found: dict[str, list[Postmortem]] = {}
        for record in self._told:
            for prior in record.priors:
                if prior.verdict == "repeat":
                    found.setdefault(prior.id, []).append(record)
        return found

    @cached_property
    def _told(self) -> tuple[Postmortem, ...]:
        return tuple(r for r in self.records if r.status != "draft" or r.id in self.drafts)

    def recurrences(self, record: Postmortem) -> tuple[Recurrence, ...]:
        """Each time the failure of a record was seen besides its own, in order of time."""
        named = routes_named(record.route)
        beside = {r.id: r for route in named for r in self._by_route.get(route, ())}
        beside |= {r.id: r for r in self._repeats.get(record.id, ())}
        others = (_as_recurrence(record, other) for other in beside.values())
        found = (*_occurrences(record), *(one for one in others if one is not None))
        return tuple(sorted(found, key=lambda one: (one.at, one.record)))


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
    until = closed + timedelta(days=days) if days else None
    if again := _came_again(record, closed, today, evidence, verified):
        return replace(again, watch_until=until)
    if verified and closed <= verified.day <= today:
        return ActionEffect(EFFECTIVE, verified.day, f"verified by {verified.by}", "", until)
    if until is None:
        return ActionEffect(why="not verified yet")
    return _watched(item, record, (closed, until), today, evidence)


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
    seen = [one for one in evidence.recurrences(record) if closed <= one.day <= today]
    if again := next((one for one in seen if one.day > closed and not one.doubt), None):
        return ActionEffect(FAILED, again.day, _said(again, record), again.record)
    doubts = (one for one in seen if verified is None or one.day > verified.day)
    doubt = next(doubts, None)
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
