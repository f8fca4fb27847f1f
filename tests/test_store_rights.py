"""A connection to the store that stays open tells what its role may read now, and nothing else."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from kb.errors import KbError
from kb.library import unread_library
from kb.search.bm25 import bag_of
from kb.search.index.index import open_index
from kb.search.query import query_from_text
from kb.store.connection import connect_to
from kb.store.corpus_statistics import decode
from kb.store.fetch_candidates import Wanted, send_words
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


def counted(database: Database, role: str) -> list[object]:
    """All that a role reads of what is counted over all texts, but for the number of pushes."""
    return [
        database.rows(statement, role=role)
        for statement in (
            "SELECT records, passages, model, sums FROM kb.statistics",
            "SELECT word, records FROM kb.words ORDER BY word",
            "SELECT library, written, removed FROM kb.revisions",
            "SELECT library, key FROM kb.tombstones",
        )
    ]


def test_what_one_team_keeps_for_itself_is_in_no_count(tmp_path: Path, database: Database) -> None:
    owner = team(tmp_path / "owner", "Owner", database.url, tmp_path / "vectors")
    owner.push("--set-up")
    other = database.make_role("other", "kb_reader")
    before = counted(database, other)
    url = database.as_role(database.make_role("payments", "kb_writer"))
    own = team(
        tmp_path / "own", "Own", url, tmp_path / "vectors", share="facts", more="private = true"
    )
    own.write(
        "2025-07-01-quetzal", "Quetzal", classes="feathered", summary="The quetzal flew away."
    )
    own.commit()
    own.push()
    assert counted(database, other) == before
    assert database.rows("SELECT count(*) FROM kb.texts") == [(STORIES + STORIES + 1,)]
    (own.root / "postmortems/2025-07-01-quetzal.md").unlink()
    own.commit()
    own.push()
    assert counted(database, other) == before
    assert database.rows("SELECT count(*) FROM kb.revisions", role="kb_test_payments") == [(2,)]


def test_what_is_shared_later_is_counted_and_what_is_shared_no_more_is_not(
    private: Team, database: Database
) -> None:
    other = database.make_role("other", "kb_reader")
    before = counted(database, other)
    settings = (private.root / "kb.toml").read_text("utf-8")
    private.set_up(settings.replace('share = "facts"', 'share = "all"'))
    private.commit()
    private.push()
    assert database.rows("SELECT records FROM kb.statistics", role=other) == [(2 * STORIES,)]
    private.set_up(settings)
    private.commit()
    private.push()
    assert counted(database, other)[1:] == before[1:]
    assert database.rows("SELECT records FROM kb.statistics", role=other) == [(STORIES,)]


def test_its_team_finds_a_text_by_a_word_that_no_count_has(
    private: Team, reader: str, database: Database
) -> None:
    private.write("2025-07-01-quetzal", "Quetzal", summary="The quetzal flew away.")
    private.commit()
    private.push()
    bag = bag_of(["quetzal"])
    found = {}
    for role in (reader, database.make_role("other", "kb_reader")):
        store = connect_to(database.as_role(role), read_only=True)
        found[role] = send_words(store, bag, bag.words, Wanted(without="Owner")).found()
        store.close()
    assert [len(one.records) for one in found.values()] == [1, 0]
    assert [one.frequencies for one in found.values()] == [{}, {}]


def test_a_store_that_counted_everything_counts_again_when_it_is_set_up(
    tmp_path: Path, database: Database
) -> None:
    """The layout before this one counted every text, whoever may read it."""
    owner = team(tmp_path / "owner", "Owner", database.url, tmp_path / "vectors")
    owner.push("--set-up")
    before = counts_of(database)
    own = team(tmp_path / "own", "Own", database.url, tmp_path / "vectors", share="all")
    own.push()
    assert counts_of(database) != before
    for table in ("records", "texts", "postings"):
        database.rows(
            f"UPDATE kb.{table} SET audience = a.number FROM kb.audiences a "
            "JOIN kb.libraries l ON l.number = a.library WHERE l.name = 'Own' AND NOT a.is_open "
            f"AND {table}.audience IN "
            "(SELECT number FROM kb.audiences WHERE library = l.number AND is_open)"
        )
    database.rows("DELETE FROM kb.migrations WHERE number >= 4")
    database.rows("DROP FUNCTION kb.counted")
    database.rows("DROP TABLE kb.record_vectors")
    for table in ("revisions", "tombstones"):
        database.rows(f"CREATE POLICY read ON kb.{table} FOR SELECT USING (true)")
    owner.push("--set-up")
    assert counts_of(database) == before


def counts_of(database: Database) -> list[object]:
    """What is counted, with sums as far as their order does not show."""
    [(model, sums)] = database.rows("SELECT model, sums FROM kb.statistics")
    assert isinstance(model, bytes)
    assert isinstance(sums, bytes)
    known, probe = decode(model, sums, 384)
    arrays = [np.round(array, 4).tolist() for array in (known.total, known.squares, probe)]
    classes = {name: (c.count, c.described, round(c.meant, 4)) for name, c in known.classes.items()}
    words = database.rows("SELECT word, records FROM kb.words ORDER BY word")
    counts = (known.records, known.passages, known.length, known.labelled, known.fitted)
    return [counts, arrays, classes, words, known.calibration]
