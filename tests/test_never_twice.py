"""One failure all the way: trace, record, fixture, fix, gate, watch, effective; and then again."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli

from conftest import ROOT, Git, git_in
from test_occurrences import again

AGENT = ROOT / "kb/data/example/agent"
ENTRY = ("--entry", "agent:run", "-n", "2")
ROUTE = "billing-agent"


@dataclass(frozen=True)
class Team:
    """A repository with the example agent, and the commands a team types in it."""

    git: Git
    kb: Callable[..., Result]

    @property
    def record(self) -> Path:
        return next(Path("postmortems").glob("2026-04-12-*.md"))

    @property
    def action(self) -> str:
        return f"{self.record.stem}#A1"

    @property
    def fixture(self) -> str:
        return str(self.record.with_suffix("") / "fixture.json")

    def exit_of(self, *words: str) -> tuple[int, str]:
        done = self.kb(*words)
        return done.return_value or 0, done.output

    def commit(self, day: str, message: str) -> None:
        self.git("add", "-A")
        self.git("commit", "--quiet", "-m", message, at=f"{day}T12:00:00Z")

    def ships(self, name: str) -> None:
        """The agent as a team has it: one name, and what it does changes with the commit."""
        Path("agent.py").write_text(f"from billing_agent import {name} as run\n", "utf-8")

    def rewrite(self, *pairs: tuple[str, str]) -> None:
        text = self.record.read_text("utf-8")
        for old, new in pairs:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        self.record.write_text(text, "utf-8")

    def effect(self, day: str) -> tuple[str, str]:
        """State and effect of the action, as of a day."""
        answer = json.loads(self.kb("actions", "--json", "--as-of", day).output)
        (found,) = (one for one in answer["actions"] if one["id"] == self.action)
        return found["state"], found["effect"]

    def measure(self, name: str, day: str) -> Any:
        answer = json.loads(self.kb("metrics", name, "--json", "--as-of", day).output)
        return answer["metrics"][name]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Team:
    folder = tmp_path / "team"
    shutil.copytree(AGENT, folder)
    monkeypatch.chdir(folder)
    (folder / "postmortems").mkdir()
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")

    def kb(*words: str) -> Result:
        return CliRunner().invoke(cli, words, standalone_mode=False)

    return Team(git, kb)


def test_a_fix_is_proved_holds_its_watch_and_fails_when_the_failure_comes_again(
    team: Team, tmp_path: Path
) -> None:
    a_trace_becomes_a_record_and_a_fixture(team)
    the_suite_fails_and_the_gate_is_shut(team)
    the_fix_is_proved(team)
    the_gate_opens_by_the_tick_and_the_replay(team)
    the_watch_ends_and_it_is_effective(team)
    the_same_failure_comes_again(team, again(tmp_path))
    it_is_mended_once_more(team)


def a_trace_becomes_a_record_and_a_fixture(team: Team) -> None:
    team.ships("as_it_ran")
    made = team.kb("new", "--from-run", "trace.json", "--against", "passing.json", "--no-edit")
    assert made.exception is None, made.output
    promise = (
        "- [ ] A1: read the ledger after a timeout, before charging again — owner: billing-agents, "
        f"due: 2026-04-17, lever: prompt, gate: restart, replay: {team.record.stem}, watch: 30d"
    )
    team.rewrite(
        ("\nstatus: draft\n", "\nstatus: published\n"),
        ("\nclasses: []\n", "\nclasses: [duplicate-side-effect]\n"),
        ("\nroute: unknown\n", f"\nroute: {ROUTE}\n"),
        ("\n## Lessons\n", f"\n{promise}\n\n## Lessons\n"),
    )
    known = ("--entry", "billing_agent:mended", "--known", "known.toml", "--save")
    assert team.kb("run", "replay", team.fixture, *known).return_value == 0
    team.commit("2026-04-13", "The incident")
    team.git("tag", "incident")


def the_suite_fails_and_the_gate_is_shut(team: Team) -> None:
    code, told = team.exit_of("run", "replay", "--all", *ENTRY)
    assert (code, "1 replayed: 1 FAIL" in told) == (1, True), told
    code, told = team.exit_of("gate", ROUTE, "--replay", *ENTRY)
    assert (code, "1 restart condition is open" in told) == (1, True), told


def the_fix_is_proved(team: Team) -> None:
    team.ships("mended")
    team.commit("2026-04-16", "Read the ledger after a timeout")
    team.git("tag", "fix")
    code, told = team.exit_of("run", "replay", "--all", *ENTRY)
    assert (code, "1 replayed: 1 PASS" in told) == (0, True), told
    code, told = team.exit_of("run", "replay", team.fixture, *ENTRY, "--prove", "incident", "fix")
    old, new = (team.git("rev-parse", "--short=12", tag) for tag in ("incident", "fix"))
    proved = f"PROVED: fails at {old}, passes at {new}"
    assert (code, proved in told) == (0, True), told
    assert proved in team.record.read_text("utf-8")


def the_gate_opens_by_the_tick_and_the_replay(team: Team) -> None:
    assert team.exit_of("gate", ROUTE, "--replay", *ENTRY)[0] == 1
    assert team.exit_of("actions", "close", team.action, "--on", "2026-04-16")[0] == 0
    code, told = team.exit_of("gate", ROUTE, "--replay", *ENTRY)
    assert (code, f"PASS  {team.action}" in told) == (0, True), told
    team.rewrite(("\n  contained: unknown\n", "\n  restarted: 2026-04-17T09:00:00Z\n"))
    team.commit("2026-04-17", "Proved, closed, restarted")


def the_watch_ends_and_it_is_effective(team: Team) -> None:
    """Done and effective are two numbers."""
    assert team.effect("2026-04-14") == ("open", "unknown")
    assert team.effect("2026-05-16") == ("closed", "unknown")
    assert team.measure("effectiveness", "2026-05-16")["n"] == 0
    assert team.effect("2026-05-17") == ("closed", "effective")
    assert team.measure("effectiveness", "2026-05-17")["value"] == 1.0
    assert team.measure("action_completion", "2026-05-17")["value"] == 1.0
    from_13_april_to_16_may = team.measure("time_to_effective", "2026-05-17")["value"]
    assert from_13_april_to_16_may == 33.0


def the_same_failure_comes_again(team: Team, trace: Path) -> None:
    code, told = team.exit_of("occur", team.record.stem, "--from-run", str(trace))
    assert (code, f"{team.action} failed: came again on 2026-06-20" in told) == (0, True), told
    team.commit("2026-06-20", "It came again")
    assert team.effect("2026-06-19") == ("closed", "effective")
    assert team.effect("2026-06-20") == ("closed", "failed")
    code, told = team.exit_of("gate", ROUTE, "--replay", *ENTRY)
    assert (code, "1 restart condition did not hold" in told) == (1, True), told
    assert team.measure("effectiveness", "2026-06-20")["value"] == 0.0
    assert team.measure("action_completion", "2026-06-20")["value"] == 1.0
    assert team.measure("occurrences", "2026-06-20")["value"] == 1.0


def it_is_mended_once_more(team: Team) -> None:
    """Opened again and closed, it is watched from that day on."""
    assert team.exit_of("actions", "reopen", team.action)[0] == 0
    assert team.exit_of("gate", ROUTE)[0] == 1
    assert team.exit_of("actions", "close", team.action, "--on", "2026-06-24")[0] == 0
    team.commit("2026-06-24", "Mended once more")
    assert team.exit_of("gate", ROUTE, "--replay", *ENTRY)[0] == 0
    assert team.effect("2026-06-30") == ("closed", "unknown")


def test_the_review_of_the_record_in_which_it_comes_again_says_what_did_not_hold(
    team: Team,
) -> None:
    done = "closed: 2026-04-16, watch: 30d"
    head = f"status: published\nkind: incident\nclasses: [duplicate-side-effect]\nroute: {ROUTE}\n"
    first = Path("postmortems/2026-04-12-charged-twice.md")
    first.write_text(
        f"---\ntitle: One\ndate: 2026-04-12\n{head}---\n# One\n\n## Action items\n\n"
        f"- [x] A1: read the *ledger* first — owner: billing, gate: restart, {done}\n",
        "utf-8",
    )
    team.commit("2026-04-17", "The first")
    team.git("checkout", "--quiet", "-b", "second")
    draft = head.replace("published", "draft")
    Path("postmortems/2026-06-20-charged-again.md").write_text(
        f"---\ntitle: Two\ndate: 2026-06-20\n{draft}---\n# Two\n", "utf-8"
    )
    team.commit("2026-06-20", "The second")
    comment = team.kb("review", "--base", "main").output
    assert "❗ **Done, and it came again**" in comment
    assert (
        "- read the \\*ledger\\* first — billing, closed 2026-04-16; came again on 2026-06-20: "
        "2026-06-20-charged-again; holds the gate restart again "
        "<code>2026-04-12-charged-twice#A1</code>"
    ) in comment
    # A draft speaks in its own review alone.
    assert team.exit_of("gate", ROUTE)[0] == 0
