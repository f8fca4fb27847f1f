"""Runs from spans: OTLP JSON and JSON lines, Tempo, Jaeger, Phoenix; GenAI and OpenInference.

The GenAI conventions let a library put words into events of the log, beside its spans: an event
belongs to the span whose id it has, and stands for it where the span is not in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, an_object
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.spans.group_by_trace import Record, group_by_trace
from kb.traces.spans.run_of_spans import RunOfSpans
from kb.traces.spans.span import attributes_of, event_name, span_id, span_of

_GROUPS = ("resourceSpans", "scopeSpans", "batches", "instrumentationLibrarySpans")
_SPAN_KEYS = (
    {"traceId", "spanId"},
    {"trace_id", "span_id"},
    {"context.trace_id", "context.span_id"},
)


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    for key in _GROUPS:
        if isinstance(value.get(key), list):
            return f"OTLP spans under {key!r}"
    if any(map(_is_genai, _log_records(value))):
        return "OTLP logs with events of the GenAI conventions"
    return _evidence_in_list(value) or _evidence_of_span(value)


def _evidence_of_span(value: dict[str, Any]) -> str:
    context = value.get("context")
    if isinstance(context, dict) and "span_id" in context and "name" in value:
        return "spans with a context"
    tells = "name" in value or isinstance(value.get("attributes"), dict | list)
    is_span = tells and any(keys <= value.keys() for keys in _SPAN_KEYS)
    return "spans with a trace id and a span id" if is_span else ""


def _evidence_in_list(value: dict[str, Any]) -> str:
    key = next((key for key in ("spans", "data") if isinstance(value.get(key), list)), "")
    first = value[key][0] if key and value[key] else None
    if not isinstance(first, dict):
        return ""
    if key == "spans":
        return "a list of spans" if _evidence_of_span(first) else ""
    return "a Jaeger export" if "traceID" in first and "spans" in first else ""


def _log_records(value: dict[str, Any]) -> Iterator[Any]:
    for resource in a_list(value.get("resourceLogs")):
        for scope in a_list(an_object(resource).get("scopeLogs")):
            yield from a_list(an_object(scope).get("logRecords"))


def _is_genai(log: Any) -> bool:
    return isinstance(log, dict) and event_name(log).startswith("gen_ai.")


def _is_log(value: dict[str, Any]) -> bool:
    return "body" in value and not {"startTimeUnixNano", "start_time"} & value.keys()


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        reader = RunOfSpans(source.account, trace_id)
        logs: dict[str, list[Record]] = {}
        for record in records:  # logs come first: they have no start
            if _is_log(record.value):
                logs.setdefault(span_id(record.value), []).append(record)
                continue
            own = logs.pop(span_id(record.value), [])
            reader.take(span_of(_with_events(record, own, source), trace_id))
        for alone in logs.values():
            _take_alone(alone, trace_id, reader, source)
        builder = reader.finished()
        if builder.steps:
            yield builder
        else:
            reader.drop("traces without a span of a model, a tool or an agent")
            source.notes.add("traces without a span of a model, a tool or an agent were left out")


def _take_alone(logs: list[Record], trace_id: str, reader: RunOfSpans, source: Source) -> None:
    """Events whose span is not in the file, as one span with what they say of it."""
    if not any(_is_genai(log.value) for log in logs):
        for log in logs:
            source.account.turn_to(log.where)
            reader.leave_out("records of the log that tell of no model")
        return
    first = logs[0]
    source.account.turn_to(first.where)
    at = first.value.get("timeUnixNano") or first.value.get("observedTimeUnixNano")
    attributes = {name: value for log in logs for name, value in attributes_of(log.value).items()}
    span = {**first.value, "start_time": at, "attributes": attributes, "body": None}
    reader.take(span_of(_with_events(first._replace(value=span), logs, source), trace_id))


def _with_events(record: Record, logs: list[Record], source: Source) -> Record:
    """A span with the events of the log that belong to it; their rows fare as its own does."""
    if not logs:
        return record
    for log in logs:
        source.account.share(log.where, record.where)
    events = [*a_list(record.value.get("events")), *(log.value for log in logs)]
    return record._replace(value={**record.value, "events": events})


IMPORTER = Importer(
    "otlp",
    "spans: OTLP, Tempo, Jaeger, Phoenix; GenAI conventions and OpenInference",
    _recognise,
    _read,
)
