"""Says which records may answer a query: earlier, published, not ruled out by its author."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

import numpy as np
from numpy.typing import NDArray

from kb.search.indexed_records.collection import PublicationStates
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.query import EVERYTHING, Filters, Query


def allowed(
    entries: Sequence[IndexedRecord], standing: PublicationStates, query: Query, filters: Filters
) -> NDArray[np.bool_]:
    """Which of the records may answer, (n,); `standing` is that of the same records.

    Those that are published, not the record that asks, not later than it, not called different by
    its author, and within the filters.
    """
    asked_at = np.datetime64(query.at.astimezone(UTC).replace(tzinfo=None), "us")
    may_answer = standing.published & (standing.happened_at <= asked_at)
    verdicts = query.entry.verdicts if query.entry else ()
    ruled_out = {query.id, *(verdict.id for verdict in verdicts if verdict.word == "different")}
    may_answer[[place for name in ruled_out for place in standing.places.get(name, ())]] = False
    if filters != EVERYTHING:
        for place in np.flatnonzero(may_answer).tolist():
            may_answer[place] = filters.allow(entries[place])
    return may_answer
