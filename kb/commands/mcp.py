"""`kb mcp`: the look-ups of the command line for coding agents, over the Model Context Protocol.

Everything is read-only. The server is `kb.mcp`.
"""

from __future__ import annotations

from pathlib import Path

import click

from kb.errors import KbError
from kb.installation import install_line
from kb.streams import OutputLostError, open_wire, warn


@click.command("mcp")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
def command(folder: Path) -> None:
    """Serve the knowledge base in FOLDER to a coding agent over standard input and output.

    \b
    In an agent's settings:
      {"mcpServers": {"postmortems": {"command": "kb", "args": ["mcp", "/path"]}}}
    """  # noqa: D301 - click's mark for lines that are not wrapped
    try:
        import anyio
        import mcp.server.stdio  # noqa: F401 - refused now, not at a call
    except ImportError as error:
        raise KbError(
            "the Model Context Protocol is not installed", todo=install_line("mcp")
        ) from error
    from kb.mcp.server import serve

    _say_what_lacks(folder)
    _log_escaped()
    with open_wire() as wire:
        try:
            anyio.run(serve, folder, wire)
        except BaseExceptionGroup as group:
            raise _cause(group) from group


def _say_what_lacks(folder: Path) -> None:
    """Warn of a folder without records; the server answers all the same, with an error a call."""
    import kb

    try:
        kb.open(folder).library  # noqa: B018 - read for what it raises
    except (KbError, OSError) as error:
        warn(f"kb mcp: {error}")


def _log_escaped() -> None:
    """Send what the protocol's library logs, which quotes its input, through `warn`."""
    import logging

    class Escaped(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            warn(f"kb mcp: {record.getMessage()[:1000]}")

    logging.getLogger("mcp").addHandler(Escaped(logging.WARNING))


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What a group of tasks failed of: output that is lost before anything else."""
    found: BaseException = group.subgroup(OutputLostError) or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
