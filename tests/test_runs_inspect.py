"""Is a log of Inspect read as its samples ran: in JSON, and from the files of an .eval?"""

from __future__ import annotations

import json
from pathlib import Path

from agent_traces_made import inspect_sample
from test_runs_packed import zipped
from traces_made import run_of, runs_in, written


def test_a_sample_has_the_words_once_and_the_times_of_its_events(tmp_path: Path) -> None:
    run = run_of(tmp_path, inspect_sample("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "7781")
    assert (call.duration_seconds, run.trigger.text) == (2.0, "Renew invoice 7781")
    answer = run.messages[1]
    assert (answer.model, answer.input_tokens, answer.output_tokens) == ("m", 9, 4)
    assert (run.state.request.model, [tool.name for tool in run.state.tools]) == ("x/m", ["charge"])


def test_a_log_has_a_run_for_each_sample(tmp_path: Path) -> None:
    second = {**inspect_sample("7782"), "id": 8, "error": {"message": "out of memory"}}
    log = {
        "version": 2,
        "eval": {"task": "renewal", "model": "x/m"},
        "samples": [inspect_sample("7781"), second],
    }
    runs = runs_in(written(tmp_path / "log.json", log))
    assert [run.task for run in runs] == ["renewal/7", "renewal/8"]
    assert runs[1].steps[-1].text == "out of memory"  # type: ignore[union-attr]


def test_the_samples_of_an_eval_are_runs_and_the_other_files_are_named(tmp_path: Path) -> None:
    head = {"version": 2, "eval": {}, "plan": {}}
    files = {"header.json": head, "samples/7_epoch_1.json": inspect_sample("7781")}
    raw = zipped(*((name, json.dumps(value).encode()) for name, value in files.items()))
    (tmp_path / "log.eval").write_bytes(raw)
    (run,) = runs_in(tmp_path / "log.eval")
    assert run.provenance.file == "log.eval/samples/7_epoch_1.json"


def test_the_error_of_a_tool_is_its_failure(tmp_path: Path) -> None:
    sample = inspect_sample("7781")
    error = {"type": "timeout", "message": "after 10 s"}
    sample["messages"][2] |= {"content": "", "error": error}
    (call,) = run_of(tmp_path, sample).calls
    assert (call.failure and call.failure.type, call.result) == ("timeout", "after 10 s")
