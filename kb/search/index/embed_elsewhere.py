"""Embeds the passages of a library on other machines, so that a build finds their vectors stored.

Texts go out as they stand in records, and vectors come back; each worker opens, or compiles, the
very encoder that this machine has.
"""

from __future__ import annotations

from functools import lru_cache, partial
from pathlib import Path

from kb.errors import KbError
from kb.library import Library, record_files
from kb.parallel.run_tasks import BatchSize, run_tasks
from kb.parallel.workers import Workers
from kb.search.encoder.encoder import Encoder, Progress, Vectors, install_encoder, open_encoder
from kb.search.encoder.find_model_files import find_source
from kb.search.encoder.vector_store import text_key, vector_store
from kb.search.index.build_index import library_texts, missing_chunks, report_embedded
from kb.search.index.index import ready_encoder

#: One chunk is some seconds' work of one worker.
_ONE_CHUNK = BatchSize(most_tasks=1)


def embed_elsewhere(library: Library, workers: Workers, progress: Progress | None = None) -> int:
    """Store the vectors of all passages that have none yet; how many there were.

    Raises `KbError` where a worker has not the encoder and cannot make it, and for texts that
    ended their workers; what was embedded until then is stored.
    """
    encoder = ready_encoder(library, progress)
    store = vector_store(library, encoder)
    names = [path.name for path in record_files(library.folder)]
    texts = library_texts(library, names)
    chunks = missing_chunks(texts, store.find([text_key(text) for text in texts]))
    search = library.config.search
    work = partial(_encoded, model=search.model, precision=search.precision, key=encoder.card.key)
    done = run_tasks(work, chunks, workers, size=_ONE_CHUNK)
    for number, (chunk, vectors) in enumerate(done):
        if vectors is None:
            raise KbError(
                f"{len(chunk)} passages ended the workers that embedded them",
                todo="Give the workers more memory, or build without --scheduler.",
            )
        store.append([text_key(text) for text in chunk], vectors)
        report_embedded(progress, number, chunks)
    return sum(map(len, chunks))


def _encoded(texts: list[str], model: str, precision: str, key: str) -> Vectors:
    """What a worker does."""
    return _encoder(model, precision, key).encode(texts)


@lru_cache(maxsize=1)
def _encoder(model: str, precision: str, key: str) -> Encoder:
    found = open_encoder(key) or install_encoder(find_source(model, Path.cwd()), precision)
    if found.card.key != key:
        raise KbError(
            f"the worker's encoder of '{model}' is another one",
            todo="Install the same packages on all machines.",
        )
    return found
