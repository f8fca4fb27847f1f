"""Says which records may answer a query: earlier, published, not ruled out by its author."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from kb.search.query import EVERYTHING, Filters, Query
from kb.search.records.entry import IndexedRecord


def allowed(entries: Iterable[IndexedRecord], query: Query, filters: Filters) -> NDArray[np.bool_]:
    """Which of the records may answer, (n,).

    Those that are published, not the record that asks, not later than it, not called different by
    its author, and within the filters.
    """
    verdicts = query.entry.verdicts if query.entry else ()
    different = frozenset(verdict.id for verdict in verdicts if verdict.word == "different")
    return np.array([_may_answer(entry, query, filters, different) for entry in entries], bool)


def _may_answer(
    entry: IndexedRecord, query: Query, filters: Filters, different: frozenset[str]
) -> bool:
    return (
        entry.is_candidate
        and entry.id != query.id
        and entry.happened_at <= query.at
        and entry.id not in different
        and (filters is EVERYTHING or filters.allow(entry))
    )
