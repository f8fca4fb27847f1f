"""All records as ranking sees them: vectors, words and labels as arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kb.search.bm25 import Bag, Postings, build_postings
from kb.search.encoder.encoder import Vectors
from kb.search.indexed_records.entry import IndexedRecord, facets

Labels = NDArray[np.float32]

#: What a verdict says about two records being of one kind.
VERDICT_VALUES = {"repeat": 1.0, "related": 0.5, "different": -1.0}


@dataclass(frozen=True)
class Verdicts:
    """Verdicts on pairs of records, each (v,): who spoke, of which, and what the word is worth."""

    speakers: NDArray[np.int64]
    others: NDArray[np.int64]
    values: NDArray[np.float32]


@dataclass(frozen=True)
class PublicationStates:
    """Which records are published, and when their incidents happened in UTC, each (n,).

    `places` says where the records of an id stand; in a store libraries may share one.
    """

    published: NDArray[np.bool_]
    happened_at: NDArray[np.datetime64]
    places: Mapping[str, Sequence[int]]


def standing_of(entries: Sequence[IndexedRecord]) -> PublicationStates:
    """The standing of records, in their order."""
    moments = [entry.happened_at.replace(tzinfo=None) for entry in entries]
    published = np.array([entry.is_candidate for entry in entries], bool)
    places: dict[str, list[int]] = {}
    for place, entry in enumerate(entries):
        places.setdefault(entry.id, []).append(place)
    return PublicationStates(published, np.array(moments, "datetime64[us]"), places)


@dataclass(frozen=True)
class CorpusTotals:
    """What is known of all records where a collection holds only some of them.

    `classes` of them all, sorted; `mean` is their average, (d,); `sample` are places of the
    collection whose records stand for all when scores are put on one scale.
    """

    classes: tuple[str, ...]
    mean: NDArray[np.float32]
    sample: NDArray[np.int64]


#: Records to measure deviations on, at most; the organisation's store draws as many.
SAMPLE = 1024


def draw_of(record_id: str) -> int:
    """A signed number of 64 bits, as good as drawn at random, and the same for an id everywhere.

    The records of the smallest are an even draw; that of the organisation's store is that of an
    index of the same records.
    """
    drawn = hashlib.blake2b(record_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(drawn, "little", signed=True)


def even_draw(
    places: NDArray[np.int64], most: int, draw: Callable[[int], int] | None
) -> NDArray[np.int64]:
    """At most so many of some places, ascending: those whose `draw` is smallest.

    One place more or less changes one of them. Without a draw, every so many.
    """
    if draw is None or len(places) <= most:
        return places[:: max(1, -(-len(places) // most))]
    return np.sort(np.array(sorted(places.tolist(), key=draw)[:most], np.int64))


def background(entries: Sequence[IndexedRecord]) -> NDArray[np.int64]:
    """The places of an even draw of records to measure deviations on; all in a small library."""
    if len(entries) <= SAMPLE:
        return np.arange(len(entries))
    draws = np.array([draw_of(entry.id) for entry in entries], np.int64)
    return np.sort(np.argpartition(draws, SAMPLE)[:SAMPLE])


@dataclass(frozen=True)
class SomePassages:
    """The passages of the records at `places`, ascending, copied one behind the other.

    `vectors` (p, d); those of the record at `places[i]` stand at `bounds[i]:bounds[i + 1]`.
    """

    places: NDArray[np.int64]
    vectors: Vectors
    bounds: NDArray[np.int64]


@dataclass(frozen=True)
class Collection:
    """Records as arrays, all in the same order.

    `vectors` are passages, (p, d) unit rows; those of record i stand at `starts[i]:starts[i + 1]`.
    `means` are records, (n, d) unit rows, zero where a record has no passage. `of_all` is None
    where these are all records there are.
    """

    entries: tuple[IndexedRecord, ...]
    vectors: Vectors
    starts: NDArray[np.int64]
    means: Vectors
    postings: Postings
    of_all: CorpusTotals | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def only(self, keep: NDArray[np.int64]) -> Collection:
        """The collection of some of its records, in the order of `keep`."""
        spans = [np.arange(self.starts[place], self.starts[place + 1]) for place in keep]
        rows = np.concatenate([np.zeros(0, np.int64), *spans])
        return Collection(
            entries=tuple(self.entries[place] for place in keep),
            vectors=self.vectors[rows],
            starts=starts_of([len(span) for span in spans]),
            means=self.means[keep],
            postings=self.postings.only(keep),
        )

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Every failure class that one of all published records has, sorted."""
        if self.of_all is not None:
            return self.of_all.classes
        return classes_of(self.entries)

    @cached_property
    def labels(self) -> Labels:
        """Which record has which class, (n, c) of 0 and 1; drafts teach nothing."""
        return labels_of(self.entries, self.classes)

    @cached_property
    def verdicts(self) -> Verdicts:
        """What people said about pairs of records."""
        parts = [
            (place, self.positions[verdict.id], VERDICT_VALUES.get(verdict.word, 0.0))
            for place, entry in enumerate(self.entries)
            for verdict in entry.verdicts
            if verdict.id in self.positions
        ]
        speakers, others, values = zip(*parts, strict=True) if parts else ((), (), ())
        return Verdicts(
            np.array(speakers, np.int64), np.array(others, np.int64), np.array(values, np.float32)
        )

    @cached_property
    def standing(self) -> PublicationStates:
        """What decides for every query which records may answer it."""
        return standing_of(self.entries)

    def facets(self, place: int) -> frozenset[tuple[str, str]]:
        """The facets of one record, read once."""
        known = self._facets.get(place)
        if known is None:
            known = self._facets[place] = facets(self.entries[place])
        return known

    @cached_property
    def _facets(self) -> dict[int, frozenset[tuple[str, str]]]:
        return {}

    def passages_of(self, places: NDArray[np.int64]) -> SomePassages:
        """A copy of the passages of some records."""
        starts = self.starts[places]
        sizes = self.starts[places + 1] - starts
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        rows = np.arange(bounds[-1]) + np.repeat(starts - bounds[:-1], sizes)
        return SomePassages(places, self.vectors.take(rows, axis=0), bounds)

    @cached_property
    def sample(self) -> NDArray[np.int64]:
        """The places of the records that stand for all, ascending."""
        return background(self.entries) if self.of_all is None else self.of_all.sample

    @cached_property
    def is_sampled(self) -> NDArray[np.bool_]:
        """Which records stand for all, (n,)."""
        sampled = np.zeros(len(self), bool)
        sampled[self.sample] = True
        return sampled

    @cached_property
    def background(self) -> SomePassages:
        """The passages that every question is compared with in a large library, copied once."""
        return self.passages_of(self.sample)

    @cached_property
    def mean(self) -> NDArray[np.float32]:
        """The average of all records, (d,): what the library at large speaks of."""
        if self.of_all is not None:
            return self.of_all.mean
        return np.asarray(self.means.sum(axis=0) / max(len(self), 1))

    @cached_property
    def positions(self) -> dict[str, int]:
        """Where each record stands, by id."""
        return {entry.id: place for place, entry in enumerate(self.entries)}


def classes_of(entries: Sequence[IndexedRecord]) -> tuple[str, ...]:
    """Every failure class that a published record has, sorted."""
    return tuple(sorted({name for e in entries if e.is_candidate for name in e.classes}))


def labels_of(entries: Sequence[IndexedRecord], classes: Sequence[str]) -> Labels:
    """Which record has which of the classes, (n, c) of 0 and 1; drafts have none."""
    places = {name: place for place, name in enumerate(classes)}
    labels = np.zeros((len(entries), len(places)), np.float32)
    for row, entry in enumerate(entries):
        if entry.is_candidate:
            labels[row, [places[name] for name in entry.classes]] = 1.0
    return labels


def build_collection(
    entries: Sequence[IndexedRecord],
    passages: Sequence[Vectors],
    bags: Sequence[Bag],
    dimension: int,
) -> Collection:
    """The collection of records, given the passages (rows of `dimension`) and words of each."""
    vectors = np.concatenate([np.zeros((0, dimension), np.float32), *passages])
    return collection_of(entries, vectors, [len(rows) for rows in passages], bags)


@dataclass(frozen=True)
class Earlier:
    """An earlier collection, and where each record of now stood in it, (n,).

    −1 is one that is new or changed; the others stand in the order of now.
    """

    collection: Collection
    places: NDArray[np.int64]


def collection_of(
    entries: Sequence[IndexedRecord],
    vectors: Vectors,
    sizes: Sequence[int],
    bags: Sequence[Bag],
    earlier: Earlier | None = None,
) -> Collection:
    """The collection of records of so many passages each as `sizes` say.

    What is worked out of the passages and words of each is taken from an `earlier` one.
    """
    starts = starts_of(sizes)
    if earlier is None:
        postings = build_postings(bags)
        return Collection(tuple(entries), vectors, starts, record_means(vectors, starts), postings)
    postings = earlier.collection.postings.renewed(earlier.places, bags)
    means = _renewed_means(earlier, vectors, starts)
    return Collection(tuple(entries), vectors, starts, means, postings)


def _renewed_means(earlier: Earlier, vectors: Vectors, starts: NDArray[np.int64]) -> Vectors:
    """`record_means`, of the records that are new alone."""
    is_kept = earlier.places >= 0
    means = np.empty((len(is_kept), vectors.shape[1]), np.float32)
    means[is_kept] = earlier.collection.means[earlier.places[is_kept]]
    for place in np.flatnonzero(~is_kept).tolist():
        rows = vectors[starts[place] : starts[place + 1]]
        means[place] = record_means(rows, starts_of([len(rows)]))[0]
    return means


def record_means(vectors: Vectors, starts: NDArray[np.int64]) -> Vectors:
    """The direction of the sum of each record's passages, (n, d)."""
    sums = np.zeros((len(starts) - 1, vectors.shape[1]), np.float32)
    # One call a record: `np.add.reduceat` over rows takes several times as long.
    for place, (start, end) in enumerate(pairwise(starts.tolist())):
        np.add.reduce(vectors[start:end], axis=0, out=sums[place])
    return unit_rows(sums)


def unit_rows(rows: Vectors) -> Vectors:
    """The rows with length 1; rows of zeros stay zero."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, 1), np.float32)


def starts_of(sizes: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    """Where runs of these sizes begin when they stand one behind the other, with the end."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, np.int64))]).astype(np.int64)
