"""A real `kb mcp --http` on loopback, and the official client that talks to it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOKEN = "0123456789abcdef" * 4


@dataclass
class Served:
    """A server that listens: its address, and after its end what it logged and how it ended."""

    address: str
    process: subprocess.Popen[str]
    token: str = TOKEN
    log: list[dict[str, Any]] = field(default_factory=list)
    code: int | None = None

    @property
    def base(self) -> str:
        """The address without the path of the protocol."""
        return self.address.removesuffix("/mcp")

    def end(self) -> None:
        """Ask it to end as a container engine does, and read its log."""
        if self.code is None:
            self.process.send_signal(signal.SIGTERM)
            _, rest = self.process.communicate()
            self.log += [json.loads(line) for line in rest.splitlines()]
            self.code = self.process.returncode

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of the log of one event."""
        return [line for line in self.log if line["event"] == name]


@contextmanager
def serving(
    folder: Path, *options: str, token: str = TOKEN, host: str = "127.0.0.1"
) -> Iterator[Served]:
    """A server of a folder's library on a free port, ended in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "kb", "mcp", str(folder), "--http", f"{host}:0", *options],
        env=os.environ | ({"KB_MCP_TOKEN": token} if token else {}),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    first = process.stderr.readline()
    try:
        started = json.loads(first)
    except ValueError:
        raise AssertionError(first + process.communicate()[1]) from None
    served = Served(started["address"], process, token, [started])
    try:
        yield served
    finally:
        served.end()


def http_client(token: str = TOKEN, **headers: str) -> Any:
    """An HTTP client with a bearer token."""
    import httpx2

    bearer = {"authorization": f"Bearer {token}"} if token else {}
    return httpx2.AsyncClient(headers=bearer | headers, timeout=60)


def converse(
    served: Served, conversation: Callable[[Any], Awaitable[Any]], mode: str = "auto"
) -> Any:
    """What a conversation of the official client with the server gives."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client

    async def run() -> Any:
        async with http_client(served.token) as http:
            transport = streamable_http_client(served.address, http_client=http)
            async with Client(transport, mode=mode) as session:
                return await conversation(session)

    return asyncio.run(run())


def ask_for(served: Served, tool: str, **arguments: Any) -> Any:
    """The result of a tool."""
    return converse(served, lambda session: session.call_tool(tool, arguments))


def request(method: str, url: str, token: str = TOKEN, **given: Any) -> Any:
    """The answer to one plain request; `headers` as a dict, or as pairs where one stands twice."""
    import httpx2

    more = given.pop("headers", {})
    bearer = [("authorization", f"Bearer {token}")] if token else []
    headers = [*bearer, *(more.items() if isinstance(more, dict) else more)]
    return httpx2.request(method, url, headers=headers, timeout=60, **given)


def message(tool: str = "read_incident", **arguments: Any) -> dict[str, Any]:
    """The call of a tool as JSON-RPC, for clients that speak the first revision over HTTP."""
    params = {"name": tool, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}


ACCEPT = {"accept": "application/json, text/event-stream"}
