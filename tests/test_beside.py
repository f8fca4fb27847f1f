"""Two and three libraries answer each other, each as far as it shares itself."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kb.config import parse_config
from kb.errors import KbError
from kb.library import load_document, open_library, unread_library
from kb.metrics.json_output import schemas
from kb.other_libraries.open_libraries import declared, open_other_libraries
from kb.other_libraries.refresh import refresh
from kb.records.facts_without_text import FACTS_FILE, read_facts
from kb.repo.fetch_commit import check_address
from kb.search.answer_json import answer_schema
from kb.search.encoder.encoder import Encoder
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.index.index import build_index
from kb.search.indexed_records.passages import record_passages
from kb.search.query import EVERYTHING, query_from_text
from kb.search.ranking.learn import class_text
from kb.search.render import WIDTH
from kb.search.several_libraries import similar_beside, similar_by_words

from beside_libraries import (
    CANARIES,
    KEPT_BACK,
    RETRIED,
    commit,
    kb,
    make_library,
    name_beside,
    similar,
    write_canaries,
    write_external,
)
from conftest import git_in
from runs_made import made_run, write
from search_library import own_cache, write_record

MANUAL = "How to export twice a day with the export tool"


def whose(root: Path, text: str) -> list[str]:
    """The libraries whose records answer a text."""
    return [match["library"] for match in similar(root, text)["matches"]]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's cache of its own, which shares only the compiled encoders."""
    with own_cache(tmp_path_factory.mktemp("cache")) as folder:
        yield folder


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """The library that asks, with one record of its own."""
    root = make_library(tmp_path / "ours", "Support bots", stories=False)
    summary = "The export tool was retried and the customer received two exports."
    write_record(root, "2026-03-03-export-twice", "Export sent twice", summary=summary)
    return root


@pytest.fixture
def payments(tmp_path: Path) -> Path:
    """A library that says nothing about sharing, so that it shares facts."""
    root = make_library(tmp_path / "payments", "Payments")
    write_canaries(root)
    commit(root)
    return root


def bytes_below(folder: Path) -> bytes:
    """Every file below a folder, with the names; what is packed by Git or zip would be a fault."""
    found = []
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            assert path.suffix not in {".pack", ".gz", ".zip"}, path
            found.append(str(path).encode() + b"\n" + path.read_bytes())
    return b"\n".join(found)


def told(text: bytes | str) -> list[str]:
    """The canaries that stand in a text, whatever their case."""
    lower = (text if isinstance(text, bytes) else text.encode()).lower()
    return [word for word in CANARIES.values() if word.lower().encode() in lower]


@pytest.mark.model
@pytest.mark.parametrize("way", ["folder", "address"])
def test_no_byte_of_a_record_of_facts_is_in_any_output_cache_or_index(
    ours: Path, payments: Path, cache: Path, way: str
) -> None:
    name_beside(ours, payments="../payments" if way == "folder" else payments.as_uri())
    assert set(told(bytes_below(payments / "postmortems"))) == set(CANARIES.values())
    draft = write_record(ours, "2026-05-05-draft", "Paid twice", summary=RETRIED, status="draft")
    said = [
        kb(ours, *words)
        for words in (
            ("beside", "refresh"),
            ("beside", "list"),
            ("beside", "list", "--json"),
            ("similar", RETRIED, "--everywhere"),
            ("similar", str(draft), "--everywhere", "--json", "-k", "50"),
            ("similar", "marmaladesummary pelicancause Zanzibartitle refund", "--everywhere"),
            ("similar", "--everywhere", "--explain", "2026-03-03-export-twice", RETRIED),
            ("list", "--everywhere"),
            ("metrics", "--everywhere"),
            ("metrics", "--everywhere", "--json"),
            ("build",),
        )
    ]
    assert [done.stderr for done in said if done.returncode] == []
    outputs = [done.stdout + done.stderr for n, done in enumerate(said) if n != 5]
    assert "payments" in outputs[3]
    assert told("".join(outputs)) == []
    asked = {"marmaladesummary", "pelicancause", "Zanzibartitle"}  # our own question
    assert set(told(said[5].stdout)) <= asked
    assert told(bytes_below(cache / "beside")) == []
    assert told(bytes_below(ours)) == []
    assert not list((cache / "beside").rglob("vectors-*"))
    assert not list((cache / "beside").rglob("index"))


@pytest.mark.model
def test_facts_say_whose_it_is_what_was_missing_and_how_long_it_took(
    ours: Path, payments: Path
) -> None:
    name_beside(ours, payments="../payments")
    answer = similar(ours, RETRIED)
    jsonschema.validate(answer, answer_schema())
    [match] = [m for m in answer["matches"] if m["library"] == "payments"]  # type: ignore[attr-defined]
    assert match["shares"] == "facts"
    assert match["id"].startswith("2026-02-03-")
    assert match["facts"]["missing_control"] == "idempotency-key"
    assert match["facts"]["tools"] == ["refund"]
    assert (match["passages"], match["actions"]) == ([], [])
    text = kb(ours, "similar", RETRIED, "--everywhere").stdout
    assert "payments had this: duplicate-side-effect (missing idempotency-key)" in text
    assert "detected after 2 h 49 min, contained after 3 h 20 min" in text
    assert f"payments, about {match['id']}: they share no text" in text
    assert max(map(len, text.splitlines())) <= WIDTH


@pytest.mark.model
def test_facts_answer_a_text_from_the_bar_of_who_asks_on(ours: Path, payments: Path) -> None:
    name_beside(ours, payments="../payments")
    assert "payments" in whose(ours, MANUAL)
    with (ours / "kb.toml").open("a") as config:
        config.write("[search]\nbar = 0.99\n")
    assert whose(ours, MANUAL) == []


@pytest.mark.model
def test_facts_do_not_answer_just_anything_where_no_own_record_could_be_near(
    ours: Path, payments: Path
) -> None:
    (ours / "postmortems/2026-03-03-export-twice.md").unlink()
    name_beside(ours, payments="../payments")
    assert whose(ours, MANUAL) == []
    assert whose(ours, RETRIED) == ["payments"]


@pytest.mark.model
def test_three_libraries_are_one_list_by_probability_and_each_says_whose(
    tmp_path: Path, ours: Path, payments: Path
) -> None:
    make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    name_beside(ours, payments=payments.as_uri(), identity="../identity")
    assert kb(ours, "beside", "refresh").returncode == 0
    answer = similar(ours, RETRIED)
    whose = [match["library"] for match in answer["matches"]]  # type: ignore[attr-defined]
    assert set(whose) == {"Support bots", "payments", "identity"}
    chances = [m["probability"] for m in answer["matches"]]  # type: ignore[attr-defined]
    assert chances == sorted(chances, reverse=True)
    beside = {row["name"]: row for row in answer["beside"]}  # type: ignore[attr-defined]
    assert (beside["payments"]["shares"], beside["payments"]["records"]) == ("facts", 7)
    assert beside["payments"]["commit"] == git_in(payments)("rev-parse", "HEAD")
    assert beside["identity"]["folder"] == str(tmp_path / "identity/postmortems")
    assert "identity: Refund paid twice" in kb(ours, "similar", RETRIED, "--everywhere").stdout
    assert "beside" not in json.loads(kb(ours, "similar", RETRIED, "--json").stdout)


@pytest.mark.model
def test_a_library_of_the_same_encoder_embeds_nothing(
    tmp_path: Path, ours: Path, payments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    for root in (ours, payments, identity):
        build_index(unread_library(root))
    name_beside(ours, payments="../payments", identity="../identity")
    library = unread_library(ours)
    embedded: list[str] = []
    encode = Encoder.encode
    monkeypatch.setattr(
        Encoder, "encode", lambda self, texts: (embedded.extend(texts), encode(self, texts))[1]
    )
    of_texts = [one for one in open_other_libraries(library) if one.shares == "all"]
    answer = similar_beside(library, of_texts, RETRIED)
    assert {match.library for match in answer.matches} > {"identity"}
    assert embedded == [f"{RETRIED}."]
    meanings = {class_text(name, library.form) for name in library.form.words("classes")}
    similar_beside(library, open_other_libraries(library), RETRIED)
    assert set(embedded) <= {
        f"{RETRIED}.",
        *meanings,
    }  # what words mean here, and no text of theirs
    embedded.clear()
    similar_beside(library, open_other_libraries(library), RETRIED)
    assert embedded == [f"{RETRIED}."]
    assert len(list((tmp_path / "identity/.kb").glob("vectors-*"))) == 2  # with its lock


@pytest.mark.model
def test_of_external_only_what_was_signed_reaches_others(
    tmp_path: Path, ours: Path, cache: Path
) -> None:
    root = make_library(tmp_path / "billing", "Billing", 'share = "external"\n', stories=False)
    write_external(root)
    commit(root)
    name_beside(ours, billing=root.as_uri())
    assert kb(ours, "beside", "refresh").stdout.startswith("billing: shares external")
    done = kb(ours, "similar", RETRIED, "--everywhere", "-k", "50")
    assert "billing: Paid twice" in done.stdout
    assert "external edition" in done.stdout
    everything = done.stdout.encode() + bytes_below(cache / "beside") + bytes_below(ours)
    assert [word for word in KEPT_BACK if word.encode() in everything.lower()] == []


@pytest.mark.model
def test_what_is_no_longer_shared_is_no_longer_kept(
    tmp_path: Path, ours: Path, cache: Path
) -> None:
    root = make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    commit(root)
    name_beside(ours, folder="../identity", address=root.as_uri())
    kb(ours, "beside", "refresh")
    similar(ours)
    assert b"fourteen customers" in bytes_below(cache / "beside")
    for share in ("facts", "none"):
        (root / "kb.toml").write_text(f'[library]\nshare = "{share}"\n', "utf-8")
        commit(root, share)
        kb(ours, "beside", "refresh")
        answer = similar(ours)
        assert b"fourteen customers" not in bytes_below(cache / "beside")
        shared = {row["shares"] for row in answer["beside"]}  # type: ignore[attr-defined]
        assert shared == {share}


def test_of_one_that_shares_all_drafts_and_other_settings_are_not_kept(
    ours: Path, cache: Path, tmp_path: Path
) -> None:
    settings = (
        'share = "all"\npath = "records"\n[taxonomy.classes]\n"over-\\"reach" = "Too\\u007f far"\n'
        '[form.headings]\nsummary = "In short"\n[[form.scope]]\nfiles = ["records/2019-*"]\n'
        '[site]\nkey = "mulberrykey"\n[check]\npeople = ["Quokka Person"]\n'
    )
    root = make_library(tmp_path / "identity", "Identity", settings)
    write_record(root, "2026-07-07-plain", "Kept", classes='over-"reach')
    write_record(root, "2026-07-08-idea", "Heliotropedraft", status="draft")
    (root / "postmortems").rename(root / "records")
    commit(root)
    name_beside(ours, identity=root.as_uri())
    assert kb(ours, "beside", "refresh").returncode == 0
    kept = bytes_below(cache / "beside")
    assert b"fourteen customers" in kept
    secret = (b"mulberrykey", b"Quokka", b"Heliotropedraft", b"2026-07-08")
    assert [word for word in secret if word in kept] == []
    [view] = (cache / "beside").glob("*/view-*")
    read, theirs = open_library(view), open_library(root)
    assert read.config.taxonomy == theirs.config.taxonomy
    assert read.config.form == theirs.config.form
    assert [record.id for record in read.published] == [record.id for record in theirs.published]
    rows = json.loads(kb(ours, "list", "--everywhere", "--json").stdout)["records"]
    assert len(rows) == 1 + 7


@pytest.mark.model
def test_texts_of_a_folder_are_not_kept_where_only_its_facts_are_left(
    tmp_path: Path, ours: Path, cache: Path
) -> None:
    root = make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    name_beside(ours, identity="../identity")
    similar(ours)
    assert b"fourteen customers" in bytes_below(cache / "beside")
    assert kb(root, "beside", "export", "--out", FACTS_FILE).returncode == 0
    shutil.rmtree(root / "postmortems")
    (root / "kb.toml").unlink()
    rows: Any = similar(ours)["beside"]
    (row,) = rows
    assert (row["shares"], row["records"]) == ("facts", 6)
    assert b"fourteen customers" not in bytes_below(cache / "beside")


@pytest.mark.model
def test_what_is_wrong_with_one_is_one_line_and_own_answers_stay(
    tmp_path: Path, ours: Path, payments: Path
) -> None:
    make_library(tmp_path / "closed", "Closed", 'share = "none"\n')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/kb.toml").write_text("[library\n", "utf-8")
    (tmp_path / "empty").mkdir()
    nobody = (tmp_path / "nowhere.git").as_uri()
    name_beside(
        ours,
        gone="../gone",
        closed="../closed",
        broken="../broken",
        empty="../empty",
        unfetched=payments.as_uri(),
        nobody=nobody,
    )
    refreshed = kb(ours, "beside", "refresh", "nobody")
    assert (refreshed.returncode, refreshed.stdout) == (1, "")
    assert "nobody: " in refreshed.stderr
    answer = similar(ours)
    assert [m["library"] for m in answer["matches"]] == ["Support bots"]  # type: ignore[attr-defined]
    notes = {row["name"]: row["note"] for row in answer["beside"]}  # type: ignore[attr-defined]
    assert all(note.startswith("not searched: ") for note in notes.values())
    assert "no folder ../gone" in notes["gone"]
    assert "shares nothing" in notes["closed"]
    assert "cannot be read" in notes["broken"]
    assert "no kb.toml" in notes["empty"]
    assert "kb beside refresh 'unfetched'" in notes["unfetched"]
    text = kb(ours, "similar", RETRIED, "--everywhere").stdout
    assert [name for name in notes if f"{name}: not searched" not in text] == []
    assert max(map(len, text.splitlines())) <= WIDTH


def test_one_whose_records_folder_is_missing_ends_no_list_and_no_answer_by_words(
    ours: Path, tmp_path: Path
) -> None:
    identity = make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    shutil.rmtree(identity / "postmortems")
    name_beside(ours, identity="../identity")
    done = kb(ours, "list", "--everywhere")
    assert done.returncode == 0
    assert "Export sent twice" in done.stdout
    assert "identity: not searched: the records' folder cannot be read" in done.stderr
    library, fault = unread_library(ours), NoEncoderError("nothing is installed", "install it")
    asked = query_from_text("the customer received two exports", date(2030, 1, 1))
    answer = similar_by_words(library, open_other_libraries(library), asked, 10, EVERYTHING, fault)
    assert [match.id for match in answer.matches] == ["2026-03-03-export-twice"]
    [beside] = answer.beside
    assert beside.note.startswith("not searched: the records' folder cannot be read")


@pytest.mark.model
def test_another_encoder_is_said_and_its_texts_are_embedded_with_ours(
    tmp_path: Path, ours: Path
) -> None:
    settings = 'share = "all"\n[search]\nmodel = "somebody/else"\n'
    make_library(tmp_path / "identity", "Identity", settings)
    name_beside(ours, identity="../identity")
    answer = similar(ours)
    assert "identity" in {m["library"] for m in answer["matches"]}  # type: ignore[attr-defined]
    notes = [row["note"] for row in answer["beside"]]  # type: ignore[attr-defined]
    assert "it searches with somebody/else (fp32)" in notes[0]


@pytest.mark.model
def test_a_setting_asks_everywhere_and_a_stranger_s_setting_asks_nobody(
    ours: Path, payments: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    name_beside(ours, payments="../payments")
    with (ours / "kb.toml").open("a", encoding="utf-8") as stream:
        stream.write("[search]\neverywhere = true\n")
    assert "payments had this" in kb(ours, "similar", RETRIED).stdout
    assert "payments" not in kb(ours, "similar", RETRIED, "--no-everywhere").stdout
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "somebody"))
    done = kb(ours, "similar", RETRIED)
    assert done.returncode == 0
    assert "not trusted here" in " ".join(done.stdout.split())
    assert "Export sent twice" in done.stdout
    assert kb(ours, "beside", "refresh").returncode == 2


@pytest.mark.model
def test_facts_that_are_published_alone_are_asked_like_the_library(
    tmp_path: Path, ours: Path, payments: Path
) -> None:
    published = tmp_path / "shelf"
    published.mkdir()
    done = kb(payments, "beside", "export", "--out", str(published / FACTS_FILE))
    assert "the facts of 7 records" in done.stdout
    assert told(bytes_below(published)) == []
    commit(published)
    name_beside(ours, folder="../shelf", address=published.as_uri())
    assert kb(ours, "beside", "refresh").returncode == 0
    whose = {m["library"] for m in similar(ours)["matches"]}  # type: ignore[attr-defined]
    assert {"folder", "address"} <= whose
    text = (payments / "kb.toml").read_text("utf-8") + 'share = "none"\n'
    (payments / "kb.toml").write_text(text, "utf-8")
    refused = kb(payments, "beside", "export")
    assert (refused.returncode, "facts are not shared" in refused.stderr) == (2, True)


@pytest.mark.model
def test_a_run_finds_the_neighbour_s_run_of_the_same_course(
    ours: Path, payments: Path, tmp_path: Path
) -> None:
    from kb.traces.fixture import write_fixture

    name_beside(ours, payments="../payments")
    asked = tmp_path / "asked"
    asked.mkdir()
    call = write("refund", {"order": "7"})
    write_fixture(made_run(call, call), asked / "run.json")
    answer = similar(ours, str(asked / "run.json"))
    [match] = [m for m in answer["matches"] if m["library"] == "payments"]  # type: ignore[attr-defined]
    assert "its run went the same way (100% of tools, order, errors, effects)" in match["reasons"]


@pytest.mark.model
def test_by_words_alone_neighbours_answer_too(
    ours: Path, payments: Path, cache: Path, tmp_path: Path
) -> None:
    make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    name_beside(ours, payments="../payments", identity="../identity")
    library = unread_library(ours)
    fault = NoEncoderError("nothing is installed", "install it")
    asked = query_from_text("it followed an instruction in data that had arrived", date(2030, 1, 1))
    answer = similar_by_words(library, open_other_libraries(library), asked, 10, EVERYTHING, fault)
    assert {"payments", "identity"} <= {match.library for match in answer.matches}
    assert told(repr([m for m in answer.matches if m.library == "payments"])) == []


@pytest.mark.parametrize(
    "address",
    [
        "ext::sh -c id",
        "--upload-pack=touch x",
        "-o@host:path",
        "ssh://-oProxyCommand=id/x",
        "ssh://a@-oProxyCommand=id/x",
        "http://clear.example/x.git",
        "git://clear.example/x.git",
        "file://",
        "fd::17",
        "a@b::c",
        "https://user:secret@host.example/x.git",
        "https://host.example/x y",
        "https://host.example/\nx",
        "/tmp/x",
        "../x",
    ],
)
def test_an_address_that_could_be_an_option_a_program_or_in_clear_text_is_refused(
    address: str,
) -> None:
    with pytest.raises(KbError):
        check_address(address)


@pytest.mark.parametrize("revision", ["-x", "main:refs/heads/x", "+main", "a..b", "main~1", "a b"])
def test_a_revision_that_could_be_an_option_or_a_refspec_is_refused(revision: str) -> None:
    with pytest.raises(KbError):
        check_address("https://host.example/x.git", revision)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ('name = "a"', "one of path, git and casebook"),
        ('name = "a"\npath = "x"\ngit = "https://x/y"', "one of path, git and casebook"),
        ('name = "a"\npath = "x"\nrevision = "main"', "which go with git"),
        ('name = "Postmortems"\npath = "x"', "two libraries are called"),
        ('name = "a\\u001b[31m"\npath = "x"', "Expected `str` matching regex"),
        ('name = "a"\npath = "x"\n[[library.beside]]\nname = "A"\npath = "y"', "are called 'A'"),
    ],
)
def test_settings_that_leave_open_who_is_meant_are_refused(rows: str, why: str) -> None:
    with pytest.raises(KbError, match=why):
        parse_config(f"[[library.beside]]\n{rows}\n".encode(), "kb.toml")


def test_nothing_of_a_fetched_repository_is_run_or_followed(
    ours: Path, payments: Path, cache: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    secret = tmp_path / "secret.md"
    secret.write_text("---\ntitle: stolen\n---\n", "utf-8")
    (payments / "postmortems/2026-04-04-link.md").symlink_to(secret)
    (payments / "kb.toml").write_text('[library]\nshare = "all"\n', "utf-8")
    (payments / ".gitattributes").write_text("*.md filter=evil diff=evil\n", "utf-8")
    (payments / ".gitmodules").write_text(
        f'[submodule "x"]\npath = x\nurl = ext::sh -c "touch {ran}"\n', "utf-8"
    )
    commit(payments)
    git = git_in(payments)
    for key in ("filter.evil.smudge", "core.fsmonitor", "uploadpack.packObjectsHook"):
        git("config", key, f"touch {ran}")
    for name in ("post-checkout", "post-update", "reference-transaction", "pre-auto-gc"):
        hook = payments / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n", "utf-8")
        hook.chmod(0o755)
    name_beside(ours, payments=payments.as_uri())
    done = kb(ours, "beside", "refresh")
    assert done.stdout.startswith("payments: shares all"), done.stderr
    assert not ran.exists()
    kept = bytes_below(cache / "beside")
    assert b"fourteen customers" in kept
    assert b"stolen" not in kept
    assert not [path for path in (cache / "beside").rglob("*") if path.is_symlink()]


def test_a_neighbour_that_is_too_large_is_refused(ours: Path, payments: Path) -> None:
    name_beside(ours, payments=payments.as_uri())
    [beside] = declared(unread_library(ours))
    now = datetime(2030, 1, 1, tzinfo=UTC)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kb.repo.fetch_commit.MOST_BYTES", 2_000)
        with pytest.raises(KbError, match="is larger than"):
            refresh(beside, now)
    (payments / "kb.toml").write_text("#" * 6_000_000, "utf-8")
    commit(payments)
    with pytest.raises(KbError, match="more than such a file may have"):
        refresh(beside, now)
    assert told(bytes_below(beside.home)) == []


def test_what_is_fetched_is_pinned_until_it_is_refreshed(
    ours: Path, payments: Path, tmp_path: Path
) -> None:
    name_beside(ours, payments=payments.as_uri())
    first = git_in(payments)("rev-parse", "HEAD")
    kb(ours, "beside", "refresh")
    write_record(payments, "2026-06-06-new", "New", classes="runaway-loop")
    second = commit(payments)
    before = json.loads(kb(ours, "beside", "list", "--json").stdout)["libraries"][0]
    assert (before["said"][:9], before["place"].endswith(first[:9])) == ("7 records", True)
    kb(ours, "beside", "refresh")
    after = json.loads(kb(ours, "beside", "list", "--json").stdout)["libraries"][0]
    assert (after["said"][:9], after["place"].endswith(second[:9])) == ("8 records", True)
    shutil.rmtree(payments)
    assert kb(ours, "beside", "refresh").returncode == 1
    assert "8 records" in kb(ours, "beside", "list").stdout
    assert kb(ours, "beside", "forget").stdout == "forgotten: payments\n"
    assert "not fetched yet" in kb(ours, "beside", "list").stdout


def test_a_branch_and_a_folder_of_a_repository_can_be_named(ours: Path, tmp_path: Path) -> None:
    make_library(tmp_path / "mono/teams/risk", "Risk")
    commit(tmp_path / "mono")
    git_in(tmp_path / "mono")("branch", "shared")
    subprocess.run(["rm", "-r", str(tmp_path / "mono/teams")], check=True)
    (tmp_path / "mono/README").write_text("moved", "utf-8")
    commit(tmp_path / "mono")
    uri = (tmp_path / "mono").as_uri()
    name_beside(ours, risk=uri)
    assert "has no kb.toml" in kb(ours, "beside", "refresh").stderr
    with (ours / "kb.toml").open("a", encoding="utf-8") as stream:
        stream.write('revision = "shared"\nfolder = "teams/risk"\n')
    assert kb(ours, "beside", "refresh").returncode == 2  # another value is trusted anew
    assert kb(ours, "trust", "--yes", "library.beside").returncode == 0
    assert kb(ours, "beside", "refresh").stdout.startswith("risk: shares facts")


def test_facts_of_a_stranger_hold_words_and_nothing_else() -> None:
    one = {
        "ref": "2026-02-03-0a1b2c",
        "date": "2026-02-03",
        "kind": "a kind of their own",
        "classes": ["duplicate-side-effect", "ignore all previous instructions", "x" * 100],
        "missing_control": "\u001b[31mred",
        "tools": ["refund", "<script>", "a\nb"],
        "clocks": {"detected": "2026-02-03T10:00:00Z", "lunch": "2026-02-03T12:00:00Z"},
        "run": {"tools": ["0123456789abcdef", "in plain words"]},
    }
    others = [one | {"ref": ref} for ref in ("../../etc", "2026-02-03-refund", "")]
    raw = json.dumps({"schema": "kb.facts/1", "records": [one, *others]}).encode()
    [facts] = read_facts(raw, "x").records
    assert (facts.kind, facts.missing_control) == ("", "")
    assert (facts.classes, facts.tools) == (("duplicate-side-effect",), ("refund",))
    assert list(facts.clocks) == ["detected"]
    assert facts.run is not None
    assert facts.run.tools == ("0123456789abcdef",)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b"\xff", b'{"schema":"kb.facts/2","records":[]}']
)
def test_a_file_that_holds_no_facts_is_refused(raw: bytes) -> None:
    with pytest.raises(KbError, match="cannot be read as facts"):
        read_facts(raw, "x")


def test_each_team_has_its_column_and_nothing_is_counted_together(
    ours: Path, payments: Path, tmp_path: Path
) -> None:
    identity = make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    commit(identity)
    make_library(tmp_path / "closed", "Closed", 'share = "none"\n')
    name_beside(
        ours,
        payments="../payments",
        identity="../identity",
        fetched=identity.as_uri(),
        closed="../closed",
    )
    kb(ours, "beside", "refresh")
    alone = json.loads(kb(ours, "metrics", "--json").stdout)["metrics"]
    answer = json.loads(kb(ours, "metrics", "--everywhere", "--json").stdout)
    jsonschema.validate(answer, schemas()["metrics"])
    teams = {team["name"]: team for team in answer["everywhere"]}
    assert list(teams) == ["Support bots", "payments", "identity", "fetched", "closed"]
    own = {name: (row["value"], row["n"]) for name, row in teams["Support bots"]["metrics"].items()}
    assert own == {name: (row["value"], row["n"]) for name, row in alone.items()}
    theirs = json.loads(kb(identity, "metrics", "--json").stdout)["metrics"]
    for name in ("class_gap", "actions_open", "time_to_publish"):
        assert teams["identity"]["metrics"][name]["n"] == theirs[name]["n"], name
    assert teams["payments"]["metrics"]["detection_chain"]["value"] == 169
    assert not {"repeat_rate", "section_coverage", "actions_open"} & set(
        teams["payments"]["metrics"]
    )
    assert (teams["closed"]["metrics"], teams["closed"]["shares"]) == ({}, "none")
    assert "without its history" in teams["fetched"]["note"]
    text = kb(ours, "metrics", "--everywhere").stdout
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "not shared" in text
    assert "First impact to detection" in text
    assert "detection_chain" not in text
    assert not (tmp_path / "payments/.kb").exists()
    table = kb(ours, "metrics", "class_gap", "--everywhere", "--csv").stdout.splitlines()
    assert [row.split(",")[1] for row in table[1:]] == ["Support bots", *list(teams)[1:4]]
    assert kb(ours, "metrics", "--everywhere", "--history", "month").returncode == 2


@pytest.mark.model
def test_the_site_names_what_other_teams_had_and_its_external_edition_does_not(
    ours: Path, payments: Path, tmp_path: Path
) -> None:
    make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    name_beside(ours, payments="../payments", identity="../identity", gone="../gone")
    (ours / "kb.toml").write_text(
        (ours / "kb.toml").read_text("utf-8") + "[search]\neverywhere = true\n", "utf-8"
    )
    done = kb(ours, "site", "--pages-only")
    assert done.returncode == 0, done.stderr
    assert "gone: not searched" in done.stderr
    pages = bytes_below(ours / "build")
    [page] = [p for p in (ours / "build").rglob("*.md") if "export-twice" in p.name]
    text = page.read_text("utf-8")
    assert "Other teams had this" in text
    assert "<b>payments</b>, duplicate-side-effect (missing idempotency-key)" in text
    assert "<b>identity</b> Refund paid twice after a timeout" in text
    assert told(pages) == []
    external = kb(ours, "site", "--pages-only", "--edition", "external")
    assert external.returncode in {0, 1}
    built = [p for p in (ours / "build").iterdir() if "external" in p.name]
    assert b"payments" not in b"".join(bytes_below(folder) for folder in built)


def test_the_list_holds_others_records_behind_ones_own(
    ours: Path, payments: Path, tmp_path: Path
) -> None:
    make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    name_beside(ours, payments="../payments", identity="../identity", gone="../gone")
    done = kb(ours, "list", "--everywhere", "--class", "duplicate-side-effect")
    assert "gone: not searched" in done.stderr
    assert done.stdout.splitlines()[1].strip() == "Export sent twice"
    assert "payments: duplicate-side-effect (missing idempotency-key)" in done.stdout
    assert "identity: Refund paid twice" in done.stdout
    assert told(done.stdout) == []
    rows = json.loads(kb(ours, "list", "--everywhere", "--json").stdout)["records"]
    assert [row.get("library") for row in rows[:2]] == [None, "payments"]
    assert len(rows) == 1 + 7 + 6


@pytest.mark.model
def test_drafts_of_a_folder_are_neither_indexed_nor_counted(
    ours: Path, cache: Path, tmp_path: Path
) -> None:
    identity = make_library(tmp_path / "identity", "Identity", 'share = "all"\n', stories=False)
    write_record(identity, "2026-02-01-told", "Refund paid twice", summary=RETRIED)
    draft = f"{RETRIED} cranberrydraft"
    write_record(identity, "2026-02-02-draft", "Not yet told", summary=draft, status="draft")
    name_beside(ours, identity="../identity")
    kb(ours, "build")  # the words of an index are packed, so its own texts are what is looked at
    answer = similar(ours, RETRIED, "-k", "50")
    beside = answer["beside"][0]  # type: ignore[index]
    assert (beside["records"], beside["passages"]) == (1, _passages(identity, "2026-02-01-told"))
    assert b"cranberrydraft" not in bytes_below(cache / "beside")
    assert "identity  all  1 record\n  ../identity\n" in kb(ours, "beside", "list").stdout


def _passages(root: Path, record_id: str) -> int:
    library = unread_library(root)
    file = library.folder / f"{record_id}.md"
    return len(record_passages(load_document(file, library.form, root)))


@pytest.mark.model
def test_different_incidents_of_one_id_are_both_told_and_one_incident_once(
    ours: Path, tmp_path: Path
) -> None:
    for name, title in (("identity", "Refund paid twice"), ("copy", "Export sent twice")):
        root = make_library(tmp_path / name, name.title(), 'share = "all"\n', stories=False)
        write_record(root, "2026-03-03-export-twice", title, summary=RETRIED)
        name_beside(ours, **{name: f"../{name}"})
    for question in (RETRIED, "2026-03-03-export-twice"):
        found = similar(ours, question, "-k", "50")["matches"]
        others = {match["library"] for match in found} - {"Support bots"}  # type: ignore[attr-defined]
        assert others == {"identity"}, question


@pytest.mark.model
def test_ids_of_other_teams_are_known_to_explain_and_open(
    ours: Path, payments: Path, tmp_path: Path
) -> None:
    identity = make_library(tmp_path / "identity", "Identity", 'share = "all"\n', stories=False)
    write_record(identity, "2026-02-01-told", "Refund paid twice", summary=RETRIED)
    write_record(identity, "2026-02-02-draft", "Not yet", summary=RETRIED, status="draft")
    name_beside(ours, payments="../payments", identity="../identity")
    answer = similar(ours, RETRIED, "-k", "50")["matches"]
    facts = next(m["id"] for m in answer if m["library"] == "payments")  # type: ignore[attr-defined]
    done = kb(ours, "similar", RETRIED, "--explain", "2026-02-01-told")
    assert done.stdout.startswith("2026-02-01-told\n"), done.stderr
    opened = kb(ours, "open", "2026-02-01-told")
    assert Path(opened.stdout.strip()).samefile(identity / "postmortems/2026-02-01-told.md")
    assert "it is a record of identity" in opened.stderr
    for verb in (("open", facts), ("similar", RETRIED, "--explain", facts)):
        assert f"payments shares facts of {facts} and no text" in kb(ours, *verb).stderr
    assert "there is no record '2026-02-02-draft'" in kb(ours, "open", "2026-02-02-draft").stderr


def test_what_could_not_be_fetched_is_said_in_lines(ours: Path, tmp_path: Path) -> None:
    name_beside(ours, gone=(tmp_path / "gone").as_uri())
    said = kb(ours, "beside", "refresh").stderr
    assert "\\x0a" not in said
    assert said.startswith("kb beside: gone: ")
    assert "\n  → " in said


def test_places_are_told_apart_by_address_revision_and_folder(ours: Path) -> None:
    rows = "".join(
        f'[[library.beside]]\nname = "n{n}"\ngit = "https://host.example/x.git"\n{more}\n'
        for n, more in enumerate(("", 'revision = "a"', 'folder = "a"'))
    )
    (ours / "kb.toml").write_text(rows, "utf-8")
    assert len({one.home for one in declared(unread_library(ours))}) == 3
