"""Work on what a process holds, done by forks of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
from kb.errors import KbError
from kb.parallel.forks import run_in_forks, usable_cores

pytestmark = pytest.mark.skipif(usable_cores() == 1, reason="one core, or no safe forks")

TASKS = tuple(range(40))


def test_each_task_is_done_by_one_process_and_none_is_lost() -> None:
    held = {number: str(number) for number in TASKS}

    def work(tasks: Iterable[int]) -> tuple[int, list[str]]:
        return os.getpid(), [held[number] for number in tasks]

    done = run_in_forks(work, TASKS, 2)
    assert os.getpid() not in [process for process, _ in done]
    assert sorted(text for _, some in done for text in some) == sorted(held.values())


def test_where_a_process_is_lost_all_is_done_here() -> None:
    parent = os.getpid()

    def work(tasks: Iterable[int]) -> list[int]:
        some = list(tasks)
        if os.getpid() != parent:
            os._exit(9)
        return some

    assert run_in_forks(work, TASKS, 2) == [list(TASKS)]


def test_work_that_may_not_be_done_twice_says_that_a_process_was_lost() -> None:
    parent = os.getpid()

    def work(tasks: Iterable[int]) -> list[int]:
        if os.getpid() != parent:
            os._exit(9)
        return list(tasks)

    with pytest.raises(KbError, match="a process was lost"):
        run_in_forks(work, TASKS, 2, may_repeat=False)


def test_a_platform_without_forks_can_load_it() -> None:
    gone = "import multiprocessing.context as c; del c.ForkProcess; "
    code = f"{gone}import kb.site.write, kb.lint.parallel_check"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_the_work_raises_is_raised_here() -> None:
    def work(tasks: Iterable[int]) -> int:
        return sum(10 // number for number in tasks)

    with pytest.raises(ZeroDivisionError):
        run_in_forks(work, TASKS, 2)


def test_another_thread_than_the_first_forks_nothing() -> None:
    def work(tasks: Iterable[int]) -> tuple[int, list[int]]:
        return os.getpid(), list(tasks)

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(run_in_forks, work, TASKS, 2).result()
    assert done == [(os.getpid(), list(TASKS))]
