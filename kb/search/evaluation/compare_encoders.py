"""Holds encoders against each other on the same records: how right, how quick, how large."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from kb.library import Library
from kb.safe_files import Root, private_folder
from kb.search.encoder.encoder import Encoder, Progress, Vectors, install_encoder
from kb.search.encoder.find_model_files import find_source
from kb.search.encoder.vector_store import VectorStore
from kb.search.evaluation.dataset import Embed, Subject, subject_from_library
from kb.search.evaluation.evaluate import (
    Embedder,
    EvaluationRequest,
    evaluated,
    library_of,
    subject_of_file,
)
from kb.search.evaluation.leave_one_out import MEASURES, EvaluatedQuery
from kb.search.evaluation.report import Evaluation, Interval, interval, report_value, table_of
from kb.terminal import as_lines, whole_value

#: Questions that are embedded one by one to time a query.
_TIMED = 20
_CELL = 24
_SHOWN = ("success@1", "success@5", "ndcg@10")


@dataclass(frozen=True)
class TriedEncoder:
    """What an encoder gives on some records.

    `texts`, passages and questions, were embedded in `embed_seconds`, one alone in `query_ms`
    (median); its compiled files take `size_bytes`. `against_first` are the differences of the full
    ranking from that with the first encoder, paired by query, by measure; empty for the first.
    """

    model: str
    dimension: int
    size_bytes: int
    texts: int
    embed_seconds: float
    query_ms: float
    found: Evaluation
    against_first: dict[str, Interval]


def compare_encoders(
    request: EvaluationRequest,
    models: Sequence[str],
    start: Path,
    progress: Progress | None = None,
) -> tuple[TriedEncoder, ...]:
    """Each model tried on the same records, in the order given; the index stays as it is.

    Everything is embedded anew, so that the times are those of a first build. Raises `KbError`
    where a model cannot be had or compiled.
    """
    library = library_of(request, start)
    precision = library.config.search.precision
    encoders = [install_encoder(find_source(name, library.root), precision) for name in models]
    runs = [_run(request, library, encoder, progress) for encoder in encoders]
    first = table_of(runs[0][1])
    return tuple(
        replace(tried, model=name, against_first=_differences(table_of(judged) - first))
        if place
        else replace(tried, model=name)
        for place, (name, (tried, judged)) in enumerate(zip(models, runs, strict=True))
    )


def _run(
    request: EvaluationRequest, library: Library, encoder: Encoder, progress: Progress | None
) -> tuple[TriedEncoder, tuple[EvaluatedQuery, ...]]:
    encoder.encode(["The first text opens the encoder."])
    with private_folder() as folder:
        store = VectorStore(folder.path / "vectors", encoder.card.dimension, Root(folder.path))
        embed = Embedder(encoder, store, progress)
        timed = _Timed(embed)
        everything = _subject(request, library, timed)
        found, judged = evaluated(request, library, embed, everything)
    tried = TriedEncoder(
        model=encoder.card.model,
        dimension=encoder.card.dimension,
        size_bytes=sum(path.stat().st_size for path in encoder.folder.iterdir()),
        texts=timed.texts,
        embed_seconds=timed.seconds,
        query_ms=_query_ms(encoder, everything),
        found=found,
        against_first={},
    )
    return tried, judged


class _Timed:
    """Embeds, and says how many texts took how long."""

    def __init__(self, embed: Embedder) -> None:
        self._embed = embed
        self.texts, self.seconds = 0, 0.0

    def __call__(self, texts: Sequence[str]) -> Vectors:
        started = time.perf_counter()
        vectors = self._embed(texts)
        self.texts, self.seconds = (
            self.texts + len(texts),
            self.seconds + time.perf_counter() - started,
        )
        return vectors


def _subject(request: EvaluationRequest, library: Library, embed: Embed) -> Subject:
    if request.file is not None:
        return subject_of_file(request, request.file, library, embed)
    return subject_from_library(library, embed, full=request.full, masked=request.masked)


def _query_ms(encoder: Encoder, subject: Subject) -> float:
    times = []
    for text in subject.taught.first_texts[:_TIMED]:
        started = time.perf_counter()
        encoder.encode([text])
        times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times) if times else 0.0


def _differences(table: np.ndarray) -> dict[str, Interval]:
    """The mean differences of the full ranking, from (queries, systems, measures)."""
    return {name: interval(table[:, -1, place]) for place, name in enumerate(MEASURES)}


def encoders_json(tried: Sequence[TriedEncoder]) -> str:
    """All of it as JSON (`kb.eval-encoders/1`), with a line end."""
    whole = {"schema": "kb.eval-encoders/1", "encoders": [_value(one) for one in tried]}
    return msgspec.json.format(msgspec.json.encode(whole_value(whole))).decode() + "\n"


def _value(one: TriedEncoder) -> dict[str, Any]:
    facts = {"model": one.model, "dimension": one.dimension, "size_bytes": one.size_bytes}
    times = {"texts": one.texts, "embed_seconds": one.embed_seconds, "query_ms": one.query_ms}
    against = {name: msgspec.to_builtins(row) for name, row in one.against_first.items()}
    return facts | times | {"against_first": against, "evaluation": report_value(one.found)}


def encoders_text(tried: Sequence[TriedEncoder]) -> str:
    """What a terminal shows of encoders side by side, with a line end."""
    return as_lines(_lines(tried))


def _lines(tried: Sequence[TriedEncoder]) -> Iterator[str]:
    found = tried[0].found
    yield f"{found.name}: {found.queries} of {found.records} records have a right answer"
    if not found.queries:
        yield "Nothing to measure: no two records share a class."
        return
    yield ""
    yield f"{'':24}" + "".join(name.rjust(_CELL) for name in _SHOWN)
    for one in tried:
        cells = (one.found.systems["full"][name] for name in _SHOWN)
        yield one.model
        yield f"{'  full ranking':24}" + "".join(_cell(cell) for cell in cells)
        if one.against_first:
            changes = (one.against_first[name] for name in _SHOWN)
            yield f"{'  less that of the first':24}" + "".join(
                _cell(cell, sign="+") for cell in changes
            )
        dense = one.found.systems["dense"]
        yield f"{'  vectors alone':24}" + "".join(_cell(dense[name]) for name in _SHOWN)
        yield f"  {_costs(one)}"


def _costs(one: TriedEncoder) -> str:
    rate = one.texts / max(one.embed_seconds, 1e-9)
    size, length = one.size_bytes / 1e6, one.dimension
    times = f"{rate:.0f} texts/s ({one.embed_seconds:.1f} s), a question {one.query_ms:.0f} ms"
    return f"{times}; {size:.0f} MB, vectors of {length} numbers"


def _cell(one: Interval, sign: str = "") -> str:
    if one.value is None:
        return "—".rjust(_CELL)
    low, high = f"{one.low:{sign}.2f}", f"{one.high:{sign}.2f}"
    between = " to " if sign else "–"
    return f"{one.value:{sign}.3f} {low}{between}{high}".rjust(_CELL)
