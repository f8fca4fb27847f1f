"""Where tasks run: processes of this machine behind the interface of PEP 3148."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from typing import Any, Literal, Protocol


class Workers(Protocol):
    """An executor that can be had again after it broke."""

    @property
    def are_here(self) -> bool:
        """Whether they see the files of this machine, and nobody else sees what they are given."""

    @property
    def slots(self) -> int:
        """How many tasks run at a time."""

    @property
    def losses(self) -> tuple[type[BaseException], ...]:
        """What a future raises when the worker of its task was lost."""

    def executor(self) -> Executor:
        """The executor to submit to: the one of before while that is whole, else a new one."""

    def alone(self, beside: Iterable[Future[Any]]) -> AbstractContextManager[Executor]:
        """A context with an executor for one task at a time, so that a loss has one cause.

        `beside` are the futures that are out.
        """

    def wait(self, future: Future[Any]) -> Any:
        """The result of a future. Raises what it raised, and `KbError` where none can come."""

    def was_lost(self, future: Future[Any]) -> bool:
        """Whether the worker of a future is known by now to be lost; nothing is waited for."""


class LocalWorkers:
    """Processes of this machine; used as a context, they are gone at its end."""

    are_here = True
    losses: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, processes: int, start: Literal["fork", "spawn"] = "fork") -> None:
        self.slots = processes
        self._start = start
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._leave(wait=kind is None)

    def _leave(self, *, wait: bool) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=wait, cancel_futures=not wait)

    def executor(self) -> Executor:
        """The pool, a new one where a process of the last one was lost."""
        if self._pool is not None and getattr(self._pool, "_broken", False):
            self._leave(wait=False)
        if self._pool is None:
            self._pool = self._made(self.slots)
        return self._pool

    def _made(self, processes: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(processes, mp_context=get_context(self._start))

    @contextmanager
    def alone(self, beside: Iterable[Future[Any]]) -> Iterator[Executor]:
        """A pool of one process, apart from the other."""
        del beside
        with self._made(1) as pool:
            yield pool

    def wait(self, future: Future[Any]) -> Any:
        """The result of a future."""
        return future.result()

    def was_lost(self, future: Future[Any]) -> bool:
        """Whether it ended with the loss of its process."""
        return future.done() and isinstance(future.exception(), self.losses)
