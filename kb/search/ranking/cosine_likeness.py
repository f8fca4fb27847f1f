"""Cosine likeness of records to a question: best passages and whole texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kb.search.bm25 import Bag
from kb.search.encoder.encoder import Vectors
from kb.search.indexed_records.collection import Collection, SomePassages
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.ranking.class_posterior import Numbers

Places = NDArray[np.int64]
#: Records that many questions are compared with at once: 200 questions and their passages take
#: 2 MB, which stay in the cache until the nearest are found. All passages took three times as long.
_RECORDS_TOGETHER = 200
#: Records whose passages are gathered at once: 1 MB stays in the cache until it is multiplied.
_GATHERED = 64
#: Different words of content, from which on a question gets a probability.
_FEWEST_WORDS = 3


@dataclass(frozen=True)
class Question:
    """A query as arrays: passage vectors (q, d), words, and the facets it states, if any.

    `alike_runs` are likenesses of runs by record id, 0…1, for a query that is a run.
    """

    vectors: Vectors
    bag: Bag
    entry: IndexedRecord | None = None
    alike_runs: Mapping[str, float] = field(default_factory=dict)

    @property
    def says_little(self) -> bool:
        """Whether it has too few words of content to say how likely an answer is."""
        return len(self.bag.words) < _FEWEST_WORDS

    @property
    def mean(self) -> Numbers:
        """The direction of all its passages, (d,)."""
        total = self.vectors.sum(axis=0)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-9), np.float32)


@dataclass(frozen=True)
class Likeness:
    """Cosines of a question with the records at `places`, each (len(places),).

    `best` is the mean over query passages of the nearest passage, −1 for a record without any;
    `whole` compares the two texts as wholes.
    """

    places: Places
    best: Numbers
    whole: Numbers

    @property
    def similarity(self) -> Numbers:
        """Both in equal parts."""
        return np.asarray((self.best + self.whole) / 2, np.float32)


def likeness(collection: Collection, question: Question, places: Places | None = None) -> Likeness:
    """How near the records at `places` are, by default all."""
    if places is None:
        everything = np.arange(len(collection))
        best = _nearest(collection.vectors @ question.vectors.T, collection.starts)
        return Likeness(everything, best, np.asarray(collection.means @ question.mean))
    known = collection.background
    is_known = np.isin(places, known.places)
    others = places[~is_known]
    pieces = [
        _best_of(question, collection.passages_of(others[start : start + _GATHERED]))
        for start in range(0, len(others), _GATHERED)
    ]
    best = np.empty(len(places), np.float32)
    best[~is_known] = np.concatenate([np.zeros(0, np.float32), *pieces])
    if is_known.any():
        found = np.searchsorted(known.places, places[is_known])
        best[is_known] = _best_of(question, known)[found]
    return Likeness(places, best, np.asarray(collection.means[places] @ question.mean))


def _best_of(question: Question, known: SomePassages) -> Numbers:
    """How near the nearest passages of some records are, (len(known.places),)."""
    return _nearest(known.vectors @ question.vectors.T, known.bounds)


def likenesses(collection: Collection, questions: Sequence[Question]) -> Iterator[Likeness]:
    """How near all records are to each of many questions, of one passage each, in their order."""
    if not questions:
        return
    everything, starts = np.arange(len(collection)), collection.starts
    vectors = np.concatenate([question.vectors for question in questions])
    best = np.empty((len(vectors), len(collection)), np.float32)
    for first in range(0, len(collection), _RECORDS_TOGETHER):
        bounds = starts[first : first + _RECORDS_TOGETHER + 1]
        passages = collection.vectors[bounds[0] : bounds[-1]]
        found = _best(passages @ vectors.T, bounds - bounds[0])
        best[:, first : first + _RECORDS_TOGETHER] = found.T
    whole = vectors @ collection.means.T
    for place in range(len(vectors)):
        yield Likeness(everything, best[place], whole[place])


def _nearest(similarities: Numbers, bounds: NDArray[np.int64]) -> Numbers:
    """`_best` on average over the query's passages, (runs,); −1 for a query without any."""
    if not similarities.shape[1]:
        return np.full(len(bounds) - 1, -1, np.float32)
    return np.asarray(_best(similarities, bounds).mean(axis=1))


def _best(similarities: Numbers, bounds: NDArray[np.int64]) -> Numbers:
    """The largest similarity within each run of rows, (runs, q); −1 where a run is empty."""
    best = np.full((len(bounds) - 1, similarities.shape[1]), -1, np.float32)
    filled = np.flatnonzero(np.diff(bounds))
    if len(filled):
        best[filled] = np.maximum.reduceat(similarities, bounds[filled], axis=0)
    return best
