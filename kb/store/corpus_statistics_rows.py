"""Reads and writes what is counted over all texts; the store has one encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from kb.errors import KbError
from kb.search.encoder.encoder import Vectors
from kb.search.encoder.encoder_card import EncoderCard
from kb.search.ranking.class_posterior import Numbers
from kb.store.connection import Store, no_tables
from kb.store.corpus_statistics import (
    StoreStatistics,
    decode,
    encode_model,
    encode_sums,
    with_class_means,
)
from kb.store.stored_records import stored_classes

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
    """The statistics with what each class is like taken anew over all labelled texts.

    As far as this role may read the texts, in proportion.
    """
    read = 0

    def counted() -> Iterator[Vectors]:
        nonlocal read
        for rows in _labelled_means(store):
            read += len(rows)
            yield rows

    found = with_class_means(known, counted())
    scale = known.labelled / read if read else 1.0
    classes = {n: replace(c, meant=c.meant * scale) for n, c in found.classes.items()}
    return replace(found, classes=classes)


def _labelled_means(store: Store) -> Iterator[Vectors]:
    last = 0
    while True:
        rows = store.rows(
            "SELECT record, mean, entry FROM kb.texts WHERE record > %s ORDER BY record LIMIT %s",
            (last, _BATCH),
        )
        if not rows:
            return
        last = rows[-1][0]
        means = [mean.to_numpy() for _, mean, entry in rows if stored_classes(entry)]
        if means:
            yield np.stack(means).astype(np.float32)


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
