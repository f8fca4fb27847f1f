"""Processes forked from this one, to work on what it holds: nothing is sent to a worker.

To pickle what thousands of pages are made of costs more than the pages.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from kb.errors import KbError

if TYPE_CHECKING:  # who needs one process alone loads none of it
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess
    from multiprocessing.sharedctypes import Synchronized

Task = TypeVar("Task")
Share = TypeVar("Share")
Result = TypeVar("Result")

_MOST = 8


def usable_cores() -> int:
    """The cores this process may use; one where processes cannot be forked safely."""
    if sys.platform in {"darwin", "win32"} or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def run_in_forks(
    work: Callable[[Iterable[Task]], Result],
    tasks: Sequence[Task],
    processes: int,
    *,
    may_repeat: bool = True,
) -> list[Result]:
    """What each process made of the tasks that it took; each task is taken by one of them.

    A process takes a task when it has done the one before, so the long ones come first. A result is
    pickled. Where `work` fails in a process, or one is lost, all is done here once more, which
    raises what `work` raises; where work may not be done twice, both are the same `KbError`. Only
    the main thread forks: what others hold locked at that moment would stay locked.
    """
    import multiprocessing

    is_main = threading.current_thread() is threading.main_thread()
    may_fork = is_main and not multiprocessing.current_process().daemon
    if min(processes, len(tasks)) <= 1 or not may_fork:
        return [work(tasks)]
    try:
        taken = multiprocessing.get_context("fork").Value("i", 0)
        with forks(partial(_send_result, work, tasks, taken), range(processes)) as pipes:
            return [pipe.recv() for pipe in pipes]
    except (EOFError, OSError) as error:
        if not may_repeat:
            raise KbError(
                "a process was lost in the middle of its work",
                todo="Run the same command again; a machine short of memory ends processes.",
            ) from error
        return [work(tasks)]


@contextmanager
def forks(
    work: Callable[[Share, Connection], None], shares: Sequence[Share]
) -> Iterator[list[Connection]]:
    """A pipe to a process for each share, in which `work` runs; the processes are gone at the end.

    Whatever goes wrong in a process, it ends without a word: who reads its pipe gets `EOFError`.
    Raises `OSError` where a process cannot be started.
    """
    import multiprocessing

    fork = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    started: list[ForkProcess] = []
    try:
        for share in shares:
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_child, args=(work, share, theirs), daemon=True)
            process.start()
            theirs.close()  # so that a process that dies is noticed at our end
            started.append(process)
            pipes.append(ours)
        yield pipes
    finally:
        for process in started:
            process.kill()
            process.join()


def _child(work: Callable[[Any, Connection], None], share: Any, pipe: Connection) -> None:
    gc.freeze()  # what it was forked with is never garbage, and looking through it takes long
    try:
        work(share, pipe)
        os._exit(0)  # to take apart first what it holds takes a while, and changes nothing
    except BaseException:  # noqa: BLE001 - the first process does the work alone, and reports
        os._exit(1)


def _send_result(
    work: Callable[[Iterable[Any]], Any],
    tasks: Sequence[Any],
    taken: Synchronized[int],
    _: int,
    pipe: Connection,
) -> None:
    pipe.send(work(_untaken(tasks, taken)))


def _untaken(tasks: Sequence[Task], taken: Synchronized[int]) -> Iterator[Task]:
    """The tasks that nobody has taken yet, one by one."""
    while True:
        with taken.get_lock():
            number = taken.value
            taken.value = number + 1
        if number >= len(tasks):
            return
        yield tasks[number]
