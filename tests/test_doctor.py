"""`kb doctor` tells every part and its state, and nothing of what a library holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli
from kb.installation_report import EXTRAS, DoctorFact, examine, is_broken

from conftest import EXAMPLE, git_in

CANARY = "quornwind"


def doctor(folder: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(cli, ["doctor", *arguments], standalone_mode=False)


def fact(facts: tuple[DoctorFact, ...], name: str) -> DoctorFact:
    return next(fact for fact in facts if fact.name == name)


def test_every_extra_the_project_offers_is_told(example_library: Path) -> None:
    told = {fact.name for fact in examine(example_library) if fact.part == "extras"}
    assert told == set(EXTRAS)


def test_a_whole_library_is_counted_and_nothing_is_broken(example_library: Path) -> None:
    facts = examine(example_library)
    assert fact(facts, "records").value == "1 published, 0 drafts or in review, 0 with parts unread"
    assert not is_broken(facts)


def test_an_unreadable_record_is_broken_and_kb_check_is_named(
    example_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (example_library / "postmortems/2026-01-01-torn.md").write_text("---\ntitle: [\n---\n")
    result = doctor(example_library, monkeypatch)
    assert result.return_value == 1
    assert "1 with parts unread" in result.output
    assert "kb check" in result.output


def test_outside_a_library_the_rest_is_still_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = doctor(tmp_path, monkeypatch)
    assert result.return_value == 0
    assert "Extras" in result.output
    assert "kb init" in result.output


def test_the_report_holds_no_name_path_or_text_of_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / f"{CANARY}-repository"
    records = root / f"{CANARY}-records"
    records.mkdir(parents=True)
    text = EXAMPLE.read_text("utf-8").replace("northwind", CANARY).replace("billing", CANARY)
    (records / f"2026-04-12-{CANARY}.md").write_text(text, encoding="utf-8")
    (root / "kb.toml").write_text(
        f'[library]\nname = "{CANARY}"\npath = "{CANARY}-records"\n'
        f'[check]\npeople = ["{CANARY}"]\n[search]\nlimit = 7\n[runs]\nreplay = "{CANARY}:go"\n',
        encoding="utf-8",
    )
    git = git_in(root)
    git("init", "-q", "-b", CANARY)
    git("add", ".")
    git("commit", "-qm", CANARY)
    git("remote", "add", "origin", f"https://example.com/{CANARY}.git")
    for arguments in ((), ("--json",)):
        output = doctor(root, monkeypatch, *arguments).output
        assert CANARY not in output
        assert str(tmp_path) not in output
    facts = examine(root)
    assert fact(facts, "search.limit").value == "7 (kb.toml)"
    assert fact(facts, "runs.replay").value == "set (kb.toml)"
    assert fact(facts, "check.people").value == "1 set (kb.toml)"
    assert fact(facts, "remote").value == "set"


def test_a_shallow_clone_is_told_with_the_way_out(example_library: Path, tmp_path: Path) -> None:
    git = git_in(example_library)
    git("init", "-q")
    for message in ("one", "two"):
        git("add", ".")
        git("commit", "-q", "--allow-empty", "-m", message)
    clone = tmp_path / "clone"
    git("clone", "-q", "--depth", "1", f"file://{example_library}", str(clone))
    assert "unshallow" in fact(examine(clone), "history").mend


def test_the_json_answer_follows_the_contract(
    example_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.loads(doctor(example_library, monkeypatch, "--json").output)
    assert answer["schema"] == "kb.doctor/1"
    assert {"part", "name", "state", "value", "mend"} == set(answer["facts"][0])


def test_no_line_is_wider_than_eighty_columns(
    example_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = doctor(example_library, monkeypatch).output.splitlines()
    assert max(map(len, lines)) <= 80
