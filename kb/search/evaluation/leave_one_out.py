"""Scores rankings of records whose classes are known, each left out in turn.

A record asks with its title and first words, is left out of everything that answers, and every
other record that shares a label with it counts as right. Dates play no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.records.form import Form
from kb.search.evaluation.dataset import Embed, Subject
from kb.search.indexed_records.collection import Collection
from kb.search.ranking.class_posterior import ClassPosterior, Numbers
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.learn import FittedModel, learn, learn_to_rank
from kb.search.ranking.probability_calibration import (
    Calibration,
    isotonic_decreasing,
    known,
    same_class,
)
from kb.search.ranking.rank import (
    SAME_INCIDENT,
    Ranking,
    Weights,
    ordered,
    rank,
)

SYSTEMS = ("bm25", "dense", "fusion", "full")
MEASURES = ("success@1", "success@5", "ndcg@10", "mrr")
#: Cormack, Clarke and Büttcher 2009, Reciprocal Rank Fusion: the constant of the paper.
_RRF = 60
_DEPTH = 10
_SHOWN = 5
#: Draws of outcomes, and the seed that a report can be compared with itself.
_DRAWS = 2000
_SEED = 20_260_101
#: The curve that judges a record is fitted to the other nine tenths of the records.
_FOLDS = 10

Relevance = NDArray[np.bool_]
Order = NDArray[np.int64]


@dataclass(frozen=True)
class EvaluatedQuery:
    """One query: its measures by system, and its first answers with what they turned out to be.

    `best` is the probability of the first, `about` that of telling of anything recorded here.
    """

    measures: Mapping[str, tuple[float, float, float, float]]
    probabilities: Numbers
    outcomes: NDArray[np.bool_]
    best: float
    about: float = 1.0


@dataclass(frozen=True)
class Heard:
    """The best probability that texts get, and that of telling of anything recorded, each (n,)."""

    best: Numbers
    about: Numbers

    def refused(self, least: float, bar: float) -> NDArray[np.bool_]:
        """Which get no answer: none of at least this probability, or not heard above the bar."""
        return (self.best < least) | (self.about < bar)


def relevance(labels: Numbers, jaccard: float = 0.0) -> Relevance:
    """Which records are right answers to which, (n, n): any shared label, or this much overlap."""
    rows = [same_class(labels, row, jaccard) for row in labels]
    right = np.array(rows, bool).reshape(len(labels), len(labels))
    np.fill_diagonal(right, val=False)
    return right


def score_ranking(
    subject: Subject,
    form: Form,
    embed: Embed,
    *,
    jaccard: float = 0.0,
    weights: Weights = Weights(),  # noqa: B008 - frozen
    encoder_key: str = "",
) -> tuple[EvaluatedQuery, ...]:
    """Every record that has a right answer, asked once and left out of what answers it."""
    fit = _Fit(form, embed, jaccard, encoder_key)
    posterior = fit.of(subject).posterior
    right = relevance(subject.collection.labels, jaccard)
    return tuple(
        _judged(subject, posterior, curve, place, right[place], weights)
        for place, curve in enumerate(_curves(subject, fit))
        if right[place].any()
    )


def measures_of(
    subject: Subject, form: Form, embed: Embed, jaccard: float = 0.0
) -> NDArray[np.float64]:
    """The measures alone, (queries, systems, measures); no curve is fitted."""
    collection = subject.collection
    learned = learn_to_rank(collection, subject.taught, form, embed)
    posterior, same = learned.posterior, learned.calibration.same_incident
    right = relevance(collection.labels, jaccard)
    asked = np.flatnonzero(right.any(axis=1))
    table = np.zeros((len(asked), len(SYSTEMS), len(MEASURES)))
    for row, place in enumerate(asked):
        ranking = rank(collection, posterior, subject.questions[place], without=int(place))
        found = orders(ranking, posterior, ranking.places != place, Weights(), same)
        table[row] = [measure(found[system], right[place]) for system in SYSTEMS]
    return table


@dataclass(frozen=True)
class _Fit:
    """What is needed to learn from records."""

    form: Form
    embed: Embed
    jaccard: float
    encoder_key: str

    def of(self, subject: Subject) -> FittedModel:
        """What these records teach."""
        return learn(
            subject.collection,
            subject.taught,
            self.form,
            self.embed,
            self.jaccard,
            self.encoder_key,
        )


def _judged(
    subject: Subject,
    posterior: ClassPosterior,
    curve: Calibration,
    place: int,
    right: NDArray[np.bool_],
    weights: Weights,
) -> EvaluatedQuery:
    """One record asked; `right` says which others answer it rightly."""
    question = subject.questions[place]
    ranking = rank(subject.collection, posterior, question, weights, without=place)
    others = ranking.places != place
    found = orders(ranking, posterior, others, weights, curve.same_incident)
    order = found["full"][:_SHOWN]
    about, stated = _stated(subject.collection, curve, question, ranking, others, order)
    probabilities = isotonic_decreasing(stated[order])
    return EvaluatedQuery(
        measures={name: measure(ranks, right) for name, ranks in found.items()},
        probabilities=probabilities,
        outcomes=right[order],
        best=float(probabilities[:1].sum()),
        about=float(about[order].max(initial=0)),
    )


def _stated(
    collection: Collection,
    curve: Calibration,
    question: Question,
    ranking: Ranking,
    allowed: NDArray[np.bool_],
    order: Order,
) -> tuple[Numbers, Numbers]:
    """What is said of every record: that the text is about such a thing, and of its class, (n,)."""
    kind = curve.kind(question, ranking, allowed, collection.mean)
    about = kind.of_records(collection, ranking)
    if not kind.is_judged:
        about = about * known(ranking.similarity[allowed])
    said = curve.probabilities(ranking, allowed, about, is_judged=True)
    return about, curve.with_first(said, ranking, order)


def orders(
    ranking: Ranking,
    posterior: ClassPosterior,
    allowed: NDArray[np.bool_],
    weights: Weights,
    same: float = SAME_INCIDENT,
) -> dict[str, Order]:
    """What each system answers, best first; from a similarity of `same` on one incident is told."""
    found = {
        "bm25": _sorted(ranking.lexical, allowed),
        "dense": _sorted(ranking.similarity, allowed),
    }
    found["fusion"] = _sorted(_reciprocal_ranks(found.values(), len(allowed)), allowed)
    found["full"] = ordered(ranking, posterior, allowed, weights, same)
    return found


def measure(order: Order, right: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """success@1, success@5, nDCG@10 and the reciprocal rank of one answer, each 0…1."""
    gains = right[order[:_DEPTH]].astype(float)
    discounts = 1 / np.log2(np.arange(2, _DEPTH + 2))
    ideal = discounts[: int(min(right.sum(), _DEPTH))].sum()
    hits = np.flatnonzero(gains)
    return (
        float(gains[:1].sum()),
        float(gains[:_SHOWN].any()),
        float((gains * discounts[: len(gains)]).sum() / ideal),
        float(1 / (1 + hits[0])) if len(hits) else 0.0,
    )


def calibration_error(probabilities: Numbers, outcomes: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error (Naeini et al. 2015): the mean gap of ten bins, 0…1."""
    if not len(probabilities):
        return 0.0
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = (
        (bin_of == one).mean()
        * abs(probabilities[bin_of == one].mean() - outcomes[bin_of == one].mean())
        for one in np.unique(bin_of)
    )
    return float(sum(gaps))


def calibrated_bound(probabilities: Numbers, bins: int = 10) -> float:
    """The error that a perfectly calibrated predictor of these probabilities stays below, 0…1.

    In 95 of 100 draws of what could have turned out (Bröcker and Smith 2007).
    """
    chance = np.random.default_rng(_SEED)
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    holds = (bin_of == np.arange(bins)[:, None]).astype(np.float32)
    drawn = chance.random((_DRAWS, len(probabilities)), np.float32) < probabilities
    gaps = np.abs((drawn - probabilities.astype(np.float32)) @ holds.T)
    return float(np.quantile(gaps.sum(axis=1) / max(len(probabilities), 1), 0.95))


def foreign_heard(
    collection: Collection, learned: FittedModel, questions: Iterable[Question]
) -> Heard:
    """What is said of texts that no record should answer."""
    everything, curve = np.ones(len(collection), bool), learned.calibration
    best: list[float] = []
    chances: list[float] = []
    for question in questions:
        ranking = rank(collection, learned.posterior, question)
        same = curve.same_incident
        order = ordered(ranking, learned.posterior, everything, same_incident=same)
        about, said = _stated(collection, curve, question, ranking, everything, order)
        best.append(float(said.max(initial=0)))
        chances.append(float(about.max(initial=0)))
    return Heard(np.array(best, np.float32), np.array(chances, np.float32))


def _curves(subject: Subject, fit: _Fit) -> tuple[Calibration, ...]:
    """For each record a curve fitted without it: its fold is cut out of the collection first."""
    n_records = len(subject.collection)
    fold_of = np.arange(n_records) % _FOLDS
    curves = {
        int(fold): fit.of(subject.only(np.flatnonzero(fold_of != fold))).calibration
        for fold in np.unique(fold_of)
    }
    return tuple(curves[int(fold)] for fold in fold_of)


def _sorted(scores: Numbers, allowed: NDArray[np.bool_]) -> Order:
    return np.flatnonzero(allowed)[np.argsort(-scores[allowed], kind="stable")]


def _reciprocal_ranks(found: Iterable[Order], size: int) -> Numbers:
    total = np.zeros(size, np.float32)
    for order in found:
        total[order] += 1 / (_RRF + 1 + np.arange(len(order)))
    return total
