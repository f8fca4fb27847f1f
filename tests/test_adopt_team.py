"""A team with forty postmortems and three records of its own, in one repository with a history."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from kb.actions.gate_decision import decide_gate
from kb.adopt.input_files import find_files
from kb.as_of import AsOf
from kb.cli import cli
from kb.commands.adopt import command as adopt_command
from kb.library import open_library
from kb.lint.parallel_check import check_library
from kb.metrics.coverage import reading_list
from kb.metrics.inputs import MetricsInput
from kb.metrics.repeats import repeat_rate
from kb.search.find_similar import similar

from conftest import EXAMPLE

TODAY = date(2026, 11, 30)
AS_OF = AsOf(datetime(2026, 11, 30, tzinfo=UTC), "", False)
THEIRS = {
    "mkdocs.yml": "site_name: Handbook\n",
    ".pre-commit-config.yaml": "repos:\n  - repo: https://example.org/hooks\n    rev: v1\n",
    "CODEOWNERS": "* @everyone\n",
    ".gitignore": "node_modules/\n",
    "docs/index.md": "# Handbook\n",
}
PARTS = ("queue", "cache", "ledger", "mailer", "gateway", "search", "login", "backup")
FAULTS = ("ran full after a deploy", "lost its leader", "served stale rows", "ran out of disk")
OLD = """# {title}

**Date:** {day}
**Severity:** {severity}

{first} Orders waited for {minutes} minutes.

## Timeline

- 10:15 UTC: an alert fired
- 10:40 UTC: the change was taken back

## Action items

| Action | Owner |
|---|---|
| watch the {part} | platform |
"""


def git(root: Path, *arguments: str, day: str = "2026-11-01") -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    stamp = f"{day}T12:00:00+00:00"
    done = subprocess.run(
        ["git", *who, *arguments],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp},
    )
    return done.stdout


def commit(root: Path, message: str, day: str = "2026-11-01") -> None:
    git(root, "add", "-A")
    git(root, "commit", "-qm", message, day=day)


def sentence(number: int) -> str:
    part, fault = PARTS[number % len(PARTS)], FAULTS[number % len(FAULTS)]
    return f"The {part} of shop {number} {fault} while an import was running."


def write_old(root: Path, number: int) -> None:
    """One of the forty: dated in the American way, by a word of the team's own scale, or bare."""
    month, day = number % 12 + 1, number % 28 + 1
    written = f"{day} {datetime(2021, month, 1, tzinfo=UTC):%B} 2021" if number % 5 else ""
    text = OLD.format(
        title=f"Shop {number}: {PARTS[number % len(PARTS)]} {FAULTS[number % len(FAULTS)]}",
        day=written,
        severity="SEV-2" if number % 2 else "P1",
        first=sentence(number),
        minutes=number,
        part=PARTS[number % len(PARTS)],
    )
    (root / "docs" / "postmortems" / f"PM {number:02}.md").write_text(text)


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Forty postmortems, a commit each, beside a handbook; then `kb init` and three records."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "docs" / "postmortems").mkdir(parents=True)
    for name, text in THEIRS.items():
        (tmp_path / name).write_text(text)
    commit(tmp_path, "handbook", "2020-01-01")
    for number in range(40):
        write_old(tmp_path, number)
        commit(tmp_path, f"PM {number}", f"2022-{number % 12 + 1:02}-{number % 28 + 1:02}")
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["init", "--host", "none"]).exit_code == 0
    records = tmp_path / "postmortems"
    own = EXAMPLE.read_text().replace("origin: example", "origin: own")
    (records / EXAMPLE.name).write_text(own)
    shutil.copytree(EXAMPLE.with_suffix(""), records / EXAMPLE.stem)
    for title in ("Agent mailed the wrong customer", "Agent closed an open ticket"):
        arguments = ["new", title, "--date", "2026-11-20"]
        assert CliRunner().invoke(cli, arguments).exit_code == 0
    commit(tmp_path, "kb")
    return tmp_path


def adopt(*arguments: str) -> str:
    return CliRunner().invoke(adopt_command, [*arguments], catch_exceptions=False).output


def test_init_changed_nothing_of_theirs(team: Path) -> None:
    changed = git(team, "diff", "--name-status", "HEAD~1", "HEAD").splitlines()
    assert {line.split("\t")[0] for line in changed} == {"A"}
    assert {name: (team / name).read_text() for name in THEIRS} == THEIRS


def test_forty_and_three_are_checked_gated_and_measured_each_as_what_it_is(team: Path) -> None:
    said = adopt("docs/postmortems", "--severity", "P1=SEV1")
    assert "40 files: 40 adopted, 0 kept, 0 refused" in said
    assert "the date of 8 only stands in, marked ?" in said
    commit(team, "adopt")
    library = open_library(team)
    assert sum(record.is_adopted for record in library.records) == 40
    assert len(library.records) == 43
    assert {record.severity for record in library.records if record.is_adopted} == {"SEV1", "SEV2"}
    assert check_library(team, today=TODAY).errors == 0
    asked = decide_gate(library, "billing-agent", "restart", AS_OF)
    assert (asked.verdict, asked.unreadable) == ("clear", ())
    facts = MetricsInput(library.records, AS_OF)
    assert reading_list(facts).n + reading_list(facts).unknown == 1
    told = " ".join(CliRunner().invoke(cli, ["metrics"]).output.split())
    assert "40 records adopted as they stood: a measure counts one where it says what" in told
    assert "The one incident looked at repeats no earlier one." in told
    assert repeat_rate(facts).n + repeat_rate(facts).unknown <= 1


def test_one_revert_undoes_it_and_what_was_stopped_goes_on(team: Path) -> None:
    before = git(team, "ls-tree", "-r", "HEAD")
    old = sorted((team / "docs/postmortems").iterdir())
    adopt(*map(str, old[:17]))
    assert "23 adopted, 17 kept, 0 refused" in adopt("docs/postmortems")
    assert len(list((team / "postmortems").glob("20*.md"))) == 43
    commit(team, "adopt")
    git(team, "revert", "--no-edit", "HEAD")
    assert git(team, "ls-tree", "-r", "HEAD") == before
    assert len(find_files([team / "docs"], team).files) == 41


def test_a_pull_request_that_adopts_is_reviewed_without_a_fault(team: Path) -> None:
    git(team, "switch", "-qc", "adopt")
    adopt("docs/postmortems")
    commit(team, "adopt")
    done = CliRunner().invoke(cli, ["review", "--base", "main"], catch_exceptions=False)
    assert done.exit_code == 0, done.output[:2000]


@pytest.mark.model
def test_search_finds_forty_by_their_first_sentence_and_a_record_of_the_form(team: Path) -> None:
    adopt("docs/postmortems")
    library = open_library(team)
    aliases = {record.id: record.aliases for record in library.records}
    for number in range(40):
        first = similar(library, sentence(number), limit=3).matches
        wanted = (f"docs/postmortems/PM {number:02}.md",)
        assert wanted in [aliases[match.id] for match in first], number
    found = similar(library, "the billing agent charged a customer twice after a timeout").matches
    assert found[0].id == EXAMPLE.stem
