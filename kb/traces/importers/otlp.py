"""Runs from spans: OTLP JSON and JSON lines, Tempo, Jaeger, Phoenix; GenAI and OpenInference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.source import Source
from kb.traces.importers.group_by_trace import group_by_trace
from kb.traces.importers.importer import Importer
from kb.traces.importers.run_of_spans import RunOfSpans
from kb.traces.importers.spans import span_of
from kb.traces.normalize.run_builder import RunBuilder

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
    return _evidence_in_list(value) or _evidence_of_span(value)


def _evidence_of_span(value: dict[str, Any]) -> str:
    context = value.get("context")
    if isinstance(context, dict) and "span_id" in context and "name" in value:
        return "spans with a context"
    is_span = "name" in value and any(keys <= value.keys() for keys in _SPAN_KEYS)
    return "spans with a trace id and a span id" if is_span else ""


def _evidence_in_list(value: dict[str, Any]) -> str:
    key = next((key for key in ("spans", "data") if isinstance(value.get(key), list)), "")
    first = value[key][0] if key and value[key] else None
    if not isinstance(first, dict):
        return ""
    if key == "spans":
        return "a list of spans" if _evidence_of_span(first) else ""
    return "a Jaeger export" if "traceID" in first and "spans" in first else ""


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        reader = RunOfSpans(f"trace {trace_id}" if trace_id else "", trace_id)
        for record in records:
            reader.take(span_of(record, trace_id))
        tape = reader.finished()
        if tape.steps:
            yield tape
        else:
            source.notes.add("traces without a span of a model, a tool or an agent were left out")


IMPORTER = Importer(
    "otlp",
    "spans: OTLP, Tempo, Jaeger, Phoenix; GenAI conventions and OpenInference",
    _recognise,
    _read,
)
