"""How does an index lie on disk? A folder of flat arrays that is written once and never changed.

    .kb/index/manifest.json      which generation counts, and what every file of it must be
    .kb/index/<generation>/      entries, passages, vectors, postings

A build writes a new generation beside the old one and then replaces the manifest in one step,
so a reader sees the old index or the new one and nothing between.
"""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from kb.search.calibration import Calibration
from kb.search.collection import Collection, record_means, starts_of
from kb.search.encoder import Vectors
from kb.search.entries import Entry
from kb.search.files import FileState
from kb.search.learn import Learned
from kb.search.lexical import Bag, Postings, build_postings
from kb.search.passages import Passage
from kb.search.posterior import ClassPosterior

FORMAT = 1
MANIFEST = "manifest.json"
#: Files up to this size are checked byte by byte whenever an index is opened (2 GB/s measured);
#: larger ones by size then, and byte by byte in `kb build`.
_CHECKED_BYTES = 64_000_000
_NPY_HEADER_BYTES = 128


class FileCheck(Struct, frozen=True, array_like=True):
    """What a file of a generation must be."""

    name: str
    size: int
    checksum: int


class Manifest(Struct, frozen=True, kw_only=True):
    """What an index is made of; read first, and trusted only as far as it can be checked."""

    format: int
    generation: str
    model: str
    precision: str
    encoder_key: str
    dimension: int
    form: str
    sections: tuple[str, ...]
    n_records: int
    n_passages: int
    calibration: Calibration
    checks: tuple[FileCheck, ...]
    files: tuple[FileState, ...]


@dataclass(frozen=True)
class Part:
    """What one record gives to an index. `texts` are UTF-8, one a passage, as `sections` are."""

    entry: Entry
    sections: tuple[str, ...]
    texts: tuple[bytes, ...]
    vectors: Vectors
    bag: Bag


@dataclass(frozen=True)
class Generation:
    """An opened index: arrays are memory-mapped, texts are read when asked for."""

    folder: Path
    manifest: Manifest
    entries: tuple[Entry, ...]
    arrays: Mapping[str, NDArray[Any]]

    @cached_property
    def collection(self) -> Collection:
        """The records as ranking wants them."""
        names = ("words", "starts", "records", "counts", "lengths")
        return Collection(
            entries=self.entries,
            vectors=self.arrays["vectors"],
            starts=self.arrays["passage_starts"],
            means=self.arrays["means"],
            postings=Postings(*(self.arrays[name] for name in names)),
        )

    @cached_property
    def learned(self) -> Learned:
        """What the build learnt."""
        posterior = ClassPosterior(
            means=self.arrays["means"],
            labels=self.collection.labels,
            meanings=self.arrays["meanings"],
            probe=self.arrays["probe"],
        )
        return Learned(posterior, self.manifest.calibration)

    def passage(self, row: int) -> Passage:
        """The passage of a vector row."""
        start, end = self.arrays["text_starts"][row : row + 2]
        text = self.arrays["texts"][start:end].tobytes().decode("utf-8", "surrogateescape")
        return Passage(self.manifest.sections[self.arrays["passage_sections"][row]], text)

    def parts(self) -> Iterator[Part]:
        """Every record as what it gave to this index, in order."""
        names = self.manifest.sections
        sections = [names[place] for place in self.arrays["passage_sections"].tolist()]
        bounds = self.arrays["text_starts"].tolist()
        blob = self.arrays["texts"].tobytes()
        texts = [blob[start:end] for start, end in pairwise(bounds)]
        for place, entry in enumerate(self.entries):
            rows = self.rows(place)
            vectors = self.arrays["vectors"][rows]
            yield Part(entry, tuple(sections[rows]), tuple(texts[rows]), vectors, self.bag(place))

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
        manifest = msgspec.json.decode((home / MANIFEST).read_bytes(), type=Manifest)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
    return manifest if manifest.format == FORMAT else None


def open_generation(
    home: Path, *, thorough: bool = False, written: tuple[Entry, ...] | None = None
) -> Generation | None:
    """The index that counts, None when there is none or it is not what its manifest says.

    `thorough` reads large files too. An index `written` just now, with these entries, is taken as
    it is.
    """
    manifest = read_manifest(home)
    if manifest is None or not manifest.generation.isalnum():
        return None
    folder = home / manifest.generation
    limit = None if thorough else _CHECKED_BYTES
    if written is None and not all(_is_whole(folder, one, limit) for one in manifest.checks):
        return None
    try:
        entries = _entries(folder) if written is None else written
        # Everything is opened now: the next build may remove the folder, not the open files.
        arrays = {one.name[:-4]: _load(folder / one.name) for one in _arrays_of(manifest)}
    except (OSError, ValueError, msgspec.DecodeError):
        return None
    return Generation(folder, manifest, entries, arrays)


def _entries(folder: Path) -> tuple[Entry, ...]:
    raw = (folder / "entries.msgpack").read_bytes()
    return msgspec.msgpack.decode(raw, type=tuple[Entry, ...])


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
        if path.stat().st_size != check.size:
            return False
        skip = limit is not None and check.size > limit
        return skip or zlib.crc32(path.read_bytes()) == check.checksum
    except OSError:
        return False


def parts_collection(parts: Sequence[Part], dimension: int) -> Collection:
    """The records of some parts as ranking wants them."""
    none = [np.zeros((0, dimension), np.float32)]
    vectors = np.concatenate([part.vectors for part in parts] or none)
    starts = starts_of([len(part.texts) for part in parts])
    return Collection(
        entries=tuple(part.entry for part in parts),
        vectors=vectors,
        starts=starts,
        means=record_means(vectors, starts),
        postings=build_postings([part.bag for part in parts]),
    )


def write_generation(
    home: Path,
    name: str,
    parts: Sequence[Part],
    learned: Learned,
    collection: Collection,
    facts: Mapping[str, Any],
    write_more: Callable[[Path, Vectors], None],
) -> None:
    """Write a generation and make it the one that counts.

    On any failure the old index stays in force. `facts` are what only the builder knows;
    `write_more` may add files to the folder. Raises `OSError` when the disk refuses.
    """
    folder = home / name
    folder.mkdir(parents=True)
    try:
        sections = tuple(dict.fromkeys(name for part in parts for name in part.sections))
        for array_name, array in _arrays(parts, learned, collection, sections).items():
            with (folder / f"{array_name}.npy").open("wb") as stream:
                np.save(stream, array)
        _write(folder / "entries.msgpack", msgspec.msgpack.encode(collection.entries))
        write_more(folder, collection.vectors)
        manifest = Manifest(
            format=FORMAT,
            generation=name,
            sections=sections,
            n_records=len(parts),
            n_passages=len(collection.vectors),
            calibration=learned.calibration,
            checks=tuple(_check(path) for path in sorted(folder.iterdir())),
            **facts,
        )
        previous = read_manifest(home)
        write_manifest(home, manifest)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    _remove_others(home, {name, previous.generation if previous else name})


def write_manifest(home: Path, manifest: Manifest) -> None:
    """Make a manifest the one that counts, in one step."""
    path = home / f"{manifest.generation}.json"
    try:
        _write(path, msgspec.json.encode(manifest))
        path.replace(home / MANIFEST)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _arrays(
    parts: Sequence[Part], learned: Learned, collection: Collection, sections: tuple[str, ...]
) -> dict[str, NDArray[Any]]:
    places = {section: place for place, section in enumerate(sections)}
    section_of = [places[name] for part in parts for name in part.sections]
    texts = [text for part in parts for text in part.texts]
    bags = [part.bag for part in parts]
    postings = collection.postings
    return {
        "vectors": collection.vectors,
        "means": collection.means,
        "probe": learned.posterior.probe,
        "meanings": learned.posterior.meanings,
        "passage_starts": collection.starts,
        "passage_sections": np.array(section_of, np.int16),
        "text_starts": starts_of([len(text) for text in texts]),
        "texts": np.frombuffer(b"".join(texts), np.uint8),
        "bag_starts": starts_of([len(bag.words) for bag in bags]),
        "bag_words": np.concatenate([np.zeros(0, np.uint64), *(bag.words for bag in bags)]),
        "bag_counts": np.concatenate([np.zeros(0, np.uint16), *(bag.counts for bag in bags)]),
        "words": postings.words,
        "starts": postings.starts,
        "records": postings.records,
        "counts": postings.counts,
        "lengths": postings.lengths,
    }


def _check(path: Path) -> FileCheck:
    raw = path.read_bytes()
    return FileCheck(path.name, len(raw), zlib.crc32(raw))


def _write(path: Path, raw: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(raw)
        stream.flush()
        os.fsync(stream.fileno())


def _remove_others(home: Path, kept: set[str]) -> None:
    """The last but one stays: a reader may have read its manifest and not yet opened its files."""
    for path in home.iterdir():
        if path.is_dir() and path.name not in kept:
            shutil.rmtree(path, ignore_errors=True)
