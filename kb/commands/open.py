"""`kb open`: a record by its id, in the editor, or where its page is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from kb.commands.completion import record_ids
from kb.commands.new import edit
from kb.commands.record_by_id import record_that_counts
from kb.errors import KbError
from kb.library import Library, unread_library
from kb.streams import echo, is_terminal, warn
from kb.terminal import visible


@click.command("open")
@click.argument("record_id", metavar="ID", shell_complete=record_ids)
@click.option("--page", is_flag=True, help="Say where it is at the Git host instead.")
def command(record_id: str, *, page: bool) -> None:
    """Open the record ID in $VISUAL or $EDITOR; in a pipe its path is printed.

    A part of an id is enough where one record has it. Of a merged record the one that counts opens.
    Of another team's (kb beside) the path is printed, as far as it shares its text.
    """
    library = unread_library(Path.cwd())
    try:
        path = record_that_counts(library, record_id)
    except KbError:
        theirs = _of_another_team(library, record_id) if not page else None
        if theirs is None:
            raise
        echo(visible(str(theirs)))
        return
    if page:
        echo(visible(_page(library, path)))
        return
    echo(visible(str(path)))
    if is_terminal("stdout"):
        edit(path)


def _of_another_team(library: Library, record_id: str) -> Path | None:
    """The file of a record of a library beside this one, None where none has the id.

    Raises `KbError` for one of which facts alone are shared.
    """
    if not library.config.library.beside or find_spec("numpy") is None:
        return None
    from kb.other_libraries.find_record import record_beside

    found = record_beside(library, record_id)
    if found is None:
        return None
    warn(visible(f"it is a record of {found.library}"))
    return found.file


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
