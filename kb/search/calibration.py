"""How sure? The probability that a match is of the query's class.

A logistic curve over the text score and the class evidence, fitted to the library's own records
asked one by one. The shipped curve is the prior of that fit: a library with few labelled records
stays near it, and one with fewer than a stated number uses it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kb.search.collection import Collection
from kb.search.likeness import Likeness, Question, likenesses
from kb.search.posterior import ClassPosterior, Numbers
from kb.search.ranking import Ranking, best_first, rank

Curve = tuple[float, float, float]

#: Coefficients of text score, class evidence and 1: fitted to six public corpora together.
SHIPPED: Curve = (0.32, 4.78, -2.81)
#: The same for a library without any class: coefficients of text score, similarity and 1.
UNLABELLED: Curve = (0.64, 0.0, -1.15)
#: Precision of the prior: how many observations a coefficient of it is worth.
_PRIOR_PRECISION = 5.0
#: Labelled records from which on the library's own curve is used.
ENOUGH = 20
#: Similarity of the best candidate at which a query is as likely foreign as not. 95 % of true
#: queries of every corpus lie above 0.36; it was fixed before any foreign text was tried.
LIKENESS_BAR = 0.36
_LIKENESS_WIDTH = 0.02
#: Facets, verdicts and runs in units of the log odds; set by hand: no corpus teaches them.
_FACET_LOG_ODDS = 0.5
_QUERIES = 200
_DEPTH = 10
_ROUNDS = 25


@dataclass(frozen=True)
class Calibration:
    """A curve and where it comes from. `labelled` False: it looks at similarity, not at classes."""

    curve: Curve = SHIPPED
    queries: int = 0
    labelled: bool = True

    @property
    def source(self) -> str:
        """Which of the two was used, in words."""
        if self.queries:
            return f"fitted to {self.queries} records of this library"
        return "shipped with kb: too few records with a class to fit a curve"

    def probabilities(self, ranking: Ranking, allowed: NDArray[np.bool_]) -> Numbers:
        """The probability of the same class for every record of a ranking, 0…1.

        Only records that are `allowed` to answer count when it is asked whether any is like it.
        """
        second = ranking.class_evidence if self.labelled else ranking.similarity
        text, weight, constant = self.curve
        odds = text * ranking.text + weight * second + constant
        odds = odds + _FACET_LOG_ODDS * ranking.stated_part
        return np.asarray(_logistic(odds) * known(ranking.similarity[allowed]), np.float32)

    def class_probability(self, weight: float) -> float:
        """The probability that a record of one class with this weight would be of the query's."""
        text, slope, constant = self.curve if self.labelled else SHIPPED
        return float(_logistic(2 * text + slope * weight + constant))


def known(similarities: Numbers) -> float:
    """The probability that the query is about anything these records know, 0…1."""
    if not len(similarities):
        return 0.0
    distance = float(similarities.max()) - LIKENESS_BAR
    return float(_logistic(distance / _LIKENESS_WIDTH))


def falling(probabilities: Numbers) -> Numbers:
    """The nearest numbers that never rise (pool adjacent violators), for a list best first."""
    blocks: list[tuple[float, int]] = []
    for value in probabilities:
        mean, size = float(value), 1
        while blocks and blocks[-1][0] < mean:
            other, count = blocks.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        blocks.append((mean, size))
    return np.array([mean for mean, size in blocks for _ in range(size)], np.float32)


def sample(posterior: ClassPosterior) -> list[int]:
    """The records that are asked to fit a curve: labelled ones, evenly spread, not too many.

    The choice depends on the records alone, so that a refresh gives the same curve as a rebuild.
    """
    labelled = np.flatnonzero(posterior.labelled)
    step = -(-len(labelled) // _QUERIES)
    return [int(place) for place in labelled[:: max(step, 1)]]


def fit_calibration(
    collection: Collection,
    posterior: ClassPosterior,
    questions: Iterable[tuple[int, Question]],
    jaccard: float = 0.0,
) -> Calibration:
    """The curve of a library, from its labelled records asked one by one and each left out.

    `questions` pairs the position of a labelled record with what it asks, see `sample`.
    """
    if not posterior.labelled.any():
        return Calibration(UNLABELLED, labelled=False)
    asked = list(questions)
    if len(asked) < ENOUGH:
        return Calibration()
    near = likenesses(collection, [question for _, question in asked])
    samples = [
        _pairs(collection, posterior, (*pair, compared), jaccard)
        for pair, compared in zip(asked, near, strict=True)
    ]
    features = np.concatenate([features for features, _ in samples])
    outcomes = np.concatenate([outcomes for _, outcomes in samples])
    return Calibration(_fitted(features, outcomes), len(asked))


def _pairs(
    collection: Collection,
    posterior: ClassPosterior,
    asked: tuple[int, Question, Likeness],
    jaccard: float,
) -> tuple[Numbers, NDArray[np.bool_]]:
    """The best answers to one record: their features, and whether they are of its class."""
    place, question, near = asked
    ranking = rank(collection, posterior, question, near=near, without=place)
    allowed = posterior.labelled[ranking.places] & (ranking.places != place)
    best = best_first(ranking, posterior, allowed)[:_DEPTH]
    features = np.stack([ranking.text[best], ranking.class_evidence[best]], axis=1)
    answers = posterior.labels[ranking.places[best]]
    return features, same_class(answers, posterior.labels[place], jaccard)


def same_class(many: Numbers, one: Numbers, jaccard: float = 0.0) -> NDArray[np.bool_]:
    """Which label rows share a class with one, or overlap with it at least this much."""
    shared = many @ one
    union = many.sum(axis=1) + one.sum() - shared
    return np.asarray((shared > 0) & (shared / np.maximum(union, 1) >= jaccard))


def _fitted(features: Numbers, outcomes: NDArray[np.bool_]) -> Curve:
    """Logistic regression by Newton's method, with a normal prior around the shipped curve."""
    inputs = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    prior = np.array(SHIPPED)
    curve = prior.copy()
    for _ in range(_ROUNDS):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ curve, -30, 30)))
        slope = inputs.T @ (outcomes - expected) - _PRIOR_PRECISION * (curve - prior)
        spread = expected * (1 - expected)
        bend = (inputs * spread[:, None]).T @ inputs + _PRIOR_PRECISION * np.eye(len(prior))
        curve = curve + np.linalg.solve(bend, slope)
    return (float(curve[0]), float(curve[1]), float(curve[2]))


def _logistic(odds: ArrayLike) -> Numbers:
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)
