"""How does an index lie on disk? A folder of flat arrays that is written once and never changed.

    .kb/index/manifest.json      which generation counts, and what every file of it must be
    .kb/index/<generation>/      entries, passages, vectors, postings

A build writes a new generation beside the old one and then replaces the manifest in one step,
so a reader sees the old index or the new one and nothing between.
"""

from __future__ import annotations

import stat
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from kb.library import local_place
from kb.safe_files import UnsafePathError
from kb.search.encoding.encoder import Vectors
from kb.search.indexing.collection import Collection
from kb.search.indexing.entries import Entry
from kb.search.indexing.files import FileState
from kb.search.indexing.passages import Passage
from kb.search.scoring.calibration import Calibration
from kb.search.scoring.learn import Learned
from kb.search.scoring.lexical import Bag, Postings
from kb.search.scoring.posterior import ClassPosterior
from kb.stored import from_json, from_msgpack

FORMAT = 8
MANIFEST = "manifest.json"
#: The arrays of a generation: one file each.
ARRAYS = frozenset(
    {"vectors", "means", "probe", "meanings", "meant", "passage_starts", "passage_sections"}
    | {"text_starts", "texts", "bag_starts", "bag_words", "bag_counts"}
    | {"words", "starts", "records", "counts", "lengths"}
)
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
            meant=self.arrays["meant"],
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
        root, place = local_place(home)
        raw = root.read_bytes(place / MANIFEST, _MAX_MANIFEST_BYTES)
        manifest = from_json(raw, Manifest)
    except (OSError, UnsafePathError, msgspec.DecodeError):
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
    if any("/" in check.name or "\\" in check.name for check in manifest.checks):
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
    except (OSError, ValueError, msgspec.DecodeError):
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


def _entries(folder: Path) -> tuple[Entry, ...]:
    raw = (folder / "entries.msgpack").read_bytes()
    return from_msgpack(raw, tuple[Entry, ...])


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
        skip = limit is not None and check.size > limit
        return skip or zlib.crc32(path.read_bytes()) == check.checksum
    except OSError:
        return False
