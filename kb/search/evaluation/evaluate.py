"""Runs an evaluation: from a file or a library to its report, everything embedded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kb.config import Config
from kb.errors import KbError
from kb.library import Library, unread_library
from kb.records.form import build_form
from kb.search.encoder.encoder import Encoder, Progress, Vectors, cache_folder
from kb.search.encoder.vector_store import VectorStore, vector_store
from kb.search.evaluation.controls import labelled_only, shuffled, without_duplicates
from kb.search.evaluation.dataset import (
    Embed,
    Subject,
    questions_from,
    read_lines,
    subject_from_index,
    subject_from_lines,
)
from kb.search.evaluation.leave_one_out import (
    EvaluatedQuery,
    Heard,
    foreign_heard,
    measures_of,
    score_ranking,
)
from kb.search.evaluation.report import SEEDS, Controls, Evaluation, Measured, evaluation
from kb.search.index.build_index import embed_rows
from kb.search.index.index import open_index, ready_encoder
from kb.search.ranking.learn import learn


@dataclass(frozen=True)
class EvaluationRequest:
    """What to measure: `file` None means the library's own published records.

    `foreign` are files of texts that no record should answer. Records without a label are left
    out unless `all_records`: a ranking that learns which have one looks better than it is.
    """

    file: Path | None = None
    foreign: tuple[Path, ...] = ()
    full: bool = False
    masked: bool = False
    jaccard: float = 0.0
    all_records: bool = False


@dataclass(frozen=True)
class Embedder:
    """Texts to vectors through a store, so that a second run embeds nothing.

    Where the store cannot be written, each run embeds what it lacks; the numbers are the same.
    """

    encoder: Encoder
    store: VectorStore
    progress: Progress | None

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts, (n, dimension)."""
        try:
            return embed_rows(texts, self.encoder, self.store, self.progress)
        except OSError:
            return embed_rows(texts, self.encoder, self.store.read_only(), self.progress)


def run_evaluation(
    request: EvaluationRequest, start: Path, progress: Progress | None = None
) -> Evaluation:
    """The report of an evaluation; a file needs no library, but takes the settings of one.

    Raises `KbError` when a file cannot be read or there is no encoder.
    """
    library = library_of(request, start)
    encoder = ready_encoder(library, progress)
    embed = Embedder(encoder, _store(request, library, encoder), progress)
    everything = _subject(request, library, embed, progress)
    return evaluated(request, library, embed, everything)[0]


def evaluated(
    request: EvaluationRequest, library: Library, embed: Embedder, everything: Subject
) -> tuple[Evaluation, tuple[EvaluatedQuery, ...]]:
    """The report of some records, and each query of it."""
    subject = everything if request.all_records else labelled_only(everything)
    key = embed.encoder.card.key
    judged = score_ranking(subject, library.form, embed, jaccard=request.jaccard, encoder_key=key)
    name = request.file.name if request.file else library.config.library.name
    report = evaluation(
        Measured(name, len(subject.collection), len(everything.collection)),
        judged,
        _foreign(request, subject, library, embed),
        _controls(request, subject, library, embed),
        library.config.search.bar,
    )
    return report, judged


def _controls(
    request: EvaluationRequest, subject: Subject, library: Library, embed: Embedder
) -> Controls:
    """The same ranking on labels dealt out at random, and on the records without their twins."""
    form, jaccard = library.form, request.jaccard
    alone = without_duplicates(subject)
    twins = len(subject.collection) - len(alone.collection)
    return Controls(
        tuple(measures_of(shuffled(subject, seed), form, embed, jaccard) for seed in SEEDS),
        twins,
        measures_of(alone, form, embed, jaccard) if twins else None,
    )


def _subject(
    request: EvaluationRequest, library: Library, embed: Embedder, progress: Progress | None
) -> Subject:
    if request.file is not None:
        return subject_of_file(request, request.file, library, embed)
    index = open_index(library, progress)
    return subject_from_index(index, embed, full=request.full, masked=request.masked)


def subject_of_file(
    request: EvaluationRequest, file: Path, library: Library, embed: Embed
) -> Subject:
    """The lines of a file as records."""
    lines = read_lines(file)
    return subject_from_lines(lines, library.form, embed, full=request.full, masked=request.masked)


def _foreign(
    request: EvaluationRequest, subject: Subject, library: Library, embed: Embedder
) -> dict[str, Heard]:
    """What is said of each foreign text, by stratum."""
    lines = [line for path in request.foreign for line in read_lines(path)]
    if not lines:
        return {}
    collection, key = subject.collection, embed.encoder.card.key
    learned = learn(collection, subject.taught, library.form, embed, request.jaccard, key)
    texts = [f"{line.title}. {line.text}".lstrip(". ") for line in lines]
    heard = foreign_heard(collection, learned, questions_from(texts, embed))
    strata = np.array([line.stratum for line in lines])
    return {
        str(name): Heard(heard.best[strata == name], heard.about[strata == name])
        for name in dict.fromkeys(strata)
    }


def library_of(request: EvaluationRequest, start: Path) -> Library:
    """The library whose settings hold; for a file one without any, where there is none."""
    try:
        return unread_library(start)
    except KbError:
        if request.file is None:
            raise
        return Library(start, Config(), build_form(), ())


def _store(request: EvaluationRequest, library: Library, encoder: Encoder) -> VectorStore:
    """The library's own store for its records; for a file one in the user's cache."""
    if request.file is None:
        return vector_store(library, encoder)
    path = cache_folder().parent / f"vectors-{encoder.card.key}"
    return VectorStore(path, encoder.card.dimension)
