"""What a store that is not as it should be does to a push or an answer, on a real PostgreSQL."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from kb.errors import KbError
from kb.library import unread_library
from kb.search.index.index import open_index
from kb.search.query import Filters, embed_query, query_from_text
from kb.store import fetch_candidates
from kb.store.connection import StoreAwayError, connect_to
from kb.store.fetch_candidates import POOLED, Wanted, candidate_texts, send_words
from kb.store.open_searches import KeptSearches
from kb.store.search import _SEARCH

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


#: Of the record that is like the question, more copies than any way of finding takes; each is of
#: another kind, class, route and day than the one that is asked for.
_COPIES = """
WITH one AS (SELECT r.* FROM kb.records r JOIN kb.texts t ON number = record
        WHERE title LIKE 'Refund paid twice%%'),
    made AS (INSERT INTO kb.records (library, audience, key, content, name, day, happened_at, kind,
        severity, classes, facts)
        SELECT library, audience, sha256(i::text::bytea), content, name, '2024-01-01', now(),
            'near-miss', severity, '{runaway-loop}', facts
        FROM one, generate_series(1, %s) AS i RETURNING number, audience),
    texts AS (INSERT INTO kb.texts SELECT m.number, t.audience, title, entry, words, counts, length,
        passages, draw, mean FROM kb.texts t, made m WHERE record = (SELECT number FROM one)),
    vectors AS (INSERT INTO kb.vectors SELECT m.number, v.audience, text_hash, vector
        FROM kb.vectors v, made m WHERE record = (SELECT number FROM one)),
    facets AS (INSERT INTO kb.facets SELECT number, audience, 'route', 'elsewhere' FROM made)
INSERT INTO kb.postings SELECT word, m.number, count, p.audience
FROM kb.postings p, made m WHERE record = (SELECT number FROM one)
"""


@pytest.mark.parametrize("few", [fetch_candidates.FEW, 0])
def test_what_a_filter_asks_for_is_found_behind_any_number_of_nearer_texts(
    payments: Team, database: Database, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch_candidates, "FEW", few)
    database.rows(_COPIES, 2 * POOLED)
    database.rows("UPDATE kb.statistics SET records = records + %s", 2 * POOLED)
    index = open_index(unread_library(payments.root))
    store = connect_to(database.url, read_only=True)
    store.understand_vectors()
    store.run(_SEARCH)
    question = embed_query(index, query_from_text("Refund paid twice", date(2026, 11, 1)))
    routes = "SELECT word FROM kb.facets f JOIN kb.records ON number = record"
    far = "2025-06-15-citations-made-up"
    none = np.zeros(0, np.int64)
    (route,) = database.rows(f"{routes} WHERE f.key = 'route' AND name = %s", far)[0]

    def found(wanted: Wanted) -> set[str]:
        by_words = send_words(store, question.bag, question.bag.words, wanted).found()
        texts = candidate_texts(store, question, by_words, wanted=wanted, known=none)
        return {entry.id.partition("/")[2] for entry in texts.entries}

    assert far not in found(Wanted())
    for filters in (
        Filters(classes=("fabricated-content",)),
        Filters(kinds=("incident",)),
        Filters(since=date(2025, 6, 1)),
        Filters(routes=(str(route),)),
    ):
        assert far in found(Wanted(filters)), filters
    assert far in found(Wanted(until=datetime(2025, 12, 31, tzinfo=UTC)))
    assert found(Wanted(Filters(kinds=("incident",)), without="Payments")) == set()
    store.close()
