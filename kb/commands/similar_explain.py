"""Explains the rank of one record: of this library, of another one, or of the store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from kb.errors import KbError
from kb.records.facts_without_text import RecordFacts
from kb.search.explain_score import explain
from kb.search.find_similar import RankedQuery
from kb.search.several_libraries import find_beside, open_other_library

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.encoder.encoder import Progress
    from kb.search.several_libraries import OtherLibrary
    from kb.store.search import StoreSearch


def explained_beside(
    own: RankedQuery, others: Sequence[OtherLibrary], record_id: str, progress: Progress | None
) -> str:
    """The arithmetic of a record of a library beside, empty where none of them has it.

    Raises `KbError` for one of which facts alone are shared.
    """
    for one in others:
        _refuse_facts(one.name, one.facts, record_id)
        theirs = open_other_library(one, progress).index
        if theirs and record_id in theirs.generation.collection.positions:
            return explain(find_beside(own, theirs, one.alike_runs), record_id)
    return ""


def explained_in_store(own: RankedQuery, library: Library, record_id: str) -> str:
    """The same of a record of the organisation's store, empty where it is away or has none."""
    from kb.store.connection import StoreAwayError
    from kb.store.open_searches import KEPT

    name = library.config.library.name

    def question(search: StoreSearch) -> str:
        for whose, known in search.facts_alone(name).items():
            _refuse_facts(whose, known, record_id)
        found = search.find_question(own.query, own.question, own.filters, without=name)
        positions = found.index.generation.collection.positions
        full = next((one for one in positions if one.partition("/")[2] == record_id), "")
        if full:
            return explain(found, full).replace(full, record_id)
        is_there = search.holds(record_id, name)
        return f"{record_id} is not among the records near enough to be ranked.\n" * is_there

    with suppress(StoreAwayError):
        return KEPT.ask(library, own.index.encoder, question)
    return ""


def _refuse_facts(whose: str, known: Iterable[RecordFacts], record_id: str) -> None:
    if any(facts.ref == record_id for facts in known):
        raise KbError(
            f"{whose} shares facts of {record_id} and no text: it is ranked by its class alone",
            todo=f"Ask {whose} about {record_id}.",
        )
