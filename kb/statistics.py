"""Medians, shares and comparisons with their uncertainty: quartiles, Wilson, bootstrap.

Durations of incidents are skewed: one weekend-long outage moves a mean by a day and a median not
at all. So durations are described by quartiles, and nothing here computes their mean.
"""

from __future__ import annotations

import math
import random
import statistics
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

#: Two-sided 95 %: the level of every interval and of every claim of a change.
_LEVEL = 0.05
_Z = statistics.NormalDist().inv_cdf(1 - _LEVEL / 2)

#: Incidents needed in each half before a change is called one. With fewer, the normal
#: approximation of the rank-sum test no longer errs on the careful side (Mann and Whitney 1947).
MINIMUM_PER_HALF = 5


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Lower quartile, median, upper quartile; type 7 of Hyndman and Fan (1996), as numpy's default.

    Raises `statistics.StatisticsError` for no values.
    """
    if len(values) == 1:
        return values[0], values[0], values[0]
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def median_interval(values: Sequence[float]) -> tuple[float, float] | None:
    """The 95 % interval of a median by order statistics; None where too few values allow one.

    Exact for any distribution (sign test inverted): the k-th smallest and k-th largest value,
    with the largest k for which Binomial(n, 1/2) falls below k in at most 2.5 % of cases.
    Six values are the fewest that have one.
    """
    ordered, n = sorted(values), len(values)
    rank, tail = 0, 0.0
    while rank < n // 2:
        tail += math.exp(_log_choose(n, rank) - n * math.log(2))
        if tail > _LEVEL / 2:
            break
        rank += 1
    return (ordered[rank - 1], ordered[n - rank]) if rank else None


def share_interval(hits: float, n: int) -> tuple[float, float] | None:
    """The 95 % interval of a share (Wilson 1927), in 0…1; None for n = 0.

    `hits` need not be whole where n is a number of clusters.
    """
    if n == 0:
        return None
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    # At 0 and n hits the bound is the share itself; rounding would put it just inside.
    low = 0.0 if hits == 0 else max(0.0, middle - reach)
    high = 1.0 if hits == n else min(1.0, middle + reach)
    return low, high


def durations_differ(earlier: Sequence[float], later: Sequence[float]) -> bool:
    """Whether two sets of durations differ clearly: rank-sum test, two-sided, 5 %.

    Mann and Whitney (1947), normal approximation with corrections for ties and continuity.
    """
    m, n = len(earlier), len(later)
    total = m + n
    if min(m, n) == 0:
        return False
    ordered = sorted([*earlier, *later])
    ranks = (_middle_rank(ordered, value) for value in earlier)
    u = sum(ranks) - m * (m + 1) / 2
    ties = sum(count**3 - count for count in _tie_sizes(ordered))
    variance = m * n / 12 * ((total + 1) - ties / (total * (total - 1)))
    if variance <= 0:
        return False
    distance = max(0.0, abs(u - m * n / 2) - 0.5)
    return 2 * (1 - statistics.NormalDist().cdf(distance / math.sqrt(variance))) < _LEVEL


def shares_differ(hits: int, n: int, other_hits: int, other_n: int) -> bool:
    """Whether two shares differ clearly: Fisher's exact test (1935), two-sided, 5 %."""
    total, all_hits = n + other_n, hits + other_hits
    if min(n, other_n) == 0:
        return False

    def log_weight(k: int) -> float:
        return _log_choose(n, k) + _log_choose(other_n, all_hits - k)

    possible = range(max(0, all_hits - other_n), min(n, all_hits) + 1)
    # A relative slack of 1e-9 keeps equally likely tables together despite rounding.
    bound = log_weight(hits) + 1e-9
    as_extreme = (log_weight(k) for k in possible if log_weight(k) <= bound)
    p = sum(math.exp(weight - _log_choose(total, all_hits)) for weight in as_extreme)
    return p < _LEVEL


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _middle_rank(ordered: Sequence[float], value: float) -> float:
    """The rank of a value from 1; equal values share the middle of theirs."""
    return (bisect_left(ordered, value) + bisect_right(ordered, value) + 1) / 2


def _tie_sizes(ordered: Sequence[float]) -> list[int]:
    return [
        bisect_right(ordered, value) - bisect_left(ordered, value) for value in sorted(set(ordered))
    ]


#: What one record gives: how much of it counts, of how much.
Pair = tuple[int, int]
_RESAMPLES = 1000
_MOST_DRAWN = 300
_SHUFFLES = 499
_SEED = 20260412  # any fixed number: the interval must not change from run to run


def ratio(pairs: Sequence[Pair]) -> float | None:
    """What counts, of all there is."""
    total = sum(asked for _, asked in pairs)
    return sum(held for held, _ in pairs) / total if total else None


def ratio_interval(pairs: Sequence[Pair]) -> tuple[float, float] | None:
    """The 95 % percentile interval of a ratio, by bootstrap over records (Efron 1979).

    From a large library fewer are drawn, and the spread is scaled down to its size (Bickel, Götze
    and van Zwet 1997).
    """
    center = ratio(pairs)
    if center is None:
        return None
    ordered = sorted(pairs)
    size = min(len(ordered), _MOST_DRAWN)
    source = random.Random(_SEED)  # noqa: S311 - a simulation, no secret
    draws = (ratio(source.choices(ordered, k=size)) for _ in range(_RESAMPLES))
    shares = sorted(share for share in draws if share is not None)
    tail, scale = round(_LEVEL / 2 * len(shares)), (size / len(ordered)) ** 0.5
    low, high = (center + (end - center) * scale for end in (shares[tail], shares[-1 - tail]))
    return max(0.0, low), min(1.0, high)


def ratios_differ(earlier: Sequence[Pair], later: Sequence[Pair]) -> bool:
    """Whether two ratios differ clearly: permutation test over records, two-sided, 5 %.

    The share of shufflings with at least this difference, the given order among them (Phipson and
    Smyth 2010).
    """
    distance = _distance(earlier, later)
    if distance is None:
        return False
    # In one order for both halves: which half is called earlier must not matter.
    every = sorted([*earlier, *later])
    source = random.Random(_SEED)  # noqa: S311 - a simulation, no secret
    as_large, most = 1, int(_LEVEL * (_SHUFFLES + 1))
    for _ in range(_SHUFFLES):
        source.shuffle(every)
        other = _distance(every[: len(earlier)], every[len(earlier) :])
        # A slack for rounding keeps equal differences together.
        as_large += other is not None and other >= distance - 1e-12
        if as_large > most:
            return False
    return True


def _distance(one: Sequence[Pair], other: Sequence[Pair]) -> float | None:
    first, second = ratio(one), ratio(other)
    return None if first is None or second is None else abs(first - second)
