"""Runs from trajectories in ATIF, the format of Harbor: steps that hold calls and their results.

A call and what came back for it stand in the same step. A result that names no call belongs to
the call of its place where there are as many, and to none where there are not.
https://github.com/laude-institute/harbor/blob/main/docs/rfcs/0001-trajectory-format.md (a mirror of
1.4, read 2026-11-30; files of 1.5 to 1.7 differ in nothing that is read here)
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
from kb.traces.messages.model_requests import is_number, tools_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Message, ToolCall

_KEYS = frozenset({"schema_version", "steps", "agent"})
_ROLES = {"agent": "assistant", "user": "user", "system": "system"}
_ABOUT = ("notes", "final_metrics", "extra", "continued_trajectory_ref", "schema_version")
_COUNTS = {
    "input_tokens": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "cached_tokens": "cached_tokens",
}


def _recognise(source: Source) -> str:
    is_read = any(_is_trajectory(value) for value in source.head)
    return "a trajectory with a schema_version, an agent and steps" if is_read else ""


def _is_trajectory(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _KEYS and isinstance(value["steps"], list)


def _read(source: Source) -> Iterator[RunBuilder]:
    for where, value in source.rows():
        if _is_trajectory(value):
            yield _run(value, where, source.account)
        else:
            source.leave_out("rows that are no trajectories", where)


def _run(value: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    agent = an_object(value.get("agent"))
    builder = RunBuilder(rows, where, a_word(value.get("session_id")))
    name, version = a_word(agent.get("name")), str(agent.get("version") or "")
    builder.agent = Agent(name=name, version=version, framework=name)
    builder.request = replace(builder.request, model=a_word(agent.get("model_name")))
    builder.offer(tools_of(agent.get("tool_definitions")))
    builder.source = {key: value[key] for key in _ABOUT if value.get(key)}
    steps = value["steps"]
    places = [f"{where}.steps[{number}]".lstrip(".") for number in range(len(steps))]
    rows.divide(*places)
    for step, place in zip(steps, places, strict=True):
        rows.turn_to(place)
        if isinstance(step, dict):
            _take(builder, step, place)
        else:
            builder.leave_out("steps that are no objects")
    rows.turn_away()
    return builder


def _take(builder: RunBuilder, step: dict[str, Any], place: str) -> None:
    message = step.get("message")
    inner = message if isinstance(message, dict) and "role" in message else {}  # as some write it
    told_by = a_word(step.get("source")) or a_word(inner.get("role"))
    role = _ROLES.get(told_by, told_by)
    content = content_of(inner.get("content") if inner else message)
    calls = tuple(
        ToolCallRequest(
            a_word(call.get("function_name")) or a_word(call.get("name")) or "unknown",
            call.get("arguments"),
            a_word(call.get("tool_call_id")) or a_word(call.get("id")),
        )
        for call in map(an_object, a_list(step.get("tool_calls")))
    )
    metrics = an_object(step.get("metrics"))
    fields = {ours: metrics.get(theirs) for ours, theirs in _COUNTS.items()}
    counts: dict[str, Any] = {k: int(v or 0) for k, v in fields.items() if is_number(v)}
    if is_number(metrics.get("cost_usd")):
        counts["cost_usd"] = float(metrics["cost_usd"])
    base = Message(
        role=role,
        started=time_of(step.get("timestamp") or inner.get("timestamp")),
        where=place,
        model=a_word(step.get("model_name")),
        **counts,
    )
    thought = a_word(step.get("reasoning_content"))
    chat_message = ChatMessage(role, content.text, thought, content.parts, calls)
    before = len(builder.steps)
    builder.add_message(chat_message, base)
    asked = [one.id for one in builder.steps[before:] if isinstance(one, ToolCall)]
    results = a_list(an_object(step.get("observation")).get("results"))
    _take_results(builder, [an_object(one) for one in results], asked, base)


def _take_results(
    builder: RunBuilder, results: list[dict[str, Any]], asked: list[str], base: Message
) -> None:
    """The results of a step, each given to the call that it names, or that stands in its place."""
    plain = replace(base, input_tokens=None, output_tokens=None, cached_tokens=None, cost_usd=None)
    for number, result in enumerate(results):
        content = content_of(result.get("content"))
        answer = result.get("content") if content.parts else content.text
        call_id = a_word(result.get("source_call_id"))
        if not call_id and len(results) == len(asked):
            call_id = asked[number]
        if call_id:
            source = {k: v for k, v in result.items() if k not in _READ and v}
            builder.answer(ToolResult(call_id, answer, source=source), plain)
        else:
            text = answer if isinstance(answer, str) else ""
            builder.add_event(Event("observation", text=text), base)


_READ = {"source_call_id", "content"}

IMPORTER = Importer(
    "atif",
    "trajectories in ATIF (Harbor)",
    _recognise,
    _read,
)
