"""Runs from message histories of Pydantic AI: requests and responses made of parts.

A request holds the instructions, what a person asked and what tools brought back; a response holds
words, thoughts and calls. Read after `pydantic_ai/messages.py` (read 2026-11-30):
https://ai.pydantic.dev/message-history/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object, content_of
from kb.traces.messages.model_requests import usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, Prompt

_KINDS = {"request", "response"}
_LISTS = ("messages", "message_history", "all_messages", "new_messages")
_CALLS = {"tool-call", "builtin-tool-call"}
_RETURNS = {"tool-return", "builtin-tool-return", "retry-prompt"}


def _recognise(source: Source) -> str:
    if any(_is_message(value) for value in source.head):
        return "messages of a kind with parts of a part_kind"
    return "a list of messages with parts" if any(map(_listed, source.head)) else ""


def _is_message(value: Any) -> bool:
    parts = value.get("parts") if isinstance(value, dict) else None
    if not isinstance(parts, list) or a_word(value.get("kind")) not in _KINDS:
        return False
    return all("part_kind" in an_object(part) for part in parts)


def _listed(value: Any) -> list[Any]:
    """The messages of an object that holds them in a list, [] for none."""
    lists = [value.get(key) for key in _LISTS] if isinstance(value, dict) else [value]
    return next((one for one in lists if isinstance(one, list) and any(map(_is_message, one))), [])


def _read(source: Source) -> Iterator[RunBuilder]:
    bare: RunBuilder | None = None
    for where, value in source.rows():
        messages = _listed(value)
        if messages:
            builder = _opened(source.account, where)
            places = [f"{where}.messages[{n}]".lstrip(".") for n in range(len(messages))]
            source.account.divide(*places)
            for message, place in zip(messages, places, strict=True):
                source.account.turn_to(place)
                _take(builder, message, place)
            source.account.turn_away()
            yield builder
        elif _is_message(value):
            bare = bare or _opened(source.account, "")
            _take(bare, value, where)
        elif isinstance(value, dict) and "event_kind" in value:
            source.account.repeated()  # pieces of the messages that follow them
        else:
            source.leave_out("rows that are no messages", where)
    if bare is not None:
        yield bare


def _opened(rows: RowAccount, where: str) -> RunBuilder:
    builder = RunBuilder(rows, where)
    builder.agent = Agent(framework="pydantic-ai")
    return builder


def _take(builder: RunBuilder, value: Any, where: str) -> None:
    if not _is_message(value):
        builder.leave_out("messages of other kinds")
    elif value["kind"] == "response":
        _take_response(builder, value, where)
    else:
        _take_request(builder, value, where)


def _take_request(builder: RunBuilder, value: dict[str, Any], where: str) -> None:
    instructions = a_word(value.get("instructions"))
    if instructions and not builder.prompt.text:
        builder.prompt = Prompt(text=instructions)
    builder.conversation = builder.conversation or a_word(value.get("conversation_id"))
    for part in value["parts"]:
        kind = a_word(part.get("part_kind"))
        at = time_of(part.get("timestamp")) or time_of(value.get("timestamp"))
        base = Message(role="user", started=at, where=where)
        if kind in _RETURNS and part.get("tool_name"):
            builder.answer(_answer(part), base)
        elif kind in {"system-prompt", "user-prompt", "retry-prompt"}:
            role = {"system-prompt": "system", "user-prompt": "user"}.get(kind, "developer")
            content = content_of(part.get("content"))
            message = ChatMessage(role, content.text, parts=content.parts)
            builder.add_message(message, replace(base, role=role))
        else:
            builder.leave_out("parts of other kinds", kind)


def _answer(part: dict[str, Any]) -> ToolResult:
    kind, value = a_word(part.get("part_kind")), part.get("content")
    is_retry = kind == "retry-prompt"
    outcome = a_word(part.get("outcome"))
    text = value if isinstance(value, str) else str(value)
    failure = None
    if is_retry or outcome in {"failed", "denied"}:
        type_ = "rejected" if outcome == "denied" else "retry" if is_retry else "tool_error"
        failure = Failure.named(type_, text)
    call_id, name = a_word(part.get("tool_call_id")), a_word(part.get("tool_name"))
    return ToolResult(call_id, value if value is not None else "", failure, name)


def _take_response(builder: RunBuilder, value: dict[str, Any], where: str) -> None:
    parts = [an_object(part) for part in a_list(value.get("parts"))]
    model = a_word(value.get("model_name"))
    base = Message(
        role="assistant",
        started=time_of(value.get("timestamp")),
        where=where,
        model=model,
        response_id=a_word(value.get("provider_response_id")),
        **usage_of(value.get("usage")),
    )
    of_kind = {
        kind: "\n".join(a_word(p.get("content")) for p in parts if p.get("part_kind") == kind)
        for kind in ("text", "thinking")
    }
    known = {"text", "thinking", *_CALLS, *_RETURNS}
    rest = tuple(part for part in parts if a_word(part.get("part_kind")) not in known)
    calls = tuple(_call_of(part) for part in parts if a_word(part.get("part_kind")) in _CALLS)
    finish = a_word(value.get("finish_reason"))
    message = ChatMessage(
        "assistant", of_kind["text"], of_kind["thinking"], rest, calls, (), finish
    )
    builder.add_message(message, base)
    for part in parts:
        if a_word(part.get("part_kind")) in _RETURNS:
            builder.answer(_answer(part), replace(base, input_tokens=None, output_tokens=None))
    if model and not builder.request.model:
        provider = a_word(value.get("provider_name"))
        builder.request = replace(builder.request, model=model, provider=provider)
    if a_word(value.get("state")) == "interrupted":
        event = Event("error", name="interrupted", failure=Failure(type="interrupted"))
        builder.add_event(replace(event, started=base.started, where=where))


def _call_of(part: dict[str, Any]) -> ToolCallRequest:
    name, call_id = a_word(part.get("tool_name")) or "unknown", a_word(part.get("tool_call_id"))
    return ToolCallRequest(name, arguments_of(part.get("args")), call_id)


IMPORTER = Importer(
    "pydantic-ai",
    "message histories of Pydantic AI",
    _recognise,
    _read,
)
