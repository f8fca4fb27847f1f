"""Runs from traces of MLflow: an object with an info and the data of its spans.

What a span was given and what it gave stand in attributes as JSON texts (`mlflow.spanInputs`), as
does what it is (`mlflow.spanType`). Read after `Trace.to_json` of MLflow 3 (read 2026-11-30):
https://mlflow.org/docs/latest/genai/concepts/trace/
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import NotJsonError, decode, embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent
from kb.traces.spans.run_of_spans import RunOfSpans
from kb.traces.spans.span import Span
from kb.traces.spans.span_kinds import tool_message

_KINDS = {
    "LLM": "LLM",
    "CHAT_MODEL": "LLM",
    "TOOL": "TOOL",
    "AGENT": "AGENT",
    "RETRIEVER": "RETRIEVER",
}
_STARTS = ("start_time_unix_nano", "start_time_ns", "start_time", "timestamp_ms")
_ENDS = ("end_time_unix_nano", "end_time_ns", "end_time")
_ABOUT = ("tags", "trace_metadata", "request_metadata", "experiment_id", "state", "status")
_EARLY = datetime(1970, 1, 1, tzinfo=UTC)


def _recognise(source: Source) -> str:
    is_read = any(_spans_of(value) for value in source.head)
    return "traces with an info and spans with mlflow attributes" if is_read else ""


def _spans_of(value: Any) -> list[Any]:
    """The spans of a trace, [] for what is none."""
    if not isinstance(value, dict) or not isinstance(embedded(value.get("info")), dict):
        return []
    spans = a_list(an_object(embedded(value.get("data"))).get("spans"))
    first = an_object(next(iter(spans), None))
    keys = an_object(first.get("attributes"))
    return spans if any(key.startswith("mlflow.") for key in keys) else []


def _read(source: Source) -> Iterator[RunBuilder]:
    for where, value in source.rows():
        spans = _spans_of(value)
        if not spans:
            source.leave_out("rows that are no traces", where)
            continue
        info = an_object(embedded(value["info"]))
        builder = _run(info, spans, where, source.account)
        if builder is not None:
            yield builder


def _run(
    info: dict[str, Any], values: list[Any], where: str, rows: RowAccount
) -> RunBuilder | None:
    trace_id = a_word(info.get("trace_id")) or a_word(info.get("request_id"))
    places = [f"{where}.spans[{number}]".lstrip(".") for number in range(len(values))]
    rows.divide(*places)
    reader = RunOfSpans(rows, trace_id)
    spans = [_span(an_object(v), trace_id, p) for v, p in zip(values, places, strict=True)]
    for span in sorted(spans, key=lambda one: one.start or _EARLY):
        rows.turn_to(span.where)
        reader.take(span)
    reader.tell(
        _attribute_value(info.get("request_preview")),
        _attribute_value(info.get("response_preview")),
    )
    builder = reader.finished()
    if not builder.steps:
        reader.drop("traces without a call of a model or of a tool")
        return None
    builder.source = {key: info[key] for key in _ABOUT if info.get(key)}
    metadata = an_object(info.get("trace_metadata") or info.get("request_metadata"))
    session = a_word(metadata.get("mlflow.trace.session"))
    builder.conversation = builder.conversation or session
    agent = Agent(name=a_word(an_object(info.get("tags")).get("mlflow.traceName")))
    builder.agent = builder.agent if builder.agent.name else agent
    builder.agent = replace(builder.agent, framework=builder.agent.framework or "mlflow")
    return builder


def _attribute_value(value: Any) -> Any:
    """The value of an attribute: a JSON text as MLflow writes them, any other as it is."""
    if not isinstance(value, str):
        return value
    try:
        return decode(value)
    except NotJsonError:
        return value


def _span(value: dict[str, Any], trace_id: str, where: str) -> Span:
    fields = {
        key: _attribute_value(part) for key, part in an_object(value.get("attributes")).items()
    }
    status = value.get("status")
    code = an_object(status).get("code", status)
    code = a_word(code) or a_word(value.get("status_code"))
    message = a_word(an_object(status).get("message")) or a_word(value.get("status_message"))
    failed = code.upper().endswith("ERROR")
    context = an_object(value.get("context"))
    parent = a_word(value.get("parent_span_id")) or a_word(value.get("parent_id"))
    return Span(
        trace_id=trace_id,
        id=a_word(value.get("span_id")) or a_word(context.get("span_id")),
        parent=parent,
        name=a_word(value.get("name")),
        start=time_of(next((value[key] for key in _STARTS if value.get(key)), None)),
        end=time_of(next((value[key] for key in _ENDS if value.get(key)), None)),
        attributes=_attributes(fields, a_word(value.get("name"))),
        events=(),
        error=_error_type(value) if failed else "",
        message=message if failed else "",
        scope="mlflow",
        where=where,
    )


def _error_type(value: dict[str, Any]) -> str:
    for event in map(an_object, a_list(value.get("events"))):
        kind = an_object(event.get("attributes")).get("exception.type")
        if isinstance(kind, str) and kind:
            return kind
    return "error"


def _attributes(fields: dict[str, Any], name: str) -> dict[str, Any]:
    """What a span tells under the names the other spans have."""
    kind = _KINDS.get(a_word(fields.get("mlflow.spanType")), "CHAIN")
    inputs, outputs = fields.get("mlflow.spanInputs"), fields.get("mlflow.spanOutputs")
    found: dict[str, Any] = {
        key: part for key, part in fields.items() if not key.startswith("mlflow.") and part
    }
    found["openinference.span.kind"] = kind
    if kind == "TOOL":
        answer = tool_message(outputs)
        found |= {"tool.name": name.removesuffix("()"), "gen_ai.tool.call.arguments": inputs}
        found["gen_ai.tool.call.id"] = answer.get("tool_call_id")
        found["gen_ai.tool.call.result"] = answer.get("content", outputs)
        return found
    if kind == "LLM":
        usage = an_object(fields.get("mlflow.chat.tokenUsage"))
        found |= {
            "gen_ai.usage.input_tokens": usage.get("input_tokens"),
            "gen_ai.usage.output_tokens": usage.get("output_tokens"),
            "gen_ai.tool.definitions": fields.get("mlflow.chat.tools"),
            "llm.model_name": an_object(inputs).get("model") or fields.get("mlflow.llm.model"),
        }
    if kind == "AGENT":
        found["agent.name"] = name
    return found | {"input.value": inputs, "output.value": outputs}


IMPORTER = Importer(
    "mlflow",
    "traces of MLflow",
    _recognise,
    _read,
)
