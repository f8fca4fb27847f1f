"""`kb similar`: the earlier incidents of the same class, why, and what was promised then."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.errors import KbError
from kb.streams import echo, echo_json

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.answer import Answer
    from kb.search.encoder.model import Progress
    from kb.search.query import Query
    from kb.search.scoring.filters import Filters

_ONLY_CLASS = "Only this failure class."
_ONLY_KIND = "Only this kind of record."
_CASEBOOK = "Search the public incidents of kb too; default search.casebook in kb.toml."


def _narrowed(function: Callable[..., None]) -> Callable[..., None]:
    """The options that narrow a search, handed to the command as one value."""

    @functools.wraps(function)
    def call(
        *,
        classes: tuple[str, ...],
        kinds: tuple[str, ...],
        routes: tuple[str, ...],
        since: datetime | None,
        **others: Any,
    ) -> None:
        from kb.search.scoring.filters import Filters

        day = since.date() if since else None
        function(filters=Filters(classes, kinds, routes, day), **others)

    options = (
        click.option("--class", "classes", multiple=True, metavar="NAME", help=_ONLY_CLASS),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help=_ONLY_KIND),
        click.option("--route", "routes", multiple=True, metavar="ROUTE", help="Only this route."),
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on."),
    )
    return functools.reduce(lambda done, option: option(done), reversed(options), call)


@click.command("similar")
@click.argument("query")
@click.option("-k", "limit", type=click.IntRange(1, 100), help="Matches shown; default 5.")
@_narrowed
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.similar/1).")
@click.option("--explain", metavar="ID", help="Show the arithmetic behind one record's place.")
@click.option("--write", is_flag=True, help="Put proposals into the draft's Counterfactual.")
@click.option("--casebook/--no-casebook", default=None, help=_CASEBOOK)
@click.option("--run", "run_id", default="", metavar="ID|N", help="Which run of a trace file.")
def command(
    query: str,
    limit: int | None,
    filters: Filters,
    explain: str | None,
    casebook: bool | None,
    run_id: str,
    *,
    as_json: bool,
    write: bool,
) -> None:
    """Find the earlier incidents like QUERY: a draft's file, a record's id, a text, or - for stdin.

    A trace or a fixture.json asks with what its run was asked, called, met and claimed.
    Records later than a draft are no candidates, and neither are other drafts. Incidents of the
    casebook stand behind the library's own and are never proposed by --write.
    """
    from kb.commands.build import prepare_search

    prepare_search()
    from kb.commands.similar_query import is_run, named_file, query_from_argument
    from kb.search.indexing.files import unread_library

    today = datetime.now(UTC).date()
    path = named_file(query)
    # A trace lies anywhere; its library is the one it is asked from.
    library = unread_library(_home_of(path) if path and not is_run(path) else Path.cwd())
    beside = library.config.search.casebook if casebook is None else casebook
    asked = query_from_argument(library, query, today, run_id)
    given = _Asked(library, asked, filters, limit, today, beside)
    if explain:
        echo(_explained(given, explain), end="")
    elif write:
        echo(_written(given, path))
    else:
        _show(given, as_json=as_json)


def _home_of(draft: Path) -> Path:
    """Where to look for the library of a draft: one that lies in none asks the current one."""
    from kb.library import find_root

    try:
        find_root(draft)
    except KbError:
        return Path.cwd()
    return draft


@dataclass(frozen=True)
class _Asked:
    """What was typed, understood."""

    library: Library
    query: Query
    filters: Filters
    limit: int | None
    today: date
    casebook: bool


def _search(*, casebook: bool) -> Callable[..., Answer]:
    if casebook:
        from kb.search.casebook import similar_with_casebook

        return similar_with_casebook
    from kb.search.similar import similar

    return similar


def _answer(asked: _Asked, *, casebook: bool) -> Answer:
    search = _search(casebook=casebook)
    with _progress() as progress:
        return search(
            asked.library,
            asked.query,
            limit=asked.limit,
            filters=asked.filters,
            today=asked.today,
            progress=progress,
        )


def _show(asked: _Asked, *, as_json: bool) -> None:
    answer = _answer(asked, casebook=asked.casebook)
    if as_json:
        from kb.search.answers.contract import answer_json

        echo_json(answer_json(answer), end="")
        return
    from kb.search.render import answer_text

    echo(answer_text(answer, today=asked.today), end="")


def _explained(asked: _Asked, record_id: str) -> str:
    """The arithmetic of a record of the library, else of one of the casebook."""
    from kb.search.explain import explain
    from kb.search.index.index import open_index
    from kb.search.scoring.filters import refuse_unknown
    from kb.search.similar import find

    with _progress() as progress:
        index = open_index(asked.library, progress)
        if not asked.casebook:
            refuse_unknown(asked.filters, asked.library.form, index.entries)
        found = find(index, asked.query, asked.filters)
        if asked.casebook and record_id not in index.generation.collection.positions:
            from kb.search.casebook import find_beside, open_casebook

            found = find_beside(found, asked.filters, open_casebook(asked.library, progress))
    return explain(found, record_id)


def _written(asked: _Asked, path: Path | None) -> str:
    """Own incidents only: a link to a record of the casebook would lead nowhere."""
    from kb.commands.similar_query import is_run
    from kb.search.proposals import write_proposals

    if path is None or is_run(path):
        raise KbError(
            "--write needs the file of a draft", todo="Name the draft: kb similar DRAFT.md --write."
        )
    return write_proposals(path, _answer(asked, casebook=False), asked.library.form)


def _progress() -> AbstractContextManager[Progress | None]:
    from kb.commands.build import progress_bar

    return progress_bar()
