"""Runs from sessions of Goose: rows of its database, its session files, exports of a session.

A row holds one message: the blocks of its content as JSON (`content_json`), or as they are. The
answer to a call comes in the name of the user. Read after `conversation/message.rs` of Goose:
https://github.com/block/goose/blob/main/crates/goose/src/conversation/message.rs (November 2026)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object, content_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_BLOCKS = {"toolRequest", "toolResponse", "toolConfirmationRequest", "frontendToolRequest"}
_BLOCKS |= {"contextLengthExceeded", "summarizationRequested", "systemNotification"}
_ABOUT = ("working_dir", "description", "name", "message_count", "provider_name")


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any(isinstance(row.get("content_json"), str) and "role" in row for row in rows):
        return "messages with a content_json"
    is_session = any(isinstance(row.get("conversation"), list) and _has_block(row) for row in rows)
    if is_session or any(_has_block({"conversation": [row]}) for row in rows):
        return "messages with toolRequest and toolResponse"
    return ""


def _has_block(session: dict[str, Any]) -> bool:
    for message in map(an_object, session["conversation"]):
        blocks = map(an_object, a_list(message.get("content")))
        if "role" in message and any(a_word(one.get("type")) in _BLOCKS for one in blocks):
            return True
    return False


def _read(source: Source) -> Iterator[RunBuilder]:
    sessions: dict[str, RunBuilder] = {}
    for where, value in source.rows():
        if not isinstance(value, dict):
            source.leave_out("rows that are no objects", where)
        elif isinstance(value.get("conversation"), list):
            yield _of_export(value, where, source.account)
        elif isinstance(value.get("role"), str):
            name = a_word(value.get("session_id"))
            builder = sessions.get(name)
            if builder is None:
                builder = sessions.pop("") if "" in sessions else _opened(source.account, name)
                sessions[name] = builder
                builder.id = builder.id or name
            _take(builder, value, where)
        elif "working_dir" in value:  # the first line of a session file
            builder = sessions.setdefault("", _opened(source.account, a_word(value.get("id"))))
            builder.source |= {key: value[key] for key in _ABOUT if value.get(key)}
            source.account.used()
        else:
            source.leave_out("rows without a message", where)
    yield from sessions.values()


def _opened(rows: RowAccount, run_id: str) -> RunBuilder:
    builder = RunBuilder(rows, run_id=run_id)
    builder.agent = Agent(name="goose", framework="goose")
    return builder


def _of_export(value: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    builder = _opened(rows, a_word(value.get("id")))
    builder.source = {key: value[key] for key in _ABOUT if value.get(key)}
    model = a_word(an_object(value.get("model_config")).get("model_name"))
    provider = a_word(value.get("provider_name"))
    builder.request = replace(builder.request, model=model, provider=provider)
    messages = value["conversation"]
    places = [f"{where}.conversation[{n}]".lstrip(".") for n in range(len(messages))]
    rows.divide(*places)
    for message, place in zip(messages, places, strict=True):
        rows.turn_to(place)
        _take(builder, an_object(message), place)
    rows.turn_away()
    return builder


def _take(builder: RunBuilder, value: dict[str, Any], where: str) -> None:
    written = value.get("content_json", value.get("content"))
    blocks = embedded(written) if isinstance(written, str) else written
    role = a_word(value.get("role"))
    at = time_of(value.get("created_timestamp") or value.get("created") or value.get("timestamp"))
    base = Message(role=role, started=at, where=where)
    plain, calls, answers, events = [], [], [], []
    for block in a_list(blocks) or [blocks]:
        kind = a_word(an_object(block).get("type"))
        if kind in {"toolRequest", "frontendToolRequest"}:
            calls.append(_call_of(block))
        elif kind == "toolResponse":
            answers.append(_answer(block))
        elif kind in _BLOCKS:
            events.append(block)
        else:
            plain.append(block)
    content = content_of(plain)
    words = (content.text, content.reasoning, content.parts)
    message = ChatMessage(role, *words, calls=tuple(calls), answers=tuple(answers))
    if not (message.is_empty and events):
        builder.add_message(message, base)
    for block in events:
        name = a_word(block.get("type"))
        text = (
            a_word(block.get("msg")) or a_word(block.get("prompt")) or a_word(block.get("toolName"))
        )
        kind = "permission" if name == "toolConfirmationRequest" else "summary"
        builder.add_event(Event(kind, name=name, text=text, started=at, where=where))


def _call_of(block: dict[str, Any]) -> ToolCallRequest:
    fields = an_object(block.get("toolCall"))
    call = an_object(fields.get("value")) or fields
    source = {"error": fields["error"]} if fields.get("error") else {}
    name = a_word(call.get("name")) or "unknown"
    return ToolCallRequest(name, call.get("arguments"), a_word(block.get("id")), source)


def _answer(block: dict[str, Any]) -> ToolResult:
    fields = an_object(block.get("toolResult"))
    value = fields.get("value")
    inner = an_object(value)
    raw = inner.get("content", value)
    content = content_of(raw if isinstance(raw, list | str) else None)
    result = raw if content.parts else content.text
    error = a_word(fields.get("error"))
    failed = fields.get("status") == "error" or inner.get("isError") is True
    text = error or content.text
    failure = Failure.named("tool_error", text) if failed else None
    source = {} if failed else {"is_error": False}
    return ToolResult(a_word(block.get("id")), result or error, failure, source=source)


IMPORTER = Importer(
    "goose",
    "sessions of Goose: rows of its database, session files, exports",
    _recognise,
    _read,
)
