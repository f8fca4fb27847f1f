"""Are the steps of smolagents read as what was called and observed?"""

from __future__ import annotations

from pathlib import Path

from agent_traces_made import smolagents, smolagents_step
from traces_made import lines, run_of


def test_a_step_holds_a_call_what_it_gave_and_what_it_took(tmp_path: Path) -> None:
    steps = [{"task": "Renew invoice 7781"}, smolagents_step("7781")]
    for value in (smolagents("7781"), {"output": "x", "steps": steps}):
        run = run_of(tmp_path, value)
        (call,) = run.calls
        assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
        answer = run.messages[1]
        assert (answer.text, answer.input_tokens, answer.output_tokens) == ("7781", 9, 4)
        assert (run.state.prompt.text, run.trigger.text) == ("Be kind, 7781", "Renew invoice 7781")


def test_what_several_calls_gave_stands_at_the_last_and_is_said(tmp_path: Path) -> None:
    step = smolagents_step("7781")
    step["tool_calls"].append({"id": "c2", "name": "look", "arguments": {}})
    run = run_of(tmp_path, lines({"task": "Go"}, step))
    assert [c.is_answered for c in run.calls] == [False, True]
    assert any("stand at the last of them" in line for line in run.provenance.lossy)


def test_an_error_is_the_failure_of_the_call(tmp_path: Path) -> None:
    error = {"type": "AgentToolExecutionError", "message": "no such invoice"}
    step = {**smolagents_step("7781"), "observations": None, "error": error}
    (call,) = run_of(tmp_path, lines({"task": "Go"}, step)).calls
    assert (call.failure and call.failure.type, call.result) == (
        "AgentToolExecutionError",
        "no such invoice",
    )
