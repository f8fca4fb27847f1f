"""The journal of tickets: a line before each request and one after, so that a run can go on.

A run that is killed between the two has left the outcome open: the next one looks before it does
anything, and waits until a request that was still under way must have arrived.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from kb.errors import KbError
from kb.library import local_place, make_local_folder

#: Two lines a ticket: a million tickets.
_MAX_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """What the journal says of an action.

    `state` is begun, made or refused; `at` counts seconds since 1970.
    """

    action: str
    state: str
    at: float
    key: str = ""
    url: str = ""


class Journal:
    """The journal of one tracker's project. Only one run at a time may hold it.

    A dry one reads what is there, and makes nothing.
    """

    def __init__(self, path: Path, *, is_dry: bool = False) -> None:
        self.path = path
        self._is_dry = is_dry
        self._entries: dict[str, JournalEntry] = {}
        self._stream: IO[bytes] | None = None
        self._held = ExitStack()

    def __enter__(self) -> Journal:
        try:
            root, place = local_place(self.path)
            if self._is_dry:
                self._read(root.read_bytes(place, _MAX_BYTES) if root.exists(place) else b"")
                return self
            make_local_folder(self.path.parent)
            self._stream = self._held.enter_context(root.appending(place))
            _lock(self._stream, self.path)
            self._stream.seek(0)
            content = self._stream.read()
            self._read(content)
            if content and not content.endswith(b"\n"):
                # A run that was killed while it wrote: its torn line must not spoil the next one.
                self._stream.write(b"\n")
        except KbError:
            self._held.close()
            raise
        except OSError as error:
            self._held.close()
            raise KbError(
                f"the journal cannot be opened: {error.strerror or error}", where=str(self.path)
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._held.close()

    def last(self, action: str) -> JournalEntry | None:
        """The last entry of an action."""
        return self._entries.get(action)

    def note(self, entry: JournalEntry) -> None:
        """Write an entry, and have it on the disk before going on."""
        assert self._stream is not None  # noqa: S101 - a journal is used within its `with`
        self._entries[entry.action] = entry
        self._stream.write(json.dumps(asdict(entry)).encode() + b"\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())

    def _read(self, content: bytes) -> None:
        for line in content.split(b"\n"):
            with suppress(ValueError, TypeError):
                entry = JournalEntry(**json.loads(line))
                self._entries[entry.action] = entry


def _lock(stream: IO[bytes], path: Path) -> None:
    """Hold the file for this run alone; the system lets go of it when the run ends, however."""
    try:
        import fcntl
    except ImportError:  # no such lock on this system: two runs at once stay the user's care
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise KbError(
            "another sync of this library is running",
            where=str(path),
            todo="Wait until it has ended.",
        ) from error
