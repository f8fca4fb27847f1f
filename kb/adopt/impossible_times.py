"""Days and clocks that lie in the future or out of order become unknown, with what was said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

from kb.adopt.derived_fact import DerivedFact
from kb.records.compound_values import EITHER_WAY, read_time

_CLOCK = "clocks."
#: Where it is tomorrow already.
_OTHER_ZONE = timedelta(days=1)


def without_impossible_times(
    facts: Iterable[DerivedFact], now: datetime
) -> tuple[DerivedFact, ...]:
    """The facts, the clocks in the order of the form; a day or a clock that cannot be is unknown.

    Of two clocks in an order that cannot be the later one of the form is unknown.
    """
    return tuple(_checked(facts, now))


def _checked(facts: Iterable[DerivedFact], now: datetime) -> Iterator[DerivedFact]:
    known: list[tuple[DerivedFact, datetime]] = []
    for fact in facts:
        at = read_time(fact.value) if fact.key.startswith(_CLOCK) else None
        if _is_to_come(fact, at, now):
            yield _unknown(fact, "which is still to come")
        elif at is None:
            yield fact
        elif after := next((one for one, then in known if at < then and _runs(one, fact)), None):
            name = after.key.removeprefix(_CLOCK)
            yield _unknown(fact, f"before {name}, {after.value} ({after.source})")
        else:
            known.append((fact, at))
            yield fact


def _is_to_come(fact: DerivedFact, at: datetime | None, now: datetime) -> bool:
    if fact.key == "date" and fact.value:
        return date.fromisoformat(fact.value) > (now + _OTHER_ZONE).date()
    return at is not None and at > now


def _runs(earlier: DerivedFact, later: DerivedFact) -> bool:
    """Whether two clocks run in one order alone."""
    names = (earlier.key.removeprefix(_CLOCK), later.key.removeprefix(_CLOCK))
    return names not in EITHER_WAY


def _unknown(fact: DerivedFact, why: str) -> DerivedFact:
    return DerivedFact(fact.key, "", f"{fact.source} says {fact.value}, {why}")
