"""`kb lsp`: the language server for editors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import BinaryIO, cast

import click

from kb.errors import KbError
from kb.installation import install_line
from kb.streams import open_protocol_streams, warn


@click.command("lsp")
@click.pass_context
def command(context: click.Context) -> None:
    """Serve an editor over standard input and output, by the Language Server Protocol.

    Checks records as they are typed, completes keys, words and records, and shows the earlier
    incidents. docs/editor.md has the settings of each editor.
    """
    try:
        from kb.lsp.feature_dispatch import make_server
        from kb.lsp.frames import FrameReader
    except ImportError as error:
        raise KbError(
            "the language server is not installed", todo=install_line("editor")
        ) from error
    _log_escaped(is_debug=context.find_root().params.get("debug", False))
    with open_protocol_streams() as wire:
        reader = cast("BinaryIO", FrameReader(wire.reader, lambda said: warn(f"kb lsp: {said}")))
        make_server(lambda: datetime.now(UTC).date()).start_io(reader, wire.writer)


def _log_escaped(*, is_debug: bool) -> None:
    """Send what the protocol's library logs, which quotes its input, through `warn`.

    It puts tracebacks behind the first line: those are for `kb --debug lsp`.
    """
    import logging

    class Escaped(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            text = record.getMessage()
            shown = text if is_debug else text.partition("\n")[0]
            warn(f"kb lsp: {shown[:1000]}")

    log = logging.getLogger("pygls")
    log.propagate = False
    log.addHandler(Escaped(logging.ERROR))
