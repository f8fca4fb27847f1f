"""Fits the checkup's score, and says what it is worth on sources it has not seen.

    python tests/bench/fit_checkup.py FOLDER [--write]

FOLDER holds one trace file a source, whose runs say how they ended (`reward`), and `origins.json`
with the origin of each; a folder `unseen` in it holds sources in the same form that the weights are
only tried on. Each source is left out once: the weights come from the others, and its
AUC stands beside every trivial score, with an interval (a bootstrap over tasks). `--write` fits on
all and writes `kb/data/checkup/weights.json`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from kb.traces.checkup.auc import Labelled, auc_estimates  # noqa: E402
from kb.traces.checkup.likelihood import features  # noqa: E402
from kb.traces.checkup.signs import signs, write_summary  # noqa: E402
from kb.traces.read_runs import ReadingSettings, read_runs  # noqa: E402

NAMES = ("steps", "distinct tools", "characters of the agent", "failed calls", "unread writes")
TRIVIAL = ("length", "tool calls", "distinct tools", "errors")
#: Inverse strength of the ridge: five weights for six sources want a strong one.
C = 0.01
#: Share of the runs that went well which may be called suspicious.
ALARMS = 0.2
PROVEN = 100.0


@dataclass(frozen=True)
class Source:
    """One source: counts of its runs, whether each failed, its task, trivial scores, proofs."""

    name: str
    counts: np.ndarray
    failed: np.ndarray
    tasks: tuple[str, ...]
    trivial: np.ndarray
    proven: np.ndarray


def load(path: Path) -> Source:
    counts, failed, tasks, trivial, proven = [], [], [], [], []
    for run in read_runs(path, ReadingSettings()):
        seen = write_summary(run)
        counts.append(features(run, seen))
        failed.append(float(run.source["reward"]) < 1)
        tasks.append(run.task)
        errors = sum(call.failure is not None for call in run.calls)
        tools = len({call.tool for call in run.calls})
        trivial.append((len(run.steps), len(run.calls), tools, errors))
        proven.append(any(sign.proves for sign in signs(run, seen)))
    arrays = (np.array(counts), np.array(failed), tuple(tasks), np.array(trivial), np.array(proven))
    return Source(path.stem, *arrays)


def fit(sources: Sequence[Source], *, shuffled: bool = False) -> tuple[np.ndarray, float]:
    """Weights and intercept; every source counts the same, and in it failed and passed runs."""
    from sklearn.linear_model import LogisticRegression

    x = np.log1p(np.vstack([source.counts for source in sources]))
    labels = [source.failed for source in sources]
    if shuffled:
        labels = [np.random.default_rng(0).permutation(y) for y in labels]
    y = np.concatenate(labels)
    share = [np.where(one, 0.5 / one.sum(), 0.5 / (~one).sum()) for one in labels]
    weights = np.concatenate(share) * len(y) / len(sources)
    model = LogisticRegression(C=C, max_iter=1_000).fit(x, y, sample_weight=weights)
    return model.coef_[0], float(model.intercept_[0])


def values(source: Source, model: tuple[np.ndarray, float]) -> np.ndarray:
    return np.log1p(source.counts) @ model[0] + model[1]


def told(sources: Sequence[Source]) -> None:
    names = ("this ranking", "score alone", *TRIVIAL, "fitted on shuffled labels")
    means: dict[str, list[float]] = {name: [] for name in names}
    for source in sources:
        others = [other for other in sources if other is not source]
        alone = values(source, fit(others))
        control = values(source, fit(others, shuffled=True))
        columns = [alone + PROVEN * source.proven, alone, *source.trivial.T, control]
        rows = zip(source.tasks, source.failed, zip(*columns, strict=True), strict=True)
        runs = [Labelled(task, bool(failed), tuple(map(float, v))) for task, failed, v in rows]
        print(f"{source.name}: {len(runs)} runs, {int(source.failed.sum())} failed")
        for worth in auc_estimates(names, runs):
            means[worth.name].append(worth.auc)
            print(f"  {worth.name:26} {worth.auc:.2f} [{worth.low:.2f}–{worth.high:.2f}]")
    print(f"mean over {len(sources)} sources")
    for name, aucs in means.items():
        print(f"  {name:26} {np.mean(aucs):.3f}")


def written(sources: Sequence[Source], folder: Path) -> None:
    weights, intercept = fit(sources)
    # One in five of the runs that went well, of every source the same share of runs.
    passed = [1 / (1 + np.exp(-values(s, (weights, intercept))[~s.failed])) for s in sources]
    drawn = [np.random.default_rng(0).choice(one, 1_000) for one in passed]
    threshold = 100 * float(np.quantile(np.concatenate(drawn), 1 - ALARMS))
    origins = json.loads((folder / "origins.json").read_text("utf-8"))
    model = {
        "features": NAMES,
        "weights": [round(float(w), 4) for w in weights],
        "intercept": round(intercept, 4),
        "threshold": round(threshold, 1),
        "sources": [
            {
                "name": source.name,
                "origin": origins[source.name],
                "runs": len(source.failed),
                "failed": int(source.failed.sum()),
            }
            for source in sources
        ],
        "unseen": [],
    }
    model["unseen"] = [_tried(source, model, origins) for source in sources_in(folder / "unseen")]
    text = json.dumps(model, indent=1, ensure_ascii=False) + "\n"
    (ROOT / "kb/data/checkup/weights.json").write_text(text, encoding="utf-8")


def _tried(source: Source, model: dict[str, Any], origins: dict[str, str]) -> dict[str, Any]:
    """What weights are worth on a source they were not fitted on, beside length."""
    ours = values(source, (np.array(model["weights"]), model["intercept"]))
    rows = zip(source.tasks, source.failed, ours, source.trivial[:, 0], strict=True)
    runs = [Labelled(task, bool(failed), (float(a), float(b))) for task, failed, a, b in rows]
    score, length = auc_estimates(("score", "length"), runs)
    print(f"{source.name}, unseen: {score.auc:.2f} [{score.low:.2f}–{score.high:.2f}], ", end="")
    print(f"length {length.auc:.2f} [{length.low:.2f}–{length.high:.2f}]")
    return {
        "name": source.name,
        "origin": origins[source.name],
        "runs": len(runs),
        "failed": int(source.failed.sum()),
        "auc": round(score.auc, 2),
        "low": round(score.low, 2),
        "high": round(score.high, 2),
        "length": round(length.auc, 2),
    }


def sources_in(folder: Path) -> list[Source]:
    return [load(path) for path in sorted(folder.glob("*.json")) if path.name != "origins.json"]


if __name__ == "__main__":
    random.seed(0)
    where = Path(sys.argv[1])
    found = sources_in(where)
    if "--write" in sys.argv:
        written(found, where)
    told(found)
