"""Sessions in the SQLite stores of coding agents, each as JSON that an importer reads.

OpenCode keeps tables of sessions, messages and parts, Goose of messages, Cursor of keys and values.
A store is trusted with nothing: it is opened to be read alone, its schema runs nothing, views and
virtual tables are refused, and no value above a bound is taken in. Read after what these agents
write in November 2026; none documents its schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kb.errors import KbError
from kb.traces.decoding.lenient_json import NotJsonError, decode

if TYPE_CHECKING:
    from sqlite3 import Connection

MAGIC = b"SQLite format 3\x00"
#: A longer value is refused: the largest output of a tool that agents keep has some megabytes.
_MOST_VALUE_BYTES = 256 << 20
_COLUMNS = 24


@dataclass(frozen=True)
class StoredSession:
    """A session: its id, and the pieces of JSON that it is written with, in order.

    `unreadable` are the ids of rows that hold no JSON, known when all pieces were taken.
    """

    name: str
    pieces: Iterator[bytes]
    unreadable: list[str]


@contextmanager
def open_store(path: Path, *, is_copy: bool) -> Iterator[Connection]:
    """A store, opened so that nothing is written to it; a copy of ours may take in its journal.

    Raises `sqlite3.Error`.
    """
    import sqlite3

    mode = "mode=rw" if is_copy else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_VALUE_BYTES)
        connection.setlimit(sqlite3.SQLITE_LIMIT_COLUMN, 200)
        for pragma in ("trusted_schema = off", "query_only = on", "cell_size_check = on"):
            connection.execute(f"PRAGMA {pragma}")
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        yield connection
    finally:
        connection.close()


def sessions_in(connection: Connection, shown: str) -> Iterator[StoredSession]:
    """The sessions of a store. Raises `KbError` for a store of something else, `sqlite3.Error`."""
    tables = _tables(connection)
    for needed, read in _STORES:
        if all(columns <= tables.get(name, frozenset()) for name, columns in needed.items()):
            yield from read(connection, tables)
            return
    names = ", ".join(sorted(tables)[:_COLUMNS]) or "none"
    what = f"is an SQLite store of no agent that is read here; its tables: {names}"
    raise KbError(what, where=shown, todo="Export its rows as JSON.")


def _tables(connection: Connection) -> dict[str, frozenset[str]]:
    """The plain tables with their columns: a view or a virtual table runs what its maker wrote."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    plain = [str(name) for name, sql in rows if not _is_virtual(sql)]
    return {name: _columns(connection, name) for name in plain}


def _is_virtual(sql: object) -> bool:
    return " ".join(str(sql).upper().split()).startswith("CREATE VIRTUAL")


def _columns(connection: Connection, table: str) -> frozenset[str]:
    rows = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
    return frozenset(str(row[0]) for row in rows)


def _opencode(connection: Connection, tables: dict[str, frozenset[str]]) -> Iterator[StoredSession]:
    ids = "SELECT session_id FROM message GROUP BY session_id ORDER BY min(time_created), 1"
    for (name,) in connection.execute(ids).fetchall():
        lost: list[str] = []
        yield StoredSession(str(name), _opencode_export(connection, tables, name, lost), lost)


def _opencode_export(
    connection: Connection, tables: dict[str, frozenset[str]], session: Any, lost: list[str]
) -> Iterator[bytes]:
    """The session as `opencode export` writes it."""
    yield b'{"info": ' + _json({"id": session, **_opencode_info(connection, tables, session)})
    yield b', "messages": ['
    messages = "SELECT id, data FROM message WHERE session_id = ? ORDER BY time_created, id"
    for number, (name, data) in enumerate(connection.execute(messages, (session,))):
        info = {**_object(data, name, lost), "id": name, "sessionID": session}
        parts = "SELECT id, data FROM part WHERE message_id = ? ORDER BY time_created, id"
        pieces = [
            {**_object(part, part_id, lost), "id": part_id, "messageID": name}
            for part_id, part in connection.execute(parts, (name,))
        ]
        yield (b", " if number else b"") + _json({"info": info, "parts": pieces})
    yield b"]}\n"


def _opencode_info(
    connection: Connection, tables: dict[str, frozenset[str]], session: Any
) -> dict[str, Any]:
    asked = {
        "title": "title",
        "directory": "directory",
        "version": "version",
        "parent_id": "parentID",
        "project_id": "projectID",
        "slug": "slug",
    }
    return _row_of(connection, tables, "session", asked, session)


def _row_of(
    connection: Connection,
    tables: dict[str, frozenset[str]],
    table: str,
    asked: dict[str, str],
    key: Any,
) -> dict[str, Any]:
    """Columns of the row with an id, under other names; what is not there or empty is absent."""
    known = [column for column in asked if column in tables.get(table, ())]
    if not known or "id" not in tables[table]:
        return {}
    columns = ", ".join(known)  # of `asked`, never of the store
    row = connection.execute(
        f"SELECT {columns} FROM {table} WHERE id = ?",  # noqa: S608
        (key,),
    ).fetchone()
    pairs = zip(known, row or (), strict=False)
    return {asked[column]: value for column, value in pairs if value not in {None, ""}}


def _goose(connection: Connection, tables: dict[str, frozenset[str]]) -> Iterator[StoredSession]:
    ids = "SELECT session_id FROM messages GROUP BY session_id ORDER BY min(created_timestamp), 1"
    for (name,) in connection.execute(ids).fetchall():
        yield StoredSession(str(name), _goose_lines(connection, tables, name), [])


def _goose_lines(
    connection: Connection, tables: dict[str, frozenset[str]], session: Any
) -> Iterator[bytes]:
    """The lines of a session file: what it is about, and its messages."""
    asked = {name: name for name in ("working_dir", "description", "name", "provider_name")}
    about = _row_of(connection, tables, "sessions", asked, session)
    if "working_dir" in about:
        yield _json({"id": session, **about}) + b"\n"
    order = "id" if "id" in tables["messages"] else "created_timestamp, rowid"
    messages = connection.execute(
        "SELECT role, content_json, created_timestamp FROM messages "  # noqa: S608
        f"WHERE session_id = ? ORDER BY {order}",
        (session,),
    )
    for role, content, at in messages:
        row = {"session_id": session, "role": role, "content_json": content}
        yield _json({**row, "created_timestamp": at}) + b"\n"


def _cursor(connection: Connection, _: dict[str, frozenset[str]]) -> Iterator[StoredSession]:
    # ";" follows ":" in ASCII: the range is all keys that begin so.
    keys = (
        "SELECT key FROM cursorDiskKV WHERE key >= 'composerData:' AND key < 'composerData;' "
        "ORDER BY rowid"
    )
    for (key,) in connection.execute(keys).fetchall():
        name = str(key).partition(":")[2]
        lost: list[str] = []
        yield StoredSession(name, _cursor_object(connection, str(key), name, lost), lost)


def _cursor_object(connection: Connection, key: str, name: str, lost: list[str]) -> Iterator[bytes]:
    """A composer with its bubbles, in the order in which its headers name them."""
    composer = _object(_value(connection, key), key, lost)
    inline = composer.pop("conversation", None)
    headers = composer.get("fullConversationHeadersOnly")
    yield b'{"composerData": ' + _json({**composer, "composerId": name}) + b', "bubbles": ['
    told = inline if isinstance(inline, list) and inline else headers
    for number, head in enumerate(told if isinstance(told, list) else ()):
        bubble = head if told is inline else _bubble(connection, name, head, lost)
        yield (b", " if number else b"") + _json(bubble)
    yield b"]}\n"


def _bubble(connection: Connection, composer: str, head: Any, lost: list[str]) -> Any:
    if not isinstance(head, dict):
        return head
    key = f"bubbleId:{composer}:{head.get('bubbleId')}"
    return {**head, **_object(_value(connection, key), key, lost)}


def _value(connection: Connection, key: str) -> Any:
    row = connection.execute("SELECT value FROM cursorDiskKV WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def _object(data: Any, name: Any, lost: list[str]) -> dict[str, Any]:
    """The object that a column holds as JSON; `lost` takes the name of a row that holds none."""
    if data is None:
        return {}
    value = None
    with suppress(NotJsonError):
        value = decode(data if isinstance(data, str | bytes) else str(data))
    if isinstance(value, dict):
        return value
    lost.append(str(name))
    return {"type": "kb.unreadable"}


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value, enc_hook=str)


_Read = Callable[["Connection", dict[str, frozenset[str]]], Iterator[StoredSession]]
#: The tables and columns that tell a store, and what reads it.
_STORES: tuple[tuple[dict[str, frozenset[str]], _Read], ...] = (
    (
        {
            "message": frozenset({"id", "session_id", "time_created", "data"}),
            "part": frozenset({"id", "message_id", "time_created", "data"}),
        },
        _opencode,
    ),
    (
        {"messages": frozenset({"session_id", "role", "content_json", "created_timestamp"})},
        _goose,
    ),
    ({"cursorDiskKV": frozenset({"key", "value"})}, _cursor),
)
