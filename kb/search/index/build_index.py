"""What each record file gives to the index: old parts are kept, new ones read and embedded."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from kb.library import Library, load_document
from kb.search.bm25 import Bag, bag_of
from kb.search.encoder.encoder import Encoder, Progress, Vectors
from kb.search.encoder.vector_store import VectorStore, text_key
from kb.search.index.storage import FileState, Generation, IndexPart
from kb.search.indexed_records.entry import IndexedRecord, read_entry, taxonomy_words
from kb.search.indexed_records.passages import Passage, embedded_text

#: Passages embedded between two writes to the store: what an interrupted build can lose.
_CHUNK = 128


@dataclass(frozen=True)
class _Fresh:
    """A record that was read just now."""

    entry: IndexedRecord
    passages: tuple[Passage, ...]

    @property
    def texts(self) -> list[str]:
        return [embedded_text(self.entry.title, passage) for passage in self.passages]


def make_parts(
    library: Library,
    states: Sequence[FileState],
    old: Generation | None,
    encoder: Encoder,
    store: VectorStore,
    progress: Progress | None,
) -> list[IndexPart]:
    """The parts of all files, in their order; a file that holds no record has none."""
    kept = dict(_unchanged_parts(states, old)) if old else {}
    fresh = {s.name: _read(library, s.name) for s in states if s.name not in kept}
    texts = [text for record in fresh.values() if record for text in record.texts]
    vectors = embed(texts, encoder, store, progress)
    size = encoder.card.dimension
    made = {name: _part(record, vectors, size) for name, record in fresh.items() if record}
    parts = (kept.get(state.name) or made.get(state.name) for state in states)
    return [part for part in parts if part is not None]


def embed(
    texts: Sequence[str], encoder: Encoder, store: VectorStore, progress: Progress | None
) -> dict[bytes, Vectors]:
    """The vector of every text by its key; only texts the store does not hold are encoded.

    What is done is on disk after every few hundred texts, so an interrupt loses little.
    """
    found = dict(store.find([text_key(text) for text in texts]))
    chunks = missing_chunks(texts, found)
    for number, chunk in enumerate(chunks):
        keys = [text_key(text) for text in chunk]
        vectors = encoder.encode(chunk)
        store.append(keys, vectors)
        found.update(zip(keys, vectors, strict=True))
        report_embedded(progress, number, chunks)
    return found


def missing_chunks(texts: Sequence[str], found: Container[bytes]) -> list[list[str]]:
    """The texts whose keys are not `found`, each once, as they are encoded and stored together."""
    missing = {text for text in texts if text_key(text) not in found}
    # Long runs of similar length fill a batch without padding.
    ordered = sorted(missing, key=lambda text: (len(text), text))
    return [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]


def report_embedded(progress: Progress | None, number: int, chunks: Sequence[list[str]]) -> None:
    """Say that the chunk of that number is embedded."""
    if progress:
        total = sum(map(len, chunks))
        progress("Embedding passages", sum(map(len, chunks[: number + 1])), total)


def embed_rows(
    texts: Sequence[str],
    encoder: Encoder,
    store: VectorStore,
    progress: Progress | None = None,
) -> Vectors:
    """The vectors of texts in their order, (n, dimension), through the store."""
    found = embed(texts, encoder, store, progress)
    rows = [found[text_key(text)] for text in texts]
    return np.stack(rows) if rows else np.zeros((0, encoder.card.dimension), np.float32)


def library_texts(library: Library, names: Iterable[str]) -> list[str]:
    """The texts of the passages of record files, as they are embedded."""
    read = (_read(library, name) for name in names)
    return [text for record in read if record for text in record.texts]


def first_text(part: IndexPart) -> str:
    """What somebody might have asked about a record: its title and first passage."""
    if not len(part.sizes):
        return part.entry.title
    text = bytes(part.text[: part.sizes[0]]).decode("utf-8", "surrogateescape")
    return embedded_text(part.entry.title, Passage(part.sections[0], text))


def _unchanged_parts(
    states: Sequence[FileState], old: Generation
) -> Iterator[tuple[str, IndexPart]]:
    """The parts of files whose bytes are those the old index was made of."""
    seen = {state.name: state.sha256 for state in old.manifest.files}
    unchanged = {state.name for state in states if seen.get(state.name) == state.sha256}
    named = ((part.entry.path.rsplit("/", 1)[-1], part) for part in old.parts())
    return (pair for pair in named if pair[0] in unchanged)


def _read(library: Library, name: str) -> _Fresh | None:
    document = load_document(library.folder / name, library.form, library.root)
    found = read_entry(document)
    if found is None or (library.is_anothers and not found[0].is_candidate):
        return None
    return _Fresh(*found)


def _part(record: _Fresh, vectors: Mapping[bytes, Vectors], dimension: int) -> IndexPart:
    rows = [vectors[text_key(text)] for text in record.texts]
    passages = record.passages
    texts = [passage.text.encode("utf-8", "surrogateescape") for passage in passages]
    return IndexPart(
        entry=record.entry,
        sections=tuple(passage.section for passage in passages),
        text=b"".join(texts),
        sizes=np.array([len(text) for text in texts], np.int64),
        vectors=np.stack(rows) if rows else np.zeros((0, dimension), np.float32),
        bag=bag_of(lexical_texts(record.entry, passages)),
    )


def lexical_texts(entry: IndexedRecord, passages: Sequence[Passage]) -> list[str]:
    """What BM25 reads: the title, the words of the taxonomies, and every passage."""
    return [entry.title, taxonomy_words(entry), *(passage.text for passage in passages)]


def text_bag(entry: IndexedRecord, bag: Bag) -> Bag:
    """The words of a record's text alone, of those that BM25 reads."""
    return bag.without(_bag_of_words(taxonomy_words(entry)))


#: Records share their classes and causes.
_bag_of_words = lru_cache(maxsize=4_096)(lambda words: bag_of([words]))
