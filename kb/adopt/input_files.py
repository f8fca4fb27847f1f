"""The files to adopt: those named, of a folder and an archive those of a kind that is read."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from kb.adopt.sources.registry import KINDS, source_of
from kb.adopt.sources.source import SourceFile
from kb.errors import KbError
from kb.records.record_files import is_record_name
from kb.safe_files import Tree, read_named, walk
from kb.traces.decoding.zip_faults import ZIP_FAULTS

_ARCHIVES = frozenset({".zip"})
#: Kinds that hold much besides postmortems: JSON is taken of a folder where its shape is known, a
#: table and plain text only where a person named the file.
_DATA = frozenset({".json"})
_WHERE_NAMED = frozenset({".csv", ".txt"})
#: An export of some hundred pages with its images has less.
MAX_FILE_BYTES = 100_000_000
_MAX_UNPACKED_BYTES = 500_000_000
_MAX_MEMBERS = 20_000
_MOST_ARCHIVES = 3


@dataclass(frozen=True)
class FoundFile:
    """One file that was found.

    `path` is where it lies, None inside an archive; `fault` says why it cannot be read.
    """

    file: SourceFile
    path: Path | None
    fault: str = ""


@dataclass
class Found:
    """What lies under the named paths; `left_alone` counts what is of no kind that is read.

    `unpacked_bytes` is what all archives hold so far, those within others included.
    """

    files: list[FoundFile] = field(default_factory=list)
    left_alone: Counter[str] = field(default_factory=Counter)
    unpacked_bytes: int = 0


def find_files(
    paths: Iterable[Path], root: Path, columns: Mapping[str, str] | None = None
) -> Found:
    """The files of the paths, folders and archives looked into, each once.

    Raises `KbError` for a path that does not exist.
    """
    found = Found()
    seen: set[Path] = set()
    for path in paths:
        if not path.exists():
            what = "no such file or folder; nothing was written"
            raise KbError(what, where=str(path), todo="Check the path.")
        is_folder = path.is_dir()
        for file in _files_below(path.absolute()) if is_folder else (path.absolute(),):
            if file not in seen:
                seen.add(file)
                within = _tree(path.absolute(), root) if is_folder else None
                _take(
                    found,
                    file,
                    SourceFile(_name(file, root), b"", columns or {}, not is_folder),
                    within,
                )
    return found


def _files_below(folder: Path) -> Iterator[Path]:
    """The files of a folder; what lies beside a record in a folder of its name is its evidence."""
    for place, folders, names in walk(folder):
        folders[:] = sorted(
            name for name in folders if name[:1] != "." and not is_record_name(f"{name}.md")
        )
        yield from (Path(place, name) for name in sorted(names) if name[:1] != ".")


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _tree(folder: Path, root: Path) -> Tree:
    """What links of a folder may lead to: the library it lies in, else itself."""
    return Tree(root if folder.is_relative_to(root) else folder)


def _take(found: Found, path: Path, empty: SourceFile, within: Tree | None) -> None:
    """Reads one file, where it is of a kind that is read; links only `within`, named ones all."""
    suffix = path.suffix.lower()
    if suffix not in KINDS | _ARCHIVES and not empty.is_named:
        found.left_alone[suffix or path.name] += 1
        return
    try:
        raw = read_named(path, MAX_FILE_BYTES) if within is None else _read(within, path)
    except (OSError, KbError) as error:
        why = error.what if isinstance(error, KbError) else error.strerror or str(error)
        found.files.append(FoundFile(empty, path, f"cannot be read: {why}"))
        return
    _take_read(found, FoundFile(replace(empty, raw=raw), path), level=1)


def _read(tree: Tree, path: Path) -> bytes:
    """The bytes of a file that was come upon. Raises like `Tree.read`."""
    raw, size = tree.read(path, MAX_FILE_BYTES)
    if size > MAX_FILE_BYTES:
        raise KbError(f"{size / 1e6:.0f} MB is more than is read", where=str(path))
    return raw


def _take_read(found: Found, one: FoundFile, level: int) -> None:
    file = one.file
    if file.suffix in _ARCHIVES and level <= _MOST_ARCHIVES:
        _unpack(found, one, level)
    elif not file.is_named and file.suffix in _WHERE_NAMED:
        found.left_alone[f"{file.suffix}, which is read where it is named"] += 1
    elif not file.is_named and file.suffix in _DATA and source_of(file) is None:
        found.left_alone[f"{file.suffix} of no incident tool"] += 1
    else:
        found.files.append(one)


def _unpack(found: Found, archive: FoundFile, level: int) -> None:
    """The files of an archive, read into memory: none is written."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive.file.raw)) as unpacked:
            members = [member for member in unpacked.infolist() if not member.is_dir()]
            size = sum(member.file_size for member in members)
            if fault := _too_much(len(members), found.unpacked_bytes + size):
                found.files.append(replace(archive, fault=fault))
                return
            found.unpacked_bytes += size
            for member in sorted(members, key=lambda one: one.filename):
                suffix = PurePosixPath(member.filename).suffix.lower()
                if suffix not in KINDS | _ARCHIVES:
                    found.left_alone[suffix or "without an ending"] += 1
                    continue
                name = f"{archive.file.name}/{member.filename}"
                file = SourceFile(name, unpacked.read(member), is_named=False)
                _take_read(found, FoundFile(file, None), level + 1)
    except ZIP_FAULTS as error:
        found.files.append(replace(archive, fault=f"a zip that cannot be unpacked: {error}"))


def _too_much(members: int, size: int) -> str:
    if members > _MAX_MEMBERS or size > _MAX_UNPACKED_BYTES:
        amount = f"a zip of {members} files, and {size / 1e6:.0f} MB with all before it"
        return f"{amount}; unpack it, and name a folder"
    return ""
