"""Runs from the events of a streamed answer: OpenAI Responses and chat, Anthropic Messages.

The events of one answer are put together before anything else sees them, from a stream as it was
sent (`data: …`) or one event a line. Results of tools are in no stream.
https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11-30)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.api_reply import reply_of
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.messages.model_requests import merged, request_of, tools_of
from kb.traces.messages.server_sent_events import answer_of_events
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Event, Failure, Message, Prompt

_BEGINS = {"response.created", "message_start"}
_ANTHROPIC = {"message_start", "content_block_start", "content_block_delta", "message_delta"}
_FAILURES = {"error", "response.failed", "response.incomplete"}


def _recognise(source: Source) -> str:
    events = [value for value in source.head if isinstance(value, dict) and _is_event(value)]
    return "events of a streamed answer" if events and len(events) > len(source.head) / 2 else ""


def _is_event(value: dict[str, Any]) -> bool:
    kind = a_word(value.get("type"))
    if value.get("object") == "chat.completion.chunk":
        return True
    of_responses = kind.startswith("response.") and (
        "sequence_number" in value or "response" in value or "item_id" in value
    )
    return of_responses or (kind in _ANTHROPIC and ("message" in value or "delta" in value))


def _read(source: Source) -> Iterator[RunBuilder]:
    builder = RunBuilder(source.account)
    events: list[tuple[dict[str, Any], str]] = []
    for where, value in source.rows():
        if not isinstance(value, dict):
            source.leave_out("rows that are no events", where)
            continue
        if events and _is_new(value, events[-1][0]):
            _tell(builder, events)
            events = []
        events.append((value, where))
        source.account.turn_to(where)
    if events:
        _tell(builder, events)
    source.account.turn_away()
    yield builder


def _is_new(value: dict[str, Any], last: dict[str, Any]) -> bool:
    """Whether an event begins another answer."""
    if value.get("object") == "chat.completion.chunk":
        return bool(value.get("id")) and value.get("id") != last.get("id")
    return a_word(value.get("type")) in _BEGINS


def _tell(builder: RunBuilder, events: list[tuple[dict[str, Any], str]]) -> None:
    """Add one answer: all of its events are used by it."""
    where = events[0][1]
    answer = answer_of_events([event for event, _ in events])
    builder.rows.turn_to(where)
    reply = reply_of(answer)
    for _, place in events[1:]:
        builder.rows.share(place, where)
    if reply is not None:
        fields = reply.request or {}
        builder.offer(tools_of(fields.get("tools")))
        instructions = fields.get("instructions")
        if isinstance(instructions, str) and not builder.prompt.text:
            builder.prompt = Prompt(text=instructions)
        builder.request = merged(builder.request, request_of({"model": reply.model, **fields}))
        base = Message(role="assistant", where=where)
        builder.add_completion(reply.said, replace(base, **reply.onto(base)))
        builder.id = builder.id or reply.id
    for event, place in events:
        if a_word(event.get("type")) in _FAILURES:
            response = an_object(event.get("response"))
            error = an_object(event.get("error")) or an_object(response.get("error"))
            text = a_word(error.get("message")) or a_word(event.get("message"))
            kind = a_word(error.get("code")) or a_word(event.get("type"))
            failure = Failure.named(kind, text)
            builder.add_event(Event("error", name=kind, text=text, failure=failure, where=place))


IMPORTER = Importer(
    "model-stream",
    "streamed answers: OpenAI Responses and chat, Anthropic",
    _recognise,
    _read,
)
