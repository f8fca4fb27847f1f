"""Reads and writes what is counted over all texts; the store has one encoder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kb.errors import KbError
from kb.search.encoder.encoder import Vectors
from kb.search.encoder.encoder_card import EncoderCard
from kb.search.ranking.class_posterior import Numbers
from kb.store.connection import Store, no_tables
from kb.store.corpus_statistics import (
    Contribution,
    StoreStatistics,
    changed,
    decode,
    encode_model,
    encode_sums,
    no_texts,
    with_class_means,
    without_texts,
)
from kb.store.stored_records import stored_classes

if TYPE_CHECKING:
    from pgvector import HalfVector

_BATCH = 10_000
#: Recall@10 of questions that nobody wrote records for, 20,000 made passages: .97 as pgvector ships
#: (64), 1.0 with this; the graph takes twice as long to build.
_GRAPH = "WITH (ef_construction = 200)"


def fix_encoder(store: Store, card: EncoderCard) -> None:
    """Make the store one of an encoder, with the graphs that find its vectors.

    Raises `KbError` where it is one of another.
    """
    store.rows(
        "INSERT INTO kb.statistics (encoder, model_name, dimension) VALUES (%s, %s, %s) "
        "ON CONFLICT DO NOTHING",
        (card.key, card.model, card.dimension),
    )
    refuse_other_encoder(store, card)
    size = int(card.dimension)
    store.run(
        f"ALTER TABLE kb.vectors ALTER COLUMN vector TYPE halfvec({size});"
        f"ALTER TABLE kb.record_vectors ALTER COLUMN vectors TYPE halfvec({size})[];"
        f"ALTER TABLE kb.texts ALTER COLUMN mean TYPE halfvec({size});"
        "CREATE INDEX IF NOT EXISTS vectors_graph ON kb.vectors "
        f"USING hnsw (vector halfvec_ip_ops) {_GRAPH};"
        "CREATE INDEX IF NOT EXISTS texts_graph ON kb.texts "
        f"USING hnsw (mean halfvec_ip_ops) {_GRAPH};"
    )


def read_statistics(store: Store, card: EncoderCard) -> StoreStatistics:
    """The statistics as they stand, with the sums that a push adds to.

    Raises `KbError` where the store is one of another encoder.
    """
    refuse_other_encoder(store, card)
    model, sums = store.rows("SELECT model, sums FROM kb.statistics")[0]
    return decode(model, sums, card.dimension)[0]


def write_statistics(store: Store, known: StoreStatistics) -> None:
    """Store the statistics."""
    store.rows(
        "UPDATE kb.statistics SET version = version + 1, records = %s, passages = %s, "
        "model = %s, sums = %s",
        (known.records, known.passages, encode_model(known), encode_sums(known)),
    )


def with_meanings(store: Store, known: StoreStatistics) -> StoreStatistics:
    """The statistics with what each class is like taken anew over all labelled texts."""
    return with_class_means(known, _labelled_means(store))


def counted_anew(store: Store, known: StoreStatistics) -> StoreStatistics:
    """The statistics summed again over all texts that are counted, with the definitions as known.

    The role must be one that may read all of them.
    """
    undone = {name: without_texts(sums) for name, sums in known.classes.items()}
    found = replace(no_texts(known.dimension), calibration=known.calibration)
    for batch in _open_texts(store):
        found = replace(found, classes={**undone, **found.classes})
        found, _ = changed(found, [], batch, {})
    return with_meanings(store, found)


def _labelled_means(store: Store) -> Iterator[Vectors]:
    for batch in _open_texts(store):
        means = [text.mean for text in batch if text.classes]
        if means:
            yield np.stack(means)


def _open_texts(store: Store) -> Iterator[list[Contribution]]:
    """What the texts that all may read give to the statistics, some at a time."""
    last = 0
    while True:
        rows = store.rows(
            "SELECT t.mean, t.entry, t.length, t.passages, t.record FROM kb.texts t "
            "WHERE t.audience = ANY ((SELECT kb.counted())::smallint[]) AND t.record > %s "
            "ORDER BY t.record LIMIT %s",
            (last, _BATCH),
        )
        if not rows:
            return
        last = rows[-1][-1]
        yield [stored_contribution(*row[:-1]) for row in rows]


def contributions(store: Store, library: int, keys: Sequence[bytes]) -> list[Contribution]:
    """What texts of a library give to the statistics as they stand in the store."""
    rows = store.rows(
        "SELECT t.mean, t.entry, t.length, t.passages FROM kb.records r "
        "JOIN kb.texts t ON t.record = r.number "
        "WHERE t.audience = ANY (kb.counted()) AND r.library = %s AND r.key = ANY (%s)",
        (library, list(keys)),
    )
    return [stored_contribution(*row) for row in rows]


def stored_contribution(mean: HalfVector, entry: bytes, length: int, passages: int) -> Contribution:
    """What a text gives to the statistics, from its row.

    Its classes are those that were counted: as the record had them, not as facts tell them.
    """
    vector = np.asarray(mean.to_numpy(), np.float32)
    return Contribution(vector, stored_classes(entry), length, passages)


def read_model(store: Store, dimension: int) -> tuple[StoreStatistics, Numbers]:
    """The statistics without their squares, and the probe that those give."""
    model = store.rows("SELECT model FROM kb.statistics")[0][0]
    return decode(model, b"", dimension)


def refuse_other_encoder(store: Store, card: EncoderCard) -> None:
    """Raises `KbError` where the store is one of another encoder."""
    rows = store.rows("SELECT encoder, model_name FROM kb.statistics")
    if not rows:
        raise no_tables(store.address)
    encoder, model = rows[0]
    if encoder != card.key:
        raise KbError(
            f"the store holds vectors of {model} ({encoder}), this library's are of {card.model} "
            f"({card.key})",
            where=store.address,
            todo="Set [search] model and precision to those, or have the store made anew with your "
            "encoder (docs/organisation.md): vectors of two encoders cannot be compared.",
        )
