"""Walls as a record's front matter states them: which calls, which verdict, why, and examples.

A wall is a promise that a program can keep: it names a tool and what its arguments must be like,
and denies, asks about or notes such a call. It can allow nothing. `kb.walls` acts on what is read
here; what cannot be read is a fault with its line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from kb.lazy_regex import regex
from kb.records.front_matter import FrontMatter, MappingEntry, Node
from kb.shell_tools import shell_tools

#: Stands in `tool` for every shell below.
SHELL = "shell"
#: A reason is read by an agent and by a person in a hurry.
MOST_REASON = 200
#: Patterns and examples of one wall; what is longer is no wall but an attack on its reader.
_MOST_TEXT = 2_000
_MOST_WALLS = 50
_LABEL = regex(r"[A-Za-z][\w-]{0,30}")
_COMPARISON = regex(r"(<=|>=|<|>)\s{0,3}(-?\d{1,15}(?:\.\d{1,6})?)")
_SIGN_AND_NUMBER = regex(r"([<>=!≤≥]{1,3})\s{0,3}(-?\d[\d,. ]{0,30})")
#: How a sign of somebody's own is written here.
_SIGNS = {
    **{">": "> ", "<": "< ", ">=": ">= ", "=>": ">= ", "≥": ">= ", "<=": "<= ", "=<": "<= "},
    **{"≤": "<= ", "=": "", "==": "", "!=": "not ", "<>": "not "},
}
_VERDICTS = frozenset({"deny", "ask", "note"})
_EFFECTS = frozenset({"", "write", "destructive"})
#: What stands in an example call for any part of a name that a pattern leaves open.
_ANY_NAME = "x"


@dataclass(frozen=True, slots=True)
class ExampleCall:
    """One call written beside a wall, to prove it by."""

    tool: str
    arguments: dict[str, Any]

    def __str__(self) -> str:
        """The command line, or the arguments as JSON."""
        command = self.arguments.get("command") if len(self.arguments) == 1 else None
        if isinstance(command, str):
            return command
        return f"{self.tool}({json.dumps(self.arguments, ensure_ascii=False)})"


@dataclass(frozen=True, slots=True)
class Wall:
    """One wall. Patterns take `*` for anything and ignore case; an empty one asks nothing.

    `arguments` are JSONPaths into the call's arguments, each with a pattern, a comparison such as
    `> 100`, or either behind `not`. `command`, `effect` and `target` are of one command of a shell.
    """

    label: str
    tool: str
    command: str
    effect: str
    target: str
    arguments: tuple[tuple[str, str], ...]
    verdict: str
    reason: str
    stops: tuple[ExampleCall, ...]
    passes: tuple[ExampleCall, ...]

    def __str__(self) -> str:
        """The verdict, what it is about, and why, in one line."""
        return f"{self.verdict} {self.subject}: {self.reason}"

    @property
    def subject(self) -> str:
        """Which calls, in a few words."""
        parts = [self.command, self.effect, self.target and f"on {self.target}"]
        parts += [f"{path} {pattern}" for path, pattern in self.arguments]
        text = ", ".join(filter(None, parts))
        return f"{self.tool} ({text})" if text else self.tool

    @property
    def is_of_shell(self) -> bool:
        """Whether it looks at commands inside a shell."""
        return bool(self.command or self.effect or self.target)


@dataclass(frozen=True, slots=True)
class WallFault:
    """Why something below `walls` is no wall, and where; `is_lack` where something is not there."""

    node: Node
    message: str
    is_lack: bool = False


@dataclass(frozen=True, slots=True)
class UnusableEntry:
    """Something below `walls` that is no wall; `label` is empty where no single one is meant.

    It may have no faults: shapes and words are faults that other rules tell of.
    """

    label: str
    node: Node
    faults: tuple[WallFault, ...] = ()


def walls_of(front: FrontMatter, key: str = "walls") -> tuple[Wall, ...]:
    """The walls that can be read, in the order written; those with a fault are left out."""
    return tuple(found for found in _read(front, key) if isinstance(found, Wall))


def wall_faults(front: FrontMatter, key: str = "walls") -> tuple[WallFault, ...]:
    """What is wrong with the others."""
    return tuple(fault for found in walls_left_out(front, key) for fault in found.faults)


def walls_left_out(front: FrontMatter, key: str = "walls") -> tuple[UnusableEntry, ...]:
    """The others, each with its faults."""
    return tuple(found for found in _read(front, key) if isinstance(found, UnusableEntry))


def _read(front: FrontMatter, key: str) -> Iterator[Wall | UnusableEntry]:
    """Each wall, or what was written in its place."""
    node = front.get(key)
    if node is None:
        return
    if node.entries or node.text:
        yield UnusableEntry("", node)
    seen: set[str] = set()
    for number, row in enumerate(node.items[:_MOST_WALLS], 1):
        label = _text(row, "id") or f"W{number}"
        faults = tuple(_faults(row, label, seen)) if row.kind == "mapping" else ()
        seen.add(label)
        words = _text(row, "verdict") in _VERDICTS and _text(row, "effect") in _EFFECTS
        yield _wall(row, label) if words and not faults else UnusableEntry(label, row, faults)
    if len(node.items) > _MOST_WALLS:
        row = node.items[_MOST_WALLS]
        yield UnusableEntry("", row, (WallFault(row, f"a record has at most {_MOST_WALLS} walls"),))


def _wall(row: Node, label: str) -> Wall:
    tool = _text(row, "tool")
    conditions = row.get("arguments")
    return Wall(
        label=label,
        tool=tool,
        command=_text(row, "command"),
        effect=_text(row, "effect"),
        target=_text(row, "target"),
        arguments=tuple(
            (entry.key, (entry.value.text or "").strip())
            for entry in (conditions.entries if conditions else ())
        ),
        verdict=_text(row, "verdict"),
        reason=" ".join(_text(row, "reason").split()),
        stops=_examples(row.get("stops"), tool),
        passes=_examples(row.get("passes"), tool),
    )


def _faults(row: Node, label: str, seen: set[str]) -> Iterator[WallFault]:
    missing = [key for key in ("tool", "verdict", "reason") if not _text(row, key)]
    if missing:
        yield WallFault(row, f"wall {label} needs {', '.join(missing)}", is_lack=True)
        return
    if not _LABEL.fullmatch(label):
        yield WallFault(row, f"'id' is a letter, then letters, digits, - or _: not '{label[:40]}'")
    elif label in seen:
        yield WallFault(row, f"two walls are named {label}; give each an id of its own")
    yield from _long_texts(row)
    if len(_text(row, "reason")) > MOST_REASON:
        yield WallFault(
            row.get("reason") or row, f"a reason has at most {MOST_REASON} characters: one sentence"
        )
    yield from _condition_faults(row, label)


def _long_texts(row: Node) -> Iterator[WallFault]:
    for entry in row.entries:
        if len(entry.value.text or "") > _MOST_TEXT:
            yield WallFault(entry.value, f"'{entry.key}' has at most {_MOST_TEXT:,} characters")


def _condition_faults(row: Node, label: str) -> Iterator[WallFault]:
    tool = _text(row, "tool")
    of_shell = [key for key in ("command", "effect", "target") if _text(row, key)]
    paths = row.get("arguments")
    if of_shell and not is_shell(tool):
        keys = " and ".join(f"'{key}'" for key in of_shell)
        yield WallFault(row, f"{keys} ask of commands: write 'tool: {SHELL}', or use 'arguments'")
    if not of_shell and not (paths and paths.entries) and (is_shell(tool) or not _letters(tool)):
        lack = f"wall {label} stops every call: say which, by command or arguments"
        yield WallFault(row, lack, is_lack=True)
    for entry in paths.entries if paths else ():
        yield from _path_faults(entry)


def _path_faults(entry: MappingEntry) -> Iterator[WallFault]:
    if entry.value.kind != "scalar" or not (entry.value.text or "").strip():
        yield WallFault(entry.value, f"'{entry.key}' needs a pattern such as *prod* or > 100")
    elif meant := _meant_comparison(entry.value.text or ""):
        message = f"'{(entry.value.text or '').strip()}' compares nothing; write {meant}"
        yield WallFault(entry.value, message)
    elif why := path_fault(entry.key):
        yield WallFault(entry.value, f"'{entry.key[:60]}' is no JSONPath into arguments: {why}")


def path_fault(path: str) -> str:
    """Why a text is no JSONPath that a wall may ask, empty for one that is."""
    from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathError
    from jsonpath_rfc9535.selectors import FilterSelector

    if len(path) > _MOST_TEXT or path.count("..") > 1:
        return "it is longer than two thousand characters, or has '..' twice"
    try:
        query = JSONPathEnvironment().compile(path)
    except (JSONPathError, RecursionError) as error:
        return str(error).partition("\n")[0]
    selectors = [each for segment in query.segments for each in segment.selectors]
    # A filter may search patterns and look at everything from the root, for every value.
    if any(isinstance(each, FilterSelector) for each in selectors):
        return "filters are not asked; write the value behind the path"
    if any(len(segment.selectors) > 1 for segment in query.segments):
        return "it lists several ways; write one path for each"
    return ""


def comparison(pattern: str) -> tuple[str, float] | None:
    """The sign and the number of a comparison such as `> 100`, None for any other pattern."""
    found = _COMPARISON.fullmatch(pattern)
    return (found[1], float(found[2])) if found else None


def _meant_comparison(pattern: str) -> str:
    """What to write for a pattern that was meant as a comparison and is none: `=> 100`."""
    text = pattern.strip().removeprefix("not ").strip()
    found = None if comparison(text) else _SIGN_AND_NUMBER.fullmatch(text)
    if found is None or found[1] not in _SIGNS:
        return ""
    return _SIGNS[found[1]] + re.sub(r"[, ]", "", found[2])


def tool_patterns(tool: str) -> tuple[str, ...]:
    """The patterns of names that a `tool` stands for, in small letters."""
    parts = (part.strip().lower() for part in tool.split("|"))
    return tuple(
        name for part in parts if part for name in (_shell_patterns() if part == SHELL else (part,))
    )


@cache
def _shell_patterns() -> tuple[str, ...]:
    """Every shell of every agent, and the same served under a name: `mcp__desktop__bash`."""
    names = tuple(dict.fromkeys(name.lower() for name in shell_tools()))
    return (*names, *(f"*__{name}" for name in names))


def is_shell(tool: str) -> bool:
    """Whether every tool that is meant runs a command line."""
    patterns = tool_patterns(tool)
    return bool(patterns) and set(patterns) <= set(_shell_patterns())


def _letters(tool: str) -> str:
    return "".join(letter for letter in tool if letter.isalnum())


def _examples(node: Node | None, tool: str) -> tuple[ExampleCall, ...]:
    """The example calls: a text is a command line, a mapping the arguments.

    A mapping of `tool` and `arguments` is a call of another tool than the pattern suggests.
    """
    if node is None:
        return ()
    first = tool.split("|", maxsplit=1)[0].strip()
    name = "Bash" if first == SHELL else first.replace("*", _ANY_NAME)
    values = (_value(item) for item in (node.items if node.kind == "sequence" else (node,)))
    return tuple(_example(name, value) for value in values if value is not None)


def _example(name: str, value: Any) -> ExampleCall:
    if not isinstance(value, dict):
        return ExampleCall(name, {"command": str(value)})
    if value.keys() == {"tool", "arguments"} and isinstance(value["arguments"], dict):
        return ExampleCall(str(value["tool"]), value["arguments"])
    return ExampleCall(name, value)


def _value(node: Node) -> Any:
    """A value as a program passes it: what is not quoted may be a number, true, false or null."""
    if node.kind == "sequence":
        return [_value(item) for item in node.items]
    if node.kind == "mapping":
        return {entry.key: _value(entry.value) for entry in node.entries}
    if node.quoted or node.text is None:
        return node.text
    try:
        value = json.loads(node.text)
    except (ValueError, RecursionError):
        return node.text
    return value if isinstance(value, (int, float, bool)) else node.text


def _text(row: Node, key: str) -> str:
    value = row.get(key)
    return (value.text or "").strip() if value else ""
