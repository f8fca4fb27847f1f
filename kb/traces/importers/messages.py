"""Runs from lists of messages: OpenAI chat and Responses, Anthropic, tau-bench, recorded HTTP.

A run is an object with a list of messages under a known key, a bare list of messages, or a
recorded exchange of requests and answers, streamed ones included.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.canonical_json import digest
from kb.traces.decoding.lenient import embedded
from kb.traces.decoding.source import Source, SourceRow
from kb.traces.decoding.times import time_of
from kb.traces.importers.blocks import a_word, an_object
from kb.traces.importers.importer import Importer
from kb.traces.importers.message_dialects import is_message, saids_of
from kb.traces.importers.model_requests import merged, request_of, tools_of, usage_of
from kb.traces.importers.reply import reply_of
from kb.traces.normalize.chat_message import ChatMessage
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Message, Prompt

#: Where a run keeps its messages, in the order they are looked for.
_KEYS = ("messages", "traj", "conversation", "input", "steps", "contents")
#: Keys that are read; all others are kept.
_READ = frozenset({"response", "choices", "output", "body", "tools", "functions", "system", *_KEYS})
_IDS = ("id", "run_id", "session_id", "conversation_id", "thread_id", "task_id")
#: So many values of a list tell whether it holds messages.
_LOOKED_AT = 5
_TIMES = ("timestamp", "created_at", "created", "time")


def _recognise(source: Source) -> str:
    head = source.head
    if any(_interactions(value) for value in head):
        return "recorded HTTP exchanges"
    if sum(map(is_message, head)) > len(head) / 2:  # some rows of a log may be torn
        return "messages with a role and a content"
    keys = [key for value in head if (key := _key(value))]
    if keys:
        return f"objects with a list of messages under {keys[0]!r}"
    return "the recorded answer of a model" if head and _is_answer(head[0]) else ""


def _key(value: Any) -> str:
    """The key under which an object keeps its messages, empty when it is no run."""
    if not isinstance(value, dict):
        return ""
    return next((key for key in _KEYS if _holds_messages(value.get(key))), "")


def _holds_messages(value: Any) -> bool:
    values = embedded(value)
    return isinstance(values, list) and bool(values) and all(map(is_message, values[:_LOOKED_AT]))


def _interactions(value: Any) -> list[Any]:
    found = value.get("interactions") if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def _is_answer(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("body"), str) and ("headers" in value or "status" in value):
        return reply_of(value["body"]) is not None
    kind = a_word(value.get("object"))
    return kind in {"response", "chat.completion"} or value.get("type") == "message"


def _read(source: Source) -> Iterator[RunBuilder]:
    tape: RunBuilder | None = None
    before: list[str] = []
    bare: list[SourceRow] = []
    for row in source.rows():
        if is_message(row.value):
            bare.append(row)
            continue
        said = _fingerprints(row.value)
        if not (said or _is_answer(row.value) or _interactions(row.value)):
            source.notes.add("rows without messages were left out", row.where)
            continue
        if tape is not None and not _goes_on(before, said):
            yield tape
            tape = None
        tape = tape or _opened(row)
        _hear(tape, row)
        before = said
    if bare:
        yield _of_bare(bare)
    if tape is not None:
        yield tape


def _fingerprints(value: Any) -> list[str]:
    """A key of each message: the messages themselves would lie in memory beside those on a tape."""
    key = _key(value)
    history = embedded(value[key]) if key else []
    if all("role" in an_object(part) for part in history):
        return [digest(said) for part in history for said in saids_of([part])]
    return [digest(said) for said in saids_of(history)]


def _goes_on(before: list[str], said: list[str]) -> bool:
    """Whether a list of messages is the earlier one and more: logs of requests are cumulative."""
    return bool(before) and len(said) > len(before) and said[: len(before)] == before


def _of_bare(rows: list[SourceRow]) -> RunBuilder:
    """A file that is one list of messages, or has one message a line; the rows are used up."""
    tape = RunBuilder()
    rows.reverse()
    while rows:
        where, value = rows.pop()
        for said in saids_of([value]):
            tape.add_message(said, _base(value, where, said.role))
    return tape


def _opened(row: SourceRow) -> RunBuilder:
    value = row.value
    tape = RunBuilder(row.where, next((str(value[key]) for key in _IDS if value.get(key)), ""))
    if "traj" in value and "task_id" in value:  # tau-bench: the trials of a task share its number
        tape.task, tape.id = str(value["task_id"]), f"{value['task_id']}-{value.get('trial', 0)}"
    elif isinstance(value.get("task"), str):
        tape.task = value["task"]
    unread = {*value} - _READ - {"interactions"}
    tape.source = {key: part for key, part in value.items() if key in unread}
    return tape


def _hear(tape: RunBuilder, row: SourceRow) -> None:
    where, value = row
    for exchange in _interactions(value):
        _hear_exchange(tape, exchange, where)
    _hear_request(tape, value, where)
    base = Message(role="assistant", where=where, started=_time(value))
    _hear_answer(tape, _answer_in(value), base)
    cost = value.get("cost")
    if isinstance(cost, int | float) and tape.steps and isinstance(tape.steps[-1], Message):
        tape.steps[-1] = replace(tape.steps[-1], cost_usd=float(cost))


def _answer_in(value: dict[str, Any]) -> Any:
    """What an object holds as the answer to its messages, None when there is none."""
    found = next((value[key] for key in ("response", "body") if value.get(key)), None)
    if found is None and _key(value) and isinstance(value.get("output"), dict | str):
        found = value["output"]
    is_whole = found is None and any(key in value for key in ("choices", "output", "content"))
    return value if is_whole else found


def _hear_exchange(tape: RunBuilder, exchange: Any, where: str) -> None:
    """One recorded request with its answer."""
    request = exchange.get("request") if isinstance(exchange, dict) else None
    response = exchange.get("response") if isinstance(exchange, dict) else None
    body = embedded(request.get("body")) if isinstance(request, dict) else None
    if isinstance(body, dict):
        _hear_request(tape, body, where)
    answer = response.get("body") if isinstance(response, dict) else None
    text = answer.get("string") if isinstance(answer, dict) else answer
    _hear_answer(tape, text, Message(role="assistant", where=where))


def _hear_request(tape: RunBuilder, value: dict[str, Any], where: str) -> None:
    options = an_object(value.get("kwargs"))
    tape.request = merged(tape.request, request_of({**options, **value}))
    tape.offer(tools_of(value.get("tools") or value.get("functions")))
    instructions = value.get("system") or value.get("instructions")
    if instructions and not tape.prompt.text:
        tape.prompt = Prompt(text="\n".join(s.text for s in saids_of(instructions)))
    key = _key(value)
    history = embedded(value[key]) if key else []
    tape.add_history(_placed(history, f"{where}.{key}" if where else key))


def _placed(history: list[Any], where: str) -> Iterator[tuple[ChatMessage, Message]]:
    """The messages, each with its place and what it says of itself."""
    if not all("role" in an_object(value) for value in history):
        for said in saids_of(history):
            yield said, Message(role=said.role, where=where)
        return
    for number, value in enumerate(history):
        for said in saids_of([value]):
            yield said, _base(value, f"{where}[{number}]", said.role)
        if number >= _LOOKED_AT:
            history[number] = None  # what is on the tape now need not lie in memory twice


def _hear_answer(tape: RunBuilder, answer: Any, base: Message) -> None:
    reply = reply_of(answer)
    if reply is None:
        return
    if reply.request:
        tape.request = merged(tape.request, request_of(reply.request))
    tape.add_completion(reply.said, replace(base, **reply.onto(base)))


def _base(value: Any, where: str, role: str) -> Message:
    """What a message says of itself besides words: its time, model and usage, if any."""
    value = an_object(embedded(value))
    model = value.get("model")
    return Message(
        role=role,
        where=where,
        started=_time(value),
        model=model if isinstance(model, str) else "",
        **usage_of(value.get("usage")),
    )


def _time(value: dict[str, Any]) -> Any:
    return next((time for key in _TIMES if (time := time_of(value.get(key)))), None)


IMPORTER = Importer(
    "messages",
    "lists of messages: OpenAI chat and Responses, Anthropic, tau-bench, recorded HTTP",
    _recognise,
    _read,
    occurs_in_others=True,
)
