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
from kb.records.document import is_record_name
from kb.safe_files import read_named, walk

_ARCHIVES = frozenset({".zip"})
#: Kinds that hold much besides postmortems: in a folder they are taken only where their shape is
#: known, and a table only where a person named it.
_DATA = frozenset({".json", ".csv"})
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
    """What lies under the named paths; `left_alone` counts what is of no kind that is read."""

    files: list[FoundFile] = field(default_factory=list)
    left_alone: Counter[str] = field(default_factory=Counter)


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
            raise KbError("no such file or folder", where=str(path), todo="Nothing was written.")
        is_folder = path.is_dir()
        for file in _below(path.absolute()) if is_folder else (path.absolute(),):
            if file not in seen:
                seen.add(file)
                _take(found, file, _name(file, root), columns or {}, is_named=not is_folder)
    return found


def _below(folder: Path) -> Iterator[Path]:
    """The files of a folder; what lies beside a record in a folder of its name is its evidence."""
    for place, folders, names in walk(folder):
        folders[:] = sorted(
            name for name in folders if name[:1] != "." and not is_record_name(f"{name}.md")
        )
        yield from (Path(place, name) for name in sorted(names) if name[:1] != ".")


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _take(
    found: Found, path: Path, name: str, columns: Mapping[str, str], *, is_named: bool
) -> None:
    """Reads one file, where it is of a kind that is read."""
    suffix = path.suffix.lower()
    if suffix not in KINDS | _ARCHIVES and not is_named:
        found.left_alone[suffix or path.name] += 1
        return
    empty = SourceFile(name, b"", columns, is_named)
    try:
        raw = read_named(path, MAX_FILE_BYTES)
    except (OSError, KbError) as error:
        why = error.what if isinstance(error, KbError) else error.strerror or str(error)
        found.files.append(FoundFile(empty, path, f"cannot be read: {why}"))
        return
    _take_read(found, FoundFile(replace(empty, raw=raw), path), level=1)


def _take_read(found: Found, one: FoundFile, level: int) -> None:
    file = one.file
    if file.suffix in _ARCHIVES and level <= _MOST_ARCHIVES:
        _unpack(found, one, level)
    elif not file.is_named and file.suffix == ".csv":
        found.left_alone[".csv, which is read where it is named"] += 1
    elif not file.is_named and file.suffix in _DATA and source_of(file) is None:
        found.left_alone[f"{file.suffix} of no incident tool"] += 1
    else:
        found.files.append(one)


def _unpack(found: Found, archive: FoundFile, level: int) -> None:
    """The files of an archive, read into memory: none is written."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive.file.raw)) as unpacked:
            members = [member for member in unpacked.infolist() if not member.is_dir()]
            if fault := _too_much(members):
                found.files.append(replace(archive, fault=fault))
                return
            for member in sorted(members, key=lambda one: one.filename):
                suffix = PurePosixPath(member.filename).suffix.lower()
                if suffix not in KINDS | _ARCHIVES:
                    found.left_alone[suffix or "without an ending"] += 1
                    continue
                name = f"{archive.file.name}/{member.filename}"
                file = SourceFile(name, unpacked.read(member), is_named=False)
                _take_read(found, FoundFile(file, None), level + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        found.files.append(replace(archive, fault=f"a zip that cannot be unpacked: {error}"))


def _too_much(members: list[zipfile.ZipInfo]) -> str:
    size = sum(member.file_size for member in members)
    if len(members) > _MAX_MEMBERS or size > _MAX_UNPACKED_BYTES:
        return (
            f"a zip of {len(members)} files and {size / 1e6:.0f} MB; unpack it, and name a folder"
        )
    return ""
