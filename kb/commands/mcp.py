"""`kb mcp`: the look-ups of the command line for coding agents, over the Model Context Protocol.

Everything is read-only. The server is `kb.mcp`; with `--http` it is `kb.mcp.http`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.errors import KbError
from kb.installation import install_line
from kb.streams import OutputLostError, open_protocol_streams, warn

if TYPE_CHECKING:
    from kb.mcp.http.settings import HttpSettings

#: Beside `kb.mcp.http.settings.DEFAULT_ADDRESS`; a test holds them equal.
_DEFAULT_ADDRESS = "127.0.0.1:8765"


@click.command("mcp")
@click.argument("folder", default=".", type=click.Path(path_type=Path))
@click.option(
    "--http",
    "address",
    is_flag=False,
    flag_value=_DEFAULT_ADDRESS,
    metavar="[HOST:PORT]",
    help=f"Serve over HTTP instead, by default on {_DEFAULT_ADDRESS}. [extra: http]",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    envvar="KB_MCP_TOKEN_FILE",
    metavar="FILE",
    help="Bearer tokens, a line each: TOKEN or NAME TOKEN. One alone: KB_MCP_TOKEN.",
)
@click.option("--public-url", default="", metavar="URL", help="Its address for clients.")
@click.option(
    "--oauth-issuer", default="", metavar="URL", help="Take access tokens of this issuer."
)
@click.option("--oauth-audience", default="", metavar="TEXT", help="By default the public URL.")
@click.option("--oauth-jwks", default="", metavar="URL", help="Else as the issuer's metadata says.")
@click.option("--oauth-scope", multiple=True, metavar="SCOPE", help="That tokens must have.")
@click.option("--allow-host", multiple=True, metavar="HOST[:PORT]", help="Answer this Host too.")
@click.option("--allow-origin", multiple=True, metavar="ORIGIN", help="Answer this Origin too.")
@click.option("--rate", default="120/minute", show_default=True, help="Requests of one client.")
def command(folder: Path, address: str | None, **options: Any) -> None:
    """Serve the knowledge base in FOLDER to a coding agent over standard input and output.

    \b
    In an agent's settings:
      {"mcpServers": {"postmortems": {"command": "kb", "args": ["mcp", "/path"]}}}
    \b
    For many agents, with a token in the environment:
      KB_MCP_TOKEN=… kb mcp /path --http 0.0.0.0:8765 --allow-host kb.internal
    """  # noqa: D301 - click's mark for lines that are not wrapped
    from kb.store.open_searches import KEPT

    with KEPT.open():
        if address is not None:
            _serve_http(folder, address, options)
        else:
            _serve_stdio(folder)


def _serve_stdio(folder: Path) -> None:
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
    with open_protocol_streams() as wire:
        try:
            anyio.run(serve, folder, wire)
        except BaseExceptionGroup as group:
            raise _cause(group) from group


def _serve_http(folder: Path, address: str, options: dict[str, Any]) -> None:
    from kb.mcp.http.settings import refuse_unsafe

    settings = _http_settings(address, options)
    refuse_unsafe(settings)
    try:
        import limits  # noqa: F401 - refused now, not at a call
        import mcp.server  # noqa: F401
        import prometheus_client  # noqa: F401
    except ImportError as error:
        raise KbError("serving over HTTP is not installed", todo=install_line("http")) from error
    from kb.mcp.http.event_log import EventLog
    from kb.mcp.http.server_process import serve_http

    serve_http(folder, settings, EventLog())


def _http_settings(address: str, options: dict[str, Any]) -> HttpSettings:
    from kb.mcp.http.settings import (
        TOKEN_VARIABLE,
        HttpSettings,
        OAuthSettings,
        parse_address,
        read_tokens,
    )

    host, port = parse_address(address)
    issuer, public_url = options["oauth_issuer"], options["public_url"]
    audience = options["oauth_audience"] or public_url
    oauth = OAuthSettings(issuer, audience, options["oauth_jwks"], options["oauth_scope"])
    return HttpSettings(
        host,
        port,
        tokens=read_tokens(os.environ.get(TOKEN_VARIABLE, ""), options["token_file"]),
        oauth=oauth if issuer else None,
        public_url=public_url,
        hosts=options["allow_host"],
        origins=options["allow_origin"],
        rate=options["rate"],
    )


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
