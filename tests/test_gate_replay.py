"""A gate whose condition names a record opens only when the run of that record passes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli

from conftest import ROOT, git_in

AGENT = ROOT / "kb/data/example/agent"
RAN, MENDED = "billing_agent:as_it_ran", "billing_agent:mended"
Gate = Callable[..., Result]


@pytest.fixture
def gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """`kb gate` of a route whose only condition is ticked, and asks for the replay of a record."""
    folder = tmp_path / "agent"
    shutil.copytree(AGENT, folder)
    monkeypatch.chdir(folder)
    Path("postmortems").mkdir()
    run = CliRunner().invoke
    run(cli, ["new", "--from-run", "trace.json", "--against", "passing.json", "--no-edit"])
    record = next(Path("postmortems").glob("*.md"))
    fixture = record.with_suffix("") / "fixture.json"
    known = ["run", "replay", str(fixture), "--entry", MENDED, "--known", "known.toml", "--save"]
    run(cli, known, standalone_mode=False)
    promise(record.stem)
    git_in(folder)("init", "--quiet", "--initial-branch=main")

    def ask(*words: str) -> Result:
        return run(cli, ["gate", "billing", *words], standalone_mode=False)

    return ask


def promise(replay: str, mark: str = "x") -> None:
    """The record that holds the gate."""
    Path("postmortems/2026-05-01-billing-again.md").write_text(
        "---\ntitle: x\ndate: 2026-05-01\nstatus: published\nroute: billing\n---\n# x\n\n"
        f"## Action items\n\n- [{mark}] A1: add a key — owner: billing, lever: code, "
        f"gate: restart, replay: {replay}, closed: 2026-05-02\n",
        encoding="utf-8",
    )


def test_the_tick_alone_opens_no_gate_that_asks_for_a_replay(gate: Gate) -> None:
    done = gate()
    assert done.return_value == 2
    assert "NOT REPLAYED  billing: 1 condition asks for a replay" in done.output
    assert "Not replayed: 2026-05-01-billing-again#A1" in done.output


def test_the_gate_opens_on_the_fix_and_not_on_the_agent_of_the_incident(gate: Gate) -> None:
    shut = gate("--replay", "--entry", RAN, "-n", "2")
    assert shut.return_value == 1
    assert "BLOCKED  billing: 1 replay did not pass" in shut.output
    assert "FAIL  2026-05-01-billing-again#A1" in shut.output
    passed = gate("--replay", "--entry", MENDED, "-n", "2")
    assert passed.return_value == 0, passed.output
    assert "PASS  2026-05-01-billing-again#A1" in passed.output


def test_a_replay_does_not_stand_in_for_the_tick(gate: Gate) -> None:
    record = next(Path("postmortems").glob("2026-04-12*.md"))
    promise(record.stem, mark=" ")
    done = gate("--replay", "--entry", MENDED, "-n", "1")
    assert done.return_value == 1
    assert "1 restart condition is open" in done.output


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("2026-01-01-nobody", "is no record of this library"),
        ("2026-05-01-billing-again", "has no fixture to replay"),
    ],
)
def test_a_run_that_is_not_there_holds_the_gate(gate: Gate, name: str, why: str) -> None:
    promise(name)
    done = gate("--replay", "--entry", MENDED, "-n", "1", "--json")
    answer = json.loads(done.output)
    assert done.return_value == 1
    assert answer["verdict"] == "blocked"
    assert answer["replays"] == [
        {
            "action": "2026-05-01-billing-again#A1",
            "record": name,
            "verdict": "INCONCLUSIVE",
            "reason": why,
        }
    ]


def test_an_agent_that_proves_nothing_holds_the_gate(gate: Gate) -> None:
    Path("silent.py").write_text("def run(state, tools):\n    raise SystemExit(3)\n", "utf-8")
    done = gate("--replay", "--entry", "silent:run", "-n", "1")
    assert done.return_value == 1
    assert "INCONCLUSIVE  2026-05-01-billing-again#A1" in done.output
