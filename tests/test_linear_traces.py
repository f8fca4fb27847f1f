"""Traces that give the joining of calls the most to look through: work grows as the trace does."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from kb.terminal import wrapped
from kb.traces.read_runs import read_runs

from test_linear_readers import calls

Message = dict[str, Any]
USER: Message = {"role": "user", "content": "go"}


def asked(name: str, call_id: str = "", **arguments: object) -> Message:
    function = {"name": name, "arguments": json.dumps(arguments)}
    if not call_id:
        return {"role": "assistant", "content": None, "function_call": function}
    call = {"id": call_id, "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def answered(name: str, content: str, call_id: str = "") -> Message:
    if not call_id:
        return {"role": "function", "name": name, "content": content}
    return {"role": "tool", "tool_call_id": call_id, "content": content}


def lines(work: Callable[[], object]) -> int:
    """How many lines of the joining are run, each turn of a loop for one."""
    count = 0

    def seen(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal count
        count += event == "line"
        return seen if "normalize" in frame.f_code.co_filename else None

    sys.settrace(seen)
    try:
        work()
    finally:
        sys.settrace(None)
    return count


def of_another_tool(n: int) -> list[Message]:
    calls_first = [asked("t", a=number) for number in range(n)]
    return [*calls_first, *(answered("other", f"r{number}") for number in range(n))]


def of_one_id(n: int) -> list[Message]:
    return [asked("t", "x", a=number) for number in range(n)]


def answers_first(n: int) -> list[Message]:
    first = [answered("t", "ok", f"i{number}") for number in range(n)]
    return [*first, *(asked("t", f"i{number}") for number in range(n))]


def numbered_ahead(n: int) -> list[Message]:
    first = [asked("t", f"call-{n + number}", a=number) for number in range(n)]
    return [*first, *(asked("t", b=number) for number in range(n))]


def equal_calls(n: int) -> list[Message]:
    pairs = ((asked("t", f"i{number}"), answered("t", "ok", f"i{number}")) for number in range(n))
    return [message for pair in pairs for message in pair]


CASES: tuple[Callable[[int], list[Message]], ...] = (
    of_another_tool,
    of_one_id,
    answers_first,
    numbered_ahead,
    equal_calls,
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_call_is_found_again_in_steps_that_do_not_grow_with_the_run(
    case: Callable[[int], list[Message]], tmp_path: Path
) -> None:
    counts = []
    for n in (500, 1_000):
        path = tmp_path / f"{n}.json"
        path.write_text(json.dumps({"messages": [USER, *case(n)]}))
        list(read_runs(path))  # what is done once a process is not counted
        counts.append(lines(lambda path=path: list(read_runs(path))))  # type: ignore[misc]
    assert counts[1] < 2.3 * counts[0]


@pytest.mark.parametrize("word", ["word ", "x", "漢字 ", "é"])
def test_a_long_answer_is_broken_into_lines_once(word: str) -> None:
    once, twice = (
        calls(lambda n=n: wrapped(word * n, 40, 100_000))  # type: ignore[misc]
        for n in (2_000, 4_000)
    )
    assert twice < 2.4 * once
