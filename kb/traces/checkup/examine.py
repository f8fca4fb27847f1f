"""The runs of an archive, file by file, one run in memory, nothing read twice.

What was found in a file is kept until the file changes, and of a large one as far as it was read,
so that a pass that was interrupted goes on where it stopped. A file that cannot be read is named
and skipped, and so is one that ends its reader. Many workers may read (`kb.parallel`); what they
give is redacted, or has no words.
"""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from kb.errors import KbError
from kb.parallel.forks import usable_cores
from kb.parallel.run_tasks import run_tasks
from kb.parallel.workers import LocalWorkers, Workers
from kb.traces.canonical_json import digest
from kb.traces.checkup.archive_files import TraceFile
from kb.traces.checkup.progress_file import (
    FileFacts,
    Memory,
    part_file,
    plain_name,
    read_progress,
    remove_part_file,
    shown_path,
)
from kb.traces.checkup.remote_files import RemoteFile, on_this_machine
from kb.traces.checkup.run_facts import VERSION, RunSummary, facts
from kb.traces.checkup.show_runs import without_words
from kb.traces.read_runs import ReadingSettings, open_reading
from kb.traces.redaction import safe_path, safe_text


@dataclass(frozen=True)
class Progress:
    """Where a pass is: files done of all, the one that is being read, and the runs found in it."""

    done: int
    files: int
    file: str
    runs: int = 0


def examine(
    files: Sequence[TraceFile],
    settings: ReadingSettings,
    state: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
    workers: Workers | None = None,
) -> Iterator[FileFacts]:
    """What is in each file, those known from an earlier pass first, then in the order given.

    `state` is the file that remembers; without one nothing is kept. `workers` read several files
    at a time; without them this process does.
    """
    done = set()
    for known in _remembered(state, files):
        done.add(known.path_digest)
        yield known
    left = [
        (number, file) for number, file in enumerate(files) if digest(plain_name(file)) not in done
    ]
    told = _Told(files, progress)
    with Memory(state) as memory:
        for number, found in (
            _read_by(workers, left, settings, state, told)
            if workers
            else _read_here(left, settings, state, told)
        ):
            memory.keep(found)
            remove_part_file(state, files[number])
            yield found


_Numbered = tuple[int, TraceFile]


class _Told:
    """Says where a pass is, to whoever wants to know."""

    def __init__(
        self, files: Sequence[TraceFile], progress: Callable[[Progress], None] | None
    ) -> None:
        self._files, self._progress = files, progress

    def tell(self, number: int, runs: int = 0) -> None:
        """Say which file is being read, and how many runs were found in it."""
        if self._progress is not None:
            name = safe_path(plain_name(self._files[number].name))
            self._progress(Progress(number, len(self._files), name, runs))


def _read_here(
    left: Sequence[_Numbered], settings: ReadingSettings, state: Path | None, told: _Told
) -> Iterator[tuple[int, FileFacts]]:
    for number, file in left:
        told.tell(number)
        yield number, examine_file(file, settings, state, partial(told.tell, number))


def _read_by(
    workers: Workers,
    left: Sequence[_Numbered],
    settings: ReadingSettings,
    state: Path | None,
    told: _Told,
) -> Iterator[tuple[int, FileFacts]]:
    """Reading by workers; those elsewhere get neither our key nor the place where we remember."""
    if not workers.are_here:
        settings, state = dataclasses.replace(settings, key=None), None
    work = partial(_examine_numbered, settings=settings, state=state, folder=Path.cwd())
    for (number, file), found in run_tasks(work, left, workers, _weight):
        told.tell(number)
        yield number, found or _given_up(file)


def _examine_numbered(
    task: _Numbered, settings: ReadingSettings, state: Path | None, folder: Path
) -> FileFacts:
    """What is in a file; `folder` is where its path begins, whatever a worker's own folder is."""
    file = task[1]
    place = folder / file if isinstance(file, Path) else file
    return examine_file(file, settings, state, place=place)


def _weight(task: _Numbered) -> int:
    return _size(task[1])


def _size(file: TraceFile) -> int:
    try:
        return _version(file)[0]
    except OSError:
        return 0


def _given_up(file: TraceFile) -> FileFacts:
    """A file whose reader was gone each time: memory that ran out, or a fault of a library."""
    return _bare(file, file, error="ended the process that read it, twice")


def _bare(file: TraceFile, place: TraceFile, error: str = "") -> FileFacts:
    """What is known of a file, which lies at `place`, before it is read."""
    shown, known_by = shown_path(file), digest(plain_name(file))
    try:
        size, modified = _version(place)
    except OSError as fault:
        size, modified, error = 0, 0, str(fault.strerror or fault)
    return FileFacts(file=shown, path_digest=known_by, size=size, modified=modified, error=error)


def _version(file: TraceFile) -> tuple[int, int]:
    """Bytes of a file, and a number that changes when it does. Raises `OSError`."""
    if isinstance(file, RemoteFile):
        return file.size, file.stamp
    stat = file.stat()
    return stat.st_size, stat.st_mtime_ns


@contextmanager
def readers(files: Sequence[TraceFile]) -> Iterator[LocalWorkers | None]:
    """Processes to read files with; None where one is as fast, or none can be forked."""
    processes = min(usable_cores(), sum(map(_size, files)) // _LARGE_BYTES)
    if processes < 2:  # noqa: PLR2004 - one is no pool
        yield None
        return
    # Who has talked to a store has threads, and a fork of those may wait for ever.
    has_threads = any(isinstance(file, RemoteFile) for file in files)
    with LocalWorkers(processes, "spawn" if has_threads else "fork") as workers:
        yield workers


#: What one process reads before another has begun: 20 ms at 50 MB/s.
_LARGE_BYTES = 1_000_000


def state_file(folder: Path, files: Iterable[TraceFile], settings: ReadingSettings) -> Path:
    """Where a pass over these files with these settings is remembered."""
    folders = sorted({plain_name(_folder(file)) for file in files})
    known = [VERSION, folders, dict(settings.effects), settings.policy, settings.allow]
    return folder / f"{digest([*known, settings.format, settings.look_only])}.jsonl"


def _folder(file: TraceFile) -> Path | str:
    if isinstance(file, RemoteFile):
        return file.address.rpartition("/")[0]
    return file.parent.resolve()


def examine_file(
    file: TraceFile,
    settings: ReadingSettings,
    state: Path | None = None,
    tell: Callable[[int], None] | None = None,
    place: TraceFile | None = None,
) -> FileFacts:
    """What is in one file; `place` is where it is read when that is elsewhere.

    `state` is the folder in which progress is kept, `tell` hears of the runs as they are counted.
    """
    place = place or file
    part = _bare(file, place)
    if part.error:
        return part
    with Memory(part_file(state, file)) as memory:
        return _facts(place, part, settings, memory, _read_before(state, file, part), tell)


def _facts(
    file: TraceFile,
    part: FileFacts,
    settings: ReadingSettings,
    memory: Memory,
    known: list[RunSummary],
    tell: Callable[[int], None] | None,
) -> FileFacts:
    """The facts of the runs of a file, and why it could not be read to its end."""
    runs, error, kept = known, "", len(known)
    try:
        with on_this_machine(file) as here, _seldom_collecting():
            for run in open_reading(here, settings).runs(len(known)):
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
        error = f"unexpected {type(fault).__name__}: {safe_text(str(fault))}"
    return msgspec.structs.replace(part, runs=tuple(runs), error=error)


@contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Python looks for circles seldom: there are none in runs, and looking took 7 % of the time."""
    before = gc.get_threshold()
    gc.set_threshold(_MADE_BETWEEN, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


_MADE_BETWEEN = 100_000


#: After so many runs of one file what was found in it is kept: a second's work, some 200 kB.
_RUNS_A_PART = 500


def _read_before(state: Path | None, file: TraceFile, part: FileFacts) -> list[RunSummary]:
    """The runs that an interrupted pass found in a file that has not changed since."""
    runs: list[RunSummary] = []
    for found in read_progress(part_file(state, file)):
        if (found.size, found.modified) != (part.size, part.modified):
            return []
        if found.runs and found.runs[0].number == len(runs) + 1:
            runs += found.runs
    return runs


def _remembered(state: Path | None, files: Sequence[TraceFile]) -> Iterator[FileFacts]:
    """What an earlier pass found in files that have not changed since."""
    wanted = {digest(plain_name(file)): file for file in files}
    for known in read_progress(state):
        file = wanted.get(known.path_digest)
        if file is not None and _is_unchanged(file, known):
            del wanted[known.path_digest]
            yield known


def _is_unchanged(file: TraceFile, known: FileFacts) -> bool:
    try:
        return _version(file) == (known.size, known.modified)
    except OSError:
        return False
