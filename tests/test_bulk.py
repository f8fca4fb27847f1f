"""Tasks on many workers: in order, each once, whatever becomes of a worker."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kb.parallel.run_tasks import BatchSize, batches, run_tasks
from kb.parallel.workers import LocalWorkers

from bulk_work import double, end_at, end_once, refuse

ONE = BatchSize(most_tasks=1)


def test_results_come_in_the_order_of_the_tasks() -> None:
    with LocalWorkers(2) as workers:
        found = list(run_tasks(double, range(500), workers, size=BatchSize(most_tasks=7)))
    assert found == [(n, 2 * n) for n in range(500)]


def test_a_lost_process_costs_its_tasks_only(tmp_path: Path) -> None:
    work = partial(end_once, bad=37, mark=str(tmp_path / "mark"))
    with LocalWorkers(2) as workers:
        found = list(run_tasks(work, range(100), workers, size=BatchSize(most_tasks=5)))
    assert found == [(n, 2 * n) for n in range(100)]


def test_a_task_that_ends_its_process_is_given_up_and_named_once() -> None:
    work = partial(end_at, bad=frozenset({0, 41, 42, 99}))
    with LocalWorkers(2) as workers:
        found = list(run_tasks(work, range(100), workers, size=BatchSize(most_tasks=8)))
    assert [task for task, result in found if result is None] == [0, 41, 42, 99]
    assert [task for task, _ in found] == list(range(100))
    assert all(result == 2 * task for task, result in found if result is not None)


def test_what_a_task_raises_is_raised() -> None:
    with LocalWorkers(1) as workers, pytest.raises(LookupError):
        list(run_tasks(refuse, [1], workers))


def test_batches_are_no_heavier_than_wanted_but_for_a_heavy_task() -> None:
    weights = [1, 1, 5, 9, 1, 1, 1]
    found = list(batches(weights, lambda weight: weight, BatchSize(most_tasks=2, most_weight=6)))
    assert found == [[1, 1], [5], [9], [1, 1], [1]]


class Counting:
    """Workers that know how many tasks were out at most."""

    are_here, slots = True, 2
    losses: tuple[type[BaseException], ...] = ()

    def __init__(self) -> None:
        self.out = self.most = 0
        self._threads = ThreadPoolExecutor(2)

    def executor(self) -> Executor:
        self.out += 1
        self.most = max(self.most, self.out)
        return self._threads

    @contextmanager
    def alone(self, beside: Iterable[Future[Any]]) -> Iterator[Executor]:
        yield self._threads

    def wait(self, future: Future[Any]) -> Any:
        self.out -= 1
        return future.result()

    def was_lost(self, future: Future[Any]) -> bool:
        return False


def test_a_million_tasks_are_never_out_at_once() -> None:
    """What a scheduler holds: a few batches a worker, however many tasks there are."""
    workers = Counting()
    taken = 0

    def tasks() -> Iterator[int]:
        nonlocal taken
        for number in range(1_000_000):
            taken += 1
            yield number

    found = run_tasks(double, tasks(), workers, size=BatchSize(most_tasks=1_000))
    assert next(found) == (0, 0)
    assert taken <= 8 * 1_000 + 1
    assert sum(1 for _ in found) == 999_999
    assert workers.most == 8
