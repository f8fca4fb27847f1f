"""`kb similar`: the earlier incidents of the same class, why, and what was promised then."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.commands.completion import record_ids
from kb.did_you_mean import did_you_mean
from kb.errors import KbError
from kb.streams import echo, echo_json, read_stdin, too_long, warn
from kb.terminal import visible

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.query import Query

#: Longer texts are no ids.
_MOST_ID = 200
_MOST_PATH = 1000
_ID = re.compile(r"\d{4}-\d{2}-\d{2}-\S+")
_FILE_ENDING = re.compile(
    r"\.(?:md|markdown|txt|json|jsonl|ndjson|ya?ml|html?|pdf|csv|log|docx?|gz|zip)$", re.IGNORECASE
)
_PIPED = "echo WORD | kb similar -"
_LOOKED_AT_BYTES = 4096
_MOST_NAMED = 5
#: A long record has 40 kB; what is longer is not a question but a mistake, such as a log. 150,000
#: words took 485 s to embed, on two busy cores.
_MOST_QUERY_BYTES = 64 << 10


def named_file(query: str) -> Path | None:
    """The file a query names, None for anything else; a text may be longer than a path can be.

    Raises `KbError` for a folder, or for a file that holds no text.
    """
    try:
        path = Path(query)
        if query == "-" or not path.exists():
            return None
    except (OSError, ValueError):
        return None
    if not query.strip():
        return None
    if path.is_dir():
        raise KbError("this is a folder", where=query, todo=f"Name a file, or ask: {_PIPED}.")
    _refuse_binary(path)
    return path


def _refuse_binary(path: Path) -> None:
    try:
        with path.open("rb") as stream:
            start = stream.read(_LOOKED_AT_BYTES)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise KbError(what, where=str(path), todo="Check the path.") from error
    if b"\0" in start:
        raise KbError("this file holds no text", where=str(path), todo="Name a draft or a trace.")


def is_run(path: Path) -> bool:
    """Whether a file holds data, as traces and fixtures do, and not a text to be read."""
    if path.suffix == ".md":
        return False
    try:
        with path.open("rb") as stream:
            return stream.read(_LOOKED_AT_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
    except OSError:
        return False


def query_from_argument(library: Library, query: str, today: date, run_id: str = "") -> Query:
    """The question that an argument names.

    Raises `KbError` for a missing file, a text without a word, or a trace that cannot be read.
    """
    from kb.library import load_document
    from kb.search.query import query_from_document, query_from_text

    path = named_file(query) or _record(library, query)
    if path is not None and is_run(path):
        return _query_from_run(library, path, run_id, today)
    if run_id:
        raise KbError("--run needs a trace", where=query, todo="Name a trace or a fixture.json.")
    if path is not None:
        return query_from_document(load_document(path.absolute(), library.form), today)
    _refuse_mistyped(library, query)
    text = _stdin() if query == "-" else query
    if len(text) > _MOST_QUERY_BYTES:
        raise too_long(_MOST_QUERY_BYTES, "the question")
    if not text.strip():
        raise KbError("there is nothing to look for", todo="Give a text, a draft's file or an id.")
    return query_from_text(text, today)


def _record(library: Library, query: str) -> Path | None:
    """The file of the record with that id."""
    if len(query) >= _MOST_ID or "/" in query or "\0" in query:
        return None
    path = library.folder / f"{query}.md"
    if os.path.isfile(path):  # noqa: PTH113 - too long a name is none
        return path
    if not _ID.fullmatch(query):
        return None
    return next((p for p in _record_files(library) if p.stem.casefold() == query.casefold()), None)


def _record_files(library: Library) -> list[Path]:
    return sorted(library.folder.glob("*.md"))


def _refuse_mistyped(library: Library, query: str) -> None:
    """Raise `KbError` for what names a record or a file that is not there: it is no question."""
    if _ID.fullmatch(query):
        known = [path.stem for path in _record_files(library)]
        todo = did_you_mean(query, known, "Take an id from kb similar.")
        raise KbError(f"there is no record {query}", todo=todo)
    if _looks_like_path(query):
        todo = f"Check the path, or ask with the word itself: {_PIPED}."
        raise KbError("there is no such file", where=query, todo=todo)


def _looks_like_path(query: str) -> bool:
    """One word with a slash or a file's ending, or more that lie in a folder that is there."""
    if query == "-" or len(query) >= _MOST_PATH or "\n" in query:
        return False
    if not re.search(r"\s", query):
        return "/" in query or bool(_FILE_ENDING.search(query))
    return "/" in query and bool(_FILE_ENDING.search(query)) and _is_folder(Path(query).parent)


def _is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - too long a name is none


def _query_from_run(library: Library, path: Path, run_id: str, today: date) -> Query:
    """A run as a question, redacted as an import would be, with the fixtures it is like."""
    from kb.search.query import RunFacts, query_from_run
    from kb.traces.query_from_run import alike_fixtures, is_known_failure, question_from_run
    from kb.traces.read_runs import one_run, team_settings

    run = one_run(path, team_settings(library.root), run_id)
    asked = question_from_run(run)
    if not asked.parts:
        raise KbError("the run holds nothing to look for", where=str(path))
    facts = RunFacts(
        id=run.id,
        title=asked.title,
        parts=tuple((part.name, part.text) for part in asked.parts),
        tools=asked.tools,
        classes=asked.classes,
        alike_runs=alike_fixtures(run, library.folder),
        shows_fault=asked.shows_fault or is_known_failure(run, library.folder),
    )
    return query_from_run(facts, today)


def _stdin() -> str:
    return read_stdin(_MOST_QUERY_BYTES).decode("utf-8", "replace")


if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.answer import Answer
    from kb.search.encoder.encoder import Progress
    from kb.search.query import Filters, Query
    from kb.search.several_libraries import OtherLibrary
    from kb.traces.run import Run

_ONLY_CLASS = "Only this failure class."
_ONLY_KIND = "Only this kind of record."
_STORE = "Ask the organisation's store too; default where [store] names one."
_EVERYWHERE = "Search the libraries beside this one too; default search.everywhere in kb.toml."
_CASEBOOK = (
    "Search the public incidents of kb too; default search.casebook in kb.toml, else while fewer "
    "than 20 own records are published."
)


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
        from kb.search.is_installed import prepare_search

        prepare_search()
        from kb.search.query import Filters

        day = since.date() if since else None
        function(filters=Filters(classes, kinds, routes, day), **others)

    options = (
        click.option("--class", "classes", multiple=True, metavar="NAME", help=_ONLY_CLASS),
        click.option("--kind", "kinds", multiple=True, metavar="KIND", help=_ONLY_KIND),
        click.option("--route", "routes", multiple=True, metavar="ROUTE", help="Only this route."),
        click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only from this day on."),
    )
    return functools.reduce(lambda done, option: option(done), reversed(options), call)


@dataclass(frozen=True)
class _Beside:
    """What is asked beside the library's own records; None is as its settings say.

    `run` is the file of the run that asks, None for a text, and `run_id` which of its runs.
    """

    casebook: bool | None
    store: bool | None
    everywhere: bool | None
    run: Path | None = None
    run_id: str = ""

    def others(self, library: Library) -> tuple[OtherLibrary, ...]:
        """The casebook and other teams' libraries, as far as each shares itself."""
        from kb.search.casebook_default import is_asked

        search = library.config.search
        casebook = is_asked(library, self.casebook)
        if not (search.everywhere if self.everywhere is None else self.everywhere):
            if not casebook:
                return ()
            from kb.search.casebook import casebook_beside

            return (casebook_beside(library),)
        from kb.other_libraries.open_libraries import open_other_libraries

        return open_other_libraries(library, casebook=casebook, run=self._read_run(library))

    def with_others(self) -> _Beside:
        """Other teams' libraries too, unless they were refused: one of theirs was named."""
        return replace(self, everywhere=self.everywhere is not False)

    def _read_run(self, library: Library) -> Run | None:
        if self.run is None:
            return None
        from kb.traces.read_runs import one_run, team_settings

        return one_run(self.run, team_settings(library.root), self.run_id)


def _beside_own(function: Callable[..., None]) -> Callable[..., None]:
    """The options that say so, handed to the command as one value."""

    @functools.wraps(function)
    def call(
        *, casebook: bool | None, store: bool | None, everywhere: bool | None, **others: Any
    ) -> None:
        function(beside=_Beside(casebook, store, everywhere), **others)

    options = (
        click.option("--casebook/--no-casebook", default=None, help=_CASEBOOK),
        click.option("--everywhere/--no-everywhere", default=None, help=_EVERYWHERE),
        click.option("--store/--no-store", default=None, help=_STORE),
    )
    return functools.reduce(lambda done, option: option(done), reversed(options), call)


@click.command("similar")
@click.argument("query", required=False, shell_complete=record_ids)
@click.option("-k", "limit", type=click.IntRange(1, 100), help="Matches shown; default 5.")
@_narrowed
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.similar/1).")
@click.option("--explain", metavar="ID", help="Show the arithmetic behind one record's place.")
@click.option("--write", is_flag=True, help="Put proposals into the draft's Counterfactual.")
@_beside_own
@click.option("--run", "run_id", default="", metavar="ID|N", help="Which run of a trace file.")
def command(
    query: str | None,
    limit: int | None,
    filters: Filters,
    explain: str | None,
    beside: _Beside,
    run_id: str,
    *,
    as_json: bool,
    write: bool,
) -> None:
    """Find the earlier incidents like QUERY: a draft's file, a record's id, a text, or - for stdin.

    Without QUERY the draft you are on asks: the one that differs from the last commit.
    A trace or a fixture.json asks with what its run was asked, called, met and claimed; where
    its trace shows no fault, nothing is like it.
    Records later than a draft are no candidates, and neither are other drafts. Incidents of the
    casebook, other teams (kb beside) and the store stand among own ones, marked, and are never
    proposed by --write. Where the store's server is away, own records answer, and a line says so.
    """
    from kb.search.is_installed import prepare_search

    prepare_search()
    from kb.library import unread_library

    today = datetime.now(UTC).date()
    query = query if query is not None else _draft_at_hand()
    path = named_file(query)
    # A trace lies anywhere; its library is the one it is asked from.
    library = unread_library(_home_of(path) if path and not is_run(path) else Path.cwd())
    asked = query_from_argument(library, query, today, run_id)
    run = path if asked.is_run else None
    given = _Asked(library, asked, filters, limit, today, replace(beside, run=run, run_id=run_id))
    if explain:
        echo(_explained(given, explain), end="")
    elif write:
        echo(_written(given, path))
    else:
        _show(given, as_json=as_json)


def _draft_at_hand() -> str:
    """The draft that differs from the last commit, or the only one; said, for it was not named.

    Raises `KbError` where there is none, or several.
    """
    from kb.commands.check import changed_paths
    from kb.library import open_library

    library = open_library(Path.cwd())
    drafts = [
        library.root / document.path
        for document in library.documents
        if (document.front.text("status") or "draft") == "draft" and document.front.present
    ]
    try:
        changed = set(changed_paths(library, (), "HEAD")) if len(drafts) > 1 else set()
    except KbError:  # no Git, or no commit yet
        changed = set()
    found = [draft for draft in drafts if draft in changed] or drafts
    names = [os.path.relpath(draft) for draft in found]
    if len(names) == 1:
        warn(f"kb similar {visible(names[0])}")
        return names[0]
    if not names:
        raise KbError("there is no draft to ask with", todo="Give a text, a file or an id.")
    shown = ", ".join(names[:_MOST_NAMED]) + (", …" if len(names) > _MOST_NAMED else "")
    raise KbError(f"there are {len(names)} drafts", todo=f"Name one: {shown}")


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
    beside: _Beside

    @property
    def asks_store(self) -> bool:
        """Whether the organisation's store is asked: where one is named, or by its option."""
        store = self.beside.store
        return bool(self.library.config.store.url) if store is None else store


def _answer(asked: _Asked) -> Answer:
    """The answer of the library's own records and of all that is asked beside them."""
    search: Callable[..., Answer]
    if asked.asks_store:
        from kb.store.merge_answers import similar_with_store

        search = functools.partial(similar_with_store, required=asked.beside.store is True)
    else:
        from kb.search.several_libraries import similar_beside as search
    others = asked.beside.others(asked.library)
    with _progress() as progress:
        return search(
            asked.library,
            others=others,
            query=asked.query,
            limit=asked.limit,
            filters=asked.filters,
            today=asked.today,
            progress=progress,
        )


def _show(asked: _Asked, *, as_json: bool) -> None:
    answer = _answer(asked)
    if as_json:
        from kb.search.answer_json import answer_json

        echo_json(answer_json(answer), end="")
        return
    from kb.search.render import answer_text

    echo(answer_text(answer, today=asked.today), end="")


def _explained(asked: _Asked, record_id: str) -> str:
    """The arithmetic of a record of the library, else of one beside it or in the store."""
    from kb.commands.similar_explain import explained_beside, explained_in_store
    from kb.search.explain_score import explain
    from kb.search.find_similar import find
    from kb.search.index.index import open_index
    from kb.search.query import refuse_unknown
    from kb.search.several_libraries import open_other_library

    with _progress() as progress:
        index = open_index(asked.library, progress)
        found = find(index, asked.query, asked.filters)
        if record_id in index.generation.collection.positions:
            beside = asked.beside.others(asked.library)
            theirs = (
                entry for one in beside for entry in open_other_library(one, progress).entries
            )
            entries = (*index.entries, *theirs)
            refuse_unknown(asked.filters, asked.library.form, entries)
            return explain(found, record_id)
        others = asked.beside.with_others().others(asked.library)
        told = explained_beside(found, others, record_id, progress)
        if not told and asked.asks_store:
            told = explained_in_store(found, asked.library, record_id)
    return told or explain(found, record_id)


def _written(asked: _Asked, path: Path | None) -> str:
    """Own incidents, and with --casebook those of the casebook, which have a web address.

    Nobody is asked unbidden for a verdict that no measure counts.
    """
    from kb.search.write_proposals import write_proposals

    if path is None or is_run(path):
        raise KbError(
            "--write needs the file of a draft", todo="Name the draft: kb similar DRAFT.md --write."
        )
    beside = _Beside(casebook=bool(asked.beside.casebook), store=False, everywhere=False)
    alone = replace(asked, beside=beside)
    return write_proposals(path, _answer(alone), asked.library.form)


def _progress() -> AbstractContextManager[Progress | None]:
    from kb.commands.build import progress_bar

    return progress_bar(first_is_said=True)
