"""Ranks the texts of the store with the ranking of `kb.search`, as if they lay on this machine.

Of many texts those worth ranking are fetched, and beside them an even sample of all, which is kept
while nothing is pushed and no right is given or taken. What is counted over all texts is read from
the store, so a record gets the score that an index of all of them would give it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import numpy as np

from kb.library import Library
from kb.records.facts_without_text import RecordFacts, clean_facts
from kb.search.answer import Answer, Match, StoreFacts
from kb.search.bm25 import Bag, bag_of
from kb.search.encoder.encoder import Encoder
from kb.search.find_similar import RankedQuery, answer_of, find_question
from kb.search.indexed_records.passages import embedded_text
from kb.search.query import EVERYTHING, Filters, Query
from kb.search.ranking.cosine_likeness import Question
from kb.store.connection import Store
from kb.store.corpus_statistics_rows import read_model, refuse_other_encoder
from kb.store.fetch_candidates import SentWords, Wanted, candidate_texts, sample_texts, send_words
from kb.store.migrations import check_layout
from kb.store.store_index import StoreIndex, StoreSample, counted_words, store_sample
from kb.store.version_and_rights import SentStanding, StoreStanding, send_standing

#: How far the graph is walked at once, which is as far as pgvector goes: all that is wanted of it.
EF_SEARCH = 1000
#: It goes on where rows may not be read, or more are wanted. A transaction sees one version of the
#: store, whatever is pushed meanwhile.
_SEARCH = (
    f"SET hnsw.ef_search = {EF_SEARCH}; SET hnsw.iterative_scan = relaxed_order; SET jit = off; "
    "SET default_transaction_isolation = 'repeatable read'; SET default_transaction_read_only = on"
)

#: Without a sentence records of one class cannot be told apart, and the newest are shown.
_MOST_FACTS = 2_000


@dataclass(frozen=True)
class _Warm:
    """What is kept between questions while nothing is pushed and no right given or taken."""

    standing: StoreStanding
    sample: StoreSample
    names: dict[int, str]
    counts: dict[str, int]
    #: When the last of them happened.
    newest: datetime | None
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
        self._sent: SentStanding | None = None

    @property
    def address(self) -> str:
        """Where the store is, as it is told to people."""
        return self._store.address

    def library_name(self, number: int) -> str:
        """What a library is called."""
        return self._warm.names.get(number, "") if self._warm else ""

    @contextmanager
    def one_version(self) -> Iterator[None]:
        """Whatever is asked in it is answered by one version of the store, under the same rights.

        A nested one is part of the outer one.
        """
        if self._sent is not None:
            yield
            return
        with self._store.one_version():
            self._sent = send_standing(self._store)
            try:
                yield
            finally:
                self._sent = None

    def find(
        self, query: Query, filters: Filters = EVERYTHING, *, without: str = ""
    ) -> RankedQuery:
        """The texts ranked for a query, best first; none of the library named `without`.

        The server looks for its words while it is embedded.
        """
        words = [query.title, *(passage.text for passage in query.passages)]
        bag = bag_of(words)
        with self.one_version():
            wanted = self._wanted(query, filters, without)
            by_words = self._send(bag, wanted)
            texts = [embedded_text(query.title, one) for one in query.passages] or [query.title]
            vectors = self.encoder.encode(texts)
            question = Question(vectors, bag, query.entry, query.alike_runs or {})
            return self._ranked(query, question, by_words, wanted)

    def find_question(
        self, query: Query, question: Question, filters: Filters, *, without: str = ""
    ) -> RankedQuery:
        """The same for a query whose vectors and words are `question`.

        Raises `KbError` where what is counted over all texts cannot be read.
        """
        with self.one_version():
            wanted = self._wanted(query, filters, without)
            by_words = self._send(question.bag, wanted)
            return self._ranked(query, question, by_words, wanted)

    def answer(self, found: RankedQuery, library: Library, limit: int) -> Answer:
        """What was found as an answer, whose matches say whose they are and what they call it.

        `store` of it says how many records were left out as they could not be read.
        """
        with self.one_version():
            answer, left_out = self._whole_answer(found, library, limit)
        return replace(
            answer,
            store=replace(self.facts(library.config.library.name), left_out=left_out),
            matches=tuple(self._named(match) for match in answer.matches),
            nearest_misses=tuple(self._named(match) for match in answer.nearest_misses),
        )

    def _whole_answer(self, found: RankedQuery, library: Library, limit: int) -> tuple[Answer, int]:
        """An answer of records that can be read, and how many of those ranked can not.

        Where one can not, all are read at once: nobody brings about a statement a record.
        """
        index, places = found.index, found.ranking.places
        if not isinstance(index, StoreIndex):
            return answer_of(found, library, limit), 0
        shown = found.shown(limit, library.config.search.bar)
        index.read_texts(places[shown].tolist())
        answer = answer_of(found, library, limit)
        if not index.unreadable:
            return answer, 0
        index.read_texts(places[found.allowed].tolist())
        is_whole = ~np.isin(places, list(index.unreadable))
        whole = replace(
            found, allowed=found.allowed & is_whole, order=found.order[is_whole[found.order]]
        )
        return answer_of(whole, library, limit), int((found.allowed & ~is_whole).sum())

    def facts(self, without: str) -> StoreFacts:
        """What was searched in the store beside a library, once a question was put to it."""
        counts = self._warm.counts if self._warm else {}
        others = [count for name, count in counts.items() if name != without]
        return StoreFacts(self.address, without, libraries=len(others), records=sum(others))

    def facts_alone(self, without: str) -> dict[str, list[RecordFacts]]:
        """The newest records of which only facts may be read, by the name of their library.

        Words that are no names are left out, and records whose facts do not fit.
        """
        with self.one_version():
            known = self._current().facts_alone
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

    def close(self) -> None:
        """Let go of the connection."""
        self._store.close()

    def _named(self, match: Match) -> Match:
        number, _, record_id = match.id.partition("/")
        actions = (replace(a, id=a.id.partition("/")[2]) for a in match.actions)
        library = self.library_name(int(number))
        return replace(match, id=record_id, library=library, actions=tuple(actions))

    def _wanted(self, query: Query, filters: Filters, without: str) -> Wanted:
        """What may answer: nothing later, which no statement needs to say where nothing is."""
        newest = self._warm.newest if self._warm else None
        may_be_earlier = query.at < newest if newest else not query.is_plain
        return Wanted(filters, without, query.at if may_be_earlier else None)

    def _send(self, bag: Bag, wanted: Wanted) -> SentWords:
        return send_words(self._store, bag, counted_words(bag), wanted)

    def _ranked(
        self, query: Query, question: Question, sent: SentWords, wanted: Wanted
    ) -> RankedQuery:
        warm, by_words = self._current(), sent.found()
        known = warm.sample.texts.numbers
        found = candidate_texts(self._store, question, by_words, wanted=wanted, known=known)
        index = StoreIndex(
            self._store,
            warm.standing.version,
            self.encoder,
            warm.sample,
            warm.names,
            found,
            counted_words(question.bag),
            by_words.frequencies,
        )
        own = frozenset(index.ids_of(wanted.without))
        filters = replace(wanted.filters, without=wanted.filters.without | own)
        return find_question(index, query, question, filters)

    def _current(self) -> _Warm:
        """What is kept, read again where it is not that of the version that is asked."""
        now = (self._sent or send_standing(self._store)).standing
        if self._warm is None or self._warm.standing != now:
            self._warm = self._read(now)
        return self._warm

    def _read(self, now: StoreStanding) -> _Warm:
        dimension = self.encoder.card.dimension
        statistics, probe = read_model(self._store, dimension)
        sample = store_sample(statistics, probe, sample_texts(self._store, dimension))
        names = dict(self._store.rows("SELECT number, name FROM kb.libraries"))
        counts = self._store.rows(
            "SELECT library, count(*)::integer, max(happened_at) FROM kb.records GROUP BY library"
        )
        newest = max((last for *_, last in counts), default=None)
        held = {names[number]: count for number, count, _ in counts}
        return _Warm(now, sample, names, held, newest)


def _facts(raw: str) -> tuple[RecordFacts, ...]:
    """The facts of one record, none where they do not fit: a stranger may have written them."""
    try:
        return (msgspec.json.decode(raw, type=RecordFacts),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ()
