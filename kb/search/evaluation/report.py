"""The report of an evaluation: means with bootstrap intervals, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.search.evaluation.controls import TWIN
from kb.search.evaluation.leave_one_out import (
    MEASURES,
    SYSTEMS,
    EvaluatedQuery,
    Heard,
    calibrated_bound,
    calibration_error,
)
from kb.search.find_similar import BAR
from kb.search.ranking.class_posterior import Numbers
from kb.statistics import share_interval
from kb.terminal import as_lines, whole_value

#: Resamples of the queries; the same seed always, so that a report can be compared with itself.
_RESAMPLES = 2000
_SEED = 20_260_101
#: Of the dealings of labels at random: few, since each is a whole evaluation.
SEEDS = (1, 2, 3)
#: The stratum of foreign texts that say nothing else of themselves.
FAR = "far"
#: Queries below which no ratio is given: at 20 the interval of a share of .5 is .30 to .70.
LEAST_QUERIES = 20
#: Edges of the reliability table, those of the words that answers use among them.
_EDGES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
#: Bars whose price is shown beside that of the library's own.
_BARS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
_BASELINES = [SYSTEMS.index(name) for name in SYSTEMS if name != "full"]
_FULL = SYSTEMS.index("full")
_NDCG = MEASURES.index("ndcg@10")

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % bootstrap interval."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Measured:
    """What was evaluated: `records` of `of_records`, the others without a label."""

    name: str
    records: int
    of_records: int


@dataclass(frozen=True)
class Controls:
    """Measures, each (queries, systems, measures), on labels dealt out at random and without twins.

    `twins` records are told twice; `alone` is None where none is.
    """

    shuffled: tuple[Table, ...]
    twins: int
    alone: Table | None


@dataclass(frozen=True)
class ReliabilityRow:
    """First answers that were given a probability of `low` to below `high`: what they were."""

    low: float
    high: float
    answers: int
    stated: float
    true: float


@dataclass(frozen=True)
class BarRow:
    """What a bar for plain texts costs: shares of true queries and, by stratum, of foreign texts.

    Both are the shares that get no answer.
    """

    bar: float
    true: float
    foreign: dict[str, float]


@dataclass(frozen=True)
class Evaluation:
    """Everything `kb eval` reports; shares are 0…1, None where there was nothing to measure.

    `ratios` are the full ranking's means divided by those of the best baseline, by measure;
    `shuffled_ratio` and `ratio_without_twins` are of nDCG@10. All are None below `LEAST_QUERIES`.
    `first_calibration_bound` is what a perfectly calibrated predictor would stay below.
    `foreign` are shares of texts answered "nothing similar", with their number, by stratum, at the
    library's `bar`; `bars` say what others would cost.
    """

    measured: Measured
    queries: int
    systems: dict[str, dict[str, Interval]]
    ratios: dict[str, Interval | None]
    shuffled_ratio: float | None
    twins: int
    ratio_without_twins: float | None
    calibration_error: float | None
    first_calibration_error: float | None
    first_calibration_bound: float | None
    reliability: tuple[ReliabilityRow, ...]
    foreign: dict[str, tuple[float, int]]
    true_rejected: float | None
    bar: float
    bars: tuple[BarRow, ...]

    @property
    def name(self) -> str:
        """The file or library that was evaluated."""
        return self.measured.name

    @property
    def records(self) -> int:
        """How many records were ranked."""
        return self.measured.records

    @property
    def foreign_rejected(self) -> float | None:
        """The share of texts from other worlds that are answered "nothing similar"."""
        return self.foreign[FAR][0] if FAR in self.foreign else None


def evaluation(
    measured: Measured,
    judged: Sequence[EvaluatedQuery],
    foreign: Mapping[str, Heard],
    controls: Controls,
    bar: float,
) -> Evaluation:
    """The report of judged queries and, by stratum, of what foreign texts get.

    `bar` is the library's for plain texts.
    """
    probabilities = np.concatenate([np.zeros(0, np.float32), *(j.probabilities for j in judged)])
    outcomes = np.concatenate([np.zeros(0, bool), *(j.outcomes for j in judged)])
    first = np.array([j.best for j in judged], np.float32)
    first_true = np.array([bool(j.outcomes[:1].any()) for j in judged], bool)
    table = table_of(judged)
    true = Heard(first, np.array([j.about for j in judged], np.float32))
    bars = sorted({*_BARS, bar}) if judged else []
    rows = tuple(_bar_row(one, true, foreign) for one in bars)
    at_bar = next((row for row in rows if row.bar == bar), None)
    dealt = [_ratio(one, _NDCG) for one in controls.shuffled if len(one) >= LEAST_QUERIES]
    known = [ratio for ratio in dealt if ratio is not None]
    return Evaluation(
        measured=measured,
        queries=len(judged),
        systems={name: _measures(table[:, place]) for place, name in enumerate(SYSTEMS)},
        ratios={name: _ratio_interval(table, place) for place, name in enumerate(MEASURES)},
        shuffled_ratio=float(np.mean(known)) if known else None,
        twins=controls.twins,
        ratio_without_twins=None if controls.alone is None else _ratio(controls.alone, _NDCG),
        calibration_error=calibration_error(probabilities, outcomes) if judged else None,
        first_calibration_error=calibration_error(first, first_true) if judged else None,
        first_calibration_bound=calibrated_bound(first) if judged else None,
        reliability=tuple(_reliability(first, first_true)),
        foreign=_refused(foreign, bar),
        true_rejected=at_bar.true if at_bar else None,
        bar=bar,
        bars=rows,
    )


def _refused(foreign: Mapping[str, Heard], bar: float) -> dict[str, tuple[float, int]]:
    """The shares of foreign texts that get no answer, and how many there are, by stratum."""
    return {
        name: (float(heard.refused(BAR, bar).mean()), len(heard.best))
        for name, heard in foreign.items()
    }


def _bar_row(bar: float, true: Heard, foreign: Mapping[str, Heard]) -> BarRow:
    refused = {name: float(heard.refused(BAR, bar).mean()) for name, heard in foreign.items()}
    return BarRow(bar, float(true.refused(BAR, bar).mean()), refused)


def evaluation_json(found: Evaluation) -> str:
    """The report as one JSON object with a line end (kb.eval/1)."""
    whole = {"schema": "kb.eval/1"} | report_value(found)
    return msgspec.json.format(msgspec.json.encode(whole_value(whole))).decode() + "\n"


def report_value(found: Evaluation) -> dict[str, Any]:
    """The report as JSON has it."""
    systems = {
        system: {measure: _interval_json(one) for measure, one in measures.items()}
        for system, measures in found.systems.items()
    }
    return {
        "name": found.name,
        "records": found.measured.records,
        "left_out_without_label": found.measured.of_records - found.measured.records,
        "queries": found.queries,
        "systems": systems,
        "ratio_to_best_baseline": {
            measure: _interval_json(one) if one else None for measure, one in found.ratios.items()
        },
        "ratio_on_shuffled_labels": found.shuffled_ratio,
        "twins": found.twins,
        "ratio_without_twins": found.ratio_without_twins,
        "calibration_error": found.calibration_error,
        "first_calibration_error": found.first_calibration_error,
        "first_calibration_bound": found.first_calibration_bound,
        "reliability": [_row_json(row) for row in found.reliability],
        "no_match": {
            "foreign_rejected": found.foreign_rejected,
            "true_rejected": found.true_rejected,
            "foreign": found.foreign.get(FAR, (0.0, 0))[1],
            "strata": {name: _stratum(*facts) for name, facts in found.foreign.items()},
            "bar": BAR,
            "text_bar": found.bar,
            "price": [
                {"text_bar": row.bar, "true_rejected": row.true, "foreign_rejected": row.foreign}
                for row in found.bars
            ],
        },
    }


def _interval_json(one: Interval) -> dict[str, float | None]:
    return {"value": one.value, "low": one.low, "high": one.high}


def _row_json(row: ReliabilityRow) -> dict[str, Any]:
    edges = {"from": row.low, "to": row.high}
    return edges | {"answers": row.answers, "stated": row.stated, "true": row.true}


def evaluation_text(found: Evaluation) -> str:
    """The report as a terminal shows it, with a line end."""
    return as_lines(_lines(found))


def _lines(found: Evaluation) -> Iterator[str]:
    measured = found.measured
    yield f"{found.name}: {found.queries} of {measured.records} records have a right answer"
    if left := measured.of_records - measured.records:
        yield f"{left} without a label were left out; --all-records ranks them too"
    if not found.queries:
        yield "Nothing to measure: no two records share a class."
        return
    yield ""
    yield f"{'':8}" + "".join(f"{measure:>18}" for measure in MEASURES)
    for system in SYSTEMS:
        cells = (found.systems[system][measure] for measure in MEASURES)
        yield f"{system:8}" + "".join(_cell(one) for one in cells)
    yield from _ratio_lines(found)
    yield ""
    yield from _probability_lines(found)
    for name, facts in found.foreign.items():
        yield f"{name + ' texts':<13} answered 'nothing similar' {_share(*facts)}"
    yield ""
    yield from _price_lines(found)


def _ratio_lines(found: Evaluation) -> Iterator[str]:
    """The full ranking beside the best baseline, and what the same gives where nothing is known."""
    if found.queries < LEAST_QUERIES:
        yield ""
        yield f"No ratio to a baseline is given for fewer than {LEAST_QUERIES} queries."
        return
    yield f"{'÷ best':8}" + "".join(_cell(found.ratios[name]) for name in MEASURES)
    yield ""
    if found.shuffled_ratio is not None:
        yield f"the same with labels dealt out at random: nDCG@10 ÷ best {found.shuffled_ratio:.3f}"
    if found.twins:
        ratio = found.ratio_without_twins
        text = "" if ratio is None else f"; without them nDCG@10 ÷ best {ratio:.3f}"
        yield f"{found.twins} records are told twice (cosine from {TWIN}, same labels){text}"


def _probability_lines(found: Evaluation) -> Iterator[str]:
    error, first = found.calibration_error or 0.0, found.first_calibration_error or 0.0
    yield f"calibration error  {first:.3f} (first answer), {error:.3f} (five), each left out"
    bound = found.first_calibration_bound or 0.0
    yield f"first answers that were calibrated perfectly would stay below {bound:.3f}"
    yield "first answers   said      n   stated     true"
    for row in found.reliability:
        edges = f"{row.low:.0%}–{row.high:.0%}"
        yield f"{'':13}{edges:>8} {row.answers:>5} {row.stated:>8.0%} {row.true:>8.0%}"
    share = _share(found.true_rejected or 0.0, found.queries)
    yield f"true queries answered 'nothing similar'  {share}"


def _price_lines(found: Evaluation) -> Iterator[str]:
    """What bars for plain texts cost, that of the library marked."""
    names = list(found.foreign)
    yield "search.bar   true queries lost" + "".join(f"{name + ' refused':>16}" for name in names)
    for row in found.bars:
        mark = "  is set" if row.bar == found.bar else ""
        cells = "".join(f"{row.foreign[name]:>16.1%}" for name in names)
        yield f"{row.bar:>10.2f} {row.true:>19.1%}{cells}{mark}"


def _cell(one: Interval | None) -> str:
    if one is None or one.value is None:
        return "—".rjust(18)
    return f"{one.value:6.3f} {one.low:.2f}–{one.high:.2f}".rjust(18)


def _share(share: float, total: int) -> str:
    low, high = share_interval(round(share * total), total) or (0.0, 1.0)
    return f"{share:.1%} of {total} ({low:.1%}–{high:.1%})"


def _stratum(share: float, total: int) -> dict[str, float]:
    low, high = share_interval(round(share * total), total) or (0.0, 1.0)
    return {"texts": total, "rejected": share, "low": low, "high": high}


def table_of(judged: Sequence[EvaluatedQuery]) -> Table:
    """The measures of every query, (queries, systems, measures)."""
    rows = [[judge.measures[system] for system in SYSTEMS] for judge in judged]
    return np.array(rows, np.float64).reshape(len(judged), len(SYSTEMS), len(MEASURES))


def _measures(table: Table) -> dict[str, Interval]:
    """The means of one system, from (queries, measures)."""
    return {name: interval(table[:, place]) for place, name in enumerate(MEASURES)}


def _reliability(stated: Numbers, true: NDArray[np.bool_]) -> Iterator[ReliabilityRow]:
    """What first answers turned out to be, by what was said of them; empty rows are left out."""
    for low, high in pairwise(_EDGES):
        held = (stated >= low) & ((stated < high) | (high == 1.0))
        if held.any():
            means = float(stated[held].mean()), float(true[held].mean())
            yield ReliabilityRow(low, high, int(held.sum()), *means)


def _ratio(table: Table, measure: int) -> float | None:
    """The full ranking's mean divided by that of the best baseline; None below `LEAST_QUERIES`."""
    if len(table) < LEAST_QUERIES:
        return None
    means = table[:, :, measure].mean(axis=0)
    best = means[_BASELINES].max()
    return float(means[_FULL] / best) if best else None


def _ratio_interval(table: Table, measure: int) -> Interval | None:
    """The same with its interval: queries are resampled, the best baseline is that of all."""
    value = _ratio(table, measure)
    if value is None:
        return None
    values = table[:, :, measure]
    best = _BASELINES[int(values[:, _BASELINES].mean(axis=0).argmax())]
    picks = _picks(len(values))
    below = np.maximum(values[picks, best].mean(axis=1), 1e-9)
    low, high = np.percentile(values[picks, _FULL].mean(axis=1) / below, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def interval(values: NDArray[np.float64]) -> Interval:
    """The mean and the 2.5th and 97.5th percentile of means of resamples (Efron 1979)."""
    if not len(values):
        return Interval(None, None, None)
    low, high = np.percentile(values[_picks(len(values))].mean(axis=1), [2.5, 97.5])
    return Interval(float(values.mean()), float(low), float(high))


def _picks(size: int) -> NDArray[np.int64]:
    return np.random.default_rng(_SEED).integers(0, size, (_RESAMPLES, size))
