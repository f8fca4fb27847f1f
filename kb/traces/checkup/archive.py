"""The runs of an archive, file by file, one run in memory, nothing read twice.

What was found in a file is kept until the file changes, and of a large one as far as it was read,
so that a pass that was interrupted goes on where it stopped. A file that cannot be read is named
and skipped. Several processes may read, each a file; runs are redacted when they are to be shown.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import msgspec

from kb.errors import KbError
from kb.safe_files import walk
from kb.traces.canonical_json import digest
from kb.traces.checkup.in_words import without_words
from kb.traces.checkup.measure import VERSION, RunSummary, facts
from kb.traces.checkup.memory import (
    FileFacts,
    Memory,
    forget_part,
    kept_in,
    part_of,
    plain_name,
    shown_path,
)
from kb.traces.read_runs import ReadingSettings, open_reading
from kb.traces.redaction.redact import safe_path, safely

#: Files that hold no trace whatever they are called: notes, pictures. Packed ones may.
_NO_TRACES = frozenset(
    {".md", ".txt", ".rst", ".html", ".css", ".js", ".py", ".toml", ".lock"}
    | {".png", ".jpg", ".jpeg", ".gif", ".svg", ".pdf"}
)
_BLOBS = "blobs"


@dataclass(frozen=True)
class Progress:
    """Where a pass is: files done of all, the one that is being read, and the runs found in it."""

    done: int
    files: int
    file: str
    runs: int = 0


@dataclass(frozen=True)
class Archive:
    """The files to look at, and what was passed over, each with its reason."""

    files: tuple[Path, ...]
    passed_over: tuple[tuple[Path, str], ...] = ()


def archive_of(paths: Sequence[Path]) -> Archive:
    """The files to look at: those named, and all below the folders named, sorted.

    Links are not followed; hidden files and what cannot hold a trace are passed over in folders.
    Raises `KbError` for a path that is not there.
    """
    found: dict[Path, None] = {}
    passed_over: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            for file, why in _below(path):
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


def trace_files(paths: Sequence[Path]) -> tuple[Path, ...]:
    """The files to look at; see `archive_of`."""
    return archive_of(paths).files


def _is_read_with(path: Path, found: dict[Path, None]) -> bool:
    folder = path.parent
    is_agent = folder.name == "subagents" and path.name.startswith("agent-")
    return is_agent and folder.parent.with_suffix(".jsonl") in found


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    """The files below a folder, each with the reason why it is passed over, empty for none."""
    for where, folders, names in walk(folder):
        for name in sorted(n for n in folders if n.startswith(".") or n == _BLOBS):
            yield Path(where) / name, "a folder that is hidden, or holds no traces by its name"
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n != _BLOBS)
        for name in sorted(names):
            yield Path(where) / name, _passed_over(Path(where) / name)


def _passed_over(file: Path) -> str:
    if file.name.startswith("."):
        return "hidden"
    if file.is_symlink():
        return "a link: none is followed"
    if file.suffix.lower() in _NO_TRACES:
        return f"{file.suffix.lower()} holds no trace"
    return "" if file.is_file() else "no regular file"


def examine(
    files: Sequence[Path],
    settings: ReadingSettings,
    state: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    executor: Executor | None = None,
) -> Iterator[FileFacts]:
    """What is in each file, those known from an earlier pass first, then in the order given.

    `state` is the file that remembers; without one nothing is kept. `executor` reads several files
    at a time: a pool of processes, or anything with that interface.
    """
    done = set()
    for known in _remembered(state, files):
        done.add(known.path_digest)
        yield known
    left = [
        (number, file) for number, file in enumerate(files) if digest(plain_name(file)) not in done
    ]
    with Memory(state) as memory:
        for number, found in _read_all(left, settings, state, executor, _Told(files, progress)):
            memory.keep(found)
            forget_part(state, files[number])
            yield found


class _Told:
    """Says where a pass is, to whoever wants to know."""

    def __init__(self, files: Sequence[Path], progress: Callable[[Progress], None] | None) -> None:
        self._files, self._progress = files, progress

    def tell(self, number: int, runs: int = 0) -> None:
        """Say which file is being read, and how many runs were found in it."""
        if self._progress is not None:
            name = safe_path(plain_name(self._files[number].name))
            self._progress(Progress(number, len(self._files), name, runs))


def _read_all(
    left: Sequence[tuple[int, Path]],
    settings: ReadingSettings,
    state: Path | None,
    executor: Executor | None,
    told: _Told,
) -> Iterator[tuple[int, FileFacts]]:
    waiting: deque[tuple[int, Path, Future[FileFacts] | None]] = deque()
    for number, file in left:
        future = None
        with suppress(BrokenExecutor):  # a process that was killed: this one reads what is left
            future = executor.submit(_examined, file, settings, state) if executor else None
        waiting.append((number, file, future))
        if executor is None or len(waiting) >= _MOST_WAITING:
            yield _next(waiting, settings, state, told)
    while waiting:
        yield _next(waiting, settings, state, told)


def _next(
    waiting: deque[tuple[int, Path, Future[FileFacts] | None]],
    settings: ReadingSettings,
    state: Path | None,
    told: _Told,
) -> tuple[int, FileFacts]:
    number, file, future = waiting.popleft()
    told.tell(number)
    if future is not None:
        with suppress(BrokenExecutor):
            return number, future.result()
    return number, _examined(file, settings, state, lambda runs: told.tell(number, runs))


#: Files that are read, or were, before the first of them was taken in.
_MOST_WAITING = 32


@contextmanager
def readers(files: Sequence[Path]) -> Iterator[Executor | None]:
    """A pool of processes to read files with; None where one is as fast, or none can be forked."""
    large = sum(file.stat().st_size > _LARGE_BYTES for file in files if file.is_file())
    processes = min(_cores(), large)
    if processes < 2:  # noqa: PLR2004 - one is no pool
        yield None
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


#: A smaller file is read before a process has begun: 20 ms at 50 MB/s.
_LARGE_BYTES = 1_000_000
_MOST_PROCESSES = 8


def _cores() -> int:
    """The cores this process may use; one where processes cannot be forked safely."""
    if sys.platform in {"darwin", "win32"} or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST_PROCESSES)


def state_file(folder: Path, files: Iterable[Path], settings: ReadingSettings) -> Path:
    """Where a pass over these files with these settings is remembered."""
    folders = sorted({plain_name(file.parent.resolve()) for file in files})
    known = [VERSION, folders, dict(settings.effects), settings.policy, settings.allow]
    return folder / f"{digest([*known, settings.format, settings.look_only])}.jsonl"


def _examined(
    file: Path,
    settings: ReadingSettings,
    state: Path | None = None,
    tell: Callable[[int], None] | None = None,
) -> FileFacts:
    shown, known_by = shown_path(file), digest(plain_name(file))
    try:
        stat = file.stat()
    except OSError as fault:
        error = str(fault.strerror or fault)
        return FileFacts(file=shown, path_digest=known_by, size=0, modified=0, error=error)
    part = FileFacts(file=shown, path_digest=known_by, size=stat.st_size, modified=stat.st_mtime_ns)
    with Memory(part_of(state, file)) as memory:
        return _facts(file, part, settings, memory, _read_before(state, file, part), tell)


def _facts(
    file: Path,
    part: FileFacts,
    settings: ReadingSettings,
    memory: Memory,
    known: list[RunSummary],
    tell: Callable[[int], None] | None,
) -> FileFacts:
    """The facts of the runs of a file, and why it could not be read to its end."""
    runs, error, kept = known, "", len(known)
    try:
        reading = open_reading(file, settings)
        for run in reading.runs(len(known)):
            summary = facts(run, part.file, len(runs) + 1)
            runs.append(without_words(summary, settings) if settings.look_only else summary)
            if len(runs) - kept >= _RUNS_A_PART:
                memory.keep(msgspec.structs.replace(part, runs=tuple(runs[kept:])))
                kept = len(runs)
                if tell is not None:
                    tell(kept)
    except KbError as fault:
        error = fault.what
    except Exception as fault:  # noqa: BLE001 - one bad file must not end a pass over thousands
        error = f"unexpected {type(fault).__name__}: {safely(str(fault))}"
    return msgspec.structs.replace(part, runs=tuple(runs), error=error)


#: After so many runs of one file what was found in it is kept: a second's work, some 200 kB.
_RUNS_A_PART = 500


def _read_before(state: Path | None, file: Path, part: FileFacts) -> list[RunSummary]:
    """The runs that an interrupted pass found in a file that has not changed since."""
    runs: list[RunSummary] = []
    for found in kept_in(part_of(state, file)):
        if (found.size, found.modified) != (part.size, part.modified):
            return []
        if found.runs and found.runs[0].number == len(runs) + 1:
            runs += found.runs
    return runs


def _remembered(state: Path | None, files: Sequence[Path]) -> Iterator[FileFacts]:
    """What an earlier pass found in files that have not changed since."""
    wanted = {digest(plain_name(file)): file for file in files}
    for known in kept_in(state):
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
