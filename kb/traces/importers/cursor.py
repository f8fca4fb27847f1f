"""Runs from transcripts of Cursor's agent: one message a line, no times, often no results.

What a person asked stands in `<user_query>`; what the editor adds stands around it. Calls have no
ids, and what came back is mostly not kept. Cursor documents no schema: read after transcripts of
`~/.cursor/projects/*/agent-transcripts` (November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.source import Source
from kb.traces.decoding.times import time_of
from kb.traces.importers.blocks import a_word, an_object
from kb.traces.importers.importer import Importer
from kb.traces.importers.message_dialects import said_of
from kb.traces.normalize.chat_message import ChatMessage
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_BEGIN, _END = "<user_query>", "</user_query>"
_ROLES = {"user", "assistant"}
_OTHER_IDS = ("uuid", "sessionId", "parentUuid", "session_id", "type")


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    told = sum(map(_is_message, rows))
    return "messages with a role beside a message with content" if told > len(rows) / 2 else ""


def _is_message(row: dict[str, Any]) -> bool:
    is_plain = not any(key in row for key in _OTHER_IDS)
    message = row.get("message")
    told = isinstance(message, dict) and "content" in message and "role" not in message
    return is_plain and told and a_word(row.get("role")) in _ROLES


def _read(source: Source) -> Iterator[RunBuilder]:
    builder = RunBuilder(source.account)
    builder.agent = Agent(name="cursor", framework="cursor")
    for where, value in source.rows():
        if isinstance(value, dict) and _is_message(value):
            _take(builder, value, where)
        elif isinstance(value, dict) and value.get("type") == "turn_ended":
            _end(builder, value, where)
        else:
            source.leave_out("rows that are no messages", where)
    yield builder


def _take(builder: RunBuilder, value: dict[str, Any], where: str) -> None:
    said = said_of({"role": value["role"], "content": value["message"]["content"]})
    if said is None:
        builder.leave_out("messages that cannot be read")
        return
    base = Message(role=said.role, where=where, started=time_of(value.get("timestamp")))
    asked, around = _queries(said.text) if said.role == "user" else ([], "")
    if not asked:
        builder.add_message(said, base)
        return
    if around:
        builder.add_message(ChatMessage("developer", around), replace(base, role="developer"))
    rest = ChatMessage("user", "\n".join(asked), parts=said.parts, answers=said.answers)
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
    failure = Failure(type=status, message=text[:500])
    builder.add_event(Event("error", name=status, text=text, failure=failure, where=where))


IMPORTER = Importer(
    "cursor",
    "transcripts of Cursor's agent",
    _recognise,
    _read,
)
