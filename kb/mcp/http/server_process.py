"""The process of `kb mcp --http`: its socket, its signals, its end."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.mcp.http.app import http_app
from kb.mcp.http.event_log import EventLog, LibraryLog
from kb.mcp.http.settings import PATH, HttpSettings, refuse_unsafe

#: Connections and look-ups at a time; one more is answered 503. A look-up that waits holds 100 kB.
_MOST_OPEN = 64
#: How long open requests may go on after SIGTERM: container engines kill ten seconds after it.
_SECONDS_TO_END = 8


def serve_http(folder: Path, settings: HttpSettings, events: EventLog) -> None:
    """Serve a folder's library until SIGTERM or SIGINT; open requests are answered first.

    Raises `KbError` for settings that are not safe and for an address that cannot be had.
    """
    threading.Thread(target=_warm_up, args=(folder,), daemon=True).start()
    import uvicorn

    refuse_unsafe(settings)
    _log_libraries(events)
    with _socket(settings) as listening:
        config = uvicorn.Config(
            http_app(folder, settings, events),
            log_config=None,
            access_log=False,
            # The address a request comes from is the real one: nobody's header can change it.
            proxy_headers=False,
            server_header=False,
            ws="none",
            limit_concurrency=_MOST_OPEN,
            timeout_graceful_shutdown=_SECONDS_TO_END,
        )
        host, port = listening.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        _serve_until_told(uvicorn.Server(config), listening, events, f"http://{shown}:{port}{PATH}")


def _serve_until_told(server: Any, listening: socket.socket, events: EventLog, where: str) -> None:
    # The server restores these handlers at its end and sends itself the signal again: with the
    # handlers of before, a process that ended in order would seem to have been killed.
    before = {number: signal.signal(number, _nothing) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        events.log("listening", address=where)
        server.run(sockets=[listening])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    events.log("ended")


def _warm_up(folder: Path) -> None:
    """Read what a first question needs, while nobody asks yet; a question says what lacks.

    Nothing is written, and no index is made.
    """
    with suppress(ImportError, KbError, OSError):
        from kb.search.is_installed import prepare_search

        prepare_search()
        import tokenizers  # noqa: F401

        import kb.search.answer_json
        import kb.search.several_libraries  # noqa: F401
        from kb.library import unread_library
        from kb.search.index.index import existing_index

        found = existing_index(unread_library(folder))
        if found is not None:
            found[0].encoder.encode(["a first question"])


def _nothing(_: int, __: object) -> None:
    """Take a signal that was answered already."""


def _socket(settings: HttpSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=128)
    except OSError as error:
        raise KbError(
            f"cannot be listened on: {error.strerror or error}",
            where=f"{settings.host}:{settings.port}",
            todo="End the other program there, or give another address.",
        ) from error


def _log_libraries(events: EventLog) -> None:
    """Send what libraries log and warn of to the log of events, and nothing to the streams."""
    root = logging.getLogger()
    root.handlers[:] = [LibraryLog(events)]
    logging.captureWarnings(capture=True)
    warnings.simplefilter("default")
