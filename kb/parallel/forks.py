"""Work that is done on what this process holds, by forks of it: nothing is sent to a worker.

To pickle what thousands of pages are made of costs more than the pages.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from typing import TYPE_CHECKING, Any, TypeVar

from kb.errors import KbError

if TYPE_CHECKING:  # not on Windows
    from multiprocessing.context import ForkProcess

Task = TypeVar("Task")
Result = TypeVar("Result")

_MOST = 8


def usable_cores() -> int:
    """The cores this process may use; one where processes cannot be forked safely."""
    if sys.platform in {"darwin", "win32"} or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def forked(
    work: Callable[[Iterable[Task]], Result],
    tasks: Sequence[Task],
    processes: int,
    *,
    may_repeat: bool = True,
) -> list[Result]:
    """What each process made of the tasks that it took; each task is taken by one of them.

    A process takes a task when it has done the one before, so the long ones come first. A result is
    pickled. Raises what `work` raises: where a process is lost, all is done here, once more, or,
    where work may not be done twice, `KbError` is raised. Only the main thread forks: what others
    hold locked at that moment would stay locked.
    """
    is_main = threading.current_thread() is threading.main_thread()
    may_fork = is_main and not multiprocessing.current_process().daemon
    if min(processes, len(tasks)) <= 1 or not may_fork:
        return [work(tasks)]
    try:
        with _forks(work, tasks, processes) as pipes:
            return [pipe.recv() for pipe in pipes]
    except (EOFError, OSError) as error:
        if not may_repeat:
            raise KbError(
                "a process was lost in the middle of its work",
                todo="Run the same command again; a machine short of memory ends processes.",
            ) from error
        return [work(tasks)]


@contextmanager
def _forks(
    work: Callable[[Iterable[Task]], Result], tasks: Sequence[Task], processes: int
) -> Iterator[list[Connection]]:
    """A pipe to each process; the processes are gone at the end."""
    fork = multiprocessing.get_context("fork")
    taken: Synchronized[int] = fork.Value("i", 0)
    pipes: list[Connection] = []
    started: list[ForkProcess] = []
    try:
        for _ in range(processes):
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_work, args=(work, tasks, taken, theirs), daemon=True)
            process.start()
            theirs.close()  # so that a process that dies is noticed at our end
            started.append(process)
            pipes.append(ours)
        yield pipes
    finally:
        for process in started:
            process.kill()
            process.join()


def _work(
    work: Callable[[Iterable[Any]], Any],
    tasks: Sequence[Any],
    taken: Synchronized[int],
    pipe: Connection,
) -> None:
    """What a process does; whatever goes wrong, it ends without a word and is noticed."""
    gc.freeze()  # what it was forked with is never garbage, and looking through it takes long
    try:
        pipe.send(work(_taken(tasks, taken)))
        os._exit(
            0
        )  # to take apart first what it was forked with takes a while, and changes nothing
    except BaseException:  # noqa: BLE001 - the first process does the work alone, and reports
        os._exit(1)


def _taken(tasks: Sequence[Task], taken: Synchronized[int]) -> Iterator[Task]:
    """The tasks that nobody has taken yet, one by one."""
    while True:
        with taken.get_lock():
            number = taken.value
            taken.value = number + 1
        if number >= len(tasks):
            return
        yield tasks[number]
