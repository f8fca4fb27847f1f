"""`kb open`: a record by its id, in the editor, or where its page is."""

from __future__ import annotations

from pathlib import Path

import click

from kb.commands.new import edit
from kb.commands.record_named import record_that_counts
from kb.commands.shell_words import record_ids
from kb.errors import KbError
from kb.library import Library, unread_library
from kb.streams import echo, is_terminal
from kb.terminal import visible


@click.command("open")
@click.argument("record_id", metavar="ID", shell_complete=record_ids)
@click.option("--page", is_flag=True, help="Say where it is at the Git host instead.")
def command(record_id: str, *, page: bool) -> None:
    """Open the record ID in $VISUAL or $EDITOR; in a pipe its path is printed.

    A part of an id is enough where one record has it. Of a merged record the one that counts opens.
    """
    library = unread_library(Path.cwd())
    path = record_that_counts(library, record_id)
    if page:
        echo(visible(_page(library, path)))
        return
    echo(visible(str(path)))
    if is_terminal("stdout"):
        edit(path)


def _page(library: Library, path: Path) -> str:
    from kb.repo import open_repo

    repo = open_repo(library.root)
    inside = repo.relative(path)
    address = repo.web_url(inside) if inside else None
    if address is None:
        raise KbError(
            "no page of this record is known", todo="Add a remote at a Git host, or run 'kb serve'."
        )
    return address
