"""The failure-class posterior of a query, learnt from the library's own labelled records.

Three estimates are added: a ridge regression over words and vectors, the vote of the nearest
records, and the likeness of the query to what each class is called and means. The last needs no
example at all. Each counts as far as the library's own records bear it out.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kb.search.bm25 import Bag
from kb.search.encoder.encoder import Vectors
from kb.search.indexed_records.collection import Labels
from kb.search.ranking.joint_ridge import JointRidge

Numbers = NDArray[np.float32]
#: What labels and what meanings say of each class, (c,) each, before anything is taken off.
Estimates = tuple[Numbers, Numbers]


@dataclass(frozen=True)
class PosteriorWeights:
    """How much each estimate counts; chosen leave-one-corpus-out, see DECISIONS.md.

    `vote` is the share of the vote beside the ridge, `meaning` the weight of the meanings beside 1
    for both. `shrinkage` is the number of labelled records at which ridge and vote are trusted
    half; what a class means needs no label and is trusted in the smallest library.
    `class_prior` is how much of the average score of a class is taken off: that a class is common,
    or its definition like every text, says nothing about a query.
    """

    ridge: float = 1.0
    neighbours: int = 20
    neighbour_temperature: float = 0.1
    vote: float = 0.4
    meaning: float = 1.5
    meaning_temperature: float = 0.1
    shrinkage: float = 10.0
    class_prior: float = 0.75


#: A query may be of no known class: this many votes say so, each as near as this cosine.
#: Without them a single record would decide every question.
_NOBODY_VOTES = 3.0
_NOBODY_SIMILARITY = 0.4


#: Correlation of estimate and label, above what chance gives, from which on one counts in full.
_FULL_SKILL = 0.1


#: The power of the number of its classes by which a record's are divided. Undivided, records that
#: are labelled broadly come first for everything; at 1 they are punished.
_SEVERAL_CLASSES = 0.75


@dataclass(frozen=True)
class ClassSkill:
    """How far the estimates proved right on the library's own records, each 0…1."""

    learnt: float = 1.0
    meant: float = 1.0


@dataclass(frozen=True)
class ClassScores:
    """The weight of each class, (c,), 0 to about 2; zero where nothing is known.

    `evidence` takes the labels at face value, which is what probabilities are fitted to; `weights`
    follows them as far as there are enough of them, which is what the order is made of.
    """

    evidence: Numbers
    weights: Numbers


@dataclass(frozen=True)
class LabelStatistics:
    """What is known of all labelled records where a posterior holds only some of them.

    `labels` is the sum of their labels, (c,); `inverse` is (XᵀX + λ)⁻¹ of their means, (d, d).
    """

    count: int
    labels: Numbers
    inverse: Numbers


@dataclass(frozen=True)
class ClassPosterior:
    """What the labelled records teach.

    `means` (n, d), `labels` (n, c), `meanings` (c, d); `probe` is the ridge regression of the
    labels on the vectors, (d, c); `meant` is the sum of the meaning scores of all labelled records,
    (c,). `joint` scores words as well and takes the place of the probe where it was fitted.
    `of_all` is None where these are all records there are.
    """

    means: Vectors
    labels: Labels
    meanings: Vectors
    probe: Numbers
    meant: Numbers
    weights: PosteriorWeights = PosteriorWeights()
    of_all: LabelStatistics | None = None
    joint: JointRidge | None = None
    skill: ClassSkill = ClassSkill()

    @cached_property
    def labelled(self) -> NDArray[np.bool_]:
        """Which records have a class, (n,)."""
        return np.asarray(self.labels.any(axis=1))

    def trust(self, without: int | None = None) -> float:
        """How far probe and vote are followed, 0…1: few labels, little trust."""
        count = self._count(without)
        return count / (count + self.weights.shrinkage)

    def of(
        self,
        query: Numbers,
        similarities: Numbers,
        without: int | None = None,
        bag: Bag | None = None,
        estimates: Estimates | None = None,
    ) -> ClassScores:
        """The scores of each class for a query.

        `query` is a unit vector (d,), `similarities` its likeness to every record (n,), `bag` its
        words. `without` hides the label of one record from all three estimates, which may be known.
        """
        if not len(self.meanings):
            nothing = np.zeros(self.labels.shape[1], np.float32)
            return ClassScores(nothing, nothing)
        learnt, meant = estimates or self.estimates(query, similarities, without, bag)
        # A few labels do not show what is usual any better than what is right.
        trust = self.trust(without)
        prior_learnt, prior_meant = self._class_prior(without)
        learnt = learnt - self.weights.class_prior * trust * prior_learnt
        meant = meant - self.weights.class_prior * prior_meant
        learnt, meant = self.skill.learnt * learnt, self.skill.meant * self.weights.meaning * meant
        return ClassScores(_positive(learnt + meant), _positive(trust * learnt + meant))

    def estimates(
        self, query: Numbers, similarities: Numbers, without: int | None, bag: Bag | None
    ) -> Estimates:
        """What labels and what meanings say of each class."""
        scored = np.clip(self._ridge_scores(query, bag, without), 0, 1)
        vote = self.weights.vote
        learnt = (1 - vote) * scored + vote * self._voted(similarities, without)
        return _numbers(learnt), self._meaning_scores(query)

    def likely_records(self, query: Numbers, count: int) -> NDArray[np.int64]:
        """The records of the largest weight of their classes by the probe, in any order."""
        shares = (self.labels @ (query @ self.probe)) / self._label_counts
        return largest(_numbers(shares), count)

    def shares_of(self, places: NDArray[np.int64]) -> Numbers:
        """How much of each class the records at `places` are; of all of them worked out once."""
        if len(places) == len(self.labels):
            return self._shares[places]
        return class_shares(self.labels[places])

    @cached_property
    def _shares(self) -> Numbers:
        return class_shares(self.labels)

    @cached_property
    def _label_counts(self) -> Numbers:
        return _numbers(np.maximum(self.labels.sum(axis=1), 1))

    def _ridge_scores(self, query: Numbers, bag: Bag | None, without: int | None) -> Numbers:
        """The score of each class by the ridge, (c,); by words too where it learnt them."""
        if self.joint is None or bag is None:
            return self._probed(query, without)
        return self.joint.predicted(query, bag, self._teacher_means, without)

    @cached_property
    def _teacher_means(self) -> Vectors:
        return self.means[self.joint.teachers] if self.joint else self.means[:0]

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
        if self.of_all is not None:
            return self.of_all.inverse
        rows = self.means[self.labelled]
        return ridge_inverse(rows.T @ rows, self.weights.ridge)

    def _voted(self, similarities: Numbers, without: int | None) -> Numbers:
        candidates = _numbers(np.where(self.labelled, similarities, -np.inf))
        if without is not None:
            candidates[without] = -np.inf
        nearest = largest(candidates, self.weights.neighbours)
        nearest = nearest[np.isfinite(candidates[nearest])]
        if not len(nearest):
            return np.zeros(self.labels.shape[1], np.float32)
        votes = _votes(similarities[nearest], self.weights.neighbour_temperature)
        return np.asarray(votes @ self.labels[nearest] / (votes.sum() + _NOBODY_VOTES))

    def _meaning_scores(self, query: Numbers) -> Numbers:
        return np.asarray(meaning_scores(query[None], self.meanings, self.weights)[0])

    def _class_prior(self, without: int | None) -> tuple[Numbers, Numbers]:
        """The average labels and meaning scores of the labelled records, each (c,)."""
        shares, meant = self._label_sums, self.meant
        if without is not None and self.labelled[without]:
            shares, meant = (
                shares - self.labels[without],
                meant - self._meaning_scores(self.means[without]),
            )
        count = max(self._count(without), 1)
        return _numbers(shares / count), _numbers(meant / count)

    def _count(self, without: int | None) -> int:
        """How many labelled records there are beside the one that is left out."""
        hidden = without is not None and bool(self.labelled[without])
        return self._labelled_count - hidden

    # A build asks hundreds of questions of the same labels.
    @cached_property
    def _label_sums(self) -> Numbers:
        return self.of_all.labels if self.of_all else _numbers(self.labels.sum(axis=0))

    @cached_property
    def _labelled_count(self) -> int:
        return self.of_all.count if self.of_all else int(self.labelled.sum())


def class_shares(labels: Numbers) -> Numbers:
    """How much of each class a record is: the less, the more classes it has."""
    counts = np.maximum(labels.sum(axis=1, keepdims=True), 1)
    return np.asarray(labels / counts**_SEVERAL_CLASSES, np.float32)


def fit_posterior(
    means: Vectors,
    labels: Labels,
    meanings: Vectors,
    weights: PosteriorWeights = PosteriorWeights(),
) -> ClassPosterior:
    """The posterior of these records, its probe fitted in closed form."""
    labelled = labels.any(axis=1)
    rows = means[labelled]
    squares = _ridged(rows.T @ rows, weights.ridge)
    probe = np.linalg.solve(squares, rows.T @ labels[labelled]).astype(np.float32)
    meant = meaning_scores(rows, meanings, weights).sum(axis=0)
    return ClassPosterior(means, labels, meanings, probe, meant, weights)


def class_skill(estimates: Numbers, labels: Labels) -> float:
    """How far estimates (q, c) proved right, 0…1, by their correlation with the labels (q, c).

    Deviations from the mean of each class are compared, all classes together: what chance gives
    is taken off, as one over the root of the questions.
    """
    said, true = estimates - estimates.mean(axis=0), labels - labels.mean(axis=0)
    spread = float(np.sqrt((said**2).sum() * (true**2).sum()))
    if not spread:
        return 0.0
    beyond_chance = float((said * true).sum()) / spread - 1 / np.sqrt(len(labels))
    return float(np.sqrt(np.clip(beyond_chance / _FULL_SKILL, 0, 1)))


def largest(values: Numbers, count: int) -> NDArray[np.int64]:
    """The positions of the largest values, in any order; of equal ones the first."""
    if count >= len(values):
        return np.arange(len(values))
    if not count:
        return np.zeros(0, np.int64)
    least = np.partition(values, len(values) - count)[len(values) - count]
    above = np.flatnonzero(values > least)
    return np.concatenate([above, np.flatnonzero(values == least)[: count - len(above)]])


def _positive(weights: ArrayLike) -> Numbers:
    return _numbers(np.maximum(weights, 0))


def _numbers(values: ArrayLike) -> Numbers:
    return np.asarray(values, np.float32)


def meaning_scores(queries: Vectors, meanings: Vectors, weights: PosteriorWeights) -> Numbers:
    """How near each query is to what each class is called and means, (q, c), rows below 1."""
    votes = _votes(queries @ meanings.T, weights.meaning_temperature)
    return np.asarray(votes / (votes.sum(axis=1, keepdims=True) + 1), np.float32)


def ridge_inverse(squares: NDArray[np.floating], ridge: float) -> Numbers:
    """(XᵀX + λ)⁻¹ of the squares XᵀX of rows, (d, d)."""
    return np.asarray(np.linalg.inv(_ridged(squares, ridge)), np.float32)


def _ridged(squares: NDArray[np.floating], ridge: float) -> NDArray[np.float64]:
    return squares.astype(np.float64) + ridge * np.eye(len(squares))


def _votes(similarities: Numbers, temperature: float) -> Numbers:
    """The weight of each vote beside 1 for one at the likeness of no class in particular."""
    return np.asarray(np.exp((similarities - _NOBODY_SIMILARITY) / temperature), np.float32)
