"""What SQL does to a data base, statement by statement, parsed with sqlglot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kb.traces.effects.tool_name_guess import sounds_like_a_write
from kb.traces.run import Effect

if TYPE_CHECKING:
    from sqlglot.expressions import Expr

#: Characters of a script that are parsed, and statements that are told.
_MAX_CHARACTERS = 20_000
_MAX_STATEMENTS = 200
#: Brackets: sqlglot descends into each, and Python's stack ends.
_MAX_BRACKETS = 1_000
#: First words of statements, for dialects and slips that sqlglot does not read.
_FIRST_WORDS = {
    Effect.DESTRUCTIVE: frozenset({"drop", "truncate", "delete", "purge", "vacuum_full"}),
    Effect.READ: frozenset(
        {"select", "show", "describe", "desc", "explain", "use", "with", "values", "table"}
        | {"set", "begin", "start", "commit", "rollback", "end", "pragma", "fetch", "declare"}
    ),
    Effect.WRITE: frozenset(
        {"insert", "update", "create", "alter", "merge", "replace", "grant", "revoke", "copy"}
        | {"load", "call", "do", "exec", "execute", "analyze", "vacuum", "reindex", "optimize"}
        | {"comment", "rename", "lock", "attach", "detach", "refresh", "import", "kill", "cluster"}
    ),
}
#: Functions by which a SELECT changes something: PostgreSQL 17 §9.28 (server signalling, recovery,
#: replication, files), §9.17 (sequences), large objects, statistics, dblink; SQLite's `writefile`.
_DESTRUCTIVE_FUNCTIONS = frozenset(
    {"lo_unlink", "pg_file_unlink", "pg_drop_replication_slot", "pg_stat_reset"}
    | {"pg_stat_reset_shared", "pg_stat_statements_reset", "pg_wal_replay_resume"}
)
_WRITING_FUNCTIONS = frozenset(
    {"pg_terminate_backend", "pg_cancel_backend", "pg_reload_conf", "pg_rotate_logfile"}
    | {"pg_switch_wal", "pg_promote", "pg_create_restore_point", "pg_wal_replay_pause"}
    | {"pg_create_logical_replication_slot", "pg_create_physical_replication_slot"}
    | {"pg_logical_emit_message", "pg_notify", "pg_file_write", "pg_file_rename", "setval"}
    | {"nextval", "lo_import", "lo_export", "lo_create", "lo_put", "lo_from_bytea", "dblink_exec"}
    | {"load_extension", "writefile", "edit"}
)
#: Prefixes of the functions that come with data bases; what is in neither set above reads.
_BUILT_IN = ("pg_", "has_", "to_", "json", "jsonb_", "row_to", "array_", "regexp_", "string_")
_BUILT_IN_NAMES = frozenset(
    {"current_setting", "version", "sleep", "printf", "datetime", "strftime", "typeof", "unistr"}
    | {"changes", "total_changes", "last_insert_rowid", "last_insert_id", "found_rows", "hex"}
    | {"format_type", "obj_description", "col_description", "age", "inet_server_addr", "currval"}
)
_OUT_OF_THE_DATABASE = re.compile(r"\binto\s{1,20}(?:out|dump)file\b", re.IGNORECASE)
_CHANGES = re.compile(r"\b(?:insert|update|delete|merge|drop|truncate)\b", re.IGNORECASE)
#: `EXPLAIN ANALYZE` runs what it explains.
_RUN_AND_EXPLAINED = re.compile(
    r"[\s(]{0,20}explain\b[^;]{0,80}?\banaly[sz]e\b[^;]{0,80}?"
    r"\b(select|with|insert|update|delete|merge|create|refresh|execute)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[\s(]*([A-Za-z_]+)")
#: Commands of the client, not SQL: `\d` of psql, `.tables` of sqlite3.
_OF_CLIENT = re.compile(r"\s*[\\.](\S+)")
_CLIENT_WRITES = frozenset({"copy", "i", "ir", "o", "restore", "import", "read", "output", "load"})
_CLIENT_RUNS = frozenset({"!", "shell", "system"})


@dataclass(frozen=True)
class SqlEffect:
    """What one statement does; `targets` are the tables and the like it names.

    A name stands as `schema.table`, without quotes and without an alias.
    """

    effect: Effect
    reason: str
    targets: tuple[str, ...] = ()
    is_guess: bool = False


def sql_effects(text: str, dialect: str = "") -> tuple[SqlEffect, ...]:
    """What the statements of a script do, in their order; a script beyond the bounds is unknown."""
    if len(text) > _MAX_CHARACTERS or text.count("(") > _MAX_BRACKETS:
        return (SqlEffect(Effect.UNKNOWN, "the SQL is too long or too nested to be read"),)
    lines = text.splitlines()
    meta = [line for line in lines if _OF_CLIENT.match(line)]
    rest = "\n".join(line for line in lines if not _OF_CLIENT.match(line))
    found = (*(_of_client(line) for line in meta), *_statements(rest, dialect))
    if len(found) <= _MAX_STATEMENTS:
        return found
    more = SqlEffect(Effect.UNKNOWN, f"more than {_MAX_STATEMENTS} statements")
    return (*found[:_MAX_STATEMENTS], more)


def _of_client(line: str) -> SqlEffect:
    found = _OF_CLIENT.match(line)
    word = found[1] if found else ""
    if word in _CLIENT_RUNS or word.startswith("!"):
        return SqlEffect(Effect.UNKNOWN, "the client starts a shell")
    if word in _CLIENT_WRITES:
        return SqlEffect(Effect.WRITE, "the client loads or writes data")
    return SqlEffect(Effect.READ, "the client shows something")


def _statements(text: str, dialect: str) -> Iterator[SqlEffect]:
    import logging

    import sqlglot
    from sqlglot.errors import SqlglotError

    if not text.strip(" ;\n\t"):
        return
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what it keeps as text
    try:
        parsed = sqlglot.parse(text, dialect=dialect or None)
    except (SqlglotError, RecursionError, ValueError):
        yield from (_by_first_word(part) for part in text.split(";") if part.strip())
        return
    yield from (_judged(statement, dialect) for statement in parsed if statement is not None)


def _judged(statement: Expr, dialect: str) -> SqlEffect:
    from sqlglot import expressions as sql

    if isinstance(statement, sql.Command):
        text = statement.sql()
        run = _RUN_AND_EXPLAINED.match(text)
        return sql_effects(text[run.start(1) :], dialect)[0] if run else _by_first_word(text)
    targets = _tables(statement)
    if statement.find(sql.Drop, sql.TruncateTable):
        return SqlEffect(Effect.DESTRUCTIVE, "drops or empties what it names", targets)
    deletes = statement.find(sql.Delete)
    if deletes is not None:
        what = "rows" if deletes.args.get("where") else "every row"
        return SqlEffect(Effect.DESTRUCTIVE, f"deletes {what}", targets)
    updates = statement.find(sql.Update)
    if updates is not None and not updates.args.get("where") and not statement.find(sql.Merge):
        return SqlEffect(Effect.DESTRUCTIVE, "overwrites every row", targets)
    if isinstance(statement, sql.Query) and not statement.find(sql.Insert, sql.Update, sql.Into):
        return _of_select(statement, targets)
    by_word = _by_first_word(statement.sql())
    return SqlEffect(by_word.effect, by_word.reason, targets, by_word.is_guess)


def _tables(statement: Expr) -> tuple[str, ...]:
    """The names of tables, schemas and data bases, those of the statement's own views left out."""
    from sqlglot import expressions as sql

    own = {view.alias for view in statement.find_all(sql.CTE)}
    names = (
        ".".join(part.name for part in table.parts)
        for table in statement.find_all(sql.Table)
        if not isinstance(table.this, sql.Func)
    )
    return tuple(dict.fromkeys(name for name in names if name and name not in own))


def _of_select(statement: Expr, targets: tuple[str, ...]) -> SqlEffect:
    """A SELECT reads, unless a function that it calls does more or nobody says what it does."""
    from sqlglot import expressions as sql

    names = [found.name.lower() for found in statement.find_all(sql.Anonymous)]
    for effect, known in (
        (Effect.DESTRUCTIVE, _DESTRUCTIVE_FUNCTIONS),
        (Effect.WRITE, _WRITING_FUNCTIONS),
    ):
        if called := next((name for name in names if name in known), ""):
            return SqlEffect(effect, f"calls {called}, which changes something", targets)
    strange = [name for name in names if not _is_built_in(name)]
    acting = next((name for name in strange if not targets or sounds_like_a_write(name)), "")
    if acting:
        return SqlEffect(Effect.UNKNOWN, f"calls {acting}, which may change something", targets)
    return SqlEffect(Effect.READ, "reads rows", targets, is_guess=bool(strange))


def _is_built_in(name: str) -> bool:
    return name.startswith(_BUILT_IN) or name in _BUILT_IN_NAMES


def _by_first_word(text: str) -> SqlEffect:
    found = _WORD.match(text)
    word = found[1].lower() if found else ""
    if _OUT_OF_THE_DATABASE.search(text):
        return SqlEffect(Effect.WRITE, "writes rows into a file", is_guess=True)
    if word == "with" and _CHANGES.search(text):
        return SqlEffect(Effect.UNKNOWN, "SQL that is not understood")
    for effect, words in _FIRST_WORDS.items():
        if word in words:
            return SqlEffect(effect, f"{word.upper()} at its beginning", is_guess=True)
    return SqlEffect(Effect.UNKNOWN, "SQL that is not understood")
