"""Which tools of agents run a shell, and where the command line stands among their arguments.

The hook of walls imports this before every call of a tool, so it imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Where agents put a command line among the arguments of a shell, in the order they are looked for.
COMMAND_KEYS = (
    "command",
    "cmd",
    "commandLine",
    "command_line",
    "CommandLine",
    "script",
    "code",
    "input",
    "keystrokes",
)
_TABLE = "effects/tools.json"


def command_of(arguments: Any) -> str | None:
    """The command line that a call of a shell runs, None where none can be read.

    A list of words becomes a line in which each is quoted: `["bash", "-lc", line]` is a call of
    bash there, and `["grep", "-c", word]` one of grep.
    """
    value = arguments
    if isinstance(arguments, dict):
        value = next((arguments[key] for key in COMMAND_KEYS if arguments.get(key)), None)
    if isinstance(value, list) and all(isinstance(word, str) for word in value):
        return " ".join(map(_quoted, value))
    return value if isinstance(value, str) else None


def _quoted(word: str) -> str:
    if word and all(c.isalnum() or c in "@%+=:,./-_" for c in word) and word.isascii():
        return word
    return "'" + word.replace("'", "'\\''") + "'"


def shell_tools() -> tuple[str, ...]:
    """The names of the tools that run a command line, of every agent in the table of tools."""
    import json

    from kb.data import read_data

    table = json.loads(read_data(_TABLE))
    names = (name for agent in table["agents"] for name in agent["shell"].split())
    return tuple(dict.fromkeys(names))
