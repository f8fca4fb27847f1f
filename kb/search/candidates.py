"""Says which records may answer a query: earlier, published, not ruled out by its author."""

from __future__ import annotations

from kb.search.query import EVERYTHING, Filters, Query
from kb.search.records.entry import IndexedRecord


def ruled_out(query: Query) -> frozenset[str]:
    """The records that its author has called different."""
    verdicts = query.entry.verdicts if query.entry else ()
    return frozenset(verdict.id for verdict in verdicts if verdict.word == "different")


def may_answer(
    entry: IndexedRecord, query: Query, filters: Filters, without: frozenset[str]
) -> bool:
    """Published, not the record that asks, not later, not one of `without`, within the filters."""
    return (
        entry.is_candidate
        and entry.id != query.id
        and entry.happened_at <= query.at
        and entry.id not in without
        and (filters is EVERYTHING or filters.allow(entry))
    )
