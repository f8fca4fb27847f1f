"""Runs from OpenHands: events of the SDK, event lists and trajectories before it, resolver rows.

An observation names the action it answers (`action_id`, `cause`, a `tool_call_id`); rows of the
resolver name nothing, and an observation there answers the action before it. Read after
https://docs.openhands.dev/sdk/arch/events and `openhands/events` before 1.0 (read 2026-11-30)
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
from kb.traces.messages.blocks import a_word, an_object, content_of
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import tools_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, ToolCall

_SDK_KINDS = frozenset(
    {"SystemPromptEvent", "MessageEvent", "ActionEvent", "ObservationEvent", "AgentErrorEvent"}
)
#: Actions that end a run in words.
_LAST = {"finish", "reject"}
#: Actions that are no call of a tool: the program tells how it stands.
_PLUMBING = {"change_agent_state", "null", "recall", "condensation", "request_condensation"}
_QUIET = {"agent_state_changed", "null", "recall", "loop_recall", "agent_condensation"}
_ABOUT = ("issue", "issue_type", "base_commit", "success", "result_explanation", "metrics")
_OTHER = "events of other kinds"
_REJECTIONS = {"UserRejectObservation", "user_rejected"}


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    if a_word(value.get("kind")) in _SDK_KINDS and "source" in value:
        return "events with a kind and a source"
    if _is_old(value) and "source" in value and "timestamp" in value:
        return "events with an action or an observation"
    is_row = isinstance(value.get("history"), list) and {"instruction", "git_patch"} <= value.keys()
    return "rows of the resolver with a history" if is_row else ""


def _is_old(value: dict[str, Any]) -> bool:
    is_action = "action" in value and isinstance(value.get("args"), dict)
    return is_action or ("observation" in value and "content" in value)


def _read(source: Source) -> Iterator[RunBuilder]:
    session: _Session | None = None
    for where, value in source.rows():
        if isinstance(value, dict) and isinstance(value.get("history"), list):
            yield _of_resolver(value, where, source.account)
        elif isinstance(value, dict):
            session = session or _Session(source.account)
            session.take(value, where)
        else:
            source.leave_out("rows that are no objects", where)
    if session is not None:
        yield session.builder


def _of_resolver(value: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    session = _Session(rows, where)
    session.builder.source = {key: value[key] for key in _ABOUT if value.get(key)}
    issue = an_object(value.get("issue"))
    session.builder.task = f"{issue.get('owner')}/{issue.get('repo')}#{issue.get('number')}"
    history = value["history"]
    places = [f"{where}.history[{number}]".lstrip(".") for number in range(len(history))]
    rows.divide(*places)
    for event, place in zip(history, places, strict=True):
        rows.turn_to(place)
        session.take(an_object(event), place)
    rows.turn_away()
    if value.get("error"):
        text = str(value["error"])
        failure = Failure.named("error", text)
        session.builder.add_event(Event("error", text=text, failure=failure, where=where))
    return session.builder


class _Session:
    """A conversation that is fed with its events."""

    def __init__(self, rows: RowAccount, place: str = "") -> None:
        self.builder = RunBuilder(rows, place)
        self.builder.agent = Agent(name="openhands", framework="openhands")
        self._calls: dict[str, str] = {}
        self._last = ""
        self._answers: dict[str, int] = {}

    def take(self, event: dict[str, Any], where: str) -> None:
        """Add what one event tells."""
        base = Message(role="assistant", started=time_of(event.get("timestamp")), where=where)
        kind = a_word(event.get("kind"))
        if kind:
            self._take_of_sdk(kind, event, base)
        elif "observation" in event:
            self._take_observation(event, base)
        elif "action" in event:
            self._take_action(event, base)
        else:
            self.builder.leave_out(_OTHER, "no action and no observation")

    # Events of the SDK

    def _take_of_sdk(self, kind: str, event: dict[str, Any], base: Message) -> None:
        if kind == "SystemPromptEvent":
            self.builder.offer(tools_of(event.get("tools")))
            text = content_of(event.get("system_prompt")).text
            self.builder.add_message(ChatMessage("system", text), replace(base, role="system"))
        elif kind == "MessageEvent":
            message = chat_message_of(event.get("llm_message"))
            if message is None:
                self.builder.leave_out("messages that cannot be read")
            else:
                self.builder.add_message(message, replace(base, role=message.role))
        elif kind == "ActionEvent":
            self._take_sdk_action(event, base)
        elif "tool_call_id" in event or "action_id" in event:
            self._take_sdk_answer(kind, event, base)
        elif kind.endswith("ErrorEvent"):
            text = a_word(event.get("error")) or a_word(event.get("detail"))
            self.builder.add_event(
                Event("error", name=kind, text=text, failure=Failure.named(kind, text)), base
            )
        elif kind == "Condensation":
            self.builder.add_event(
                Event("summary", name=kind, text=a_word(event.get("summary"))), base
            )
        else:
            self.builder.leave_out(_OTHER, kind)

    def _take_sdk_action(self, event: dict[str, Any], base: Message) -> None:
        call = an_object(event.get("tool_call"))
        function = an_object(call.get("function")) or call
        arguments = arguments_of(function.get("arguments"))
        if arguments is None:
            action = an_object(event.get("action"))
            arguments = {key: part for key, part in action.items() if key != "kind"}
        call_id = a_word(event.get("tool_call_id")) or a_word(event.get("id"))
        name = a_word(event.get("tool_name")) or a_word(function.get("name")) or "unknown"
        asked = ToolCallRequest(name, arguments, call_id)
        self._calls[a_word(event.get("id"))] = call_id
        thought = content_of(event.get("thought")).text
        reasoning = a_word(event.get("reasoning_content"))
        self._ask(asked, ChatMessage("assistant", thought, reasoning), event, base)

    def _ask(
        self, asked: ToolCallRequest, message: ChatMessage, event: dict[str, Any], base: Message
    ) -> None:
        """A call, put under the answer of the model that asked for several."""
        key = a_word(event.get("llm_response_id"))
        step = self._answers.get(key) if key else None
        if step is None:
            step = self.builder.add_message(message, base)
            if key and step is not None:
                self._answers[key] = step
        self.builder.ask(asked, base, step)
        self._last = asked.id

    def _take_sdk_answer(self, kind: str, event: dict[str, Any], base: Message) -> None:
        action_id = a_word(event.get("action_id"))
        call_id = a_word(event.get("tool_call_id")) or self._calls.get(action_id, "")
        fields = an_object(event.get("observation"))
        content = content_of(fields.get("content"))
        text = content.text or a_word(event.get("error")) or a_word(event.get("rejection_reason"))
        failure = None
        if kind in _REJECTIONS:
            failure = Failure.named("rejected", text)
        elif fields.get("is_error") is True or kind == "AgentErrorEvent":
            failure = Failure.named("tool_error", text)
        else:
            failure = _exit(fields.get("exit_code"), text)
        result = fields.get("content") if content.parts else text
        self.builder.answer(ToolResult(call_id, result, failure, source=_facts(fields)), base)

    # Events before the SDK

    def _take_action(self, event: dict[str, Any], base: Message) -> None:
        name = a_word(event.get("action"))
        args = event["args"] if isinstance(event.get("args"), dict) else _own(event)
        by_agent = event.get("source") != "user"
        words = (args.get("content"), event.get("content"), event.get("message"))
        text = next((word for word in words if isinstance(word, str) and word), "")
        if name in _LAST and "tool_call_metadata" not in event:
            outputs = an_object(args.get("outputs"))
            texts = (args.get("final_thought"), outputs.get("content"), args.get("thought"), text)
            last = next((word for word in texts if isinstance(word, str) and word), name)
            self.builder.add_message(ChatMessage("assistant", last, finish=name), base)
        elif name == "message":
            is_first = "source" not in event and not self.builder.steps  # rows of the resolver
            role = "user" if not by_agent or is_first else "assistant"
            self.builder.add_message(ChatMessage(role, text), replace(base, role=role))
        elif name == "system":
            self.builder.offer(tools_of(args.get("tools")))
            self.builder.add_message(ChatMessage("system", text), replace(base, role="system"))
        elif name in _PLUMBING:
            self.builder.leave_out(_OTHER, f"action {name}")
        else:
            self._call(name, args, event, base)

    def _call(self, name: str, args: dict[str, Any], event: dict[str, Any], base: Message) -> None:
        fields = an_object(event.get("tool_call_metadata"))
        response = an_object(fields.get("model_response"))
        own = str(event.get("id") if event.get("id") is not None else "")
        call_id = a_word(fields.get("tool_call_id")) or (f"action-{own}" if own else "")
        thought = a_word(args.get("thought"))
        arguments = {key: part for key, part in args.items() if key not in _NO_ARGUMENT}
        tool = a_word(fields.get("function_name")) or name
        model = a_word(response.get("model"))
        asked = ToolCallRequest(tool, arguments, call_id)
        key = {"llm_response_id": response.get("id")}
        self._ask(asked, ChatMessage("assistant", thought), key, replace(base, model=model))
        if not self._last:  # numbered by the builder
            step = self.builder.steps[-1]
            self._last = step.id if isinstance(step, ToolCall) else ""
        self._calls[own] = self._last
        if model and not self.builder.request.model:
            self.builder.request = replace(self.builder.request, model=model)

    def _take_observation(self, event: dict[str, Any], base: Message) -> None:
        name = a_word(event.get("observation"))
        cause = str(event.get("cause") if event.get("cause") is not None else "")
        fields = an_object(event.get("tool_call_metadata"))
        call_id = a_word(fields.get("tool_call_id")) or self._calls.get(cause, "")
        if not cause and not fields and "source" not in event:
            call_id = self._last
        text = a_word(event.get("content"))
        if not call_id:
            self._take_loose(name, text, base)
            return
        extras = an_object(event.get("extras")) or _own(event)
        metadata = an_object(extras.get("metadata"))
        failure = _exit(metadata.get("exit_code", extras.get("exit_code")), text)
        if name == "error":
            failure = Failure.named(a_word(extras.get("error_id")), text)
        elif name in _REJECTIONS:
            failure = Failure.named("rejected", text)
        self.builder.answer(ToolResult(call_id, text, failure, source=_facts(extras)), base)

    def _take_loose(self, name: str, text: str, base: Message) -> None:
        """An observation that answers no call: an error, or how the program stands."""
        if name == "error":
            self.builder.add_event(
                Event("error", name=name, text=text, failure=Failure.named("error", text)), base
            )
        elif name in _QUIET or not text:
            self.builder.leave_out(_OTHER, f"observation {name}")
        else:
            self.builder.add_event(Event("observation", name=name, text=text), base)


#: What an action has beside what its tool was given.
_NO_ARGUMENT = frozenset(
    {"thought", "is_confirmed", "confirmation_state", "security_risk", "action_risk"}
    | {"keep_prompt", "hidden", "blocking", "impl_source", "wait_for_response", "action"}
)
_OF_EVENT = frozenset({"action", "observation", "content", "cause", "id", "source", "timestamp"})


def _own(event: dict[str, Any]) -> dict[str, Any]:
    """The fields of an event that has no arguments and no extras apart."""
    return {key: part for key, part in event.items() if key not in _OF_EVENT}


def _exit(code: Any, text: str) -> Failure | None:
    is_code = isinstance(code, int) and not isinstance(code, bool)
    if not is_code or code in {0, -1}:  # -1: it still ran
        return None
    return Failure.exit(code, text)


def _facts(fields: dict[str, Any]) -> dict[str, Any]:
    """What is short beside a result: exit codes, paths, whether it timed out."""
    return {key: part for key, part in fields.items() if isinstance(part, bool | int | float)}


IMPORTER = Importer(
    "openhands",
    "events and trajectories of OpenHands, rows of its resolver",
    _recognise,
    _read,
)
