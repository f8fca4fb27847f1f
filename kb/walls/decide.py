"""Which wall speaks for a call: the strictest of those it meets.

Walls are the rows of the compiled table, plain values that JSON holds. This module is imported
before every call of a tool, so it imports nothing but a shell parser, and that only for a command
that holds all fixed words of a wall.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from kb.walls.patterns import matches

if TYPE_CHECKING:
    #: `id`, `tools`, `command` (words), `effect`, `target`, `needs` (texts), `arguments`
    #: ([path, is_negated, sign, value]), `verdict`, `reason`.
    Row = dict[str, Any]

#: The order in which walls speak.
_STRICTEST = ("deny", "ask", "note")
#: Where agents put a command line among the arguments of a shell.
_COMMAND_KEYS = ("command", "cmd", "commandLine", "command_line", "script", "code", "input")
#: Shells that Codex names in front of the line: `["bash", "-lc", "…"]`.
_LINE_FLAGS = ("-c", "-lc", "-ic", "-Command", "/c", "/C")
_MOST_LETTERS = 100_000


class UnjudgeableError(Exception):
    """A call of which nobody can say whether it meets a wall."""


class Decided:
    """What the walls say of a call; `verdict` is empty where no wall is met.

    `wall` is the address of the wall (`record#W1`), `reason` what its record says, `fault` why the
    walls could not be asked, and then `verdict` is what the user set for that.
    """

    __slots__ = ("fault", "is_passed", "reason", "verdict", "wall")

    def __init__(
        self,
        verdict: str = "",
        wall: str = "",
        reason: str = "",
        *,
        fault: str = "",
        is_passed: bool = False,
    ) -> None:
        self.verdict = verdict
        self.wall = wall
        self.reason = reason
        self.fault = fault
        self.is_passed = is_passed

    @property
    def allows(self) -> bool:
        """Whether nothing here stands in the way of the call."""
        return self.verdict in ("", "note")


def decide(rows: Iterable[Row], tool: str, arguments: Any) -> Row | None:
    """The strictest wall that a call meets, the first of several; None where it meets none.

    Raises like `walls_met`.
    """
    return next(iter(walls_met(rows, tool, arguments)), None)


def walls_met(rows: Iterable[Row], tool: str, arguments: Any) -> list[Row]:
    """All walls that a call meets, the strictest first, else in the order of the table.

    Raises `UnjudgeableError` where a command cannot be read that a wall may be about; but not where
    another wall denies the call anyhow.
    """
    name = tool.lower()
    met: list[Row] = []
    unread: UnjudgeableError | None = None
    for row in rows:
        if any(matches(pattern, name) for pattern in row["tools"]):
            try:
                met += [row] if _is_met(row, arguments) else []
            except UnjudgeableError as error:
                unread = unread or error
    met.sort(key=lambda row: _STRICTEST.index(row["verdict"]))
    if unread and (not met or met[0]["verdict"] != _STRICTEST[0]):
        raise unread
    return met


def _is_met(row: Row, arguments: Any) -> bool:
    if not all(_holds(condition, arguments) for condition in row["arguments"]):
        return False
    is_of_shell = row["command"] or row["effect"] or row["target"]
    return not is_of_shell or _meets_command(row, command_line(arguments))


def _meets_command(row: Row, line: str) -> bool:
    """Whether one command of a line is what the wall is about.

    A line that lacks a fixed word of the wall, quotes and backslashes taken out, is not parsed:
    no reading of it could find that word.
    """
    plain = _without_quotes(line).casefold()
    if not all(text in plain for text in row["needs"]):
        return False
    from kb.walls.shell import meets

    return meets(row, line)


def _without_quotes(line: str) -> str:
    for sign in ("'", '"', "\\\n", "\\"):
        line = line.replace(sign, "")
    return line


def has_words(wanted: Iterable[str], words: tuple[str, ...]) -> bool:
    """Whether a command is the wanted one: its program first, its words in order, flags anywhere.

    Words between them may be options or their values. `-rf` is had by `-fr`, `-r -f` and `-Rfv`
    alike, `--force` also by `--force=true`.
    """
    program, *rest = [*wanted] or ["*"]
    if not words or not matches(program, _program(words[0])):
        return False
    flags = [word for word in rest if word.startswith("-")]
    plain = iter(words[1:])
    in_order = all(any(matches(word, each) for each in plain) for word in rest if word not in flags)
    return in_order and all(_has_flag(flag, words[1:]) for flag in flags)


def _program(word: str) -> str:
    name = word.replace("\\", "/").rpartition("/")[2]
    return name[: -len(".exe")] if name.lower().endswith(".exe") else name


def _has_flag(flag: str, words: Iterable[str]) -> bool:
    if flag.startswith("--") or "*" in flag or len(flag) == 1:
        return any(matches(flag, word.partition("=")[0]) or matches(flag, word) for word in words)
    if any(matches(flag, word) for word in words):
        return True
    letters = {c for word in words if word[:1] == "-" and word[:2] != "--" for c in word.casefold()}
    return set(flag.casefold()) <= letters


def command_line(arguments: Any) -> str:
    """The command line that a call of a shell runs. Raises `UnjudgeableError` where there is none.

    A list of words becomes a line; of a list such as `["bash", "-lc", line]` the line is taken.
    """
    value = arguments
    if isinstance(arguments, dict):
        value = next((arguments[key] for key in _COMMAND_KEYS if arguments.get(key)), None)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        value = _joined(value)
    if not isinstance(value, str):
        raise UnjudgeableError("a call of a shell without a command that can be read")
    if len(value) > _MOST_LETTERS:
        raise UnjudgeableError(f"a command of {len(value):,} characters")
    return value


def _joined(words: list[str]) -> str:
    if len(words) == 3 and words[1] in _LINE_FLAGS:  # noqa: PLR2004 - shell, flag, line
        return words[2]
    return " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)


def _holds(condition: list[Any], arguments: Any) -> bool:
    """Whether a value at the path is like the condition; none is there, none is."""
    path, is_negated, sign, wanted = condition
    return any(_is_like(value, sign, wanted) != is_negated for value in _values(path, arguments))


def _values(path: list[str | int] | str, arguments: Any) -> list[Any]:
    """What a JSONPath finds; a path of plain steps is a list, and asks for no library."""
    if isinstance(path, str):
        from jsonpath_rfc9535 import find

        return [node.value for node in find(path, arguments)]
    value = arguments
    for step in path:
        try:
            value = value[step] if isinstance(value, dict | list) else None  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return []
        if value is None:
            return []
    return [value]


def _is_like(value: Any, sign: str, wanted: Any) -> bool:
    if not sign:
        return matches(wanted, _in_words(value))
    number = _number(value)
    if number is None:
        return False
    limit = float(wanted)
    return {
        "<": number < limit,
        "<=": number <= limit,
        ">": number > limit,
        ">=": number >= limit,
    }[sign]


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)
