"""Runs from logs of Inspect: one sample a run, of a log in JSON or of the files in an `.eval`.

The messages of a sample are the talk; its events repeat them, and alone know the tools that were
offered, the settings, and when a call began and ended. Long texts stand once, as attachments.
https://inspect.aisi.org.uk/eval-logs.html and the schema of `EvalLog` there (read 2026-11-30)
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
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import merged, request_of, tools_of, usage_of
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, ToolCall

_SAMPLE = frozenset({"epoch", "input", "messages", "target"})
_ABOUT = ("target", "scores", "metadata", "sandbox", "total_time", "limit")
_ATTACHED = "attachment://"
_ERRORS = {"error", "sample_limit"}


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any({"eval", "samples"} <= row.keys() for row in rows):
        return "a log with its samples"
    return "a sample of a log" if any(_is_sample(row) for row in rows) else ""


def _is_sample(row: Any) -> bool:
    return isinstance(row, dict) and row.keys() >= _SAMPLE


def _read(source: Source) -> Iterator[RunBuilder]:
    for where, value in source.rows():
        if _is_sample(value):
            yield _run(value, {}, where, source.account)
        elif isinstance(value, dict) and isinstance(value.get("samples"), list):
            about, samples = an_object(value.get("eval")), value["samples"]
            source.account.divide()
            for number, sample in enumerate(samples):
                place = f"{where}.samples[{number}]".lstrip(".")
                if _is_sample(sample):
                    yield _run(sample, about, place, source.account)
                else:
                    source.account.turn_to(place)
                    source.leave_out("samples that were not kept whole", place)
                samples[number] = None  # a log may hold a thousand
        else:
            source.leave_out("rows that are no samples", where)


def _run(sample: dict[str, Any], about: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    """The run of one sample; `about` is what its log says of the evaluation."""
    name, epoch = str(sample.get("id") or ""), sample.get("epoch")
    builder = RunBuilder(rows, where, a_word(sample.get("uuid")) or f"{name}-{epoch}")
    builder.tells_errors = True
    builder.task = f"{a_word(about.get('task'))}/{name}".lstrip("/")
    builder.agent = Agent(name=a_word(about.get("solver")), framework="inspect")
    model = a_word(about.get("model")) or a_word(an_object(sample.get("output")).get("model"))
    builder.source = {key: sample[key] for key in _ABOUT if sample.get(key)}
    attachments = an_object(sample.get("attachments"))
    _tell_messages(builder, _with_attachments(sample["messages"], attachments), where)
    for event in map(an_object, a_list(sample.get("events"))):
        _tell_event(builder, event, attachments, where)
    builder.request = replace(builder.request, model=builder.request.model or model)
    error = an_object(sample.get("error"))
    if error:
        text = a_word(error.get("message"))
        failure = Failure.named("error", text)
        builder.add_event(Event("error", name="sample", text=text, failure=failure, where=where))
    return builder


def _with_attachments(value: Any, attachments: dict[str, Any]) -> Any:
    """A value with the texts that stand apart in their places."""
    if isinstance(value, str) and value.startswith(_ATTACHED):
        return attachments.get(value.removeprefix(_ATTACHED), value)
    if isinstance(value, list):
        return [_with_attachments(part, attachments) for part in value]
    if isinstance(value, dict):
        return {key: _with_attachments(part, attachments) for key, part in value.items()}
    return value


def _tell_messages(builder: RunBuilder, messages: Any, where: str) -> None:
    places = [f"{where}.messages[{n}]".lstrip(".") for n in range(len(a_list(messages)))]
    builder.rows.turn_to(where)
    builder.rows.divide(*places)
    for place, message in zip(places, a_list(messages), strict=True):
        builder.rows.turn_to(place)
        chat_message = chat_message_of(message)
        if chat_message is None:
            builder.leave_out("messages that cannot be read")
            continue
        fields = an_object(message)
        model = a_word(fields.get("model"))
        builder.add_message(chat_message, Message(role=chat_message.role, where=place, model=model))
        error = an_object(fields.get("error"))
        for answer in chat_message.answers if error else ():
            kind, text = a_word(error.get("type")), a_word(error.get("message"))
            builder.fail(answer.call_id, Failure.named(kind or "error", text))
            if not answer.result:
                builder.amend(answer.call_id, result=text)
    builder.rows.turn_away()


def _tell_event(
    builder: RunBuilder, event: dict[str, Any], attachments: dict[str, Any], where: str
) -> None:
    kind = a_word(event.get("event"))
    started, ended = time_of(event.get("timestamp")), time_of(event.get("completed"))
    if kind == "tool":
        call_id = a_word(event.get("id"))
        if builder.call(call_id) is not None:
            builder.amend(call_id, started=started, ended=ended)
    elif kind == "model":
        builder.offer(tools_of(_with_attachments(event.get("tools"), attachments)))
        fields = {"model": event.get("model"), **an_object(event.get("config"))}
        builder.request = merged(builder.request, request_of(fields))
        _tell_times(builder, event)
    elif kind in _ERRORS:
        error = an_object(event.get("error"))
        text = a_word(error.get("message")) or a_word(event.get("message"))
        failure = Failure.named(kind, text)
        told_event = Event("error", name=kind, text=text, failure=failure, where=where)
        builder.add_event(replace(told_event, started=started))


def _tell_times(builder: RunBuilder, event: dict[str, Any]) -> None:
    """When the answer of a model came, and its tokens, put on the message it is."""
    output = an_object(event.get("output"))
    choice = an_object(next(iter(a_list(output.get("choices"))), None))
    message = chat_message_of(choice.get("message"))
    if message is None:
        return
    ids = {call.id for call in message.calls}
    for number, step in enumerate(builder.steps):
        if not isinstance(step, Message) or step.role != "assistant" or step.ended is not None:
            continue
        after = builder.steps[number + 1 : number + 1 + len(ids)]
        asked = {one.id for one in after if isinstance(one, ToolCall)}
        if step.text == message.text and asked >= ids:
            started, ended = time_of(event.get("timestamp")), time_of(event.get("completed"))
            usage = usage_of(output.get("usage"))
            builder.steps[number] = replace(step, started=started, ended=ended, **usage)
            return


IMPORTER = Importer(
    "inspect",
    "logs of Inspect: JSON, .eval, single samples",
    _recognise,
    _read,
)
