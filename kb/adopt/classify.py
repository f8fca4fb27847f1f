"""Proposes class, cause and control of adopted records, each with how often such a proposal holds.

What teaches are the casebook and the team's own classified records, in the vectors that search has
of them. A probability is fitted to those teachers, each asked with its own words left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kb.library import Library
from kb.records.document import Document
from kb.records.form import Form
from kb.search.casebook import open_casebook
from kb.search.encoder.encoder import Progress, Vectors
from kb.search.index.index import Index, open_index
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.ranking.class_posterior import ClassPosterior, Numbers, fit_posterior
from kb.search.ranking.learn import class_text
from kb.search.ranking.probability_calibration import SHIPPED_CLASS, fit_logistic, known, logistic

#: The keys that are proposed, in this order: of the first two a record has several.
KEYS = ("classes", "causes", "missing_control")


@dataclass(frozen=True, slots=True)
class WordProposal:
    """One word for a key of a record; `probability` 0…1 says how often such a proposal holds.

    `word` is empty and `probability` 0 where none is likelier than the most frequent one is anyway.
    """

    key: str
    word: str
    probability: float


@dataclass(frozen=True)
class RecordProposals:
    """What is proposed for one adopted record, for those keys that it does not fill."""

    document: Document
    words: tuple[WordProposal, ...]


def missing_keys(document: Document) -> tuple[str, ...]:
    """The keys that an adopted record does not fill."""
    front = document.front
    return tuple(
        key
        for key in KEYS
        if not any(text not in {"", "unknown"} for text in (*front.texts(key), front.text(key)))
    )


def propose(library: Library, progress: Progress | None = None) -> tuple[RecordProposals, ...]:
    """The proposals for every adopted record that lacks a key, in the order of the library.

    Raises `KbError` where the encoder or the casebook is missing.
    """
    wanted = [d for d in library.documents if d.is_adopted and missing_keys(d)]
    if not wanted:
        return ()
    index, book = open_index(library, progress), open_casebook(library, progress)
    teachers = ClassifiedRecords.of(index, book, library.form)
    return tuple(
        RecordProposals(document, tuple(teachers.proposals(mean, missing_keys(document))))
        for document in wanted
        if (mean := _mean(index, document.id)) is not None
    )


def _mean(index: Index, record_id: str) -> Numbers | None:
    """The vector of a record, None where it has no text that search reads."""
    collection = index.generation.collection
    place = collection.positions.get(record_id)
    mean = None if place is None else collection.means[place]
    return mean if mean is not None and mean.any() else None


@dataclass(frozen=True)
class ClassifiedRecords:
    """The classified records that proposals are learnt from: their vectors, (n, d), and words."""

    means: Vectors
    words: dict[str, tuple[tuple[str, ...], ...]]
    meanings: dict[str, tuple[tuple[str, ...], Vectors]]

    @classmethod
    def of(cls, index: Index, book: Index, form: Form) -> ClassifiedRecords:
        """Those of a library and of the casebook; what the casebook copies is taken once."""
        rows: dict[str, tuple[IndexedRecord, Numbers]] = {}
        for one in (book, index):
            collection = one.generation.collection
            rows |= {
                entry.id: (entry, mean)
                for entry, mean in zip(collection.entries, collection.means, strict=True)
                if entry.is_candidate and entry.classes and mean.any()
            }
        entries = [entry for entry, _ in rows.values()]
        words = {key: tuple(_words(entry, key) for entry in entries) for key in KEYS}
        known_words = {key: sorted({w for row in words[key] for w in row}) for key in KEYS}
        meanings = {
            key: (
                tuple(names),
                index.encoder.encode([class_text(name, form, key) for name in names]),
            )
            for key, names in known_words.items()
        }
        return cls(np.stack([mean for _, mean in rows.values()]), words, meanings)

    def proposals(self, mean: Numbers, keys: Sequence[str]) -> Iterator[WordProposal]:
        """The likeliest word for each key, by a record's vector (d,)."""
        for key in keys:
            yield self._posteriors[key].propose(mean)

    @cached_property
    def _posteriors(self) -> dict[str, KeyPosterior]:
        return {
            key: fit_key_posterior(key, self.means, self.words[key], *self.meanings[key])
            for key in KEYS
        }


def _words(entry: IndexedRecord, key: str) -> tuple[str, ...]:
    if key == "missing_control":
        return (entry.missing_control,) if entry.missing_control else ()
    return entry.classes if key == "classes" else entry.causes


@dataclass(frozen=True)
class KeyPosterior:
    """What was learnt of one key. `curve` is that of a proposal's weight to its probability.

    `base_rate` is the share of the teachers that have the most frequent word.
    """

    key: str
    names: tuple[str, ...]
    posterior: ClassPosterior
    curve: tuple[float, float]
    base_rate: float

    def propose(self, mean: Numbers) -> WordProposal:
        """The likeliest word and how often such a one holds; a text like no teacher's gets less.

        No word where saying the most frequent one of all would be right as often.
        """
        similarities = np.asarray(self.posterior.means @ mean, np.float32)
        weights = self.posterior.of(mean, similarities).weights
        best = int(weights.argmax())
        slope, constant = self.curve
        probability = float(logistic(slope * weights[best] + constant)) * known(similarities)
        if probability <= self.base_rate:
            return WordProposal(self.key, "", 0.0)
        return WordProposal(self.key, self.names[best], probability)


def fit_key_posterior(
    key: str,
    means: Vectors,
    words: Sequence[Sequence[str]],
    names: tuple[str, ...],
    meanings: Vectors,
) -> KeyPosterior:
    """What these records, (n, d) with the words of each, teach of one key."""
    labels = np.array([[name in row for name in names] for row in words], np.float32)
    posterior = fit_posterior(means, labels, meanings)
    asked = np.flatnonzero(posterior.labelled)
    tops = [_left_out(posterior, int(place)) for place in asked]
    features = np.array([[weight] for weight, _ in tops], np.float32)
    outcomes: NDArray[np.bool_] = np.array([is_right for _, is_right in tops], bool)
    slope, constant = fit_logistic([features], [outcomes], SHIPPED_CLASS)
    base_rate = float(labels[asked].mean(axis=0).max()) if len(asked) else 0.0
    return KeyPosterior(key, names, posterior, (slope, constant), base_rate)


def _left_out(posterior: ClassPosterior, place: int) -> tuple[float, bool]:
    """The weight of the likeliest word of a teacher that is left out, and whether it has it."""
    mean = posterior.means[place]
    similarities = np.asarray(posterior.means @ mean, np.float32)
    weights = posterior.of(mean, similarities, without=place).weights
    best = int(weights.argmax())
    return float(weights[best]), bool(posterior.labels[place, best])
