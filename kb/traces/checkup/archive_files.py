"""The files of an archive: which of them may hold traces, and why the others are passed over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kb.errors import KbError
from kb.safe_files import walk
from kb.traces.checkup.remote_files import RemoteFile, is_address, list_remote

#: Files that hold no trace whatever they are called: notes, pictures. Packed ones may.
_NO_TRACES = frozenset(
    {".md", ".txt", ".rst", ".html", ".css", ".js", ".py", ".toml", ".lock"}
    | {".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf"}
)
_BLOBS = "blobs"


TraceFile = Path | RemoteFile


@dataclass(frozen=True)
class Archive:
    """The files to look at, and what was passed over, each with its reason."""

    files: tuple[TraceFile, ...]
    passed_over: tuple[tuple[Path | str, str], ...] = ()


def archive_of(paths: Sequence[Path | str]) -> Archive:
    """The files to look at: those named, and all below the folders or addresses named, sorted.

    Links are not followed; hidden files and what cannot hold a trace are passed over in folders.
    Raises `KbError` for a path that is not there, and an address that cannot be listed.
    """
    here = _archive_here([Path(path) for path in paths if not is_address(str(path))])
    for address in filter(is_address, map(str, paths)):
        there = _archive_there(address)
        files = dict.fromkeys((*here.files, *there.files))
        here = Archive(tuple(files), (*here.passed_over, *there.passed_over))
    return here


def _archive_there(address: str) -> Archive:
    folder = list_remote(address)
    start = len(address.rstrip("/"))
    names: dict[str, str] = {name: _passed_over_by_name(name[start:]) for name in folder.found}
    kept = [name for name, why in names.items() if not why]
    beside = _read_together(kept)
    alone = set(kept).difference(*beside.values()) if beside else kept
    files = [
        RemoteFile(name, *folder.found[name], tuple(beside.get(name, ())))
        for name in kept
        if name in alone
    ]
    return Archive(tuple(files), tuple((name, why) for name, why in names.items() if why))


def _passed_over_by_name(within: str) -> str:
    """Why a file of a store is passed over, by the parts of its name below the one that was given.

    A single file that was named is never passed over.
    """
    *folders, name = PurePosixPath(within.lstrip("/")).parts or ("",)
    if any(part.startswith(".") or part == _BLOBS for part in folders):
        return _HIDDEN_FOLDER
    return _by_name(name) if name else ""


def _read_together(names: Sequence[str]) -> dict[str, list[str]]:
    """The files that are read with another: those of the agents of a session, by the session."""
    known = set(names)
    together: dict[str, list[str]] = {}
    for name in names:
        head, mark, _ = name.partition("/subagents/agent-")
        if mark and f"{head}.jsonl" in known:
            together.setdefault(f"{head}.jsonl", []).append(name)
    return together


def _archive_here(paths: Sequence[Path]) -> Archive:
    found: dict[Path, None] = {}
    passed_over: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            for file, why in _files_below(path):
                if why:
                    passed_over[file] = why
                else:
                    found[file] = None
        elif path.is_file():
            found[path] = None
        else:
            raise KbError("is not there", where=str(path), todo="Name a folder or a file.")
    # A session is read with the files of its agents: by themselves they would count twice.
    alone = [path for path in found if not _is_read_with(path, found)]
    return Archive(tuple(alone), tuple(passed_over.items()))


def trace_files(paths: Sequence[Path | str]) -> tuple[TraceFile, ...]:
    """The files to look at; see `archive_of`."""
    return archive_of(paths).files


def _is_read_with(path: Path, found: dict[Path, None]) -> bool:
    folder = path.parent
    is_agent = folder.name == "subagents" and path.name.startswith("agent-")
    return is_agent and folder.parent.with_suffix(".jsonl") in found


def _files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files below a folder, each with the reason why it is passed over, empty for none."""
    for where, folders, names in walk(folder):
        for name in sorted(n for n in folders if n.startswith(".") or n == _BLOBS):
            yield Path(where) / name, _HIDDEN_FOLDER
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n != _BLOBS)
        for name in sorted(names):
            yield Path(where) / name, _passed_over(Path(where) / name)


_HIDDEN_FOLDER = "a folder that is hidden, or holds no traces by its name"


def _passed_over(file: Path) -> str:
    if not file.name.startswith(".") and file.is_symlink():
        return "a link: none is followed"
    return _by_name(file.name) or ("" if file.is_file() else "no regular file")


def _by_name(name: str) -> str:
    if name.startswith("."):
        return "hidden"
    suffix = PurePosixPath(name).suffix.lower()
    return f"{suffix} holds no trace" if suffix in _NO_TRACES else ""
