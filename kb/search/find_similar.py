"""Answers a query with the earlier incidents, how sure each is, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kb.library import Library
from kb.search.aligned_passages import aligned_passages
from kb.search.answer import (
    Answer,
    IndexFacts,
    LikelyPrior,
    Match,
    ProposedClass,
)
from kb.search.eligible_records import allowed
from kb.search.encoder.encoder import Progress
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.index.build_index import text_bag
from kb.search.index.faiss_index import RANK_ALL
from kb.search.index.index import Index, open_index
from kb.search.index.searchable import Searchable
from kb.search.indexed_records.collection import Collection
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import plain_text
from kb.search.match_reasons import reasons
from kb.search.matches import match_of
from kb.search.query import (
    EVERYTHING,
    Filters,
    Query,
    embed_query,
    query_from_document,
    query_from_text,
    refuse_unknown,
)
from kb.search.ranking.class_posterior import largest
from kb.search.ranking.cosine_likeness import Question, likeness
from kb.search.ranking.probability_calibration import TextKind, isotonic_decreasing
from kb.search.ranking.rank import (
    Ranking,
    ordered,
    rank,
)

if TYPE_CHECKING:
    from kb.records.document import Document

#: Probability from which on a record is shown as a match. Of the true queries of every public
#: corpus, 99 % have a record above it; what is not alike at all is held below by the likeness bar.
BAR = 0.10
#: Probability from which on an author is asked for a verdict.
LIKELY = 0.5
_MISSES = 3
#: What is said beside probabilities that were fitted to texts and are asked of a run.
_OF_A_RUN = "; they were fitted to texts, so take them as an order for a run"
#: A text about an incident is an incident; a run is one as often as not (51 of the 100 runs of
#: tau-bench airline that are labelled failed). Their texts do not tell: runs that went well got
#: 50 % and more as often as runs that failed (78 and 71 of 100). What the trace proves does.
_RUN_IS_INCIDENT = 0.5
_SAME_COURSE = 0.5
#: The most a record is given whose classes are all other than those that the draft states: people
#: label the same thing differently, and a reader should see it below what is likely.
_OTHER_CLASS = 0.3
#: Records that are looked into for a text that stands in one word for word: 20 of 134 public
#: postmortems came first for their own first sentence and were not shown, as it tells of none.
_QUOTED_IN = 5
#: Chance of telling of something recorded here from which on no text need be a quotation of it.
_SURE = 0.9
#: In a large library: passages per query passage, and records by words, whole text and class,
#: that are ranked.
_NEAREST = 200
_POOLED = 300


@dataclass(frozen=True)
class RankedQuery:
    """One query worked through: what `answer` words and `--explain` prints.

    `unpooled` are the probabilities before those further down are kept from rising above others.
    `eligible` records of the whole index may answer, not only of those that were ranked.
    `kind` is what the query tells of: an incident at all, and one of an agent; `about` is how
    probable that is beside each ranked record, (n,).
    """

    index: Searchable
    query: Query
    question: Question
    ranking: Ranking
    allowed: NDArray[np.bool_]
    probabilities: NDArray[np.float32]
    order: NDArray[np.int64]
    unpooled: NDArray[np.float32]
    filters: Filters
    eligible: int
    kind: TextKind
    about: NDArray[np.float32]

    def shown(self, count: int, bar: float) -> list[int]:
        """The first `count` answers that may be shown; `bar` is that of a library for plain texts.

        A text that tells of nothing recorded here is answered by nothing, whatever class it is
        like.
        """
        return [
            int(i)
            for i in self.order[:count]
            if self.probabilities[i] >= BAR and (self.about[i] >= bar or not self.kind.is_judged)
        ]

    @property
    def is_ordinary(self) -> bool:
        """Whether it tells of an incident, and more likely than not of one without an agent."""
        return self.kind.agent < LIKELY <= self.kind.incident


def similar(
    library: Library,
    query: Query | Document | str,
    *,
    limit: int | None = None,
    filters: Filters = EVERYTHING,
    today: date | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The earlier records like a text, draft or record, from an index that is current.

    `today` is the last day a plain text may be answered from, by default the current one.
    Where the encoder is missing it answers by words alone, and `words_only` of the answer says so.
    Raises `KbError` when the index cannot be written, or a filter names nothing.
    """
    asked = as_query(query, today or datetime.now(UTC).date())
    limit = limit or library.config.search.limit
    try:
        index = open_index(library, progress)
    except NoEncoderError as fault:
        from kb.search.words_only import answer_by_words, read_words

        words = read_words(library, fault)
        refuse_unknown(filters, library.form, words.entries)
        return answer_by_words(words, asked, limit=limit, filters=filters)
    refuse_unknown(filters, library.form, index.entries)
    return answer(index, library, asked, limit=limit, filters=filters)


def as_query(query: Query | Document | str, today: date) -> Query:
    """A question in any of its forms as a query."""
    if isinstance(query, str):
        return query_from_text(query, today)
    return query if isinstance(query, Query) else query_from_document(query, today)


def answer(
    index: Searchable, library: Library, query: Query, *, limit: int, filters: Filters
) -> Answer:
    """The answer to a query from an index that is open."""
    return answer_of(find(index, query, filters), library, limit)


def answer_of(found: RankedQuery, library: Library, limit: int) -> Answer:
    """A ranking as an answer of at most `limit` matches."""
    shown = found.shown(limit, library.config.search.bar)
    near = np.argsort(-np.where(found.allowed, found.ranking.similarity, -2), kind="stable")
    misses = [] if shown else [int(i) for i in near[:_MISSES] if found.allowed[i]]
    matches = tuple(match_at(found, library, i) for i in shown)
    return Answer(
        query_text=found.query.text,
        query_id=found.query.id,
        query_date=found.query.at.date(),
        bar=BAR,
        matches=matches,
        nearest_misses=tuple(match_at(found, library, i) for i in misses),
        proposed_class=_proposed(found, matches[0].classes) if matches else None,
        index=_facts(found),
        of_run=found.query.is_run,
        shows_fault=found.query.shows_fault,
        too_short=found.query.is_plain and found.question.says_little,
        filtered=found.filters != EVERYTHING,
        ordinary=not shown and found.is_ordinary,
    )


def find(index: Searchable, query: Query, filters: Filters = EVERYTHING) -> RankedQuery:
    """Every record ranked for a query, and what may be shown, best first."""
    return find_question(index, query, embed_query(index, query), filters)


def find_question(
    index: Searchable, query: Query, question: Question, filters: Filters
) -> RankedQuery:
    """Every record ranked for a query whose vectors and words are `question`."""
    collection, learned = index.generation.collection, index.generation.learned
    asker = collection.positions.get(query.id)
    lexical = collection.postings.scores(question.bag, asker)
    near = likeness(collection, question, _pool(index, question, lexical))
    ranking = rank(
        collection, learned.posterior, question, near=near, without=asker, lexical=lexical
    )
    everywhere = allowed(collection.entries, collection.standing, query, filters)
    may_answer = everywhere[ranking.places]
    kind = _kind_of(index, query, question, ranking, may_answer, lexical)
    about = kind.of_records(collection, ranking)
    probabilities = learned.calibration.probabilities(
        ranking, may_answer, about, is_judged=kind.is_judged
    )
    probabilities *= proof(collection, query, ranking)
    most = most_probable(collection, query, ranking)
    probabilities = np.minimum(probabilities, most)
    same = learned.calibration.same_incident
    order = ordered(ranking, learned.posterior, may_answer, same_incident=same)
    first = learned.calibration.with_first(probabilities, ranking, order)
    probabilities = np.minimum(first, most)
    unpooled = probabilities.copy()
    probabilities[order] = isotonic_decreasing(probabilities[order])
    return RankedQuery(
        *(index, query, question, ranking, may_answer, probabilities, order, unpooled, filters),
        eligible=int(everywhere.sum()),
        kind=kind,
        about=about,
    )


def _kind_of(
    index: Searchable,
    query: Query,
    question: Question,
    ranking: Ranking,
    may_answer: NDArray[np.bool_],
    lexical: NDArray[np.float32],
) -> TextKind:
    """What a query tells of: drafts and records of an incident, and of an agent's.

    So does what stands word for word in a record: somebody asks for what they have read there. Of
    runs those do whose trace shows a fault; how sure each answer is then, says `proof`.
    """
    if not query.is_plain:
        return TextKind(incident=float(query.shows_fault))
    collection, learned = index.generation.collection, index.generation.learned
    kind = learned.calibration.kind(question, ranking, may_answer, collection.mean)
    if not kind.is_judged or kind.incident * kind.agent >= _SURE:
        return kind
    return TextKind() if _is_quotation(index, query, question, lexical) else kind


def _is_quotation(
    index: Searchable, query: Query, question: Question, lexical: NDArray[np.float32]
) -> bool:
    """Whether one of the records that share most words with a text holds it as it is."""
    if question.says_little:
        return False
    asked = _even(plain_text(query.text))
    return any(
        asked
        in _even(
            " ".join(index.generation.passage(row).text for row in range(rows.start, rows.stop))
        )
        for record in largest(lexical, _QUOTED_IN)
        for rows in (index.generation.rows(int(record)),)
    )


def _even(text: str) -> str:
    """A text with its blanks and capitals evened out."""
    return " ".join(text.split()).casefold()


def proof(collection: Collection, query: Query, ranking: Ranking) -> NDArray[np.float32]:
    """For each record 1, or less where a run asks and shares neither proven class nor course."""
    if query.alike_runs is None:
        return np.ones(len(ranking.places), np.float32)
    entries = [collection.entries[place] for place in ranking.places]
    return proof_of(entries, query, query.alike_runs)


def proof_of(
    entries: Sequence[IndexedRecord], query: Query, alike_runs: Mapping[str, float]
) -> NDArray[np.float32]:
    """The same of a run for records of any library; `alike_runs` are by their ids."""
    proven = frozenset(query.entry.classes if query.entry else ())
    shared = [
        bool(proven & set(entry.classes)) or alike_runs.get(entry.id, 0) >= _SAME_COURSE
        for entry in entries
    ]
    return np.where(shared, 1.0, _RUN_IS_INCIDENT).astype(np.float32)


def most_probable(collection: Collection, query: Query, ranking: Ranking) -> NDArray[np.float32]:
    """The most each record can be given: little where both state classes and share none."""
    return most_probable_by_classes(
        [collection.entries[place] for place in ranking.places.tolist()], query
    )


def most_probable_by_classes(entries: Sequence[IndexedRecord], query: Query) -> NDArray[np.float32]:
    """The same for records of any library."""
    mine = set(query.entry.classes) if query.entry and not query.is_run else set()
    if not mine:
        return np.ones(len(entries), np.float32)
    other = [bool(entry.classes) and mine.isdisjoint(entry.classes) for entry in entries]
    return np.where(other, _OTHER_CLASS, 1.0).astype(np.float32)


def likely_priors(
    library: Library, document: Document, *, today: date, index: Index | None = None
) -> Iterator[LikelyPrior]:
    """Earlier records that are more likely than not of a document's class, best first.

    Without an `index` the library's own is opened. Raises `KbError` like `similar`.
    """
    index = index or open_index(library)
    found = find(index, query_from_document(document, today))
    collection = index.generation.collection
    for position in found.order[:_MISSES]:
        probability = float(found.probabilities[position])
        if probability >= LIKELY:
            entry = index.entries[found.ranking.places[position]]
            why = reasons(collection, found.ranking, found.query, int(position))
            yield LikelyPrior(entry.id, entry.title, probability, "; ".join(why) or "similar text")


def _pool(
    index: Searchable, question: Question, lexical: NDArray[np.float32]
) -> NDArray[np.int64] | None:
    """The records worth ranking in a large library, None for all of them."""
    collection = index.generation.collection
    if len(collection) <= RANK_ALL:
        return None
    rows = index.nearest(question.vectors, _NEAREST)
    near = np.unique(np.searchsorted(collection.starts, rows, side="right") - 1)
    rare = largest(lexical, _POOLED)
    whole = index.nearest_records(question.mean, _POOLED)
    runs = [collection.positions[i] for i in question.alike_runs if i in collection.positions]
    likely = index.generation.learned.posterior.likely_records(question.mean, _POOLED)
    pooled = [near, rare, whole, likely, collection.sample, np.array(runs, np.int64)]
    return np.unique(np.concatenate(pooled))


def match_at(found: RankedQuery, library: Library, position: int) -> Match:
    """One record of a ranking as a match, with everything there is to say about it."""
    index, query, record = found.index, found.query, int(found.ranking.places[position])
    similarity = float(found.ranking.similarity[position])
    return match_of(
        index.entries[record],
        library.config.library.name,
        query,
        reasons=reasons(index.generation.collection, found.ranking, query, position),
        passages=aligned_passages(index, query, found.question, record),
        probability=float(found.probabilities[position]),
        similarity=similarity,
        may_be_same=similarity >= index.generation.learned.calibration.same_incident
        and not query.is_run,
    )


def _proposed(found: RankedQuery, best_classes: tuple[str, ...]) -> ProposedClass | None:
    """The likeliest class, for a text that names none, where the best match bears it out.

    Two lines of one answer that contradict each other help nobody: then nothing is proposed.
    """
    stated = found.query.entry is not None and bool(found.query.entry.classes)
    if stated or found.query.is_run:
        return None
    if found.query.is_plain and found.question.says_little:
        return None
    collection = found.index.generation.collection
    weights = found.ranking.class_weights
    if not len(weights):
        return None
    best = int(weights.argmax())
    if weights[best] <= 0 or collection.classes[best] not in best_classes:
        return None
    calibration = found.index.generation.learned.calibration
    probability = calibration.class_probability(weights[best]) * found.kind.incident
    return ProposedClass(collection.classes[best], probability)


def _facts(found: RankedQuery) -> IndexFacts:
    facts = found.index.facts
    note = _OF_A_RUN if found.query.is_run else ""
    return replace(facts, eligible=found.eligible, calibration=facts.calibration + note)


def related(
    library: Library, *, limit: int = 5, progress: Progress | None = None
) -> dict[str, tuple[Match, ...]]:
    """The matches of every published record by its id, best first; later records included.

    Raises `KbError` like `similar`.
    """
    index = open_index(library, progress)
    published = [place for place, entry in enumerate(index.entries) if entry.is_candidate]
    return {index.entries[p].id: _siblings(index, library, p, limit) for p in published}


def _siblings(index: Index, library: Library, place: int, limit: int) -> tuple[Match, ...]:
    latest = max(other.happened_at for other in index.entries)
    found = find_siblings(index, place, latest)
    best = [int(i) for i in found.order[:limit] if found.probabilities[i] >= BAR]
    return tuple(match_at(found, library, position) for position in best)


def find_siblings(index: Index, place: int, latest: datetime) -> RankedQuery:
    """Every record ranked for one of the index, whenever it happened up to a time."""
    entry, rows = index.entries[place], index.generation.rows(place)
    passages = tuple(index.generation.passage(row) for row in range(rows.start, rows.stop))
    query = Query(entry.title, entry.title, passages, entry, latest)
    vectors = index.generation.collection.vectors[rows]
    question = Question(vectors, text_bag(entry, index.generation.bag(place)), entry)
    return find_question(index, query, question, Filters())
