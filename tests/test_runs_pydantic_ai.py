"""Is a message history of Pydantic AI read as what was asked, said, called and brought back?"""

from __future__ import annotations

import json
from pathlib import Path

from agent_traces_made import pydantic_ai
from traces_made import lines, run_of

ROWS = [json.loads(row) for row in pydantic_ai("7781").splitlines()]


def test_lines_a_list_and_an_object_are_one_run(tmp_path: Path) -> None:
    for value in (pydantic_ai("7781"), ROWS, {"messages": ROWS, "task": "t"}):
        run = run_of(tmp_path, value)
        (call,) = run.calls
        assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
        assert call.duration_seconds == 2.0
        assert [(m.role, m.text) for m in run.messages] == [
            ("system", "Be kind."),
            ("user", "Renew invoice 7781"),
            ("assistant", "7781"),
        ]
        answer = run.messages[2]
        assert (answer.model, answer.input_tokens, answer.output_tokens) == ("m", 9, 4)


def test_a_retry_and_a_denial_are_failures(tmp_path: Path) -> None:
    back = {"tool_name": "charge", "tool_call_id": "c1"}
    retry = {**back, "part_kind": "retry-prompt", "content": "no such invoice"}
    denied = {**back, "part_kind": "tool-return", "content": "no", "outcome": "denied"}
    for part, told in ((retry, "retry"), (denied, "rejected")):
        (call,) = run_of(tmp_path, [*ROWS[:2], {"kind": "request", "parts": [part]}]).calls
        assert call.failure
        assert call.failure.type == told


def test_instructions_of_a_request_are_those_of_the_run(tmp_path: Path) -> None:
    first = {"kind": "request", "instructions": "Mind the time.", "parts": ROWS[0]["parts"][1:]}
    run = run_of(tmp_path, lines(first, ROWS[1]))
    assert run.state.prompt.text == "Mind the time."
