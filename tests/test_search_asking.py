"""What may be asked, and how: filters that name nothing, long input, the casebook from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import kb as kb_package
import pytest
from kb.library import unread_library
from kb.search.answer import CASEBOOK
from kb.search.encoder.vector_store import text_key, vector_store
from kb.search.find_similar import related
from kb.search.index import prune
from kb.search.index.index import build_index, open_index
from kb.search.ranking.cosine_likeness import Question, likeness

from conftest import trust_settings
from search_library import write_record, write_stories

pytestmark = pytest.mark.model

DELETED = "the agent deleted the production database and its backups"


def kb(root: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "kb", "similar", *arguments]
    return subprocess.run(command, cwd=root, input=given, capture_output=True, check=False)


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    return library_folder


@pytest.mark.parametrize(
    ("option", "word", "near"),
    [
        ("--class", "prompt-injectoin", "Did you mean prompt-injection?"),
        ("--kind", "incidnet", "Did you mean incident?"),
        ("--route", "refund", "Did you mean refunds?"),
        ("--class", "zzz", "One of: approval-gap, "),
    ],
)
@pytest.mark.parametrize("more", [(), ("--casebook",), ("--explain", "2025-01-10-refund-twice")])
def test_a_filter_that_names_nothing_is_a_fault_and_no_answer(
    stories: Path, option: str, word: str, near: str, more: tuple[str, ...]
) -> None:
    done = kb(stories, DELETED, option, word, *more)
    assert done.returncode == 2
    assert not done.stdout
    assert near in done.stderr.decode()


@pytest.mark.parametrize("given", [("--class", "model-change"), ("--route", "not-run-before")])
def test_a_class_or_a_route_that_no_record_has_yet_is_a_filter(
    stories: Path, given: tuple[str, str]
) -> None:
    done = kb(stories, DELETED, "--no-casebook", *given)
    assert done.returncode == 0
    assert done.stdout.startswith(b"0 of 6 published records pass the filters.")


def test_more_than_a_mebibyte_on_standard_input_is_refused(stories: Path) -> None:
    done = kb(stories, "-", given=b"word " * 300_000)
    assert done.returncode == 2
    assert b"more than 64 KiB" in done.stderr


def test_python_is_given_the_casebook_as_the_command_is(stories: Path) -> None:
    found = kb_package.open(stories).similar(DELETED)  # it has few records of its own
    assert found.casebook is not None
    assert CASEBOOK in [match.library for match in found.matches]
    (stories / "kb.toml").write_text("[search]\ncasebook = false\n")
    base = kb_package.open(stories)
    assert base.similar(DELETED).casebook is None
    assert base.similar(DELETED, casebook=True).casebook is not None


@pytest.mark.filterwarnings("error")
def test_a_record_without_a_word_is_like_nothing(stories: Path) -> None:
    path = write_record(stories, "2025-08-01-blank", "")
    path.write_text(path.read_text().split("# ", maxsplit=1)[0])
    index = open_index(unread_library(stories))
    empty = Question(index.generation.collection.vectors[:0], index.generation.bag(0))
    assert (likeness(index.generation.collection, empty).best == -1).all()
    assert "2025-08-01-blank" in related(unread_library(stories))


def test_a_build_drops_vectors_that_nothing_has_used_for_long(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = build_index(unread_library(stories))
    store = vector_store(unread_library(stories), index.encoder)
    before, passages = len(store), index.generation.manifest.n_passages
    old = [text_key(f"old {number}") for number in range(100)]
    store.append(old, index.generation.collection.vectors[[0] * 100])
    build_index(unread_library(stories))
    assert len(store) == before + 100
    monkeypatch.setattr(prune, "SPARE", 10)
    build_index(unread_library(stories))
    assert len(store) == before + passages + 10
    assert set(store.find(old)) == set(old[-passages - 10 :])


def test_a_store_that_clones_share_is_left_alone(
    stories: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "SPARE", 0)
    shared = tmp_path_factory.mktemp("shared")
    (stories / "kb.toml").write_text(f'[search]\nvectors = "{shared}"\n')
    trust_settings(stories)
    index = build_index(unread_library(stories))
    store = vector_store(unread_library(stories), index.encoder)
    store.append(
        [text_key(str(number)) for number in range(100)],
        index.generation.collection.vectors[[0] * 100],
    )
    size = len(store)
    build_index(unread_library(stories))
    assert len(store) == size


def test_a_library_keeps_its_index_out_of_git(stories: Path) -> None:
    open_index(unread_library(stories))
    assert (stories / ".kb/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("2025-01-10-refund-twise", "Did you mean '2025-01-10-refund-twice'?"),
        ("drafts/no-such-draft", "no such file"),
        ("trace.jsonl", "no such file"),
        ("postmortems/my new.md", "no such file"),
        ("postmortems", "this is a folder"),
        ("blob.md", "holds no text"),
    ],
)
def test_what_names_a_record_or_a_file_that_is_not_there_is_no_question(
    stories: Path, query: str, said: str
) -> None:
    (stories / "blob.md").write_bytes(b"\x7fELF\0\0\0")
    done = kb(stories, query)
    assert done.returncode == 2
    assert said in done.stderr.decode()


@pytest.mark.parametrize("query", ["the agent read README.md and/or CI/CD", "Node.js refund twice"])
def test_words_with_a_slash_or_a_dot_are_still_a_text(stories: Path, query: str) -> None:
    assert kb(stories, query).returncode == 0


def test_the_id_of_a_record_may_be_written_in_any_case(stories: Path) -> None:
    open_index(unread_library(stories))
    done = kb(stories, "2025-06-15-Citations-Made-UP")
    assert done.returncode == 0
    assert done.stdout == kb(stories, "2025-06-15-citations-made-up").stdout


def test_a_draft_outside_any_library_asks_the_current_one(stories: Path, tmp_path: Path) -> None:
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    draft = outside / "draft.md"
    draft.write_text("# Refund paid twice\n\nThe refund tool was called again, paid twice.\n")
    done = kb(stories, str(draft))
    assert done.returncode == 0, done.stderr.decode()
    assert b"2025-01-10-refund-twice" in done.stdout
