"""Runs from LangSmith: the operation log of its SDK, ingest batches, exported runs.

A run of the log is told twice, at its start and at its end; the two are one by their id.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.lenient import arguments_of
from kb.traces.decoding.source import Source
from kb.traces.decoding.times import has_zone, time_of
from kb.traces.importers.blocks import a_word, an_object
from kb.traces.importers.group_by_trace import Record, end_of, group_by_trace, start_of
from kb.traces.importers.importer import Importer
from kb.traces.importers.run_of_spans import RunOfSpans
from kb.traces.importers.spans import Span
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent

_KINDS = {"llm": "LLM", "tool": "TOOL", "retriever": "RETRIEVER"}
_READ = frozenset(
    {"id", "name", "run_type", "start_time", "end_time", "inputs", "outputs", "error", "extra"}
    | {"trace_id", "parent_run_id", "dotted_order", "operation", "serialized", "events", "tags"}
    | {"session_name", "session_id", "child_run_ids", "parent_run_ids", "manifest", "status"}
)


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    if "run_type" in value and ("inputs" in value or "dotted_order" in value):
        return "runs with a run_type"
    if a_word(value.get("operation")) in {"post", "patch"} and "dotted_order" in value:
        return "an operation log of runs"
    inner = value.get("post")
    first = inner[0] if isinstance(inner, list) and inner else None
    return "a batch of runs" if isinstance(first, dict) and _evidence(first) else ""


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        runs = _whole(records)
        reader = RunOfSpans(f"trace {trace_id}" if trace_id else "", trace_id)
        for record in runs:
            if not has_zone(start_of(record.value)):
                source.notes.add("times without a zone were taken as UTC")
            reader.take(_span(record))
        tape = reader.finished()
        _tell(tape, runs[0].value if runs else {})
        if tape.steps:
            yield tape


def _whole(records: Iterator[Record]) -> list[Record]:
    """The runs of a trace, start and end joined, in the order of their starts."""
    found: dict[str, Record] = {}
    for record in records:
        run_id = str(record.value.get("id"))
        before = found[run_id].value if run_id in found else {}
        told = {key: part for key, part in record.value.items() if part not in (None, {}, [])}
        found[run_id] = record._replace(value={**before, **told})
    return sorted(found.values(), key=_order)


def _order(record: Record) -> tuple[float, str]:
    start = time_of(start_of(record.value))
    order = str(record.value.get("dotted_order") or "")
    return (start.timestamp() if start else 0.0, order)


def _tell(tape: RunBuilder, root: dict[str, Any]) -> None:
    tape.agent = Agent(name=tape.agent.name or str(root.get("name") or ""), framework="langchain")
    metadata = an_object(an_object(root.get("extra")).get("metadata"))
    if metadata:
        names = ("thread_id", "session_id", "conversation_id")
        tape.conversation = next((str(metadata[n]) for n in names if metadata.get(n)), "")
        tape.source["metadata"] = metadata
    if root.get("tags"):
        tape.source["tags"] = root["tags"]


def _span(record: Record) -> Span:
    value = record.value
    error = value.get("error")
    return Span(
        trace_id=str(value.get("trace_id") or ""),
        id=str(value.get("id") or ""),
        parent=str(value.get("parent_run_id") or ""),
        name=str(value.get("name") or ""),
        start=time_of(start_of(value)),
        end=time_of(end_of(value)),
        attributes=_attributes(value),
        events=(),
        error=_error_type(str(error)) if error else "",
        message=str(error or ""),
        scope="langchain",
        where=record.where,
    )


def _error_type(error: str) -> str:
    """`ValueError` of `ValueError('…')…`, as the SDK writes exceptions."""
    head = error.split("(", 1)[0].split(":", 1)[0].strip()
    return head if head.isidentifier() else "error"


def _attributes(value: dict[str, Any]) -> dict[str, Any]:
    """A run under the names the other spans have; what it has besides is kept."""
    found = {key: part for key, part in value.items() if key not in _READ and part}
    kind = _KINDS.get(str(value.get("run_type")), "CHAIN")
    found["openinference.span.kind"] = kind
    inputs, outputs = value.get("inputs"), value.get("outputs")
    if kind == "TOOL":
        return found | _of_tool(value, inputs, outputs)
    if kind == "LLM":
        extra = an_object(value.get("extra"))
        parameters = an_object(extra.get("invocation_params"))
        found["gen_ai.tool.definitions"] = parameters.get("tools")
        found["llm.provider"] = an_object(extra.get("metadata")).get("ls_provider")
        kept = {key: part for key, part in parameters.items() if key != "tools"}
        found["llm.invocation_parameters"] = kept
        found |= _usage(outputs)
    return found | {"input.value": inputs, "output.value": outputs}


def _of_tool(value: dict[str, Any], inputs: Any, outputs: Any) -> dict[str, Any]:
    arguments = inputs
    if isinstance(inputs, dict) and inputs.keys() == {"input"}:
        arguments = arguments_of(inputs["input"])
    output = outputs.get("output") if isinstance(outputs, dict) and "output" in outputs else outputs
    message = output.get("kwargs", output) if isinstance(output, dict) else {}
    is_message = isinstance(message, dict) and "tool_call_id" in message
    found = {
        "tool.name": value.get("name"),
        "gen_ai.tool.call.arguments": arguments,
        "gen_ai.tool.call.result": message.get("content") if is_message else output,
    }
    if is_message:
        found["gen_ai.tool.call.id"] = message["tool_call_id"]
        found["kb.tool_status"] = message.get("status")
    return found


def _usage(outputs: Any) -> dict[str, Any]:
    """Model and tokens of an answer, from what LangChain writes beside its message."""
    message = an_object(_generation(outputs).get("message"))
    inner = an_object(message.get("kwargs", message))
    told = an_object(inner.get("response_metadata"))
    usage = an_object(inner.get("usage_metadata") or told.get("token_usage"))
    return {
        "gen_ai.response.model": told.get("model_name") or told.get("model"),
        "gen_ai.response.id": told.get("id"),
        "gen_ai.usage.input_tokens": usage.get("input_tokens", usage.get("prompt_tokens")),
        "gen_ai.usage.output_tokens": usage.get("output_tokens", usage.get("completion_tokens")),
    }


def _generation(outputs: Any) -> dict[str, Any]:
    rows = outputs.get("generations") if isinstance(outputs, dict) else None
    while isinstance(rows, list) and rows:
        rows = rows[0]
    return rows if isinstance(rows, dict) else {}


IMPORTER = Importer(
    "langsmith",
    "runs of LangSmith: operation logs, ingest batches, exported runs",
    _recognise,
    _read,
)
