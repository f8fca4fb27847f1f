"""The order of records: text, class posterior, facets, verdicts and runs added to one score.

The score of a record is a sum of parts that `--explain` can print. The first few places are then
filled so that they do not all bet on the same class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kb.search.indexed_records.collection import VERDICT_VALUES, Collection
from kb.search.indexed_records.entry import IndexedRecord, facets
from kb.search.ranking.class_posterior import (
    ClassPosterior,
    ClassScores,
    Estimates,
    Numbers,
    class_shares,
)
from kb.search.ranking.cosine_likeness import Likeness, Places, Question, likeness


@dataclass(frozen=True)
class Weights:
    """How much each part counts, in deviations of the text score.

    `lexical`, `classes` and `hedge` were chosen leave-one-corpus-out, see DECISIONS.md.
    No corpus has facets, verdicts or runs; those are set so that one shared facet can break a tie,
    and one verdict of a near neighbour can lift a record over others of its class. A run that went
    the same way from start to end counts as much as two verdicts.
    """

    lexical: float = 1.5
    #: Words of a question at which words count half as much as in a very long one: that few of
    #: them are shared says less.
    lexical_words: float = 10.0
    classes: float = 12.0
    facet: float = 0.25
    verdict: float = 1.0
    run: float = 2.0
    #: What is left of a class's weight after each record of that class among the first places.
    hedge: float = 0.5
    hedged_places: int = 5
    most_facets: int = 4


#: Similarity from which on two texts may tell of one incident. Of 330 queries to the public
#: corpora that hold no text from a mould, the nearest other incident came this near to 2 and the
#: query's own record to all but 1 in 100.
SAME_INCIDENT = 0.8
#: Deviations of text by which one record has to lead all others to be first whatever its class, for
#: a very long question, and the words at which it is half of that: who asks in few words looks for
#: one incident, and its text tells it best. Titles that ask for their own record among eight public
#: corpora find it first in .908 (.893 with 1 for all), and no other measure loses.
_LEAD, _LEAD_WORDS = 1.35, 10.0
#: What a class that the draft states itself counts at least: as much as one that its text speaks
#: of plainly, so that within the class the text still decides.
_STATED = 0.5
#: Mean and deviation of the likeness of a query to the nearest passage of a record, to the whole of
#: it, and of their words: about those of seven public corpora. Where there are this many records or
#: more, their own count alone.
_BEST, _WHOLE, _LEXICAL = (0.31, 0.09), (0.28, 0.09), (0.07, 0.05)
_FEW = 20
#: Of so many best records the first places are chosen.
HEDGED_AMONG = 100
#: Likeness up to which a judged record says nothing about the query, and from which on all.
_STRANGER = 0.4
_SIBLING = 0.7


@dataclass(frozen=True)
class Ranking:
    """The parts of every record's score, each (n,), for records at `places`.

    `lead` are the deviations of text by which one of them has to lead to be first by that alone.
    """

    places: Places
    similarity: Numbers
    lexical: Numbers
    text: Numbers
    class_evidence: Numbers
    class_part: Numbers
    facet_part: Numbers
    verdict_part: Numbers
    run_part: Numbers
    class_weights: Numbers
    lead: float = _LEAD

    @property
    def score(self) -> Numbers:
        """The sum of the parts."""
        return self.text + self.class_part + self.stated_part

    @property
    def stated_part(self) -> Numbers:
        """What does not come from the text: facets, verdicts and runs."""
        return self.facet_part + self.verdict_part + self.run_part


def rank(
    collection: Collection,
    posterior: ClassPosterior,
    question: Question,
    weights: Weights = Weights(),
    *,
    near: Likeness | None = None,
    without: int | None = None,
    lexical: Numbers | None = None,
    estimates: Estimates | None = None,
) -> Ranking:
    """Every part of the score for the records that `near` compares, by default all.

    `without` leaves one record out of all statistics, labels and verdicts. `lexical` are the BM25
    scores of all records and `estimates` those of the classes, where they are known.
    """
    near = likeness(collection, question) if near is None else near
    places, similarity = near.places, near.similarity
    sample = _sample(places, collection, without)
    if lexical is None:
        lexical = collection.postings.scores(question.bag, without)
    lexical = lexical[places]
    everywhere = np.full(len(collection), -1, np.float32)
    everywhere[places] = similarity
    scores = scores_of(posterior, collection.classes, question, everywhere, without, estimates)
    verdicts = _verdicts(collection, everywhere, question.entry, without)
    shares = posterior.shares_of(places)
    return Ranking(
        places=places,
        similarity=similarity,
        lexical=lexical,
        text=_text_part(near, lexical, sample, word_weight(question, weights)),
        class_evidence=np.asarray(shares @ scores.evidence, np.float32),
        class_part=np.asarray(weights.classes * (shares @ scores.weights), np.float32),
        facet_part=weights.facet * _shared_facets(collection, places, question.entry, weights),
        verdict_part=weights.verdict * verdicts[places],
        run_part=weights.run * _alike_runs(collection, places, question.alike_runs),
        class_weights=scores.weights,
        lead=_LEAD * _length_share(question, _LEAD_WORDS),
    )


def _sample(places: Places, collection: Collection, without: int | None) -> NDArray[np.bool_]:
    """Which of the places stand for all records when scores are put on one scale."""
    sample = collection.is_sampled[places]
    return sample if without is None else sample & (places != without)


def _text_part(
    near: Likeness, lexical: Numbers, sample: NDArray[np.bool_], weight: float
) -> Numbers:
    """Words and vectors in one number, each standardised over a sample of the library."""
    best, whole = standardised(near.best, sample, _BEST), standardised(near.whole, sample, _WHOLE)
    dense, rare = (best + whole) / 2, standardised(lexical, sample, _LEXICAL)
    return np.asarray((weight * rare + dense) / (1 + weight), np.float32)


def word_weight(question: Question, weights: Weights = Weights()) -> float:
    """How much the words of a question count beside 1 for its vectors."""
    return weights.lexical * _length_share(question, weights.lexical_words)


def _length_share(question: Question, half: float) -> float:
    """0 for a question without a word, .5 at `half` words, towards 1 for a very long one."""
    count = len(question.bag.words)
    return count / (count + half)


def best_first(
    ranking: Ranking,
    posterior: ClassPosterior,
    allowed: NDArray[np.bool_],
    weights: Weights = Weights(),
) -> Places:
    """Positions within `ranking.places`, best first; only where `allowed`.

    The first places are chosen one by one, each class losing weight once it is represented
    (Santos et al. 2010, xQuAD), and then put in order of score.
    """
    score = ranking.score
    order = np.flatnonzero(allowed)[np.argsort(-score[allowed], kind="stable")]
    pool = order[:HEDGED_AMONG]
    labels = posterior.labels[ranking.places[pool]]
    shares = class_shares(labels)
    other = (score - ranking.class_part)[pool]
    scale = weights.classes
    seen = np.zeros(labels.shape[1], np.float32)
    chosen: list[int] = []
    for _ in range(min(weights.hedged_places, len(pool))):
        left = ranking.class_weights * weights.hedge**seen
        gain = other + scale * (shares @ left)
        gain[chosen] = -np.inf
        chosen.append(int(gain.argmax()))
        seen += labels[chosen[-1]]
    return _led_by(pool[sorted(chosen)], order)


def ordered(
    ranking: Ranking,
    posterior: ClassPosterior,
    allowed: NDArray[np.bool_],
    weights: Weights = Weights(),
    same_incident: float = SAME_INCIDENT,
) -> Places:
    """The order of an answer: `best_first`, but for what is nearly the same text as the query.

    That is first whatever its class: no class tells more than two texts that say the same.
    """
    order = best_first(ranking, posterior, allowed, weights)
    for first in (_standing_out(order, ranking), _same(order, ranking, same_incident)):
        order = _led_by(first, order)
    return order


def _led_by(first: Places, order: Places) -> Places:
    """The places of an order, but some of them before all others."""
    if not len(first):
        return order
    leads = np.zeros(int(order.max()) + 1, bool)
    leads[first] = True
    return np.concatenate([first, order[~leads[order]]])


def _standing_out(order: Places, ranking: Ranking) -> Places:
    """The record whose text leads all others by as much as it has to, if one does."""
    best = order[np.argsort(-ranking.text[order], kind="stable")[:2]]
    leads = len(best) == 2 and ranking.text[best[0]] - ranking.text[best[1]] >= ranking.lead  # noqa: PLR2004
    return best[:1] if leads else best[:0]


def _same(order: Places, ranking: Ranking, least: float) -> Places:
    """What may be the same incident, being at `least` as similar, the most alike first."""
    same = order[ranking.similarity[order] >= least]
    return same[np.argsort(-ranking.similarity[same], kind="stable")]


def standardised(scores: Numbers, sample: NDArray[np.bool_], usual: tuple[float, float]) -> Numbers:
    """Scores in deviations from the mean of a sample, so that kinds of evidence can be added.

    What is missing of `_FEW` records is made up by the `usual` mean and deviation: one record alone
    has neither.
    """
    count = int(sample.sum())
    made_up = max(_FEW - count, 0)
    held = scores[sample] if count else np.zeros(1, np.float32)
    mean = (count * float(held.mean()) + made_up * usual[0]) / (count + made_up)
    spread = float(((held - mean) ** 2).mean()) * count + made_up * usual[1] ** 2
    deviation = float(np.sqrt(spread / (count + made_up)))
    return np.asarray((scores - mean) / (deviation or 1.0), np.float32)


def scores_of(
    posterior: ClassPosterior,
    classes: tuple[str, ...],
    question: Question,
    similarities: Numbers,
    without: int | None = None,
    estimates: Estimates | None = None,
) -> ClassScores:
    """The weight of each class for a question; what a draft states itself counts above others."""
    scores = posterior.of(question.mean, similarities, without, question.bag, estimates)
    return _with_stated(scores, classes, question.entry)


def _with_stated(
    scores: ClassScores, classes: tuple[str, ...], entry: IndexedRecord | None
) -> ClassScores:
    """The scores of the classes with those that the draft states itself raised above others."""
    stated = [place for place, name in enumerate(classes) if entry and name in entry.classes]
    if not stated:
        return scores
    return ClassScores(_raised(scores.evidence, stated), _raised(scores.weights, stated))


def _raised(scores: Numbers, stated: list[int]) -> Numbers:
    """Half of every score, but the whole of those that are stated, at least `_STATED`."""
    raised = np.asarray(scores / 2, np.float32)
    raised[stated] = np.maximum(scores[stated], _STATED)
    return raised


def _shared_facets(
    collection: Collection, places: Places, entry: IndexedRecord | None, weights: Weights
) -> Numbers:
    if entry is None:
        return np.zeros(len(places), np.float32)
    mine, known = facets(entry), collection.facets
    counts = [len(mine & known(place)) for place in places.tolist()]
    return np.minimum(np.array(counts, np.float32), weights.most_facets)


def _alike_runs(collection: Collection, places: Places, alike: Mapping[str, float]) -> Numbers:
    """How like the run behind each record is to the one that asks, 0 without a fixture."""
    if not alike:
        return np.zeros(len(places), np.float32)
    return np.array([alike.get(collection.entries[p].id, 0.0) for p in places], np.float32)


def _verdicts(
    collection: Collection, similarity: Numbers, entry: IndexedRecord | None, without: int | None
) -> Numbers:
    """What people say about each record, (n,)."""
    neighbours = _neighbour_verdicts(collection, similarity, without)
    return neighbours + _own_verdicts(collection, entry)


def _own_verdicts(collection: Collection, entry: IndexedRecord | None) -> Numbers:
    """What the draft's author says, (n,); counted twice, for it is said of this very one."""
    said = np.zeros(len(collection), np.float32)
    for verdict in entry.verdicts if entry else ():
        if (place := collection.positions.get(verdict.id)) is not None:
            said[place] = 2 * VERDICT_VALUES.get(verdict.word, 0.0)
    return said


def _neighbour_verdicts(
    collection: Collection, similarity: Numbers, without: int | None
) -> Numbers:
    """What people said about records near the query says something about the query too, (n,).

    A record is lifted by the strongest word that links it with a near one, and not by being linked
    often: a sum would rank by how much has been judged. Being told apart from a near one lowers it
    as far as that one is nearer: of two that are told apart the question is about one.
    """
    linked = np.zeros(len(collection), np.float32)
    parted = np.zeros(len(collection), np.float32)
    nearness = np.clip((similarity - _STRANGER) / (_SIBLING - _STRANGER), 0, 1)
    pairs = collection.verdicts
    hidden = -1 if without is None else without
    counted = (pairs.speakers != hidden) & (pairs.others != hidden)
    speakers, others, values = pairs.speakers[counted], pairs.others[counted], pairs.values[counted]
    for places, partners in ((speakers, others), (others, speakers)):
        said = values * nearness[partners]
        np.maximum.at(linked, places, said)
        nearer = np.maximum(nearness[partners] - nearness[places], 0)
        np.minimum.at(parted, places, values * nearer)
    return linked + parted
