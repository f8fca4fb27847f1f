"""What does an evaluation say? Means with bootstrap intervals, as text and as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from kb.search.evaluation.evaluate import MEASURES, SYSTEMS, Judged, calibration_error
from kb.search.scoring.posterior import Numbers
from kb.search.similar import BAR

#: Resamples of the queries; the same seed always, so that a report can be compared with itself.
_RESAMPLES = 2000
_SEED = 20_260_101


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Evaluation:
    """Everything `kb eval` reports; shares are 0…1, None where no foreign texts were given."""

    name: str
    records: int
    queries: int
    systems: dict[str, dict[str, Interval]]
    calibration_error: float
    foreign: int
    foreign_rejected: float | None
    true_rejected: float


def evaluation(name: str, records: int, judged: Sequence[Judged], foreign: Numbers) -> Evaluation:
    """The report of some judged queries and the best probabilities foreign texts got."""
    probabilities = np.concatenate([np.zeros(0, np.float32), *(j.probabilities for j in judged)])
    outcomes = np.concatenate([np.zeros(0, bool), *(j.outcomes for j in judged)])
    return Evaluation(
        name=name,
        records=records,
        queries=len(judged),
        systems={system: _measures(judged, system) for system in SYSTEMS},
        calibration_error=calibration_error(probabilities, outcomes),
        foreign=len(foreign),
        foreign_rejected=float((foreign < BAR).mean()) if len(foreign) else None,
        true_rejected=float(np.mean([j.best < BAR for j in judged])) if judged else 0.0,
    )


def evaluation_json(found: Evaluation) -> str:
    """The report as one JSON object with a line end (kb.eval/1)."""
    systems = {
        system: {
            measure: {"value": i.value, "low": i.low, "high": i.high}
            for measure, i in measures.items()
        }
        for system, measures in found.systems.items()
    }
    whole = {
        "schema": "kb.eval/1",
        "name": found.name,
        "records": found.records,
        "queries": found.queries,
        "systems": systems,
        "calibration_error": found.calibration_error,
        "no_match": {
            "foreign_rejected": found.foreign_rejected,
            "true_rejected": found.true_rejected,
            "foreign": found.foreign,
            "bar": BAR,
        },
    }
    return msgspec.json.format(msgspec.json.encode(whole)).decode() + "\n"


def evaluation_text(found: Evaluation) -> str:
    """The report as a terminal shows it, with a line end."""
    return "\n".join(_lines(found)) + "\n"


def _lines(found: Evaluation) -> Iterator[str]:
    yield f"{found.name}: {found.queries} of {found.records} records have a right answer"
    if not found.queries:
        yield "Nothing to measure: no two records share a class."
        return
    yield ""
    yield f"{'':8}" + "".join(f"{measure:>18}" for measure in MEASURES)
    for system in SYSTEMS:
        cells = (found.systems[system][measure] for measure in MEASURES)
        yield f"{system:8}" + "".join(_cell(interval) for interval in cells)
    yield ""
    yield f"calibration error  {found.calibration_error:.3f} (five first answers, left out each)"
    share = _share(found.true_rejected, found.queries)
    yield f"true queries answered 'nothing similar'  {share}"
    if found.foreign_rejected is not None:
        share = _share(found.foreign_rejected, found.foreign)
        yield f"foreign texts answered 'nothing similar' {share}"


def _cell(interval: Interval) -> str:
    return f"{interval.value:6.3f} {interval.low:.2f}–{interval.high:.2f}".rjust(18)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    share, z = hits / total, 1.96
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * math.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return middle - half, middle + half


def _share(share: float, total: int) -> str:
    low, high = wilson(round(share * total), total)
    return f"{share:.1%} of {total} ({low:.1%}–{high:.1%})"


def _measures(judged: Sequence[Judged], system: str) -> dict[str, Interval]:
    table = np.array([j.measures[system] for j in judged]).reshape(len(judged), len(MEASURES))
    return {name: _interval(table[:, place]) for place, name in enumerate(MEASURES)}


def _interval(values: Numbers) -> Interval:
    """The mean and the 2.5th and 97.5th percentile of means of resamples (Efron 1979)."""
    if not len(values):
        return Interval(0.0, 0.0, 0.0)
    picks = np.random.default_rng(_SEED).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))
