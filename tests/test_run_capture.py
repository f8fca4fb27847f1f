"""A session of a coding agent is kept with its agents, the commits made meanwhile, and custody."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from kb.traces.drafting.agent_sessions import PLACES, sessions
from kb.traces.fixture import read_fixture

from conftest import git_in
from test_cli import kb
from traces_made import claude_row, codex_row, lines, written

PARENT = "019f713c-728b-7d72-8314-813e96450f52"
CHILD = "019f713d-a26a-7520-87c7-bd499a71f76f"


def claude_home(home: Path, work: Path, name: str = "s1", command: str = "ls") -> Path:
    asks = [{"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": command}}]
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "ok"}
    rows = [
        claude_row("user", 0, "Tidy up", cwd=str(work)),
        claude_row("assistant", 1, asks),
        claude_row("user", 3, [result]),
    ]
    return written(home / ".claude" / "projects" / "-srv" / f"{name}.jsonl", lines(*rows))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own; no place of an agent on this machine is looked at."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    for place in PLACES:
        if place.variable:
            monkeypatch.delenv(place.variable, raising=False)
    return folder


@pytest.fixture
def work(tmp_path: Path) -> Path:
    written(tmp_path / "work" / "kb.toml", "[runs]\n")
    return tmp_path / "work"


def captured(work: Path) -> tuple[dict[str, Any], Path]:
    (folder,) = (work / ".kb" / "captures").iterdir()
    return json.loads((folder / "custody.json").read_text("utf-8")), folder


def test_the_latest_session_that_worked_here_is_kept_with_its_custody(
    home: Path, work: Path
) -> None:
    session = claude_home(home, work, command="psql --set password=wJalrXUtnFEMI9q")
    elsewhere = claude_home(home, home / "other", "s2")
    os.utime(session, (1, 1))
    status, out, err = kb("run", "capture", cwd=work)
    assert (status, err) == (0, "")
    custody, folder = captured(work)
    run = read_fixture(folder / "fixture.json")
    assert [call.tool for call in run.calls] == ["Bash"]
    assert "wJalrXUtnFEMI9q" not in (folder / "fixture.json").read_text("utf-8")
    source = {
        "file": "s1.jsonl",
        "sha256": hashlib.sha256(session.read_bytes()).hexdigest(),
        "size_bytes": session.stat().st_size,
    }
    assert custody["sources"] == [source]
    fixture = (folder / "fixture.json").read_bytes()
    assert custody["fixture_sha256"] == hashlib.sha256(fixture).hexdigest()
    assert custody["tool"].startswith("kb ")
    assert f"sha256 {source['sha256']}" in out
    assert elsewhere.exists()


def test_agents_that_a_session_of_codex_started_and_commits_are_one_run(
    home: Path, work: Path
) -> None:
    folder = home / ".codex" / "sessions" / "2026" / "04" / "12"
    asks = {"type": "function_call", "name": "exec_command", "arguments": "{}"}
    rows = [
        codex_row("session_meta", 0, id=PARENT, cwd=str(work)),
        codex_row("response_item", 1, type="message", role="user",
                  content=[{"type": "input_text", "text": "Tidy up"}]),
        codex_row("response_item", 9, **asks, call_id="p1"),
    ]  # fmt: skip
    written(folder / f"rollout-2026-04-12T03-14-00-{PARENT}.jsonl", lines(*rows))
    spawn = {"subagent": {"thread_spawn": {"parent_thread_id": PARENT}}}
    rows = [
        codex_row("session_meta", 2, id=CHILD, cwd=str(work), source=spawn),
        codex_row("response_item", 4, **asks, call_id="k1"),
    ]
    written(folder / f"rollout-2026-04-12T03-14-02-{CHILD}.jsonl", lines(*rows))
    git = git_in(work)
    git("init", "-q")
    git("commit", "-qm", "start", "--allow-empty", at="2026-04-11T00:00:00+00:00")
    git("add", "kb.toml")
    git("commit", "-qm", "agent: remove the tables", at="2026-04-12T03:14:06+00:00")
    assert kb("run", "capture", PARENT, cwd=work)[0] == 0
    custody, kept = captured(work)
    run = read_fixture(kept / "fixture.json")
    told = [(getattr(s, "id", "") or getattr(s, "text", ""), s.parent) for s in run.steps]
    tables = "agent: remove the tables (kb.toml)"
    assert [name for name, _ in told if name] == ["Tidy up", "k1", tables, "p1"]
    assert ("k1", f"session {CHILD}") in told
    assert len(custody["sources"]) == 2
    assert len(custody["commits"]) == 1


def test_a_capture_that_was_killed_before_its_custody_is_taken_up(home: Path, work: Path) -> None:
    claude_home(home, work)
    draft = written(work / "postmortems" / "2026-04-12-tables-gone.md", "# Draft")
    asked = ("run", "capture", "s1", "--beside", str(draft))
    assert kb(*asked, cwd=work)[0] == 0
    custody = draft.with_suffix("") / "custody.json"
    custody.unlink()
    assert kb(*asked, cwd=work)[0] == 0
    assert custody.is_file()


def test_a_capture_goes_beside_a_draft_and_replaces_nothing(home: Path, work: Path) -> None:
    claude_home(home, work)
    draft = written(work / "postmortems" / "2026-04-12-tables-gone.md", "# Draft")
    assert kb("run", "capture", "s1", "--beside", str(draft), cwd=work)[0] == 0
    assert (draft.with_suffix("") / "fixture.json").is_file()
    status, _, err = kb("run", "capture", "s1", "--beside", str(draft), cwd=work)
    assert status != 0
    assert "already exists; nothing was written" in err


def test_a_session_that_is_not_there_is_refused_with_those_that_are(home: Path, work: Path) -> None:
    status, _, err = kb("run", "capture", cwd=work)
    assert status != 0
    assert "no session of an agent worked in" in err
    claude_home(home, home / "other", "abc1")
    claude_home(home, home / "other", "abc2")
    assert "2 sessions are called 'abc'" in kb("run", "capture", "abc", cwd=work)[2]
    assert "abc1 (claude-code)" in kb("run", "capture", cwd=work)[2]


def test_each_agent_has_its_place_and_no_link_in_one_is_followed(home: Path) -> None:
    files = [
        ".claude/projects/-srv/c.jsonl",
        ".codex/sessions/2026/04/12/rollout-x.jsonl",
        ".gemini/tmp/h/chats/session-1.json",
        ".copilot/session-state/p/events.jsonl",
    ]
    for file in files:
        written(home / file, "{}")
    (home / ".claude/projects/-srv/link.jsonl").symlink_to(home / files[1])
    (home / ".claude/projects/linked").symlink_to(home / ".claude/projects/-srv")
    found = {(one.agent, one.name) for one in sessions(home, {})}
    assert found == {
        ("claude-code", "c"),
        ("codex", "rollout-x"),
        ("gemini-cli", "session-1"),
        ("copilot-cli", "p"),
    }
    moved = written(home / "elsewhere" / "projects" / "-srv" / "m.jsonl", "{}")
    told = sessions(home, {"CLAUDE_CONFIG_DIR": str(home / "elsewhere")})
    assert [one.path for one in told if one.agent == "claude-code"] == [moved]


def test_a_session_that_cannot_be_read_leaves_nothing_behind(home: Path, work: Path) -> None:
    session = claude_home(home, work)
    session.write_text("[" * 5000, "utf-8")
    status, _, err = kb("run", "capture", "s1", cwd=work)
    assert (status, "nested too deeply" in err) == (2, True)
    assert not (work / ".kb" / "captures").exists()


def test_a_whole_name_is_no_end_of_another(home: Path, work: Path) -> None:
    claude_home(home, work, "s1")
    claude_home(home, work, "other-s1")
    assert kb("run", "capture", "s1", cwd=work)[0] == 0
    assert captured(work)[0]["session"] == "s1"


def test_the_first_row_of_another_session_stops_no_capture(home: Path, work: Path) -> None:
    folder = home / ".codex" / "sessions" / "2026" / "04" / "12"
    rows = [
        codex_row("session_meta", 0, id=PARENT, cwd=str(work)),
        codex_row("response_item", 9, type="function_call", name="x", arguments="{}", call_id="p1"),
    ]
    written(folder / f"rollout-2026-04-12T03-14-00-{PARENT}.jsonl", lines(*rows))
    written(folder / f"rollout-2026-04-12T03-14-02-{CHILD}.jsonl", "[" * 200_000 + "\n")
    assert kb("run", "capture", PARENT, cwd=work)[0] == 0
