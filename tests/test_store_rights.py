"""A connection to the store that stays open tells what its role may read now, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kb.errors import KbError
from kb.library import unread_library
from kb.search.index.index import open_index
from kb.search.query import query_from_text
from kb.store.connection import connect_to
from kb.store.search import StoreSearch

from store_server import Database, Team, team

pytest_plugins = ("store_server",)
pytestmark = pytest.mark.model
pytest.importorskip("psycopg", reason="an extra is not installed")

TODAY = date(2026, 11, 1)
STORIES = 6


@pytest.fixture
def private(tmp_path: Path, database: Database) -> Team:
    """A team of its own role that shares facts, and keeps its texts in the store for itself."""
    owner = team(tmp_path / "owner", "Owner", database.url, tmp_path / "vectors")
    owner.push("--set-up")
    role = database.make_role("payments", "kb_writer")
    url = database.as_role(role)
    made = team(
        tmp_path / "own", "Own", url, tmp_path / "vectors", share="facts", more="private = true"
    )
    made.push()
    return made


@pytest.fixture
def reader(private: Team, database: Database) -> str:
    """A role that reads, and is of the team."""
    return database.make_role("reader", "kb_reader", "kb_test_payments")


def searching(made: Team, database: Database, role: str) -> StoreSearch:
    encoder = open_index(unread_library(made.root)).encoder
    return StoreSearch(connect_to(database.as_role(role), read_only=True), encoder)


def told(search: StoreSearch) -> int:
    """How many texts answer a question that is asked by none of these libraries."""
    found = search.find(query_from_text("a refund was paid twice", TODAY), without="Owner")
    return len(found.order)


def facts(search: StoreSearch) -> int:
    """How many records are told by their facts alone."""
    told(search)
    return sum(map(len, search.facts_alone("Owner").values()))


def test_what_a_role_may_read_no_more_is_not_told_again(
    private: Team, database: Database, reader: str
) -> None:
    search = searching(private, database, reader)
    assert (told(search), facts(search)) == (STORIES, 0)
    database.rows(f"REVOKE kb_test_payments FROM {reader}")
    assert (told(search), facts(search)) == (0, STORIES)
    database.rows(f"GRANT kb_test_payments TO {reader}")
    assert (told(search), facts(search)) == (STORIES, 0)
    database.rows("UPDATE kb.libraries SET team = 'postgres' WHERE name = 'Own'")
    assert (told(search), facts(search)) == (0, STORIES)
    search.close()


def test_a_role_that_acts_as_its_group_is_answered(
    private: Team, database: Database, reader: str
) -> None:
    database.rows(f"ALTER ROLE {reader} SET role = 'kb_reader'")
    search = searching(private, database, reader)
    assert facts(search) == STORIES
    database.rows(f"ALTER ROLE {reader} NOLOGIN")
    with pytest.raises(KbError, match="may not connect"):
        told(search)
    search.close()


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("REVOKE kb_reader FROM {reader}", "may not do that"),
        ("ALTER ROLE {reader} NOLOGIN", "may not connect"),
        ("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC", "may not connect"),
        ("REVOKE SELECT ON kb.texts FROM kb_reader", "may not do that"),
        ("REVOKE USAGE ON SCHEMA kb FROM kb_reader", "may not do that"),
    ],
)
def test_a_role_that_lost_its_way_in_gets_no_answer_over_an_open_connection(
    private: Team, database: Database, reader: str, taken: str, said: str
) -> None:
    search = searching(private, database, reader)
    assert told(search) == STORIES
    name = urlsplit(database.url).path.strip("/")
    database.rows(f"REVOKE kb_test_payments FROM {reader}")
    database.rows(taken.format(reader=reader, database=name))
    with pytest.raises(KbError, match=said):
        told(search)
    search.close()


def test_a_stricter_policy_holds_for_what_was_read_before(
    private: Team, database: Database, reader: str
) -> None:
    search = searching(private, database, reader)
    assert told(search) == STORIES
    for table in ("texts", "passages", "vectors", "postings"):
        database.rows(f"ALTER POLICY read ON kb.{table} USING (false)")
        database.rows(f"DROP POLICY write ON kb.{table}")
    assert told(search) == 0
    search.close()
