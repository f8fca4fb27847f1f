"""The three commands as they are typed: build, similar --write, eval."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT
from search_library import write_record, write_stories

pytestmark = pytest.mark.model

REFUND = "a retried refund call paid customers twice"


def kb(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kb", *arguments]
    environment = os.environ | variables
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    return library_folder


def test_a_build_says_what_it_did_and_is_silent_in_a_pipe(stories: Path) -> None:
    first, second = kb(stories, "build"), kb(stories, "build")
    assert first.stdout.startswith("6 records, 18 passages; 6 files read")
    assert "nothing had changed" in second.stdout
    assert first.stderr == second.stderr == ""


def test_a_build_answers_in_json(stories: Path) -> None:
    answer = json.loads(kb(stories, "build", "--json").stdout)
    assert answer["schema"] == "kb.build/1"
    assert (answer["records"], answer["passages"]) == (6, 18)


def test_a_draft_gets_proposals_and_keeps_its_verdicts(stories: Path) -> None:
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    before = draft.read_text()
    done = kb(stories, "similar", str(draft), "--write")
    text = draft.read_text()
    assert done.returncode == 0
    assert "- [ ] [2025-01-10-refund-twice](2025-01-10-refund-twice.md)" in text
    draft.write_text(text.replace("- [ ] [2025-01-10", "- [repeat] [2025-01-10"))
    kb(stories, "similar", str(draft), "--write")
    assert "- [repeat] [2025-01-10-refund-twice]" in draft.read_text()
    written = [line for line in before.splitlines() if line]
    kept = [line for line in draft.read_text().splitlines() if line in written]
    assert kept == written


def test_proposals_need_a_file_to_go_into(stories: Path) -> None:
    done = kb(stories, "similar", REFUND, "--write")
    assert done.returncode == 2
    assert "needs the file of a draft" in done.stderr


def test_a_library_and_a_file_can_be_measured(stories: Path, tmp_path: Path) -> None:
    assert "6 of 6 records have a right answer" in kb(stories, "eval").stdout
    lines = [{"id": str(n), "title": f"t{n}", "text": "x", "labels": ["l"]} for n in range(3)]
    file = tmp_path / "some.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    answer = json.loads(kb(tmp_path, "eval", str(file), "--json", "--masked").stdout)
    assert (answer["schema"], answer["queries"]) == ("kb.eval/1", 3)


def test_a_folder_that_cannot_be_written_is_a_fault_with_a_way_out(stories: Path) -> None:
    (stories / ".kb").write_text("a file where a folder should be")
    done = kb(stories, "build")
    assert done.returncode == 2
    assert ".kb" in done.stderr
    assert "→" in done.stderr
    done = kb(stories, "similar", REFUND)
    assert done.returncode == 0
    assert "made for this question alone" in " ".join(done.stdout.split())


def test_the_records_of_this_repository_find_each_other() -> None:
    done = kb(ROOT, "similar", "2025-04-14-cursor-invented-device-policy", "--json")
    assert done.returncode == 0, done.stderr
    found = [match["id"] for match in json.loads(done.stdout)["matches"]]
    assert "2022-11-11-air-canada-bereavement-refund" in found
