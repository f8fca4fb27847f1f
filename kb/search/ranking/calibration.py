"""The calibrated probability that a match is of the query's class.

A logistic curve over the text score and the class evidence, fitted to the library's own records
asked one by one. The shipped curve is the prior of that fit: a library with few labelled records
stays near it, and one with fewer than a stated number uses it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kb.search.ranking.classes import ClassPosterior, Numbers, largest
from kb.search.ranking.incident import incident_chance
from kb.search.ranking.likeness import Likeness, Question, likenesses
from kb.search.ranking.rank import HEDGED_AMONG, Ranking, best_first, rank
from kb.search.records.collection import Collection

Curve = tuple[float, float, float]
ClassCurve = tuple[float, float]

#: Coefficients of text score, class evidence and 1: fitted to six public corpora together.
SHIPPED: Curve = (0.36, 5.71, -2.75)
#: Coefficients of the largest class weight and 1, for that class being the query's: the same way.
SHIPPED_CLASS: ClassCurve = (4.18, -1.04)
#: The first for a library without any class: coefficients of text score, similarity and 1.
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
FACET_LOG_ODDS = 0.5
_QUERIES = 200
_DEPTH = 10
_ROUNDS = 25
_LEAST_STEP = 1e-6
#: Share of the labelled records with one class from which on the answers teach nothing about
#: telling classes apart: nearly all are right, whatever is asked.
_ONE_CLASS = 0.9


@dataclass(frozen=True)
class Calibration:
    """Two curves, of matches and of the proposed class, and where they come from.

    `labelled` False: the first looks at similarity, not at classes. `one_class`: nearly all records
    of the library have the same class. `encoder_key` names the encoder, for which a probe of
    incidents may be shipped.
    """

    curve: Curve = SHIPPED
    queries: int = 0
    labelled: bool = True
    class_curve: ClassCurve = SHIPPED_CLASS
    encoder_key: str = ""
    one_class: bool = False

    @property
    def source(self) -> str:
        """Which of the two was used, in words."""
        if self.queries:
            return f"fitted to {self.queries} records of this library"
        if self.one_class:
            return "shipped with kb: nearly all records here have one class, which fits no curve"
        return "shipped with kb: too few records with a class to fit a curve"

    def probabilities(
        self, ranking: Ranking, allowed: NDArray[np.bool_], incident: float = 1.0
    ) -> Numbers:
        """The probability of the same class for every record of a ranking, 0…1.

        Only records that are `allowed` to answer count when it is asked whether any is like it.
        `incident` is the probability that the query tells of one, see `incident`.
        """
        second = ranking.class_evidence if self.labelled else ranking.similarity
        text, weight, constant = self.curve
        odds = text * ranking.text + weight * second + constant
        odds = odds + FACET_LOG_ODDS * ranking.stated_part
        about = known(ranking.similarity[allowed]) * incident
        return np.asarray(logistic(odds) * about, np.float32)

    def incident(self, question: Question, ranking: Ranking, allowed: NDArray[np.bool_]) -> float:
        """The probability that a plain text tells of an incident at all, 0…1.

        1 where that is not known: for another encoder than the default one, and for a few words.
        """
        if question.says_little:
            return 1.0
        nearest = float(ranking.similarity[allowed].max(initial=-1))
        return incident_chance(self.encoder_key, question.mean, nearest)

    def class_probability(self, weight: float) -> float:
        """The probability that the class of the largest weight is one of the query's, 0…1.

        Asked only where the best match has that class, and fitted to such cases.
        """
        slope, constant = self.class_curve
        return float(logistic(slope * weight + constant))


def known(similarities: Numbers) -> float:
    """The probability that the query is about anything these records know, 0…1."""
    if not len(similarities):
        return 0.0
    distance = float(similarities.max()) - LIKENESS_BAR
    return float(logistic(distance / _LIKENESS_WIDTH))


def isotonic_decreasing(probabilities: Numbers) -> Numbers:
    """The nearest numbers that never rise (pool adjacent violators), for a list best first."""
    means: list[float] = []
    sizes: list[int] = []
    for value in probabilities.tolist():
        mean, size = value, 1
        while means and means[-1] < mean:
            other, count = means.pop(), sizes.pop()
            mean, size = (mean * size + other * count) / (size + count), size + count
        means.append(mean)
        sizes.append(size)
    return np.repeat(np.array(means, np.float32), sizes)


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
    if posterior.labels[posterior.labelled].mean(axis=0).max() > _ONE_CLASS:
        return Calibration(UNLABELLED, labelled=False, one_class=True)
    near = likenesses(collection, [question for _, question in asked])
    samples = [
        _sample(collection, posterior, place, question, compared, jaccard)
        for (place, question), compared in zip(asked, near, strict=True)
    ]
    text, classes, rest = fit_logistic(
        [s.features for s in samples], [s.outcomes for s in samples], SHIPPED
    )
    borne_out = [s for s in samples if s.proposal_right is not None]
    slope, constant = fit_logistic(
        [np.array([[s.proposal_weight]], np.float32) for s in borne_out],
        [np.array([s.proposal_right]) for s in borne_out],
        SHIPPED_CLASS,
    )
    return Calibration((text, classes, rest), len(asked), class_curve=(slope, constant))


@dataclass(frozen=True)
class _Sample:
    """What one record answered to teaches: matches right or wrong, and the class proposed."""

    features: Numbers
    outcomes: NDArray[np.bool_]
    proposal_weight: float
    proposal_right: bool | None


def _sample(
    collection: Collection,
    posterior: ClassPosterior,
    place: int,
    question: Question,
    near: Likeness,
    jaccard: float,
) -> _Sample:
    """The best answers to one record; a class that the best one does not have is not proposed."""
    ranking = rank(collection, posterior, question, near=near, without=place)
    allowed = posterior.labelled[ranking.places] & (ranking.places != place)
    foremost = np.zeros(len(allowed), bool)
    foremost[largest(np.where(allowed, ranking.score, -np.inf), HEDGED_AMONG)] = True
    best = best_first(ranking, posterior, allowed & foremost)[:_DEPTH]
    answers = posterior.labels[ranking.places[best]]
    mine, proposed = posterior.labels[place], int(ranking.class_weights.argmax())
    borne_out = len(answers) > 0 and answers[0, proposed] > 0
    return _Sample(
        features=np.stack([ranking.text[best], ranking.class_evidence[best]], axis=1),
        outcomes=same_class(answers, mine, jaccard),
        proposal_weight=float(ranking.class_weights[proposed]),
        proposal_right=bool(mine[proposed]) if borne_out else None,
    )


def same_class(many: Numbers, one: Numbers, jaccard: float = 0.0) -> NDArray[np.bool_]:
    """Which label rows share a class with one, or overlap with it at least this much."""
    shared = many @ one
    union = many.sum(axis=1) + one.sum() - shared
    return np.asarray((shared > 0) & (shared / np.maximum(union, 1) >= jaccard))


def fit_logistic(
    features: Sequence[Numbers], outcomes: Sequence[NDArray[np.bool_]], shipped: tuple[float, ...]
) -> tuple[float, ...]:
    """The coefficients of a logistic regression, with a normal prior around the shipped curve.

    Each of `features` is (n, k) with `outcomes` (n,); there are k + 1 coefficients, of 1 the last.
    Newton's method.
    """
    if not features:
        return shipped
    rows, right = np.concatenate(features), np.concatenate(outcomes)
    inputs = np.column_stack([rows, np.ones(len(rows))]).astype(np.float64)
    prior = np.array(shipped)
    curve = prior.copy()
    loss = _loss(inputs, right, prior, curve)
    for _ in range(_ROUNDS):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ curve, -30, 30)))
        slope = inputs.T @ (right - expected) - _PRIOR_PRECISION * (curve - prior)
        spread = expected * (1 - expected)
        bend = (inputs * spread[:, None]).T @ inputs + _PRIOR_PRECISION * np.eye(len(prior))
        step = np.linalg.solve(bend, slope)
        # A whole step of Newton's can overshoot where nearly all answers are right.
        while (after := _loss(inputs, right, prior, curve + step)) > loss and step.any():
            step = step / 2 if np.abs(step).max() > _LEAST_STEP else np.zeros_like(step)
        curve, loss = curve + step, after
        if np.abs(step).max() <= _LEAST_STEP:
            break
    return tuple(curve.tolist())


def _loss(
    inputs: NDArray[np.float64],
    right: NDArray[np.bool_],
    prior: NDArray[np.float64],
    curve: NDArray[np.float64],
) -> float:
    """The negative log posterior of a curve."""
    odds = inputs @ curve
    surprise = np.logaddexp(0, np.where(right, -odds, odds)).sum()
    return float(surprise + _PRIOR_PRECISION / 2 * ((curve - prior) ** 2).sum())


def logistic(odds: ArrayLike) -> Numbers:
    """Log odds as probabilities, 0…1."""
    return np.asarray(1 / (1 + np.exp(-np.clip(odds, -30, 30))), np.float32)
