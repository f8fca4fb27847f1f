"""Spans of OTLP, Tempo, Jaeger, Phoenix and flat dumps, read into one kind of value."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kb.traces.decoding.timestamps import time_of
from kb.traces.messages.blocks import a_list, an_object
from kb.traces.spans.group_by_trace import Record, end_of, start_of


class Span(msgspec.Struct, frozen=True):
    """One span, its attributes flat: `gen_ai.tool.name` → value."""

    trace_id: str
    id: str
    parent: str
    name: str
    start: datetime | None
    end: datetime | None
    attributes: dict[str, Any]
    events: tuple[dict[str, Any], ...]
    error: str
    """Type of the error, empty when the status says none."""
    message: str
    scope: str
    resource: dict[str, Any] = msgspec.field(default_factory=dict)
    where: str = ""


_SPAN_IDS = ("spanId", "span_id", "spanID", "context.span_id", "id")
_PARENTS = ("parentSpanId", "parent_span_id", "parent_id", "parentSpanID")


def span_of(record: Record, trace_id: str) -> Span:
    """A record of OTLP, Jaeger, Phoenix or a flat dump as a span."""
    value = record.value
    attributes, events = attributes_of(value), tuple(events_of(value))
    error, message = _status(value, attributes, events)
    start = time_of(start_of(value))
    return Span(
        trace_id=trace_id,
        id=span_id(value),
        parent=_id(next((value[key] for key in _PARENTS if value.get(key)), _jaeger_parent(value))),
        name=str(value.get("name") or value.get("operationName") or ""),
        start=start,
        end=_end(value, start),
        attributes={**_kind(value), **_details(events), **attributes},
        events=events,
        error=error,
        message=message,
        scope=str(record.scope.get("name") or ""),
        resource=_pairs(record.group.get("attributes") or value.get("resource") or {}),
        where=record.where,
    )


def _kind(value: dict[str, Any]) -> dict[str, Any]:
    """The kind that Phoenix's API writes beside the attributes, under the name it has in them.

    https://arize.com/docs/phoenix/sdk-api-reference/rest-api/api-reference/spans/list-spans
    """
    kind = value.get("span_kind")
    is_one = isinstance(kind, str) and kind.upper() in _OPENINFERENCE_KINDS
    return {"openinference.span.kind": kind} if is_one else {}


_OPENINFERENCE_KINDS = frozenset(
    {"LLM", "TOOL", "AGENT", "RETRIEVER", "GUARDRAIL", "CHAIN", "EMBEDDING", "RERANKER"}
    | {"EVALUATOR", "PROMPT"}
)


#: The event in which the conventions put words and settings that the span itself does not hold.
DETAILS = "gen_ai.client.inference.operation.details"


_Events = tuple[dict[str, Any], ...]


def _details(events: _Events) -> dict[str, Any]:
    return next((event["attributes"] for event in events if event["name"] == DETAILS), {})


def span_id(value: dict[str, Any]) -> str:
    """The id of the span a record is, or belongs to."""
    context = an_object(value.get("context"))
    return _id(context.get("span_id") or next((value[k] for k in _SPAN_IDS if value.get(k)), ""))


def _id(value: Any) -> str:
    text = str(value or "")
    return text.removeprefix("0x")


def _jaeger_parent(value: dict[str, Any]) -> str:
    for reference in a_list(value.get("references")):
        if isinstance(reference, dict) and reference.get("refType") == "CHILD_OF":
            return str(reference.get("spanID") or "")
    return ""


def _end(value: dict[str, Any], start: datetime | None) -> datetime | None:
    end = time_of(end_of(value))
    duration = value.get("duration")  # Jaeger: microseconds
    if end is None and start and isinstance(duration, int | float):
        with suppress(OverflowError, ValueError):  # beyond the calendar, or no number at all
            return start + timedelta(microseconds=duration)
    return end


def _status(value: dict[str, Any], attributes: dict[str, Any], events: _Events) -> tuple[str, str]:
    """The type and message of an error, both empty for none."""
    status = value.get("status")
    code: Any = value.get("status_code")
    message = value.get("status_message") or ""
    if isinstance(status, dict):
        code = status.get("code", status.get("status_code"))
        message = status.get("message") or status.get("description") or message
    elif isinstance(status, str):
        code = status
    failed = code == 2 or (isinstance(code, str) and code.upper().endswith("ERROR"))  # noqa: PLR2004 - OTLP
    worded = attributes.get("gen_ai.tool.error") or attributes.get("gen_ai.error")
    failed = failed or bool(worded) or attributes.get("error") is True
    failed = failed or attributes.get("otel.status_code") == "ERROR"
    if not failed:
        return "", ""
    raised: dict[str, Any] = next(
        (event["attributes"] for event in events if event["name"] == "exception"), {}
    )
    kind = attributes.get("error.type") or raised.get("exception.type") or "error"
    return str(kind), str(message or raised.get("exception.message") or worded or "")


def attributes_of(value: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a span, flat: from key-value lists, nested objects, tags or columns."""
    listed = value.get("attributes", value.get("tags"))
    if listed is None:
        return _columns({k[11:]: v for k, v in value.items() if k.startswith("attributes.")})
    return _pairs(listed)


def _columns(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Columns of a table of spans as dotted keys: lists of messages stand in one cell."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        is_list = isinstance(value, list) and value and all(isinstance(v, dict) for v in value)
        if is_list and prefix.count(".") < _MOST_LEVELS:
            for number, part in enumerate(value):
                flat |= _columns(part, f"{prefix}{key}.{number}.")
        elif isinstance(value, dict) and value and prefix and prefix.count(".") < _MOST_LEVELS:
            flat |= _columns(value, f"{prefix}{key}.")
        elif value is not None:
            flat[prefix + key] = value
    return flat


def _pairs(values: Any) -> dict[str, Any]:
    if isinstance(values, list):
        pairs = (pair for pair in values if isinstance(pair, dict) and "key" in pair)
        return {str(pair["key"]): _plain(pair.get("value")) for pair in pairs}
    return _flat(values) if isinstance(values, dict) else {}


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested objects as dotted keys: Phoenix exports attributes both ways."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if "." in key:  # already flat: what is below is a value
            flat[prefix + key] = value
        elif isinstance(value, dict) and value and prefix.count(".") < _MOST_LEVELS:
            flat |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
            for number, part in enumerate(value):
                flat |= _flat(part, f"{prefix}{key}.{number}.")
        else:
            flat[prefix + key] = value
    return flat


_MOST_LEVELS = 24


def _plain(value: Any) -> Any:
    """The value of an OTLP AnyValue; anything else as it is."""
    if not isinstance(value, dict) or len(value) != 1:
        return value
    kind, inner = next(iter(value.items()))
    if kind == "intValue":
        return int(inner) if isinstance(inner, str) and inner.lstrip("-").isdigit() else inner
    if kind == "arrayValue":
        return [_plain(part) for part in a_list(an_object(inner).get("values"))]
    if kind == "kvlistValue":
        return _pairs(a_list(an_object(inner).get("values")))
    return inner if kind in {"stringValue", "boolValue", "doubleValue", "bytesValue"} else value


def event_name(event: dict[str, Any]) -> str:
    """The name of an event of a span or of the log, in any vintage."""
    found = event.get("name") or event.get("event_name") or event.get("eventName")
    return str(found or attributes_of(event).get("event.name") or "")


def events_of(value: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a span: name, time, attributes; Jaeger calls them logs."""
    for event in a_list(value.get("events") or value.get("span_events") or value.get("logs")):
        if isinstance(event, dict):
            attributes = _pairs(event.get("attributes") or event.get("fields") or {})
            name = event_name(event) or attributes.get("event") or ""
            time = event.get("timeUnixNano") or event.get("timestamp") or event.get("time")
            body = _plain(event.get("body"))
            attributes |= body if isinstance(body, dict) else {}
            yield {"name": str(name), "time": time, "attributes": attributes}
