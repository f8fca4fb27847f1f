"""How sure is a share whose cases hang together? Whole records are drawn and shuffled.

The actions of one record are kept or forgotten together. Counting each as a witness of its own
finds trends where there is none: with eight actions a record, in every third library.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

#: What one record gives: how much of it counts, of how much.
Pair = tuple[int, int]
_RESAMPLES = 1000
_MOST_DRAWN = 300
_SHUFFLES = 499
_LEVEL = 0.05
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
