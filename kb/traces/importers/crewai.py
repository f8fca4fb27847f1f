"""Runs from events of CrewAI's event bus, one a line: a crew, its tasks, its model and its tools.

Calls of the model repeat all messages before them; a tool is told when it begins, and again when
it ends or fails. Events have no ids that join the two: the next end of a tool with equal arguments
is that of the call. Read after the event types of CrewAI (`crewai/events/types`, November 2026):
https://docs.crewai.com/en/concepts/event-listener
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source, SourceRow
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.messages.dialects import chat_messages_of
from kb.traces.messages.model_requests import tools_of, usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolResult, call_key
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, ToolCall

_KINDS = ("crew_kickoff_", "task_", "agent_execution_", "llm_call_", "tool_usage_", "agent_logs_")
_SURE = frozenset(
    {"source_fingerprint", "fingerprint_metadata", "source_type", "emission_sequence"}
)
_TOOL_ENDS = {"tool_usage_finished", "tool_usage_error", "tool_execution_error"}
_TOOL_ENDS |= {"tool_validate_input_error", "tool_selection_error"}
_REPEATED = {"agent_logs_started", "agent_logs_execution", "llm_stream_chunk"}
_REPEATED |= {"agent_reasoning_completed", "agent_execution_started"}
_ENDS = {"agent_execution_completed", "task_completed", "crew_kickoff_completed"}
_OTHER = "events of other types"


def _recognise(source: Source) -> str:
    return "events of a crew with their fingerprints" if any(map(_is_event, source.head)) else ""


def _is_event(value: Any) -> bool:
    if not isinstance(value, dict) or not _SURE & value.keys():
        return False
    return a_word(value.get("type")).startswith(_KINDS)


def _read(source: Source) -> Iterator[RunBuilder]:
    crew: _Crew | None = None
    for row in source.rows():
        if not isinstance(row.value, dict) or "type" not in row.value:
            source.leave_out("rows that are no events", row.where)
            continue
        begins = row.value["type"] == "crew_kickoff_started"
        if begins and crew is not None and crew.is_over:
            yield crew.builder
            crew = None
        crew = crew or _Crew(source.account)
        crew.take(row)
    if crew is not None:
        yield crew.builder


class _Crew:
    """One kick-off of a crew that is fed with its events."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = RunBuilder(rows)
        self.builder.agent = Agent(framework="crewai")
        self.is_over = False
        self._running: list[ToolCall] = []
        self._last_words = ""

    def take(self, row: SourceRow) -> None:
        """Add what one event tells."""
        value, kind = row.value, a_word(row.value.get("type"))
        base = Message(
            role="assistant",
            agent=a_word(value.get("agent_role")).strip(),
            started=time_of(value.get("timestamp")),
            where=row.where,
        )
        if kind == "crew_kickoff_started":
            self._begin(value)
        elif kind == "llm_call_started":
            self._take_request(value, base)
        elif kind == "llm_call_completed":
            self._take_answer(value, base)
        elif kind == "tool_usage_started":
            self._start(value, base)
        elif kind in _TOOL_ENDS:
            self._end(kind, value, base)
        elif kind in _ENDS:
            self._close(kind, value, base)
        elif kind.endswith(("_failed", "_error")):
            self._fail(kind, value, base)
        elif kind in _REPEATED:
            self.builder.rows.repeated()
        else:
            self._take_other(kind, value, base)

    def _begin(self, value: dict[str, Any]) -> None:
        self.builder.rows.used()
        self.builder.agent = Agent(name=a_word(value.get("crew_name")), framework="crewai")
        self.builder.source |= {
            key: value[key] for key in ("crew_name", "inputs") if value.get(key)
        }

    def _take_request(self, value: dict[str, Any], base: Message) -> None:
        builder = self.builder
        builder.offer(tools_of(value.get("tools")))
        model = a_word(value.get("model"))
        builder.request = replace(builder.request, model=builder.request.model or model)
        history = value.get("messages")
        messages = chat_messages_of(history) if history else []
        # Answers stand in them again, with what was observed put behind their words.
        asked = [message for message in messages if message.role in {"system", "developer", "user"}]
        builder.add_history(
            ((message, replace(base, role=message.role)) for message in asked), base.agent
        )

    def _take_answer(self, value: dict[str, Any], base: Message) -> None:
        response = value.get("response")
        text = response if isinstance(response, str) else ""
        if response and not text:
            text = a_word(an_object(response).get("content"))
        self._last_words = text
        usage = usage_of(value.get("usage"))
        full = replace(base, model=a_word(value.get("model")), **usage)
        self.builder.add_completion(ChatMessage("assistant", text), full, base.agent)

    def _start(self, value: dict[str, Any], base: Message) -> None:
        call = ToolCall(
            tool=a_word(value.get("tool_name")) or "unknown",
            id="",
            arguments=arguments_of(value.get("tool_args")),
            is_answered=False,
            agent=base.agent,
            started=base.started,
            where=base.where,
        )
        placed = self.builder.steps[self.builder.execute(call)]
        if isinstance(placed, ToolCall):
            self._running.append(placed)

    def _end(self, kind: str, value: dict[str, Any], base: Message) -> None:
        """The end of a call: of the first that runs with its arguments, else of its tool."""
        name = a_word(value.get("tool_name")) or "unknown"
        key = call_key(name, arguments_of(value.get("tool_args")))
        same = [c for c in self._running if call_key(c.tool, c.arguments) == key]
        same = same or [c for c in self._running if c.tool == name]
        if not same:
            self._start(value, base)
            same = self._running[-1:]
        call = same[0]
        self._running.remove(call)
        error = value.get("error")
        text = error if isinstance(error, str) else str(error or "")
        failure = Failure.named(kind, text) if kind != "tool_usage_finished" else None
        output = value.get("output")
        result = text if failure is not None else output if output is not None else ""
        source = {"from_cache": True} if value.get("from_cache") else {}
        self.builder.answer(ToolResult(call.id, result, failure, source=source), base)

    def _close(self, kind: str, value: dict[str, Any], base: Message) -> None:
        """The end of an agent, a task or the crew: its words, where no answer has them."""
        self.is_over = kind == "crew_kickoff_completed"
        output = value.get("output")
        text = output if isinstance(output, str) else a_word(an_object(output).get("raw"))
        if not text or text.strip() in self._last_words:
            self.builder.rows.repeated()
            return
        self._last_words += text
        self.builder.add_completion(ChatMessage("assistant", text), base, base.agent)

    def _fail(self, kind: str, value: dict[str, Any], base: Message) -> None:
        self.is_over = kind == "crew_kickoff_failed"
        text = str(value.get("error") or "")
        failure = Failure.named(kind, text)
        event = Event("error", name=kind, text=text, failure=failure, agent=base.agent)
        self.builder.add_event(event, base)

    def _take_other(self, kind: str, value: dict[str, Any], base: Message) -> None:
        if kind == "task_started":
            task = an_object(value.get("task"))
            text = a_word(task.get("description")) or a_word(value.get("task_name"))
            event = Event("task", name=a_word(task.get("name")), text=text, agent=base.agent)
            self.builder.add_event(event, base)
        elif kind == "llm_guardrail_completed" and value.get("success") is False:
            text = str(value.get("error") or "")
            failure = Failure.named("rejected", text)
            self.builder.add_event(Event("guardrail", text=text, failure=failure), base)
        else:
            self.builder.leave_out(_OTHER, kind)


IMPORTER = Importer(
    "crewai",
    "events of CrewAI",
    _recognise,
    _read,
)
