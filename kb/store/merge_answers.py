"""One answer from a library's own records and from what other teams have in the store.

Own records are asked on this machine, as they stand now; the store answers with everybody else's.
Where the server is away the own answer is given, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from kb.errors import KbError
from kb.library import Library
from kb.records.document import Document
from kb.records.facts_without_text import RecordFacts
from kb.search.answer import Answer, StoreFacts
from kb.search.by_facts import FactsAsked
from kb.search.encoder.encoder import Progress
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.find_similar import RankedQuery, as_query, find
from kb.search.index.index import Index, open_index
from kb.search.query import EVERYTHING, Filters, Query, refuse_unknown
from kb.search.several_libraries import (
    OtherLibrary,
    by_probability,
    open_other_library,
    similar_beside,
    with_other_libraries,
)
from kb.store.connection import StoreAwayError, shown
from kb.store.open_searches import KEPT
from kb.store.search import StoreSearch


def similar_with_store(
    library: Library,
    query: Query | Document | str,
    *,
    limit: int | None = None,
    filters: Filters = EVERYTHING,
    today: date | None = None,
    progress: Progress | None = None,
    others: Sequence[OtherLibrary] = (),
    required: bool = False,
) -> Answer:
    """The answer of `similar_beside`, joined by what the store has of others, as one list.

    Where the store cannot be asked, `store` of the answer says why in one line. Raises `KbError`
    like `similar`; with `required` also for a store that is there and may not or cannot be asked.
    """
    asked = as_query(query, today or datetime.now(UTC).date())
    limit = limit or library.config.search.limit
    try:
        index = open_index(library, progress)
    except NoEncoderError:
        own = similar_beside(library, others, asked, limit=limit, filters=filters, today=today)
        return replace(own, store=_away(library, "without an encoder it cannot be asked"))
    opened = [open_other_library(one, progress) for one in others]
    beside = (entry for one in opened for entry in one.entries)
    refuse_unknown(filters, library.form, (*index.entries, *beside))
    found = find(index, asked, filters)
    answer = with_other_libraries(found, library, opened, limit)
    try:
        return _with_store(answer, found, index, library, limit)
    except KbError as fault:
        if required and not isinstance(fault, StoreAwayError):
            raise
        return replace(answer, store=_away(library, fault.what))


@dataclass(frozen=True)
class _StoreAnswer:
    """What the store answers: matches by text, and others' facts by library."""

    answer: Answer
    facts_alone: dict[str, list[RecordFacts]]


def _with_store(
    own: Answer, found: RankedQuery, index: Index, library: Library, limit: int
) -> Answer:
    def question(search: StoreSearch) -> _StoreAnswer:
        name = library.config.library.name
        with search.one_version():
            theirs = search.find_question(found.query, found.question, found.filters, without=name)
            answer = search.answer(theirs, library, limit)
            return _StoreAnswer(answer, search.facts_alone(name))

    return _joined(own, KEPT.ask(library, index.encoder, question), found, library, limit)


def _joined(
    own: Answer, store: _StoreAnswer, found: RankedQuery, library: Library, limit: int
) -> Answer:
    by_facts = (
        match
        for whose, known in store.facts_alone.items()
        for match in FactsAsked(found, library, whose, known, {}).matches()
    )
    known = {(match.library.casefold(), match.id) for match in own.matches}  # one that lies beside
    theirs = (
        match for match in store.answer.matches if (match.library.casefold(), match.id) not in known
    )
    matches = sorted((*own.matches, *theirs, *by_facts), key=by_probability)[:limit]
    misses = own.nearest_misses or (() if matches else store.answer.nearest_misses)
    return replace(
        own,
        matches=tuple(matches),
        nearest_misses=() if matches else misses,
        proposed_class=own.proposed_class or store.answer.proposed_class,
        store=store.answer.store,
    )


def _away(library: Library, why: str) -> StoreFacts:
    config = library.config
    return StoreFacts(shown(config.store.url), config.library.name, away=why)
