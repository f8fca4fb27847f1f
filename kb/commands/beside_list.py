"""`kb beside list`: the libraries that are asked too, and what each shares."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

import click

from kb.errors import KbError
from kb.library import Library, unread_library
from kb.streams import echo, echo_json

_WIDTH = 80


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.beside/1).")
def command(*, as_json: bool) -> None:
    """List the libraries that kb.toml names beside this one, and how each can be asked."""
    from kb.search.is_installed import prepare_search

    prepare_search()
    library = unread_library(Path.cwd())
    rows = list(_rows(library))
    if as_json:
        echo_json(json.dumps({"schema": "kb.beside/1", "libraries": rows}, indent=2))
        return
    from kb.terminal import as_lines

    lines = [line for row in rows for line in _lines(row)]
    own = f"this library shares: {library.config.library.share}"
    echo(as_lines([*(lines or ["kb.toml names no library beside this one"]), own]), end="")


def _lines(row: dict[str, str]) -> Iterator[str]:
    """Whose it is and what it shares, and below that where it lies, cut nowhere."""
    from kb.terminal import visible

    text = visible(f"{row['name']}  {row['shares']}  {row['said']}")
    yield from textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    yield visible(f"  {row['place']}")


def _rows(library: Library) -> Iterator[dict[str, str]]:
    from kb.humanize import plural
    from kb.other_libraries.cached_view import read_state
    from kb.other_libraries.measures_by_team import library_of
    from kb.other_libraries.open_libraries import declared, open_one

    for beside in declared(library):
        found = open_one(library, beside)
        state = read_state(beside.home, beside.place) if beside.is_fetched else None
        try:
            texts = library_of(found) if found.library else None
        except KbError as error:
            texts, found = None, found.silent(error.what)
        count = len(texts.published if texts else found.facts)
        at = f", fetched {state.at:%Y-%m-%d}" if state and state.at else ""
        text = found.note if found.is_silent else f"{plural(count, 'record')}{at}"
        commit = f"@{state.commit[:9]}" if state and state.commit else ""
        where = beside.declared.git or beside.declared.path
        row = {"name": beside.name, "shares": found.shares, "said": text}
        yield {**row, "place": f"{where}{commit}", "note": found.note}
