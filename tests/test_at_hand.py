"""Small things at the terminal: listing, opening and completing records, and the draft at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Git
from search_library import write_record, write_stories


def kb(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kb", *arguments],
        cwd=root,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    return library_folder


def listed(root: Path, *arguments: str) -> list[str]:
    return [r["id"] for r in json.loads(kb(root, "list", *arguments, "--json").stdout)["records"]]


def test_records_are_listed_newest_first_and_narrowed(stories: Path) -> None:
    every = listed(stories)
    assert every == sorted(every, reverse=True)
    assert len(every) == 6
    twice = listed(stories, "refund", "twice")
    assert twice == ["2025-01-10-refund-twice"]
    of_class = listed(stories, "--class", "Duplicate-Side-Effect")
    assert "2025-01-10-refund-twice" in of_class
    assert len(of_class) == 2
    assert listed(stories, "--since", every[0][:10]) == [every[0]]


def test_a_draft_is_marked_in_the_list(stories: Path) -> None:
    write_record(stories, "2025-07-20-draft", "Again", status="draft")
    assert "2025-07-20-draft [draft]\n      Again\n" in kb(stories, "list").stdout


def test_a_word_that_nothing_has_is_no_empty_list(stories: Path) -> None:
    done = kb(stories, "list", "--class", "duplicate-side-efect")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'duplicate-side-effect'?" in done.stderr


def test_a_part_of_an_id_opens_its_record(stories: Path) -> None:
    done = kb(stories, "open", "refund-twice")
    assert Path(done.stdout.strip()) == stories / "postmortems/2025-01-10-refund-twice.md"


@pytest.mark.parametrize(("given", "said"), [("2025", "records have"), ("zzz", "kb list")])
def test_an_id_of_several_or_none_is_refused(stories: Path, given: str, said: str) -> None:
    done = kb(stories, "open", given)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_asks_kb(stories: Path, shell: str) -> None:
    done = kb(stories, "completion", shell)
    assert done.returncode == 0
    assert f"{shell}_complete" in done.stdout


COMPLETED = [
    ("kb open 2025-01-10", "2025-01-10-refund-twice"),
    ("kb open refund-tw", "2025-01-10-refund-twice"),
    ("kb similar 2025-01-10", "2025-01-10-refund-twice"),
    ("kb list --class dup", "duplicate-side-effect"),
    ("kb gate ref", "refunds"),
    ("kb actions --owner te", "team"),
    ("kb actions --lever kill", "kill-switch"),
]


@pytest.mark.parametrize(("line", "wanted"), COMPLETED)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_ids_and_words_are_completed(stories: Path, line: str, wanted: str, shell: str) -> None:
    words = line.split()
    given = {"COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    if shell == "fish":  # it hands over the word, not its number
        given = {"COMP_WORDS": line, "COMP_CWORD": words[-1]}
    done = kb(stories, **given, _KB_COMPLETE=f"{shell}_complete")
    assert wanted in done.stdout
    assert done.stderr == ""


def test_a_tab_in_a_folder_without_a_library_says_nothing(tmp_path: Path) -> None:
    done = kb(tmp_path, COMP_WORDS="kb open 2", COMP_CWORD="2", _KB_COMPLETE="bash_complete")
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.model
def test_similar_alone_asks_with_the_draft_that_differs_from_the_last_commit(
    stories: Path, git: Git
) -> None:
    write_record(stories, "2025-07-19-older", "Something else", status="draft")
    git("add", "--all")
    git("commit", "--quiet", "--message", "all")
    summary = "a retried refund call paid customers twice"
    write_record(stories, "2025-07-20-draft", "Again", status="draft", summary=summary)
    done = kb(stories, "similar")
    assert done.returncode == 0
    assert "kb similar postmortems/2025-07-20-draft.md" in done.stderr
    assert "2025-01-10-refund-twice" in done.stdout


@pytest.mark.model
def test_similar_alone_does_not_choose_between_drafts(stories: Path) -> None:
    assert "there is no draft" in kb(stories, "similar").stderr
    for name in ("2025-07-20-one", "2025-07-21-two"):
        write_record(stories, name, "Again", status="draft")
    done = kb(stories, "similar")
    assert done.returncode == 2
    assert "there are 2 drafts" in done.stderr
    assert "2025-07-21-two.md" in done.stderr
