"""Runs from rollout files of the Codex CLI: rows of a timestamp, a type and a payload.

Messages, calls and results are `response_item`s; events repeat them, and alone know exit codes,
tokens and refusals. The thoughts of the model are encrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source, SourceRow
from kb.traces.importers.codex_rows import (
    PlainAnswer,
    PlainCall,
    PlainItem,
    PlainReasoning,
    plain_item,
)
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_word, an_object, content_of
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, Prompt, ToolCall

_ROW_TYPES = {"session_meta", "response_item", "event_msg", "turn_context", "compacted"}
_OTHER = "rows of other types"
#: Messages in the name of the user that the program writes itself begin so.
_WRITTEN_BY_PROGRAM = (
    "<environment_context>",
    "<user_instructions>",
    "<permissions",
    "<subagent_notification>",
    "<turn_aborted>",
    "<collaboration_mode>",
    "# AGENTS.md instructions",
)
_ENDS = {"exec_command_end", "patch_apply_end", "mcp_tool_call_end"}
_SEARCH_END = "web_search_end"
_ASKED = ("command", "changes")
_ERRORS = {"error", "stream_error", "turn_aborted"}
#: Events that tell a message again, which most files have as an item too; who says it.
_MESSAGES = {"user_message": "user", "agent_message": "assistant", "task_complete": "assistant"}
_WORDS = ("message", "text", "last_agent_message")
_REPEATED = {"agent_reasoning", "agent_message_delta"}
_ABOUT = (
    "cwd",
    "originator",
    "source",
    "git",
    "parent_thread_id",
    "agent_nickname",
    "history_mode",
)
_CONTEXT = ("approval_policy", "sandbox_policy", "effort", "timezone", "current_date")


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    payloads = (row for row in rows if isinstance(row.get("payload"), dict))
    if any(a_word(row.get("type")) in _ROW_TYPES for row in payloads):
        return "rows with a type and a payload"
    is_early = len(rows) == 1 and _is_early(rows[0]) and "id" in rows[0]["session"]
    return "a session and its items" if is_early else ""


def _read(source: Source) -> Iterator[RunBuilder]:
    session = _Session(source.account)
    for where, value in source.plain_rows(plain_item):
        if isinstance(value, PlainItem):
            session.take_plain(value, where)
        elif _is_early(value):
            for row in _rows_of_early(value, source):
                _take(session, row, source)
        else:
            _take(session, SourceRow(where, value), source)
    session.finish()
    yield session.builder


def _take(session: _Session, row: SourceRow, source: Source) -> None:
    if isinstance(row.value, dict) and isinstance(row.value.get("payload"), dict):
        session.take(row)
    else:
        source.leave_out("rows without a payload", row.where)


def _rows_of_early(value: dict[str, Any], source: Source) -> Iterator[SourceRow]:
    """The rows in the one object that early versions wrote, with a session and its items."""
    source.account.divide()
    parts = [("session", "session_meta", value["session"])]
    parts += [(f"items[{n}]", "response_item", item) for n, item in enumerate(value["items"])]
    for where, kind, payload in parts:
        source.account.turn_to(where)
        at = an_object(payload).get("timestamp")
        yield SourceRow(where, {"type": kind, "payload": payload, "timestamp": at})
    source.account.turn_away()


def _is_early(value: Any) -> bool:
    value = an_object(value)
    return isinstance(value.get("session"), dict) and isinstance(value.get("items"), list)


class _Session:
    """A session that is fed with its rows."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = RunBuilder(rows)
        self._answering: int | None = None
        self._last_answer: int | None = None
        self._has_context = False
        self._texts_of_items: set[str] = set()
        #: Messages of events, for where no item has them.
        self._of_events: list[tuple[ChatMessage, Message]] = []
        self._outputs: dict[str, tuple[Any, str]] = {}
        self._searches: list[ToolCall] = []

    def finish(self) -> None:
        """Add what the events alone hold, when all rows were taken."""
        rows = self.builder.rows
        for message, base in self._of_events:
            if not self._is_of_an_item(message.text.strip()):
                self._texts_of_items.add(message.text.strip())
                rows.turn_to(base.where)
                self.builder.add_message(message, replace(base, role=message.role))
        if not any(call.tool == "web_search" for call in self._calls()):
            for call in self._searches:
                rows.turn_to(call.where)
                self.builder.execute(call)
        for call in self._calls():
            output, where = self._outputs.get(call.id, (None, ""))
            if output is not None and not call.is_answered:
                rows.turn_to(where)
                self.builder.answer(ToolResult(call.id, output), Message(role="tool", where=where))
        rows.turn_away()

    def _is_of_an_item(self, text: str) -> bool:
        """Whether an item has these words, alone or with what a program put around them."""
        return text in self._texts_of_items or any(text in whole for whole in self._texts_of_items)

    def _calls(self) -> list[ToolCall]:
        return [step for step in self.builder.steps if isinstance(step, ToolCall)]

    def take(self, row: SourceRow) -> None:
        """Add what one row tells."""
        kind, payload = row.value.get("type"), row.value["payload"]
        base = Message(
            role="assistant", started=time_of(row.value.get("timestamp")), where=row.where
        )
        if kind == "session_meta":
            self._take_session(payload)
        elif kind == "turn_context":
            self._take_context(payload)
        elif kind == "response_item":
            self._take_item(payload, base)
        elif kind == "event_msg":
            self._take_event(payload, base)
        elif kind == "compacted":
            text = str(payload.get("message") or "")
            self.builder.add_event(Event("summary", name="compacted", text=text), base)
        else:
            self.builder.leave_out(_OTHER, str(kind))

    def take_plain(self, item: PlainItem, where: str) -> None:
        """Add an item that was decoded into its fields; `take` does the same for any row."""
        base = Message(role="assistant", started=time_of(item.timestamp), where=where)
        payload = item.payload
        if isinstance(payload, PlainAnswer):
            self._answering = None
            self.builder.answer(payload.result(), base)
        elif isinstance(payload, PlainCall) and self._answering is not None:
            self.builder.ask(payload.request(), base, self._answering)
        else:
            is_reasoning = isinstance(payload, PlainReasoning)
            self._take_said(payload.said(), base, is_reasoning=is_reasoning)

    def _take_session(self, payload: dict[str, Any]) -> None:
        builder = self.builder
        if builder.id:
            builder.notes.add("a second session_meta was left out")
            builder.rows.left_out("a second session_meta")
            return
        builder.rows.used()
        builder.id = str(payload.get("id") or payload.get("session_id") or "")
        builder.conversation = str(payload.get("session_id") or "")
        version = str(payload.get("cli_version") or "")
        builder.agent = Agent(name="codex", version=version, framework="codex")
        builder.request = replace(
            builder.request,
            provider=str(payload.get("model_provider") or ""),
            model=a_word(payload.get("model")),
        )
        instructions = payload.get("base_instructions") or payload.get("instructions")
        text = an_object(instructions).get("text", instructions)
        builder.prompt = Prompt(text=text if isinstance(text, str) else "")
        builder.source |= {key: payload[key] for key in _ABOUT if payload.get(key)}

    def _take_context(self, payload: dict[str, Any]) -> None:
        builder = self.builder
        builder.rows.used()
        model = a_word(payload.get("model"))
        if model and not self._has_context:  # the session's own is its default
            builder.request = replace(builder.request, model=model)
            self._has_context = True
        for key in _CONTEXT:
            if payload.get(key):
                builder.source.setdefault(key, payload[key])

    def _take_item(self, payload: dict[str, Any], base: Message) -> None:
        message = chat_message_of(payload) or _of_block(payload)
        if message is None:
            self._texts_of_items.add("")
            self.builder.leave_out(_OTHER, f"item {payload.get('type')}")
        else:
            self._take_said(message, base, is_reasoning=payload.get("type") == "reasoning")

    def _take_said(self, message: ChatMessage, base: Message, *, is_reasoning: bool) -> None:
        """An item as a message of any dialect."""
        self._texts_of_items.add(message.text.strip())
        if is_reasoning and not message.reasoning:
            self.builder.notes.add("thoughts of the model are encrypted")
            self.builder.rows.left_out("thoughts that are encrypted")
        elif message.answers and not message.calls:
            self._answering = None
            self.builder.add_message(message, base)
        elif message.role == "assistant":
            self._take_answer(message, base)
        else:
            self._answering = None
            by_program = message.text.lstrip().startswith(_WRITTEN_BY_PROGRAM)
            role = "developer" if by_program else message.role
            self.builder.add_message(
                ChatMessage(role, message.text, parts=message.parts, source=message.source), base
            )

    def _take_answer(self, message: ChatMessage, base: Message) -> None:
        """An item of an answer: calls belong to the words, or to the calls, before them."""
        if message.has_words or self._answering is None:
            base = replace(base, model=self.builder.request.model)
            self._answering = self._last_answer = self.builder.add_message(message, base)
            return
        for call in message.calls:
            self.builder.ask(call, base, self._answering)
        for answer in message.answers:
            self.builder.answer(answer, base)

    def _take_event(self, payload: dict[str, Any], base: Message) -> None:
        kind = str(payload.get("type") or "")
        if kind in _ENDS:
            self._take_end(payload, base)
        elif kind == "token_count":
            self._take_usage(payload)
        elif kind in _ERRORS:
            text = str(payload.get("message") or payload.get("reason") or "")
            failure = Failure(type=kind, message=text)
            self.builder.add_event(Event("error", name=kind, text=text, failure=failure), base)
        elif kind.endswith("_approval_request"):
            text = str(payload.get("reason") or payload.get("command") or "")
            self.builder.add_event(Event("permission", name=kind, text=text), base)
        elif kind in _MESSAGES:
            self._take_message_event(_MESSAGES[kind], payload, base)
        elif kind == _SEARCH_END:
            self._searches.append(_search(payload, base))
            self.builder.rows.repeated()
        elif kind in _REPEATED:
            self.builder.notes.add("events that repeat a message were left out")
            self.builder.rows.repeated()
        else:
            self.builder.leave_out(_OTHER, f"event {kind}")

    def _take_message_event(self, role: str, payload: dict[str, Any], base: Message) -> None:
        """A message that an event tells; it is one of its own where no item has these words."""
        text = next((word for key in _WORDS if (word := a_word(payload.get(key)))), "")
        if not text:
            self.builder.leave_out("events without words", str(payload.get("type")))
            return
        self._of_events.append((ChatMessage(role, text), base))
        self.builder.notes.add("events that repeat a message were left out")
        self.builder.rows.repeated()

    def _take_end(self, payload: dict[str, Any], base: Message) -> None:
        """What an event knows of a call that its result does not say: exit code, time, success."""
        call_id = str(payload.get("call_id") or "")
        call = self.builder.call(call_id)
        if call is None:
            call = self._call_of_its_end(call_id, payload, base)
        code, failed = payload.get("exit_code"), payload.get("success") is False
        if isinstance(code, int) and code != 0:
            message = str(payload.get("stderr") or payload.get("aggregated_output") or "")
            self.builder.fail(call_id, Failure.exit(code, message))
        elif failed:
            self.builder.fail(call_id, Failure.named("error", str(payload.get("stderr") or "")))
        self._outputs[call_id] = (_output(payload), base.where)
        facts = {key: payload[key] for key in ("exit_code", "duration", "cwd") if key in payload}
        self.builder.amend(call_id, ended=base.started, source={**call.source, **facts})

    def _call_of_its_end(self, call_id: str, payload: dict[str, Any], base: Message) -> ToolCall:
        """A call of which the file has the event at its end alone."""
        invocation = an_object(payload.get("invocation"))
        names = {"exec_command_end": "exec_command", "patch_apply_end": "apply_patch"}
        tool = a_word(invocation.get("tool")) or names.get(str(payload.get("type")), "unknown")
        arguments = next((payload[key] for key in _ASKED if payload.get(key) is not None), None)
        fields, result = an_object(payload.get("result")), _output(payload)
        call = ToolCall(
            tool=tool,
            id=call_id,
            arguments=invocation.get("arguments", arguments),
            result=result,
            is_answered=result is not None,
            failure=Failure.named("error", str(fields["Err"])) if "Err" in fields else None,
            agent=base.agent,
            ended=base.started,
            where=base.where,
        )
        made = self.builder.steps[self.builder.execute(call)]
        return made if isinstance(made, ToolCall) else call

    def _take_usage(self, payload: dict[str, Any]) -> None:
        info = payload.get("info")
        usage = usage_of(info.get("last_token_usage")) if isinstance(info, dict) else {}
        step = self._last_answer
        message = None if step is None else self.builder.steps[step]
        if step is None or not usage or not isinstance(message, Message):
            self.builder.rows.left_out("counts of tokens that no answer needs")
        elif message.input_tokens is None:
            self.builder.rows.used()
            self.builder.steps[step] = replace(message, **usage)
        else:
            self.builder.rows.repeated()


def _output(payload: dict[str, Any]) -> Any:
    """What came of a call, as the event at its end has it; None for nothing."""
    fields = payload.get("result")
    if isinstance(fields, dict) and fields:
        outcome = next((fields[key] for key in ("Ok", "Err") if key in fields), fields)
        return content_of(an_object(outcome).get("content")).text or outcome
    written = (payload.get(key) for key in ("aggregated_output", "stdout", "stderr"))
    texts = [part for part in written if isinstance(part, str)]
    return next((text for text in texts if text), texts[0] if texts else None)


def _search(payload: dict[str, Any], base: Message) -> ToolCall:
    """A search on the web, which the provider runs, as the event at its end has it."""
    query = payload.get("query")
    return ToolCall(
        tool="web_search",
        id=a_word(payload.get("call_id")),
        arguments=payload.get("action") or ({"query": query} if query else None),
        is_answered=False,
        ended=base.started,
        where=base.where,
    )


def _of_block(payload: dict[str, Any]) -> ChatMessage | None:
    """An item that is a block of a message, as early versions wrote calls and results."""
    content = content_of([payload]) if payload.get("type") in {"tool_call", "tool_result"} else None
    if content is None:
        return None
    return ChatMessage("assistant", calls=content.calls, answers=content.answers)


IMPORTER = Importer(
    "codex",
    "rollout files of the Codex CLI",
    _recognise,
    _read,
)
