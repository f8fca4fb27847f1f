"""The log of `kb mcp --http`: a line of JSON for each request, look-up and fault.

No line has text of a record, a question, an answer or a token: what is logged is named here, field
by field. What libraries log is told by place and level, for their messages quote what they read.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from kb.mcp.call_watcher import FAULT
from kb.mcp.http.limits import client_of, peer_of
from kb.streams import OutputLostError, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from kb.mcp.http.counters import Counters

#: Where a request keeps its own note, in the state of its ASGI scope.
_NOTE = "kb.note"
_MOST_CLIENT = 100
_OK = 200
Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


class EventLog:
    """Writes the log, one event a line."""

    def __init__(self, write: Callable[[str], None] = warn, now: Clock = _now) -> None:
        self._write, self._now = write, now

    def log(self, event: str, **fields: object) -> None:
        """Write an event; a log that cannot be written stops no answer."""
        moment = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        with suppress(OutputLostError):  # there is no other place to say so
            self._write(json.dumps({"time": moment, "event": event} | fields))

    def fault(self, doing: str, error: BaseException) -> None:
        """Log a fault of kb by its kind and place; its message may quote a record."""
        frames = traceback.extract_tb(error.__traceback__)[-5:]
        places = [f"{PurePath(frame.filename).name}:{frame.lineno}" for frame in frames]
        self.log("fault", doing=doing, kind=type(error).__name__, at=places)


@dataclass
class RequestNote:
    """What is known of one request while it is answered."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    status: int = 0
    bytes_out: int = 0


class RequestLogging:
    """Logs and counts every request, whatever comes of it; outermost but for the server.

    `paths` are those there are, each with whether an answer that went well is worth a line.
    """

    def __init__(
        self, app: ASGIApp, events: EventLog, counters: Counters, paths: Mapping[str, bool]
    ) -> None:
        self._app, self._events, self._counters = app, events, counters
        self._paths = frozenset(paths)
        self._quiet = frozenset(path for path, is_logged in paths.items() if not is_logged)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and log what was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        note, start = RequestNote(), time.perf_counter()
        scope.setdefault("state", {})[_NOTE] = note

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                note.status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", note.id.encode())]
            note.bytes_out += len(message.get("body", b""))
            await send(message)

        self._counters.begin_request()
        try:
            await self._app(scope, receive, noted)
        except Exception as error:
            self._events.fault("request", error)
            raise
        finally:
            self._end(scope, note, time.perf_counter() - start)

    def _end(self, scope: Scope, note: RequestNote, seconds: float) -> None:
        path = scope["path"] if scope["path"] in self._paths else "other"
        self._counters.end_request(path, note.status)
        if path in self._quiet and note.status == _OK:
            return
        self._events.log(
            "request",
            id=note.id,
            method=scope["method"][:10],
            path=path,
            status=note.status,
            ms=round(seconds * 1000, 1),
            bytes_out=note.bytes_out,
            peer=peer_of(scope),
            client=client_of(scope)[:_MOST_CLIENT],
        )


class CallLog:
    """Logs and counts look-ups: which, how long, and how it ended."""

    def __init__(self, events: EventLog, counters: Counters) -> None:
        self._events, self._counters = events, counters

    @contextmanager
    def call(self, look_up: str, context: Any) -> Iterator[list[str]]:
        """A list whose last entry says how the look-up ended; a fault where there is none."""
        ending: list[str] = []
        start = time.perf_counter()
        try:
            yield ending
        finally:
            seconds = time.perf_counter() - start
            outcome = ending[-1] if ending else FAULT
            self._counters.end_call(look_up, outcome, seconds)
            self._events.log(
                "call",
                id=_request_id(context),
                look_up=look_up,
                outcome=outcome,
                ms=round(seconds * 1000, 1),
            )

    def fault(self, doing: str, error: BaseException) -> None:
        """Log a fault of kb in a look-up."""
        self._events.fault(doing, error)


def _request_id(context: Any) -> str:
    """The id of the HTTP request that a call came with; empty where it is not known."""
    scope = getattr(getattr(context, "request", None), "scope", {})
    note = scope.get("state", {}).get(_NOTE)
    return note.id if isinstance(note, RequestNote) else ""


class LibraryLog(logging.Handler):
    """What libraries log, by place and level; never their words."""

    def __init__(self, events: EventLog) -> None:
        super().__init__(logging.WARNING)
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Log one line of a library."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        place = f"{record.name}:{record.lineno}"
        self._events.log("library", level=record.levelname.lower(), at=place, kind=kind)
