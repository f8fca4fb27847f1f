"""What does the QUERY of `kb similar` name? A draft, a record, a run, or a text; as a question."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from kb.errors import KbError

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.query import Query

#: Longer texts are no ids.
_MOST_ID = 200
_LOOKED_AT_BYTES = 4096
#: A long record has 40 kB; what is longer is not a question but a mistake, such as a log.
_MOST_STDIN_BYTES = 1 << 20


def named_file(query: str) -> Path | None:
    """The file a query names, None for anything else; a text may be longer than a path can be."""
    try:
        path = Path(query)
        return path if query != "-" and path.is_file() else None
    except (OSError, ValueError):
        return None


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
    if query.endswith(".md") and " " not in query:
        raise KbError("there is no such file", where=query, todo="Check the path.")
    text = _stdin() if query == "-" else query
    if not text.strip():
        raise KbError("there is nothing to look for", todo="Give a text, a draft's file or an id.")
    return query_from_text(text, today)


def _record(library: Library, query: str) -> Path | None:
    """The file of the record with that id."""
    path = library.folder / f"{query}.md"
    return path if len(query) < _MOST_ID and "/" not in query and path.is_file() else None


def _query_from_run(library: Library, path: Path, run_id: str, today: date) -> Query:
    """A run as a question, redacted as an import would be, with the fixtures it is like."""
    from kb.runs.choosing import one_run
    from kb.runs.querytext import question_from_run
    from kb.runs.signature import alike_fixtures
    from kb.runs.team import team_settings
    from kb.search.query import RunFacts, query_from_run

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
    )
    return query_from_run(facts, today)


def _stdin() -> str:
    raw = sys.stdin.buffer.read(_MOST_STDIN_BYTES + 1)
    if len(raw) > _MOST_STDIN_BYTES:
        raise KbError(
            "more than 1 MiB is too long for a question",
            where="standard input",
            todo="Give the part that tells what happened, or a trace as a file.",
        )
    return raw.decode("utf-8", "replace")
