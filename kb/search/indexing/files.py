"""Which record files have changed since the index saw them? The cheapest proof first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from kb.errors import KbError
from kb.library import Library, find_root
from kb.records.document import MAX_RECORD_BYTES, is_record_name, is_unicode_name
from kb.records.form import build_form
from kb.safe_files import Tree, UnsafePathError
from kb.trust import open_config

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


def unread_library(start: Path) -> Library:
    """The library a path lies in with its settings and no documents: the index knows them.

    Raises `KbError` when there is none, or its settings cannot be read.
    """
    root = find_root(start)
    config = open_config(root)
    return Library(root, config, build_form(config), ())
