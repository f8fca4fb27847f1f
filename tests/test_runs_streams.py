"""Are the streams that coding agents print in scripts read as the sessions they are?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.traces.run import Event
from msgspec.structs import replace

from agent_traces_made import gemini_stream
from traces_made import claude_row, lines, run_of, runs_in, written

GEMINI = [json.loads(row) for row in gemini_stream("7781").splitlines()]
STREAM = {"session_id": "s1", "parent_tool_use_id": None}


def streamed(kind: str, number: int, content: Any, **more: Any) -> dict[str, Any]:
    """A row that Claude Code prints: its message as in a session file, ids of its own, no time."""
    message = claude_row(kind, number, content)["message"]
    return {"type": kind, "message": message, **STREAM, "uuid": f"u{number}", **more}


def test_words_of_gemini_that_come_in_pieces_are_one_message(tmp_path: Path) -> None:
    run = run_of(tmp_path, lines(*GEMINI))
    assert [m.text for m in run.messages] == ["Renew invoice 7781", "7781, then"]
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
    assert (run.id, run.state.request.model) == ("s1", "m")
    assert run.source["stats"] == {"tool_calls": 1}


def test_pieces_of_gemini_are_put_together_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = 0

    def counted(*values: Any, **changes: Any) -> Any:
        nonlocal made
        made += 1
        return replace(*values, **changes)

    monkeypatch.setattr("kb.traces.importers.gemini_stream.replace", counted)
    piece = {"type": "message", "role": "assistant", "content": "word ", "delta": True}
    run = run_of(tmp_path, lines(GEMINI[0], *[piece] * 500))
    assert [message.text for message in run.messages] == ["word " * 500]
    assert made < 10


def test_what_gemini_says_went_wrong_has_failed(tmp_path: Path) -> None:
    error = {"type": "invalid_tool_params", "message": "no such note"}
    refused = {**GEMINI[5], "status": "error", "output": "", "error": error}
    end = {"type": "result", "status": "error", "error": {"type": "x", "message": "too long"}}
    run = run_of(tmp_path, lines(*GEMINI[:5], refused, end))
    failure = run.calls[0].failure
    assert failure is not None
    assert (failure.type, failure.message) == ("invalid_tool_params", "no such note")
    last = run.steps[-1]
    assert isinstance(last, Event)
    assert (last.kind, last.text) == ("error", "too long")


def test_streams_of_gemini_behind_each_other_are_runs_of_their_own(tmp_path: Path) -> None:
    other = [{**GEMINI[0], "session_id": "s2"}, *GEMINI[1:]]
    runs = runs_in(written(tmp_path / "both.jsonl", lines(*GEMINI, *other)))
    assert [(run.id, len(run.calls)) for run in runs] == [("s1", 1), ("s2", 1)]


def test_a_stream_of_claude_code_is_a_session_with_its_agents(tmp_path: Path) -> None:
    start = {"type": "system", "subtype": "init", "cwd": "/srv", "session_id": "s1",
             "tools": ["Bash"], "model": "m", "claude_code_version": "2.1.19"}  # fmt: skip
    task = {"type": "tool_use", "id": "t1", "name": "Task", "input": {"prompt": "Look"}}
    bash = {"type": "tool_use", "id": "t2", "name": "Bash", "input": {"command": "ls"}}
    done = {"type": "tool_result", "tool_use_id": "t2", "content": "a.txt"}
    end = {"type": "result", "subtype": "error_max_turns", "is_error": True, "num_turns": 2,
           "session_id": "s1"}  # fmt: skip
    run = run_of(
        tmp_path,
        lines(
            start,
            streamed("assistant", 1, [task]),
            streamed("assistant", 2, [bash], parent_tool_use_id="t1"),
            streamed("user", 3, [done], parent_tool_use_id="t1"),
            end,
        ),
    )
    assert [(call.tool, call.parent) for call in run.calls] == [("Task", ""), ("Bash", "t1")]
    assert (run.calls[1].result, run.id, run.agent.version) == ("a.txt", "s1", "2.1.19")
    last = run.steps[-1]
    assert isinstance(last, Event)
    assert (run.state.request.model, last.kind, last.text) == ("m", "error", "error_max_turns")


def test_the_errors_in_the_last_row_of_a_stream_are_told(tmp_path: Path) -> None:
    start = {"type": "system", "subtype": "init", "session_id": "s1", "tools": [], "model": "m"}
    end = {"type": "result", "subtype": "error_during_execution", "is_error": False,
           "num_turns": 1, "session_id": "s1",
           "errors": ["no such session", {"message": "lost"}, "no such session"]}  # fmt: skip
    last = run_of(tmp_path, lines(start, streamed("user", 1, "Go on."), end)).steps[-1]
    assert isinstance(last, Event)
    assert (last.kind, last.text) == ("error", "no such session\nlost")
    fine = {**end, "subtype": "success", "errors": [], "result": "Done."}
    assert len(run_of(tmp_path, lines(start, streamed("user", 1, "Go on."), fine)).steps) == 1


def test_streams_of_claude_code_behind_each_other_are_runs_of_their_own(tmp_path: Path) -> None:
    start = {"type": "system", "subtype": "init", "session_id": "s1", "tools": [], "model": "m"}
    bash = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    one = [start, streamed("assistant", 1, [bash]), start, streamed("assistant", 2, "Done.")]
    rows = lines(*one, *({**row, "session_id": "s2"} for row in one))
    runs = runs_in(written(tmp_path / "both.jsonl", rows))
    assert [(run.id, len(run.calls), len(run.messages)) for run in runs] == [
        ("s1", 1, 2),
        ("s2", 1, 2),
    ]


def test_a_session_of_claude_code_without_what_names_it_is_read(tmp_path: Path) -> None:
    rows = [claude_row("user", 0, "Renew"), claude_row("assistant", 1, "Renewed.")]
    for row in rows:
        del row["sessionId"], row["version"], row["isSidechain"]
    run = run_of(tmp_path, lines(*rows))
    assert run.provenance.format == "claude-code"
    assert [message.text for message in run.messages] == ["Renew", "Renewed."]
