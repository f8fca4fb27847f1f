"""Runs from lists of messages: OpenAI chat and Responses, Anthropic, tau-bench, recorded HTTP.

A run is an object with a list of messages under a known key, a bare list of messages, or a
recorded exchange of requests and answers, streamed ones included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from kb.errors import KbError
from kb.traces.decoding.lenient_json import embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source, SourceRow
from kb.traces.importers.importer import Importer
from kb.traces.importers.unknown_logs import tool_event
from kb.traces.messages.api_reply import reply_of
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.messages.dialects import chat_message_of, chat_messages_of, is_message
from kb.traces.messages.model_requests import merged, request_of, tools_of, usage_of
from kb.traces.normalize.chat_message import ChatMessage, PartKey, message_parts
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Message, Prompt

#: Where a run keeps its messages, in the order they are looked for.
_KEYS = ("raw_messages", "messages", "traj", "conversation", "input", "steps", "contents")
#: Keys that are read; all others are kept.
_READ = frozenset({"response", "choices", "output", "body", "tools", "functions", "system", *_KEYS})
_IDS = ("id", "run_id", "session_id", "conversation_id", "thread_id", "task_id")
#: So many values of a list tell whether it holds messages.
_LOOKED_AT = 5
_TIMES = ("timestamp", "created_at", "created", "time")
#: Rows that name the same one are requests of one conversation.
_SESSIONS = ("session_id", "sessionId", "conversation_id", "conversationId", "thread_id")
#: So many conversations of a log are held open for rows that go on with them.
_MOST_OPEN = 16


def _recognise(source: Source) -> str:
    head = source.head
    if any(map(_event, head)):
        return ""  # a log of events, some of which hold messages
    if any(_interactions(value) for value in head):
        return "recorded HTTP exchanges"
    if sum(map(is_message, head)) > len(head) / 2:  # some rows of a log may be torn
        return "messages with a role and a content"
    keys = [key for value in head if (key := _key(value))]
    if keys:
        return f"objects with a list of messages under {keys[0]!r}"
    return "the recorded answer of a model" if head and _is_answer(head[0]) else ""


def _event(value: Any) -> str:
    """The event of a tool that a row without messages tells of, empty for none."""
    is_read = is_message(value) or _key(value) or _interactions(value)
    return "" if is_read else tool_event(value)


def _key(value: Any) -> str:
    """The key under which an object keeps its messages, empty when it is no run."""
    if not isinstance(value, dict):
        return ""
    return next((key for key in _KEYS if _holds_messages(value.get(key))), "")


def _holds_messages(value: Any) -> bool:
    """Whether a list holds messages: an item of a kind that is new to us does not hide the rest."""
    values = embedded(value)
    if not isinstance(values, list):
        return False
    first = values[:_LOOKED_AT]
    others = [one for one in first if not is_message(one)]
    return len(others) < len(first) / 2 and not any(map(tool_event, others))


def _interactions(value: Any) -> list[Any]:
    found = value.get("interactions") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _is_answer(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("body"), str) and ("headers" in value or "status" in value):
        return reply_of(value["body"]) is not None
    if a_word(value.get("object")) in {"response", "chat.completion"}:
        return True
    # Anthropic's answers name the model and have blocks; bots write `type: message` as well.
    return value.get("type") == "message" and isinstance(value.get("content"), list)


def _read(source: Source) -> Iterator[RunBuilder]:
    """The runs of a file: one of all bare messages, then one for each conversation.

    A log of requests repeats a conversation in every row, and may tell several in turns.
    """
    bare: RunBuilder | None = None
    open_ones: list[_Conversation] = []
    for row in source.rows():
        if is_message(row.value):
            bare = bare or RunBuilder(source.account)
            for message in chat_messages_of([row.value]):
                bare.add_message(message, _base(row.value, row.where, message.role))
            continue
        key = _key(row.value)
        history = _History(embedded(row.value[key]) if key else [])
        if not (history.messages or _is_answer(row.value) or _interactions(row.value)):
            _leave_out(source, row)
            continue
        one = _continued(open_ones, row.value, history)
        if one is None:
            one = _Conversation(_opened(source, row), _session(row.value))
            open_ones.append(one)
        one.messages = _KeyedMessages()
        _add(one, row, key)
        if len(open_ones) > _MOST_OPEN:
            yield open_ones.pop(0).builder
    if bare is not None:
        yield bare
    yield from (one.builder for one in open_ones)


class _KeyedMessages:
    """Messages known by their keys, which are made as far as they are asked for."""

    def __init__(self) -> None:
        self.messages: list[ChatMessage] = []
        self._keys: list[PartKey] = []

    def mark(self) -> PartKey | None:
        """The key of the second message, or the only one; None where there is none."""
        return self.key(min(1, len(self.messages) - 1)) if self.messages else None

    def key(self, number: int) -> PartKey:
        """The key of a message. Ids and marks take no part: clients number a call anew."""
        for message in self.messages[len(self._keys) : number + 1]:
            words = (word for key, _ in message_parts(message) for word in key)
            self._keys.append((message.role, *words))
        return self._keys[number]


@dataclass
class _Conversation:
    """A run that later rows may go on with, and the messages of its last row."""

    builder: RunBuilder
    session: str
    messages: _KeyedMessages = field(default_factory=_KeyedMessages)
    mark: PartKey | None = None
    """The key of the message that tells it from most: the second, for rows of one prompt begin
    alike. None where it has no messages."""


def _continued(
    open_ones: list[_Conversation], value: Any, history: _History
) -> _Conversation | None:
    """The conversation that a row goes on with, None where it begins one of its own."""
    session, marks = _session(value), history.marks()
    for one in reversed(open_ones):
        if session and session == one.session:
            return one
        if one.mark in marks and history.goes_on(one.messages):
            return one
    return None


def _session(value: Any) -> str:
    """What a row says of the conversation it is a request of, empty for nothing."""
    if not isinstance(value, dict):
        return ""
    return next((f"{key} {value[key]}" for key in _SESSIONS if value.get(key)), "")


class _History:
    """The messages of a row: logs of requests tell a conversation again and more.

    They are read as far as they are asked for: most rows differ from others early on.
    """

    def __init__(self, parts: list[Any]) -> None:
        self.messages: list[Any] = parts if _have_roles(parts) else chat_messages_of(parts)
        self._read = 0
        self._keyed = _KeyedMessages()

    def goes_on(self, before: _KeyedMessages) -> bool:
        """Whether these are the messages of an earlier row, by their keys, and more."""
        for number in range(len(before.messages)):
            if not self._has(number) or self._keyed.key(number) != before.key(number):
                return False
        return self._has(len(before.messages))

    def marks(self) -> list[PartKey]:
        """The keys of the first two messages."""
        return [self._keyed.key(number) for number in range(2) if self._has(number)]

    def _has(self, number: int) -> bool:
        """Whether there are more messages than that."""
        messages = self._keyed.messages
        while len(messages) <= number and self._read < len(self.messages):
            each = self.messages[self._read]
            self._read += 1
            messages += [each] if isinstance(each, ChatMessage) else chat_messages_of([each])
        return len(messages) > number


def _leave_out(source: Source, row: SourceRow) -> None:
    """Pass over a row without messages; raises `KbError` where it tells of a tool."""
    event = _event(row.value)
    if event:
        what = f"holds messages, and beside them events of tools that no format here reads: {event}"
        todo = "A run without them would be wrong. Export it in a format of the list."
        raise KbError(what, where=f"{source.shown}: {row.where}", todo=todo)
    source.leave_out("rows without messages", row.where)


def _opened(source: Source, row: SourceRow) -> RunBuilder:
    value = row.value
    run_id = next((str(value[key]) for key in _IDS if value.get(key)), "")
    builder = RunBuilder(source.account, row.where, run_id)
    if "traj" in value and "task_id" in value:  # tau-bench: the trials of a task share its number
        builder.task, builder.id = (
            str(value["task_id"]),
            f"{value['task_id']}-{value.get('trial', 0)}",
        )
    elif isinstance(value.get("task"), str):
        builder.task = value["task"]
    unread = {*value} - _READ - {"interactions"}
    builder.source = {key: part for key, part in value.items() if key in unread}
    return builder


def _add(one: _Conversation, row: SourceRow, key: str) -> None:
    """Add what a row tells; `key` is the one under which it keeps its messages, empty for none."""
    where, value = row
    builder = one.builder
    for number, exchange in enumerate(_interactions(value)):
        _add_exchange(builder, exchange, _inner(where, f"interactions[{number}]"))
    _add_request(builder, value, where, key, one.messages)
    one.mark = one.messages.mark()
    base = Message(role="assistant", where=where, started=_time(value))
    answer = _answer_in(value, has_messages=bool(key))
    if answer is not None and (key or _interactions(value)):
        builder.rows.turn_to(_inner(where, "answer"))
    _add_answer(builder, answer, base)
    cost = value.get("cost")
    if isinstance(cost, int | float) and builder.steps and isinstance(builder.steps[-1], Message):
        builder.steps[-1] = replace(builder.steps[-1], cost_usd=float(cost))


def _answer_in(value: dict[str, Any], *, has_messages: bool) -> Any:
    """What an object holds as the answer to its messages, None when there is none."""
    found = next((value[key] for key in ("response", "body") if value.get(key)), None)
    if found is None and has_messages and isinstance(value.get("output"), dict | str):
        found = value["output"]
    is_whole = found is None and any(key in value for key in ("choices", "output", "content"))
    return value if is_whole else found


def _add_exchange(builder: RunBuilder, exchange: Any, where: str) -> None:
    """One recorded request with its answer."""
    request = exchange.get("request") if isinstance(exchange, dict) else None
    response = exchange.get("response") if isinstance(exchange, dict) else None
    body = embedded(_body(request))
    builder.rows.divide()
    if isinstance(body, dict):
        _add_request(builder, body, where, _key(body))
    builder.rows.turn_to(_inner(where, "answer"))
    _add_answer(builder, _body(response), Message(role="assistant", where=where))
    builder.rows.turn_away()


def _body(half: Any) -> Any:
    """What a request or an answer carries: as it was sent, or decoded by the recorder."""
    half = an_object(half)
    body = half.get("body") or half.get("parsed_body")
    return body["string"] if isinstance(body, dict) and body.keys() == {"string"} else body


def _add_request(
    builder: RunBuilder,
    value: dict[str, Any],
    where: str,
    key: str,
    keyed: _KeyedMessages | None = None,
) -> None:
    """Add a request; `keyed` is given each of its messages."""
    options = an_object(value.get("kwargs"))
    builder.request = merged(builder.request, request_of({**options, **value}))
    builder.offer(tools_of(value.get("tools") or value.get("functions")))
    instructions = value.get("system") or value.get("instructions")
    if instructions and not builder.prompt.text:
        builder.prompt = Prompt(text="\n".join(s.text for s in chat_messages_of(instructions)))
    if key:
        placed = _placed(embedded(value[key]), _inner(where, key), builder.rows)
        builder.add_history(placed if keyed is None else _noted(placed, keyed))
    elif isinstance(value.get("input"), str) and "model" in value:  # a request of one text
        builder.rows.turn_to(_inner(where, "input"))
        asked = ChatMessage("user", value["input"])
        builder.add_history([(asked, Message(role="user", where=_inner(where, "input")))])


def _noted(
    placed: Iterator[tuple[ChatMessage, Message]], keyed: _KeyedMessages
) -> Iterator[tuple[ChatMessage, Message]]:
    """The messages as they are; each is put down as it passes."""
    for each, base in placed:
        keyed.messages.append(each)
        yield each, base


def _inner(where: str, part: str) -> str:
    """The place of a part: `line 3.messages[2]`."""
    return f"{where}.{part}" if where else part


def _have_roles(values: list[Any]) -> bool:
    """Whether all are messages that say whose they are: others are joined before they are read."""
    return all(isinstance(value, dict) and "role" in value for value in values)


def _placed(
    history: list[Any], where: str, rows: RowAccount
) -> Iterator[tuple[ChatMessage, Message]]:
    """The messages, each with its place and what it says of itself; each is accounted for."""
    rows.divide()
    if not _have_roles(history):
        rows.turn_to(where)
        for message in chat_messages_of(history):
            yield message, Message(role=message.role, where=where)
        rows.turn_away()
        return
    for number, value in enumerate(history):
        place = f"{where}[{number}]"
        rows.turn_to(place)
        alone = chat_message_of(value) if isinstance(value, dict) else None
        for message in (alone,) if alone is not None else chat_messages_of([value]):
            yield message, _base(value, place, message.role)
        if number >= _LOOKED_AT:
            history[number] = None  # what is in the run now need not lie in memory twice
    rows.turn_away()


def _add_answer(builder: RunBuilder, answer: Any, base: Message) -> None:
    reply = reply_of(answer)
    if reply is None:
        return
    if reply.request:
        builder.request = merged(builder.request, request_of(reply.request))
    builder.add_completion(reply.said, replace(base, **reply.onto(base)))


def _base(value: Any, where: str, role: str) -> Message:
    """What a message says of itself besides words: its time, model and usage, if any."""
    value = an_object(embedded(value))
    if _OF_BASE.isdisjoint(value):
        return Message(role=role, where=where)
    model = value.get("model")
    return Message(
        role=role,
        where=where,
        started=_time(value),
        model=model if isinstance(model, str) else "",
        **usage_of(value.get("usage")),
    )


_OF_BASE = frozenset({"model", "usage", *_TIMES})


def _time(value: dict[str, Any]) -> Any:
    return next((time for key in _TIMES if (time := time_of(value.get(key)))), None)


IMPORTER = Importer(
    "messages",
    "lists of messages: OpenAI chat and Responses, Anthropic, tau-bench, recorded HTTP",
    _recognise,
    _read,
    occurs_in_others=True,
)
