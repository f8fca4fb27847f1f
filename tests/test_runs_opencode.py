"""Is a session of OpenCode read as it happened, exported and from its events?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kb.traces.read_runs import open_reading

from agent_traces_made import opencode, opencode_messages
from traces_made import lines, run_of, written


def exported(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {"info": {"id": "s1", "title": "Renewal"}, "messages": messages}


def test_events_and_the_export_are_one_run(tmp_path: Path) -> None:
    for value in (opencode("7781"), exported(opencode_messages("7781"))):
        run = run_of(tmp_path, value)
        (call,) = run.calls
        assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
        assert (call.duration_seconds, call.failure, run.id) == (2.0, None, "s1")
        answer = run.messages[1]
        assert (answer.text, answer.model, answer.cost_usd) == ("7781", "m", 0.5)
        assert (answer.input_tokens, answer.output_tokens, answer.cached_tokens) == (11, 4, 2)
        assert run.state.request.provider == "x"


def test_a_part_that_grows_is_told_once_and_all_its_rows_are_used(tmp_path: Path) -> None:
    rows = [json.loads(row) for row in opencode("7781").splitlines()]
    early = json.loads(json.dumps(rows[-1]))
    early["data"]["part"]["state"] = {"status": "running", "input": {}}
    reading = open_reading(written(tmp_path / "t.jsonl", lines(*rows[:-1], early, early, rows[-1])))
    (run,) = reading.runs()
    assert [(c.arguments, c.result) for c in run.calls] == [({"note": "7781"}, "done 7781")]
    assert {str(row.verdict) for row in reading.rows.verdicts()} == {"used"}


def test_a_failed_call_and_one_that_never_ended_say_so(tmp_path: Path) -> None:
    failed = run_of(tmp_path, exported(opencode_messages("7781", "error"))).calls[0]
    assert (failed.failure and failed.failure.message, failed.result) == ("no 7781", "no 7781")
    messages = opencode_messages("7781")
    messages[1]["parts"][1]["state"]["status"] = "running"
    assert not run_of(tmp_path, exported(messages)).calls[0].is_answered


def test_a_completed_command_failed_where_its_exit_code_says_so(
    tmp_path: Path,
) -> None:
    messages = opencode_messages("7781")
    for code, kind in ((1, "exit 1"), (0, "")):
        messages[1]["parts"][1]["state"]["metadata"] = {"exit": code}
        failure = run_of(tmp_path, exported(messages)).calls[0].failure
        assert (failure.type if failure else "") == kind


def test_a_command_that_ended_with_0_did_not_fail_whatever_it_printed(tmp_path: Path) -> None:
    messages = opencode_messages("7781")
    state = messages[1]["parts"][1]["state"]
    state["output"] = "error: 7781 was not found"
    for metadata, kind in (({"exit": 0}, ""), ({}, "error")):
        state["metadata"] = metadata
        failure = run_of(tmp_path, exported(messages)).calls[0].failure
        assert (failure.type if failure else "") == kind


def test_cached_input_counts_as_input_and_thoughts_as_output(tmp_path: Path) -> None:
    messages = opencode_messages("7781")
    tokens = {"total": 120, "input": 9, "output": 4, "reasoning": 7}
    messages[1]["info"]["tokens"] = {**tokens, "cache": {"read": 70, "write": 30}}
    answer = run_of(tmp_path, exported(messages)).messages[1]
    assert (answer.input_tokens, answer.cached_tokens, answer.output_tokens) == (109, 70, 11)


def test_an_error_of_the_model_is_an_event(tmp_path: Path) -> None:
    messages = opencode_messages("7781")
    messages[1]["info"]["error"] = {"name": "APIError", "data": {"message": "overloaded"}}
    last = run_of(tmp_path, exported(messages)).steps[-1]
    assert (last.name, last.text) == ("APIError", "overloaded")  # type: ignore[union-attr]
