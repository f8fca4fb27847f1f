"""Tasks for workers: some end the process that does them."""

from __future__ import annotations

import os
import signal
from pathlib import Path


def double(number: int) -> int:
    """Twice a number."""
    return 2 * number


def end_at(number: int, bad: frozenset[int] = frozenset()) -> int:
    """Twice a number; a bad one ends the process, as memory that runs out does."""
    if number in bad:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def end_once(number: int, bad: int, mark: str) -> int:
    """Twice a number; the first process to meet the bad one is ended."""
    if number == bad and not Path(mark).exists():
        Path(mark).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def refuse(number: int) -> int:
    """No result, but an error."""
    raise LookupError(number)


def time_out(number: int) -> int:
    """No result, but the error that a wait ends with too."""
    raise TimeoutError(f"its own, at {number}")
