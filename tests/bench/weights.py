"""Which weights would be chosen without the corpus they are scored on?

    python tests/bench/weights.py

One row a fold: the setting of the largest mean nDCG@10 (÷ best of BM25, dense, RRF) on the other
corpora, its measures on the corpus left out, and those of the setting that ships. The weights of
the class posterior stay as they ship.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from kb.config import Config
from kb.library import Library
from kb.records.form import build_form
from kb.search.encoder.encoder import cache_folder
from kb.search.encoder.vector_store import VectorStore
from kb.search.evaluation.controls import labelled_only
from kb.search.evaluation.dataset import Subject, read_lines, subject_from_lines
from kb.search.evaluation.leave_one_out import SYSTEMS, measure, orders, relevance
from kb.search.index.build_index import embed_rows
from kb.search.index.index import ready_encoder
from kb.search.ranking.learn import FittedModel, learn_to_rank
from kb.search.ranking.rank import Weights, rank
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KB_DATA", ROOT.parent / "shared" / "data"))
GRID = tuple(itertools.product((1.0, 1.25, 1.5), (8.0, 12.0, 16.0), (0.4, 0.5, 0.6)))
SHIPPED = (Weights().lexical, Weights().classes, Weights().hedge)

#: success@1, success@5 and nDCG@10 over the best peer, by setting.
Ratios = Mapping[tuple[float, float, float], np.ndarray]


def main() -> None:
    """Print one row a fold."""
    corpora = {file.stem: ratios(file) for file in sorted((DATA / "corpora").glob("*.jsonl"))}
    print(f"{'left out':<14}{'chosen on the others':>24}{'scored':>24}{'as shipped':>24}")
    chosen, shipped = [], []
    for left in corpora:
        best = max(
            GRID, key=lambda one: np.mean([c[one][2] for n, c in corpora.items() if n != left])
        )
        chosen.append(corpora[left][best])
        shipped.append(corpora[left][SHIPPED])
        setting = " ".join(f"{weight:g}" for weight in best)
        print(f"{left:<14}{setting:>24}{cells(chosen[-1])}{cells(shipped[-1])}")
    print(f"{'mean':<38}{cells(np.mean(chosen, axis=0))}{cells(np.mean(shipped, axis=0))}")


def cells(row: np.ndarray) -> str:
    """Three ratios as a column."""
    return " ".join(f"{value:.3f}" for value in row).rjust(24)


def ratios(file: Path) -> Ratios:
    """The measures of the full ranking over the best peer, for every setting."""
    form = build_form()
    encoder = ready_encoder(Library(ROOT, Config(), form, ()))
    store = VectorStore(
        cache_folder().parent / f"vectors-{encoder.card.key}", encoder.card.dimension
    )

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        return embed_rows(texts, encoder, store)

    subject = subject_from_lines(read_lines(file), form, embed, full=False, masked=False)
    jaccard = 0.25 if file.stem == "atlas" else 0.0
    subject = labelled_only(subject)
    learned = learn_to_rank(subject.collection, subject.taught, form, embed)
    right = relevance(subject.collection.labels, jaccard)
    return {one: _scored(subject, learned, right, Weights(*one[:2], hedge=one[2])) for one in GRID}


def _scored(
    subject: Subject, learned: FittedModel, right: np.ndarray, weights: Weights
) -> np.ndarray:
    posterior, same = learned.posterior, learned.calibration.same_incident
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in SYSTEMS}
    for place, question in enumerate(subject.questions):
        if right[place].any():
            ranking = rank(subject.collection, posterior, question, weights, without=place)
            ranked = orders(ranking, posterior, ranking.places != place, weights, same)
            for name, order in ranked.items():
                found[name].append(measure(order, right[place]))
    means = {name: np.mean(rows, axis=0)[:3] for name, rows in found.items()}
    return means["full"] / np.max([means[name] for name in SYSTEMS if name != "full"], axis=0)


if __name__ == "__main__":
    main()
