"""The code that an agent's tool runs as a cell, as the shell text that would run the same.

    >>> print(cell_commands("run_ipython", {"code": "print(1)"}))
    python - <<'END_OF_CELL'
    print(1)
    END_OF_CELL

So what a cell does is told by the table of programs, as of `python -c`: what it plainly removes is
removed, and all else is unknown. Lines for the shell (`!rm x`, `%%bash`) are commands.
"""

from __future__ import annotations

from typing import Any

#: smolagents, OpenHands and its event stream, OpenAI's hosted tool; Codex runs JavaScript.
_RUNS = {
    "python_interpreter": "python",
    "execute_ipython_cell": "python",
    "run_ipython": "python",
    "code_interpreter": "python",
    "js_repl": "node",
}
_END = "END_OF_CELL"
_SHELL_CELLS = ("%%bash", "%%sh", "%%script bash")


def cell_commands(tool: str, arguments: Any) -> str | None:
    """The shell text of a cell, None for a call that runs none, or none that can be told."""
    program = _RUNS.get(tool)
    code = arguments.get("code") if isinstance(arguments, dict) else arguments
    if program is None or not isinstance(code, str) or _END in code:
        return None
    first, _, rest = code.lstrip().partition("\n")
    if first.strip() in _SHELL_CELLS:
        return rest
    lines = code.split("\n")
    commands = [line.lstrip()[1:].lstrip("!") for line in lines if line.lstrip().startswith("!")]
    kept = "\n".join(line for line in lines if not line.lstrip().startswith("!"))
    if not kept.strip() and commands:
        return "\n".join(commands)
    return "\n".join([*commands, f"{program} - <<'{_END}'\n{kept}\n{_END}"])
