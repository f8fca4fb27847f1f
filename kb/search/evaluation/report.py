"""The report of an evaluation: means with bootstrap intervals, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from kb.search.evaluation.evaluate import MEASURES, SYSTEMS, Judged, calibration_error
from kb.search.ranking.classes import Numbers
from kb.search.similar import BAR
from kb.statistics import share_interval
from kb.terminal import as_lines, whole_value

#: Resamples of the queries; the same seed always, so that a report can be compared with itself.
_RESAMPLES = 2000
_SEED = 20_260_101
#: The stratum of foreign texts that say nothing else of themselves.
FAR = "far"


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Evaluation:
    """Everything `kb eval` reports; shares are 0…1, None where there was nothing to measure.

    `foreign` are shares of texts answered "nothing similar", with their number, by stratum.
    """

    name: str
    records: int
    queries: int
    systems: dict[str, dict[str, Interval]]
    calibration_error: float | None
    foreign: dict[str, tuple[float, int]]
    true_rejected: float | None

    @property
    def foreign_rejected(self) -> float | None:
        """The share of texts from other worlds that are answered "nothing similar"."""
        return self.foreign[FAR][0] if FAR in self.foreign else None


def evaluation(
    name: str, records: int, judged: Sequence[Judged], foreign: Mapping[str, Numbers]
) -> Evaluation:
    """The report of judged queries and, by stratum, of the best probabilities of foreign texts."""
    probabilities = np.concatenate([np.zeros(0, np.float32), *(j.probabilities for j in judged)])
    outcomes = np.concatenate([np.zeros(0, bool), *(j.outcomes for j in judged)])
    return Evaluation(
        name=name,
        records=records,
        queries=len(judged),
        systems={system: _measures(judged, system) for system in SYSTEMS},
        calibration_error=calibration_error(probabilities, outcomes) if judged else None,
        foreign={name: (float((best < BAR).mean()), len(best)) for name, best in foreign.items()},
        true_rejected=float(np.mean([j.best < BAR for j in judged])) if judged else None,
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
            "foreign": found.foreign.get(FAR, (0.0, 0))[1],
            "strata": {name: _stratum(*facts) for name, facts in found.foreign.items()},
            "bar": BAR,
        },
    }
    return msgspec.json.format(msgspec.json.encode(whole_value(whole))).decode() + "\n"


def evaluation_text(found: Evaluation) -> str:
    """The report as a terminal shows it, with a line end."""
    return as_lines(_lines(found))


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
    error = found.calibration_error or 0.0
    yield f"calibration error  {error:.3f} (five first answers, left out each)"
    share = _share(found.true_rejected or 0.0, found.queries)
    yield f"true queries answered 'nothing similar'  {share}"
    for name, facts in found.foreign.items():
        yield f"{name + ' texts':<13} answered 'nothing similar' {_share(*facts)}"


def _cell(interval: Interval) -> str:
    if interval.value is None:
        return "—".rjust(18)
    return f"{interval.value:6.3f} {interval.low:.2f}–{interval.high:.2f}".rjust(18)


def _share(share: float, total: int) -> str:
    low, high = share_interval(round(share * total), total) or (0.0, 1.0)
    return f"{share:.1%} of {total} ({low:.1%}–{high:.1%})"


def _stratum(share: float, total: int) -> dict[str, float]:
    low, high = share_interval(round(share * total), total) or (0.0, 1.0)
    return {"texts": total, "rejected": share, "low": low, "high": high}


def _measures(judged: Sequence[Judged], system: str) -> dict[str, Interval]:
    table = np.array([j.measures[system] for j in judged]).reshape(len(judged), len(MEASURES))
    return {name: _interval(table[:, place]) for place, name in enumerate(MEASURES)}


def _interval(values: Numbers) -> Interval:
    """The mean and the 2.5th and 97.5th percentile of means of resamples (Efron 1979)."""
    if not len(values):
        return Interval(None, None, None)
    picks = np.random.default_rng(_SEED).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.percentile(values[picks].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))
