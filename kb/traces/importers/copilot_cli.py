"""Runs from `events.jsonl` of the GitHub Copilot CLI: rows of a type, a time and data.

The model's messages ask for the calls; events of the tools tell again what was asked, and alone
know when a call began, what came back and whether it went well. Rows of a sub-agent name the call
that started it. Read after the types that GitHub publishes with its SDK (session-events, August
2026): https://github.com/github/copilot-sdk/blob/main/nodejs/src/generated/session-events.ts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source, SourceRow
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.model_requests import usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

#: Types of rows that no other log has, each with data.
_SURE = frozenset(
    {"session.start", "session.resume", "user.message", "assistant.message", "session.shutdown"}
    | {"assistant.turn_start", "tool.execution_start", "tool.execution_complete"}
)
_OTHER = "rows of other types"
#: What is told again by `assistant.message`.
_FRAGMENTS = {"assistant.message_delta", "assistant.reasoning_delta", "assistant.streaming_delta"}
_ERRORS = {"session.error", "model.call_failure", "subagent.failed", "abort"}
_EVENTS = {
    "session.compaction_complete": "summary",
    "session.task_complete": "summary",
    "session.model_change": "model",
    "session.snapshot_rewind": "rewind",
    "session.context_cleared": "rewind",
    "subagent.started": "agent",
    "subagent.completed": "agent",
    "skill.invoked": "skill",
    "permission.completed": "permission",
    "session.handoff": "handoff",
}
_TEXTS = ("summaryContent", "summary", "content", "message", "errorMessage", "reason", "newModel")
_NAMES = ("agentName", "name", "errorType")
_ALLOWED = ("approved", "allow", "no-result")


def _recognise(source: Source) -> str:
    is_read = any(
        isinstance(row, dict) and a_word(row.get("type")) in _SURE and _has_data(row)
        for row in source.head
    )
    return "rows with a type such as session.start and data" if is_read else ""


def _has_data(row: dict[str, Any]) -> bool:
    return isinstance(row.get("data"), dict)


def _read(source: Source) -> Iterator[RunBuilder]:
    session = _Session(source.account)
    for row in source.rows():
        if isinstance(row.value, dict) and _has_data(row.value):
            session.take(row)
        else:
            source.leave_out("rows without data", row.where)
    yield session.builder


class _Session:
    """A session that is fed with its rows."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = RunBuilder(rows)
        self.builder.tells_errors = True
        self.builder.agent = Agent(name="copilot-cli", framework="copilot-cli")
        self._answers: dict[str, int] = {}
        self._thought: str = ""

    def take(self, row: SourceRow) -> None:
        """Add what one row tells."""
        kind, data = a_word(row.value.get("type")), row.value["data"]
        base = Message(
            role="assistant",
            agent=a_word(row.value.get("agentId")),
            parent=a_word(data.get("parentToolCallId")),
            started=time_of(row.value.get("timestamp")),
            where=row.where,
        )
        if kind in {"session.start", "session.resume"}:
            self._take_start(data)
        elif kind in _MESSAGES:
            self._take_words(kind, data, base)
        elif kind == "assistant.message":
            self._take_answer(data, base)
        elif kind in {"tool.execution_start", "tool.user_requested"}:
            self._take_call(data, base)
        elif kind == "tool.execution_complete":
            self._take_result(data, base)
        elif kind in _FRAGMENTS:
            self.builder.rows.repeated()
        else:
            self._take_other(kind, data, base)

    def _take_start(self, data: dict[str, Any]) -> None:
        builder = self.builder
        builder.rows.used()
        builder.id = builder.id or a_word(data.get("sessionId"))
        version = a_word(data.get("copilotVersion")) or builder.agent.version
        builder.agent = replace(builder.agent, version=version)
        model = a_word(data.get("selectedModel"))
        builder.request = replace(builder.request, model=builder.request.model or model)
        builder.source |= {
            key: part for key, part in an_object(data.get("context")).items() if part
        }

    def _take_words(self, kind: str, data: dict[str, Any], base: Message) -> None:
        role = _MESSAGES[kind]
        if kind == "user.message" and a_word(data.get("source")) not in {"", "user"}:
            role = "developer"  # the program, a skill or a hook speaks in the name of the user
        if kind == "system.message":
            role = a_word(data.get("role")) or role
        text = a_word(data.get("content"))
        parts = tuple(a_list(data.get("attachments")))
        self.builder.add_message(ChatMessage(role, text, parts=parts), replace(base, role=role))

    def _take_answer(self, data: dict[str, Any], base: Message) -> None:
        """An answer of the model; one that came in pieces has one id."""
        thought = a_word(data.get("reasoningText"))
        message = ChatMessage(
            "assistant",
            a_word(data.get("content")),
            "" if thought == self._thought else thought,
            calls=tuple(_call_of(one) for one in map(an_object, a_list(data.get("toolRequests")))),
        )
        self._thought = ""
        key = a_word(data.get("messageId"))
        step = self._answers.get(key) if key else None
        if step is not None:
            self._go_on(step, message, base)
            return
        usage = usage_of(data)
        model = a_word(data.get("model"))
        step = self.builder.add_message(
            message, replace(base, model=model, response_id=key, **usage)
        )
        if step is not None:
            self._answers[key] = step
        if model and not self.builder.request.model:
            self.builder.request = replace(self.builder.request, model=model)

    def _go_on(self, step: int, message: ChatMessage, base: Message) -> None:
        known = self.builder.steps[step]
        if isinstance(known, Message) and message.text != known.text:
            self.builder.rows.used()
            self.builder.steps[step] = replace(known, text=known.text + message.text)
        for call in message.calls:
            self.builder.ask(call, base, step)
        self.builder.rows.repeated()

    def _take_call(self, data: dict[str, Any], base: Message) -> None:
        call_id = a_word(data.get("toolCallId"))
        known = self.builder.call(call_id)
        if known is None:
            self.builder.ask(_call_of({**data, "name": data.get("toolName")}), base)
        else:  # the time at which it began, and the server of an MCP tool
            server = a_word(data.get("mcpServerName"))
            more = {"mcpServerName": server} if server else {}
            self.builder.amend(call_id, started=base.started, source={**known.source, **more})

    def _take_result(self, data: dict[str, Any], base: Message) -> None:
        fields = an_object(data.get("result"))
        error = an_object(data.get("error"))
        result = fields.get("content", data.get("result"))
        message = a_word(error.get("message"))
        failed = data.get("success") is False
        failure = Failure.named(_error_type(error), message) if failed else None
        answer = ToolResult(
            a_word(data.get("toolCallId")),
            result if result is not None else message,
            failure,
            a_word(data.get("toolName")),
        )
        self.builder.answer(answer, base)

    def _take_other(self, kind: str, data: dict[str, Any], base: Message) -> None:
        if kind == "assistant.reasoning":
            self._thought = a_word(data.get("content"))
            self.builder.add_message(ChatMessage("assistant", reasoning=self._thought), base)
        elif kind in _ERRORS:
            self._add_event("error", kind, data, base, is_failure=True)
        elif kind == "hook.end" and data.get("success") is False:
            self._add_event("guardrail", "hook", data, base, is_failure=True)
        elif kind == "session.shutdown":
            self.builder.rows.used()
            self.builder.source["shutdown"] = data
        elif kind in _EVENTS:
            result = a_word(an_object(data.get("result")).get("kind"))
            is_refused = kind == "permission.completed" and not result.startswith(_ALLOWED)
            self._add_event(_EVENTS[kind], kind, data, base, is_failure=is_refused)
        else:
            self.builder.leave_out(_OTHER, kind)

    def _add_event(
        self, kind: str, name: str, data: dict[str, Any], base: Message, *, is_failure: bool
    ) -> None:
        words = (data.get(key) for key in _TEXTS)
        result, error = an_object(data.get("result")), an_object(data.get("error"))
        reason = a_word(result.get("kind")) or a_word(error.get("message"))
        text = next((one for one in words if isinstance(one, str) and one), reason)
        named = next((a_word(data.get(key)) for key in _NAMES if data.get(key)), name)
        type_ = "rejected" if kind == "permission" else name
        event = Event(
            kind=kind,
            name=named,
            text=text,
            failure=Failure.named(type_, text) if is_failure else None,
            parent=base.parent or (a_word(data.get("toolCallId")) if kind == "agent" else ""),
            agent=base.agent,
            started=base.started,
            where=base.where,
        )
        self.builder.add_event(event)


_MESSAGES = {
    "user.message": "user",
    "system.message": "system",
    "system.notification": "developer",
}


def _call_of(fields: dict[str, Any]) -> ToolCallRequest:
    name = a_word(fields.get("name")) or "unknown"
    return ToolCallRequest(name, fields.get("arguments"), a_word(fields.get("toolCallId")))


def _error_type(error: dict[str, Any]) -> str:
    code = a_word(error.get("code"))
    return "rejected" if code in {"denied", "rejected"} else code or "error"


IMPORTER = Importer(
    "copilot-cli",
    "events.jsonl of the GitHub Copilot CLI",
    _recognise,
    _read,
)
