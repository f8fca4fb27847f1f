"""Is a call that was made twice two calls, where the model gives both the same id?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.traces.analyses.idempotency import repeats
from kb.traces.run import Effect

from traces_made import (
    answered,
    asked,
    call,
    claude_row,
    codex_row,
    lines,
    run_of,
    runs_in,
    span,
    written,
)

ORDER = {"order": 1}
TWICE = [("refund", ORDER, "ref 1"), ("refund", ORDER, "ref 2")]
USER = {"role": "user", "content": "refund order 1"}


def refund() -> dict[str, Any]:
    return asked(call(0, "refund", ORDER))


def made(run: Any) -> list[tuple[str, Any, Any]]:
    return [(c.tool, c.arguments, c.result) for c in run.calls]


def linear() -> list[dict[str, Any]]:
    return [USER, refund(), answered(0, "ref 1"), refund(), answered(0, "ref 2")]


def anthropic() -> list[dict[str, Any]]:
    uses = {"type": "tool_use", "id": "t0", "name": "refund", "input": ORDER}
    rows = []
    for text in ("ref 1", "ref 2"):
        rows.append({"role": "assistant", "content": [uses]})
        result = {"type": "tool_result", "tool_use_id": "t0", "content": text}
        rows.append({"role": "user", "content": [result]})
    return [USER, *rows]


def responses() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [USER]
    for text in ("ref 1", "ref 2"):
        item = {"type": "function_call", "call_id": "c0", "name": "refund"}
        rows.append({**item, "arguments": json.dumps(ORDER)})
        rows.append({"type": "function_call_output", "call_id": "c0", "output": text})
    return rows


@pytest.mark.parametrize(
    "trace",
    [
        {"messages": linear()},
        {"messages": anthropic()},
        {"model": "m", "input": responses()},
        linear(),
        lines(*linear()),
    ],
    ids=["chat", "anthropic", "responses", "bare list", "one message a line"],
)
def test_an_equal_call_asked_for_after_the_answer_is_a_second_call(
    trace: Any, tmp_path: Path
) -> None:
    run = run_of(tmp_path, trace, effects={"refund": Effect.WRITE})
    assert made(run) == TWICE
    assert len({c.id for c in run.calls}) == 2
    assert [r.ran for r in repeats(run)] == [2]


def test_requests_that_repeat_two_calls_of_one_id_tell_two_calls(tmp_path: Path) -> None:
    history = linear()
    rows = [{"messages": history[: 2 * n + 1]} for n in range(3)] + [{"messages": [*history, USER]}]
    (run,) = runs_in(written(tmp_path / "log.jsonl", lines(*rows)))
    assert made(run) == TWICE


def test_the_answer_of_a_request_is_a_second_call_though_its_id_is_known(tmp_path: Path) -> None:
    history = linear()
    rows = [
        {"messages": history[:end], "response": {"choices": [{"message": history[end]}]}}
        for end in (1, 3)
    ]
    (run,) = runs_in(written(tmp_path / "log.jsonl", lines(*rows, {"messages": history})))
    assert made(run) == TWICE


def test_an_id_that_is_asked_for_again_before_its_answer_is_one_call(tmp_path: Path) -> None:
    run = run_of(tmp_path, {"messages": [USER, refund(), refund(), answered(0, "ref 1")]})
    assert made(run) == [("refund", ORDER, "ref 1")]


def model_span(number: int, start: int, history: list[Any], output: Any = None) -> dict[str, Any]:
    told = {"gen_ai__input__messages": json.dumps(history)}
    if output is not None:
        told["gen_ai__output__messages"] = json.dumps([output])
    return span(number, "chat m", start, start + 1, gen_ai__operation__name="chat", **told)


def tool_span(number: int, start: int, result: str) -> dict[str, Any]:
    return span(number, "execute_tool refund", start, start + 1,
                gen_ai__operation__name="execute_tool", gen_ai__tool__name="refund",
                gen_ai__tool__call__id="c0", gen_ai__tool__call__result=result,
                gen_ai__tool__call__arguments=json.dumps(ORDER))  # fmt: skip


def spans() -> list[dict[str, Any]]:
    """Three requests that repeat the history, and two spans that ran the tool under one id."""
    user = {"role": "user", "parts": [{"type": "text", "content": "refund"}]}
    asks = {"role": "assistant", "parts": [
        {"type": "tool_call", "id": "c0", "name": "refund", "arguments": ORDER}]}  # fmt: skip
    first, second = (
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c0", "response": text}]}
        for text in ("ref 1", "ref 2")
    )
    done = {"role": "assistant", "parts": [{"type": "text", "content": "Done."}]}
    return [
        model_span(2, 1, [user], asks),
        tool_span(3, 3, "ref 1"),
        model_span(4, 5, [user, asks, first], asks),
        tool_span(5, 7, "ref 2"),
        model_span(6, 9, [user, asks, first, asks, second], done),
    ]


@pytest.mark.parametrize("step", [1, -1], ids=["in order", "last first"])
def test_spans_and_messages_of_two_calls_with_one_id_are_two_calls(
    step: int, tmp_path: Path
) -> None:
    assert made(run_of(tmp_path, spans()[::step])) == TWICE


def test_an_answer_that_two_libraries_recorded_is_one_call(tmp_path: Path) -> None:
    first, ran, *rest = spans()
    again = {**first, "spanId": "f" * 16}
    assert made(run_of(tmp_path, [first, again, ran, *rest])) == TWICE


def test_another_agent_that_is_given_the_whole_history_makes_no_call_again(tmp_path: Path) -> None:
    handed = {**spans()[-1], "spanId": "f" * 16, "parentSpanId": "e" * 16}
    handed["startTimeUnixNano"] = "1776000012000000000"
    outer = span(14, "invoke_agent b", 11, 20, gen_ai__operation__name="invoke_agent",
                 gen_ai__agent__name="b")  # fmt: skip
    outer["spanId"] = "e" * 16
    assert made(run_of(tmp_path, [*spans(), outer, handed])) == TWICE


def test_sessions_with_an_id_given_twice_have_two_calls(tmp_path: Path) -> None:
    rows = []
    for number, text in ((1, "ref 1"), (3, "ref 2")):
        item = {"type": "function_call", "name": "refund", "call_id": "c0"}
        rows.append(codex_row("response_item", number, **item, arguments=json.dumps(ORDER)))
        item = {"type": "function_call_output", "call_id": "c0", "output": text}
        rows.append(codex_row("response_item", number + 1, **item))
    assert made(run_of(tmp_path, lines(*rows))) == TWICE


def test_a_row_that_stands_twice_in_a_session_is_one_call(tmp_path: Path) -> None:
    uses = {"type": "tool_use", "id": "t1", "name": "refund", "input": ORDER}
    asks = claude_row("assistant", 1, [uses], message={"id": "m1"})
    result = {"type": "tool_result", "tool_use_id": "t1", "content": "ref 1"}
    brings = claude_row("user", 2, [result])
    assert made(run_of(tmp_path, lines(asks, brings, asks, brings))) == TWICE[:1]
