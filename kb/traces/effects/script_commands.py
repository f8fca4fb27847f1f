r"""The shell commands in a script of Codex's code mode, which calls its tools from JavaScript.

    >>> commands_in('const r = await tools.exec_command({cmd: "git push"});\ntext(r.output);')
    'git push'

A script reaches the world through `tools` alone. What is no command, or perhaps not all of one,
stands for itself by the name of its tool, which no shell knows: the effect of the whole is unknown,
unless a command weighs more.
"""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import Any, NamedTuple

from kb.shell_tools import command_of

_CALL = re.compile(r"\btools\s{0,9}\.\s{0,9}(\w{1,80})\s{0,9}\(\s{0,99}")
_COMMAND_TOOLS = frozenset({"exec_command", "shell", "shell_command", "local_shell"})
_KEY = re.compile(r"""["']?\b(?:cmd|command)["']?\s{0,9}:\s{0,9}(?=["'`])""")
#: Behind the beginning of a call its command stands within so many characters.
_NEAR = 2_000
#: Keys of a command that are read in one call; a text beside the command may speak of another.
_MOST_KEYS = 3
_QUOTED = re.compile(r"'((?:[^'\\]|\\.){0,100000})'|`((?:[^`\\]|\\.){0,100000})`", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
#: What may follow a command that is whole: `"ls" + more` is not.
_VALUE_ENDS = re.compile(r"\s{0,99}[,}]")
_OBJECT_ENDS = re.compile(r"\s{0,99}(?:,\s{0,99})?\)")
#: Between the beginning of the object that a call is given and its command.
_ELSEWHERE = frozenset("{}();")
_PUT_IN = "${"
_TOOLS = re.compile(r"\btools\b")
#: More are not read, and what they do is unknown: each may be looked through to the end.
_MOST_CALLS = 50
_DECODER = json.JSONDecoder(strict=False)


class _Reading(NamedTuple):
    """A text that a call runs, where it ends in the script, and whether it surely is all of it."""

    text: str
    end: int
    is_whole: bool


def commands_in(script: str) -> str | None:
    """The commands a script runs, one a line; None where it calls no shell."""
    made = list(islice(_CALL.finditer(script), _MOST_CALLS + 1))
    if not any(call[1] in _COMMAND_TOOLS for call in made):
        return None
    found: list[str] = []
    between, behind = [], 0
    for call, end in zip(
        made[:_MOST_CALLS], [*(call.start() for call in made[1:]), len(script)], strict=False
    ):
        readings = _readings(script, call.end(), end) if call[1] in _COMMAND_TOOLS else []
        found += [reading.text for reading in readings]
        if [reading.is_whole for reading in readings] != [True]:
            found.append(f"tools.{call[1]}")
        between.append(script[behind : call.start()])
        behind = max([behind, call.end(), *(reading.end for reading in readings)])
    # Whoever takes them by another way than `tools.name(` may do anything with them.
    if any(map(_TOOLS.search, (*between, script[behind:]))):
        found.append("tools")
    # One that goes on in the next line would swallow the command there: it stands last.
    open_ones = [text for text in found if _may_go_on(text)]
    found = [text for text in found if not _may_go_on(text)] + ["tools"] * (len(open_ones) > 1)
    return "\n".join([*found, *open_ones])


def _may_go_on(command: str) -> bool:
    """Whether a quotation, a heredoc or a line may not be over at the end of a command."""
    is_quoting = any(command.count(mark) % 2 for mark in "'\"`")
    return is_quoting or "<<" in command or command.endswith("\\")


def _readings(script: str, start: int, end: int) -> list[_Reading]:
    """The command as JSON has it, or the texts behind a key that names one."""
    if script.startswith("{", start) and (given := _value(script, start)) is not None:
        value, behind = given
        command = command_of(value)
        is_whole = bool(_OBJECT_ENDS.match(script, behind))
        return [_Reading(command, behind, is_whole)] if command else []
    keys = islice(_KEY.finditer(script, start, min(end, start + _NEAR)), _MOST_KEYS)
    return [found for key in keys if (found := _text_behind(script, start, key)) is not None]


def _text_behind(script: str, start: int, key: re.Match[str]) -> _Reading | None:
    if script[key.end()] == '"':
        value, behind = _value(script, key.end()) or (None, 0)
        if not isinstance(value, str):
            return None
    elif quoted := _QUOTED.match(script, key.end()):
        value = _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), quoted[1] or quoted[2] or "")
        behind = quoted.end()
    else:
        return None
    is_in_object = script.startswith("{", start) and _ELSEWHERE.isdisjoint(
        script[start + 1 : key.start()]
    )
    is_put_together = script[key.end()] == "`" and _PUT_IN in script[key.end() : behind]
    is_whole = is_in_object and not is_put_together and bool(_VALUE_ENDS.match(script, behind))
    return _Reading(value, behind, is_whole) if value else None


def _value(script: str, start: int) -> tuple[Any, int] | None:
    """The JSON value that begins there, and where it ends."""
    try:
        return _DECODER.raw_decode(script, start)
    except (ValueError, RecursionError):
        return None
