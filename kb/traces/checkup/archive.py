"""The runs of an archive, file by file, one run in memory, nothing read twice.

What was found in a file is kept until the file changes, so that a pass that was interrupted goes
on where it stopped. A file that cannot be read is named and skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from kb.errors import KbError
from kb.library import local_place, make_local_folder
from kb.safe_files import UnsafePathError, walk
from kb.traces.canonical_json import digest
from kb.traces.checkup.measure import VERSION, RunSummary, facts
from kb.traces.read_runs import ReadingSettings, read_runs
from kb.traces.redaction.redact import safe_path, safely

#: Files that hold no trace whatever they are called: notes, pictures. Packed ones may.
_NO_TRACES = frozenset(
    {".md", ".txt", ".rst", ".html", ".css", ".js", ".py", ".toml", ".lock"}
    | {".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf"}
)
_BLOBS = "blobs"


class FileFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found in one file; `error` says why it could not be read to its end.

    `file` is its path as it may be shown; `path_digest` tells it from others with that path.
    """

    file: str
    path_digest: str = ""
    size: int
    modified: int
    runs: tuple[RunSummary, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class Progress:
    """Where a pass is: files done of all, and the one that is being read."""

    done: int
    files: int
    file: str


def trace_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files to look at: those named, and all below the folders named, sorted.

    Links are not followed; hidden files and what cannot hold a trace are passed over in folders.
    Raises `KbError` for a path that is not there.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_dir():
            found |= dict.fromkeys(_below(path))
        elif path.is_file():
            found[path] = None
        else:
            raise KbError("is not there", where=str(path), todo="Name a folder or a file.")
    # A session is read with the files of its agents: by themselves they would count twice.
    return tuple(path for path in found if not _is_read_with(path, found))


def _is_read_with(path: Path, found: dict[Path, None]) -> bool:
    folder = path.parent
    is_agent = folder.name == "subagents" and path.name.startswith("agent-")
    return is_agent and folder.parent.with_suffix(".jsonl") in found


def _below(folder: Path) -> Iterator[Path]:
    for where, folders, names in walk(folder):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n != _BLOBS)
        for name in sorted(names):
            file = Path(where) / name
            if name.startswith(".") or file.suffix.lower() in _NO_TRACES or file.is_symlink():
                continue
            if file.is_file():
                yield file


def examine(
    files: Sequence[Path],
    settings: ReadingSettings,
    state: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> Iterator[FileFacts]:
    """What is in each file, those known from an earlier pass first.

    `state` is the file that remembers; without one nothing is kept.
    """
    done = set()
    for known in _remembered(state, files):
        done.add(known.path_digest)
        yield known
    with _Memory(state) as memory:
        for number, file in enumerate(files):
            if digest(_name(file)) not in done:
                if progress is not None:
                    progress(Progress(number, len(files), safe_path(_name(file.name))))
                found = _examined(file, settings)
                memory.keep(found)
                yield found


def shown_path(file: Path) -> str:
    """The path of a file as reports name it: what is sensitive in it is replaced."""
    return safe_path(_name(file))


def _name(file: Path | str) -> str:
    """The path as text that every encoder takes, also where its bytes are no UTF-8."""
    return os.fsencode(file).decode("utf-8", "replace")


def state_file(folder: Path, files: Iterable[Path], settings: ReadingSettings) -> Path:
    """Where a pass over these files with these settings is remembered."""
    folders = sorted({_name(file.parent.resolve()) for file in files})
    known = [VERSION, folders, dict(settings.effects), settings.policy, settings.allow]
    return folder / f"{digest([*known, settings.format])}.jsonl"


def _examined(file: Path, settings: ReadingSettings) -> FileFacts:
    shown, known_by = shown_path(file), digest(_name(file))
    try:
        stat = file.stat()
    except OSError as fault:
        error = str(fault.strerror or fault)
        return FileFacts(file=shown, path_digest=known_by, size=0, modified=0, error=error)
    runs, error = _facts(file, shown, settings)
    return FileFacts(
        file=shown,
        path_digest=known_by,
        size=stat.st_size,
        modified=stat.st_mtime_ns,
        runs=runs,
        error=error,
    )


def _facts(file: Path, shown: str, settings: ReadingSettings) -> tuple[tuple[RunSummary, ...], str]:
    """The facts of the runs of a file, and why it could not be read to its end."""
    runs: list[RunSummary] = []
    try:
        for number, run in enumerate(read_runs(file, settings), 1):
            runs.append(facts(run, shown, number))
    except KbError as fault:
        return tuple(runs), fault.what
    except Exception as fault:  # noqa: BLE001 - one bad file must not end a pass over thousands
        return tuple(runs), f"unexpected {type(fault).__name__}: {safely(str(fault))}"
    return tuple(runs), ""


def _remembered(state: Path | None, files: Sequence[Path]) -> Iterator[FileFacts]:
    """What an earlier pass found in files that have not changed since."""
    if state is None or not state.is_file() or state.is_symlink():
        return
    wanted = {digest(_name(file)): file for file in files}
    decoder = msgspec.json.Decoder(FileFacts)
    try:
        root, place = local_place(state)
    except UnsafePathError:
        return
    with root.open_regular(place) as stream:
        for line in stream:
            try:
                known = decoder.decode(line)
            except msgspec.MsgspecError:  # the last line of a pass that was killed
                continue
            file = wanted.get(known.path_digest)
            if file is not None and _is_unchanged(file, known):
                del wanted[known.path_digest]
                yield known


def _is_unchanged(file: Path, known: FileFacts) -> bool:
    try:
        stat = file.stat()
    except OSError:
        return False
    return (stat.st_size, stat.st_mtime_ns) == (known.size, known.modified)


class _Memory:
    """The file that remembers, written line by line; where it cannot be written, nothing is."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None
        self._held = ExitStack()

    def __enter__(self) -> _Memory:
        if self._path is not None:
            try:
                make_local_folder(self._path.parent)
                root, place = local_place(self._path)
                self._stream = self._held.enter_context(root.appending(place))
                # A killed pass may have left half a line.
                self._stream.write(b"\n" if self._stream.tell() else b"")
            except (OSError, UnsafePathError):
                self._stream = None
        return self

    def keep(self, found: FileFacts) -> None:
        """Remember what was found in a file."""
        if self._stream is not None:
            self._stream.write(msgspec.json.encode(found) + b"\n")
            self._stream.flush()

    def __exit__(self, *_: object) -> None:
        self._held.close()
