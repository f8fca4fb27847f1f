"""The tables of the store: numbered SQL, applied in order, each once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files

from kb.errors import KbError
from kb.store.connection import Store, no_tables

#: Nobody else's number: whoever changes the store holds this lock until the end of the transaction.
LOCK = 0x6B6273746F7265
_FOLDER = "store"
#: The first that walks a graph on where rows may not be read (`hnsw.iterative_scan`).
OLDEST_PGVECTOR = (0, 8)
_OLDEST = ".".join(map(str, OLDEST_PGVECTOR))


@dataclass(frozen=True)
class Migration:
    """One step from an older layout to a newer one."""

    number: int
    name: str
    script: str


def migrations() -> tuple[Migration, ...]:
    """All steps that this kb knows, in order."""
    folder = files("kb.data") / _FOLDER
    named = sorted(path.name for path in folder.iterdir() if path.name.endswith(".sql"))
    return tuple(
        Migration(int(name[:4]), name[5:-4], (folder / name).read_text("utf-8")) for name in named
    )


def newest() -> int:
    """The number of the layout that this kb writes."""
    return migrations()[-1].number


def set_up(store: Store) -> tuple[Migration, ...]:
    """Bring the tables up to date in one transaction; the steps that were missing.

    Raises `KbError` where pgvector is not there, or the layout is newer than this kb.
    """
    with store.transaction():
        store.rows("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        _need_vectors(store)
        store.run(
            "CREATE SCHEMA IF NOT EXISTS kb; CREATE TABLE IF NOT EXISTS kb.migrations "
            "(number integer PRIMARY KEY, name text NOT NULL, "
            "applied_at timestamptz NOT NULL DEFAULT now())"
        )
        _refuse_newer(store, _applied(store))
        missing = tuple(step for step in migrations() if step.number > _applied(store))
        for step in missing:
            store.run(step.script)
            store.rows(
                "INSERT INTO kb.migrations (number, name) VALUES (%s, %s)",
                (step.number, step.name),
            )
    return missing


def check_layout(store: Store) -> None:
    """Nothing where the tables are those this kb knows.

    Raises `KbError` where there are none, older or newer ones, or pgvector is too old, with what
    to run.
    """
    known = store.rows("SELECT to_regclass('kb.migrations') IS NOT NULL")
    number = _applied(store) if known[0][0] else 0
    if not number:
        raise no_tables(store.address)
    _refuse_old_vectors(store)
    _refuse_newer(store, number)
    if number < newest():
        raise KbError(
            f"the store's tables are of layout {number}, and this kb wants {newest()}",
            where=store.address,
            todo="Run 'kb push --set-up' as the role that owns the store.",
        )


def _applied(store: Store) -> int:
    return int(store.rows("SELECT coalesce(max(number), 0) FROM kb.migrations")[0][0])


def _refuse_newer(store: Store, number: int) -> None:
    if number > newest():
        raise KbError(
            f"the store's tables are of layout {number}, and this kb knows {newest()} at most",
            where=store.address,
            todo="Install a newer kb; nothing was changed.",
        )


def _need_vectors(store: Store) -> None:
    """Make the extension of vectors where it is not there yet."""
    if not store.rows("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'"):
        raise KbError(
            "this PostgreSQL has no pgvector",
            where=store.address,
            todo=f"Install pgvector {_OLDEST} or newer on the server, for Debian "
            "postgresql-18-pgvector.",
        )
    if not store.rows("SELECT 1 FROM pg_extension WHERE extname = 'vector'"):
        try:
            store.run("CREATE EXTENSION vector")
        except KbError as fault:
            raise KbError(
                f"the extension vector is not in this database: {fault.what}",
                where=store.address,
                todo="As a superuser, in this database: CREATE EXTENSION vector;",
            ) from fault
    _refuse_old_vectors(store)


def _refuse_old_vectors(store: Store) -> None:
    """Raises `KbError` where the extension of this database is too old."""
    rows = store.rows("SELECT extversion FROM pg_extension WHERE extname = 'vector'")
    for (version,) in rows:
        if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_PGVECTOR:
            raise KbError(
                f"pgvector {version} is too old, {_OLDEST} is needed",
                where=store.address,
                todo="Update it on the server, then in this database: "
                "ALTER EXTENSION vector UPDATE;",
            )
