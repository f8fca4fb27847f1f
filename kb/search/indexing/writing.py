"""How does a new index come to lie on disk? Whole, beside the old one, and then in its place."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.library import local_place
from kb.safe_files import Root, UnsafePathError
from kb.search.encoding.encoder import Vectors
from kb.search.indexing.collection import Collection, record_means, starts_of
from kb.search.indexing.generation import FORMAT, MANIFEST, FileCheck, Manifest, Part, read_manifest
from kb.search.scoring.learn import Learned
from kb.search.scoring.lexical import build_postings
from kb.stored import to_json, to_msgpack

_CHUNK_BYTES = 1 << 24
#: What a build calls its folders, so that no other is ever removed.
_GENERATION = re.compile(r"[0-9a-f]{16}")


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
    root, place = local_place(home)
    root.make_folder(place / name)
    folder = root.below(place / name)
    try:
        sections = tuple(dict.fromkeys(name for part in parts for name in part.sections))
        for array_name, array in _arrays(parts, learned, collection, sections).items():
            with folder.filling(f"{array_name}.npy") as stream:
                np.save(stream, array)
        folder.write_bytes("entries.msgpack", to_msgpack(collection.entries))
        write_more(folder.path, collection.vectors)
        manifest = Manifest(
            format=FORMAT,
            generation=name,
            sections=sections,
            n_records=len(parts),
            n_passages=len(collection.vectors),
            calibration=learned.calibration,
            checks=tuple(_check(folder, name) for name in folder.names()),
            **facts,
        )
        previous = read_manifest(home)
        write_manifest(home, manifest)
    except BaseException:
        with suppress(OSError):
            root.remove_tree(place / name)
        raise
    with suppress(OSError, UnsafePathError):
        _remove_others(root.below(place), {name, previous.generation if previous else name})


def write_manifest(home: Path, manifest: Manifest) -> None:
    """Make a manifest the one that counts, in one step."""
    root, place = local_place(home)
    root.write_bytes(place / MANIFEST, to_json(manifest))


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


def _check(folder: Root, name: str) -> FileCheck:
    size = checksum = 0
    with folder.open_regular(name) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            size, checksum = size + len(chunk), zlib.crc32(chunk, checksum)
    return FileCheck(name, size, checksum)


def _remove_others(home: Root, kept: set[str]) -> None:
    """The last but one stays: a reader may have read its manifest and not yet opened its files."""
    home.sweep()
    for name in home.names():
        if _GENERATION.fullmatch(name) and name not in kept and home.is_folder(name):
            home.remove_tree(name)
