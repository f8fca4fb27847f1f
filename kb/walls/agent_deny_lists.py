"""Walls as the deny lists that agents have themselves, as far as those can say them.

Claude Code's permission rules (`Bash(terraform destroy:*)`) and Codex's `prefix_rule` compare the
beginning of a command: a wall on a command's first words can be written there, one on effects,
targets, flags or arguments cannot and is named. A written rule is weaker than its wall: `git -C x
push` does not begin with `git push`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kb.library import Library
from kb.records.wall_definitions import ExampleCall, Wall, is_shell, tool_patterns
from kb.walls.compile_table import address


@dataclass(frozen=True, slots=True)
class WallExport:
    """The text of an agent's own list, and the addresses of the walls that it cannot say."""

    text: str
    left_out: tuple[str, ...]


def export(library: Library, agent: str) -> WallExport:
    """The walls of the published records in an agent's own words: `claude-code` or `codex`."""
    walls = [
        (address(record.id, wall), wall) for record in library.published for wall in record.walls
    ]
    return EXPORTERS[agent](walls)


_Walls = Iterable[tuple[str, Wall]]


def _claude_code(walls: _Walls) -> WallExport:
    rules: dict[str, list[str]] = {"deny": [], "ask": []}
    left_out = []
    for name, wall in walls:
        found = _permissions(wall)
        if found and wall.verdict in rules:
            rules[wall.verdict] += found
        else:
            left_out.append(name)
    settings = {"permissions": {key: values for key, values in rules.items() if values}}
    return WallExport(json.dumps(settings, ensure_ascii=False, indent=2) + "\n", tuple(left_out))


def _permissions(wall: Wall) -> list[str]:
    """The permission rules that say the same; none where a rule cannot."""
    if _is_prefix(wall):
        return [f"Bash({wall.command}:*)"]
    patterns = tool_patterns(wall.tool)
    is_whole_tool = not wall.is_of_shell and not wall.arguments and not is_shell(wall.tool)
    names = [part.strip() for part in wall.tool.split("|")]
    return names if is_whole_tool and not any("*" in name for name in patterns) else []


def _codex(walls: _Walls) -> WallExport:
    decisions = {"deny": "forbidden", "ask": "prompt"}
    rules, left_out = [], []
    for name, wall in walls:
        if _is_prefix(wall) and wall.verdict in decisions:
            rules.append(_prefix_rule(name, wall, decisions[wall.verdict]))
        else:
            left_out.append(name)
    return WallExport("\n".join(rules), tuple(left_out))


def _prefix_rule(name: str, wall: Wall, decision: str) -> str:
    """One rule of Codex; the examples that a prefix can tell apart are its tests."""
    words = wall.command.split()
    lines = [
        f"# {name}",
        "prefix_rule(",
        f"    pattern = {_starlark(words)},",
        f"    decision = {_starlark(decision)},",
        f"    justification = {_starlark(wall.reason)},",
    ]
    match = [str(call) for call in wall.stops if _begins(call, words)]
    others = [str(call) for call in wall.passes if not _begins(call, words)]
    lines += [f"    match = {_starlark(match)},"] if match else []
    lines += [f"    not_match = {_starlark(others)},"] if others else []
    return "\n".join((*lines, ")", ""))


def _begins(call: ExampleCall, words: list[str]) -> bool:
    return str(call).split()[: len(words)] == words


def _is_prefix(wall: Wall) -> bool:
    """Whether the wall asks no more than how a command begins."""
    asks_more = wall.effect or wall.target or wall.arguments or set("*|") & set(wall.command)
    has_flags = any(word.startswith("-") for word in wall.command.split())
    return bool(wall.command) and not asks_more and not has_flags


def _starlark(value: Any) -> str:
    # Strings and lists of strings are written as in JSON.
    return json.dumps(value, ensure_ascii=True)


EXPORTERS: dict[str, Callable[[_Walls], WallExport]] = {
    "claude-code": _claude_code,
    "codex": _codex,
}
