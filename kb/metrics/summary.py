"""How do cases become a value? Medians and shares with intervals, slices and their change.

The order in which cases arrive never matters: they are sorted by moment and id first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from kb.metrics import statistics
from kb.metrics.statistics import MINIMUM_PER_HALF
from kb.metrics.values import Part, Value


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is counted: a record, an action or a customer.

    `number` is a duration, or 1 and 0 for whether a share counts it.
    `groups` are the slices it belongs to, as pairs of kind and label.
    """

    record: str
    item: str
    at: datetime
    number: float
    groups: tuple[tuple[str, str], ...] = ()


Summary = tuple[float | None, float | None, float | None]  # value, low, high


def durations(cases: Iterable[Case], notes: Iterable[str] = ()) -> Value:
    """The median of durations with its quartiles, 95 % interval, slices and change."""
    ordered = _ordered(cases)
    numbers = [case.number for case in ordered]
    value, low, high = _median(ordered)
    lower, _, upper = statistics.quartiles(numbers) if numbers else (None, None, None)
    return Value(
        value=value,
        n=len(ordered),
        low=low,
        high=high,
        records=_records(ordered),
        lower_quartile=lower,
        upper_quartile=upper,
        parts=_parts(ordered, _median),
        change=_change(ordered, _durations_differ, _median),
        notes=tuple(note for note in notes if note),
    )


def share(cases: Iterable[Case], notes: Iterable[str] = ()) -> Value:
    """The share of cases whose number is 1, with its 95 % interval, slices and change."""
    ordered = _ordered(cases)
    value, low, high = _share(ordered)
    return Value(
        value=value,
        n=len(ordered),
        low=low,
        high=high,
        records=_records(ordered),
        hits=tuple(case.item for case in ordered if case.number),
        misses=tuple(case.item for case in ordered if not case.number),
        parts=_parts(ordered, _share),
        change=_change(ordered, _shares_differ, _share),
        notes=tuple(note for note in notes if note),
    )


def total(cases: Iterable[Case], notes: Iterable[str] = (), n: int | None = None) -> Value:
    """The sum of numbers with its slices; `n` is how many were looked at, where that is more."""
    ordered = _ordered(cases)
    return Value(
        value=float(sum(case.number for case in ordered)),
        n=len(ordered) if n is None else n,
        records=_records(ordered),
        hits=tuple(case.item for case in ordered if case.number),
        parts=_parts(ordered, lambda some: (sum(case.number for case in some), None, None)),
        notes=tuple(note for note in notes if note),
    )


def counted(n: int, one: str, many: str, rest: str) -> str:
    """A note such as `3 records left out: …`; empty for none."""
    return f"{n} {one if n == 1 else many} {rest}" if n else ""


def _ordered(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (case.at, case.item))


def _records(cases: Iterable[Case]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(case.record for case in cases))


def _median(cases: Sequence[Case]) -> Summary:
    if not cases:
        return None, None, None
    numbers = [case.number for case in cases]
    interval = statistics.median_interval(numbers) or (None, None)
    return statistics.quartiles(numbers)[1], *interval


def _share(cases: Sequence[Case]) -> Summary:
    hits = sum(1 for case in cases if case.number)
    interval = statistics.share_interval(hits, len(cases)) or (None, None)
    return (hits / len(cases) if cases else None), *interval


def _parts(
    cases: Sequence[Case], summarise: Callable[[Sequence[Case]], Summary]
) -> tuple[Part, ...]:
    """The slices: the halves where there are two, then every group in the order of its label."""
    slices: dict[tuple[str, str], list[Case]] = {}
    if len(cases) > 1:
        earlier, later = _halves(cases)
        slices |= {("half", "earlier"): list(earlier), ("half", "later"): list(later)}
    counts = Counter(group for case in cases for group in case.groups)
    slices |= {group: [] for group in sorted(counts)}
    for case in cases:
        for group in dict.fromkeys(case.groups):
            slices[group].append(case)
    return tuple(_part(by, label, some, summarise) for (by, label), some in slices.items())


def _part(
    by: str, label: str, cases: Sequence[Case], summarise: Callable[[Sequence[Case]], Summary]
) -> Part:
    value, low, high = summarise(cases)
    return Part(by, label, value, len(cases), low, high, _records(cases))


def _halves(cases: Sequence[Case]) -> tuple[Sequence[Case], Sequence[Case]]:
    """The earlier half, floor n/2, and the later one."""
    middle = len(cases) // 2
    return cases[:middle], cases[middle:]


def _change(
    cases: Sequence[Case],
    differ: Callable[[Sequence[Case], Sequence[Case]], bool],
    summarise: Callable[[Sequence[Case]], Summary],
) -> str:
    earlier, later = _halves(cases)
    if len(earlier) < MINIMUM_PER_HALF:
        return ""
    before, after = summarise(earlier)[0], summarise(later)[0]
    if before is None or after is None or before == after or not differ(earlier, later):
        return "none"
    return "rise" if after > before else "fall"


def _durations_differ(earlier: Sequence[Case], later: Sequence[Case]) -> bool:
    return statistics.durations_differ(
        [case.number for case in earlier], [case.number for case in later]
    )


def _shares_differ(earlier: Sequence[Case], later: Sequence[Case]) -> bool:
    hits = [sum(1 for case in half if case.number) for half in (earlier, later)]
    return statistics.shares_differ(hits[0], len(earlier), hits[1], len(later))
