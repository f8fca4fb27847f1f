"""What a question is put to: an index on this machine, or one that a server holds."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.search.answer import IndexFacts
from kb.search.encoder.encoder import Encoder, Vectors
from kb.search.indexed_records.collection import Collection
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import Passage
from kb.search.ranking.learn import FittedModel


class RankedRecords(Protocol):
    """Records that can be ranked and quoted, and what was learnt from them or from all."""

    @property
    def collection(self) -> Collection:
        """The records as arrays."""

    @property
    def learned(self) -> FittedModel:
        """Class posterior and calibration."""

    def rows(self, record: int) -> slice:
        """The vector rows of a record."""

    def passage(self, row: int) -> Passage:
        """The passage of a vector row."""


class Searchable(Protocol):
    """An opened index with its encoder."""

    @property
    def generation(self) -> RankedRecords:
        """The records."""

    @property
    def encoder(self) -> Encoder:
        """What made the vectors, and makes those of a question."""

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """The records, in the order of the arrays."""

    @property
    def facts(self) -> IndexFacts:
        """What an answer says of what was searched."""

    def nearest(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Rows of the nearest passages of every query passage, unordered, without repeats."""

    def nearest_records(self, query: Vectors, count: int) -> NDArray[np.int64]:
        """The places of the records whose whole text is nearest to a query (d,), unordered."""
