"""What does the QUERY of `kb similar` name? A draft, a record, a run, or a text; as a question."""

from __future__ import annotations

import difflib
import os
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from kb.errors import KbError
from kb.streams import read_stdin, too_long

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
        near = difflib.get_close_matches(query.lower(), known, n=1)
        todo = f"Did you mean {near[0]}?" if near else "Take an id from kb similar."
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
    return read_stdin(_MOST_QUERY_BYTES).decode("utf-8", "replace")
