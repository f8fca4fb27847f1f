"""Runs from the events that the Gemini CLI prints with `--output-format stream-json`, one a line.

Words come in pieces, a call and its result in an event each. Read after `output/types.ts` of the
Gemini CLI (August 2026):
https://github.com/google-gemini/gemini-cli/blob/main/packages/core/src/output/types.ts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message


def _recognise(source: Source) -> str:
    rows = [row for row in source.head if isinstance(row, dict)]
    is_read = any(map(_is_start, rows)) or any(map(_is_call, rows))
    return "events of a stream with a tool_id" if is_read else ""


def _is_start(row: dict[str, Any]) -> bool:
    return row.get("type") == "init" and "session_id" in row and "model" in row


def _is_call(row: dict[str, Any]) -> bool:
    return row.get("type") == "tool_use" and "tool_id" in row and "parameters" in row


def _read(source: Source) -> Iterator[RunBuilder]:
    stream = _Stream(source.account)
    for where, value in source.rows():
        if not isinstance(value, dict):
            source.leave_out("rows that are no objects", where)
            continue
        if _is_start(value) and stream.builder.id:
            yield stream.finished()
            stream = _Stream(source.account)
        stream.take(value, where)
    yield stream.finished()


class _Stream:
    """A run that is fed with its events."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = RunBuilder(rows)
        self.builder.tells_errors = True
        self.builder.agent = Agent(name="gemini-cli", framework="gemini-cli")
        #: The step whose words may go on in the next event, and the pieces of them so far.
        self._going_on: int | None = None
        self._pieces: list[str] = []

    def finished(self) -> RunBuilder:
        """The run of all events that were taken."""
        self._join()
        return self.builder

    def _join(self) -> None:
        """Put the pieces of a message together, once: each time anew would be quadratic."""
        step, self._going_on = self._going_on, None
        if step is not None and len(self._pieces) > 1:
            message = replace(self.builder.steps[step], text="".join(self._pieces))
            self.builder.steps[step] = message
        self._pieces = []

    def take(self, value: dict[str, Any], where: str) -> None:
        """Add what one event tells."""
        kind = a_word(value.get("type"))
        base = Message(role="assistant", started=time_of(value.get("timestamp")), where=where)
        if kind == "message":
            self._take_words(value, base)
            return
        self._join()
        if kind == "init":
            self._begin(value)
        elif kind == "tool_use":
            name = a_word(value.get("tool_name")) or "unknown"
            call = ToolCallRequest(name, value.get("parameters"), a_word(value.get("tool_id")))
            self.builder.ask(call, base)
        elif kind == "tool_result":
            self._take_result(value, base)
        elif kind == "error":
            text = a_word(value.get("message"))
            self._take_error(a_word(value.get("severity")) or "error", text, base)
        elif kind == "result":
            self._end(value, base)
        else:
            self.builder.leave_out("events of other types", kind)

    def _begin(self, value: dict[str, Any]) -> None:
        builder = self.builder
        builder.rows.used()
        builder.id = builder.conversation = a_word(value.get("session_id"))
        model = a_word(value.get("model"))
        builder.request = replace(builder.request, model=model, provider="gemini")

    def _take_words(self, value: dict[str, Any], base: Message) -> None:
        """Words; pieces of the model are one message while nothing is between them."""
        role, text = a_word(value.get("role")) or "assistant", a_word(value.get("content"))
        last = None if self._going_on is None else self.builder.steps[self._going_on]
        if isinstance(last, Message) and value.get("delta") and last.role == role:
            self.builder.rows.used()
            self._pieces.append(text)
            return
        self._join()
        step = self.builder.add_message(ChatMessage(role, text), replace(base, role=role))
        if value.get("delta"):
            self._going_on, self._pieces = step, [text]

    def _take_result(self, value: dict[str, Any], base: Message) -> None:
        error = an_object(value.get("error"))
        output = a_word(value.get("output")) or a_word(error.get("message"))
        failed = value.get("status") == "error"
        kind = a_word(error.get("type")) or "tool_error"
        failure = Failure.named(kind, output) if failed else None
        self.builder.answer(ToolResult(a_word(value.get("tool_id")), output, failure), base)

    def _take_error(self, kind: str, text: str, base: Message) -> None:
        failure = Failure.named(kind, text) if kind == "error" else None
        self.builder.add_event(
            Event(kind=kind, text=text, failure=failure, started=base.started, where=base.where)
        )

    def _end(self, value: dict[str, Any], base: Message) -> None:
        """How the run ended, and what it used in all."""
        stats = an_object(value.get("stats"))
        if stats:
            self.builder.rows.used()
            self.builder.source["stats"] = stats
        if value.get("status") == "error":
            self._take_error("error", a_word(an_object(value.get("error")).get("message")), base)


IMPORTER = Importer(
    "gemini-stream",
    "events of the Gemini CLI (--output-format stream-json)",
    _recognise,
    _read,
)
