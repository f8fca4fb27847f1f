"""`kb beside refresh`: fetches the libraries that lie at a Git address."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from kb.errors import KbError
from kb.library import unread_library
from kb.streams import echo, warn
from kb.terminal import visible


@click.command("refresh")
@click.argument("names", nargs=-1, metavar="[NAME]...")
def command(names: tuple[str, ...]) -> int:
    """Fetch what the libraries NAME share now, by default all that lie at a Git address.

    Each is fetched bare, nowhere checked out, and nothing of it is run. What it shares is kept in
    your cache with the commit it is of; the rest is removed before this returns. Exit status 1
    where one could not be fetched: what was kept of it before then still answers.
    """
    from kb.other_libraries.open_libraries import KEY, declared
    from kb.other_libraries.refresh import refresh
    from kb.trusted_settings import require

    library = unread_library(Path.cwd())
    found = declared(library)
    refuse_unknown(names, [one.name for one in found])
    require(library.root, library.config, KEY)
    chosen = [one for one in found if one.is_fetched and (not names or one.name in names)]
    failed = 0
    for one in chosen:
        try:
            state = refresh(one, datetime.now(UTC))
        except KbError as error:
            failed = 1
            warn(f"kb beside: {visible(one.name)}: {error}")
        else:
            echo(visible(f"{one.name}: shares {state.shares}, at {state.commit[:9]}"))
    if not chosen:
        echo("none of them lies at a Git address: folders are read as they stand")
    return failed


def refuse_unknown(names: tuple[str, ...], known: list[str]) -> None:
    """Raise `KbError` for a name that `kb.toml` does not hold."""
    for name in names:
        if name not in known:
            there = ", ".join(known)
            what = f"kb.toml names no library '{name}' beside this one"
            raise KbError(what, todo=f"Name one of: {there}." if there else "Add it to kb.toml.")
