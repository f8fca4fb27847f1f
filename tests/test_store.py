"""What teams get from a store on a real PostgreSQL: incidents of others, and nothing unshared."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from kb.errors import KbError
from kb.library import unread_library
from kb.search.find_similar import answer_of, find
from kb.search.index.index import open_index
from kb.search.indexed_records.collection import draw_of
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.query import Filters, query_from_text
from kb.store import connection
from kb.store.connection import Store, StoreAwayError, connect, connect_to
from kb.store.corpus_statistics import decode
from kb.store.push_library import push
from kb.store.search import StoreSearch

from beside_libraries import KEPT_BACK, write_external
from conftest import git_in
from search_library import STORIES
from store_server import ROLE, Database, Team, dump, team

pytest_plugins = ("store_server",)
pytestmark = pytest.mark.model

TODAY = date(2026, 11, 1)
TWICE = "a retried refund call paid customers twice"
QUESTIONS = (
    TWICE,
    "hidden instructions in a comment leaked a token",
    "the support bot invented a policy that nobody wrote",
    "a report with court decisions that do not exist",
)


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors shared by the libraries of these tests, as clones may share them."""
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture
def payments(tmp_path: Path, database: Database, vectors: Path) -> Team:
    """A team that shares all, and whose push made the store's tables."""
    made = team(tmp_path / "payments", "Payments", database.url, vectors)
    made.push("--set-up")
    return made


@pytest.fixture
def support(tmp_path: Path, database: Database, vectors: Path) -> Team:
    """Another team, with one record of its own."""
    made = team(tmp_path / "support", "Support", database.url, vectors)
    for path in (made.root / "postmortems").glob("2025-0[2-6]*.md"):
        path.unlink()
    made.commit()
    return made


def searched(made: Team, database: Database) -> StoreSearch:
    index = open_index(unread_library(made.root))
    return StoreSearch(connect_to(database.url, read_only=True), index.encoder)


def test_what_one_team_pushed_answers_another_and_says_whose_it_is(
    payments: Team, support: Team
) -> None:
    said = support.kb("similar", "an issue comment made the agent publish a secret").stdout
    assert said.startswith("Nothing similar in 1 published record of your own.")
    assert "1  Comment in an issue made the agent publish a secret" in said
    assert "2025-03-12-issue-comment-injection · Payments" in said
    assert "Store: 6 records of 1 other library." in said
    assert max(map(len, said.splitlines())) <= 80


def test_own_records_answer_once_and_as_they_stand_now(payments: Team) -> None:
    payments.push()
    answer = json.loads(payments.kb("similar", TWICE, "--json").output)
    ids = [match["id"] for match in answer["matches"]]
    assert len(ids) == len(set(ids))
    assert answer["store"] == {
        "address": answer["store"]["address"],
        "libraries": 0,
        "records": 0,
        "away": "",
        "left_out": 0,
    }


def test_a_store_ranks_as_a_local_index_of_the_same_records(
    payments: Team,
    database: Database,
) -> None:
    library = unread_library(payments.root)
    index = open_index(library)
    search = searched(payments, database)
    for question in QUESTIONS:
        query = query_from_text(question, TODAY)
        here, there = find(index, query), search.find(query)
        ids = [index.entries[here.ranking.places[place]].id for place in here.order]
        entries = there.index.entries
        stored = [entries[there.ranking.places[p]].id.partition("/")[2] for p in there.order]
        assert stored == ids
        told = search.answer(there, library, 3)
        own = answer_of(here, library, 3)
        assert [m.reasons for m in told.matches] == [m.reasons for m in own.matches]
        assert [m.passages[0].text for m in told.matches] == [
            m.passages[0].text for m in own.matches
        ]
        assert [m.probability for m in told.matches] == pytest.approx(
            [m.probability for m in own.matches], abs=2e-3
        )
    search.close()


def test_a_text_without_an_agent_is_as_little_like_the_stores_records_as_like_local_ones(
    payments: Team, database: Database
) -> None:
    index = open_index(unread_library(payments.root))
    search = searched(payments, database)
    query = query_from_text(
        "The disk of the primary database filled up at night, writes were refused for two hours "
        "and orders got lost until an operator deleted old archives of the shop",
        TODAY,
    )
    here, there = find(index, query), search.find(query)
    assert here.kind.agent < 1
    # Records of agents are known by words that such a question does not have.
    assert sorted(there.about.tolist()) == pytest.approx(sorted(here.about.tolist()), abs=2e-3)
    assert max(here.about) < 1
    search.close()


def test_the_store_draws_the_sample_that_a_local_index_draws(
    payments: Team, database: Database
) -> None:
    drawn = database.rows(
        "SELECT r.name, t.draw FROM kb.texts t JOIN kb.records r ON number = record"
    )
    assert len(drawn) == 6
    assert all(draw == draw_of(str(name)) for name, draw in drawn)


def test_filters_hold_in_the_store(payments: Team, database: Database) -> None:
    search = searched(payments, database)
    found = search.find(query_from_text(TWICE, TODAY), Filters(classes=("prompt-injection",)))
    shown = {found.index.entries[found.ranking.places[place]].classes for place in found.order}
    assert shown == {("prompt-injection",)}


def test_a_push_writes_what_changed_and_nothing_else(payments: Team) -> None:
    again = json.loads(payments.push("--json"))
    assert (again["written"], again["removed"], again["unchanged"]) == (0, 0, 6)
    payments.write("2025-01-10-refund-twice", "Refund paid twice", summary="It paid twice again.")
    payments.commit()
    changed = json.loads(payments.push("--json"))
    assert (changed["written"], changed["unchanged"]) == (1, 5)
    # Three statements write records, however many; the others are those of any revision.
    assert changed["statements"] - again["statements"] <= 3 + 4


def test_a_push_loads_neither_the_readers_of_traces_nor_the_encoder() -> None:
    code = "import sys, kb.store.push_library; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = ("kb.traces", "torch", "onnxruntime", "tokenizers", "faiss")
    assert [name for name in loaded.stdout.split() if name.startswith(heavy)] == []


def test_a_push_uses_up_no_number_of_a_library_or_an_audience(
    payments: Team, support: Team, database: Database
) -> None:
    for _ in range(3):
        payments.push()
    support.push()
    assert database.rows("SELECT number FROM kb.libraries ORDER BY number") == [(1,), (2,)]
    numbers = database.rows("SELECT number FROM kb.audiences ORDER BY number")
    assert numbers == [(1,), (2,), (3,), (4,)]


def test_passages_that_stay_keep_their_vectors(payments: Team, database: Database) -> None:
    before = database.rows("SELECT record, text_hash, xmin::text FROM kb.vectors")
    path = payments.root / "postmortems/2025-01-10-refund-twice.md"
    path.write_text(path.read_text("utf-8").replace("Nothing stopped it.", "No key was sent."))
    payments.commit()
    payments.push()
    after = database.rows("SELECT record, text_hash, xmin::text FROM kb.vectors")
    assert len(set(after) - set(before)) == 1


def test_increments_add_up_to_what_a_clean_push_counts(
    payments: Team,
    support: Team,
    database: Database,
    tmp_path: Path,
    vectors: Path,
) -> None:
    support.push()
    payments.write("2025-07-01-new", "A new one", classes="runaway-loop", summary="It looped.")
    (payments.root / "postmortems/2025-06-15-citations-made-up.md").unlink()
    payments.commit()
    payments.push()
    counted = _counted(database)
    database.rows("DROP SCHEMA kb CASCADE")
    payments.push("--set-up")
    support.push()
    assert _counted(database) == counted


def _counted(database: Database) -> object:
    model, sums = database.rows("SELECT model, sums FROM kb.statistics")[0]
    assert isinstance(model, bytes)
    assert isinstance(sums, bytes)
    known, probe = decode(model, sums, 384)
    rounded = [np.round(array, 4).tolist() for array in (known.total, known.squares, probe)]
    words = database.rows("SELECT word, records FROM kb.words ORDER BY word")
    held = database.rows("SELECT word, count(*) FROM kb.postings GROUP BY word ORDER BY word")
    assert words == held
    classes = {name: (s.count, round(s.meant, 4)) for name, s in known.classes.items()}
    return known.records, known.passages, known.length, known.labelled, classes, rounded, words


def test_a_deleted_record_leaves_a_tombstone_and_nothing_else(
    payments: Team,
    database: Database,
) -> None:
    payments.write("2025-08-01-zeppelin", "Zeppelin adrift", summary="The zeppelin went adrift.")
    payments.commit()
    payments.push()
    assert re.search("zeppelin", database.texts(), re.IGNORECASE)
    before = database.rows("SELECT count(*) FROM kb.words")
    (payments.root / "postmortems/2025-08-01-zeppelin.md").unlink()
    payments.commit()
    assert "1 removed" in payments.push()
    assert not re.search("zeppelin", database.texts(), re.IGNORECASE)
    assert database.rows("SELECT count(*) FROM kb.tombstones") == [(1,)]
    assert database.rows("SELECT count(*) FROM kb.words") < before


def test_facts_hold_no_sentence_and_no_title(
    tmp_path: Path,
    database: Database,
    vectors: Path,
) -> None:
    quiet = team(tmp_path / "quiet", "Quiet", database.url, vectors, share="facts")
    assert "facts, no sentence" in quiet.push("--set-up")
    stored = database.texts()
    assert "duplicate-side-effect" in stored
    assert "idempotency-key" in stored
    for word in ("refund-twice", "fourteen", "Newsletter", "timed out", "add a check"):
        assert word not in stored
    assert database.rows("SELECT count(*) FROM kb.texts") == [(0,)]


def test_a_team_that_shares_facts_is_named_and_not_quoted(
    payments: Team, tmp_path: Path, database: Database, vectors: Path
) -> None:
    quiet = team(tmp_path / "quiet", "Quiet", database.url, vectors, share="facts")
    quiet.push()
    question = "Hidden instructions in an issue made the agent publish a token"
    said = payments.kb("similar", question, "-k", "20").stdout
    assert "Quiet had this: prompt-injection" in said
    answer = json.loads(payments.kb("similar", question, "-k", "20", "--json").stdout)
    told = [match for match in answer["matches"] if match["library"] == "Quiet"]
    assert told
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d-[0-9a-f]{6}", match["id"]) for match in told)
    assert "issue" not in " ".join(match["title"] for match in told)


def test_of_external_the_signed_edition_is_pushed_and_nothing_else(
    payments: Team, tmp_path: Path, database: Database, vectors: Path
) -> None:
    billing = team(tmp_path / "billing", "Billing", database.url, vectors, share="external")
    for path in (billing.root / "postmortems").glob("*.md"):
        path.unlink()
    write_external(billing.root)
    billing.commit()
    assert "Billing" in billing.push()
    assert "Other teams get: signed external editions" in billing.push()
    assert [word for word in KEPT_BACK if word in database.texts().lower()] == []
    answer = json.loads(payments.kb("similar", TWICE, "-k", "20", "--json").stdout)
    [told] = [match for match in answer["matches"] if match["library"] == "Billing"]
    assert told["title"] == "Paid twice"
    assert any("paid customers twice" in passage["text"] for passage in told["passages"])
    [signed] = [p for p in (billing.root / "postmortems").glob("*-signed-*") if p.is_dir()]
    shutil.rmtree(signed)
    billing.commit()
    assert "1 removed" in billing.push()
    assert "paid customers twice" not in _texts_of(database, "Billing")


def _texts_of(database: Database, library: str) -> str:
    rows = database.rows(
        "SELECT p.text FROM kb.passages p JOIN kb.records r ON r.number = p.record "
        "JOIN kb.libraries l ON l.number = r.library WHERE l.name = %s",
        library,
    )
    return "\n".join(str(text) for (text,) in rows)


def test_a_record_of_the_store_can_be_explained(
    payments: Team, support: Team, tmp_path: Path, database: Database, vectors: Path
) -> None:
    quiet = team(tmp_path / "quiet", "Quiet", database.url, vectors, share="facts")
    quiet.push()
    named = "2025-03-12-issue-comment-injection"
    said = support.kb("similar", "a comment leaked a token", "--explain", named)
    assert said.exit_code == 0, said.exception
    assert said.stdout.startswith(f"{named}\n")
    assert "place 1 of 6" in said.stdout
    [(facts, *_), *_] = database.rows(
        "SELECT r.name FROM kb.records r JOIN kb.libraries l ON l.number = r.library "
        "WHERE l.name = 'Quiet'"
    )
    fault = support.kb("similar", "a comment leaked a token", "--explain", str(facts)).exception
    assert f"Quiet shares facts of {facts} and no text" in str(fault)
    fault = support.kb("similar", "a comment leaked a token", "--explain", "2020-01-01-x").exception
    assert "there is no record 2020-01-01-x" in str(fault)


def test_what_is_shared_no_more_goes(payments: Team, database: Database) -> None:
    text = (payments.root / "kb.toml").read_text("utf-8")
    payments.set_up(text.replace('share = "all"', 'share = "none"'))
    payments.commit()
    payments.push()
    assert database.rows("SELECT count(*) FROM kb.records") == [(0,)]
    assert database.rows("SELECT count(*) FROM kb.postings") == [(0,)]


def test_a_team_alone_reads_what_it_keeps_for_itself(
    payments: Team,
    tmp_path: Path,
    database: Database,
    vectors: Path,
) -> None:
    role = database.make_role("own", "kb_writer")
    other = database.make_role("other", "kb_reader")
    own = team(
        tmp_path / "own",
        "Own",
        database.as_role(role),
        vectors,
        share="facts",
        more="private = true",
    )
    own.push()
    count = "SELECT count(*) FROM kb.texts"
    assert database.rows(count, role=role) == [(12,)]
    assert database.rows(count, role=other) == [(6,)]
    assert database.rows("SELECT count(*) FROM kb.records", role=other) == [(12,)]
    names = database.rows("SELECT name FROM kb.records", role=other)
    assert sum(bool(re.fullmatch(r"\d{4}-\d\d-\d\d-[0-9a-f]{6}", str(n))) for (n,) in names) == 6
    assert database.rows("SELECT count(*) FROM kb.salts", role=other) == [(0,)]


def test_a_reader_changes_nothing_and_a_stranger_sees_nothing(
    payments: Team,
    database: Database,
) -> None:
    import psycopg

    reader, stranger = database.make_role("reader", "kb_reader"), database.make_role("stranger")
    for statement in ("DELETE FROM kb.records", "UPDATE kb.statistics SET version = 0"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            database.rows(statement, role=reader)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.rows("SELECT * FROM kb.records", role=stranger)


def test_a_library_is_its_teams_alone(
    payments: Team,
    tmp_path: Path,
    database: Database,
    vectors: Path,
) -> None:
    role = database.make_role("taker", "kb_writer")
    taker = team(tmp_path / "taker", "Payments", database.as_role(role), vectors)
    refused = taker.kb("push")
    assert "belongs to the team postgres" in str(refused.exception)
    database.rows("DELETE FROM kb.records", role=role)
    assert database.rows("SELECT count(*) FROM kb.records") == [(6,)]


def test_no_team_plants_a_row_in_the_library_of_another(
    payments: Team, tmp_path: Path, database: Database, vectors: Path
) -> None:
    from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege

    refused = (ForeignKeyViolation, InsufficientPrivilege)
    role = database.make_role("planter", "kb_writer")
    planter = team(tmp_path / "planter", "Planter", database.as_role(role), vectors)
    planter.push()
    number = "(SELECT number FROM kb.libraries WHERE name = %s)"
    record = f"(SELECT min(number) FROM kb.records WHERE library = {number})"
    audience = f"(SELECT number FROM kb.audiences WHERE is_open AND library = {number})"
    planted = (
        "INSERT INTO kb.records (library, audience, key, content, name, day, happened_at, kind, "
        f"severity, classes, facts) SELECT {number}, {audience}, '', '', 'planted', day, "
        "happened_at, kind, severity, classes, facts FROM kb.records LIMIT 1",
        f"INSERT INTO kb.facets SELECT {record}, {audience}, 'tools', 'planted'",
        "INSERT INTO kb.postings (record, audience, word, count) "
        f"SELECT {record}, {audience}, 7, 1",
        f"INSERT INTO kb.passages SELECT {record}, {audience}, 999, '', '', 'planted'",
    )
    for statement in planted:
        database.rows(statement, "Planter", "Planter", role=role)
        for library, whose in (("Payments", "Planter"), ("Planter", "Payments")):
            with pytest.raises(refused):
                database.rows(statement, library, whose, role=role)
    with pytest.raises(refused):
        database.rows(f"UPDATE kb.records SET library = {number}", "Payments", role=role)


def test_two_repositories_of_one_name_are_told_apart(
    payments: Team,
    tmp_path: Path,
    database: Database,
    vectors: Path,
) -> None:
    git_in(payments.root)("remote", "add", "origin", "git@host.example:acme/payments.git")
    payments.push()
    other = team(tmp_path / "other", "Payments", database.url, vectors)
    git_in(other.root)("remote", "add", "origin", "https://host.example/acme/other.git")
    refused = other.kb("push")
    assert "belongs to the repository host.example/acme/payments" in str(refused.exception)


@pytest.mark.parametrize("name", ['name = "Postmortems"', 'name = " "', ""])
def test_a_library_without_a_name_of_its_own_is_not_pushed(
    payments: Team, database: Database, name: str
) -> None:
    text = (payments.root / "kb.toml").read_text("utf-8")
    payments.set_up(text.replace('name = "Payments"', name))
    payments.commit()
    refused = str(payments.kb("push").exception)
    assert "needs a name of its own" in refused
    assert "Set name in [library]" in refused
    assert database.rows("SELECT name FROM kb.libraries") == [("Payments",)]


def test_pushes_at_once_end_as_pushes_in_turn(
    payments: Team,
    support: Team,
    database: Database,
) -> None:
    for made in (payments, support):
        made.write("2025-09-01-both", "Both write", summary="Both teams wrote at once.")
        made.commit()
    failures: list[BaseException] = []

    def run(made: Team) -> None:
        library = unread_library(made.root)
        store = connect(library)
        try:
            push(library, store)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=run, args=(made,)) for made in (payments, support) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    counted = _counted(database)
    database.rows("DROP SCHEMA kb CASCADE")
    payments.push("--set-up")
    support.push()
    assert _counted(database) == counted


def test_a_connection_lost_in_the_middle_leaves_the_old_revision_whole(
    payments: Team,
    database: Database,
) -> None:
    before = database.texts()
    payments.write("2025-09-01-lost", "Lost", summary="A push that was cut.")
    payments.commit()
    library = unread_library(payments.root)
    store = connect(library)

    def cut(label: str, done: int, total: int) -> None:
        if label == "Pushing records":
            database.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'kb' AND datname = current_database()"
            )

    with pytest.raises(KbError, match="ended the connection"):
        push(library, store, progress=cut)
    assert database.texts() == before
    payments.push()
    assert "A push that was cut." in database.texts()


def test_an_older_commit_does_not_replace_a_later_one(payments: Team) -> None:
    git = git_in(payments.root)
    payments.write("2025-09-01-later", "Later", summary="The later commit.")
    later = payments.commit()
    payments.push()
    git("checkout", "--quiet", "HEAD~1")
    said = payments.push()
    assert f"The store holds {later[:12]}, which is later" in said
    assert "1 removed" in payments.push("--force")


def clone(made: Team, folder: Path, *options: str) -> Team:
    """A clone that has the remote of its source, and whose settings this user trusts."""
    git = git_in(made.root)
    git("clone", "--quiet", *options, made.root.as_uri(), str(folder))
    git_in(folder)("remote", "set-url", "origin", git("remote", "get-url", "origin"))
    copy = Team(folder)
    copy.set_up((folder / "kb.toml").read_text("utf-8"))
    return copy


def test_a_clone_without_the_stored_commit_brings_back_nothing_that_went(
    payments: Team, database: Database, tmp_path: Path
) -> None:
    git_in(payments.root)("remote", "add", "origin", "git@host.example:acme/payments.git")
    payments.write("2025-08-01-zeppelin", "Zeppelin adrift", summary="The zeppelin went adrift.")
    payments.commit()
    payments.push()
    late = clone(payments, tmp_path / "late")
    (payments.root / "postmortems/2025-08-01-zeppelin.md").unlink()
    removed = payments.commit()
    payments.push()
    refused = str(late.kb("push").exception)
    assert f"{removed[:12]}, which this clone does not have" in refused
    assert "Fetch it and push again" in refused
    assert not re.search("zeppelin", database.texts(), re.IGNORECASE)
    git_in(late.root)("fetch", "--quiet", payments.root.as_uri())
    assert "which is later" in late.push()


def test_a_shallow_clone_of_a_later_commit_is_pushed(payments: Team, tmp_path: Path) -> None:
    git = git_in(payments.root)
    git("remote", "add", "origin", "git@host.example:acme/payments.git")
    payments.commit()
    payments.push()
    payments.write("2025-09-01-later", "Later", summary="The later commit.")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Later", at="2099-01-01T00:00:00Z")
    assert "1 record written" in clone(payments, tmp_path / "job", "--depth=1").push()


def test_setting_up_pushes_nothing_so_that_the_library_is_of_a_team(
    tmp_path: Path, database: Database, vectors: Path
) -> None:
    made = team(tmp_path / "payments", "Payments", database.url, vectors)
    done = made.kb("push", "--set-up")
    assert done.output.endswith("Next, as the role of a team: kb push\n")
    assert database.rows("SELECT count(*) FROM kb.libraries") == [(0,)]
    assert made.kb("push", "--set-up").output == "The store's tables are current.\n"
    assert made.kb("push", "--set-up", "--json").exit_code == 2


def test_what_is_not_committed_is_not_pushed(payments: Team) -> None:
    payments.write("2025-09-01-new", "New")
    refused = payments.kb("push")
    assert "1 file differ" in str(refused.exception) or "1 file differs" in str(refused.exception)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE kb.statistics SET encoder = 'other', model_name = 'E5'", "holds vectors of E5"),
        ("INSERT INTO kb.migrations VALUES (9999, 'later')", "Install a newer kb"),
        ("DELETE FROM kb.migrations WHERE number > 1", "kb push --set-up"),
        ("DROP SCHEMA kb CASCADE", "kb push --set-up"),
    ],
)
def test_a_store_of_another_kind_is_refused_with_the_way_out(
    payments: Team,
    database: Database,
    change: str,
    said: str,
) -> None:
    payments.write("2025-09-01-new", "New")
    payments.commit()
    before = database.rows("SELECT count(*) FROM pg_stat_user_tables")
    database.rows(change)
    refused = payments.kb("push")
    assert isinstance(refused.exception, KbError)
    assert said in str(refused.exception)
    assert before
    answered = payments.kb("similar", TWICE)
    assert answered.exit_code == 0
    assert "Only your own records were searched" in answered.output


def test_a_password_in_the_settings_is_refused(library_folder: Path) -> None:
    from kb.config import read_config

    for url in ("postgresql://kb:secret@db/kb", "postgresql://db/kb?password=secret"):
        (library_folder / "kb.toml").write_text(f'[store]\nurl = "{url}"\n', encoding="utf-8")
        with pytest.raises(KbError, match="holds a password") as refused:
            read_config(library_folder)
        assert "PGPASSWORD" in str(refused.value)
        assert "secret" not in str(refused.value)
    (library_folder / "kb.toml").write_text('[store]\nurl = "mysql://db/kb"\n', encoding="utf-8")
    with pytest.raises(KbError, match="no address of a PostgreSQL"):
        read_config(library_folder)


def test_without_the_server_own_records_answer_and_a_line_says_so(payments: Team) -> None:
    text = (payments.root / "kb.toml").read_text("utf-8")
    payments.set_up(re.sub(r'url = ".*"', 'url = "postgresql://127.0.0.1:1/kb"', text))
    answered = payments.kb("similar", TWICE)
    assert answered.exit_code == 0
    assert "Refund paid twice after a timeout" in answered.output
    assert "Only your own records were searched: the store does not answer" in " ".join(
        answered.output.split()
    )
    refused = payments.kb("push")
    assert "Check that the server runs" in str(refused.exception)


@pytest.mark.parametrize(
    ("there", "instead", "said"),
    [
        ("postgres@/", f"{ROLE}nobody@/", f'role "{ROLE}nobody" does not exist'),
        (r"/kb_\w+", "/kb_nowhere", 'database "kb_nowhere" does not exist'),
    ],
)
def test_who_is_not_let_in_is_told_why_and_nothing_of_sockets(
    database: Database, there: str, instead: str, said: str
) -> None:
    with pytest.raises(StoreAwayError) as refused:
        connect_to(re.sub(there, instead, database.url, count=1))
    assert refused.value.what == f"the store refuses the connection: {said}"
    assert "create them" in refused.value.todo


def test_an_address_that_nobody_trusted_is_not_asked(payments: Team) -> None:
    text = (payments.root / "kb.toml").read_text("utf-8")
    (payments.root / "kb.toml").write_text(re.sub(r"/kb_\w+", "/elsewhere", text), "utf-8")
    payments.commit()
    assert "kb trust store.url" in str(payments.kb("push").exception)
    answered = payments.kb("similar", TWICE)
    assert answered.exit_code == 0
    assert "Only your own records" in answered.output


def test_without_the_driver_the_way_to_it_is_said(
    payments: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_NEEDED", ("no_such_driver",))
    refused = str(payments.kb("push").exception)
    assert "no_such_driver missing" in refused
    assert "[store]" in refused


def test_a_backup_restores_to_a_store_that_answers_the_same(
    payments: Team,
    database: Database,
    tmp_path: Path,
) -> None:
    query = query_from_text(TWICE, TODAY)
    before = _order(searched(payments, database), query)
    file = tmp_path / "kb.dump"
    dump(database, "pg_dump", "--format=custom", f"--file={file}", f"--dbname={database.url}")
    database.rows("DROP SCHEMA kb CASCADE")
    database.rows("DROP EXTENSION vector CASCADE")
    dump(database, "pg_restore", "--exit-on-error", f"--dbname={database.url}", str(file))
    assert _order(searched(payments, database), query) == before
    assert "6 unchanged" in payments.push()


def _order(search: StoreSearch, query: object) -> list[str]:
    from kb.search.query import Query

    assert isinstance(query, Query)
    found = search.find(query)
    ids = [found.index.entries[found.ranking.places[place]].id for place in found.order]
    search.close()
    return ids


def test_the_doctor_names_the_store_and_no_address(payments: Team) -> None:
    said = payments.kb("doctor").output
    assert re.search(r"PostgreSQL \d.*pgvector \d.*1 library, 6 records", " ".join(said.split()))
    assert "postgresql://" not in said


def test_an_address_is_told_without_user_and_options() -> None:
    told = connection.shown("postgresql://kb@db.example:5433/kb?sslmode=require")
    assert told == "postgresql://db.example:5433/kb"


def test_statements_of_a_closed_connection_are_a_store_that_is_away(database: Database) -> None:
    store: Store = connect_to(database.url)
    store.close()
    with pytest.raises(connection.StoreAwayError):
        store.rows("SELECT 1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="pushers are forked")
@pytest.mark.parametrize(
    ("pushers", "kills"),
    [pytest.param(3, 6, id="few"), pytest.param(20, 200, id="many", marks=pytest.mark.slow)],
)
def test_pushers_that_are_killed_leave_what_a_clean_push_leaves(
    payments: Team, database: Database, tmp_path: Path, vectors: Path, pushers: int, kills: int
) -> None:
    teams = [
        team(tmp_path / f"killed-{number}", f"Killed {number}", database.url, vectors)
        for number in range(pushers)
    ]
    chance, killed = random.Random(24), 0
    while killed < kills:
        for number, made in enumerate(teams):
            made.write(f"2025-10-{1 + number:02d}-again", "Again", summary=f"{chance.random()}")
            made.commit()
            made.kb("build")
        # A push takes half a second alone, and longer where others hold the store.
        ends = [push_for(made, chance.random() * (0.5 + pushers / 5)) for made in teams]
        killed += sum(os.WIFSIGNALED(os.waitpid(pid, 0)[1]) for pid in ends)
    for made in teams:
        made.push()
    assert _rows(database) == _clean(database, [payments, *teams])


def push_for(made: Team, seconds: float) -> int:
    """Begin a push in a process that ends without a word after so long; the process."""
    pid = os.fork()
    if pid:
        return pid
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    with suppress(BaseException):
        made.kb("push")
    os._exit(0)


def _clean(database: Database, teams: list[Team]) -> object:
    """The rows that pushes of these teams one after the other leave in an empty store."""
    database.rows("DROP SCHEMA kb CASCADE")
    teams[0].push("--set-up")
    for made in teams[1:]:
        made.push()
    return _rows(database)


def _rows(database: Database) -> object:
    """What the store holds but for the numbers of rows, which count attempts."""
    queries = (
        "SELECT l.name, r.name, r.classes::text, t.title, t.passages FROM kb.records r "
        "JOIN kb.texts t ON t.record = r.number JOIN kb.libraries l ON l.number = r.library",
        "SELECT l.name, r.name, p.place, p.text, v.vector::text FROM kb.passages p "
        "JOIN kb.records r ON r.number = p.record JOIN kb.libraries l ON l.number = r.library "
        "JOIN kb.vectors v USING (record, text_hash)",
        "SELECT l.name, r.name, f.key, f.word FROM kb.facets f JOIN kb.records r "
        "ON r.number = f.record JOIN kb.libraries l ON l.number = r.library",
        "SELECT name, revision FROM kb.libraries",
        "SELECT count(*) FROM kb.vectors",
    )
    held = [sorted(map(str, database.rows(query))) for query in queries]
    return held, _counted(database)


# What of a library nobody else gets, and what one library does to the answers of others.


DEFINED = "The quetzal ledger of Acme is reconciled by hand."


def test_definitions_of_classes_do_not_reach_the_store(payments: Team, database: Database) -> None:
    text = (payments.root / "kb.toml").read_text("utf-8")
    payments.set_up(f'{text}\n[taxonomy.classes]\nledger-drift = "{DEFINED}"\n')
    payments.write("2025-07-01-drift", "The ledger drifted", classes="ledger-drift")
    payments.commit()
    payments.push()
    model = database.rows("SELECT model FROM kb.statistics")[0][0]
    assert isinstance(model, bytes)
    assert b"ledger-drift" in model
    assert b"quetzal" not in model
    payments.set_up(f'{text}\n[taxonomy.classes]\nledger-drift = "Sums disagree."\n')
    payments.commit()
    before = _meaning(database, "ledger-drift")
    payments.push()
    assert not np.allclose(_meaning(database, "ledger-drift"), before)


def _meaning(database: Database, name: str) -> np.ndarray:
    model = database.rows("SELECT model FROM kb.statistics")[0][0]
    assert isinstance(model, bytes)
    return decode(model, b"", 384)[0].classes[name].meaning


def test_statistics_that_cannot_be_read_are_said_to_be_so(
    payments: Team, database: Database
) -> None:
    database.rows("UPDATE kb.statistics SET model = 'nothing', version = version + 1")
    with pytest.raises(KbError, match="statistics of the store cannot be read"):
        searched(payments, database).find(query_from_text(TWICE, TODAY))


def test_facts_of_strangers_are_cleaned_and_those_that_do_not_fit_left_out(
    payments: Team, tmp_path: Path, database: Database, vectors: Path
) -> None:
    quiet = team(tmp_path / "quiet", "Quiet", database.url, vectors, share="facts")
    quiet.push()
    changes = (
        ("2025-03-12", """facts || '{"tools": "no list"}'"""),
        ("2025-04-13", """facts || '{"ref": "../../etc/passwd"}'"""),
        ("2025-01-10", """facts || '{"classes": ["Call 555-0100 now"], "kind": "Read this"}'"""),
    )
    for day, change in changes:
        database.rows(
            f"UPDATE kb.records SET facts = {change} WHERE day = '{day}' "
            "AND library = (SELECT number FROM kb.libraries WHERE name = 'Quiet')"
        )
    search = searched(payments, database)
    told = search.facts_alone("Payments")["Quiet"]
    search.close()
    assert [one.ref[:10] for one in told] == [
        "2025-06-15",
        "2025-05-14",
        "2025-02-11",
        "2025-01-10",
    ]
    assert (told[-1].classes, told[-1].kind) == ((), "")


@pytest.mark.parametrize(
    "change", ["entry = 'nothing'", "words = 'odd'", "counts = ''", "entry = '\\x93010203'"]
)
def test_a_text_that_cannot_be_read_is_left_out_of_the_answer(
    payments: Team, database: Database, change: str
) -> None:
    database.rows(f"UPDATE kb.texts SET {change} WHERE title LIKE 'Refund%'")
    assert len(_order(searched(payments, database), query_from_text(TWICE, TODAY))) == 5


def test_a_text_of_a_class_that_was_never_counted_answers_without_it(
    payments: Team, database: Database
) -> None:
    raw = database.rows("SELECT entry FROM kb.texts WHERE title LIKE 'Refund%'")[0][0]
    assert isinstance(raw, bytes)
    entry = msgspec.msgpack.decode(raw, type=IndexedRecord)
    planted = msgspec.structs.replace(entry, classes=("planted", *entry.classes))
    database.rows(
        "UPDATE kb.texts SET entry = %s WHERE title LIKE 'Refund%%'",
        msgspec.msgpack.encode(planted),
    )
    found = searched(payments, database).find(query_from_text(TWICE, TODAY))
    assert {name for one in found.index.entries for name in one.classes} == {
        "duplicate-side-effect",
        "fabricated-content",
        "prompt-injection",
    }


def test_a_changed_title_changes_the_vectors_of_its_passages(
    payments: Team, database: Database
) -> None:
    payments.write(
        "2025-01-10-refund-twice", "Zeppelins over Lake Constance", summary=STORIES[0][3]
    )
    payments.commit()
    payments.push()
    query = "SELECT vector::text FROM kb.vectors ORDER BY 1"
    stored = database.rows(query)
    database.rows("DROP SCHEMA kb CASCADE")
    payments.push("--set-up")
    assert stored == database.rows(query)


def test_classes_that_are_no_names_go_from_the_counts_with_their_record(
    payments: Team, database: Database
) -> None:
    before = _counted(database)
    for number, name in enumerate(("unknown", "two words", "plain")):
        day = f"2025-07-0{number + 1}-new"
        payments.write(day, "A new one", classes=f"{name}, runaway-loop", summary="It looped.")
    payments.write("2025-07-09-new", "A new one", classes="unknown", summary="It looped.")
    payments.commit()
    payments.push()
    counted = _counted(database)
    database.rows("DROP SCHEMA kb CASCADE")
    payments.push("--set-up")
    assert _counted(database) == counted
    for path in (payments.root / "postmortems").glob("*-new.md"):
        path.unlink()
    payments.commit()
    payments.push()
    assert _counted(database) == before


class _Interrupted(Store):
    """A store in which something happens before the first statement that begins so."""

    def __init__(self, url: str, beginning: str, happens: Callable[[], object]) -> None:
        opened = connect_to(url, read_only=True)
        super().__init__(opened._connection, opened.address)
        self._beginning, self._happens = beginning, [happens]

    def rows(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        if statement.strip().startswith(self._beginning) and self._happens:
            self._happens.pop()()
        return super().rows(statement, values)


@pytest.mark.parametrize("beginning", ["SELECT model", "SELECT t.record", "WITH near"])
def test_a_push_in_the_middle_of_a_question_is_seen_by_the_next(
    payments: Team, database: Database, beginning: str
) -> None:
    payments.write("2025-07-01-loop", "Refund loop", classes="runaway-loop", summary=TWICE)
    payments.commit()
    store = _Interrupted(database.url, beginning, payments.push)
    search = StoreSearch(store, open_index(unread_library(payments.root)).encoder)
    query = query_from_text(TWICE, TODAY)
    assert len(search.find(query).index.entries) == 6
    assert len(search.find(query).index.entries) == 7
    search.close()


def test_a_record_that_went_before_it_was_quoted_is_said_to_be_so(
    payments: Team, database: Database
) -> None:
    search = searched(payments, database)
    found = search.find(query_from_text("A check would have caught it.", TODAY))
    for path in (payments.root / "postmortems").glob("*.md"):
        path.unlink()
    payments.commit()
    payments.push()
    with pytest.raises(KbError, match="changed while it was asked"):
        answer_of(found, unread_library(payments.root), 3)
    search.close()
