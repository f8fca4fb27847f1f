"""Runs from chats of the Gemini CLI: one object with its messages, or one record a line.

A record is written again when it grows: the last of an id is the message. What was rewound has
happened all the same, and stays. Calls stand in the message that asked for them, with what came
back. Read after `chatRecordingTypes.ts` of the Gemini CLI (August 2026):
https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/services/chatRecordingTypes.ts
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
from kb.traces.messages.model_requests import is_number
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_ABOUT = ("projectHash", "summary", "directories", "kind")
_ANSWERS = {"gemini", "model"}
_EVENTS = {"info", "error", "warning"}
_NO_MESSAGES = "records that are no messages"


def _recognise(source: Source) -> str:
    is_read = any(isinstance(row, dict) and _is_head(row) for row in source.head)
    return "a chat with a sessionId and a projectHash" if is_read else ""


def _is_head(row: dict[str, Any]) -> bool:
    has_ids = isinstance(row.get("sessionId"), str) and isinstance(row.get("projectHash"), str)
    return has_ids and ("messages" in row or "startTime" in row or "kind" in row)


def _read(source: Source) -> Iterator[RunBuilder]:
    chat: _Chat | None = None
    for where, value in source.rows():
        if not isinstance(value, dict):
            source.leave_out("rows that are no objects", where)
        elif _is_head(value) and not (chat and chat.builder.id == value["sessionId"]):
            if chat is not None:
                yield chat.finished()
            chat = _Chat(source.account)
            chat.begin(value, where)
        else:
            chat = chat or _Chat(source.account)
            chat.take(value, where)
    if chat is not None:
        yield chat.finished()


class _Chat:
    """A chat that is fed with its records."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = RunBuilder(rows)
        self.builder.tells_errors = True
        self.builder.agent = Agent(name="gemini-cli", framework="gemini-cli")
        self._records: dict[str, tuple[dict[str, Any], str]] = {}
        self._places: dict[str, list[str]] = {}

    def begin(self, head: dict[str, Any], where: str) -> None:
        """What a chat says of itself, with its messages where it is told whole."""
        self.builder.rows.used()
        self.builder.id = self.builder.conversation = a_word(head.get("sessionId"))
        self._note(head)
        if isinstance(head.get("messages"), list):
            self._take_all(head["messages"], f"{where}.messages" if where else "messages")

    def take(self, value: dict[str, Any], where: str) -> None:
        """One record of a chat that is told line by line."""
        update = value.get("$set")
        if isinstance(value.get("$rewindTo"), str):
            self._keep({"type": "rewind", "content": value["$rewindTo"]}, where, where)
        elif isinstance(update, dict):
            self._note(update)
            self.builder.rows.left_out("changes of what the chat says of itself")
            for message in a_list(update.get("messages")):
                if isinstance(message, dict):
                    self._keep(message, where, a_word(message.get("id")))
        elif "type" in value and ("content" in value or "parts" in value or "toolCalls" in value):
            self._keep(value, where, a_word(value.get("id")))
        elif _is_head(value):
            self._note(value)
            self.builder.rows.repeated()
        else:
            self.builder.leave_out(_NO_MESSAGES)

    def _note(self, fields: dict[str, Any]) -> None:
        self.builder.source |= {key: fields[key] for key in _ABOUT if fields.get(key)}

    def _take_all(self, messages: list[Any], where: str) -> None:
        rows = self.builder.rows
        rows.divide(*(f"{where}[{number}]" for number in range(len(messages))))
        for number, message in enumerate(messages):
            rows.turn_to(f"{where}[{number}]")
            if isinstance(message, dict):
                self._keep(message, f"{where}[{number}]", a_word(message.get("id")))
            else:
                self.builder.leave_out(_NO_MESSAGES)
        rows.turn_away()

    def _keep(self, record: dict[str, Any], where: str, key: str) -> None:
        """Hold a record until all are known: an earlier one of its id is told again by it."""
        places = self._places.setdefault(key or where, [])
        for earlier in places:
            self.builder.rows.share(earlier, where)
        places.append(where)
        self._records[key or where] = (record, where)

    def finished(self) -> RunBuilder:
        """The builder with all that was said and done, in the order of the first telling."""
        for record, where in self._records.values():
            self.builder.rows.turn_to(where)
            self._tell(record, where)
        self.builder.rows.turn_away()
        return self.builder

    def _tell(self, record: dict[str, Any], where: str) -> None:
        kind = a_word(record.get("type"))
        at = time_of(record.get("timestamp"))
        content = content_of(record.get("content") or record.get("parts"))
        base = Message(role="assistant", started=at, where=where)
        if kind == "user":
            message = ChatMessage(
                "user", content.text, parts=content.parts, answers=content.answers
            )
            self.builder.add_message(message, replace(base, role="user"))
        elif kind in _ANSWERS:
            self._tell_answer(record, ChatMessage("assistant", content.text), base)
        elif kind in _EVENTS or kind == "rewind":
            failure = Failure.named(kind, content.text)
            event = Event(kind=kind, text=content.text, started=at, where=where)
            is_error = kind == "error"
            self.builder.add_event(replace(event, failure=failure) if is_error else event)
        else:
            self.builder.leave_out("records of other types", kind)

    def _tell_answer(self, record: dict[str, Any], message: ChatMessage, base: Message) -> None:
        calls = [an_object(call) for call in a_list(record.get("toolCalls"))]
        thoughts = (_thought(an_object(one)) for one in a_list(record.get("thoughts")))
        asking = ChatMessage(
            "assistant",
            message.text,
            "\n".join(thought for thought in thoughts if thought),
            calls=tuple(_call_of(call) for call in calls),
        )
        tokens = an_object(record.get("tokens"))
        names = {"input_tokens": "input", "output_tokens": "output", "cached_tokens": "cached"}
        usage = {ours: int(tokens[k]) for ours, k in names.items() if is_number(tokens.get(k))}
        model = a_word(record.get("model"))
        self.builder.add_message(asking, replace(base, model=model, **usage))
        if model and not self.builder.request.model:
            self.builder.request = replace(self.builder.request, model=model, provider="gemini")
        for call in calls:
            self._answer(call, base)

    def _answer(self, call: dict[str, Any], base: Message) -> None:
        status = a_word(call.get("status"))
        content = content_of(call.get("result"))
        raw = content.answers[0].result if content.answers else content.text
        fields = raw if isinstance(raw, dict) else {}
        only = fields.get("output", fields.get("error")) if len(fields) == 1 else None
        result = only if only is not None else raw or call.get("resultDisplay")
        if result in (None, "") and status not in {"success", "error", "cancelled"}:
            return  # asked for, and the chat ends before its answer
        text = result if isinstance(result, str) else ""
        kind = "cancelled" if status == "cancelled" else "tool_error"
        failed = status in {"error", "cancelled"}
        failure = Failure.named(kind, text) if failed else None
        answer = ToolResult(a_word(call.get("id")), "" if result is None else result, failure)
        at = time_of(call.get("timestamp")) or base.started
        self.builder.answer(answer, replace(base, started=at))


def _thought(fields: dict[str, Any]) -> str:
    words = (a_word(fields.get("subject")), a_word(fields.get("description")))
    return ": ".join(word for word in words if word)


def _call_of(call: dict[str, Any]) -> ToolCallRequest:
    name = a_word(call.get("name")) or "unknown"
    return ToolCallRequest(name, call.get("args"), a_word(call.get("id")))


IMPORTER = Importer(
    "gemini-cli",
    "chats of the Gemini CLI, in one object or line by line",
    _recognise,
    _read,
)
