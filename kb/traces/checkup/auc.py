"""How well a value ranks failed runs above passed ones: AUC with an interval."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

_SAMPLES = 500
_MAX_RUNS = 5_000
_LOW, _HIGH = 0.025, 0.975


@dataclass(frozen=True)
class Labelled:
    """A run whose source says how it ended: its task, its outcome, and what might tell it."""

    task: str
    failed: bool
    values: tuple[float, ...]


@dataclass(frozen=True)
class AucEstimate:
    """The AUC of one value, 0–1, with its 95 % interval; 0.5 is no order at all."""

    name: str
    auc: float
    low: float
    high: float


def auc_estimates(names: Sequence[str], runs: Sequence[Labelled]) -> tuple[AucEstimate, ...]:
    """The worth of each value; empty where all runs ended alike.

    The interval is a bootstrap over tasks, because runs of one task fail together.
    """
    if len({run.failed for run in runs}) < 2:  # noqa: PLR2004 - failed and passed
        return ()
    runs = runs[:_MAX_RUNS]
    samples = _resamples(runs)
    found = []
    for place, name in enumerate(names):
        drawn = sorted(auc for sample in samples if (auc := _auc(sample, place)) is not None)
        auc = _auc(runs, place)
        low, high = (drawn[int(len(drawn) * q)] for q in (_LOW, _HIGH))
        found.append(AucEstimate(name, auc if auc is not None else 0.5, low, high))
    return tuple(found)


def _resamples(runs: Sequence[Labelled]) -> list[list[Labelled]]:
    by_task: dict[str, list[Labelled]] = {}
    for number, run in enumerate(runs):
        by_task.setdefault(run.task or str(number), []).append(run)
    tasks, chance = list(by_task.values()), random.Random(0)  # noqa: S311 - a bootstrap
    return [
        [run for task in chance.choices(tasks, k=len(tasks)) for run in task]
        for _ in range(_SAMPLES)
    ]


def _auc(runs: Sequence[Labelled], place: int) -> float | None:
    """The share of pairs of a failed and a passed run in the right order; ties count half."""
    passed = sorted(run.values[place] for run in runs if not run.failed)
    failed = [run.values[place] for run in runs if run.failed]
    if not passed or not failed:
        return None
    below = sum((bisect_left(passed, v) + bisect_right(passed, v)) / 2 for v in failed)
    return below / len(passed) / len(failed)
