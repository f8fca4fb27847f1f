"""A scheduler of Dask on loopback with two worker processes, which may be killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def cluster(workers: int = 2, allowed_failures: int = 1) -> Iterator[Any]:
    """The cluster; `scheduler_address` is where it answers."""
    import dask
    from distributed import LocalCluster

    made_cluster: Any = LocalCluster

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": allowed_failures}),
        made_cluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
            protocol="tcp",
        ) as made,
    ):
        yield made


def kill_one(address: str) -> None:
    """End one worker process of a scheduler, without a word."""
    from distributed import Client

    connected: Any = Client
    with connected(address, set_as_default=False) as client:
        process = next(iter(client.run(os.getpid).values()))
    os.kill(process, signal.SIGKILL)
