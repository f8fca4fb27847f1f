"""The index of a library: built, refreshed, repaired and opened; faiss lives here.

Only what changed is parsed and embedded again. One build runs at a time; readers never wait.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.library import LOCAL_FOLDER, Library, local_place, make_local_folder
from kb.records.form import Form
from kb.safe_files import Root, UnsafePathError, private_folder, real_path
from kb.search.encoder.encoder import (
    Encoder,
    Progress,
    Vectors,
    install_encoder,
    open_encoder,
    remove_encoder,
    verify_checksums,
)
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.source import NoEncoderError, find_source, local_source
from kb.search.encoder.store import VectorStore, text_key, vector_store
from kb.search.index.build import embed_rows, first_text, make_parts
from kb.search.index.storage import (
    MANIFEST,
    FileState,
    Generation,
    Manifest,
    fits,
    form_key,
    is_intact,
    model_of,
    open_generation,
    read_manifest,
    scan,
    wanted_model,
    write_generation,
    write_manifest,
)
from kb.search.ranking.learn import class_text, learn
from kb.search.records.collection import build_collection
from kb.search.records.entry import IndexedRecord
from kb.search.records.passages import embedded_text
from kb.trust import require

#: Unused vectors that stay beside as many as are in use, newest first: the passages of other
#: branches are wanted again at the next checkout, and 5,000 of them take 8 MB.
SPARE = 5_000


def prune_vectors(generation: Generation, store: VectorStore, library: Library) -> int:
    """Drop vectors that no record of the index uses, oldest first; how many went.

    By number and not by day, so that a library at rest loses nothing. A store outside the library
    is shared with clones whose records are not known here, and is left alone. So is one that
    cannot be rewritten: it is only large.
    """
    spare = generation.manifest.n_passages + SPARE
    inside = real_path(store.path).is_relative_to(real_path(library.root))
    if not inside or len(store) <= generation.manifest.n_passages + spare:
        return 0
    try:
        return store.shed(_used(generation, library.form), spare)
    except OSError:
        return 0


def _used(generation: Generation, form: Form) -> frozenset[bytes]:
    """The keys of every passage of an index, and of what its classes mean."""
    passages = (
        embedded_text(entry.title, generation.passage(row))
        for place, entry in enumerate(generation.entries)
        for row in range(generation.rows(place).start, generation.rows(place).stop)
    )
    classes = (class_text(name, form) for name in generation.collection.classes)
    return frozenset(text_key(text) for text in (*passages, *classes))


def repair_encoder(library: Library, home: Path) -> str:
    """What was wrong with the encoder of an index, which is then made anew; empty if nothing was.

    The model may have changed under its name, and a compiled file may be damaged.
    """
    manifest = read_manifest(home)
    if manifest is None or not fits(manifest, library):
        return ""
    source = local_source(library.config.search.model, library.root)
    if source and card_of(source, manifest.precision).key != manifest.encoder_key:
        root, place = local_place(home)
        root.remove_file(place / MANIFEST)
        return "the model had changed"
    encoder = open_encoder(manifest.encoder_key)
    if encoder is None or verify_checksums(encoder):
        return "" if encoder else "the compiled encoder was not whole"
    remove_encoder(manifest.encoder_key)
    return "the compiled encoder was not whole"


Waiting = Callable[[], None]
#: How long a question waits for another build before it is answered from the older index.
_PATIENCE_SECONDS = 3
#: Settings that may lead out of the library, or to somebody's model.
_NEED_TRUST = ("search.model", "search.vectors")


@dataclass(frozen=True)
class Index:
    """An opened index with its encoder.

    `refreshed` files were read anew to make it so; `stale`: another build is at work, and this is
    what the one before it left. `mended` says what else a build had to put right, `unwritten` why
    nothing was written, and this is of the question alone.
    """

    generation: Generation
    encoder: Encoder
    refreshed: int = 0
    stale: bool = False
    mended: str = ""
    unwritten: str = ""

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """The records, in the order of their file names."""
        return self.generation.entries

    def nearest(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Rows of the nearest passages of every query passage, unordered, without repeats.

        Exact, or from the approximate index where the library is large enough to have one.
        """
        import faiss

        rows = self.generation.collection.vectors
        count = min(count, len(rows))
        if self.generation.has_file(APPROXIMATE):
            path = self.generation.folder / APPROXIMATE
            graph = faiss.read_index(str(path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
            faiss.extract_index_ivf(graph).nprobe = _PROBES
            places = graph.search(np.ascontiguousarray(queries), count)[1]
        else:
            places = faiss.knn(queries, rows, count, metric=faiss.METRIC_INNER_PRODUCT)[1]
        return np.unique(places[places >= 0])


#: The file of the approximate index within a generation.
APPROXIMATE = "passages.faiss"
#: Passages up to which every one is compared with the query: 16 ms a query passage at this size
#: on two cores, against 0.7 ms by cells (recall@10 .996).
EXACT_PASSAGES = 100_000
#: Cells of the approximate index, and how many of them a query looks into. At 10⁶ synthetic
#: passages 2.6 ms and recall@10 1.0; training more cells takes minutes and gains nothing.
_MOST_CELLS = 2048
_PROBES = 32


def write_approximate(folder: Path, vectors: Vectors) -> None:
    """Write an approximate index beside the vectors where an exact scan would take too long."""
    if len(vectors) <= EXACT_PASSAGES:
        return
    import faiss

    cells = min(int(4 * len(vectors) ** 0.5), _MOST_CELLS)
    quantizer = faiss.IndexFlatIP(vectors.shape[1])
    graph = faiss.IndexIVFFlat(quantizer, vectors.shape[1], cells, faiss.METRIC_INNER_PRODUCT)
    graph.cp.niter = 10
    graph.train(vectors[:: max(1, len(vectors) // (40 * cells))])
    graph.add(vectors)
    with Root(folder).filling(APPROXIMATE) as stream:
        faiss.write_index(graph, faiss.PyCallbackIOWriter(stream.write))  # type: ignore[attr-defined]


def index_home(root: Path) -> Path:
    """Where a library's index lies."""
    return root / LOCAL_FOLDER / "index"


def open_index(
    library: Library, progress: Progress | None = None, home: Path | None = None
) -> Index:
    """The index of the files as they stand now: what changed is read first.

    `home` is where it lies when not in the library. Where nothing can be written, the index is
    made for this question alone and `unwritten` says why.
    Raises `KbError` when the encoder is missing.
    """
    if home is None:
        require(library.root, library.config, *_NEED_TRUST)
    return _bring_up_to_date(library, home or index_home(library.root), progress)


def build_index(
    library: Library, progress: Progress | None = None, waiting: Waiting = lambda: None
) -> Index:
    """The same, after every byte of an existing index has been checked; old vectors are dropped.

    `waiting` is called once where another build has to be waited for.
    """
    require(library.root, library.config, *_NEED_TRUST)
    home = index_home(library.root)
    mended = repair_encoder(library, home)
    index = replace(
        _bring_up_to_date(library, home, progress, waiting, thorough=True), mended=mended
    )
    prune_vectors(index.generation, vector_store(library, index.encoder), library)
    return index


def _bring_up_to_date(
    library: Library,
    home: Path,
    progress: Progress | None,
    waiting: Waiting = lambda: None,
    *,
    thorough: bool = False,
) -> Index:
    seen = _look(library, home, thorough=thorough)
    if seen.index is not None:
        return seen.index
    encoder = _encoder_at(home, library, progress)  # before anything is written
    patience = None if thorough else _PATIENCE_SECONDS
    try:
        root, place = local_place(home)
        make_local_folder(home)
        with root.lock(place / "lock", timeout_seconds=patience, waiting=waiting):
            if _named(read_manifest(home)) != _named(seen.manifest):
                # Whoever held the lock before has done something, perhaps all of it.
                seen = _look(library, home, thorough=False)
            return seen.index or _build(library, home, seen, encoder, progress)
    except TimeoutError:
        return _older(library, home) or _bring_up_to_date(library, home, progress, thorough=True)
    except (OSError, UnsafePathError) as error:
        if not thorough:
            return _in_memory(library, seen, encoder, progress, _why(error))
        raise _unwritable(home, error) from error


def _in_memory(
    library: Library, seen: _Seen, encoder: Encoder, progress: Progress | None, why: str
) -> Index:
    """The index of this moment where none can be written: of files that are removed at once."""
    with private_folder() as folder:
        try:
            index = _build(library, folder.path / "index", seen, encoder, progress, is_kept=False)
        except OSError as error:
            raise _unwritable(folder.path, error) from error
        return replace(index, unwritten=why)


def _why(error: OSError | UnsafePathError) -> str:
    if isinstance(error, UnsafePathError):
        return f"{error.where} {error.what}"
    return error.strerror or str(error)


def _unwritable(home: Path, error: OSError | UnsafePathError) -> KbError:
    if isinstance(error, UnsafePathError):
        return error
    return KbError(
        f"the index cannot be written: {error.strerror or error}",
        where=str(home),
        todo="Free space there, or make the folder writable. The old index is as it was.",
    )


@dataclass(frozen=True)
class _Seen:
    """What lies on disk: `generation` if it can be built upon, `index` if it is current as well."""

    generation: Generation | None
    states: tuple[FileState, ...]
    index: Index | None

    @property
    def manifest(self) -> Manifest | None:
        return self.generation.manifest if self.generation else None


def _look(library: Library, home: Path, *, thorough: bool) -> _Seen:
    found = open_generation(home, thorough=thorough)
    generation = found if found and fits(found.manifest, library) else None
    known = {state.name: state for state in generation.manifest.files} if generation else {}
    states = scan(library, known, time.time_ns())
    if generation is None or _identities(states) != _identities(generation.manifest.files):
        return _Seen(generation, states, None)
    _remember(home, generation.manifest, states)
    encoder = open_encoder(generation.manifest.encoder_key)
    return _Seen(generation, states, Index(generation, encoder) if encoder else None)


def _remember(home: Path, manifest: Manifest, states: tuple[FileState, ...]) -> None:
    """Keep newer proofs that files are unchanged, so that the next question need not read them.

    After a checkout every file has a new time and the old content. Where this cannot be written
    down at once, the next question looks again.
    """
    if states == manifest.files:
        return
    try:
        root, place = local_place(home)
        with root.lock(place / "lock", timeout_seconds=0):
            if _named(read_manifest(home)) == manifest.generation:
                write_manifest(home, msgspec.structs.replace(manifest, files=states))
    except (OSError, UnsafePathError):
        return


def _older(library: Library, home: Path) -> Index | None:
    """The index as the last build left it, for a question while another build is running."""
    generation = open_generation(home)
    if generation is None or not fits(generation.manifest, library):
        return None
    encoder = open_encoder(generation.manifest.encoder_key)
    return Index(generation, encoder, stale=True) if encoder else None


def _build(
    library: Library,
    home: Path,
    seen: _Seen,
    encoder: Encoder,
    progress: Progress | None,
    *,
    is_kept: bool = True,
) -> Index:
    old = seen.generation if seen.generation and is_intact(seen.generation) else None
    if old is not None and old.manifest.encoder_key != encoder.card.key:
        old = None
    store = vector_store(library, encoder, is_kept=is_kept)
    made = _write(library, home, _Work(seen.states, old, encoder, store), progress)
    before = _identities(old.manifest.files) if old else frozenset()
    return Index(made, encoder, len(_identities(seen.states) - before))


def ready_encoder(library: Library, progress: Progress | None = None) -> Encoder:
    """The encoder of a library: the one its index was made with, else compiled now.

    Raises `KbError` when the model is not on this machine.
    """
    require(library.root, library.config, *_NEED_TRUST)
    return _encoder_at(index_home(library.root), library, progress)


def _encoder_at(home: Path, library: Library, progress: Progress | None) -> Encoder:
    return _encoder_of(read_manifest(home), library, progress)


def _encoder_of(manifest: Manifest | None, library: Library, progress: Progress | None) -> Encoder:
    known = manifest is not None and model_of(manifest) == wanted_model(library)
    found = open_encoder(manifest.encoder_key) if manifest and known else None
    return found or _installed(library, progress)


def _installed(library: Library, progress: Progress | None) -> Encoder:
    source = find_source(library.config.search.model, library.root)
    if progress:
        progress("Preparing the encoder, once on this machine", 0, 1)
    encoder = install_encoder(source, library.config.search.precision)
    if progress:
        progress("Preparing the encoder, once on this machine", 1, 1)
    return encoder


def _write(library: Library, home: Path, work: _Work, progress: Progress | None) -> Generation:
    """A new generation from what changed and what did not."""
    encoder = work.encoder
    parts = make_parts(library, work.states, work.old, encoder, work.store, progress)
    collection = build_collection(
        [part.entry for part in parts],
        [part.vectors for part in parts],
        [part.bag for part in parts],
        encoder.card.dimension,
    )
    learned = learn(
        collection,
        [first_text(part) for part in parts],
        library.form,
        lambda texts: embed_rows(texts, encoder, work.store),
        encoder_key=encoder.card.key,
    )
    facts = {
        "model": library.config.search.model,
        "precision": encoder.card.precision,
        "encoder_key": encoder.card.key,
        "dimension": encoder.card.dimension,
        "form": form_key(library),
        "files": work.states,
    }
    name = uuid.uuid4().hex[:16]
    write_generation(home, name, parts, learned, collection, facts, write_approximate)
    made = open_generation(home, written=collection.entries)
    if made is None:
        raise KbError(
            "the index cannot be read back after writing it",
            where=str(home),
            todo="Check the disk, then run 'kb build' again.",
        )
    return made


@dataclass(frozen=True)
class _Work:
    """What a build starts from."""

    states: tuple[FileState, ...]
    old: Generation | None
    encoder: Encoder
    store: VectorStore


def _named(manifest: Manifest | None) -> str:
    return manifest.generation if manifest else ""


def _identities(states: tuple[FileState, ...]) -> frozenset[tuple[str, str]]:
    return frozenset((state.name, state.sha256) for state in states)


#: Measured by tests/bench/search.py; .005 is what may be lost without a word.
_INT8 = (
    "Warning: search.precision is int8. On six public corpora it lost up to .033 of nDCG@10 (.004 "
    "on average), and it cannot tell incidents from other texts in the same words, as fp32 does."
)


@dataclass(frozen=True)
class BuiltFacts:
    """What a build left behind."""

    records: int
    passages: int
    refreshed: int
    encoder: str | None
    calibration: str
    seconds: float
    mended: str = ""
    precision: str = "fp32"
    words_only: str = ""

    def words(self) -> str:
        """One line for a terminal."""
        if self.words_only:
            return f"{self.records} records; no index was built. {self.words_only}"
        done = f"{self.refreshed} files read" if self.refreshed else "nothing had changed"
        if self.mended:
            done = f"{self.mended}, it was made again; {self.refreshed} files read"
        size = f"{self.records} records, {self.passages} passages"
        warning = f"\n{_INT8}" if self.precision == "int8" else ""
        return f"{size}; {done}; {self.seconds:.1f} s. Probabilities: {self.calibration}.{warning}"

    def json(self) -> str:
        """The same as one JSON object."""
        mode = "words" if self.words_only else "vectors"
        facts = {"schema": "kb.build/1", "mode": mode} | msgspec.to_builtins(self)
        return msgspec.json.encode(facts).decode()


def built_facts(index: Index, seconds: float) -> BuiltFacts:
    """What to say about an index after building it."""
    manifest = index.generation.manifest
    return BuiltFacts(
        records=manifest.n_records,
        passages=manifest.n_passages,
        refreshed=index.refreshed,
        encoder=manifest.model,
        calibration=manifest.calibration.source,
        seconds=round(seconds, 3),
        mended=index.mended,
        precision=manifest.precision,
    )


def without_encoder(library: Library, fault: NoEncoderError) -> BuiltFacts:
    """What to say where no encoder is here: there is nothing to build, and words are searched."""
    return BuiltFacts(
        records=len(scan(library, {}, time.time_ns())),
        passages=0,
        refreshed=0,
        encoder=None,
        calibration="",
        seconds=0.0,
        words_only=f"Until there is one, search goes by words: no encoder is here "
        f"({fault.reason}). {fault.way}",
    )
