"""Runs from the memory of smolagents: a task, then steps that hold calls and what was observed.

A step tells what its calls gave as one text of observations; with several calls in it, all of it
stands at the last, as nobody can say which part is whose. Read after `memory.py` (1.26, 2026):
https://github.com/huggingface/smolagents/blob/main/src/smolagents/memory.py
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object, content_of
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, Prompt, ToolCall

_STEP = frozenset({"step_number", "observations", "tool_calls"})


def _recognise(source: Source) -> str:
    if any(_is_step(value) for value in source.head):
        return "steps with a step_number and observations"
    return "a run with its steps" if any(_steps_of(value) for value in source.head) else ""


def _is_step(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _STEP


def _steps_of(value: Any) -> list[Any]:
    """The steps of a result that holds them all (`RunResult`, `agent.memory`), [] for none."""
    steps = value.get("steps") if isinstance(value, dict) else None
    return steps if isinstance(steps, list) and any(map(_is_step, steps)) else []


def _read(source: Source) -> Iterator[RunBuilder]:
    run: _Run | None = None
    for where, value in source.rows():
        steps = _steps_of(value)
        if steps:
            places = [f"{where}.steps[{number}]".lstrip(".") for number in range(len(steps))]
            source.account.divide(*places)
            whole = _Run(source.account, where)
            for step, place in zip(steps, places, strict=True):
                source.account.turn_to(place)
                whole.take(an_object(step), place)
            yield whole.builder
        elif isinstance(value, dict):
            if "task" in value and run is not None and run.has_task:
                yield run.builder
                run = None
            run = run or _Run(source.account)
            run.take(value, where)
        else:
            source.leave_out("rows that are no objects", where)
    if run is not None:
        yield run.builder


class _Run:
    """A run that is fed with its steps."""

    def __init__(self, rows: RowAccount, place: str = "") -> None:
        self.builder = RunBuilder(rows, place)
        self.builder.agent = Agent(framework="smolagents")
        self.has_task = False

    def take(self, step: dict[str, Any], where: str) -> None:
        """Add what one step tells."""
        base = Message(role="assistant", where=where)
        if "task" in step:
            self.has_task = True
            self.builder.add_message(
                ChatMessage("user", str(step["task"])), replace(base, role="user")
            )
        elif "system_prompt" in step:
            text = str(step["system_prompt"])
            self.builder.add_message(ChatMessage("system", text), replace(base, role="system"))
        elif "plan" in step:
            text = str(step["plan"])
            event = Event("plan", text=text, where=where, **_times(step))
            self.builder.add_event(event)
        elif _is_step(step):
            self._take_action(step, base)
        else:
            self.builder.leave_out("steps of other kinds", ", ".join(list(step)[:3]))

    def _take_action(self, step: dict[str, Any], base: Message) -> None:
        if not self.builder.prompt.text:
            self._take_prompt(step)
        calls = [an_object(call) for call in a_list(step.get("tool_calls"))]
        output = step.get("model_output")
        text = output if isinstance(output, str) else content_of(output).text
        error = an_object(step.get("error"))
        asked = tuple(_call_of(call) for call in calls)
        message = ChatMessage("assistant", text, calls=asked)
        full = replace(base, **_times(step), **usage_of(step.get("token_usage")))
        before = len(self.builder.steps)
        self.builder.add_message(message, full)
        ids = [one.id for one in self.builder.steps[before:] if isinstance(one, ToolCall)]
        self._take_end(step, error, ids, full)

    def _take_prompt(self, step: dict[str, Any]) -> None:
        """The instructions, where a step tells what the model was given."""
        messages = (
            chat_message_of(message) for message in a_list(step.get("model_input_messages"))
        )
        prompts = [
            message.text for message in messages if message is not None and message.role == "system"
        ]
        self.builder.prompt = Prompt(text=next(iter(prompts), ""))

    def _take_end(
        self, step: dict[str, Any], error: dict[str, Any], ids: list[str], base: Message
    ) -> None:
        """What was observed, or what went wrong, at the last call of the step."""
        observations = step.get("observations")
        output = step.get("action_output")
        result = observations if observations not in (None, "") else output
        text = a_word(error.get("message"))
        kind = a_word(error.get("type")) or "error"
        failure = Failure.named(kind, text) if error else None
        at = replace(base, started=base.ended, input_tokens=None, output_tokens=None)
        if not ids and failure is not None:
            event = Event("error", name=kind, text=text, failure=failure, started=at.started)
            self.builder.add_event(replace(event, where=base.where))
        if len(ids) > 1:
            self.builder.notes.add("results of several calls stand at the last of them", base.where)
        if ids and (result is not None or failure is not None):
            answer = result if result is not None else text
            self.builder.answer(ToolResult(ids[-1], answer, failure), at)


def _times(step: dict[str, Any]) -> dict[str, Any]:
    timing = an_object(step.get("timing"))
    return {
        "started": time_of(timing.get("start_time", step.get("start_time"))),
        "ended": time_of(timing.get("end_time", step.get("end_time"))),
    }


def _call_of(call: dict[str, Any]) -> ToolCallRequest:
    inner = an_object(call.get("function")) or call
    name = a_word(inner.get("name")) or "unknown"
    return ToolCallRequest(name, inner.get("arguments"), a_word(call.get("id")))


IMPORTER = Importer(
    "smolagents",
    "steps of smolagents",
    _recognise,
    _read,
)
