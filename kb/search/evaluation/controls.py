"""What a good figure is held against: labels dealt out at random, and records told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.search.evaluation.dataset import Subject
from kb.search.indexed_records.collection import Collection

#: Cosine of two whole texts from which on, with the same labels, they are one incident told twice.
TWIN = 0.97
#: Rows compared at once: of 20,000 records 40 MB of cosines.
_ROWS = 512


def labelled_only(subject: Subject) -> Subject:
    """The records that have a label: which have one at all says nothing about their class."""
    return subject.only(np.flatnonzero(subject.collection.labels.any(axis=1)))


def shuffled(subject: Subject, seed: int) -> Subject:
    """The same records, the sets of labels dealt out among them at random."""
    known = subject.collection
    dealt = np.random.default_rng(seed).permutation(len(known))
    entries = tuple(
        msgspec.structs.replace(entry, classes=known.entries[place].classes)
        for entry, place in zip(known.entries, dealt, strict=True)
    )
    collection = Collection(entries, known.vectors, known.starts, known.means, known.postings)
    return replace(subject, collection=collection)


def without_duplicates(subject: Subject) -> Subject:
    """The records of which no earlier one is a twin: as near as `TWIN`, with the same labels."""
    return subject.only(np.flatnonzero(~_has_earlier_twin(subject.collection)))


def _has_earlier_twin(collection: Collection) -> NDArray[np.bool_]:
    labels: Sequence[frozenset[str]] = [frozenset(entry.classes) for entry in collection.entries]
    found = np.zeros(len(collection), bool)
    for start in range(0, len(collection), _ROWS):
        near = collection.means[start : start + _ROWS] @ collection.means.T >= TWIN
        for row, other in np.argwhere(near):
            place = start + int(row)
            found[place] |= other < place and labels[place] == labels[other]
    return found
