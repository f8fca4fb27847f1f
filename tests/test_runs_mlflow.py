"""Are traces of MLflow read, in the shapes of its second and its third version?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_traces_made import mlflow
from traces_made import lines, run_of, runs_in, written


def test_a_model_a_tool_and_what_they_took(tmp_path: Path) -> None:
    run = run_of(tmp_path, mlflow("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
    assert (call.duration_seconds, call.asked_in, run.id) == (2.0, 1, "tr-1")
    answer = run.messages[1]
    assert (answer.text, answer.input_tokens, answer.output_tokens) == ("7781", 9, 4)
    assert (run.trigger.text, run.state.request.model) == ("Renew invoice 7781", "m")


def test_spans_of_the_second_version_and_their_errors(tmp_path: Path) -> None:
    def old(span: dict[str, Any]) -> dict[str, Any]:
        return {
            "name": span["name"],
            "context": {"span_id": span["span_id"], "trace_id": "0x1"},
            "parent_id": span["parent_span_id"],
            "start_time": int(span["start_time_unix_nano"]),
            "end_time": int(span["end_time_unix_nano"]),
            "status_code": "ERROR" if span["name"] == "charge" else "OK",
            "status_message": "no such invoice",
            "attributes": span["attributes"],
            "events": [{"name": "exception", "attributes": {"exception.type": "KeyError"}}],
        }

    trace = mlflow("7781")
    spans = [old(span) for span in trace["data"]["spans"]]
    value = {"info": json.dumps({"request_id": "r1"}), "data": json.dumps({"spans": spans})}
    run = run_of(tmp_path, value)
    (call,) = run.calls
    assert call.failure
    assert (call.failure.type, call.failure.message) == ("KeyError", "no such invoice")
    assert run.id == "r1"


def test_an_agent_that_closes_in_words_of_its_own_after_its_last_call_has_said_them(
    tmp_path: Path,
) -> None:
    trace = mlflow("7781")
    words = {"mlflow.spanType": '"AGENT"', "mlflow.spanOutputs": '"It was refused."'}
    root = {"span_id": "r", "parent_span_id": None, "name": "agent", "attributes": words}
    first, last = "1776000000000000000", "1776000009000000000"
    root |= {"start_time_unix_nano": first, "end_time_unix_nano": last}
    inner = [span | {"parent_span_id": "r"} for span in trace["data"]["spans"]]
    run = run_of(tmp_path, trace | {"data": {"spans": [root, *inner]}})
    assert [message.text for message in run.messages][-1] == "It was refused."


def test_each_trace_of_a_file_is_a_run(tmp_path: Path) -> None:
    other = mlflow("7782")
    other["info"]["trace_id"] = "tr-2"
    runs = runs_in(written(tmp_path / "t.jsonl", lines(mlflow("7781"), other)))
    assert [run.id for run in runs] == ["tr-1", "tr-2"]
