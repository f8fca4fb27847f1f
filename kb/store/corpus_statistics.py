"""What is counted over all texts of the store, so that a few of them rank as among all.

Sums, from which a push subtracts what a record gave before and adds what it gives now; nothing is
ever read again as a whole but the mean vectors, where a class is new or means something else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray

from kb.errors import KbError
from kb.search.encoder.encoder import Vectors
from kb.search.encoder.vector_store import text_key
from kb.search.ranking.class_posterior import (
    ClassPosterior,
    LabelStatistics,
    Numbers,
    PosteriorWeights,
    meaning_scores,
    ridge_inverse,
)
from kb.search.ranking.probability_calibration import Calibration

Sums = NDArray[np.float64]
_WEIGHTS = PosteriorWeights()


@dataclass(frozen=True)
class Contribution:
    """What one text gives to the statistics: its mean vector (d,), classes, words and passages."""

    mean: Numbers
    classes: tuple[str, ...]
    length: int
    passages: int


@dataclass(frozen=True)
class ClassSums:
    """One class: (d,) its vector, and sums over the texts that have it.

    `described` is the hash of its definition, which every reader of the store would see otherwise.
    `cross` is the sum of their mean vectors, (d,); `meant` of the meaning score of all labelled.
    """

    described: bytes
    meaning: Numbers
    count: int
    cross: Sums
    meant: float = 0.0


@dataclass(frozen=True)
class StoreStatistics:
    """Counts and sums over all texts; `squares` is XᵀX of the labelled means, (d, d).

    `fitted` is how many labelled texts there were when the calibration was made.
    """

    dimension: int
    records: int = 0
    passages: int = 0
    length: float = 0.0
    labelled: int = 0
    total: Sums = field(default_factory=lambda: np.zeros(0))
    squares: Sums = field(default_factory=lambda: np.zeros((0, 0)))
    classes: dict[str, ClassSums] = field(default_factory=dict)
    calibration: Calibration = field(default_factory=Calibration)
    fitted: int = 0

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The classes, sorted."""
        return tuple(sorted(self.classes))

    @cached_property
    def mean(self) -> Numbers:
        """The average of all texts, (d,)."""
        return _numbers(self.total / max(self.records, 1))

    @cached_property
    def meanings(self) -> Vectors:
        """What each class means, (c, d)."""
        rows = [self.classes[name].meaning for name in self.names]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), np.float32)

    @cached_property
    def inverse(self) -> Numbers:
        """(XᵀX + λ)⁻¹, (d, d)."""
        return ridge_inverse(self.squares, _WEIGHTS.ridge)

    @cached_property
    def probe(self) -> Numbers:
        """The ridge regression of the labels on the vectors, (d, c)."""
        crosses = [self.classes[name].cross for name in self.names]
        if not crosses:
            return np.zeros((self.dimension, 0), np.float32)
        return _numbers(self.inverse @ np.stack(crosses, axis=1))

    def posterior(
        self, means: Vectors, labels: Numbers, probe: Numbers, inverse: Numbers | None = None
    ) -> ClassPosterior:
        """The class posterior for some of the texts, as all of them teach it.

        Without `inverse` none of them can be left out: a library asks the texts of others.
        """
        inverse = np.zeros((0, 0), np.float32) if inverse is None else inverse
        counts = _numbers([self.classes[name].count for name in self.names])
        meant = _numbers([self.classes[name].meant for name in self.names])
        of_all = LabelStatistics(self.labelled, counts, inverse)
        return ClassPosterior(means, labels, self.meanings, probe, meant, _WEIGHTS, of_all)


def without_texts(sums: ClassSums) -> ClassSums:
    """A class as it is defined, before any text has it."""
    return replace(sums, count=0, cross=np.zeros_like(sums.cross), meant=0.0)


def no_texts(dimension: int) -> StoreStatistics:
    """The statistics of a store without a text."""
    return StoreStatistics(
        dimension, total=np.zeros(dimension), squares=np.zeros((dimension, dimension))
    )


def changed(
    known: StoreStatistics,
    gone: Sequence[Contribution],
    come: Sequence[Contribution],
    described: dict[str, tuple[str, Numbers]],
) -> tuple[StoreStatistics, bool]:
    """The statistics after texts went and came, and whether `meant` has to be taken anew.

    `described` has the text and the vector of each class that comes.
    """
    signed = [*((-1, text) for text in gone), *((1, text) for text in come)]
    labelled = [(sign, text) for sign, text in signed if text.classes]
    total, squares = known.total.copy(), known.squares.copy()
    for sign, text in signed:
        total += sign * text.mean
    if labelled:
        rows = np.stack([text.mean for _, text in labelled]).astype(np.float64)
        signs = np.array([sign for sign, _ in labelled], np.float64)
        squares += (rows * signs[:, None]).T @ rows
    classes = dict(_classes(known, labelled, described))
    after = replace(
        known,
        records=known.records + sum(sign for sign, _ in signed),
        passages=known.passages + sum(sign * text.passages for sign, text in signed),
        length=known.length + sum(sign * text.length for sign, text in signed),
        labelled=known.labelled + sum(sign for sign, _ in labelled),
        total=total,
        squares=squares,
        classes=classes,
    )
    anew = _definitions(known) != _definitions(after)
    return (after if anew else _with_meant(after, labelled)), anew


def with_class_means(known: StoreStatistics, batches: Iterable[Vectors]) -> StoreStatistics:
    """The statistics with `meant` taken anew from the means of all labelled texts, (n, d) each."""
    meant = np.zeros(len(known.names))
    for rows in batches:
        meant += meaning_scores(rows, known.meanings, _WEIGHTS).sum(axis=0)
    return _replaced_meant(known, meant)


def _definitions(statistics: StoreStatistics) -> dict[str, bytes]:
    return {name: sums.described for name, sums in statistics.classes.items()}


def _classes(
    known: StoreStatistics,
    labelled: list[tuple[int, Contribution]],
    described: dict[str, tuple[str, Numbers]],
) -> Iterator[tuple[str, ClassSums]]:
    """The classes that some text has; one that comes again is described as it is now."""
    for name in sorted({*known.classes, *described}):
        sums = known.classes.get(name)
        having = [(sign, text.mean) for sign, text in labelled if name in text.classes]
        count = (sums.count if sums else 0) + sum(sign for sign, _ in having)
        if count <= 0:
            continue
        cross = sums.cross.copy() if sums else np.zeros(known.dimension)
        for sign, mean in having:
            cross += sign * mean.astype(np.float64)
        definition, meaning = _definition(sums, described.get(name))
        yield name, ClassSums(definition, meaning, count, cross, sums.meant if sums else 0.0)


def _definition(known: ClassSums | None, now: tuple[str, Numbers] | None) -> tuple[bytes, Numbers]:
    """The hash and the vector of a class's definition: as it is now, else as it is known."""
    if now:
        return text_key(now[0]), now[1]
    if known:
        return known.described, known.meaning
    raise ValueError("a class that comes is not described")


def _with_meant(
    known: StoreStatistics, labelled: list[tuple[int, Contribution]]
) -> StoreStatistics:
    if not labelled:
        return known
    rows = np.stack([text.mean for _, text in labelled])
    signs = np.array([sign for sign, _ in labelled], np.float64)
    added = signs @ meaning_scores(rows, known.meanings, _WEIGHTS)
    before = np.array([known.classes[name].meant for name in known.names])
    return _replaced_meant(known, before + added)


def _replaced_meant(known: StoreStatistics, meant: Sums) -> StoreStatistics:
    classes = {
        name: replace(known.classes[name], meant=float(value))
        for name, value in zip(known.names, meant, strict=True)
    }
    return replace(known, classes=classes)


def _numbers(values: ArrayLike) -> Numbers:
    return np.asarray(values, np.float32)


class _StoredClass(msgspec.Struct, array_like=True):
    name: str
    described: bytes
    meaning: bytes
    count: int
    cross: bytes
    meant: float


class _Stored(msgspec.Struct):
    """What a search needs, as it is stored."""

    dimension: int
    records: int
    passages: int
    length: float
    labelled: int
    total: bytes
    probe: bytes
    classes: list[_StoredClass]
    calibration: Calibration
    fitted: int


def encode_model(known: StoreStatistics) -> bytes:
    """The statistics without their squares, with the probe that those give."""
    classes = [
        _StoredClass(
            name, s.described, _raw(s.meaning, "<f4"), s.count, _raw(s.cross, "<f8"), s.meant
        )
        for name, s in sorted(known.classes.items())
    ]
    stored = _Stored(
        known.dimension,
        known.records,
        known.passages,
        known.length,
        known.labelled,
        _raw(known.total, "<f8"),
        _raw(known.probe, "<f4"),
        classes,
        known.calibration,
        known.fitted,
    )
    return msgspec.msgpack.encode(stored)


def encode_sums(known: StoreStatistics) -> bytes:
    """The squares, which only a push needs, and a question of a record that is there itself."""
    return _raw(known.squares, "<f8")


def decode(model: bytes, sums: bytes, dimension: int) -> tuple[StoreStatistics, Numbers]:
    """The statistics and the probe as they were stored; those of no text where nothing was.

    Raises `KbError` where what is stored is something else.
    """
    if not model:
        return no_texts(dimension), np.zeros((dimension, 0), np.float32)
    try:
        return _decoded(msgspec.msgpack.decode(model, type=_Stored), sums)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise KbError(
            f"the statistics of the store cannot be read: {error}",
            todo="Have its owner drop the schema kb, set it up and let every library push again "
            "(docs/organisation.md); nothing there is a source.",
        ) from error


def _decoded(stored: _Stored, sums: bytes) -> tuple[StoreStatistics, Numbers]:
    classes = {
        c.name: ClassSums(
            c.described, _array(c.meaning, "<f4"), c.count, _array(c.cross, "<f8"), c.meant
        )
        for c in stored.classes
    }
    size = stored.dimension
    known = StoreStatistics(
        dimension=size,
        records=stored.records,
        passages=stored.passages,
        length=stored.length,
        labelled=stored.labelled,
        total=_array(stored.total, "<f8"),
        squares=_array(sums, "<f8").reshape(size, size) if sums else np.zeros((size, size)),
        classes=classes,
        calibration=stored.calibration,
        fitted=stored.fitted,
    )
    return known, _array(stored.probe, "<f4").reshape(size, len(classes))


def _raw(values: NDArray[Any], kind: str) -> bytes:
    return np.ascontiguousarray(values, kind).tobytes()


def _array(raw: bytes, kind: str) -> NDArray[Any]:
    return np.frombuffer(raw, kind).copy()
