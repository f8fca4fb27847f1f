"""Opens the index of a library as its files stand now, and builds what is missing of it.

Only what changed is parsed and embedded again. One build runs at a time; readers never wait.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.library import LOCAL_FOLDER, Library, local_place, make_local_folder
from kb.safe_files import UnsafePathError, private_folder
from kb.search.answer import IndexFacts
from kb.search.encoder.encoder import (
    Encoder,
    Progress,
    Vectors,
    install_encoder,
    open_encoder,
)
from kb.search.encoder.find_model_files import find_source
from kb.search.encoder.vector_store import VectorStore, vector_store
from kb.search.index.build_index import embed_rows, first_text, make_parts, text_bag
from kb.search.index.faiss_index import (
    APPROXIMATE,
    APPROXIMATE_MEANS,
    nearest,
    write_approximate,
)
from kb.search.index.prune import prune_vectors, repair_encoder
from kb.search.index.storage import (
    FileState,
    Generation,
    IndexPart,
    Manifest,
    configured_model,
    fits,
    form_key,
    is_intact,
    model_of,
    open_generation,
    read_manifest,
    scan,
    write_generation,
    write_manifest,
)
from kb.search.indexed_records.collection import (
    Collection,
    Earlier,
    classes_of,
    collection_of,
)
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.is_installed import PREPARING
from kb.search.ranking.class_posterior import largest
from kb.search.ranking.joint_ridge import EarlierRidge
from kb.search.ranking.learn import FittedModel, TrainingInputs, learn, learning_key
from kb.search.ranking.probability_calibration import Calibration
from kb.trusted_settings import require

Waiting = Callable[[], None]
#: How long a question waits for another build before it is answered from the older index.
_PATIENCE_SECONDS = 3
#: Records whose vectors are written before the memory of the old ones is given back: 4 MB.
_WRITTEN_TOGETHER = 256
#: Share of the records that may change before a question fits the curves again, which was half of
#: what a refresh took; `kb build` always does. With 1 in 100 records of three public corpora gone
#: probabilities moved by .002 to .003 on average and .040 at most, and no answer left the first
#: five; asking 200 others of the same records moves them by .012 on average and .130 at most.
_CURVES_KEPT = 0.01
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

    @property
    def facts(self) -> IndexFacts:
        """What an answer says of what was searched."""
        manifest = self.generation.manifest
        return IndexFacts(
            records=int(self.generation.collection.standing.published.sum()),
            passages=manifest.n_passages,
            encoder=manifest.model,
            refreshed=self.refreshed,
            stale=self.stale,
            unwritten=self.unwritten,
            calibration=manifest.calibration.source,
        )

    def nearest(self, queries: Vectors, count: int) -> NDArray[np.int64]:
        """Rows of the nearest passages of every query passage, unordered, without repeats.

        Exact, or from the approximate index where the library is large enough to have one.
        """
        vectors = self.generation.collection.vectors
        return nearest(vectors, queries, min(count, len(vectors)), self._cells(APPROXIMATE))

    def nearest_records(self, query: Vectors, count: int) -> NDArray[np.int64]:
        """The places of the records whose whole text is nearest to a query (d,), unordered."""
        means, cells = self.generation.collection.means, self._cells(APPROXIMATE_MEANS)
        if cells is None:
            return largest(means @ query, count)
        return nearest(means, query[None], min(count, len(means)), cells)

    def _cells(self, name: str) -> Path | None:
        return self.generation.folder / name if self.generation.has_file(name) else None


def index_home(root: Path) -> Path:
    """Where a library's index lies."""
    return root / LOCAL_FOLDER / "index"


def open_index(
    library: Library,
    progress: Progress | None = None,
    home: Path | None = None,
    lent_by: Sequence[Library] = (),
) -> Index:
    """The index of the files as they stand now: what changed is read first.

    `home` is where it lies when not in the library; vectors of the libraries it is `lent_by` are
    taken where they fit. Where nothing can be written, the index is
    made for this question alone and `unwritten` says why.
    Raises `KbError` when the encoder is missing.
    """
    if home is None:
        require(library.root, library.config, *_NEED_TRUST)
    place = home or index_home(library.root)
    return _bring_up_to_date(library, place, progress, lent_by=lent_by)


def existing_index(
    library: Library, home: Path | None = None
) -> tuple[Index, frozenset[str]] | None:
    """The index as it lies there, and the files that are not in it as they stand; None without one.

    Nothing is written, made or brought up to date. Raises `KbError` where the settings ask for
    what is not trusted.
    """
    if home is None:
        require(library.root, library.config, *_NEED_TRUST)
    generation = open_generation(home or index_home(library.root))
    if generation is None or not fits(generation.manifest, library):
        return None
    encoder = open_encoder(generation.manifest.encoder_key)
    if encoder is None:
        return None
    known = {state.name: state for state in generation.manifest.files}
    states = scan(library, known, time.time_ns())
    differing = _identities(states) ^ _identities(generation.manifest.files)
    behind = frozenset(name for name, _ in differing)
    stale = not _is_current(generation.manifest, states)
    return Index(generation, encoder, stale=stale), behind


def build_index(
    library: Library, progress: Progress | None = None, waiting: Waiting = lambda: None
) -> Index:
    """A current index of whose files every byte has been checked; unused vectors are dropped.

    `waiting` is called once where another build has to be waited for.
    """
    require(library.root, library.config, *_NEED_TRUST)
    home = index_home(library.root)
    mended = repair_encoder(library, home)
    index = replace(
        _bring_up_to_date(library, home, progress, waiting, thorough=True), mended=mended
    )
    make_local_folder(home)  # swept, where nothing was to be built as well
    prune_vectors(index.generation, vector_store(library, index.encoder), library)
    return index


def _bring_up_to_date(
    library: Library,
    home: Path,
    progress: Progress | None,
    waiting: Waiting = lambda: None,
    *,
    thorough: bool = False,
    lent_by: Sequence[Library] = (),
) -> Index:
    seen = _look(library, home, thorough=thorough, lent_by=lent_by)
    if seen.index is not None:
        return seen.index
    encoder = _encoder_at(home, library, progress)  # before anything is written
    patience = None if thorough else _PATIENCE_SECONDS
    try:
        root, place = local_place(home)
        make_local_folder(home)
        with root.lock(place / "lock", timeout_seconds=patience, waiting=waiting):
            if _generation_name(read_manifest(home)) != _generation_name(seen.manifest):
                # Whoever held the lock before has done something, perhaps all of it.
                seen = _look(library, home, thorough=thorough, lent_by=lent_by)
            return seen.index or _build(library, home, seen, encoder, progress)
    except TimeoutError:
        older = _older(library, home)
        return older or _bring_up_to_date(library, home, progress, thorough=True, lent_by=lent_by)
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
    """What lies on disk: `generation` if it can be built upon, `index` if it is current as well.

    `fits_anew`: no curve is kept. `lent_by` are libraries whose vectors may be taken.
    """

    generation: Generation | None
    states: tuple[FileState, ...]
    index: Index | None
    fits_anew: bool = False
    lent_by: Sequence[Library] = ()

    @property
    def manifest(self) -> Manifest | None:
        return self.generation.manifest if self.generation else None


def _look(
    library: Library, home: Path, *, thorough: bool, lent_by: Sequence[Library] = ()
) -> _Seen:
    found = open_generation(home, thorough=thorough)
    generation = found if found and fits(found.manifest, library) else None
    known = {state.name: state for state in generation.manifest.files} if generation else {}
    states = scan(library, known, time.time_ns())
    is_behind = thorough and generation is not None and generation.manifest.behind > 0
    if generation is None or is_behind or not _is_current(generation.manifest, states):
        return _Seen(generation, states, None, thorough, lent_by)
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
            if _generation_name(read_manifest(home)) == manifest.generation:
                root.sweep(place)
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
    store = vector_store(library, encoder, is_kept=is_kept, lent_by=seen.lent_by)
    work = _Work(seen.states, old, encoder, store, _kept_curves(seen, old))
    made = _write(library, home, work, progress)
    return Index(made, encoder, len(_identities(seen.states) - _files_of(old)))


def _kept_curves(seen: _Seen, old: Generation | None) -> _KeptCurves | None:
    """The curves of the old index, if so little has changed since that they still hold."""
    if old is None or seen.fits_anew or old.manifest.learning != learning_key():
        return None
    changed = {name for name, _ in _identities(seen.states) ^ _files_of(old)}
    behind = old.manifest.behind + len(changed)
    if behind > _CURVES_KEPT * len(seen.states) or not old.manifest.calibration.queries:
        return None
    return _KeptCurves(old.manifest.calibration, old.collection.classes, behind)


def _files_of(generation: Generation | None) -> frozenset[tuple[str, str]]:
    return _identities(generation.manifest.files) if generation else frozenset()


def ready_encoder(library: Library, progress: Progress | None = None) -> Encoder:
    """The encoder of a library: the one its index was made with, else compiled now.

    Raises `KbError` when the model is not on this machine.
    """
    require(library.root, library.config, *_NEED_TRUST)
    return _encoder_at(index_home(library.root), library, progress)


def _encoder_at(home: Path, library: Library, progress: Progress | None) -> Encoder:
    return _encoder_of(read_manifest(home), library, progress)


def _encoder_of(manifest: Manifest | None, library: Library, progress: Progress | None) -> Encoder:
    known = manifest is not None and model_of(manifest) == configured_model(library)
    found = open_encoder(manifest.encoder_key) if manifest and known else None
    return found or _installed(library, progress)


def _installed(library: Library, progress: Progress | None) -> Encoder:
    source = find_source(library.config.search.model, library.root)
    if progress:
        progress(PREPARING, 0, 1)
    encoder = install_encoder(source, library.config.search.precision)
    if progress:
        progress(PREPARING, 1, 1)
    return encoder


def _write(library: Library, home: Path, work: _Work, progress: Progress | None) -> Generation:
    """A new generation from what changed and what did not."""
    encoder = work.encoder
    parts = make_parts(library, work.states, work.old, encoder, work.store, progress)
    entries = [part.entry for part in parts]
    earlier = _earlier(entries, work.old)
    curves = work.curves.of(entries) if work.curves else None

    def learnt(vectors: Vectors) -> tuple[Collection, FittedModel]:
        sizes, bags = [len(part.sizes) for part in parts], [part.bag for part in parts]
        collection = collection_of(entries, vectors, sizes, bags, earlier)
        taught = _taught(parts, _earlier_ridge(collection, earlier, work.old), curves)
        embed = partial(embed_rows, encoder=encoder, store=work.store)
        return collection, learn(
            collection, taught, library.form, embed, encoder_key=encoder.card.key
        )

    facts = {
        "model": library.config.search.model,
        "precision": encoder.card.precision,
        "encoder_key": encoder.card.key,
        "dimension": encoder.card.dimension,
        "form": form_key(library),
        "learning": learning_key(),
        "behind": work.curves.behind if work.curves and curves else 0,
        "files": work.states,
    }
    name = uuid.uuid4().hex[:16]
    vectors = (encoder.card.dimension, _vectors_of(parts, work.old))
    written = write_generation(home, name, parts, vectors, learnt, facts, write_approximate)
    made = open_generation(home, written=written)
    if made is None:
        raise KbError(
            "the index cannot be read back after writing it",
            where=str(home),
            todo="Check the disk, then run 'kb build' again.",
        )
    return made


def _taught(
    parts: Sequence[IndexPart], earlier: EarlierRidge | None, curves: Calibration | None
) -> TrainingInputs:
    """What records teach beside their vectors and labels."""
    return TrainingInputs(
        [] if curves else [first_text(part) for part in parts],
        lambda place: text_bag(parts[place].entry, parts[place].bag),
        earlier,
        curves,
    )


def _earlier(entries: Sequence[IndexedRecord], old: Generation | None) -> Earlier | None:
    """The old index, with where each record stood there that was kept as it was."""
    if old is None:
        return None
    before = {id(entry): place for place, entry in enumerate(old.entries)}
    places = [before.get(id(entry), -1) for entry in entries]
    return Earlier(old.collection, np.array(places, np.int64))


def _earlier_ridge(
    collection: Collection, earlier: Earlier | None, old: Generation | None
) -> EarlierRidge | None:
    """What the old index solved for, if a new one would of the same records."""
    if old is None or earlier is None or old.manifest.learning != learning_key():
        return None
    ridge = old.learned.posterior.joint
    if ridge is None or old.collection.classes != collection.classes:
        return None
    return EarlierRidge(ridge, earlier.places)


def _vectors_of(parts: Sequence[IndexPart], old: Generation | None) -> Iterator[Vectors]:
    """The vectors of every part; those of the old index are not all in memory at once."""
    for number, part in enumerate(parts):
        yield part.vectors
        if old is not None and number % _WRITTEN_TOGETHER == 0:
            old.let_go()


@dataclass(frozen=True)
class _Work:
    """What a build starts from."""

    states: tuple[FileState, ...]
    old: Generation | None
    encoder: Encoder
    store: VectorStore
    curves: _KeptCurves | None


@dataclass(frozen=True)
class _KeptCurves:
    """The curves of an index of these classes, and how many files will have changed since."""

    calibration: Calibration
    classes: tuple[str, ...]
    behind: int

    def of(self, entries: Sequence[IndexedRecord]) -> Calibration | None:
        """The curves where the records have the same classes still."""
        return self.calibration if classes_of(entries) == self.classes else None


def _generation_name(manifest: Manifest | None) -> str:
    return manifest.generation if manifest else ""


def _is_current(manifest: Manifest, states: tuple[FileState, ...]) -> bool:
    """Whether an index holds these files, and learnt of them as one made now would."""
    same_files = _identities(states) == _identities(manifest.files)
    return same_files and manifest.learning == learning_key()


def _identities(states: tuple[FileState, ...]) -> frozenset[tuple[str, str]]:
    return frozenset((state.name, state.sha256) for state in states)
