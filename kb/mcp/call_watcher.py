"""Observers of the look-ups of an MCP server: how each ended, and faults in kb itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from kb.streams import warn

#: How a look-up may end: with data, with a sentence why not, with a fault of kb.
ANSWERED, REFUSED, FAULT = "answered", "refused", "fault"


class CallWatcher(Protocol):
    """Told of each look-up, and of each fault."""

    def call(self, look_up: str, context: Any) -> AbstractContextManager[list[str]]:
        """Around a look-up: a list that gets how it ended."""

    def fault(self, doing: str, error: BaseException) -> None:
        """Told of an exception that no look-up should raise."""


class WarnOfFaults:
    """Says faults to the person who started the server, and counts nothing."""

    @contextmanager
    def call(self, look_up: str, context: Any) -> Iterator[list[str]]:
        """Nothing more than a list."""
        yield []

    def fault(self, doing: str, error: BaseException) -> None:
        """Say it on standard error."""
        warn(f"kb mcp: unexpected {type(error).__name__} in {doing[:100]}: {error}")
