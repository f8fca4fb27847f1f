"""Sessions in the SQLite stores of coding agents: what is read of them, and what is refused."""

from __future__ import annotations

import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.traces.read_runs import open_reading

from traces_made import runs_in

OPENCODE = """
CREATE TABLE session (
    id TEXT PRIMARY KEY, title TEXT, directory TEXT, parent_id TEXT, version TEXT
);
CREATE TABLE message (id TEXT PRIMARY KEY, session_id TEXT, time_created INTEGER, data TEXT);
CREATE TABLE part (
    id TEXT PRIMARY KEY, message_id TEXT, session_id TEXT, time_created INTEGER, data TEXT
);
"""
GOOSE = """
CREATE TABLE sessions (id TEXT PRIMARY KEY, description TEXT, working_dir TEXT);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY, session_id TEXT, role TEXT, content_json TEXT, created_timestamp INTEGER
);
"""
CURSOR = "CREATE TABLE cursorDiskKV (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB);"


def store(path: Path, schema: str, **tables: list[tuple[Any, ...]]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        fill(connection, schema, tables)
    return path


def fill(
    connection: sqlite3.Connection, schema: str, tables: dict[str, list[tuple[Any, ...]]]
) -> None:
    connection.executescript(schema)
    for table, rows in tables.items():
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    connection.commit()


def opencode_rows(session: str = "ses_1") -> dict[str, list[tuple[Any, ...]]]:
    state = {"status": "completed", "input": {"command": "ls"}, "output": "a b"}
    tool = {"type": "tool", "tool": "bash", "callID": "c1", "state": state}
    say = {"type": "text", "text": "List it."}
    return {
        "session": [(session, "Listing", "/srv", None, "1.2")],
        "message": [
            (f"{session}-a", session, 1_700_000_000_000, json.dumps({"role": "user"})),
            (f"{session}-b", session, 1_700_000_001_000, json.dumps({"role": "assistant"})),
        ],
        "part": [
            (f"{session}-p1", f"{session}-a", session, 1, json.dumps(say)),
            (f"{session}-p2", f"{session}-b", session, 2, json.dumps(tool)),
        ],
    }


def test_each_session_of_opencode_is_a_run(tmp_path: Path) -> None:
    path = store(tmp_path / "opencode.db", OPENCODE, **opencode_rows())
    (run,) = runs_in(path)
    assert (run.id, run.trigger.text, run.provenance.format) == ("ses_1", "List it.", "opencode")
    assert (run.calls[0].tool, run.calls[0].arguments) == ("bash", {"command": "ls"})
    assert run.calls[0].result == "a b"
    assert run.source["title"] == "Listing"
    assert run.provenance.file == "opencode.db/ses_1"


def test_each_session_of_goose_is_a_run(tmp_path: Path) -> None:
    asks = [{"type": "toolRequest", "id": "1", "toolCall": {"value": {"name": "ls"}}}]
    tells = [{"type": "toolResponse", "id": "1", "toolResult": {"value": {"content": "a"}}}]
    rows: list[tuple[Any, ...]] = [
        (3, "two", "user", json.dumps([{"type": "text", "text": "Other."}]), 9),
        (1, "one", "assistant", json.dumps(asks), 5),
        (2, "one", "user", json.dumps(tells), 5),
    ]
    sessions: list[tuple[Any, ...]] = [("one", "Looks", "/srv"), ("two", "", "/srv")]
    path = store(tmp_path / "sessions.db", GOOSE, sessions=sessions, messages=rows)
    first, second = runs_in(path)
    assert [call.tool for call in first.calls] == ["ls"]
    assert first.calls[0].result == "a"
    assert first.source["description"] == "Looks"
    assert second.trigger.text == "Other."


def test_each_composer_of_cursor_is_a_run_in_the_order_of_its_headers(tmp_path: Path) -> None:
    tool = {
        "name": "run_terminal_cmd",
        "toolCallId": "t1",
        "rawArgs": '{"command": "rm x"}',
        "status": "error",
        "result": "",
        "error": '{"clientVisibleErrorMessage": "no such file"}',
    }
    bubbles: dict[str, dict[str, Any]] = {
        "z": {"type": 1, "text": "Remove x."},
        "a": {"type": 2, "toolFormerData": tool},
        "m": {"type": 2, "text": "It is gone."},
        "e": {"type": 2},
    }
    headers = [{"bubbleId": name} for name in ("z", "a", "m", "e")]
    told: list[tuple[Any, ...]] = [
        (f"bubbleId:c1:{name}", json.dumps(value).encode()) for name, value in bubbles.items()
    ]
    told += [("composerData:c1", json.dumps({"fullConversationHeadersOnly": headers}))]
    path = store(tmp_path / "state.vscdb", CURSOR, cursorDiskKV=told)
    (run,) = runs_in(path)
    assert (run.id, run.trigger.text, run.provenance.format) == ("c1", "Remove x.", "cursor")
    (call,) = run.calls
    assert (call.arguments, call.failure and call.failure.message) == (
        {"command": "rm x"},
        "no such file",
    )
    assert run.steps[-1].text == "It is gone."  # type: ignore[union-attr]


def test_what_an_agent_that_is_running_has_not_yet_written_into_its_store_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "opencode.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        fill(connection, OPENCODE, opencode_rows())
        before = sorted(tmp_path.iterdir()), path.read_bytes()
        (run,) = runs_in(path)
        assert run.calls[0].result == "a b"
        assert (sorted(tmp_path.iterdir()), path.read_bytes()) == before


def test_a_store_is_not_written_to(tmp_path: Path) -> None:
    path = store(tmp_path / "opencode.db", OPENCODE, **opencode_rows())
    before = path.read_bytes()
    path.chmod(0o444)
    runs_in(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["opencode.db"]


def test_a_store_in_a_packed_file_is_read_too(tmp_path: Path) -> None:
    path = store(tmp_path / "opencode.db", OPENCODE, **opencode_rows())
    with zipfile.ZipFile(tmp_path / "home.zip", "w") as archive:
        archive.write(path, "share/opencode.db")
    (run,) = runs_in(tmp_path / "home.zip")
    assert run.provenance.file == "home.zip/share/opencode.db/ses_1"


def test_a_row_that_is_no_json_is_named(tmp_path: Path) -> None:
    rows = opencode_rows()
    rows["part"][0] = (*rows["part"][0][:4], "{not json")
    reading = open_reading(store(tmp_path / "opencode.db", OPENCODE, **rows))
    (run,) = reading.runs()
    assert run.calls
    left_out = [(row.where, row.why) for row in reading.rows.verdicts() if row.why]
    assert ("ses_1/ses_1-p1", "holds no JSON") in left_out


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    return store(tmp_path / "shop.db", "CREATE TABLE orders (id);", orders=[(1,)])


def test_a_store_of_something_else_is_named_with_its_tables(foreign: Path) -> None:
    with pytest.raises(KbError, match="no agent that is read here; its tables: orders"):
        runs_in(foreign)


def test_views_that_look_like_the_tables_of_an_agent_are_refused(tmp_path: Path) -> None:
    schema = (
        "CREATE TABLE x (a); CREATE VIEW messages AS SELECT 1 AS session_id, 'user' AS role, "
        "'[]' AS content_json, 1 AS created_timestamp;"
    )
    with pytest.raises(KbError, match="its tables: x"):
        runs_in(store(tmp_path / "view.db", schema))


def test_a_damaged_store_is_a_plain_error(tmp_path: Path) -> None:
    path = store(tmp_path / "opencode.db", OPENCODE, **opencode_rows())
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xff" * len(raw[4096:])
    path.write_bytes(raw)
    with pytest.raises(KbError, match="cannot be read"):
        runs_in(path)
