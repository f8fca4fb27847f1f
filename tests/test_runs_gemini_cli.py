"""Is a chat of the Gemini CLI read as it happened, in one object and line by line?"""

from __future__ import annotations

import json
from pathlib import Path

from agent_traces_made import gemini_call, gemini_cli
from traces_made import lines, run_of, runs_in, written

ROWS = [json.loads(row) for row in gemini_cli("7781").splitlines()]


def test_the_object_and_the_lines_are_one_run(tmp_path: Path) -> None:
    by_line = run_of(tmp_path, gemini_cli("7781"))
    whole = run_of(tmp_path, {**ROWS[0], "messages": ROWS[1:]})
    for run in (by_line, whole):
        (call,) = run.calls
        assert (call.tool, call.result, call.failure) == ("charge", "done 7781", None)
        answer = run.messages[-1]
        assert (answer.input_tokens, answer.output_tokens, answer.cached_tokens) == (9, 4, 2)
        assert (answer.reasoning, run.state.request.model) == ("Plan: 7781", "m")
    assert whole.calls[0].where == "messages[1]"


def test_a_record_that_is_written_again_is_told_once(tmp_path: Path) -> None:
    early = {**ROWS[2], "toolCalls": [], "content": "Wait"}
    run = run_of(tmp_path, lines(*ROWS[:2], early, ROWS[2], {"$set": {"summary": "s"}}))
    assert [m.text for m in run.messages] == ["Renew invoice 7781", "7781"]
    assert len(run.calls) == 1


def test_what_was_rewound_has_happened(tmp_path: Path) -> None:
    run = run_of(tmp_path, lines(*ROWS, {"$rewindTo": "m2"}))
    assert (len(run.calls), run.steps[-1].kind) == (1, "rewind")  # type: ignore[union-attr]


def test_errors_and_calls_that_were_cancelled_say_so(tmp_path: Path) -> None:
    records = [
        {**ROWS[2], "id": f"m{n}", "toolCalls": [{**gemini_call("x", status), "id": f"c{n}"}]}
        for n, status in enumerate(("error", "cancelled", "executing"))
    ]
    records[2]["toolCalls"][0]["result"] = None
    failures = [(c.failure and c.failure.type, c.is_answered) for c in run_of(
        tmp_path, lines(ROWS[0], *records)).calls]  # fmt: skip
    assert failures == [("tool_error", True), ("cancelled", True), (None, False)]


def test_two_chats_in_one_file_are_two_runs(tmp_path: Path) -> None:
    other = {**ROWS[0], "sessionId": "s2"}
    runs = runs_in(written(tmp_path / "t.jsonl", lines(*ROWS, other, ROWS[1])))
    assert [run.id for run in runs] == ["s1", "s2"]
