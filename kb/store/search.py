"""Ranks the texts of the store with the ranking of `kb.search`, as if they lay on this machine.

Of many texts those worth ranking are fetched, and beside them an even sample of all, which is kept
while nothing is pushed and no right is given or taken. What is counted over all texts is read from
the store, so a record gets the score that an index of all of them would give it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.records.facts_without_text import RecordFacts, clean_facts
from kb.search.answer import Answer, IndexFacts, Match, StoreFacts
from kb.search.bm25 import Bag, Postings, WordStatistics, bag_of, build_postings
from kb.search.encoder.encoder import Encoder, Vectors
from kb.search.indexed_records.collection import SAMPLE, Collection, CorpusTotals, labels_of
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import Passage, embedded_text
from kb.search.query import EVERYTHING, Filters, Query
from kb.search.ranking.class_posterior import Numbers, largest
from kb.search.ranking.joint_ridge import JointRidge, joint_ridge_of
from kb.search.ranking.learn import FittedModel
from kb.search.ranking.likeness import Question
from kb.search.similar import RankedQuery, find_question
from kb.store.connection import Store
from kb.store.corpus_statistics import StoreStatistics
from kb.store.corpus_statistics_rows import read_model, refuse_other_encoder
from kb.store.fetch_candidates import (
    TextBatch,
    candidate_texts,
    concatenated,
    sample_texts,
    with_known_classes,
)
from kb.store.migrations import check_layout
from kb.store.standing import StoreStanding, standing

#: How far the graph is walked at once, which is as far as pgvector goes: of 100,000 passages in
#: heaps of 140 like ones .862 of the ten nearest were found at 400, .964 at 1,000.
EF_SEARCH = 1000
#: It goes on where rows may not be read, or more are wanted. A transaction sees one version of the
#: store, whatever is pushed meanwhile.
_SEARCH = (
    f"SET hnsw.ef_search = {EF_SEARCH}; SET hnsw.iterative_scan = relaxed_order; SET jit = off; "
    "SET default_transaction_isolation = 'repeatable read'; SET default_transaction_read_only = on"
)

#: Without a sentence records of one class cannot be told apart, and the newest are shown.
_MOST_FACTS = 2_000
_AGAIN = "Ask again: another push has ended meanwhile."


@dataclass(frozen=True)
class _Warm:
    """What is kept between questions while nothing is pushed and no right given or taken."""

    standing: StoreStanding
    statistics: StoreStatistics
    probe: Numbers
    sample: TextBatch
    sample_postings: Postings
    names: dict[int, str]
    audiences: dict[str, tuple[int, ...]]
    counts: dict[str, int]
    joint: JointRidge | None
    #: What is read at the first question that wants it, by the library that asks.
    facts_alone: dict[str, dict[str, list[RecordFacts]]] = field(default_factory=dict)


class StoreSearch:
    """An open store, asked by one thread at a time. What no question changes is read once."""

    def __init__(self, store: Store, encoder: Encoder) -> None:
        """Raises `KbError` where the store is of another layout or encoder."""
        check_layout(store)
        refuse_other_encoder(store, encoder.card)
        store.understand_vectors()
        store.run(_SEARCH)
        self._store = store
        self.encoder = encoder
        self._warm: _Warm | None = None

    @property
    def address(self) -> str:
        """Where the store is, as it is told to people."""
        return self._store.address

    def library_name(self, number: int) -> str:
        """What a library is called."""
        return self._warm.names.get(number, "") if self._warm else ""

    def find(
        self, query: Query, filters: Filters = EVERYTHING, *, without: str = ""
    ) -> RankedQuery:
        """The texts ranked for a query, best first; none of the library named `without`."""
        return self.find_question(query, self._question(query), filters, without=without)

    def find_question(
        self, query: Query, question: Question, filters: Filters, *, without: str = ""
    ) -> RankedQuery:
        """The same for a query whose vectors and words are `question`.

        All is read of one version of the store. Raises `KbError` where what is counted over all
        texts cannot be read.
        """
        with self._store.transaction():
            index = self._opened(question, without)
            own = frozenset(index.ids_of(without))
            filters = replace(filters, without=filters.without | own)
            return find_question(index, query, question, filters)

    def facts(self, without: str) -> StoreFacts:
        """What was searched in the store beside a library, once a question was put to it."""
        counts = self._warm.counts if self._warm else {}
        others = [count for name, count in counts.items() if name != without]
        return StoreFacts(self.address, without, libraries=len(others), records=sum(others))

    def facts_alone(self, without: str) -> dict[str, list[RecordFacts]]:
        """The newest records of which only facts may be read, by the name of their library.

        Words that are no names are left out, and records whose facts do not fit.
        """
        warm, now = self._warm, standing(self._store)
        known = warm.facts_alone if warm and warm.standing == now else {}
        if without not in known:
            known[without] = self._read_facts_alone(without)
        return known[without]

    def _read_facts_alone(self, without: str) -> dict[str, list[RecordFacts]]:
        rows = self._store.rows(
            "SELECT l.name, r.facts::text FROM kb.records r JOIN kb.libraries l "
            "ON l.number = r.library WHERE l.name <> %s AND NOT EXISTS "
            "(SELECT FROM kb.texts t WHERE t.record = r.number) ORDER BY r.day DESC LIMIT %s",
            (without, _MOST_FACTS),
        )
        found: dict[str, list[RecordFacts]] = {}
        for name, raw in rows:
            found.setdefault(name, []).extend(clean_facts(_facts(raw)))
        return found

    def holds(self, record_id: str, without: str) -> bool:
        """Whether a library but that named `without` has a text of that id here."""
        rows = self._store.rows(
            "SELECT 1 FROM kb.records r JOIN kb.libraries l ON l.number = r.library "
            "JOIN kb.texts t ON t.record = r.number WHERE r.name = %s AND l.name <> %s LIMIT 1",
            (record_id, without),
        )
        return bool(rows)

    def named(self, answer: Answer) -> Answer:
        """An answer whose matches say whose they are, with the ids that their library knows."""
        return replace(
            answer,
            matches=tuple(self._named(match) for match in answer.matches),
            nearest_misses=tuple(self._named(match) for match in answer.nearest_misses),
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._store.close()

    def _named(self, match: Match) -> Match:
        number, _, record_id = match.id.partition("/")
        actions = (replace(a, id=a.id.partition("/")[2]) for a in match.actions)
        library = self.library_name(int(number))
        return replace(match, id=record_id, library=library, actions=tuple(actions))

    def _question(self, query: Query) -> Question:
        texts = [embedded_text(query.title, passage) for passage in query.passages] or [query.title]
        words = [query.title, *(passage.text for passage in query.passages)]
        vectors = self.encoder.encode(texts)
        return Question(vectors, bag_of(words), query.entry, query.alike_runs or {})

    def _opened(self, question: Question, without: str) -> StoreIndex:
        now, frequencies = standing(self._store), self._frequencies(question.bag)
        warm = self._warm
        if warm is None or warm.standing != now:
            warm = self._warm = self._read(now)
        found = candidate_texts(
            self._store,
            question,
            frequencies,
            warm.statistics.records,
            hidden=warm.audiences.get(without, ()),
            known=warm.sample.numbers,
        )
        return StoreIndex(self._store, self.encoder, warm, found, question.bag, frequencies)

    def _frequencies(self, bag: Bag) -> dict[int, int]:
        """How many records hold each word of a question."""
        rows = self._store.rows(
            "SELECT word, records FROM kb.words WHERE word = ANY (%s)",
            (bag.words.view(np.int64).tolist(),),
        )
        return dict(rows)

    def _read(self, now: StoreStanding) -> _Warm:
        dimension = self.encoder.card.dimension
        statistics, probe = read_model(self._store, dimension)
        even = sample_texts(self._store, dimension)
        rows = self._store.rows(
            "SELECT l.number, l.name, a.number FROM kb.libraries l "
            "JOIN kb.audiences a ON a.library = l.number"
        )
        audiences: dict[str, tuple[int, ...]] = {}
        for _, name, audience in rows:
            audiences[name] = (*audiences.get(name, ()), audience)
        names = {number: name for number, name, _ in rows}
        counts = self._store.rows(
            "SELECT library, count(*)::integer FROM kb.records GROUP BY library"
        )
        return _Warm(
            now,
            statistics,
            probe,
            even,
            build_postings(even.bags),
            names,
            audiences,
            {names[number]: count for number, count in counts},
            _joint(even, statistics),
        )


@dataclass(frozen=True)
class StoreIndex:
    """Some texts of the store as an index: a sample of all, then those worth ranking."""

    store: Store
    encoder: Encoder
    warm: _Warm
    found: TextBatch
    bag: Bag
    frequencies: dict[int, int]

    @cached_property
    def bodies(self) -> TextBatch:
        """The texts as arrays."""
        return with_known_classes(
            concatenated(self.warm.sample, self.found), self.warm.statistics.classes
        )

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """The records, in the order of the arrays."""
        return self.bodies.entries

    @property
    def generation(self) -> StoreIndex:
        """The records themselves."""
        return self

    @cached_property
    def collection(self) -> Collection:
        """The texts as ranking wants them, with what is known of all texts."""
        bodies, statistics = self.bodies, self.warm.statistics
        sample = np.arange(min(SAMPLE, len(self.warm.sample.entries)))
        of_all = CorpusTotals(statistics.names, statistics.mean, sample)
        return Collection(
            entries=bodies.entries,
            vectors=bodies.vectors,
            starts=bodies.starts,
            means=bodies.means,
            postings=self._postings(),
            of_all=of_all,
        )

    @cached_property
    def learned(self) -> FittedModel:
        """What all texts teach."""
        statistics = self.warm.statistics
        labels = self.collection.labels
        posterior = statistics.posterior(self.bodies.means, labels, self.warm.probe)
        curves = statistics.calibration
        return FittedModel(replace(posterior, joint=self.warm.joint, skill=curves.skill), curves)

    @property
    def facts(self) -> IndexFacts:
        """What an answer says of what was searched."""
        statistics = self.warm.statistics
        source = statistics.calibration.source.replace("of this library", "of the store")
        return IndexFacts(
            records=statistics.records,
            passages=statistics.passages,
            encoder=self.encoder.card.model,
            refreshed=0,
            stale=False,
            calibration=source,
        )

    def ids_of(self, library: str) -> tuple[str, ...]:
        """The ids of the records here that are of a library."""
        numbers = {number for number, name in self.warm.names.items() if name == library}
        return tuple(
            entry.id
            for entry, number in zip(self.entries, self.bodies.libraries.tolist(), strict=True)
            if number in numbers
        )

    def nearest(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Rows of the nearest passages of every query passage, unordered, without repeats."""
        alike = queries @ self.bodies.vectors.T
        return np.unique(np.argsort(-alike, axis=1)[:, :count])

    def nearest_records(self, query: Vectors, count: int) -> NDArray[np.int64]:
        """The places of the records whose whole text is nearest to a query (d,), unordered."""
        return largest(self.bodies.means @ query, count)

    def rows(self, record: int) -> slice:
        """The vector rows of a record."""
        return slice(int(self.bodies.starts[record]), int(self.bodies.starts[record + 1]))

    def passage(self, row: int) -> Passage:
        """The passage of a vector row; those of its record are read once, when one is wanted."""
        record = int(np.searchsorted(self.bodies.starts, row, side="right")) - 1
        known = self._texts.get(record)
        if known is None:
            known = self._texts[record] = self._read_texts(record)
        return known[row - int(self.bodies.starts[record])]

    @cached_property
    def _texts(self) -> dict[int, tuple[Passage, ...]]:
        return {}

    def _read_texts(self, record: int) -> tuple[Passage, ...]:
        rows = self.store.rows(
            "SELECT section, text FROM kb.passages WHERE record = %s ORDER BY place",
            (int(self.bodies.numbers[record]),),
        )
        place = self.rows(record)
        if len(rows) != place.stop - place.start:
            raise KbError(
                "the store was changed while it was asked", where=self.store.address, todo=_AGAIN
            )
        return tuple(Passage(section, text) for section, text in rows)

    def _postings(self) -> Postings:
        """Which of the texts hold which word of the question, weighed by all texts."""
        words = np.sort(self.bag.words)
        before = len(self.warm.sample.entries)
        known = self.warm.sample_postings
        places = np.searchsorted(known.words, words)
        spans = [_span(known, place, word) for place, word in zip(places, words, strict=True)]
        found = _holders(words, self.found.bags, before)
        records = [
            np.concatenate([known.records[span], found.records[start:end]])
            for span, start, end in zip(spans, found.starts, found.starts[1:], strict=False)
        ]
        counts = [
            np.concatenate([known.counts[span], found.counts[start:end]])
            for span, start, end in zip(spans, found.starts, found.starts[1:], strict=False)
        ]
        frequencies = [self.frequencies.get(word, 0) for word in words.view(np.int64).tolist()]
        statistics = self.warm.statistics
        return Postings(
            words,
            np.concatenate([[0], np.cumsum([len(r) for r in records], dtype=np.int64)]),
            np.concatenate([np.zeros(0, np.int32), *records]),
            np.concatenate([np.zeros(0, np.uint16), *counts]),
            self.bodies.lengths,
            WordStatistics(statistics.records, statistics.length, np.array(frequencies, np.int64)),
        )


def _joint(sample: TextBatch, statistics: StoreStatistics) -> JointRidge | None:
    """What the sample teaches of classes in words and vectors; it stands first wherever it is."""
    bodies = with_known_classes(sample, statistics.classes)
    labels = labels_of(bodies.entries, statistics.names)
    return joint_ridge_of(bodies.means, labels, bodies.text_bag, draw=int)


def _facts(raw: str) -> tuple[RecordFacts, ...]:
    """The facts of one record, none where they do not fit: a stranger may have written them."""
    try:
        return (msgspec.json.decode(raw, type=RecordFacts),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()


def _span(known: Postings, place: int, word: np.uint64) -> slice:
    if place < len(known.words) and known.words[place] == word:
        return slice(int(known.starts[place]), int(known.starts[place + 1]))
    return slice(0, 0)


def _holders(words: NDArray[np.uint64], bags: tuple[Bag, ...], before: int) -> Postings:
    """The postings of `words` alone; records are numbered from `before` on."""
    held = np.concatenate([np.zeros(0, np.uint64), *(bag.words for bag in bags)])
    counts = np.concatenate([np.zeros(0, np.uint16), *(bag.counts for bag in bags)])
    owners = np.repeat(
        np.arange(before, before + len(bags), dtype=np.int32), [len(bag.words) for bag in bags]
    )
    places = np.searchsorted(words, held)
    places[places == len(words)] = 0
    kept = np.flatnonzero(words[places] == held) if len(words) else np.zeros(0, np.int64)
    order = kept[np.argsort(places[kept], kind="stable")]
    starts = np.searchsorted(places[order], np.arange(len(words) + 1))
    return Postings(words, starts, owners[order], counts[order], np.zeros(0, np.float32))
