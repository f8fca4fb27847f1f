"""Fits the curves of the store's answers to its own texts, as a build does on one machine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kb.search.bm25 import WordStatistics, bag_of, build_postings
from kb.search.encoder.encoder_card import EncoderCard
from kb.search.indexed_records.collection import Collection, CorpusTotals
from kb.search.indexed_records.passages import Passage, embedded_text
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.joint_ridge import joint_ridge_of
from kb.search.ranking.probability_calibration import Calibration, fit_calibration, sample
from kb.store.connection import Store
from kb.store.corpus_statistics import StoreStatistics
from kb.store.corpus_statistics_rows import counted_anew, read_statistics, write_statistics
from kb.store.fetch_candidates import TextBatch, sample_texts, with_known_classes

#: Texts among which the labelled ones are asked; a store of no more is fitted as an index of it is.
MOST_TEXTS = 5_000
#: The curves are fitted again when there are this many times as many labelled texts, or as few.
_GROWN = 1.1


def is_due(known: StoreStatistics) -> bool:
    """Whether there are so many more or fewer labelled texts that the curves are worth fitting."""
    few, many = sorted((known.labelled, known.fitted))
    return many > few * _GROWN


def calibrated(store: Store, known: StoreStatistics, card: EncoderCard) -> StoreStatistics:
    """The statistics with curves fitted to an even draw of the texts that are counted."""
    read = sample_texts(store, card.dimension, MOST_TEXTS, is_counted=True)
    bodies = with_known_classes(read, known.classes)
    if not bodies.entries:
        return replace(known, calibration=Calibration(encoder_key=card.key), fitted=0)
    collection = _collection(store, bodies, known)
    posterior = known.posterior(bodies.means, collection.labels, known.probe, known.inverse)
    joint = joint_ridge_of(bodies.means, collection.labels, bodies.text_bag, draw=int)
    posterior = replace(posterior, joint=joint)
    first = _first_texts(store, bodies)
    asked = (
        (place, Question(collection.vectors[row : row + 1], bag_of([first[place]])))
        for place in sample(posterior, draw=int)
        for row in (int(bodies.starts[place]),)
        if row < bodies.starts[place + 1]
    )
    curves = fit_calibration(collection, posterior, asked)
    return replace(known, calibration=replace(curves, encoder_key=card.key), fitted=known.labelled)


def count_open_texts(store: Store, card: EncoderCard) -> None:
    """Count and fit again without the texts of one team, where an older layout counted them.

    The role must be one that may read all texts.
    """
    known = read_statistics(store, card)
    [(count,)] = store.rows(
        "SELECT count(*)::integer FROM kb.texts WHERE audience = ANY (kb.counted())"
    )
    if count != known.records:
        store.understand_vectors()
        again = counted_anew(store, known)
        write_statistics(store, calibrated(store, again, card))


def _collection(store: Store, bodies: TextBatch, known: StoreStatistics) -> Collection:
    postings = build_postings(bodies.bags)
    rows = store.rows(
        "SELECT word, records FROM kb.words WHERE word = ANY (%s)",
        (postings.words.view(np.int64).tolist(),),
    )
    held = dict(rows)
    frequencies = [held.get(word, 0) for word in postings.words.view(np.int64).tolist()]
    statistics = WordStatistics(known.records, known.length, np.array(frequencies, np.int64))
    step = max(1, len(bodies.entries) // 1024)
    whole = CorpusTotals(known.names, known.mean, np.arange(0, len(bodies.entries), step))
    return Collection(
        entries=bodies.entries,
        vectors=bodies.vectors,
        starts=bodies.starts,
        means=bodies.means,
        postings=replace(postings, of_all=statistics),
        of_all=whole,
    )


def _first_texts(store: Store, bodies: TextBatch) -> list[str]:
    """What somebody might have asked about each text: its title and first passage."""
    rows = store.rows(
        "SELECT record, section, text FROM kb.passages WHERE place = 0 AND record = ANY (%s)",
        (bodies.numbers.tolist(),),
    )
    first = {record: Passage(section, text) for record, section, text in rows}
    return [
        embedded_text(entry.title, first[number]) if number in first else entry.title
        for entry, number in zip(bodies.entries, bodies.numbers.tolist(), strict=True)
    ]
