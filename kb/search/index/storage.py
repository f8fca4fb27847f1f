"""An index on disk: a folder of flat arrays that is written once and never changed.

    .kb/index/manifest.json      which generation counts, and what every file of it must be
    .kb/index/<generation>/      entries, passages, vectors, postings

A build writes a new generation beside the old one and then replaces the manifest in one step,
so a reader sees the old index or the new one and nothing between.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from kb.errors import KbError
from kb.library import Library, local_place
from kb.records.record_files import MAX_RECORD_BYTES, is_record_name, is_unicode_name
from kb.safe_files import Root, Tree, UnsafePathError
from kb.search.bm25 import Bag, Postings
from kb.search.encoder.encoder import Vectors
from kb.search.encoder.vector_store import text_key
from kb.search.indexed_records.collection import Collection, starts_of
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import Passage
from kb.search.mapped_memory import release_mapped
from kb.search.ranking.class_posterior import ClassPosterior
from kb.search.ranking.joint_ridge import JointRidge, WordRows, no_joint_ridge
from kb.search.ranking.learn import FittedModel
from kb.search.ranking.probability_calibration import Calibration

#: A file touched this shortly before it was looked at may change again within one tick of the
#: file system's clock, so its time proves nothing and its bytes are compared instead.
_RACY_NS = 2_000_000_000


class FileState(Struct, frozen=True, array_like=True):
    """One record file as the index saw it. `seen_ns` is when."""

    name: str
    size: int
    modified_ns: int
    seen_ns: int
    sha256: str


def scan(library: Library, known: Mapping[str, FileState], now_ns: int) -> tuple[FileState, ...]:
    """The record files as they stand, by name; only files that look changed are read.

    Raises `KbError` when the folder cannot be read.
    """
    try:
        entries = sorted(os.scandir(library.folder), key=lambda entry: entry.name)
    except OSError as error:
        raise KbError(
            f"the records' folder cannot be read: {error.strerror or error}",
            where=str(library.folder),
            todo="Create it with 'kb init', or set library.path in kb.toml.",
        ) from error
    tree = Tree(library.root)
    states = (_state(e, known.get(e.name), now_ns, tree) for e in entries if is_record_name(e.name))
    return tuple(state for state in states if state is not None)


def _state(
    entry: os.DirEntry[str], known: FileState | None, now_ns: int, tree: Tree
) -> FileState | None:
    if not is_unicode_name(entry.name):
        return None
    try:
        stat = entry.stat()
        if known and _proves_equal(known, stat) and not entry.is_symlink():
            return known
        raw, size = tree.read(entry.path, MAX_RECORD_BYTES)
        if size > MAX_RECORD_BYTES:
            return None
        digest = hashlib.sha256(raw).hexdigest()
    except (OSError, UnsafePathError):
        # Unreadable files are `kb check`'s to report; to search they hold nothing.
        return None
    return FileState(entry.name, stat.st_size, stat.st_mtime_ns, now_ns, digest)


def _proves_equal(known: FileState, stat: os.stat_result) -> bool:
    same = (known.size, known.modified_ns) == (stat.st_size, stat.st_mtime_ns)
    return same and known.modified_ns < known.seen_ns - _RACY_NS


FORMAT = 12
MANIFEST = "manifest.json"
#: The arrays of a generation: one file each.
ARRAYS = frozenset(
    {"vectors", "means", "probe", "meanings", "meant", "passage_starts", "passage_sections"}
    | {"text_starts", "texts", "bag_starts", "bag_words", "bag_counts"}
    | {"words", "starts", "records", "counts", "lengths"}
    | {"teachers", "teacher_words", "teacher_starts", "teacher_texts", "teacher_values"}
    | {"teacher_rarity", "ridge_coefficients", "ridge_inverse"}
)
#: The records of a generation, without their texts.
ENTRIES = "entries.msgpack"
#: Files up to this size are checked byte by byte whenever an index is opened (2 GB/s measured);
#: larger ones by size then, and byte by byte in `kb build`.
_CHECKED_BYTES = 64_000_000
_NPY_HEADER_BYTES = 128
#: 100,000 records take 20 MB.
_MAX_MANIFEST_BYTES = 500_000_000


class FileCheck(Struct, frozen=True, array_like=True):
    """What a file of a generation must be."""

    name: str
    size: int
    checksum: int


class Manifest(Struct, frozen=True, kw_only=True):
    """What an index is made of; read first, and trusted only as far as it can be checked.

    `learning` says by which constants it learnt, see `learning_key`; `behind` is how many files
    have changed since its curves were fitted.
    """

    format: int
    generation: str
    model: str
    precision: str
    encoder_key: str
    dimension: int
    form: str
    learning: str
    behind: int
    sections: tuple[str, ...]
    n_records: int
    n_published: int
    n_passages: int
    calibration: Calibration
    checks: tuple[FileCheck, ...]
    files: tuple[FileState, ...]


@dataclass(frozen=True)
class IndexPart:
    """What one record gives to an index.

    `text` is that of its passages in UTF-8, one behind the other, each of so many bytes as `sizes`
    say; `sections` are one a passage, too.
    """

    entry: IndexedRecord
    sections: tuple[str, ...]
    text: bytes | memoryview
    sizes: NDArray[np.int64]
    vectors: Vectors
    bag: Bag

    @property
    def texts(self) -> list[bytes]:
        """The texts of the passages, each by itself."""
        bounds = starts_of(self.sizes).tolist()
        return [bytes(self.text[start:end]) for start, end in pairwise(bounds)]


@dataclass(frozen=True)
class Generation:
    """An opened index: arrays are memory-mapped, texts are read when asked for."""

    folder: Path
    manifest: Manifest
    entries: tuple[IndexedRecord, ...]
    arrays: Mapping[str, NDArray[Any]]

    @cached_property
    def collection(self) -> Collection:
        """The records as ranking wants them."""
        words, starts, records, counts, lengths = (
            self.arrays[name] for name in ("words", "starts", "records", "counts", "lengths")
        )
        return Collection(
            entries=self.entries,
            vectors=self.arrays["vectors"],
            starts=self.arrays["passage_starts"],
            means=self.arrays["means"],
            postings=Postings(words, starts, records, counts, lengths),
        )

    @cached_property
    def learned(self) -> FittedModel:
        """What the build learnt."""
        posterior = ClassPosterior(
            means=self.arrays["means"],
            labels=self.collection.labels,
            meanings=self.arrays["meanings"],
            probe=self.arrays["probe"],
            meant=self.arrays["meant"],
            joint=self._joint,
            skill=self.manifest.calibration.skill,
        )
        return FittedModel(posterior, self.manifest.calibration)

    @property
    def _joint(self) -> JointRidge | None:
        """The ridge over words and vectors, None where no record has a label."""
        arrays = self.arrays
        if not len(arrays["teachers"]):
            return None
        rows = WordRows(
            words=arrays["teacher_words"],
            starts=arrays["teacher_starts"],
            texts=arrays["teacher_texts"],
            values=arrays["teacher_values"],
            rarity=arrays["teacher_rarity"],
        )
        return JointRidge(
            arrays["teachers"], rows, arrays["ridge_coefficients"], arrays["ridge_inverse"]
        )

    def has_file(self, name: str) -> bool:
        """Whether the build wrote a file of that name: any other may be anything."""
        return any(check.name == name for check in self.manifest.checks)

    def passage(self, row: int) -> Passage:
        """The passage of a vector row."""
        start, end = self.arrays["text_starts"][row : row + 2]
        text = self.arrays["texts"][start:end].tobytes().decode("utf-8", "surrogateescape")
        return Passage(self.manifest.sections[self.arrays["passage_sections"][row]], text)

    def parts(self) -> Iterator[IndexPart]:
        """Every record as what it gave to this index, in order."""
        names = self.manifest.sections
        sections = [names[place] for place in self.arrays["passage_sections"].tolist()]
        bounds, blob = self.arrays["text_starts"], self.arrays["texts"].data
        sizes = np.diff(bounds)
        for place, entry in enumerate(self.entries):
            rows = self.rows(place)
            text = blob[bounds[rows.start] : bounds[rows.stop]]
            vectors = self.arrays["vectors"][rows]
            yield IndexPart(
                entry, tuple(sections[rows]), text, sizes[rows], vectors, self.bag(place)
            )

    def let_go(self) -> None:
        """Let the system take back the memory of what was read of the large arrays."""
        for name in ("vectors", "texts"):
            release_mapped(self.arrays[name])

    def rows(self, record: int) -> slice:
        """The vector rows of a record."""
        return _span(self.arrays["passage_starts"], record)

    def bag(self, record: int) -> Bag:
        """The words of a record."""
        span = _span(self.arrays["bag_starts"], record)
        return Bag(self.arrays["bag_words"][span], self.arrays["bag_counts"][span])


def _span(starts: NDArray[np.int64], place: int) -> slice:
    return slice(int(starts[place]), int(starts[place + 1]))


def read_manifest(home: Path) -> Manifest | None:
    """The manifest of an index folder, None when absent, unreadable or of another format."""
    try:
        root, place = local_place(home)
        raw = root.read_bytes(place / MANIFEST, _MAX_MANIFEST_BYTES)
        manifest = msgspec.json.decode(raw, type=Manifest)
    except (OSError, UnsafePathError, msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return manifest if manifest.format == FORMAT else None


def open_generation(
    home: Path, *, thorough: bool = False, written: tuple[IndexedRecord, ...] | None = None
) -> Generation | None:
    """The index that counts, None when there is none or it is not what its manifest says.

    `thorough` reads large files too. An index `written` just now, with these entries, is taken as
    it is.
    """
    manifest = read_manifest(home)
    if manifest is None or not manifest.generation.isalnum():
        return None
    names = {check.name for check in manifest.checks}
    # What no check names would be opened unseen: a device, a pipe.
    if ENTRIES not in names or any("/" in name or "\\" in name for name in names):
        return None
    if home.joinpath(manifest.generation).is_symlink():
        return None
    folder = home / manifest.generation
    limit = None if thorough else _CHECKED_BYTES
    if written is None and not all(_is_whole(folder, one, limit) for one in manifest.checks):
        return None
    try:
        entries = _entries(folder) if written is None else written
        # Everything is opened now: the next build may remove the folder, not the open files.
        arrays = {one.name[:-4]: _load(folder / one.name) for one in _arrays_of(manifest)}
    except (OSError, ValueError, msgspec.DecodeError, RecursionError):
        return None
    found = Generation(folder, manifest, entries, arrays)
    return found if _agrees(found) else None


def _agrees(found: Generation) -> bool:
    """Whether the arrays are those of an index, and as large as manifest and entries say."""
    arrays, manifest = found.arrays, found.manifest
    if arrays.keys() != ARRAYS:
        return False
    records, passages = len(found.entries), manifest.n_passages
    sections = arrays["passage_sections"]
    return (
        records == manifest.n_records == len(arrays["passage_starts"]) - 1
        and records == len(arrays["bag_starts"]) - 1
        and passages == len(sections) == len(arrays["text_starts"]) - 1
        and arrays["vectors"].shape == (passages, manifest.dimension)
        and bool(passages == 0 or 0 <= sections.min() <= sections.max() < len(manifest.sections))
    )


def _entries(folder: Path) -> tuple[IndexedRecord, ...]:
    raw = (folder / ENTRIES).read_bytes()
    return msgspec.msgpack.decode(raw, type=tuple[IndexedRecord, ...])


def _arrays_of(manifest: Manifest) -> Iterable[FileCheck]:
    return (check for check in manifest.checks if check.name.endswith(".npy"))


def _load(path: Path) -> NDArray[Any]:
    """A mapped array; an empty one is read, because nothing cannot be mapped."""
    empty = path.stat().st_size <= _NPY_HEADER_BYTES
    # As a plain array: slicing a memmap object costs ten times as much.
    return np.asarray(np.load(path, mmap_mode=None if empty else "r"))


def is_intact(generation: Generation) -> bool:
    """Whether the large files, which opening only measures, hold what they should."""
    large = (one for one in generation.manifest.checks if one.size > _CHECKED_BYTES)
    return all(_is_whole(generation.folder, one, None) for one in large)


def _is_whole(folder: Path, check: FileCheck, limit: int | None) -> bool:
    path = folder / check.name
    try:
        found = path.lstat()  # a link is none of what a build wrote
        if found.st_size != check.size or not stat.S_ISREG(found.st_mode):
            return False
        if limit is not None and check.size > limit:
            return True
        with path.open("rb") as stream:
            return _checked(name=check.name, stream=stream) == check
    except OSError:
        return False


def fits(manifest: Manifest, library: Library) -> bool:
    """Whether an index was made with the settings that hold now."""
    return (*model_of(manifest), manifest.form) == (*configured_model(library), form_key(library))


def model_of(manifest: Manifest) -> tuple[str, str]:
    """The model and precision an index was made with."""
    return manifest.model, manifest.precision


def configured_model(library: Library) -> tuple[str, str]:
    """The model and precision a library asks for."""
    return library.config.search.model, library.config.search.precision


def form_key(library: Library) -> str:
    """Which sections of which records are read and what the classes mean.

    An index is made anew where it changes.
    """
    sections = [(s.key, s.heading, s.aliases, s.embedded) for s in library.form.sections]
    words = [(word.name, word.definition) for word in library.form.taxonomies["classes"]]
    adopted = library.form.adopted
    whose = ("published",) if library.is_anothers else ()
    return text_key(repr((sections, words, *([adopted] if adopted else ()), *whose))).hex()


_CHUNK_BYTES = 1 << 20
#: What a build calls its folders, so that no other is ever removed.
_GENERATION = re.compile(r"[0-9a-f]{16}")


def write_generation(
    home: Path,
    name: str,
    parts: Sequence[IndexPart],
    vectors: tuple[int, Iterable[Vectors]],
    learn: Callable[[Vectors], tuple[Collection, FittedModel]],
    facts: Mapping[str, Any],
    write_more: Callable[[Path, Vectors, Vectors], None],
) -> tuple[IndexedRecord, ...]:
    """Write a generation and make it the one that counts; its records.

    On any failure the old index stays in force. `vectors` are the dimension and the rows of every
    part; of these, written and mapped, `learn` makes the rest. `facts` only the builder knows;
    `write_more` may add files to the folder. Raises `OSError` when the disk refuses.
    """
    root, place = local_place(home)
    root.make_folder(place / name)
    folder = root.below(place / name)
    try:
        sections = tuple(dict.fromkeys(name for part in parts for name in part.sections))
        checks = [_save_vectors(folder, parts, *vectors)]
        collection, learned = learn(_load(folder.path / checks[0].name))
        arrays = _arrays(parts, learned, collection, sections)
        checks += [_save(folder, name, runs) for name, runs in arrays.items()]
        with folder.filling(ENTRIES) as stream:
            stream.write(msgspec.msgpack.encode(collection.entries))
        write_more(folder.path, collection.vectors, collection.means)
        others = set(folder.names()) - {check.name for check in checks}
        checks += [_check(folder, file) for file in sorted(others)]
        previous = read_manifest(home)
        written: dict[str, Any] = {"sections": sections, **_counts(parts, collection), **facts}
        written |= {"calibration": learned.calibration, "checks": tuple(checks)}
        write_manifest(home, Manifest(format=FORMAT, generation=name, **written))
    except BaseException:
        with suppress(OSError):
            root.remove_tree(place / name)
        raise
    with suppress(OSError, UnsafePathError):
        _remove_others(root.below(place), {name, previous.generation if previous else name})
    return collection.entries


def _save_vectors(
    folder: Root, parts: Sequence[IndexPart], dimension: int, runs: Iterable[Vectors]
) -> FileCheck:
    """Write the vectors of all parts: most of an index, and never in memory as a whole."""
    shape = (sum(len(part.sizes) for part in parts), dimension)
    return _write_array(folder, "vectors", runs, np.dtype(np.float32), shape)


def _counts(parts: Sequence[IndexPart], collection: Collection) -> dict[str, int]:
    return {
        "n_records": len(parts),
        "n_published": sum(part.entry.is_candidate for part in parts),
        "n_passages": len(collection.vectors),
    }


def write_manifest(home: Path, manifest: Manifest) -> None:
    """Make a manifest the one that counts, in one step."""
    root, place = local_place(home)
    root.write_bytes(place / MANIFEST, msgspec.json.encode(manifest))


def _arrays(
    parts: Sequence[IndexPart],
    learned: FittedModel,
    collection: Collection,
    sections: tuple[str, ...],
) -> dict[str, list[NDArray[Any]]]:
    """The arrays of a generation, each as the runs that it is written of."""
    places = {section: place for place, section in enumerate(sections)}
    section_of = [places[name] for part in parts for name in part.sections]
    sizes = np.concatenate([np.zeros(0, np.int64), *(part.sizes for part in parts)])
    bags = [part.bag for part in parts]
    postings = collection.postings
    single: dict[str, NDArray[Any]] = {
        "means": collection.means,
        "probe": learned.posterior.probe,
        "meanings": learned.posterior.meanings,
        "meant": learned.posterior.meant,
        "passage_starts": collection.starts,
        "passage_sections": np.array(section_of, np.int16),
        "text_starts": starts_of(sizes),
        "bag_starts": starts_of([len(bag.words) for bag in bags]),
        "words": postings.words,
        "starts": postings.starts,
        "records": postings.records,
        "counts": postings.counts,
        "lengths": postings.lengths,
    }
    single |= _joint_arrays(learned.posterior.joint or no_joint_ridge())
    return {name: [array] for name, array in single.items()} | {
        "texts": [np.zeros(0, np.uint8), *(np.frombuffer(part.text, np.uint8) for part in parts)],
        "bag_words": [np.zeros(0, np.uint64), *(bag.words for bag in bags)],
        "bag_counts": [np.zeros(0, np.uint16), *(bag.counts for bag in bags)],
    }


def _joint_arrays(joint: JointRidge) -> dict[str, NDArray[Any]]:
    rows = joint.rows
    return {
        "teachers": joint.teachers,
        "teacher_words": rows.words,
        "teacher_starts": rows.starts,
        "teacher_texts": rows.texts,
        "teacher_values": rows.values,
        "teacher_rarity": rows.rarity,
        "ridge_coefficients": joint.coefficients,
        "ridge_inverse": joint.inverse,
    }


class _Summed:
    """A stream that counts and sums what is written to it, so that nothing is read again."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.size = self.checksum = 0

    def write(self, raw: bytes | memoryview) -> None:
        """Write and take in."""
        self._stream.write(raw)
        self.size, self.checksum = self.size + len(raw), zlib.crc32(raw, self.checksum)


def _save(folder: Root, name: str, runs: Sequence[NDArray[Any]]) -> FileCheck:
    """Write some arrays of one kind one behind the other as one, without joining them before."""
    shape = (sum(map(len, runs)), *runs[0].shape[1:])
    return _write_array(folder, name, runs, runs[0].dtype, shape)


def _write_array(
    folder: Root,
    name: str,
    runs: Iterable[NDArray[Any]],
    dtype: np.dtype[Any],
    shape: tuple[int, ...],
) -> FileCheck:
    form = np.lib.format
    header = {"descr": form.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    with folder.filling(f"{name}.npy") as stream:
        summed = _Summed(stream)
        form.write_array_header_1_0(summed, header)
        for run in runs:
            summed.write(np.ascontiguousarray(run).reshape(-1).view(np.uint8).data)
    return FileCheck(f"{name}.npy", summed.size, summed.checksum)


def _check(folder: Root, name: str) -> FileCheck:
    with folder.open_regular(name) as stream:
        return _checked(name, stream)


def _checked(name: str, stream: BinaryIO) -> FileCheck:
    """What a file is, read in pieces: some are larger than all else in memory."""
    size = checksum = 0
    while chunk := stream.read(_CHUNK_BYTES):
        size, checksum = size + len(chunk), zlib.crc32(chunk, checksum)
    return FileCheck(name, size, checksum)


def _remove_others(home: Root, kept: set[str]) -> None:
    """The last but one stays: a reader may have read its manifest and not yet opened its files."""
    home.sweep()
    for name in home.names():
        if _GENERATION.fullmatch(name) and name not in kept and home.is_folder(name):
            home.remove_tree(name)
