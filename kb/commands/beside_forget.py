"""`kb beside forget`: removes what is kept of other libraries on this machine."""

from __future__ import annotations

from pathlib import Path

import click

from kb.commands.beside_refresh import refuse_unknown
from kb.library import unread_library
from kb.streams import echo
from kb.terminal import visible


@click.command("forget")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def command(names: tuple[str, ...]) -> None:
    """Remove what is kept of the libraries NAME, by default of all that kb.toml names.

    Their own folders and repositories are not touched; where kb.toml still names one, the next
    question or kb beside refresh makes it again.
    """
    from kb.other_libraries.cached_view import forget
    from kb.other_libraries.open_libraries import declared

    found = declared(unread_library(Path.cwd()))
    refuse_unknown(names, [one.name for one in found])
    gone = [one.name for one in found if (not names or one.name in names) and forget(one.home)]
    for name in gone:
        echo(visible(f"forgotten: {name}"))
    if not gone:
        echo("nothing was kept of them")
