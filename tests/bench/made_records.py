"""Makes as many records as are wanted from real sentences, for no collection is large enough.

The sentences are those of every corpus in KB_DATA and of the casebook, each once, but for the
texts that questions are made of. A passage is three of them: one, and two of the 32 that are
nearest to it in other texts, so that hardly two passages are alike and each is about something.
Its vector is the sum of theirs with noise, whose size is measured: with it the nearest of as many
made passages as real ones are is as near as theirs.

A record has six passages that begin with sentences of one text, two that begin with those of
another, their words, forty rarer words of a long tail, and the classes of the record of the
casebook that is nearest to the first text.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from kb.library import unread_library
from kb.search.bm25 import Bag, bag_of
from kb.search.encoder.encoder import Encoder, Vectors
from kb.search.index.index import build_index
from kb.search.indexed_records.collection import record_means, starts_of
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import embedded_text, plain_text, text_passages
from kb.sentences import sentences
from search import DATA, ROOT, row

EACH = 8
_OF_FIRST = 6
_IN_PASSAGE = 3
_NEAR = 32
#: A sentence of fewer words is a heading or a remainder.
_FEWEST_WORDS = 5
_TAIL = 40
#: Real passages, one a text, whose neighbours say how large the noise is.
_MEASURED = 800
_ROUND = 20_000


@dataclass(frozen=True)
class MadeRecords:
    """Records that were made, as an index on this machine has them; `texts` are by passage."""

    entries: tuple[IndexedRecord, ...]
    vectors: Vectors
    starts: np.ndarray
    bags: tuple[Bag, ...]
    texts: tuple[str, ...]

    @cached_property
    def means(self) -> Vectors:
        return record_means(self.vectors, self.starts)


@dataclass(frozen=True)
class _Sentences:
    """Real sentences in the order of their texts: `owners` (s,) are the numbers of those texts.

    `near` (s, 32) are the nearest ones of other texts. `entries` are by text.
    """

    written: list[str]
    vectors: Vectors
    owners: np.ndarray
    near: np.ndarray
    entries: list[IndexedRecord]

    @cached_property
    def bags(self) -> list[Bag]:
        return [bag_of([one]) for one in self.written]

    @cached_property
    def starts(self) -> np.ndarray:
        """Where the sentences of each text begin, and the end of the last."""
        return np.searchsorted(self.owners, np.arange(len(self.entries) + 1))


def make_records(passages: int, encoder: Encoder, asked: Collection[str]) -> MadeRecords:
    """Records with so many passages, from no text whose title is `asked`."""
    texts = [*_corpora(asked), *_casebook()]
    known = _read_sentences(texts, encoder)
    chance = np.random.default_rng(7)
    noise = _measured_noise(texts, known, encoder)
    owners = chance.integers(0, len(known.entries), (passages // EACH, 2))
    picked = _pick(chance, known, owners)
    vectors = np.concatenate([
        _noisy(chance, known.vectors[picked[at : at + _ROUND]].sum(axis=1), noise)
        for at in range(0, len(picked), _ROUND)
    ])  # fmt: skip
    by_record = picked.reshape(-1, EACH * _IN_PASSAGE)
    return MadeRecords(
        tuple(_renamed(known.entries[owner], n) for n, owner in enumerate(owners[:, 0].tolist())),
        vectors,
        starts_of([EACH] * len(owners)),
        tuple(_bag(chance, [known.bags[s] for s in some]) for some in by_record.tolist()),
        tuple(" ".join(known.written[s] for s in some) for some in picked.tolist()),
    )


def _corpora(asked: Collection[str]) -> Iterator[tuple[str, str]]:
    for file in sorted((DATA / "corpora").glob("*.jsonl")):
        values = map(json.loads, file.read_text("utf-8").splitlines())
        yield from ((v["title"], v["text"]) for v in values if v["title"] not in asked)


def _casebook() -> Iterator[tuple[str, str]]:
    for part in build_index(unread_library(ROOT)).generation.parts():
        yield part.entry.title, "\n".join(text.decode() for text in part.texts)


def _read_sentences(texts: Sequence[tuple[str, str]], encoder: Encoder) -> _Sentences:
    first: dict[str, int] = {}
    for owner, (_, text) in enumerate(texts):
        for sentence in sentences(plain_text(text)):
            if len(sentence.split()) >= _FEWEST_WORDS:
                first.setdefault(sentence, owner)
    written, owners = list(first), np.array([*first.values()])
    vectors = _embedded(written, encoder)
    row("real texts and their sentences", f"{len(texts):,}, {len(written):,}")
    kept = np.unique(owners)
    owners = np.searchsorted(kept, owners)
    entries = _entries([texts[owner][0] for owner in kept], vectors, owners)
    return _Sentences(written, vectors, owners, _near(vectors, owners), entries)


def _embedded(written: list[str], encoder: Encoder) -> Vectors:
    """Their vectors, kept beside a store that is kept."""
    kept = Path(os.environ.get("KB_BENCH_STORE", "")) / "sentences.npy"
    if kept.is_absolute() and kept.is_file():
        vectors: Vectors = np.load(kept)
        if len(vectors) == len(written):
            return vectors
    vectors = encoder.encode(written)
    if kept.is_absolute():
        np.save(kept, vectors)
    return vectors


def _near(vectors: Vectors, owners: np.ndarray) -> np.ndarray:
    found = np.empty((len(vectors), _NEAR), np.int32)
    for at in range(0, len(vectors), 1000):
        part = slice(at, at + 1000)
        alike = vectors[part] @ vectors.T
        alike[owners[part, None] == owners[None, :]] = -2
        found[part] = np.argpartition(-alike, _NEAR, axis=1)[:, :_NEAR]
    return found


def _entries(titles: Sequence[str], vectors: Vectors, owners: np.ndarray) -> list[IndexedRecord]:
    """For each text what the nearest record of the casebook is, under the text's title."""
    book = list(build_index(unread_library(ROOT)).generation.parts())
    means = np.stack([part.vectors.mean(axis=0) for part in book])
    own = np.stack([vectors[owners == place].mean(axis=0) for place in range(len(titles))])
    best = np.argmax(own @ means.T, axis=1)
    return [
        msgspec.structs.replace(book[place].entry, title=title)
        for place, title in zip(best.tolist(), titles, strict=True)
    ]


def _pick(chance: np.random.Generator, known: _Sentences, owners: np.ndarray) -> np.ndarray:
    """The sentences of each passage, (p, 3), of records that begin with two texts each, (r, 2)."""
    texts = np.repeat(owners, [_OF_FIRST, EACH - _OF_FIRST], axis=1).ravel()
    first = chance.integers(known.starts[texts], known.starts[texts + 1])
    places = np.argsort(chance.random((len(first), _NEAR)), axis=1)[:, : _IN_PASSAGE - 1]
    others = np.take_along_axis(known.near[first], places, axis=1)
    return np.concatenate([first[:, None], others], axis=1)


def _noisy(chance: np.random.Generator, sums: Vectors, size: float) -> Vectors:
    """Unit rows with noise of a length, itself beside theirs."""
    rows = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    rows = rows + chance.standard_normal(rows.shape, np.float32) * (size / rows.shape[1] ** 0.5)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _measured_noise(texts: Sequence[tuple[str, str]], known: _Sentences, encoder: Encoder) -> float:
    """The noise with which made passages are as far from their nearest as real ones are."""
    chance = np.random.default_rng(11)
    some = [texts[i] for i in chance.permutation(len(texts))[:_MEASURED]]
    real = encoder.encode([
        embedded_text(title, pieces[int(chance.integers(len(pieces)))])
        for title, text in some
        if (pieces := text_passages(text, ""))
    ])  # fmt: skip
    owners = chance.permutation(len(known.entries))[: len(real)]
    picked = _pick(chance, known, np.stack([owners, owners], axis=1))
    sums = known.vectors[picked[::EACH]].sum(axis=1)
    wanted, low, high = _nearest(real), 0.0, 2.0
    row("nearest neighbour of a real passage among as many", f"{wanted:.3f}")
    row("of a made one, without noise", f"{_nearest(_noisy(chance, sums, 0)):.3f}")
    while high - low > 0.01:
        size = (low + high) / 2
        near = _nearest(_noisy(np.random.default_rng(11), sums, size))
        low, high = (size, high) if near > wanted else (low, size)
    row("noise with which it is as near", f"{low:.2f} of a vector's length")
    return low


def _nearest(vectors: Vectors) -> float:
    """The median cosine of the nearest other one."""
    alike = vectors @ vectors.T
    np.fill_diagonal(alike, -2)
    return float(np.median(alike.max(axis=1)))


def _bag(chance: np.random.Generator, bags: Sequence[Bag]) -> Bag:
    tail = (chance.zipf(1.3, _TAIL) % 2_000_000).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    words = np.concatenate([*(bag.words for bag in bags), tail])
    counts = np.concatenate([*(bag.counts for bag in bags), np.ones(_TAIL, np.uint16)])
    names, where = np.unique(words, return_inverse=True)
    return Bag(names, np.bincount(where, counts).astype(np.uint16))


def _renamed(entry: IndexedRecord, number: int) -> IndexedRecord:
    day = date(2016, 1, 1) + timedelta(days=number % 3600)
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return msgspec.structs.replace(
        entry, id=f"{day}-record-{number:07d}", date=day, happened_at=at, verdicts=()
    )
