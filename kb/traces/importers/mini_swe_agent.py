"""Runs from trajectories of mini-swe-agent: one bash command an answer, what it printed behind it.

Commands stand in a fence of the answer, in its tool calls, or (from 2.0) under `extra`; what came
back is the next message, with its exit code. Read after `agents/default.py` and `docs/usage/
output_files.md` (2.4, read 2026-11-30): https://github.com/SWE-agent/mini-swe-agent
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object, content_of
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import request_of, usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_NAME = "mini-swe-agent"
_OF_INFO = frozenset({"exit_status", "submission", "model_stats", "mini_version"})
_FENCES = frozenset({"bash", "sh", "mswea_bash_command"})
_TAGS = ("<mswea_bash_command>", "</mswea_bash_command>")
_CODE = re.compile(r"\s{0,9}<returncode>\s{0,9}(?P<code>-?\d{1,5})\s{0,9}</returncode>")
_EXCEPTION = "<exception>"
_TIMED_OUT = re.compile(r"\btimed out\b", re.IGNORECASE)
_REJECTED = re.compile(r"\bnot executed\b|\brejected your command\b", re.IGNORECASE)
_SUBMITTED = "submitted"
_LOOKED_AT = 400


def _recognise(source: Source) -> str:
    if any(map(_is_trajectory, source.head)):
        return "an info with an exit status beside its messages"
    is_read = any(_code_of(value) is not None for value in source.head)
    return "messages with the return code of a command" if is_read else ""


def _is_trajectory(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("messages"), list):
        return False
    named = a_word(value.get("trajectory_format")).startswith(_NAME)
    return named or not _OF_INFO.isdisjoint(an_object(value.get("info")))


def _code_of(message: Any) -> int | None:
    """The exit code that a message tells, None for one that tells none."""
    message = an_object(message)
    code = an_object(message.get("extra")).get("returncode")
    if isinstance(code, int) and "raw_output" in message["extra"]:
        return code
    text = _text(message.get("content"))
    match = _CODE.match(text) if a_word(message.get("role")) in {"user", "tool"} else None
    return int(match["code"]) if match else None


def _read(source: Source) -> Iterator[RunBuilder]:
    bare: _Run | None = None
    for where, value in source.rows():
        if _is_trajectory(value):
            yield _run_of_trajectory(value, where, source.account).builder
        elif isinstance(value, dict) and "role" in value:
            bare = bare or _Run(source.account)
            bare.take(value, where)
        else:
            source.leave_out("rows without messages", where)
    if bare is not None:
        yield bare.builder


def _run_of_trajectory(value: dict[str, Any], where: str, rows: RowAccount) -> _Run:
    run = _Run(rows, where)
    run.describe(value)
    messages = a_list(value["messages"])
    places = [f"{where}.messages[{number}]".lstrip(".") for number in range(len(messages))]
    rows.divide(*places)
    for message, place in zip(messages, places, strict=True):
        rows.turn_to(place)
        run.take(an_object(message), place)
    rows.turn_away()
    return run


class _Run:
    """A run that is fed with its messages."""

    def __init__(self, rows: RowAccount, place: str = "") -> None:
        self.builder = RunBuilder(rows, place)
        self.builder.tells_errors = True
        self.builder.agent = Agent(name=_NAME, framework=_NAME)
        self._waiting: deque[str] = deque()
        self._number = 0

    def describe(self, value: dict[str, Any]) -> None:
        """Take what stands beside the messages."""
        builder, info = self.builder, an_object(value.get("info"))
        config = an_object(info.get("config"))
        model = an_object(config.get("model"))
        builder.id = builder.task = a_word(value.get("instance_id"))
        version = a_word(info.get("mini_version"))
        builder.agent = Agent(name=_NAME, version=version, framework=_NAME)
        options = an_object(model.get("model_kwargs"))
        builder.request = request_of({**options, "model": a_word(model.get("model_name"))})
        builder.source = {key: part for key, part in info.items() if key != "config" and part}

    def take(self, message: dict[str, Any], where: str) -> None:
        """Add what one message tells."""
        role, extra = a_word(message.get("role")), an_object(message.get("extra"))
        base = Message(role=role, where=where, started=time_of(extra.get("timestamp")))
        if role == "assistant":
            self._take_answer(message, extra, base)
        elif role == "exit":
            self._take_exit(message, extra, base)
        elif role == "tool" or (role == "user" and self._waiting):
            self._take_output(message, base)
        elif role:
            self.builder.add_message(ChatMessage(role, _text(message.get("content"))), base)
        else:
            self.builder.leave_out("messages without a role")

    def _take_answer(self, message: dict[str, Any], extra: dict[str, Any], base: Message) -> None:
        self._waiting.clear()  # what was asked for before and not answered never will be
        reply, cost = an_object(extra.get("response")), extra.get("cost")
        chat_message = chat_message_of(message) or ChatMessage("assistant")
        text, calls = chat_message.text, chat_message.calls
        if not calls:
            text, commands = _commands(chat_message.text, extra)
            calls = tuple(map(self._asked, commands))
        full = replace(
            base,
            model=a_word(reply.get("model")),
            cost_usd=float(cost) if isinstance(cost, int | float) else None,
            **usage_of(reply.get("usage")),
        )
        without_commands = ChatMessage(
            "assistant", text, chat_message.reasoning, chat_message.parts, calls
        )
        self.builder.add_message(without_commands, full)
        self._waiting.extend(call.id for call in calls)

    def _asked(self, command: str) -> ToolCallRequest:
        self._number += 1
        return ToolCallRequest("bash", {"command": command}, f"command-{self._number}")

    def _take_output(self, message: dict[str, Any], base: Message) -> None:
        """What came back for the command that waits, or for the call that the message names."""
        call_id = a_word(message.get("tool_call_id"))
        if not call_id and self._waiting:
            call_id = self._waiting[0]
        if call_id in self._waiting:
            self._waiting.remove(call_id)
        text = _text(message.get("content"))
        result = ToolResult(call_id, text, _failure(text, _code_of(message)))
        self.builder.answer(result, replace(base, role="tool"))

    def _take_exit(self, message: dict[str, Any], extra: dict[str, Any], base: Message) -> None:
        """The end: what the command that submits printed, or why the run was stopped."""
        text, status = _text(message.get("content")), a_word(extra.get("exit_status"))
        is_submitted = status.lower() == _SUBMITTED
        if is_submitted and self._waiting:
            answer = ToolResult(self._waiting.popleft(), text)
            self.builder.answer(answer, replace(base, role="tool"))
            return
        failure = None if is_submitted else Failure.named(status, text)
        self.builder.add_event(Event("exit", name=status, text=text, failure=failure), base)


def _commands(text: str, extra: dict[str, Any]) -> tuple[str, list[str]]:
    """The words of an answer, and the commands it gives: with several fences none of them runs."""
    listed = [a_word(an_object(action).get("command")) for action in a_list(extra.get("actions"))]
    found = [*_between(text, "```", "```"), *_between(text, *_TAGS)]
    if len(found) == 1 and listed in ([], [found[0].command]):
        words = text[: found[0].start] + text[found[0].end :]
        return words.strip(), [found[0].command]
    return text, [command for command in listed if command]


class _Fenced(NamedTuple):
    """A command with where its fence begins and ends."""

    start: int
    end: int
    command: str


def _between(text: str, opens: str, closes: str) -> Iterator[_Fenced]:
    """The commands in fences, or tags, that say that they hold one."""
    at = text.find(opens)
    while at >= 0:
        end = text.find(closes, at + len(opens))
        if end < 0:
            return
        inner, behind = text[at + len(opens) : end], end + len(closes)
        kind, _, command = inner.partition("\n") if opens == "```" else ("bash", "", inner)
        if kind.strip() in _FENCES and command.strip():
            yield _Fenced(at, behind, command.strip())
        at = text.find(opens, behind)


def _failure(text: str, code: int | None) -> Failure | None:
    """Why a command did not do what it was asked for, by its code or the words in its place."""
    start = text[:_LOOKED_AT]
    if code is None and isinstance(fields := embedded(text), dict):
        code = fields["returncode"] if isinstance(fields.get("returncode"), int) else None
    if code is None or code < 0:
        is_over = code is not None or _EXCEPTION in start
        if _REJECTED.search(start):
            return Failure.named("rejected", text)
        if _TIMED_OUT.search(start):
            return Failure.named("timeout", text)
        return Failure.named("error", text) if is_over else None
    return Failure.exit(code, text) if code else None


def _text(content: Any) -> str:
    return content if isinstance(content, str) else content_of(content).text


IMPORTER = Importer(
    _NAME,
    "trajectories of mini-swe-agent",
    _recognise,
    _read,
)
