"""Waiting for what another thread or process does: the one clock in the tests; it times nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

_SECONDS = 60.0


def wait_until(happened: Callable[[], bool], what: str, *, every: float = 0.01) -> None:
    """Return once it happened; an AssertionError after a minute keeps the run from hanging."""
    deadline = time.monotonic() + _SECONDS  # noqa: TID251 - ends a wait
    while not happened():
        assert time.monotonic() < deadline, f"waited in vain: {what}"  # noqa: TID251
        time.sleep(every)
