"""`kb wall hook`, where it is asked for help; an agent calls `kb.walls.agent_hook` itself."""

from __future__ import annotations

import click


@click.command("hook")
@click.option("--library", metavar="FOLDER", help="Whose walls; default: around cwd.")
def command(library: str | None) -> int:
    """Answer a coding agent before it uses a tool: PreToolUse of Claude Code and Codex.

    Reads one event as JSON from standard input, prints the answer as JSON, exits 0. Without a word
    of a wall there is no answer, and the agent's own rules decide. Only walls that you have trusted
    hold here: kb trust walls.

    A call that cannot be judged passes, and that is said, as where FOLDER is no library; it is
    denied where your configuration has `on_failure = "closed"` under `[walls]`.
    """
    from kb.walls.agent_hook import run

    return run(library)
