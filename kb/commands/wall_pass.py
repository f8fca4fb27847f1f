"""`kb wall pass`: a person lets one call through that a wall stops."""

from __future__ import annotations

import os
from pathlib import Path

import click

from kb.errors import KbError
from kb.library import find_root
from kb.streams import echo, is_terminal
from kb.terminal import visible


@click.command("pass")
@click.argument("wall", metavar="ID")
@click.option("--reason", required=True, help="Why; kept in the log of this machine.")
def command(wall: str, reason: str) -> int:
    """Let the next call through that the wall ID stops: once, within 30 minutes.

    Asks at a terminal, for an agent has none of its own. The wall speaks again at the call after.
    """
    from kb.walls.decide_call import open_table
    from kb.walls.firing_log import PASS_GIVEN, PASS_MINUTES, give_pass, log

    root = os.path.realpath(find_root(Path.cwd()))
    known = [row["id"] for row in open_table(root).rows]
    if wall not in known:
        raise KbError(
            f"no wall in force is named '{wall}'",
            where=root,
            todo=f"These are: {', '.join(known[:5]) or 'none; see kb trust walls'}.",
        )
    if not reason.strip():
        raise click.UsageError("--reason is empty: say why this call may run.")
    if not (is_terminal("stdin") and is_terminal("stderr")):
        raise KbError("there is nobody to ask", todo="Run it yourself, at a terminal.")
    if not click.confirm(f"Let the next call through that {visible(wall)} stops?", err=True):
        return 1
    give_pass(root, wall, reason.strip())
    log(root, wall, PASS_GIVEN, reason=reason.strip())
    echo(f"{visible(wall)} lets one call pass, within {PASS_MINUTES} minutes")
    return 0
