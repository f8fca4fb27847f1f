"""A fixture is proved where it fails on the code of the incident and passes on the fix."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli
from kb.errors import KbError
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.traces.replay.prove import with_proved

from conftest import ROOT, Git, git_in

AGENT = ROOT / "kb/data/example/agent"
Kb = Callable[..., Result]
#: The agent as a team has it: one name, and what it does changes with the commit.
ENTRY = "agent:run"


@pytest.fixture
def git(tmp_path: Path) -> Git:
    return git_in(tmp_path / "team")


@pytest.fixture
def kb(tmp_path: Path, git: Git, monkeypatch: pytest.MonkeyPatch) -> Kb:
    """`kb` in a repository whose agent fails at the tag `incident` and is mended at `fix`."""
    folder = tmp_path / "team"
    shutil.copytree(AGENT, folder)
    monkeypatch.chdir(folder)
    Path("postmortems").mkdir()
    git("init", "--quiet", "--initial-branch=main")

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, words, standalone_mode=False)

    run("new", "--from-run", "trace.json", "--against", "passing.json", "--no-edit")
    path = str(fixture())
    run("run", "replay", path, "--entry", "billing_agent:mended", "--known", "known.toml", "--save")
    for tag, name in (("incident", "as_it_ran"), ("fix", "mended")):
        Path("agent.py").write_text(f"from billing_agent import {name} as run\n", encoding="utf-8")
        git("add", "-A")
        git("commit", "--quiet", "-m", tag)
        git("tag", tag)
    return run


def fixture() -> Path:
    return next(Path("postmortems").glob("*/fixture.json"))


def record() -> Path:
    return next(Path("postmortems").glob("*.md"))


def proved(kb: Kb, old: str, new: str, *more: str) -> Result:
    words = ("--entry", ENTRY, "-n", "2", "--prove", old, new, *more)
    return kb("run", "replay", str(fixture()), *words)


def test_a_fixture_that_fails_before_and_passes_after_is_proved(kb: Kb, git: Git) -> None:
    old, new = (git("rev-parse", "--short=12", tag) for tag in ("incident", "fix"))
    before = record().read_text("utf-8").splitlines()
    done = proved(kb, "incident", "fix")
    assert done.return_value == 0, done.output
    assert f"FAIL           0/2  {old}" in done.output
    assert f"PASS           2/2  {new}" in done.output
    line = f"PROVED: fails at {old}, passes at {new}"
    assert line in done.output
    after = record().read_text("utf-8").splitlines()
    assert [each for each in after if each not in before] == [line]
    assert len(after) == len(before) + 1
    assert git("status", "--porcelain") == f"M {record()}"


def test_it_is_written_once(kb: Kb) -> None:
    for _ in range(2):
        assert proved(kb, "incident", "fix").return_value == 0
    assert record().read_text("utf-8").count("PROVED:") == 1


def test_a_fixture_that_never_failed_proves_nothing(kb: Kb) -> None:
    before = record().read_bytes()
    done = proved(kb, "fix", "fix")
    assert done.return_value == 1
    assert "it never failed" in done.output
    assert "proves nothing" in done.output
    assert record().read_bytes() == before


def test_what_still_fails_is_not_proved(kb: Kb) -> None:
    done = proved(kb, "incident", "incident", "--json")
    answer = json.loads(done.output)
    assert done.return_value == 1
    assert answer["schema"] == "kb.run-replay-proof/1"
    assert (answer["proved"], answer["new"]["verdict"]) == (False, "FAIL")
    assert "still fails" in answer["reason"]


def test_each_side_has_its_interpreter(kb: Kb, tmp_path: Path) -> None:
    done = proved(kb, "incident", "fix", "--python", sys.executable, "--python", sys.executable)
    assert done.return_value == 0, done.output
    missing = proved(kb, "incident", "fix", "--python", str(tmp_path / "none"))
    assert isinstance(missing.exception, KbError)
    assert "did not start" in missing.exception.what


def test_no_filter_of_the_repository_runs(kb: Kb, git: Git, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    git("config", "filter.evil.smudge", f"touch {ran}; cat")
    git("config", "filter.evil.clean", "cat")
    Path(".gitattributes").write_text("*.py filter=evil\n", encoding="utf-8")
    git("add", "-A")
    git("commit", "--quiet", "-m", "attributes")
    ran.unlink(missing_ok=True)
    assert proved(kb, "incident", "HEAD").return_value == 0
    assert not ran.exists()


def test_the_suite_says_what_was_never_shown_to_fail(kb: Kb) -> None:
    text = record().read_text("utf-8").replace("status: draft", "status: published")
    record().write_text(text, encoding="utf-8")
    words = ("run", "replay", "--all", "--entry", ENTRY, "-n", "1")
    assert f"may prove nothing (--prove OLD NEW): {record().stem}" in kb(*words).output
    assert proved(kb, "incident", "fix").return_value == 0
    assert "may prove nothing" not in kb(*words).output
    answer = json.loads(kb(*words, "--json").output)
    assert answer["cases"][0]["proved"].startswith("fails at ")


def document(body: str) -> Document:
    text = f"---\ntitle: x\ndate: 2026-01-03\n---\n# x\n\n## Replay fixture\n\n{body}"
    return read_document(text.encode(), Path("2026-01-03-x.md"), build_form())


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("```evidence\nFIXTURE: a\nREPLAYABLE: yes\n```\n", "PROVED: fails"),
        ("FIXTURE: a\n\n## Lessons\n\nx\n", "PROVED: fails"),
        ("- FIXTURE: a\n- REPLAYABLE: yes\n", "- PROVED: fails"),
        ("> FIXTURE: a\n", "> PROVED: fails"),
        ("```evidence\nFIXTURE: a\nPROVED: fails at 1, passes at 2\nMISSING: b\n```\n",
         "PROVED: fails"),
        ("```evidence\nFIXTURE: a\nPROVED:\nMISSING:\n```\n", "PROVED: fails"),
        ("```evidence\r\nFIXTURE: a\r\n```\r\n", "PROVED: fails\r"),
    ],
)  # fmt: skip
def test_the_line_is_written_as_its_neighbours_are(body: str, line: str) -> None:
    before = document(body)
    text = with_proved(before, "fails")
    assert line in text.split("\n")
    assert read_document(text.encode(), before.path, before.form).field("replay", "PROVED") == (
        "fails"
    )


@pytest.mark.parametrize("body", ["Nobody knows.\n", "", "| FIXTURE | a |\n|---|---|\n"])
def test_a_section_that_cannot_be_added_to_is_left_alone(body: str) -> None:
    with pytest.raises(KbError, match="nothing was written"):
        with_proved(document(body), "fails")
