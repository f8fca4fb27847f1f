"""BM25 over whole records, with its inverted index on disk.

Words are kept as 64-bit hashes, so that opening an index reads no vocabulary. Postings are sorted
by word: a query is a binary search and a few additions. Counts are stored and not weights, so that
one record can be left out exactly.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

#: Robertson and Zaragoza 2009, The Probabilistic Relevance Framework: the usual middle values.
K1 = 1.5
B = 0.75

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_STOP_TEXT = (
    "a an and are as at be been but by can did do does for from had has have he her his how i if "
    "in into is it its no not of on or our she so that the their them then there these they this "
    "to was we were what when which who will with would you your"
)
_STOP_WORDS = frozenset(_STOP_TEXT.split())
#: Ending to what replaces it, longest first: number and tense of English words, roughly.
_ENDINGS = (("ies", "y"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""))
_SHORTEST_STEM = 4


@dataclass(frozen=True)
class Bag:
    """The words of one text: their hashes, ascending, and how often each stands there."""

    words: NDArray[np.uint64]
    counts: NDArray[np.uint16]


@dataclass(frozen=True)
class WordStatistics:
    """What is known of all records where postings hold only some of them.

    `records` and `length` (words) of them all; `frequencies` are records a word, (w,), those of
    `Postings.words`.
    """

    records: int
    length: float
    frequencies: NDArray[np.int64]


@dataclass(frozen=True)
class Postings:
    """Which record holds which word how often, sorted by word.

    The records of `words[i]` stand at `starts[i]:starts[i + 1]`, ascending; `lengths` counts words
    a record. Words are weighed by `of_all`, or without it by the records that are here.
    """

    words: NDArray[np.uint64]
    starts: NDArray[np.int64]
    records: NDArray[np.int32]
    counts: NDArray[np.uint16]
    lengths: NDArray[np.float32]
    of_all: WordStatistics | None = None

    def scores(self, query: Bag, without: int | None = None) -> NDArray[np.float32]:
        """The BM25 score of every record as a share of the most it could be, (n,), 0…1.

        `without` leaves one record out of everything, its word statistics included.
        """
        scores = np.zeros(len(self.lengths), np.float32)
        length_part = self._length_part(without)
        attainable = 0.0
        for span, frequency in self._spans(query):
            holders, counts = self.records[span], self.counts[span].astype(np.float32)
            if frequency == 1 and len(holders) == 1 and holders[0] == without:
                continue  # a word only the record has that is left out
            rarity = self._rarity(holders, frequency, without)
            attainable += rarity * (K1 + 1)
            # A record stands once in the postings of a word, so plain indexing adds rightly.
            scores[holders] += rarity * (K1 + 1) * counts / (counts + length_part[holders])
        if without is not None:
            scores[without] = 0.0
        return np.asarray(scores / np.float32(attainable or 1.0), np.float32)

    def rarity(self, word: int) -> float:
        """How much a word is worth: large for a rare one, 0 for one that no record holds."""
        known = self._rarities.get(word)
        if known is None:
            bag = Bag(np.array([word], np.uint64), np.ones(1, np.uint16))
            found = (self._rarity(self.records[span], n, None) for span, n in self._spans(bag))
            known = self._rarities[word] = sum(found)
        return known

    def weight(self, word: int, record: int) -> float:
        """What one word adds to the score of one record; 0 where most records hold it."""
        bag = Bag(np.array([word], np.uint64), np.ones(1, np.uint16))
        for span, frequency in self._spans(bag):
            holders = self.records[span]
            place = np.flatnonzero(holders == record)
            if len(place) and frequency <= max(2, self._total // 3):
                count = float(self.counts[span][place[0]])
                length_part = float(self._length_part(None)[record])
                rarity = self._rarity(holders, frequency, None)
                return rarity * (K1 + 1) * count / (count + length_part)
        return 0.0

    def only(self, keep: NDArray[np.int64]) -> Postings:
        """The postings of some of the records, numbered in the order of `keep`."""
        place_of = np.full(len(self.lengths), -1, np.int32)
        place_of[keep] = np.arange(len(keep), dtype=np.int32)
        records = place_of[self.records]
        held = records >= 0
        kept_before = np.concatenate([[0], np.cumsum(held)])
        starts = kept_before[self.starts].astype(np.int64)
        return Postings(self.words, starts, records[held], self.counts[held], self.lengths[keep])

    @property
    def _total(self) -> int:
        return self.of_all.records if self.of_all else len(self.lengths)

    def _spans(self, query: Bag) -> Iterable[tuple[slice, int]]:
        """Where the records of each word stand that some record holds, and how many hold it."""
        places = np.searchsorted(self.words, query.words)
        for word, place in zip(query.words, places, strict=True):
            if place < len(self.words) and self.words[place] == word:
                start, end = int(self.starts[place]), int(self.starts[place + 1])
                frequency = int(self.of_all.frequencies[place]) if self.of_all else end - start
                if frequency:
                    yield slice(start, end), frequency

    def _rarity(self, holders: NDArray[np.int32], frequency: int, without: int | None) -> float:
        """Inverse document frequency, never negative (Lucene's form)."""
        total = self._total
        if without is not None:
            place = int(np.searchsorted(holders, without))
            frequency -= place < len(holders) and bool(holders[place] == without)
            total -= 1
        return math.log1p((total - frequency + 0.5) / (frequency + 0.5))

    def _length_part(self, without: int | None) -> NDArray[np.float32]:
        """What the length of each record does to its counts, (n,)."""
        if without is None:
            return self._whole_length_part
        return self._length_part_of(without)

    @cached_property
    def _rarities(self) -> dict[int, float]:
        return {}

    @cached_property
    def _whole_length_part(self) -> NDArray[np.float32]:
        return self._length_part_of(None)

    def _length_part_of(self, without: int | None) -> NDArray[np.float32]:
        total = self.of_all.length if self.of_all else float(self.lengths.sum())
        size = self._total
        if without is not None and size > 1:
            total, size = total - float(self.lengths[without]), size - 1
        mean = max(total / max(size, 1), 1.0)
        return np.asarray(K1 * (1 - B + B * self.lengths / mean), np.float32)


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, endings of number and tense removed."""
    return [stem(word.lower()) for word in written_words(text)]


def written_words(text: str) -> list[str]:
    """The words of a text as they are written, without those every text has."""
    words = _WORD.findall(_CAMEL.sub(" ", text))
    return [word for word in words if word.lower() not in _STOP_WORDS]


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """A word without its commonest English ending; rough, and the same for query and record."""
    if word.endswith("ss"):
        return word
    for ending, rest in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            return word[: -len(ending)] + rest
    return word


def bag_of(texts: Iterable[str]) -> Bag:
    """The words of some texts together."""
    counted = Counter(word for text in texts for word in tokens(text))
    pairs = sorted((word_hash(word), count) for word, count in counted.items())
    return Bag(
        np.array([key for key, _ in pairs], np.uint64),
        np.array([min(count, 65_535) for _, count in pairs], np.uint16),
    )


@lru_cache(maxsize=100_000)
def word_hash(word: str) -> int:
    """The 64-bit name of a word."""
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")


def build_postings(bags: Sequence[Bag]) -> Postings:
    """The postings of records, given their bags in the order of the records."""
    lengths = np.array([bag.counts.sum(dtype=np.int64) for bag in bags], np.float32)
    sizes = np.array([len(bag.words) for bag in bags], np.int64)
    owners = np.repeat(np.arange(len(bags), dtype=np.int32), sizes)
    all_words = np.concatenate([np.zeros(0, np.uint64), *(bag.words for bag in bags)])
    counts = np.concatenate([np.zeros(0, np.uint16), *(bag.counts for bag in bags)])
    order = np.argsort(all_words, kind="stable")
    words, starts = np.unique(all_words[order], return_index=True)
    bounds = np.append(starts, len(order)).astype(np.int64)
    return Postings(words, bounds, owners[order], counts[order], lengths)
