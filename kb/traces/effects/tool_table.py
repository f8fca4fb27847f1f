"""What the tools of known agents and MCP servers do, from `kb/data/effects/tools.json`.

The rows of servers are the annotations these publish. Where the agent is known by the format of
its recording its own row answers; elsewhere a name that all agents who have it use alike is
a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from kb.shell_tools import command_of
from kb.traces.effects.code_cells import cell_commands
from kb.traces.effects.script_commands import commands_in
from kb.traces.run import Effect

_SEPARATORS = ("__", "-", "_", ".", "/", ":")
#: Prefixes of coding agents for the tools of MCP servers.
MCP_PREFIXES = ("mcp__", "mcp_")
#: A patch of Codex and its kin that takes a whole file away.
_DELETES_FILE = "*** Delete File:"
#: The tool of Codex's code mode.
_RUNS_SCRIPTS = "exec"


class AgentTools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tools of one agent: those that run a shell text, and the others by effect."""

    agent: str
    formats: tuple[str, ...]
    source: str
    shell: str
    tools: dict[Effect, str]


class ServerTools(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The tools of one MCP server by effect; an empty name is any server that has them."""

    server: str
    source: str
    tools: dict[Effect, str]


class _Tables(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    agents: tuple[AgentTools, ...]
    servers: tuple[ServerTools, ...]


class TableEffect(msgspec.Struct, frozen=True):
    """The effect a table gives a tool, whose table it is, and whether that is a guess."""

    effect: Effect
    owner: str
    is_guess: bool = False


def table_effect(tool: str, arguments: Any, format_name: str) -> TableEffect | None:
    """What the tables say of a tool, None where they do not have it."""
    served = _of_server(tool)
    if served is not None:
        return served
    own = _by_format().get(format_name)
    if own is not None:
        effect = own.get(tool)
        return _patched(TableEffect(effect, format_name), arguments) if effect else None
    effects = _by_name().get(tool, frozenset())
    if len(effects) != 1:
        return None
    return _patched(TableEffect(next(iter(effects)), "coding agents", is_guess=True), arguments)


def shell_text(tool: str, arguments: Any) -> str | None:
    """The shell text a call runs, None for a call of no shell tool or without a text."""
    name = tool.rpartition("__")[2]
    if name == _RUNS_SCRIPTS and isinstance(arguments, str):
        return commands_in(arguments)
    cell = cell_commands(name, arguments)
    if cell is not None:
        return cell
    if name not in _shells() or not isinstance(arguments, dict | str):
        return None
    return command_of(arguments)


def _patched(found: TableEffect, arguments: Any) -> TableEffect:
    """A patch that removes files is destructive, whatever tool applies it."""
    if found.effect is not Effect.WRITE:
        return found
    texts = arguments.values() if isinstance(arguments, dict) else (arguments,)
    if any(isinstance(text, str) and _DELETES_FILE in text for text in texts):
        return TableEffect(Effect.DESTRUCTIVE, found.owner, found.is_guess)
    return found


@lru_cache(maxsize=4096)
def _of_server(tool: str) -> TableEffect | None:
    for server, name in _readings(tool):
        for row in _tables().servers:
            if row.server not in server.lower():
                continue
            for effect, names in row.tools.items():
                if name in names.split():
                    return TableEffect(effect, f"MCP server {row.server or 'of kb'}")
    return None


def _readings(tool: str) -> Iterator[tuple[str, str]]:
    """The ways to read a name as that of a server and its tool: `mcp__github__get_me`."""
    prefix = next((prefix for prefix in MCP_PREFIXES if tool.startswith(prefix)), "")
    name = tool.removeprefix(prefix)
    if prefix == "mcp__" and "__" in name:
        server, _, own = name.partition("__")
        yield server, own
        return
    for separator in _SEPARATORS:
        place = name.find(separator)
        while place > 0:
            yield name[:place], name[place + len(separator) :]
            place = name.find(separator, place + 1)


@cache
def _tables() -> _Tables:
    raw = (files("kb.data") / "effects/tools.json").read_bytes()
    return msgspec.json.decode(raw, type=_Tables)


@cache
def _by_format() -> dict[str, dict[str, Effect]]:
    return {
        name: {tool: effect for effect, tools in row.tools.items() for tool in tools.split()}
        for row in _tables().agents
        for name in row.formats
    }


@cache
def _by_name() -> dict[str, frozenset[Effect]]:
    found: dict[str, set[Effect]] = {}
    for row in _tables().agents:
        for effect, tools in row.tools.items():
            for tool in tools.split():
                found.setdefault(tool, set()).add(effect)
    return {tool: frozenset(effects - {Effect.UNKNOWN}) for tool, effects in found.items()}


@cache
def _shells() -> frozenset[str]:
    return frozenset(tool for row in _tables().agents for tool in row.shell.split())
