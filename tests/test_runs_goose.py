"""Is a session of Goose read as it happened, from its rows, its file and an export?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_traces_made import goose, goose_row
from traces_made import lines, run_of, runs_in, written

ROWS = [json.loads(row) for row in goose("7781").splitlines()]
MESSAGES = [
    {"role": row["role"], "created": row["created_timestamp"],
     "content": json.loads(row["content_json"])}
    for row in ROWS
]  # fmt: skip


def test_rows_a_file_and_an_export_are_one_run(tmp_path: Path) -> None:
    head = {"working_dir": "/srv", "description": "Renewal", "message_count": 3}
    model = {"model_name": "m"}
    export = {"id": "s1", "conversation": MESSAGES, "model_config": model, "working_dir": "/srv"}
    forms: list[Any] = [goose("7781"), lines(head, *MESSAGES), export]
    for value in forms:
        run = run_of(tmp_path, value)
        (call,) = run.calls
        assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
        assert (call.duration_seconds, call.failure) == (2.0, None)
        assert [m.text for m in run.messages] == ["Renew invoice 7781", "7781"]
    assert run.state.request.model == "m"


def test_both_kinds_of_failure_are_told(tmp_path: Path) -> None:
    back = {"content": [{"type": "text", "text": "exit 1"}], "isError": True}
    told = [{"status": "success", "value": back}, {"status": "error", "error": "no server"}]
    blocks = [{"type": "toolResponse", "id": f"c{n}", "toolResult": t} for n, t in enumerate(told)]
    call = {"status": "success", "value": {"name": "run", "arguments": {}}}
    asks = [{"type": "toolRequest", "id": f"c{n}", "toolCall": call} for n in range(2)]
    run = run_of(tmp_path, lines(goose_row(1, "assistant", *asks), goose_row(2, "user", *blocks)))
    failures = [c.failure and c.failure.message for c in run.calls]
    assert (failures, run.calls[1].result) == (["exit 1", "no server"], "no server")


def test_rows_of_two_sessions_are_two_runs(tmp_path: Path) -> None:
    other = {**ROWS[0], "session_id": "s2"}
    runs = runs_in(written(tmp_path / "t.jsonl", lines(*ROWS, other)))
    assert [(run.id, len(run.calls)) for run in runs] == [("s1", 1), ("s2", 0)]
