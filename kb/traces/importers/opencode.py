"""Runs from OpenCode: an exported session, or rows of the events that its database keeps.

A message is told by its head (role, model, tokens, times) and its parts; a part of a tool holds
the call and, when it ended, what came back. Events tell a head or a part again when it grows, and
the last telling is the one. Read after the types of the SDK (November 2026):
https://github.com/sst/opencode/blob/dev/packages/sdk/js/src/gen/types.gen.ts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.model_requests import is_number, usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_ABOUT = ("title", "directory", "parentID", "projectID", "slug")
#: Parts that are no words and no call: marks of steps, snapshots, patches of what was changed.
_QUIET = {"step-start", "step-finish", "snapshot", "patch"}


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any(_is_export(row) for row in rows):
        return "a session with an info and messages of parts"
    return "events of a session with their data" if any(map(_is_event, rows)) else ""


def _is_export(row: dict[str, Any]) -> bool:
    messages = row.get("messages")
    first = an_object(messages[0]) if isinstance(messages, list) and messages else {}
    return isinstance(row.get("info"), dict) and {"info", "parts"} <= first.keys()


def _is_event(row: dict[str, Any]) -> bool:
    kind, data = a_word(row.get("type")), an_object(row.get("data") or row.get("properties"))
    return kind.startswith(("session.", "message.")) and (
        "sessionID" in data or "sessionID" in an_object(data.get("part") or data.get("info"))
    )


def _read(source: Source) -> Iterator[RunBuilder]:
    sessions: dict[str, _Session] = {}
    for where, value in source.rows():
        if not isinstance(value, dict):
            source.leave_out("rows that are no objects", where)
        elif _is_export(value):
            yield _of_export(value, where, source.account)
        elif _is_event(value):
            data = an_object(value.get("data") or value.get("properties"))
            inner = an_object(data.get("part") or data.get("info"))
            name = a_word(data.get("sessionID")) or a_word(inner.get("sessionID"))
            session = sessions.setdefault(name, _Session(source.account, name))
            session.add(a_word(value.get("type")), data, where)
        else:
            source.leave_out("rows that are no events of a session", where)
    for session in sessions.values():
        yield session.finished()


def _of_export(value: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    session = _Session(rows, a_word(value["info"].get("id")))
    session.begin(value["info"])
    messages = value["messages"]
    places = [f"{where}.messages[{number}]".lstrip(".") for number in range(len(messages))]
    rows.divide(*places)
    for message, place in zip(messages, places, strict=True):
        rows.turn_to(place)
        info = an_object(an_object(message).get("info"))
        session.keep_head(info, place)
        for part in map(an_object, a_list(an_object(message).get("parts"))):
            session.keep_part({"messageID": info.get("id"), **part}, place)
    rows.turn_away()
    return session.finished()


class _Session:
    """A session whose messages are held until all of their parts are known."""

    def __init__(self, rows: RowAccount, name: str) -> None:
        self.builder = RunBuilder(rows, run_id=name)
        self.builder.tells_errors = True
        self.builder.agent = Agent(name="opencode", framework="opencode")
        self._heads: dict[str, tuple[dict[str, Any], str]] = {}
        self._parts: dict[str, dict[str, tuple[dict[str, Any], str]]] = {}
        self._places: dict[str, list[str]] = {}

    def begin(self, info: dict[str, Any]) -> None:
        """What a session says of itself."""
        builder = self.builder
        version = a_word(info.get("version")) or builder.agent.version
        builder.agent = replace(builder.agent, version=version)
        builder.source |= {key: info[key] for key in _ABOUT if info.get(key)}

    def add(self, kind: str, data: dict[str, Any], where: str) -> None:
        """One event of the session."""
        part, info = data.get("part"), data.get("info")
        if kind.startswith("message.part.updated") and isinstance(part, dict):
            at = time_of(data.get("time"))
            self.keep_part({**part, "kb.at": at}, where)
        elif kind.startswith("message.updated") and isinstance(info, dict):
            self.keep_head(info, where)
        elif kind.startswith(("session.created", "session.updated")) and isinstance(info, dict):
            self.begin(info)
            self.builder.rows.used()
        elif kind.startswith("session.error"):
            error = an_object(data.get("error"))
            text = a_word(an_object(error.get("data")).get("message"))
            name = a_word(error.get("name")) or "error"
            failure = Failure.named(name, text)
            self.builder.add_event(
                Event("error", name=name, text=text, failure=failure, where=where)
            )
        else:
            self.builder.leave_out("events of other types", kind)

    def keep_head(self, info: dict[str, Any], where: str) -> None:
        """The head of a message; an earlier telling of it is told again by this one."""
        self._share(a_word(info.get("id")), where)
        self._heads[a_word(info.get("id"))] = (info, where)

    def keep_part(self, part: dict[str, Any], where: str) -> None:
        """A part of a message, the same."""
        parts = self._parts.setdefault(a_word(part.get("messageID")), {})
        key = a_word(part.get("id")) or f"{where} {len(parts)}"
        self._share(key, where)
        parts[key] = (part, where)

    def _share(self, key: str, where: str) -> None:
        """Say of all earlier tellings of a head or part that they fare as this one."""
        earlier = self._places.setdefault(key, [])
        for place in earlier:
            self.builder.rows.share(place, where)
        earlier.append(where)

    def finished(self) -> RunBuilder:
        """The builder with all messages, in the order in which they were first told."""
        for key in dict.fromkeys((*self._heads, *self._parts)):
            head, where = self._heads.get(key, ({}, ""))
            parts = list(self._parts.get(key, {}).values())
            self._tell(head, where or (parts[0][1] if parts else ""), parts)
        self.builder.rows.turn_away()
        return self.builder

    def _tell(
        self, head: dict[str, Any], where: str, parts: list[tuple[dict[str, Any], str]]
    ) -> None:
        self.builder.rows.turn_to(where)
        role = a_word(head.get("role")) or "assistant"
        base = Message(role=role, where=where, **_times(head))
        if role != "assistant":
            base = replace(base, ended=None)
        else:
            base = replace(base, **_of_answer(head))
            self._note_model(head)
        message = ChatMessage(
            role,
            "\n".join(_texts(parts, "text")),
            "\n".join(_texts(parts, "reasoning")),
            tuple(part for part, _ in parts if part.get("type") == "file"),
            tuple(_call_of(part) for part, _ in parts if part.get("type") == "tool"),
            agent=a_word(head.get("agent") or head.get("mode")) if role == "assistant" else "",
        )
        self.builder.add_message(message, base)
        for part, place in parts:
            self.builder.rows.turn_to(place)
            self._tell_part(part, base)
        error = an_object(head.get("error"))
        if error:
            self.builder.rows.turn_to(where)
            text = a_word(an_object(error.get("data")).get("message"))
            failure = Failure.named(a_word(error.get("name")), text)
            event = Event("error", name=failure.type, text=text, failure=failure, where=where)
            self.builder.add_event(replace(event, started=base.ended))

    def _note_model(self, head: dict[str, Any]) -> None:
        request, model = self.builder.request, a_word(head.get("modelID"))
        if model and not request.model:
            provider = a_word(head.get("providerID"))
            self.builder.request = replace(request, model=model, provider=provider)

    def _tell_part(self, part: dict[str, Any], base: Message) -> None:
        kind = a_word(part.get("type"))
        if kind == "tool":
            self._answer(part, base)
        elif kind in {"text", "reasoning", "file", "agent", "subtask"}:
            self.builder.rows.used()
        elif kind in {"compaction", "retry"}:
            error = an_object(part.get("error"))
            text = a_word(an_object(error.get("data")).get("message"))
            name = "summary" if kind == "compaction" else "error"
            failure = Failure.named(kind, text) if kind == "retry" else None
            self.builder.add_event(Event(name, name=kind, text=text, failure=failure), base)
        else:
            self.builder.rows.left_out(f"parts that are marks: {kind}" if kind in _QUIET else kind)

    def _answer(self, part: dict[str, Any], base: Message) -> None:
        state, call_id = an_object(part.get("state")), a_word(part.get("callID"))
        status, times = a_word(state.get("status")), _times(state)
        self.builder.rows.used()
        if times.get("started"):
            self.builder.amend(call_id, started=times["started"])
        if status not in {"completed", "error"}:
            return
        metadata = an_object(state.get("metadata"))
        text = a_word(state.get("error"))
        failed = status == "error"
        result = text if failed else state.get("output", "")
        failure = Failure.named("tool_error", text) if failed else _exit(metadata, result)
        if failed and failure is not None and metadata.get("interrupted"):
            failure = replace(failure, type="cancelled")
        ended = times.get("ended") or base.started
        source = {k: v for k, v in metadata.items() if isinstance(v, bool | int | float)}
        self.builder.answer(ToolResult(call_id, result, failure, source=source),
                         replace(base, started=ended))  # fmt: skip


def _exit(metadata: dict[str, Any], result: Any) -> Failure | None:
    """The failure of a command that is told completed all the same, by its exit code."""
    code = metadata.get("exit")
    is_code = isinstance(code, int) and not isinstance(code, bool)
    return Failure.exit(code, a_word(result)) if is_code and code else None


def _times(fields: dict[str, Any]) -> dict[str, Any]:
    """When a message was made and completed, or a call began and ended."""
    times = an_object(fields.get("time"))
    started, ended = (
        times.get("created", times.get("start")),
        times.get("completed", times.get("end")),
    )
    return {"started": time_of(started), "ended": time_of(ended)}


def _of_answer(head: dict[str, Any]) -> dict[str, Any]:
    """Model, tokens and cost of an answer."""
    counts = _tokens(an_object(head.get("tokens")))
    if is_number(head.get("cost")) and head["cost"]:
        counts["cost_usd"] = float(head["cost"])
    return {"model": a_word(head.get("modelID")), **counts}


def _tokens(tokens: dict[str, Any]) -> dict[str, Any]:
    """The tokens of an answer: cached input counts as input, and thoughts as output.

    OpenCode tells both apart, and in later versions a total over all.
    """
    counts = usage_of(tokens)
    cache = an_object(tokens.get("cache"))
    if is_number(cache.get("read")):
        counts["cached_tokens"] = int(cache["read"])
    if "input_tokens" in counts:
        for key in ("read", "write"):
            counts["input_tokens"] += int(cache[key]) if is_number(cache.get(key)) else 0
        if is_number(tokens.get("total")):
            counts["output_tokens"] = max(int(tokens["total"]) - counts["input_tokens"], 0)
    return counts


def _texts(parts: list[tuple[dict[str, Any], str]], kind: str) -> list[str]:
    return [a_word(part.get("text")) for part, _ in parts if part.get("type") == kind]


def _call_of(part: dict[str, Any]) -> ToolCallRequest:
    state = an_object(part.get("state"))
    name = a_word(part.get("tool")) or "unknown"
    return ToolCallRequest(name, state.get("input"), a_word(part.get("callID")))


IMPORTER = Importer(
    "opencode",
    "sessions of OpenCode: exported, or the events of its database",
    _recognise,
    _read,
)
