"""Class scores from words and vectors together: one ridge regression over both, in its dual form.

Kernel ridge (Saunders, Gammerman and Vovk 1998): a text is compared with each labelled record, by
cosine of TF-IDF and by cosine of vectors in equal parts, and the comparisons are weighed by
coefficients that the build solved for. Leaving one record out is exact and needs no second fit
(Allen 1974, PRESS).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kb.search.bm25 import Bag, Spans
from kb.search.encoder.encoder import Vectors
from kb.search.indexed_records.collection import even_draw

Numbers = NDArray[np.float32]

#: Labelled records that teach at most, an even draw of all: what is stored and solved for grows
#: with their square, 4 MB and .1 s at this many.
MOST_TEACHERS = 1_000
#: Chosen leave-one-corpus-out among .2, .3 and 1, and .25, .5 and .75; see DECISIONS.md.
_RIDGE = 0.2
_VECTORS_SHARE = 0.5
#: Words that this many teachers hold are multiplied as a matrix, the others pair by pair.
_COMMON = 32
_AT_ONCE = 1_024


@dataclass(frozen=True)
class WordRows:
    """TF-IDF rows of unit length of some texts, by word.

    `values` of word `words[i]` stand at `starts[i]:starts[i + 1]` with their `texts`; `rarity` is
    the inverse document frequency of each word.
    """

    words: NDArray[np.uint64]
    starts: NDArray[np.int64]
    texts: NDArray[np.int32]
    values: Numbers
    rarity: Numbers

    def compared(self, bag: Bag, size: int) -> Numbers:
        """The cosine of the words of a text with each of `size` rows, (size,)."""
        places = np.searchsorted(self.words, bag.words)
        known = places < len(self.words)
        known[known] = self.words[places[known]] == bag.words[known]
        places, counts = places[known], bag.counts[known]
        weights = (1 + np.log(counts.astype(np.float32))) * self.rarity[places]
        length = float(np.linalg.norm(weights))
        if not length:
            return np.zeros(size, np.float32)
        spans = Spans.of(self.starts, places)
        parts = spans.joined(self.values) * np.repeat(weights / length, spans.sizes)
        return np.bincount(spans.joined(self.texts), parts, minlength=size).astype(np.float32)

    def products(self, size: int) -> NDArray[np.float64]:
        """The cosine of every row with every other, (size, size)."""
        sizes = np.diff(self.starts)
        found = np.zeros(size * size)
        for count in np.unique(sizes[sizes < _COMMON]).tolist():
            rows = self.starts[:-1][sizes == count][:, None] + np.arange(count)
            texts, values = self.texts[rows].astype(np.int64), self.values[rows].astype(float)
            pairs = texts[:, :, None] * size + texts[:, None, :]
            products = values[:, :, None] * values[:, None, :]
            found += np.bincount(pairs.ravel(), products.ravel(), minlength=size * size)
        return found.reshape(size, size) + self._common(np.flatnonzero(sizes >= _COMMON), size)

    def _common(self, words: NDArray[np.int64], size: int) -> NDArray[np.float64]:
        """What the words of many rows give to the products."""
        found = np.zeros((size, size), np.float32)
        for start in range(0, len(words), _AT_ONCE):
            some = words[start : start + _AT_ONCE]
            spans = Spans.of(self.starts, some)
            block = np.zeros((size, len(some)), np.float32)
            block[spans.joined(self.texts), spans.owners] = spans.joined(self.values)
            found += block @ block.T
        return found.astype(np.float64)


@dataclass(frozen=True)
class JointRidge:
    """What the labelled records `teachers` (t,) teach of classes, in words and vectors.

    `coefficients` (t, c) and `inverse` (K + λ)⁻¹ (t, t) are those of the dual.
    """

    teachers: NDArray[np.int64]
    rows: WordRows
    coefficients: Numbers
    inverse: Numbers

    def predicted(
        self, vector: Numbers, bag: Bag, means: Vectors, without: int | None = None
    ) -> Numbers:
        """How much a text is of each class, (c,), about 0…1.

        `vector` (d,) is a unit row, `means` (t, d) are those of the teachers. `without` is a record
        that might never have taught.
        """
        alike = (1 - _VECTORS_SHARE) * self.rows.compared(bag, len(self.teachers))
        alike += _VECTORS_SHARE * (means @ vector)
        answer = alike @ self.coefficients
        if without is None:
            return np.asarray(answer)
        place = int(np.searchsorted(self.teachers, without))
        if place == len(self.teachers) or self.teachers[place] != without:
            return np.asarray(answer)
        lever = self.inverse[place]
        return np.asarray(answer - (alike @ lever) / lever[place] * self.coefficients[place])

    def with_more_classes(self, count: int) -> JointRidge:
        """The same with as many classes more that no teacher has."""
        none = np.zeros((len(self.teachers), count), np.float32)
        return replace(self, coefficients=np.concatenate([self.coefficients, none], axis=1))


@dataclass(frozen=True)
class EarlierRidge:
    """What an earlier build solved for, of the same classes.

    `places` says where each record of now stood then, (n,), −1 for one that is new or changed.
    """

    ridge: JointRidge
    places: NDArray[np.int64]

    def of(self, teachers: NDArray[np.int64]) -> JointRidge | None:
        """The same ridge where the same records teach, None where others do."""
        same = np.array_equal(self.places[teachers], self.ridge.teachers)
        return replace(self.ridge, teachers=teachers) if same else None


def joint_ridge_of(
    means: Vectors,
    labels: Numbers,
    bag: Callable[[int], Bag],
    draw: Callable[[int], int] | None = None,
    earlier: EarlierRidge | None = None,
) -> JointRidge | None:
    """The ridge of the labels (n, c) of records, None where no record has one.

    `means` (n, d) are unit rows, `bag` gives the words of a record's text. Of many records those
    teach whose `draw` is smallest, or without one an even draw by place.
    """
    teachers = even_draw(np.flatnonzero(labels.any(axis=1)), MOST_TEACHERS, draw)
    if not len(teachers):
        return None
    known = earlier.of(teachers) if earlier else None
    if known is not None:
        return known
    rows = word_rows([bag(place) for place in teachers.tolist()])
    vectors = means[teachers].astype(np.float64)
    alike = (1 - _VECTORS_SHARE) * rows.products(len(teachers))
    alike += _VECTORS_SHARE * (vectors @ vectors.T)
    alike[np.diag_indices(len(teachers))] += _RIDGE
    inverse = np.linalg.inv(alike)
    coefficients = inverse @ labels[teachers]
    return JointRidge(teachers, rows, coefficients.astype(np.float32), inverse.astype(np.float32))


def no_joint_ridge() -> JointRidge:
    """The ridge of no record."""
    none = np.zeros((0, 0), np.float32)
    return JointRidge(np.zeros(0, np.int64), word_rows([]), none, none)


def word_rows(bags: Sequence[Bag]) -> WordRows:
    """The TF-IDF rows of texts: logarithms of counts, smoothed rarity, unit length."""
    sizes = np.array([len(bag.words) for bag in bags], np.int64)
    owners = np.repeat(np.arange(len(bags), dtype=np.int32), sizes)
    written = np.concatenate([np.zeros(0, np.uint64), *(bag.words for bag in bags)])
    counts = np.concatenate([np.zeros(0, np.float32), *(bag.counts for bag in bags)])
    words, places, held = np.unique(written, return_inverse=True, return_counts=True)
    rarity = (np.log((1 + len(bags)) / (1 + held)) + 1).astype(np.float32)
    values = (1 + np.log(counts)) * rarity[places]
    squares = np.bincount(owners, values**2, minlength=len(bags))
    values = values / np.sqrt(np.maximum(squares, 1e-9))[owners]
    order = np.argsort(places, kind="stable")
    starts = np.concatenate([[0], np.cumsum(held)]).astype(np.int64)
    return WordRows(words, starts, owners[order], values[order].astype(np.float32), rarity)
