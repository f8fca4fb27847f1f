"""Class, cause and control of adopted records: proposed, and written where a person confirms."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from kb.adopt.checklist import ConfirmedWords, read_checklist, write_confirmed
from kb.adopt.classify import fit_key_posterior, missing_keys, propose
from kb.commands.adopt import command
from kb.errors import KbError
from kb.library import open_library

OLD = """---
title: "{title}"
date: {day}
status: published
form: adopted
{more}---

# {title}

{text}
"""
INJECTED = (
    "A comment in an issue held hidden instructions. The coding agent followed the injected "
    "instructions and copied an access token into a pull request."
)
PAID_TWICE = (
    "The refund tool timed out and the agent called it again without an idempotency key, so "
    "customers got their money back twice."
)


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two adopted records without a class, and one that has all three words."""
    folder = tmp_path / "postmortems"
    folder.mkdir()
    (tmp_path / "kb.toml").write_text("")
    stories = (
        ("2024-03-01-injected", "Comment made the agent publish a token", INJECTED, "causes: []\n"),
        ("2024-03-02-twice", "Refunds were paid twice", PAID_TWICE, ""),
        (
            "2024-03-03-told",
            "Another",
            "It fell over.",
            "classes: [tool-failure]\ncauses: [tool-failure]\nmissing_control: idempotency-key\n",
        ),
    )
    for name, title, text, more in stories:
        record = OLD.format(title=title, day=name[:10], text=text, more=more)
        (folder / f"{name}.md").write_text(record)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def adopt(*arguments: str) -> str:
    return CliRunner().invoke(command, ["--classify", *arguments], catch_exceptions=False).output


def test_what_is_ticked_is_written_and_nothing_else(team: Path) -> None:
    before = {path.name: path.read_text() for path in (team / "postmortems").iterdir()}
    (team / "list.md").write_text(
        "# Some words of the team\n\n## 2024-03-01-injected\n\n"
        "- [x] class: prompt-injection (90%)\n"
        "- [X] cause: excess-scope\n- [ ] control: input-isolation (70%)\n\n"
        "## 2024-03-03-told\n\n- [x] class: prompt-injection\n\n## 2024-03-02-twice\n"
    )
    assert "1 record classified as ticked" in adopt("--checklist", "list.md")
    after = {path.name: path.read_text() for path in (team / "postmortems").iterdir()}
    changed = after.pop("2024-03-01-injected.md")
    old = before.pop("2024-03-01-injected.md")
    assert after == before
    assert changed == old.replace(
        "form: adopted\ncauses: []\n",
        "form: adopted\nclasses: [prompt-injection]  # proposed, and confirmed\n"
        "causes: [excess-scope]  # proposed, and confirmed\n",
    )
    record = open_library(team).record("2024-03-01-injected")
    assert record is not None
    assert (record.classes, record.causes) == (("prompt-injection",), ("excess-scope",))
    assert "0 records classified" in adopt("--checklist", "list.md")


@pytest.mark.parametrize(
    ("line", "what", "todo"),
    [
        (
            "- [x] class: prompt-injectoin",
            "class 'prompt-injectoin' is no word of the form",
            "Did you mean prompt-injection?",
        ),
        ("- [x] cause:", "cause is ticked and has no word", "Write a word of the form"),
        ("- [x] colour: red", "'colour' is none of class, cause, control", ""),
        ("## 2024-03-09-gone", "no adopted record has this id", "Remove its part."),
    ],
)
def test_a_slip_in_the_list_is_told_with_its_line(
    team: Path, line: str, what: str, todo: str
) -> None:
    text = f"## 2024-03-01-injected\n{line}\n"
    with pytest.raises(KbError) as fault:
        read_checklist(text, open_library(team), "list.md")
    assert (fault.value.what, fault.value.where) == (what, "list.md:2")
    assert fault.value.todo.startswith(todo)


def test_a_record_that_is_adopted_by_its_file_name_gets_front_matter(team: Path) -> None:
    (team / "kb.toml").write_text('[library]\nadopted = ["postmortems/2020-*"]\n')
    path = team / "postmortems" / "2020-01-01-bare.md"
    path.write_text("# Bare\n\nIt fell over.\n")
    library = open_library(team)
    document = next(d for d in library.documents if d.id == "2020-01-01-bare")
    assert write_confirmed(library, [ConfirmedWords(document, {"classes": "tool-failure"})]) == 1
    record = open_library(team).record("2020-01-01-bare")
    assert record is not None
    assert (record.classes, record.title, record.is_adopted) == (("tool-failure",), "Bare", True)
    assert path.read_text().endswith("---\n\n# Bare\n\nIt fell over.\n")


@pytest.mark.model
def test_words_are_proposed_for_what_a_record_lacks_each_with_a_probability(team: Path) -> None:
    found = {record.document.id: record.words for record in propose(open_library(team))}
    assert sorted(found) == ["2024-03-01-injected", "2024-03-02-twice"]
    injected = {proposal.key: proposal for proposal in found["2024-03-01-injected"]}
    assert injected["classes"].word == "prompt-injection"
    assert all(0 < proposal.probability < 1 for proposal in injected.values())
    assert injected["classes"].probability > 0.5


@pytest.mark.model
def test_without_a_terminal_a_list_is_written_that_a_second_call_reads(team: Path) -> None:
    assert "2 records to classify: classify.md" in adopt()
    text = (team / "classify.md").read_text()
    assert "- [ ] class: prompt-injection (" in text
    text = re.sub(r": *$", ": governance-design", text, flags=re.M)
    (team / "classify.md").write_text(text.replace("- [ ]", "- [x]"))
    assert "2 records classified as ticked" in adopt("--checklist", "classify.md")
    assert not [d for d in open_library(team).documents if d.is_adopted and missing_keys(d)]
    assert "Nothing to classify" in adopt()


@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_on_a_terminal_yes_no_and_another_word_are_answers(team: Path) -> None:
    master, slave = pty.openpty()
    kb = [sys.executable, "-m", "kb", "adopt", "--classify"]
    with subprocess.Popen(kb, cwd=team, stdin=slave, stdout=slave, stderr=slave) as run:
        os.close(slave)
        os.write(master, b"y\nn\nbudget-limt\nbudget-limit\nq\n")
        said = b""
        while run.poll() is None or not said.endswith(b"one commit.\r\n"):
            try:
                said += os.read(master, 65536)
            except OSError:  # the other end was closed
                break
        run.wait()
    os.close(master)
    assert b"Did you mean budget-limit?" in said
    assert b"1 record classified" in said
    told = [record for record in open_library(team).records if record.missing_control]
    first = next(record for record in told if record.id != "2024-03-03-told")
    assert first.missing_control == "budget-limit"
    assert first.classes
    assert not first.causes


def test_no_word_is_proposed_that_is_no_likelier_than_the_most_frequent_one() -> None:
    draw = np.random.default_rng(7)
    means = draw.normal(size=(40, 8)).astype(np.float32)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    meanings = np.zeros((2, 8), np.float32)
    told = [("usual",) if one[0] > -0.2 else ("rare",) for one in means]
    noise = [("usual",)] * 30 + [("rare",)] * 10
    learnt = fit_key_posterior("causes", means, told, ("rare", "usual"), meanings)
    guessed = fit_key_posterior("causes", means, noise, ("rare", "usual"), meanings)
    assert any(learnt.propose(one).word for one in means)
    words = [guessed.propose(one) for one in means]
    assert {one.probability for one in words if not one.word} == {0.0}
    assert all(one.probability > guessed.base_rate == 0.75 for one in words if one.word)
    assert sum(not one.word for one in words) > len(words) / 2
