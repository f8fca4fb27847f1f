"""How does a new index come to lie on disk? Whole, beside the old one, and then in its place."""

from __future__ import annotations

import os
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.search.encoding.encoder import Vectors
from kb.search.indexing.collection import Collection, record_means, starts_of
from kb.search.indexing.generation import FORMAT, MANIFEST, FileCheck, Manifest, Part, read_manifest
from kb.search.scoring.learn import Learned
from kb.search.scoring.lexical import build_postings


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
        "meant": learned.posterior.meant,
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
