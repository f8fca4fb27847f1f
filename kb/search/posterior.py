"""Of which failure class is the query? A posterior learnt from the library's own labelled records.

Three voices: a ridge probe over record vectors, the vote of the nearest records, and the likeness
of the query to what each class is called and means. The last one needs no example at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kb.search.collection import Labels
from kb.search.encoder import Vectors

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class PosteriorWeights:
    """How loud each voice is; chosen leave-one-corpus-out, see DECISIONS.md.

    `meaning` is the weight of names beside 1 for the mean of probe and vote.
    `patience` is the number of labelled records at which the labels are trusted half.
    """

    ridge: float = 1.0
    neighbours: int = 20
    neighbour_temperature: float = 0.1
    meaning: float = 1.5
    meaning_temperature: float = 0.1
    patience: float = 10.0


#: A query may be of no known class: this many voters say so, each as near as this cosine.
#: Without them a single record would decide every question.
_NOBODY_VOTES = 3.0
_NOBODY_SIMILARITY = 0.4


@dataclass(frozen=True)
class ClassPosterior:
    """What the labelled records teach.

    `means` (n, d), `labels` (n, c), `meanings` (c, d); `probe` is the ridge regression of the
    labels on the vectors, (d, c).
    """

    means: Vectors
    labels: Labels
    meanings: Vectors
    probe: Numbers
    weights: PosteriorWeights = PosteriorWeights()

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """Which records have a class, (n,)."""
        return np.asarray(self.labels.any(axis=1))

    @cached_property
    def trust(self) -> float:
        """How far the labels are followed, 0…1: few labels, little trust."""
        count = float(self.labelled.sum())
        return count / (count + self.weights.patience)

    def of(self, query: Numbers, similarities: Numbers, without: int | None = None) -> Numbers:
        """The weight of each class for a query, (c,), about 0…1; all zero where nothing is known.

        `query` is a unit vector (d,), `similarities` its likeness to every record (n,).
        `without` hides the label of one record from all three voices.
        """
        if not self.labels.size:
            return np.zeros(self.labels.shape[1], np.float32)
        probed = np.clip(self._probed(query, without), 0, 1)
        voted = self._voted(similarities, without)
        return np.asarray((probed + voted) / 2 + self.weights.meaning * self._meant(query))

    def likely_records(self, query: Numbers) -> NDArray[np.int64]:
        """All records by the probe's weight of their classes, largest first."""
        shares = self.labels / np.maximum(self.labels.sum(axis=1, keepdims=True), 1)
        return np.argsort(-(shares @ (query @ self.probe)), kind="stable")

    def _probed(self, query: Numbers, without: int | None) -> Numbers:
        answer = query @ self.probe
        if without is None or not self.labelled[without]:
            return np.asarray(answer)
        # Sherman and Morrison: the probe as if the record had never been there.
        row = self.means[without]
        lever = self._inverse @ row
        residual = self.labels[without] - row @ self.probe
        return np.asarray(answer - (query @ lever) / (1 - row @ lever) * residual)

    @cached_property
    def _inverse(self) -> Numbers:
        return _inverse(self.means[self.labelled], self.weights.ridge)

    def _voted(self, similarities: Numbers, without: int | None) -> Numbers:
        voters = self.labelled.copy()
        if without is not None:
            voters[without] = False
        places = np.flatnonzero(voters)
        if not len(places):
            return np.zeros(self.labels.shape[1], np.float32)
        nearest = places[np.argsort(-similarities[places], kind="stable")]
        nearest = nearest[: self.weights.neighbours]
        votes = _votes(similarities[nearest], self.weights.neighbour_temperature)
        return np.asarray(votes @ self.labels[nearest] / (votes.sum() + _NOBODY_VOTES))

    def _meant(self, query: Numbers) -> Numbers:
        votes = _votes(self.meanings @ query, self.weights.meaning_temperature)
        return np.asarray(votes / (votes.sum() + 1), np.float32)


def fit_posterior(
    means: Vectors,
    labels: Labels,
    meanings: Vectors,
    weights: PosteriorWeights = PosteriorWeights(),
) -> ClassPosterior:
    """The posterior of these records, its probe fitted in closed form."""
    labelled = labels.any(axis=1)
    rows = means[labelled]
    probe = _inverse(rows, weights.ridge) @ (rows.T @ labels[labelled])
    return ClassPosterior(means, labels, meanings, np.asarray(probe, np.float32), weights)


def _inverse(rows: Vectors, ridge: float) -> Numbers:
    """(XᵀX + λ)⁻¹, (d, d)."""
    exact = rows.astype(np.float64)
    return np.asarray(np.linalg.inv(exact.T @ exact + ridge * np.eye(exact.shape[1])), np.float32)


def _votes(similarities: Numbers, temperature: float) -> Numbers:
    """How loud each voice is beside one at the likeness of nobody in particular."""
    return np.asarray(np.exp((similarities - _NOBODY_SIMILARITY) / temperature), np.float32)
