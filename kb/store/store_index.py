"""Some texts of the store as an index: the kept sample of all, then those that a question found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.search.answer import IndexFacts
from kb.search.bm25 import Bag, Postings, WordStatistics, build_postings
from kb.search.encoder.encoder import Encoder, Vectors
from kb.search.indexed_records.collection import SAMPLE, Collection, CorpusTotals
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import Passage
from kb.search.ranking.agent_acted import AGENT_WORDS
from kb.search.ranking.class_posterior import Numbers, largest
from kb.search.ranking.joint_ridge import JointRidge, joint_ridge_of
from kb.search.ranking.learn import FittedModel
from kb.store.connection import Store
from kb.store.corpus_statistics import StoreStatistics
from kb.store.fetch_candidates import TextBatch, with_known_classes
from kb.store.sampled_collection import with_found

_NO_PASSAGE = Passage("", "")
_AGAIN = "Ask again: another push has ended meanwhile."


@dataclass(frozen=True)
class StoreSample:
    """What all texts teach, and an even sample of them with those that teach classes behind it.

    `probe` is the ridge regression of the classes, (d, c).
    """

    statistics: StoreStatistics
    probe: Numbers
    texts: TextBatch
    collection: Collection
    joint: JointRidge | None


def store_sample(statistics: StoreStatistics, probe: Numbers, read: TextBatch) -> StoreSample:
    """The sample as ranking wants it, from the texts that were read."""
    texts = with_known_classes(read, statistics.classes)
    places = np.arange(min(SAMPLE, len(texts.entries)))
    of_all = CorpusTotals(statistics.names, statistics.mean, places)
    collection = Collection(
        texts.entries, texts.vectors, texts.starts, texts.means, build_postings(texts.bags), of_all
    )
    joint = joint_ridge_of(texts.means, collection.labels, texts.text_bag, draw=int)
    return StoreSample(statistics, probe, texts, collection, joint)


def counted_words(bag: Bag) -> NDArray[np.uint64]:
    """The words of a question and those by which records of agents are known, ascending."""
    return np.union1d(bag.words, AGENT_WORDS)


@dataclass(frozen=True)
class StoreIndex:
    """The sample of a store and the texts found for one question, as an index.

    `frequencies` are the texts that hold each of `words`, ascending; `names` those of libraries.
    `version` is that of the store.
    """

    store: Store
    version: int
    encoder: Encoder
    sample: StoreSample
    names: dict[int, str]
    found: TextBatch
    words: NDArray[np.uint64]
    frequencies: dict[int, int]

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """The records, in the order of the arrays."""
        return self.collection.entries

    @property
    def generation(self) -> StoreIndex:
        """The records themselves."""
        return self

    @cached_property
    def collection(self) -> Collection:
        """The texts as ranking wants them, with what is known of all texts."""
        found = with_known_classes(self.found, self.sample.statistics.classes)
        postings = postings_of(self.words, found.bags, found.lengths)
        of_found = Collection(
            found.entries,
            found.vectors,
            found.starts,
            found.means,
            replace(postings, of_all=self._weights),
            self.sample.collection.of_all,
        )
        return with_found(self.sample.collection, of_found)

    @property
    def _weights(self) -> WordStatistics:
        statistics = self.sample.statistics
        held = [self.frequencies.get(word, 0) for word in self.words.view(np.int64).tolist()]
        return WordStatistics(statistics.records, statistics.length, np.array(held, np.int64))

    @cached_property
    def learned(self) -> FittedModel:
        """What all texts teach."""
        sample, collection = self.sample, self.collection
        posterior = sample.statistics.posterior(collection.means, collection.labels, sample.probe)
        curves = sample.statistics.calibration
        return FittedModel(replace(posterior, joint=sample.joint, skill=curves.skill), curves)

    @property
    def facts(self) -> IndexFacts:
        """What an answer says of what was searched."""
        statistics = self.sample.statistics
        source = statistics.calibration.source.replace("of this library", "of the store")
        return IndexFacts(
            records=statistics.records,
            passages=statistics.passages,
            encoder=self.encoder.card.model,
            refreshed=0,
            stale=False,
            calibration=source,
        )

    @cached_property
    def _numbers(self) -> NDArray[np.int64]:
        """Those of the records in the store."""
        return np.concatenate([self.sample.texts.numbers, self.found.numbers])

    def ids_of(self, library: str) -> tuple[str, ...]:
        """The ids of the records here that are of a library."""
        numbers = [number for number, name in self.names.items() if name == library]
        owners = np.concatenate([self.sample.texts.libraries, self.found.libraries])
        places = np.flatnonzero(np.isin(owners, numbers)).tolist()
        return tuple(self.entries[place].id for place in places)

    def nearest(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Rows of the nearest passages of every query passage, unordered, without repeats."""
        alike = queries @ self.collection.vectors.T
        return np.unique(np.argsort(-alike, axis=1)[:, :count])

    def nearest_records(self, query: Vectors, count: int) -> NDArray[np.int64]:
        """The places of the records whose whole text is nearest to a query (d,), unordered."""
        return largest(self.collection.means @ query, count)

    def rows(self, record: int) -> slice:
        """The vector rows of a record."""
        starts = self.collection.starts
        return slice(int(starts[record]), int(starts[record + 1]))

    def passage(self, row: int) -> Passage:
        """The passage of a vector row; those of its record are read once, when one is wanted.

        An empty one of a record that is `unreadable`.
        """
        starts = self.collection.starts
        record = int(np.searchsorted(starts, row, side="right")) - 1
        if record not in self._texts:
            self.read_texts([record])
        texts = self._texts[record]
        return _NO_PASSAGE if texts is None else texts[row - int(starts[record])]

    @cached_property
    def _texts(self) -> dict[int, tuple[Passage, ...] | None]:
        """What was read of records, None where it is not what was ranked."""
        return {}

    @property
    def unreadable(self) -> frozenset[int]:
        """The records read so far that have other passages than vectors."""
        return frozenset(record for record, texts in self._texts.items() if texts is None)

    def read_texts(self, records: Sequence[int]) -> None:
        """Read the passages of records that will be wanted, all in one statement.

        A record that has not as many passages as vectors is `unreadable`, so that no team ends all
        answers. Raises `KbError` where the store is of another version than what was ranked.
        """
        numbers = {int(self._numbers[record]): record for record in records}
        rows = self.store.rows(
            "SELECT record, section, text FROM kb.passages WHERE record = ANY (%s) "
            "ORDER BY record, place",
            (list(numbers),),
        )
        read: dict[int, list[Passage]] = {record: [] for record in records}
        for number, section, text in rows:
            read[numbers[number]].append(Passage(section, text))
        for record, passages in read.items():
            place = self.rows(record)
            is_whole = len(passages) == place.stop - place.start
            if not is_whole:
                self._refuse_changed()
            self._texts[record] = tuple(passages) if is_whole else None

    def _refuse_changed(self) -> None:
        """Raises `KbError` where the store is not of the version that was ranked any more."""
        version = self.store.rows("SELECT version FROM kb.statistics")[0][0]
        if version != self.version:
            raise KbError(
                "the store was changed while it was asked", where=self.store.address, todo=_AGAIN
            )


def postings_of(
    words: NDArray[np.uint64], bags: tuple[Bag, ...], lengths: NDArray[np.float32]
) -> Postings:
    """The postings of `words` alone, ascending, in texts of those bags."""
    held = np.concatenate([np.zeros(0, np.uint64), *(bag.words for bag in bags)])
    counts = np.concatenate([np.zeros(0, np.uint16), *(bag.counts for bag in bags)])
    owners = np.repeat(np.arange(len(bags), dtype=np.int32), [len(bag.words) for bag in bags])
    places = np.searchsorted(words, held)
    places[places == len(words)] = 0
    kept = np.flatnonzero(words[places] == held) if len(words) else np.zeros(0, np.int64)
    order = kept[np.argsort(places[kept], kind="stable")]
    starts = np.searchsorted(places[order], np.arange(len(words) + 1))
    return Postings(words, starts, owners[order], counts[order], lengths)
