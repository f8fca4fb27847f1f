"""The walls that a call meets, the strictest first.

Walls are the rows of the compiled table, plain values that JSON holds. This module is imported
before every call of a tool, so it imports nothing but a shell parser, and that only for a command
that holds all fixed words of a wall.
"""

from __future__ import annotations

from kb.shell_tools import command_of
from kb.walls.wildcards import UnjudgeableError, matches, without_quotes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from kb.walls.stored_table import Condition, Row, Steps

#: The order in which walls speak.
_STRICTEST = ("deny", "ask", "note")
_MOST_LETTERS = 100_000
#: Signs that stand between words.
_ENDS_A_WORD = " \t\n;&|()<>"
#: What makes a text readable that nobody could read before.
_DECODERS = ("base64", "base32", "openssl", "xxd", "uudecode")


class WallDecision:
    """What the walls say of a call; `verdict` is empty where no wall is met.

    `wall` is the address of the wall (`record#W1`), `reason` what its record says, `fault` why the
    walls could not be asked, and then `verdict` is what the user set for that. `unread` says why
    other walls than the one that speaks could not be asked, `unlogged` why what fired is not in
    the log of this machine.
    """

    __slots__ = ("fault", "is_passed", "reason", "unlogged", "unread", "verdict", "wall")

    def __init__(
        self,
        verdict: str = "",
        wall: str = "",
        reason: str = "",
        *,
        fault: str = "",
        is_passed: bool = False,
        unread: str = "",
        unlogged: str = "",
    ) -> None:
        self.verdict = verdict
        self.wall = wall
        self.reason = reason
        self.fault = fault
        self.is_passed = is_passed
        self.unread = unread
        self.unlogged = unlogged

    @property
    def allows(self) -> bool:
        """Whether nothing here stands in the way of the call."""
        return self.verdict in ("", "note")


def matching_walls(rows: Iterable[Row], tool: str, arguments: Any) -> list[Row]:
    """All walls that a call is known to meet, in the order of `judge`.

    Raises `UnjudgeableError` where it is known to meet none, and one could not be asked.
    """
    met, unread = judge(rows, tool, arguments)
    if unread and not met:
        raise UnjudgeableError(unread)
    return met


def judge(rows: Iterable[Row], tool: str, arguments: Any) -> tuple[list[Row], str]:
    """The walls that a call meets, and why others could not be asked, empty where all could.

    The strictest wall stands first, else they are in the order of the table.
    """
    call = _Call(tool, arguments)
    met: list[Row] = []
    unread = ""
    for row in rows:
        if call.is_of(row["tools"]):
            try:
                met += [row] if _is_met(row, call) else []
            except UnjudgeableError as error:
                unread = unread or str(error)
    met.sort(key=lambda row: _STRICTEST.index(row["verdict"]))
    return met, unread


class _Call:
    """One call, and what is read of it once for all walls."""

    __slots__ = ("_line", "_names", "_plain", "arguments", "name")

    def __init__(self, tool: str, arguments: Any) -> None:
        self.name = tool.lower()
        self.arguments = arguments
        self._line: str | None = None
        self._plain = ""
        self._names: dict[str, bool] = {}

    def is_of(self, patterns: list[str]) -> bool:
        """Whether the tool is one of those; most walls of a table name the same."""
        key = "|".join(patterns)
        if key not in self._names:
            self._names[key] = matches(key, self.name)
        return self._names[key]

    @property
    def line(self) -> str:
        """Its command line. Raises `UnjudgeableError`."""
        if self._line is None:
            self._line = command_line(self.arguments)
            self._plain = without_quotes(self._line).casefold()
        return self._line

    def may_hold(self, texts: list[str]) -> bool:
        """Whether some reading of the line can find all these texts in it.

        Without quotes and backslashes they stand there; but a text that is decoded on the way to a
        shell, and letters written as numbers in `$'…'`, show only when they are read.
        """
        line, plain = self.line, self._plain
        return (
            all(text in plain for text in texts)
            or "$'" in line
            or any(word in plain for word in _DECODERS)
        )

    @property
    def joins_values(self) -> bool:
        """Whether a word may come of parts: `A=terra; ${A}form`."""
        parts = without_quotes(self.line).split("$")
        return any(
            _is_joined(parts[number - 1], part, is_last=number == len(parts) - 1)
            and f"{_name_of(part)}=" in "$".join(parts)
            for number, part in enumerate(parts)
            if number and _name_of(part)
        )


def _name_of(text: str) -> str:
    """The name of the variable that a text behind `$` begins with."""
    text = text.removeprefix("{")
    end = next((i for i, c in enumerate(text) if not (c.isalnum() or c == "_")), len(text))
    return text[:end]


def _is_joined(before: str, text: str, *, is_last: bool) -> bool:
    """Whether something stands beside a variable in its word; `text` is what follows its `$`."""
    behind = text.removeprefix("{")[len(_name_of(text)) :].removeprefix("}")
    is_before = bool(before) and before[-1] not in _ENDS_A_WORD
    return is_before or (behind[0] not in _ENDS_A_WORD if behind else not is_last)


def _is_met(row: Row, call: _Call) -> bool:
    if not all(_holds(condition, call.arguments) for condition in row["arguments"]):
        return False
    if not (row["command"] or row["effect"] or row["target"]):
        return True
    line = call.line
    is_there = call.may_hold(row["needs"])
    if not is_there and not call.joins_values:
        return False
    from kb.walls.match_shell_command import meets

    try:
        return meets(row, line)
    except UnjudgeableError:
        if is_there:
            raise
        return False  # of a line that does not hold the words nobody is warned


def command_line(arguments: Any) -> str:
    """The command line that a shell is called with.

    Raises `UnjudgeableError` where there is none, and for one that is too long.
    """
    line = command_of(arguments)
    if line is None:
        raise UnjudgeableError("a call of a shell without a command that can be read")
    if len(line) > _MOST_LETTERS:
        raise UnjudgeableError(f"a command of {len(line):,} characters")
    return line


def _holds(condition: Condition, arguments: Any) -> bool:
    """Whether a value at the path meets the condition, which no value does that is not there."""
    path, is_negated, sign, wanted = condition
    values = _values(path, arguments)
    if sign:
        return any(_compares(value, sign, float(wanted), is_negated) for value in values)
    return any(matches(str(wanted), _in_words(value)) != is_negated for value in values)


def _values(path: Steps, arguments: Any) -> list[Any]:
    """The values at a path, a null left out as one that is not there.

    A path of plain steps is a list of them; for any other, a text, the library of JSONPath is
    imported.
    """
    if isinstance(path, str):
        from jsonpath_rfc9535 import find

        return [node.value for node in find(path, arguments) if node.value is not None]
    value = arguments
    for step in path:
        try:
            value = value[step] if isinstance(value, dict | list) else None  # type: ignore[index]
        except (KeyError, IndexError, TypeError):
            return []
        if value is None:
            return []
    return [value]


def _compares(value: Any, sign: str, limit: float, is_negated: bool) -> bool:
    """Whether one of the numbers a value may be meets a condition; what is no number fails any."""
    found = [
        {"<": number < limit, "<=": number <= limit, ">": number > limit, ">=": number >= limit}[
            sign
        ]
        for number in _numbers(value)
    ]
    return any(held != is_negated for held in found or [False])


#: What people put between the digits of an amount.
_AMONG_DIGITS = frozenset("0123456789.,'’_ \u00a0\u202f")
_LONGEST_AMOUNT = 60
#: The digits of a group of thousands.
_GROUP = 3


def _numbers(value: Any) -> set[float]:
    """The numbers a value may be: `$4,200` is four thousand two hundred, or four and a fifth.

    A wall is met where one of them meets it: what can be read two ways lets nothing past.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return set()
    try:
        number = {float(value)}
    except OverflowError:  # a whole number with hundreds of digits
        return {float("-inf" if str(value).startswith("-") else "inf")}
    except ValueError:
        return _amounts(value) if isinstance(value, str) else set()
    return number | _amounts(value) if isinstance(value, str) and _is_grouped(value) else number


def _is_grouped(text: str) -> bool:
    """Whether the point of a number may stand before thousands: `4.200`, but not `0.125`."""
    whole, _, rest = text.strip().lstrip("+-").partition(".")
    is_short = 1 <= len(whole) <= _GROUP
    return is_short and whole[:1] != "0" and len(rest) == _GROUP and rest.isdigit()


def _amounts(text: str) -> set[float]:
    places = [place for place, letter in enumerate(text[: _LONGEST_AMOUNT + 1]) if letter.isdigit()]
    if not places or len(text) > _LONGEST_AMOUNT:
        return set()
    core = text[places[0] : places[-1] + 1]
    if not _AMONG_DIGITS.issuperset(core):
        return set()
    sign = "-" if "-" in text[: places[0]] else ""
    plain = "".join(letter for letter in core if letter.isdigit() or letter in ".,")
    readings = (plain.replace(",", ""), plain.replace(".", "").replace(",", "."))
    return {float(sign + digits) for digits in readings if digits.count(".") <= 1}


def _in_words(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json

    return json.dumps(value, ensure_ascii=False)
