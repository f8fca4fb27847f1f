"""`kb open`: a record by its id, in the editor, or where its page is."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from kb.commands.new import edit
from kb.commands.shell_words import record_ids
from kb.errors import KbError
from kb.library import Library, record_files, unread_library
from kb.streams import echo, is_terminal
from kb.terminal import visible


@click.command("open")
@click.argument("record_id", metavar="ID", shell_complete=record_ids)
@click.option("--page", is_flag=True, help="Say where it is at the Git host instead.")
def command(record_id: str, *, page: bool) -> None:
    """Open the record ID in $VISUAL or $EDITOR; in a pipe its path is printed.

    A part of an id is enough where one record has it.
    """
    library = unread_library(Path.cwd())
    path = _record(library, record_id)
    if page:
        echo(visible(_page(library, path)))
        return
    echo(visible(str(path)))
    if is_terminal("stdout"):
        edit(path)


def _record(library: Library, record_id: str) -> Path:
    """The file of the record. Raises `KbError` where none, or several, have such an id."""
    wanted = Path(record_id).name.removesuffix(".md").partition("#")[0].casefold()
    files = {file.stem: file for file in record_files(library.folder)}
    exact = next((file for stem, file in files.items() if stem.casefold() == wanted), None)
    if exact is not None:
        return exact
    found = [stem for stem in files if wanted and wanted in stem.casefold()]
    if len(found) == 1:
        return files[found[0]]
    if found:
        todo = f"One of: {', '.join(found[:8])}{', …' if len(found) > 8 else ''}"  # noqa: PLR2004
        raise KbError(f"{len(found)} records have '{record_id}' in their id", todo=todo)
    near = difflib.get_close_matches(wanted, files, n=1)
    todo = f"Did you mean '{near[0]}'?" if near else "'kb list' lists the ids."
    raise KbError(f"there is no record '{record_id}'", todo=todo)


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
