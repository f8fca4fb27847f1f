r"""The shell commands in a script of Codex's code mode, which calls its tools from JavaScript.

    >>> commands_in('const r = await tools.exec_command({cmd: "git push"});\ntext(r.output);')
    'git push'

A script reaches the world through `tools` alone. What is no command stands for itself by the name
of its tool, which no shell knows: the effect of the whole is unknown, unless a command weighs more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from kb.shell_tools import command_of

_CALL = re.compile(r"\btools\s{0,9}\.\s{0,9}(\w{1,80})\s{0,9}\(\s{0,99}")
_COMMAND_TOOLS = frozenset({"exec_command", "shell", "shell_command", "local_shell"})
_KEY = re.compile(r"""["']?\b(?:cmd|command)["']?\s{0,9}:\s{0,9}(?=["'`])""")
#: Behind the beginning of a call its command stands within so many characters.
_NEAR = 2_000
_QUOTED = re.compile(r"'((?:[^'\\]|\\.){0,100000})'|`((?:[^`\\]|\\.){0,100000})`", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
#: More are not read, and what they do is unknown: each may be looked through to the end.
_MOST_CALLS = 50
_DECODER = json.JSONDecoder(strict=False)


def commands_in(script: str) -> str | None:
    """The commands a script runs, one a line, in its order; None where it calls no shell."""
    made = list(islice(_CALL.finditer(script), _MOST_CALLS + 1))
    if not any(call[1] in _COMMAND_TOOLS for call in made):
        return None
    ends = [call.start() for call in made[1:]] + [len(script)]
    found = [_command(script, call, end) for call, end in zip(made, ends, strict=True)]
    return "\n".join([*found[:_MOST_CALLS], *(["tools"] if len(found) > _MOST_CALLS else [])])


def _command(script: str, call: re.Match[str], end: int) -> str:
    found = ""
    if call[1] in _COMMAND_TOOLS:
        found = next(filter(None, _readings(script, call.end(), end)), "")
    return found or f"tools.{call[1]}"


def _readings(script: str, start: int, end: int) -> Iterator[str | None]:
    """The command as JSON has it, then as a text behind its key."""
    yield command_of(_value(script, start)) if script.startswith("{", start) else None
    key = _KEY.search(script, start, min(end, start + _NEAR))
    if key is None:
        return
    if script[key.end()] == '"':
        value = _value(script, key.end())
        yield value if isinstance(value, str) else None
    elif quoted := _QUOTED.match(script, key.end()):
        yield _ESCAPE.sub(lambda m: _ESCAPED.get(m[1], m[1]), quoted[1] or quoted[2] or "")


def _value(script: str, start: int) -> Any:
    try:
        return _DECODER.raw_decode(script, start)[0]
    except (ValueError, RecursionError):
        return None
