"""What SQL does to a data base, statement by statement, parsed with sqlglot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
_WORD = re.compile(r"[\s(]*([A-Za-z_]+)")
#: Commands of the client, not SQL: `\d` of psql, `.tables` of sqlite3.
_OF_CLIENT = re.compile(r"\s*[\\.](\S+)")
_CLIENT_WRITES = frozenset({"copy", "i", "ir", "o", "restore", "import", "read", "output", "load"})
_CLIENT_RUNS = frozenset({"!", "shell", "system"})


@dataclass(frozen=True)
class SqlEffect:
    """What one statement does; `targets` are the tables and the like it names."""

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
    found = [_of_client(line) for line in meta]
    return (*found, *_statements(rest, dialect))[:_MAX_STATEMENTS]


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
    yield from (_judged(statement) for statement in parsed if statement is not None)


def _judged(statement: Expr) -> SqlEffect:
    from sqlglot import expressions as sql

    targets = tuple(dict.fromkeys(t.sql() for t in statement.find_all(sql.Table)))[:5]
    if isinstance(statement, sql.Command):
        return _by_first_word(statement.sql())
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
        return SqlEffect(Effect.READ, "reads rows", targets)
    by_word = _by_first_word(statement.sql())
    return SqlEffect(by_word.effect, by_word.reason, targets, by_word.is_guess)


def _by_first_word(text: str) -> SqlEffect:
    found = _WORD.match(text)
    word = found[1].lower() if found else ""
    for effect, words in _FIRST_WORDS.items():
        if word in words:
            return SqlEffect(effect, f"{word.upper()} at its beginning", is_guess=True)
    return SqlEffect(Effect.UNKNOWN, "SQL that is not understood")
