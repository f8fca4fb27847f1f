"""The records as resources that a client lists and reads, newest first, some at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kb.errors import KbError
from kb.mcp.bounded_answer import NOTICE
from kb.mcp.tools import MOST_RECORD, find_record
from kb.terminal import visible, visible_lines

#: Before the id of a record.
SCHEME = "postmortem://record/"
TEMPLATE = SCHEME + "{id}"
MIME = "text/markdown"
PAGE = 100


@dataclass(frozen=True)
class Listing:
    """The ids of one page, and where the next begins: empty at the end."""

    ids: tuple[str, ...]
    next_cursor: str


def list_records(folder: Path, cursor: str | None) -> Listing:
    """The records of a folder's library from a cursor on.

    Raises `KbError` where there is no library, or for a cursor that no page gave.
    """
    import kb
    from kb.library import record_files

    start = int(cursor) if cursor and cursor.isdecimal() and len(cursor) < 9 else 0  # noqa: PLR2004
    if cursor and str(start) != cursor:
        raise KbError("this cursor is none of a page", todo="List from the beginning.")
    library = kb.open(folder).settings
    ids = [file.stem for file in reversed(record_files(library.folder))]
    page = tuple(visible(name) for name in ids[start : start + PAGE])
    return Listing(page, str(start + PAGE) if start + PAGE < len(ids) else "")


def read_record(folder: Path, uri: str) -> str:
    """The Markdown of a record below a notice that it is data.

    Raises `KbError` for an address that names no record.
    """
    import kb

    if not uri.startswith(SCHEME):
        raise KbError(
            f"no record has the address '{uri[:200]}'", todo=f"Take one that begins {SCHEME}"
        )
    document = find_record(kb.open(folder), uri.removeprefix(SCHEME))
    text = document.text
    cut = "" if len(text) <= MOST_RECORD else f"\n[…] {len(text):,} characters; read_incident"
    return f"<!-- {NOTICE_OF_RESOURCE} -->\n{visible_lines(text[:MOST_RECORD])}{cut}"


NOTICE_OF_RESOURCE = NOTICE.replace("`data`", "this line")
