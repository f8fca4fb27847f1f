"""BM25 over whole records, with its inverted index on disk.

Words are kept as 64-bit hashes, so that opening an index reads no vocabulary. Postings are sorted
by word: a query is a binary search and a few additions. Counts are stored and not weights, so that
one record can be left out exactly.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.sentences import letter_pairs

#: Robertson and Zaragoza 2009, The Probabilistic Relevance Framework: the usual middle values.
K1 = 1.5
B = 0.75

#: Signs that belong to the letter before them, and are no letters to `re`: accents, the points of
#: Hebrew and Arabic, the vowels of the scripts of India.
_LETTER = (
    r"(?:[^\W_]|[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u064b-\u065f\u0670"
    r"\u0900-\u0963\u0966-\u0dff])"
)
_WORD = re.compile(rf"{_LETTER}++(?:['’]{_LETTER}++)?")
_ASCII_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
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
#: Of a posting's number those that name its record: as many as `Postings.records` have.
_RECORD_BITS = 32


@dataclass(frozen=True)
class Bag:
    """The words of one text: their hashes, ascending, and how often each stands there."""

    words: NDArray[np.uint64]
    counts: NDArray[np.uint16]

    def without(self, other: Bag) -> Bag:
        """What is left when the words of a part of the text are taken out."""
        counts = self.counts.astype(np.int64)
        places = np.searchsorted(self.words, other.words)
        held = places < len(self.words)
        held[held] = self.words[places[held]] == other.words[held]
        counts[places[held]] -= other.counts[held]
        return Bag(self.words[counts > 0], counts[counts > 0].astype(np.uint16))


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
        size = len(self.lengths)
        places = self._places(query)
        spans = Spans.of(self.starts, places)
        holders = spans.joined(self.records)
        frequencies = self._frequencies(places)
        if without is not None:
            own = np.searchsorted(
                np.cumsum(spans.sizes), np.flatnonzero(holders == without), "right"
            )
            frequencies = frequencies - np.bincount(own, minlength=len(places))
        total = self._total - (without is not None)
        # A word that only the record has that is left out is worth nothing, and so attains nothing.
        worth = np.where(frequencies > 0, _rarity(total, frequencies) * (K1 + 1), 0.0)
        counts = spans.joined(self.counts).astype(np.float32)
        parts = counts / (counts + self._length_part(without)[holders])
        scores = np.bincount(holders, np.repeat(worth, spans.sizes) * parts, minlength=size)
        if without is not None:
            scores[without] = 0.0
        return np.asarray(scores / (worth.sum() or 1.0), np.float32)

    def holders(self, words: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which records hold one of the words, (n,)."""
        places = self._places(Bag(words, np.ones(len(words), np.uint16)))
        held = np.zeros(len(self.lengths), bool)
        held[Spans.of(self.starts, places).joined(self.records)] = True
        return held

    def rarity(self, word: int) -> float:
        """How much a word is worth: large for a rare one, 0 for one that no record holds."""
        known = self._rarities.get(word)
        if known is None:
            frequencies = self._frequencies(self._places(_word_bag(word)))
            known = self._rarities[word] = float(_rarity(self._total, frequencies).sum())
        return known

    def weight(self, word: int, record: int) -> float:
        """What one word adds to the score of one record; 0 where most records hold it."""
        for place in self._places(_word_bag(word)).tolist():
            start, end = int(self.starts[place]), int(self.starts[place + 1])
            row = start + int(np.searchsorted(self.records[start:end], record))
            frequency = int(self._frequencies(np.array([place]))[0])
            rare = frequency <= max(2, self._total // 3)
            if rare and row < end and self.records[row] == record:
                count = float(self.counts[row])
                length_part = float(self._length_part(None)[record])
                return self.rarity(word) * (K1 + 1) * count / (count + length_part)
        return 0.0

    def renewed(self, places: NDArray[np.int64], bags: Sequence[Bag]) -> Postings:
        """What `build_postings` makes of these bags, without sorting what was sorted before.

        Those at `places` ≥ 0, ascending, are as they were there; the others are new.
        """
        kept, fresh = np.flatnonzero(places >= 0), np.flatnonzero(places < 0)
        old = self.only(places[kept])
        added = build_postings([bags[place] for place in fresh.tolist()])
        words = np.union1d(old.words, added.words)
        keys, more = old._keys(words, kept), added._keys(words, fresh)
        at = np.searchsorted(keys, more)
        keys = np.insert(keys, at, more)
        held, sizes = np.unique(keys >> _RECORD_BITS, return_counts=True)
        lengths = np.empty(len(places), np.float32)
        lengths[kept], lengths[fresh] = old.lengths, added.lengths
        return Postings(
            words[held],
            np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
            (keys & ((1 << _RECORD_BITS) - 1)).astype(np.int32),
            np.insert(old.counts, at, added.counts),
            lengths,
        )

    def _keys(self, words: NDArray[np.uint64], records: NDArray[np.int64]) -> NDArray[np.int64]:
        """Every posting as one number that sorts as postings are: by word, then by record.

        `words` are those that number them, `records` what each record is called.
        """
        owners = np.repeat(np.searchsorted(words, self.words), np.diff(self.starts))
        return np.asarray(owners << _RECORD_BITS | records[self.records])

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

    def _places(self, query: Bag) -> NDArray[np.int64]:
        """Where those words of a query stand that some record holds."""
        places = np.searchsorted(self.words, query.words)
        inside = places < len(self.words)
        places, words = places[inside], query.words[inside]
        places = places[self.words[places] == words]
        held: NDArray[np.int64] = places[self._frequencies(places) > 0]
        return held

    def _frequencies(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many records hold each of the words that stand there."""
        if self.of_all is not None:
            return self.of_all.frequencies[places]
        return self.starts[places + 1] - self.starts[places]

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


@dataclass(frozen=True)
class Spans:
    """Where the postings of some words stand, those of each from `begins` to `ends`, (w,)."""

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, starts: NDArray[np.int64], places: NDArray[np.int64]) -> Spans:
        """Those of the words at `places`."""
        return cls(starts[places], starts[places + 1])

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many postings each word has, (w,)."""
        return self.ends - self.begins

    @property
    def owners(self) -> NDArray[np.int64]:
        """Which word each posting is of."""
        return np.repeat(np.arange(len(self.begins)), self.sizes)

    def joined(self, postings: NDArray[Any]) -> NDArray[Any]:
        """An array of all postings, of these alone one behind the other."""
        spans = zip(self.begins.tolist(), self.ends.tolist(), strict=True)
        return np.concatenate([postings[:0], *(postings[begin:end] for begin, end in spans)])


def _rarity(total: int, frequencies: NDArray[np.int64]) -> NDArray[np.float64]:
    """Inverse document frequency, never negative (Lucene's form)."""
    return np.log1p((total - frequencies + 0.5) / (frequencies + 0.5))


def _word_bag(word: int) -> Bag:
    return Bag(np.array([word], np.uint64), np.ones(1, np.uint16))


def tokens(text: str) -> list[str]:
    """The words of a text in lower case, endings of number and tense removed."""
    return [stem(word.lower()) for word in written_words(text)]


def written_words(text: str) -> list[str]:
    """The words of a text as they are written, without those every text has.

    In scripts without blanks between words they are pairs of letters.
    """
    text, pairs = letter_pairs(text)
    pattern = _ASCII_WORD if text.isascii() else _WORD
    words = pattern.findall(_CAMEL.sub(" ", text)) + pairs
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
    in_order = all_words[order]
    is_first = np.concatenate([np.ones(min(len(order), 1), bool), in_order[1:] != in_order[:-1]])
    bounds = np.append(np.flatnonzero(is_first), len(order)).astype(np.int64)
    return Postings(in_order[is_first], bounds, owners[order], counts[order], lengths)
