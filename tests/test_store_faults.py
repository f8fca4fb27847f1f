"""What a store that is not as it should be does to a push or an answer, on a real PostgreSQL."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kb.errors import KbError
from kb.library import unread_library
from kb.search.index.index import open_index
from kb.store.connection import StoreAwayError, connect_to
from kb.store.open_searches import KeptSearches

from conftest import git_in
from store_server import Database, Team, team

pytest_plugins = ("store_server",)
pytestmark = pytest.mark.model

TWICE = "a retried refund call paid customers twice"


@pytest.fixture
def facts_alone(tmp_path: Path, database: Database) -> Team:
    """A team that shares facts, and whose push made the store's tables."""
    made = team(
        tmp_path / "payments", "Payments", database.url, tmp_path / "vectors", share="facts"
    )
    made.push("--set-up")
    return made


@pytest.fixture
def payments(tmp_path: Path, database: Database) -> Team:
    """A team that shares all, and whose push made the store's tables."""
    made = team(tmp_path / "payments", "Payments", database.url, tmp_path / "vectors")
    made.push("--set-up")
    return made


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('share = "facts"', 'share = "all"', "library.share"),
        ("[store]", "[store]\nprivate = true", "store.private"),
        ('name = "Payments"', 'name = "Accounts"', "library.name"),
        ("[store]", "[taxonomy]\nclasses = {paid-twice = 'Paid twice.'}\n[store]", "taxonomy"),
    ],
)
def test_settings_that_are_not_committed_share_nothing(
    facts_alone: Team, database: Database, old: str, new: str, said: str
) -> None:
    committed = (facts_alone.root / "kb.toml").read_text("utf-8")
    assert old in committed
    before = database.texts()
    facts_alone.set_up(committed.replace(old, new))
    refused = facts_alone.kb("push").exception
    assert isinstance(refused, KbError)
    assert said in refused.what
    assert "Commit" in refused.todo
    assert database.texts() == before
    facts_alone.commit()
    facts_alone.push()


def test_settings_that_git_ignores_share_nothing(facts_alone: Team) -> None:
    (facts_alone.root / ".gitignore").write_text("kb.toml\n", encoding="utf-8")
    git_in(facts_alone.root)("rm", "--quiet", "--cached", "kb.toml")
    facts_alone.commit()
    assert "library.name" in str(facts_alone.kb("push").exception)


def test_where_the_store_is_may_differ_from_the_commit(
    facts_alone: Team, database: Database
) -> None:
    other = database.url + ("&" if "?" in database.url else "?") + "connect_timeout=9"
    text = (facts_alone.root / "kb.toml").read_text("utf-8")
    facts_alone.set_up(text.replace(database.url, other))
    assert "6 unchanged" in facts_alone.push()


def test_a_pgvector_that_cannot_walk_on_is_refused(payments: Team, database: Database) -> None:
    database.rows("UPDATE pg_extension SET extversion = '0.7.4' WHERE extname = 'vector'")
    for refused in (payments.kb("push"), payments.kb("push", "--set-up")):
        assert "pgvector 0.7.4 is too old" in str(refused.exception)
        assert "ALTER EXTENSION vector UPDATE" in str(refused.exception)
    answered = payments.kb("similar", TWICE)
    assert answered.exit_code == 0
    assert "pgvector 0.7.4 is too old" in " ".join(answered.output.split())


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM kb.passages WHERE place = 0 AND record IN ({refund})",
        "UPDATE kb.record_vectors SET vectors = vectors || vectors[1] WHERE record IN ({refund})",
    ],
)
def test_one_record_with_passages_that_are_not_its_own_ends_no_answer(
    payments: Team, tmp_path: Path, database: Database, change: str
) -> None:
    support = team(tmp_path / "support", "Support", database.url, tmp_path / "vectors")
    for path in (support.root / "postmortems").glob("*.md"):
        path.unlink()
    support.commit()
    whole = support.kb("similar", TWICE).output
    assert "Refund paid twice after a timeout" in whole
    assert "left out" not in whole
    refund = "SELECT record FROM kb.texts WHERE title LIKE 'Refund paid twice%'"
    database.rows(change.format(refund=refund))
    answered = support.kb("similar", TWICE)
    said = " ".join(answered.output.split())
    assert answered.exit_code == 0
    assert "Refund paid twice after a timeout" not in said
    assert "Only your own records were searched" not in said
    assert "1 record was left out" in said


@pytest.mark.parametrize(
    ("code", "is_away", "said"),
    [
        ("57014", False, "gave up"),
        ("40P01", False, "in each other's way"),
        ("40001", False, "in each other's way"),
        ("55P03", False, "in each other's way"),
        ("53100", False, "has no room"),
        ("53200", False, "has no room"),
        ("54000", False, "refused it"),
        ("XX000", False, "refused it"),
        ("57P01", True, "ended the connection"),
        ("57P03", True, "refuses the connection"),
        ("53300", True, "refuses the connection"),
        ("08006", True, "does not answer"),
    ],
)
def test_what_went_wrong_is_told_by_its_code(
    database: Database, code: str, is_away: bool, said: str
) -> None:
    store = connect_to(database.url)
    with pytest.raises(KbError) as told:
        store.run(f"DO $$ BEGIN RAISE EXCEPTION 'that' USING ERRCODE = '{code}'; END $$")
    store.close()
    assert isinstance(told.value, StoreAwayError) is is_away
    assert said in told.value.what
    assert told.value.what.endswith(": that")


def test_a_statement_that_takes_too_long_is_no_store_that_is_away(database: Database) -> None:
    store = connect_to(database.url)
    store.run("SET statement_timeout = 10")
    with pytest.raises(KbError, match="gave up") as told:
        store.rows("SELECT pg_sleep(9)")
    store.close()
    assert not isinstance(told.value, StoreAwayError)
    assert "statement_timeout" in told.value.todo


def test_a_connection_that_ends_before_vectors_are_known_is_a_store_that_is_away(
    database: Database,
) -> None:
    store = connect_to(database.url)
    database.rows(
        "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity "
        "WHERE application_name = 'kb' AND datname = current_database()"
    )
    with pytest.raises(StoreAwayError):
        store.understand_vectors()


def test_a_search_that_cannot_begin_leaves_no_connection(
    payments: Team, database: Database
) -> None:
    library = unread_library(payments.root)
    encoder = open_index(library).encoder
    database.rows("DROP SCHEMA kb CASCADE")
    with pytest.raises(KbError, match="no store in this database") as told:
        KeptSearches().ask(library, encoder, lambda search: search.address)
    assert re.search("set-up", told.value.todo)
    links = "FROM pg_stat_activity WHERE application_name = 'kb' AND datname = current_database()"
    assert database.rows(f"SELECT pid {links}") == []
