"""Medians and shares of cases with intervals, slices and changes.

The order in which cases arrive never matters: they are sorted by moment and id first.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from kb import statistics
from kb import statistics as resampling
from kb.metrics.inputs import Case
from kb.metrics.result_types import MetricPart, MetricValue
from kb.statistics import MINIMUM_PER_HALF

Summary = tuple[float | None, float | None, float | None]  # value, low, high
Halves = tuple[Sequence[Case], Sequence[Case]]


@dataclass(frozen=True, slots=True)
class _Way:
    """How cases are summed up: as a whole, in slices, in halves, and when halves differ."""

    whole: Callable[[Sequence[Case]], Summary]
    slice: Callable[[Sequence[Case]], Summary]
    halves: Callable[[Sequence[Case]], Halves]
    differ: Callable[[Sequence[Case], Sequence[Case]], bool]
    count: Callable[[Sequence[Case]], int]


def durations(
    cases: Iterable[Case],
    notes: Iterable[str] = (),
    *,
    unknown: int = 0,
    claims_change: bool = True,
) -> MetricValue:
    """The median of durations with its quartiles, 95 % interval, slices and change.

    `unknown` is how many durations nobody knows.
    """
    ordered = _ordered(cases)
    numbers = [case.number for case in ordered]
    value, low, high = _median(ordered)
    lower, _, upper = statistics.quartiles(numbers) if numbers else (None, None, None)
    return MetricValue(
        value=value,
        n=len(ordered),
        low=low,
        high=high,
        records=_records(ordered),
        lower_quartile=lower,
        upper_quartile=upper,
        parts=_parts(ordered, _MEDIAN.slice, _halves),
        unknown=unknown,
        least=_middle([*numbers, *[0.0] * unknown]),
        most=_middle([*numbers, *[math.inf] * unknown]),
        change=_change(ordered, _MEDIAN) if claims_change else "",
        notes=tuple(note for note in notes if note),
    )


def share(
    cases: Iterable[Case],
    notes: Iterable[str] = (),
    *,
    unknown: int = 0,
    claims_change: bool = True,
) -> MetricValue:
    """The share of cases whose number is 1, with its 95 % interval, slices and change.

    `unknown` is how many cases nobody knows the outcome of.
    """
    return _share_value(_ordered(cases), notes, _SHARE if claims_change else _BARE_SHARE, unknown)


def clustered_share(
    cases: Iterable[Case], notes: Iterable[str] = (), *, unknown: int = 0
) -> MetricValue:
    """The same of cases that hang together by record: interval and change go by record."""
    return _share_value(_ordered(cases), notes, _CLUSTERED, unknown)


def total(
    cases: Iterable[Case], notes: Iterable[str] = (), n: int | None = None, *, unknown: int = 0
) -> MetricValue:
    """The sum of numbers with its slices; `n` is how many were looked at, where that is more."""
    ordered = _ordered(cases)
    value = float(sum(case.number for case in ordered))
    return MetricValue(
        value=value,
        n=len(ordered) if n is None else n,
        records=_records(ordered),
        hits=tuple(case.item for case in ordered if case.number),
        parts=_parts(ordered, lambda some: (sum(c.number for c in some), None, None), _halves),
        unknown=unknown,
        least=value,
        most=value + unknown,
        notes=tuple(note for note in notes if note),
    )


def counted(n: int, one: str, many: str, rest: str) -> str:
    """A note such as `3 records left out: …`; empty for none."""
    return f"{n} {one if n == 1 else many} {rest}" if n else ""


def _share_value(
    cases: Sequence[Case], notes: Iterable[str], way: _Way, unknown: int
) -> MetricValue:
    value, low, high = way.whole(cases)
    hits, n = sum(1 for case in cases if case.number), len(cases) + unknown
    return MetricValue(
        value=value,
        n=len(cases),
        low=low,
        high=high,
        records=_records(cases),
        hits=tuple(case.item for case in cases if case.number),
        misses=tuple(case.item for case in cases if not case.number),
        parts=_parts(cases, way.slice, way.halves),
        unknown=unknown,
        least=hits / n if n else None,
        most=(hits + unknown) / n if n else None,
        change=_change(cases, way),
        notes=tuple(note for note in notes if note),
    )


def _ordered(cases: Iterable[Case]) -> list[Case]:
    return sorted(cases, key=lambda case: (case.at, case.item))


def _records(cases: Iterable[Case]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(case.record for case in cases))


def _middle(numbers: Sequence[float]) -> float | None:
    """The median; None where there is none or nothing bounds it."""
    ordered = sorted(numbers)
    if not ordered:
        return None
    middle = (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2
    return middle if math.isfinite(middle) else None


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


def _share_by_record(cases: Sequence[Case]) -> Summary:
    """The share, as sure as if each record had given one answer: the most that clusters can do."""
    value, n = _share(cases)[0], len(_records(cases))
    interval = statistics.share_interval((value or 0) * n, n) or (None, None)
    return value, *interval


def _resampled_share(cases: Sequence[Case]) -> Summary:
    """The share with its bootstrap interval; few records, or all alike, have nothing to draw."""
    pairs, value = _pairs(cases), _share(cases)[0]
    if len(pairs) < 2 * MINIMUM_PER_HALF or value in {0.0, 1.0}:
        return _share_by_record(cases)
    return value, *(resampling.ratio_interval(pairs) or (None, None))


def _pairs(cases: Sequence[Case]) -> list[resampling.Pair]:
    """How many cases of each record count, of how many."""
    asked = Counter(case.record for case in cases)
    held = Counter(case.record for case in cases if case.number)
    return [(held[record], n) for record, n in asked.items()]


def _parts(
    cases: Sequence[Case],
    summarise: Callable[[Sequence[Case]], Summary],
    halves: Callable[[Sequence[Case]], Halves],
) -> tuple[MetricPart, ...]:
    """The slices: the halves where there are two, then every group in the order of its label."""
    slices: dict[tuple[str, str], list[Case]] = {}
    if len(cases) > 1:
        earlier, later = halves(cases)
        slices |= {("half", "earlier"): list(earlier), ("half", "later"): list(later)}
    counts = Counter(group for case in cases for group in case.groups)
    slices |= {group: [] for group in sorted(counts)}
    for case in cases:
        for group in dict.fromkeys(case.groups):
            slices[group].append(case)
    return tuple(_part(by, label, some, summarise) for (by, label), some in slices.items())


def _part(
    by: str, label: str, cases: Sequence[Case], summarise: Callable[[Sequence[Case]], Summary]
) -> MetricPart:
    value, low, high = summarise(cases)
    return MetricPart(by, label, value, len(cases), low, high, _records(cases))


def _halves(cases: Sequence[Case]) -> Halves:
    """The earlier half, floor n/2, and the later one."""
    middle = len(cases) // 2
    return cases[:middle], cases[middle:]


def _halves_by_record(cases: Sequence[Case]) -> Halves:
    """The cases of the earlier half of the records, by their first case, and the others."""
    records = _records(cases)
    earlier = set(records[: len(records) // 2])
    return (
        [case for case in cases if case.record in earlier],
        [case for case in cases if case.record not in earlier],
    )


def _change(cases: Sequence[Case], way: _Way) -> str:
    earlier, later = way.halves(cases)
    if way.count(earlier) < MINIMUM_PER_HALF:
        return ""
    before, after = way.slice(earlier)[0], way.slice(later)[0]
    if before is None or after is None or before == after or not way.differ(earlier, later):
        return "none"
    return "rise" if after > before else "fall"


def _durations_differ(earlier: Sequence[Case], later: Sequence[Case]) -> bool:
    return statistics.durations_differ(
        [case.number for case in earlier], [case.number for case in later]
    )


def _shares_differ(earlier: Sequence[Case], later: Sequence[Case]) -> bool:
    hits = [sum(1 for case in half if case.number) for half in (earlier, later)]
    return statistics.shares_differ(hits[0], len(earlier), hits[1], len(later))


def _ratios_differ(earlier: Sequence[Case], later: Sequence[Case]) -> bool:
    return resampling.ratios_differ(_pairs(earlier), _pairs(later))


_MEDIAN = _Way(_median, _median, _halves, _durations_differ, len)
_SHARE = _Way(_share, _share, _halves, _shares_differ, len)
#: No change is ever claimed: no half is large enough.
_BARE_SHARE = _Way(_share, _share, _halves, _shares_differ, lambda _: 0)
_CLUSTERED = _Way(
    _resampled_share,
    _share_by_record,
    _halves_by_record,
    _ratios_differ,
    lambda cases: len(_records(cases)),
)
