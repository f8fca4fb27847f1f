"""The results of many tasks on many workers, in the order of the tasks.

So many tasks are out at a time as keep the workers busy, and no more: neither this process nor a
scheduler ever holds all of them. A lost worker costs its tasks only, which are done again; a task
that ends its worker by itself, twice, is given up, and the others go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from kb.parallel.workers import Workers

Task = TypeVar("Task")
Result = TypeVar("Result")

#: Batches out for each slot: one that runs, and the next ones ready, so that none waits for us.
_BATCHES_A_SLOT = 4
#: How many losses a batch may be part of before it is tried alone: two, for the first was chance.
_MOST_LOSSES = 2
_TRIES_ALONE = 2


@dataclass(frozen=True)
class BatchSize:
    """How much one worker is given at a time. A small task costs less than its way there and back.

    `weigh` says how large a task is, for example in bytes.
    """

    most_tasks: int = 64
    most_weight: int = 4_000_000


@dataclass
class _Batch(Generic[Task, Result]):
    tasks: list[Task]
    future: Future[list[Result]] | None = None
    losses: int = 0


def run_tasks(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    workers: Workers,
    weigh: Callable[[Task], int] = lambda _: 1,
    size: BatchSize | None = None,
) -> Iterator[tuple[Task, Result | None]]:
    """Each task with its result, in order; None for one that ended its worker whenever tried.

    `work` is a function of a module and gives no None; what it raises is raised here.
    """
    out = _Out(work, workers)
    for batch in batches(tasks, weigh, size or BatchSize()):
        out.send(_Batch(batch))
        if out.is_full():
            yield from out.taken_in()
    while out.waiting:
        yield from out.taken_in()


def batches(
    tasks: Iterable[Task], weigh: Callable[[Task], int], size: BatchSize
) -> Iterator[list[Task]]:
    """The tasks in lists, none heavier than wanted but for a single heavy task."""
    batch: list[Task] = []
    weight = 0
    for task in tasks:
        its = weigh(task)
        if batch and (len(batch) >= size.most_tasks or weight + its > size.most_weight):
            yield batch
            batch, weight = [], 0
        batch.append(task)
        weight += its
    if batch:
        yield batch


def carry_out(work: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
    """What a worker does with a batch."""
    return [work(task) for task in tasks]


class _Out(Generic[Task, Result]):
    """The batches that are out, the oldest first."""

    def __init__(self, work: Callable[[Task], Result], workers: Workers) -> None:
        self._work, self._workers = work, workers
        self.waiting: deque[_Batch[Task, Result]] = deque()

    def is_full(self) -> bool:
        return len(self.waiting) >= _BATCHES_A_SLOT * self._workers.slots

    def send(self, batch: _Batch[Task, Result]) -> None:
        self._submit(batch)
        self.waiting.append(batch)

    def _submit(self, batch: _Batch[Task, Result]) -> None:
        try:
            executor = self._workers.executor()
            batch.future = executor.submit(carry_out, self._work, batch.tasks)
        except self._workers.losses:
            batch.future = None  # it broke just now; the batch is done when its turn comes

    def taken_in(self) -> Iterator[tuple[Task, Result | None]]:
        """The results of the oldest batch."""
        batch = self.waiting.popleft()
        found = self._result(batch)
        if found is None:
            self._send_again()
            yield from self._one_by_one(batch.tasks)
        else:
            yield from zip(batch.tasks, found, strict=True)

    def _result(self, batch: _Batch[Task, Result]) -> list[Result] | None:
        """What a batch gave; None where its worker was lost."""
        if batch.future is None:
            return None
        try:
            found: list[Result] = self._workers.wait(batch.future)
        except self._workers.losses:
            return None
        return found

    def _send_again(self) -> None:
        """Submit what was lost together with another batch; what was lost too often waits."""
        for batch in self.waiting:
            future = batch.future
            if future is None or self._workers.was_lost(future):
                batch.losses += 1
                batch.future = None
                if batch.losses < _MOST_LOSSES:
                    self._submit(batch)

    def _one_by_one(self, tasks: Sequence[Task]) -> Iterator[tuple[Task, Result | None]]:
        for task in tasks:
            yield task, self._alone(task)

    def _alone(self, task: Task) -> Result | None:
        """The result of one task; None where each worker that tried it was lost."""
        for _ in range(_TRIES_ALONE):
            out = [batch.future for batch in self.waiting if batch.future]
            with self._workers.alone(out) as executor:
                found = self._result(_Batch([task], _submitted(executor, self._work, task)))
            if found is not None:
                return found[0]
        return None


def _submitted(
    executor: Executor, work: Callable[[Task], Result], task: Task
) -> Future[list[Result]]:
    return executor.submit(carry_out, work, [task])
