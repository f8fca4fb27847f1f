"""`kb similar`: the earlier incidents of the same class, why, and what was promised then."""

from __future__ import annotations

import os
import sys
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.errors import KbError

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.encoder import Progress
    from kb.search.query import Query
    from kb.search.similar import Filters


@click.command("similar")
@click.argument("query")
@click.option("-k", "limit", type=click.IntRange(1, 100), help="Matches shown; default 5.")
@click.option("--class", "classes", multiple=True, metavar="NAME", help="Only this failure class.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind of record.")
@click.option("--route", "routes", multiple=True, metavar="ROUTE", help="Only this route.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.similar/1).")
@click.option("--explain", metavar="ID", help="Show the arithmetic behind one record's place.")
@click.option("--write", is_flag=True, help="Put proposals into the draft's Counterfactual.")
@click.option(
    "--casebook/--no-casebook",
    default=None,
    help="Search the public incidents of kb too; default search.casebook in kb.toml.",
)
@click.option("--run", "run_id", default="", metavar="ID|N", help="Which run of a trace file.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    query: str,
    limit: int | None,
    classes: tuple[str, ...],
    kinds: tuple[str, ...],
    routes: tuple[str, ...],
    since: datetime | None,
    as_json: bool,
    explain: str | None,
    write: bool,
    casebook: bool | None,
    run_id: str,
) -> None:
    """Find the earlier incidents like QUERY: a draft's file, a record's id, a text, or - for stdin.

    A trace or a fixture.json asks with what its run was asked, called, met and claimed.
    Records later than a draft are no candidates, and neither are other drafts. Incidents of the
    casebook stand behind the library's own and are never proposed by --write.
    """
    from kb.commands.build import prepare_search

    prepare_search()
    from kb.search.files import unread_library
    from kb.search.similar import Filters

    today = datetime.now(UTC).date()
    path = _file(query)
    library = unread_library(path if path else Path.cwd())
    asked = _query(library, query, path, today)
    filters = Filters(classes, kinds, routes, since.date() if since else None)
    if explain:
        click.echo(_explained(library, asked, filters, explain), nl=False)
    elif write:
        click.echo(_written(library, asked, filters, path, limit))
    else:
        click.echo(_answered(library, asked, filters, limit, today, as_json=as_json), nl=False)


def _answered(
    library: Library,
    asked: Query,
    filters: Filters,
    limit: int | None,
    today: date,
    *,
    as_json: bool,
) -> str:
    from kb.search.similar import similar

    with _progress() as progress:
        answer = similar(
            library, asked, limit=limit, filters=filters, today=today, progress=progress
        )
    if as_json:
        from kb.search.contract import answer_json

        return answer_json(answer)
    from kb.search.show import show

    return show(answer, today=today, colour=_wants_colour())


def _explained(library: Library, asked: Query, filters: Filters, record_id: str) -> str:
    from kb.search.explain import explain
    from kb.search.index import open_index
    from kb.search.similar import find

    with _progress() as progress:
        index = open_index(library, progress)
    return explain(find(index, asked, filters), record_id)


def _written(
    library: Library, asked: Query, filters: Filters, path: Path | None, limit: int | None
) -> str:
    from kb.search.proposals import write_proposals
    from kb.search.similar import similar

    if path is None:
        raise KbError(
            "--write needs the file of a draft", todo="Name the draft: kb similar DRAFT.md --write."
        )
    with _progress() as progress:
        answer = similar(library, asked, limit=limit, filters=filters, progress=progress)
    return write_proposals(path, answer, library.form)


def _file(query: str) -> Path | None:
    """The file a query names, None for anything else; a text may be longer than a path can be."""
    try:
        path = Path(query)
        return path if query != "-" and path.is_file() else None
    except (OSError, ValueError):
        return None


def _query(library: Library, query: str, path: Path | None, today: date) -> Query:
    from kb.library import load_document
    from kb.search.query import query_from_document, query_from_text

    record = library.folder / f"{query}.md"
    if path is None and "/" not in query and len(query) < 200 and record.is_file():  # noqa: PLR2004
        path = record
    if path is not None:
        return query_from_document(load_document(path.absolute(), library.form), today)
    if query.endswith(".md") and " " not in query:
        raise KbError("there is no such file", where=query, todo="Check the path.")
    text = _stdin() if query == "-" else query
    if not text.strip():
        raise KbError("there is nothing to look for", todo="Give a text, a draft's file or an id.")
    return query_from_text(text, today)


def _stdin() -> str:
    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _progress() -> AbstractContextManager[Progress | None]:
    from kb.commands.build import progress_bar

    return progress_bar()


def _wants_colour() -> bool:
    """Colour on a terminal that shows it, unless NO_COLOR asks for none (no-color.org)."""
    return (
        sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )
