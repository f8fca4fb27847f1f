"""Runs from Cursor's agent: transcripts, one message a line, and composers of the editor's store.

In transcripts what a person asked stands in `<user_query>`; what the editor adds stands around it.
Calls have no ids, and what came back is mostly not kept. A composer of `state.vscdb` has bubbles:
1 is a person's, 2 the agent's, with a call and its result in `toolFormerData`. Cursor documents no
schema: read after `~/.cursor/projects/*/agent-transcripts` and what readers of its store look for
(November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import arguments_of, embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.messages.dialects import chat_message_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_BEGIN, _END = "<user_query>", "</user_query>"
_ROLES = {"user", "assistant"}
_OTHER_IDS = ("uuid", "sessionId", "parentUuid", "session_id", "type")


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any(map(_is_composer, rows)):
        return "a composer with its bubbles"
    count = sum(map(_is_message, rows))
    return "messages with a role beside a message with content" if count > len(rows) / 2 else ""


def _is_composer(row: dict[str, Any]) -> bool:
    return isinstance(row.get("composerData"), dict) and isinstance(row.get("bubbles"), list)


def _is_message(row: dict[str, Any]) -> bool:
    is_plain = not any(key in row for key in _OTHER_IDS)
    message = row.get("message")
    is_content = isinstance(message, dict) and "content" in message and "role" not in message
    return is_plain and is_content and a_word(row.get("role")) in _ROLES


def _read(source: Source) -> Iterator[RunBuilder]:
    builder = _opened(source.account)
    for where, value in source.rows():
        if isinstance(value, dict) and _is_composer(value):
            yield _of_composer(value, where, source.account)
        elif isinstance(value, dict) and _is_message(value):
            _take(builder, value, where)
        elif isinstance(value, dict) and value.get("type") == "turn_ended":
            _end(builder, value, where)
        else:
            source.leave_out("rows that are no messages", where)
    yield builder


def _opened(rows: RowAccount) -> RunBuilder:
    builder = RunBuilder(rows)
    builder.agent = Agent(name="cursor", framework="cursor")
    return builder


def _of_composer(value: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    composer, bubbles = value["composerData"], value["bubbles"]
    builder = _opened(rows)
    builder.id = a_word(composer.get("composerId"))
    builder.source = {key: composer[key] for key in ("name", "status") if composer.get(key)}
    model = a_word(an_object(composer.get("modelConfig")).get("modelName"))
    builder.request = replace(builder.request, model=model)
    places = [f"{where}.bubbles[{number}]".lstrip(".") for number in range(len(bubbles))]
    rows.divide(*places)
    for bubble, place in zip(map(an_object, bubbles), places, strict=True):
        rows.turn_to(place)
        _take_bubble(builder, bubble, place)
    rows.turn_away()
    return builder


def _take_bubble(builder: RunBuilder, bubble: dict[str, Any], where: str) -> None:
    role = _BUBBLES.get(str(bubble.get("type")), "")
    tool = an_object(bubble.get("toolFormerData"))
    text = a_word(bubble.get("text"))
    if not role or not (text or tool.get("name") or bubble.get("thinking")):
        builder.leave_out("bubbles that say nothing", str(bubble.get("type"))[:20])
        return
    asked, answers = _of_tool(tool, where) if tool.get("name") else ((), ())
    thought = bubble.get("thinking")
    message = ChatMessage(
        role, text, a_word(an_object(thought).get("text")) or a_word(thought), calls=asked
    )
    base = Message(role=role, where=where, started=time_of(bubble.get("createdAt")))
    builder.add_message(message, base)
    if answers:
        builder.add_message(ChatMessage("tool", answers=answers), replace(base, role="tool"))


_BUBBLES = {"1": "user", "2": "assistant"}
_FAILED = {"error", "cancelled", "rejected"}
_ENDED = {"completed", *_FAILED}


def _of_tool(
    tool: dict[str, Any], where: str
) -> tuple[tuple[ToolCallRequest, ...], tuple[ToolResult, ...]]:
    """The call of a bubble, and what came back, if anything did."""
    written = tool.get("rawArgs") or tool.get("params")
    name, call_id = a_word(tool.get("name")), a_word(tool.get("toolCallId")) or where
    asked = ToolCallRequest(name, arguments_of(written), call_id)
    status, result = a_word(tool.get("status")), embedded(tool.get("result"))
    if not result and status not in _ENDED:
        return (asked,), ()
    error = an_object(embedded(tool.get("error")))
    text = a_word(error.get("clientVisibleErrorMessage")) or a_word(error.get("message"))
    failed = status in _FAILED
    failure = Failure.named(status, text or a_word(result)) if failed else None
    return (asked,), (ToolResult(call_id, result, failure),)


def _take(builder: RunBuilder, value: dict[str, Any], where: str) -> None:
    message = chat_message_of({"role": value["role"], "content": value["message"]["content"]})
    if message is None:
        builder.leave_out("messages that cannot be read")
        return
    base = Message(role=message.role, where=where, started=time_of(value.get("timestamp")))
    asked, around = _queries(message.text) if message.role == "user" else ([], "")
    if not asked:
        builder.add_message(message, base)
        return
    if around:
        builder.add_message(ChatMessage("developer", around), replace(base, role="developer"))
    rest = ChatMessage("user", "\n".join(asked), parts=message.parts, answers=message.answers)
    builder.add_message(rest, base)


def _queries(text: str) -> tuple[list[str], str]:
    """What a person asked, and what stands around it."""
    pieces = text.split(_BEGIN)
    asked: list[str] = []
    around = [pieces[0]]
    for piece in pieces[1:]:
        query, end, after = piece.partition(_END)
        asked += [query.strip()] if end else []
        around.append(after if end else f"{_BEGIN}{piece}")
    return asked, "".join(around).strip()


def _end(builder: RunBuilder, value: dict[str, Any], where: str) -> None:
    status = a_word(value.get("status"))
    text = a_word(value.get("error")) or a_word(an_object(value.get("error")).get("message"))
    if status in {"", "success", "completed", "finished"}:
        builder.leave_out("ends of turns", status)
        return
    failure = Failure.named(status, text)
    builder.add_event(Event("error", name=status, text=text, failure=failure, where=where))


IMPORTER = Importer(
    "cursor",
    "transcripts of Cursor's agent, composers of its store",
    _recognise,
    _read,
)
