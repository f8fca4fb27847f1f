"""Answers by words alone where no encoder is: BM25 over whole records, and no probability.

Nothing is written down: the records are read at each question, so that the first one after the
encoder's weights are there is answered by vectors.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kb.library import Library, load_document
from kb.search.aligned_passages import aligned_by_words
from kb.search.answer import Answer, IndexFacts, Match
from kb.search.bm25 import Postings, bag_of, build_postings
from kb.search.eligible_records import allowed
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.index.build_index import lexical_texts
from kb.search.index.storage import scan
from kb.search.indexed_records.collection import standing_of
from kb.search.indexed_records.entry import IndexedRecord, read_entry, same_records
from kb.search.indexed_records.passages import Passage
from kb.search.match_reasons import reasons_by_words
from kb.search.matches import match_of
from kb.search.query import EVERYTHING, Filters, Query

#: Share of the best score from which on a record is shown: what is left of the question's words
#: below it says little. There is no bar for "nothing similar": words alone do not tell.
_NEAR_BEST = 0.5
#: What is said where a probability would be explained.
NO_PROBABILITY = "none: by words there is an order, and no probability"


@dataclass(frozen=True)
class WordIndex:
    """The records of a library in memory, with the words of each; `why` there are no vectors."""

    library: Library
    records: tuple[tuple[IndexedRecord, tuple[Passage, ...]], ...]
    why: str

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """The records, in the order of their file names."""
        return tuple(entry for entry, _ in self.records)

    @cached_property
    def postings(self) -> Postings:
        """The words of all records."""
        return build_postings([bag_of(lexical_texts(*record)) for record in self.records])


def read_words(library: Library, fault: NoEncoderError) -> WordIndex:
    """The records as they stand, and in one line why they are searched by words only."""
    found = (
        read_entry(load_document(library.folder / state.name, library.form, library.root))
        for state in scan(library, {}, time.time_ns())
    )
    records = (
        record for record in found if record and (record[0].is_candidate or not library.is_anothers)
    )
    return WordIndex(library, tuple(records), words_only(fault))


def words_only(fault: NoEncoderError) -> str:
    """One line: that there is no encoder, why, and what gets vectors."""
    return f"Searched by words only: no encoder is here ({fault.reason}). {fault.way}"


def answer_by_words(
    index: WordIndex, query: Query, *, limit: int, filters: Filters = EVERYTHING
) -> Answer:
    """The records that share the query's rare words, best first; each has a reason to show."""
    may_answer = allowed(index.entries, standing_of(index.entries), query, filters)
    asker = next((place for place, e in enumerate(index.entries) if e.id == query.id), None)
    asked = bag_of([query.title, *(passage.text for passage in query.passages)])
    asks = may_answer & query.shows_fault
    scores = np.where(asks, index.postings.scores(asked, asker), 0.0)
    least = max(_NEAR_BEST * float(scores.max(initial=0.0)), 1e-9)
    best = (int(place) for place in np.argsort(-scores, kind="stable") if scores[place] >= least)
    matches = (_match(index, query, place) for place in best)
    parts = (match for match in matches if match.reasons)
    shown = tuple(match for match, _ in zip(parts, range(limit), strict=False))
    return Answer(
        query_text=query.text,
        query_id=query.id,
        query_date=query.at.date(),
        bar=0.0,
        matches=shown,
        nearest_misses=(),
        proposed_class=None,
        index=_facts(index, int(may_answer.sum())),
        of_run=query.is_run,
        shows_fault=query.shows_fault,
        filtered=filters != EVERYTHING,
        words_only=index.why,
    )


def without_known(filters: Filters, known: WordIndex, asked: WordIndex) -> Filters:
    """The filters that also leave out what a library that is asked shares with one's own."""
    same = same_records(known.entries, asked.entries)
    return replace(filters, without=filters.without | same)


def _match(index: WordIndex, query: Query, place: int) -> Match:
    entry, passages = index.records[place]
    return match_of(
        entry,
        index.library.config.library.name,
        query,
        reasons=reasons_by_words(entry, index.postings, query, place),
        passages=aligned_by_words(query.passages, passages, index.postings),
    )


def _facts(index: WordIndex, eligible: int) -> IndexFacts:
    return IndexFacts(
        records=sum(entry.is_candidate for entry in index.entries),
        passages=sum(len(passages) for _, passages in index.records),
        encoder=None,
        refreshed=0,
        stale=False,
        calibration=NO_PROBABILITY,
        eligible=eligible,
    )
