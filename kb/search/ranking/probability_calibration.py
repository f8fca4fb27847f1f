"""The calibrated probability that a match is of the query's class.

A logistic curve over the text score and the class evidence, fitted to the library's own records
asked one by one. What fits six public corpora together is the prior of that fit; a library with
fewer labelled records than a stated number uses the shipped curve as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kb.search.indexed_records.collection import Collection, even_draw
from kb.search.ranking.agent_acted import agent_odds, agent_records
from kb.search.ranking.class_posterior import (
    ClassPosterior,
    ClassSkill,
    Estimates,
    Numbers,
    class_skill,
    largest,
)
from kb.search.ranking.cosine_likeness import Likeness, Places, Question, likenesses
from kb.search.ranking.incident_probe import Signs, heard, incident_odds
from kb.search.ranking.rank import HEDGED_AMONG, SAME_INCIDENT, Ranking, ordered, rank

Curve = tuple[float, float, float]
ClassCurve = tuple[float, float]

#: Coefficients of text score, class evidence and 1: fitted to six public corpora together.
SHIPPED: Curve = (0.36, 5.71, -2.75)
#: Coefficients of the largest class weight and 1, for that class being the query's: the same way.
SHIPPED_CLASS: ClassCurve = (4.5, -1.05)
#: The same for the prior of a library's own curves, of all answers and of first ones, which people
#: act on: text tells little beside class evidence that was learnt there.
_PRIOR: Curve = (0.05, 5.9, -1.95)
_PRIOR_FIRST: Curve = (0.05, 3.2, -0.85)
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
#: Share of the records whose nearest other record is taken for another incident: where texts come
#: from a mould, being alike says less.
_ALIKE_BY_MOULD = 0.95
_QUERIES = 200
_DEPTH = 10
_ROUNDS = 25
_LEAST_STEP = 1e-6
#: Share of the labelled records with one class from which on the answers teach nothing about
#: telling classes apart: nearly all are right, whatever is asked.
_ONE_CLASS = 0.9


@dataclass(frozen=True)
class TextKind:
    """The probabilities that a text tells of an incident, and that an agent acted in it, 0…1.

    `is_judged`: a probe heard the text, that for the encoder of that key, and `incident` is that of
    one like those recorded here.
    """

    incident: float = 1.0
    agent: float = 1.0
    is_judged: bool = False
    encoder_key: str = ""

    def of_records(self, collection: Collection, ranking: Ranking) -> Numbers:
        """What the probability of each ranked record is multiplied by, (n,).

        A library may hold ordinary incidents as well: those answer ordinary questions.
        """
        if self.agent >= 1:
            return np.full(len(ranking.places), self.incident, np.float32)
        of_agents = agent_records(self.encoder_key, collection, ranking.places)
        return np.asarray(self.incident * np.where(of_agents, self.agent, 1.0), np.float32)


@dataclass(frozen=True)
class Calibration:
    """Three curves, of matches, of first ones and of the proposed class, and where they come from.

    `labelled` False: the first looks at similarity, not at classes. `one_class`: nearly all records
    of the library have the same class. `encoder_key` names the encoder, for which a probe of
    incidents may be shipped. `skill` is how far class evidence proved right here,
    `same_incident` the similarity from which on two texts may tell of one incident.
    """

    curve: Curve = SHIPPED
    queries: int = 0
    labelled: bool = True
    class_curve: ClassCurve = SHIPPED_CLASS
    first_curve: Curve = SHIPPED
    encoder_key: str = ""
    one_class: bool = False
    skill: ClassSkill = field(default_factory=ClassSkill)
    same_incident: float = SAME_INCIDENT

    @property
    def source(self) -> str:
        """Which of the two was used, in words."""
        if self.queries:
            return f"fitted to {self.queries} records of this library"
        if self.one_class:
            return "shipped with kb: nearly all records here have one class, which fits no curve"
        return "shipped with kb: too few records with a class to fit a curve"

    def probabilities(
        self,
        ranking: Ranking,
        allowed: NDArray[np.bool_],
        incident: float | Numbers = 1.0,
        *,
        is_judged: bool = False,
    ) -> Numbers:
        """The probability of the same class for every record of a ranking, 0…1.

        `incident` is the probability that the query tells of one, and of one like a record. Where
        no probe judged that, it is asked whether any record that is `allowed` to answer is like it.
        """
        about = incident if is_judged else known(ranking.similarity[allowed]) * incident
        return np.asarray(self._chances(self.curve, ranking) * about, np.float32)

    def with_first(self, probabilities: Numbers, ranking: Ranking, order: Places) -> Numbers:
        """The probabilities with that of the first answer by its own curve."""
        if not (self.labelled and len(order)):
            return probabilities
        first = order[:1]
        chances = self._chances(self.first_curve, ranking)[first]
        share = probabilities[first] / self._chances(self.curve, ranking)[first]
        led = probabilities.copy()
        led[first] = chances * share
        return led

    def curve_of(self, *, is_first: bool) -> Curve:
        """The curve of the first answer, or of any other."""
        return self.first_curve if is_first and self.labelled else self.curve

    def _chances(self, curve: Curve, ranking: Ranking) -> Numbers:
        """What a curve says of every record of a ranking, 0…1."""
        second = ranking.class_evidence if self.labelled else ranking.similarity
        text, weight, constant = curve
        odds = text * ranking.text + weight * second + constant
        return logistic(odds + FACET_LOG_ODDS * ranking.stated_part)

    def kind(
        self,
        question: Question,
        ranking: Ranking,
        allowed: NDArray[np.bool_],
        average: Numbers,
    ) -> TextKind:
        """What a plain text tells of; all of it where nothing is known.

        That is so for another encoder than the default one, and for a few words. `average` (d,) is
        that of all records.
        """
        if question.says_little or not allowed.any():
            return TextKind()
        signs = signs_of(question, ranking, allowed, average)
        odds = incident_odds(self.encoder_key, question.mean, signs)
        if odds is None:
            return TextKind()
        near = signs.similarity
        incident = heard(odds, near)
        agent = heard(odds + agent_odds(self.encoder_key, question, near), near) / incident
        return TextKind(incident, agent, is_judged=True, encoder_key=self.encoder_key)

    def class_probability(self, weight: float) -> float:
        """The probability that the class of the largest weight is one of the query's, 0…1.

        Asked only where the best match has that class, and fitted to such cases.
        """
        slope, constant = self.class_curve
        return float(logistic(slope * weight + constant))


def signs_of(
    question: Question, ranking: Ranking, allowed: NDArray[np.bool_], average: Numbers
) -> Signs:
    """What a text has in common with those records of a ranking that are `allowed` to answer."""
    text = np.sort(ranking.text[allowed])[::-1]
    length = float(np.linalg.norm(average))
    return Signs(
        similarity=float(ranking.similarity[allowed].max()),
        words=float(ranking.lexical[allowed].max()),
        lead=float(text[0] - text[1]) if len(text) > 1 else 0.0,
        usual=float(average @ question.mean) / length if length else 0.0,
    )


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


def sample(posterior: ClassPosterior, draw: Callable[[int], int] | None = None) -> list[int]:
    """The records that are asked to fit a curve: an even draw of the labelled ones, not too many.

    The choice depends on the records alone, so that a refresh gives the same curve as a rebuild,
    and hardly changes with one of them.
    """
    asked: list[int] = even_draw(np.flatnonzero(posterior.labelled), _QUERIES, draw).tolist()
    return asked


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
    asked = left_out_one_by_one(collection, posterior, questions)
    known = known_before_curves(posterior, asked)
    if len(asked) < ENOUGH:
        return known
    if posterior.labels[posterior.labelled].mean(axis=0).max() > _ONE_CLASS:
        return replace(known, curve=UNLABELLED, labelled=False, one_class=True)
    posterior = replace(posterior, skill=known.skill)
    samples = [_sample(collection, posterior, one, jaccard, known.same_incident) for one in asked]
    return replace(known, queries=len(asked), **_curves(samples))


def _curves(samples: Sequence[_Sample]) -> dict[str, Any]:
    """The curves of all answers, of first ones and of the class proposed, by their field."""
    features, outcomes = [s.features for s in samples], [s.outcomes for s in samples]
    first = [one[:1] for one in features], [one[:1] for one in outcomes]
    borne_out = [s for s in samples if s.proposal_right is not None]
    return {
        "curve": fit_logistic(features, outcomes, _PRIOR),
        "first_curve": fit_logistic(*first, _PRIOR_FIRST),
        "class_curve": fit_logistic(
            [np.array([[s.proposal_weight]], np.float32) for s in borne_out],
            [np.array([s.proposal_right]) for s in borne_out],
            SHIPPED_CLASS,
        ),
    }


@dataclass(frozen=True)
class LeftOut:
    """The record at `place` asked and left out: how near the others are, what each class gets."""

    place: int
    question: Question
    near: Likeness
    estimates: Estimates


def left_out_one_by_one(
    collection: Collection, posterior: ClassPosterior, questions: Iterable[tuple[int, Question]]
) -> list[LeftOut]:
    """Records asked one by one; `questions` pairs the position of each with what it asks."""
    asked = list(questions)
    near = likenesses(collection, [question for _, question in asked])
    return [
        LeftOut(
            place,
            question,
            one,
            posterior.estimates(question.mean, one.similarity, place, question.bag),
        )
        for (place, question), one in zip(asked, near, strict=True)
    ]


def known_before_curves(posterior: ClassPosterior, asked: Sequence[LeftOut]) -> Calibration:
    """The shipped curves, with what records asked one by one, each left out, show without any.

    That is how far class evidence proves right, and how near texts about different incidents come
    here. Few records show neither.
    """
    if len(asked) < ENOUGH:
        return Calibration()
    nearest = [np.delete(one.near.similarity, one.place).max() for one in asked]
    return Calibration(
        skill=_skill(posterior, asked),
        same_incident=max(SAME_INCIDENT, float(np.quantile(nearest, _ALIKE_BY_MOULD))),
    )


def _skill(posterior: ClassPosterior, asked: Sequence[LeftOut]) -> ClassSkill:
    labels = posterior.labels[[one.place for one in asked]]
    learnt, meant = (np.stack(rows) for rows in zip(*(o.estimates for o in asked), strict=True))
    return ClassSkill(class_skill(learnt, labels), class_skill(meant, labels))


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
    one: LeftOut,
    jaccard: float,
    same: float,
) -> _Sample:
    """The best answers to one record; a class that the best one does not have is not proposed."""
    place, known = one.place, one.estimates
    ranking = rank(
        collection, posterior, one.question, near=one.near, without=place, estimates=known
    )
    allowed = posterior.labelled[ranking.places] & (ranking.places != place)
    foremost = np.zeros(len(allowed), bool)
    foremost[largest(np.where(allowed, ranking.score, -np.inf), HEDGED_AMONG)] = True
    best = ordered(ranking, posterior, allowed & foremost, same_incident=same)[:_DEPTH]
    answers = posterior.labels[ranking.places[best]]
    mine, proposed = posterior.labels[place], int(ranking.class_weights.argmax())
    is_indicated = ranking.class_weights[proposed] > 0
    borne_out = is_indicated and len(answers) > 0 and answers[0, proposed] > 0
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
