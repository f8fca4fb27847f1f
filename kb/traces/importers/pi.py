"""Runs from sessions of pi, and of OpenClaw that is built on it: entries of a tree, one a line.

An entry names the one it follows; a session that was rewound has several branches, all of which
happened, and are told in the order of the file. Read after the format that pi documents (version
3, August 2026): https://github.com/badlogic/pi-mono/blob/main/packages/coding-agent/docs/session.md
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source, SourceRow
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_word, an_object, content_of
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import is_number, usage_of
from kb.traces.normalize.chat_message import ChatMessage
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, ToolCall

_ABOUT = ("cwd", "version", "parentSession")
_SUMMARIES = {"compaction", "branch_summary"}
_OF_SUMMARY = {"compactionSummary", "branchSummary"}
_OTHER = "entries of other types"


def _recognise(source: Source) -> str:
    rows = [row for row in source.head if isinstance(row, dict)]
    if any(map(_is_header, rows)):
        return "a session with a version and a cwd"
    return "messages with an id and a parentId" if any(map(_is_entry, rows)) else ""


def _is_entry(row: dict[str, Any]) -> bool:
    """Whether a row is a message of a session; the header is missing where a part was cut out."""
    is_message = row.get("type") == "message" and "role" in an_object(row.get("message"))
    return is_message and "id" in row and "parentId" in row


def _is_header(row: dict[str, Any]) -> bool:
    return row.get("type") == "session" and "cwd" in row and ("version" in row or "id" in row)


def _read(source: Source) -> Iterator[RunBuilder]:
    session: _Session | None = None
    for row in source.rows():
        if not isinstance(row.value, dict):
            source.leave_out("rows that are no objects", row.where)
            continue
        if _is_header(row.value) and session is not None:
            yield session.builder
            session = None
        session = session or _Session(source.account)
        session.take(row)
    if session is not None:
        yield session.builder


class _Session:
    """A session that is fed with its entries."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = RunBuilder(rows)
        self.builder.tells_errors = True
        self.builder.agent = Agent(name="pi", framework="pi")
        self._told: set[str] = set()
        self._last = ""

    def take(self, row: SourceRow) -> None:
        """Add what one entry tells."""
        value, kind = row.value, a_word(row.value.get("type"))
        message = value.get("message")
        at = time_of(value.get("timestamp"))
        base = Message(role="assistant", started=at, where=row.where)
        if kind == "message" and isinstance(message, dict):
            self._note_branch(value, base)
            self._take_message(message, base)
        elif kind == "session":
            self._begin(value)
        elif kind == "model_change":
            self._take_model(value, base)
        elif kind in _SUMMARIES:
            self.builder.add_event(
                Event("summary", name=kind, text=a_word(value.get("summary"))), base
            )
        elif kind == "custom_message":
            content = content_of(value.get("content"))
            chat_message = ChatMessage("developer", content.text, parts=content.parts)
            self.builder.add_message(chat_message, replace(base, role="developer"))
        else:
            self.builder.leave_out(_OTHER, kind)

    def _begin(self, header: dict[str, Any]) -> None:
        self.builder.rows.used()
        self.builder.id = a_word(header.get("id"))
        self.builder.source = {key: header[key] for key in _ABOUT if header.get(key)}

    def _note_branch(self, value: dict[str, Any], base: Message) -> None:
        """Say where the talk went back to an earlier entry: the model forgot what was between."""
        above, own = a_word(value.get("parentId")), a_word(value.get("id"))
        if above in self._told and above != self._last:
            self.builder.add_event(
                Event("rewind", name="branch", text=f"the talk goes on from entry {above}"), base
            )
        self._told.add(own)
        self._last = own

    def _take_model(self, value: dict[str, Any], base: Message) -> None:
        request = self.builder.request
        model, provider = a_word(value.get("modelId")), a_word(value.get("provider"))
        if request.model:
            self.builder.add_event(Event("model", name=model, text=f"{provider}/{model}"), base)
            return
        self.builder.rows.used()
        self.builder.request = replace(request, model=model, provider=provider)

    def _take_message(self, message: dict[str, Any], base: Message) -> None:
        role = a_word(message.get("role"))
        if role == "bashExecution":
            self._take_bash(message, base)
        elif role in _OF_SUMMARY:
            self.builder.add_event(
                Event("summary", name=role, text=a_word(message.get("summary"))), base
            )
        elif role in {"custom", "hookMessage"}:
            content = content_of(message.get("content"))
            chat_message = ChatMessage("developer", content.text, parts=content.parts)
            self.builder.add_message(chat_message, replace(base, role="developer"))
        else:
            self._take_said(message, base, role)

    def _take_said(self, message: dict[str, Any], base: Message, role: str) -> None:
        chat_message = chat_message_of(message)
        if chat_message is None:
            self.builder.leave_out("messages that cannot be read", role)
        elif chat_message.role == "assistant":
            self._take_answer(chat_message, message, base)
        else:
            self.builder.add_message(chat_message, replace(base, role=chat_message.role))

    def _take_answer(
        self, chat_message: ChatMessage, message: dict[str, Any], base: Message
    ) -> None:
        usage = an_object(message.get("usage"))
        cost = an_object(usage.get("cost")).get("total")
        counts = usage_of(usage)
        cached, written = usage.get("cacheRead"), usage.get("cacheWrite")
        if is_number(cached) and "input_tokens" in counts:
            counts["cached_tokens"] = int(cached or 0)
            more = int(written or 0) if is_number(written) else 0
            counts["input_tokens"] += counts["cached_tokens"] + more
        if is_number(cost) and cost:
            counts["cost_usd"] = float(cost)
        self.builder.add_message(
            chat_message, replace(base, model=a_word(message.get("model")), **counts)
        )
        text = a_word(message.get("errorMessage"))
        stop = a_word(message.get("stopReason"))
        if text or stop in {"error", "aborted"}:
            failure = Failure.named(stop, text)
            self.builder.add_event(
                Event("error", name=stop or "error", text=text, failure=failure), base
            )

    def _take_bash(self, message: dict[str, Any], base: Message) -> None:
        """A command that a person ran in the session themselves."""
        code, output = message.get("exitCode"), a_word(message.get("output"))
        failure = None
        if isinstance(code, int) and code != 0:
            failure = Failure.exit(code, output)
        elif message.get("cancelled") is True:
            failure = Failure.named("cancelled", output)
        self.builder.execute(
            ToolCall(
                tool="bash",
                id="",
                arguments={"command": message.get("command")},
                result=output,
                failure=failure,
                agent="user",
                started=base.started,
                where=base.where,
                source={"role": "bashExecution"},
            )
        )


IMPORTER = Importer(
    "pi",
    "sessions of pi and OpenClaw",
    _recognise,
    _read,
)
