"""`kb wall export`: walls in an agent's own words, as far as it has them."""

from __future__ import annotations

from pathlib import Path

import click

from kb.library import open_library
from kb.streams import echo_data, warn
from kb.terminal import visible


@click.command("export")
@click.argument("agent", type=click.Choice(["claude-code", "codex"]))
def command(agent: str) -> int:
    """Print the walls of published records as AGENT's own deny list.

    claude-code: permission rules for settings.json. codex: prefix_rule lines for a .rules file.
    Those lists compare the beginning of a command; the walls that they cannot say are named on
    standard error, and need the hook. So are those that cannot be used, with exit status 1.
    """
    from kb.walls.agent_deny_lists import export
    from kb.walls.unusable_walls import unusable_walls

    library = open_library(Path.cwd())
    made = export(library, agent)
    found = unusable_walls(library.root, library.config)
    unusable = [one for one in found if one.is_published]
    echo_data(made.text.encode())
    for name in made.left_out:
        warn(visible(f"not said by {agent}, needs the hook: {name}"))
    for one in unusable:
        warn(visible(str(one)))
    return 1 if unusable else 0
