"""`kb lsp`: the language server for editors."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from kb.errors import KbError
from kb.installation import install_line
from kb.streams import open_wire, warn


@click.command("lsp")
def command() -> None:
    """Serve an editor over standard input and output, by the Language Server Protocol.

    Checks records as they are typed, completes keys, words and records, and shows the earlier
    incidents. docs/editor.md has the settings of each editor.
    """
    try:
        from kb.lsp.server import make_server
    except ImportError as error:
        raise KbError(
            "the language server is not installed", todo=install_line("editor")
        ) from error
    _log_escaped()
    with open_wire() as wire:
        make_server(lambda: datetime.now(UTC).date()).start_io(wire.reader, wire.writer)


def _log_escaped() -> None:
    """Send what the protocol's library logs, which quotes its input, through `warn`."""
    import logging

    class Escaped(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warn(f"kb lsp: {record.getMessage()[:1000]}")

    log = logging.getLogger("pygls")
    log.propagate = False
    log.addHandler(Escaped(logging.ERROR))
