"""The workers of a Dask scheduler, behind the interface of PEP 3148.

What a scheduler is told is told to whoever can reach it: no secret of this machine goes with a
task, and nothing that a worker read comes back but what its task gives.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from typing import Any, cast

from kb.errors import KbError
from kb.installation import install_line
from kb.version import __version__

_ADDRESS = re.compile(
    r"(?:tcp|tls|ws|wss)://(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}"
)
_CONNECT_SECONDS = 10
_WORKER_SECONDS = 30
#: How long for a worker to come back: on a busy machine a nanny took 45 s to start one again.
_RETURN_SECONDS = 300
#: How often it is looked at whether there is still a worker while a result is waited for.
_LOOK_SECONDS = 15


class DaskWorkers:
    """All workers of a scheduler."""

    are_here = False

    def __init__(self, client: Any, address: str) -> None:
        from distributed import KilledWorker

        self._client = client
        self._address = address
        self._executor = _ClientExecutor(client, address)
        self.losses: tuple[type[BaseException], ...] = (KilledWorker, BrokenExecutor)

    @property
    def slots(self) -> int:
        """The threads of all workers there are now."""
        return max(1, int(sum(self._client.nthreads().values())))

    def executor(self) -> Executor:
        """Always the same: the scheduler itself starts again what was on a lost worker."""
        return self._executor

    @contextmanager
    def alone(self, beside: Iterable[Future[Any]]) -> Iterator[Executor]:
        """The same once what is beside has ended: of a lost worker all tasks are blamed."""
        for future in beside:
            self._settle(future)
        yield self._executor

    def _settle(self, future: Any) -> None:
        """Return when a future has ended, whatever it gave."""
        while not future.done():
            try:
                future.exception(_LOOK_SECONDS)
            except FutureTimeoutError:
                self._require_workers()

    def wait(self, future: Future[Any]) -> Any:
        """The result of a future. Raises `KbError` once no scheduler or no worker is left."""
        while True:
            try:
                return future.result(_LOOK_SECONDS)
            except CancelledError as error:
                raise _scheduler_gone(self._address) from error
            except FutureTimeoutError:
                if _has_failed(future):
                    return future.result()  # at once: what it raised, perhaps an error of this kind
                self._require_workers()

    def was_lost(self, future: Future[Any]) -> bool:
        """Whether the scheduler gave the task of a future up, for its worker was lost."""
        return _has_failed(future) and isinstance(future.exception(), self.losses)

    def _require_workers(self) -> None:
        try:
            self._client.wait_for_workers(1, timeout=_RETURN_SECONDS)
        except (TimeoutError, OSError) as error:
            raise _scheduler_gone(self._address) from error


class _ClientExecutor(Executor):
    """Submits to a Dask client, and gives the futures of Dask themselves.

    Those of `Client.get_executor` take a result for an error when a worker is lost between the
    moment it is gathered and the moment its state is looked at (`_cascade_future` of distributed
    2026.8: "too many values to unpack").
    """

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._address = address

    def submit(self, work: Callable[..., Any], /, *args: Any, **options: Any) -> Future[Any]:
        try:
            # Not pure: a task that is sent again is to be done again.
            return cast("Future[Any]", self._client.submit(work, *args, pure=False, **options))
        except Exception as error:
            if self._client.status != "closed":
                raise
            raise _scheduler_gone(self._address) from error  # it gave the scheduler up by itself


def _has_failed(future: Any) -> bool:
    """Whether it ended with an error, which stays; a result that is there may be lost again."""
    return bool(future.status == "error")


def _scheduler_gone(address: str) -> KbError:
    return KbError(
        "the scheduler, or its last worker, is gone",
        where=address,
        todo="Start it, and the same command again: what was found so far is kept.",
    )


@contextmanager
def dask_workers(address: str, must_see: Sequence[str] = ()) -> Iterator[DaskWorkers]:
    """The workers of the scheduler at an address such as `tcp://10.0.0.5:8786`.

    Raises `KbError` where the extra is missing, nobody answers, there is no worker, or one has
    another kb or does not see the paths `must_see`.
    """
    if not _ADDRESS.fullmatch(address):
        raise KbError(
            f"'{address[:100]}' is no address of a scheduler",
            where="--scheduler",
            todo="Say tcp://HOST:8786, or tls://HOST:8786.",
        )
    try:
        from distributed import Client
    except ImportError as error:
        raise KbError("Dask is not installed", where=address, todo=install_line("scale")) from error
    try:
        client = Client(address, timeout=_CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise KbError(
            f"no scheduler answers: {type(error).__name__}",
            where=address,
            todo="Start one: dask scheduler; then workers: dask worker ADDRESS --nthreads 1.",
        ) from error
    with client:
        _require_same(client, address)
        _require_seen(client, must_see)
        yield DaskWorkers(client, address)


def _require_same(client: Any, address: str) -> None:
    """Raise `KbError` unless there are workers, and all have this version of kb."""
    try:
        client.wait_for_workers(1, timeout=_WORKER_SECONDS)
    except TimeoutError as error:
        todo = f"Start some: dask worker {address} --nthreads 1."
        raise KbError("the scheduler has no worker", where=address, todo=todo) from error
    found = client.run(installed_version, on_error="return")
    for worker, version in sorted(found.items()):
        if version != __version__:
            what = f"has kb {version}" if isinstance(version, str) else "has no kb"
            todo = f"Install kb {__version__} there, with the same extras."
            raise KbError(f"the worker {what}, here is {__version__}", where=worker, todo=todo)


def _require_seen(client: Any, paths: Sequence[str]) -> None:
    """Raise `KbError` for a worker that does not see files that are on this machine."""
    for path in paths:
        for worker, is_seen in sorted(client.run(os.path.lexists, path).items()):
            if not is_seen:
                raise KbError(
                    "a worker does not see the files of this machine",
                    where=worker,
                    todo="Put them into a bucket, or a folder that all machines have by one name.",
                )


def installed_version() -> str:
    """The version of kb where it is called."""
    return __version__
