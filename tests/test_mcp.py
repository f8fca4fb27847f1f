"""The look-ups for coding agents, through a real client and a real server process."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="the extra mcp is not installed")


def ask(folder: Path, tool: str, **arguments: Any) -> Any:
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def talk() -> str:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "kb", "mcp", str(folder)], cwd=str(folder)
        )
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            result = await session.call_tool(tool, arguments)
            return str(result.content[0].text)

    return asyncio.run(talk())


def test_an_agent_reads_an_incident(example_library: Path) -> None:
    text = ask(example_library, "read_incident", record_id="2026-04-12-billing-agent-charged-twice")
    assert "charged a customer twice" in text


def test_an_agent_learns_that_a_gate_is_closed(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(
        path.read_text()
        .replace("origin: example", "origin: own")
        .replace("- [x] A1", "- [ ] A1")
        .replace(", closed: 2026-04-16", "", 1)
    )
    answer = json.loads(ask(example_library, "restart_gate", route="billing-agent"))
    assert (answer["passes"], answer["verdict"]) == (False, "blocked")
    assert answer["blocking"][0]["id"].endswith("#A1")


def test_an_unknown_id_is_an_answer_and_no_crash(example_library: Path) -> None:
    answer = json.loads(ask(example_library, "read_incident", record_id="nope"))
    assert "no record has the id" in answer["error"]
