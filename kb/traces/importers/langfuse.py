"""Runs from Langfuse: exported traces with their observations, or observations alone.

Observations come in any order, with input and output as JSON texts or decoded. Frameworks type
their tools as TOOL or only as SPAN; a SPAN is a tool when its answer or its name says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.lenient import embedded
from kb.traces.decoding.source import Source
from kb.traces.decoding.times import time_of
from kb.traces.importers.blocks import a_word, an_object
from kb.traces.importers.group_by_trace import Record, end_of, group_by_trace, start_of
from kb.traces.importers.importer import Importer
from kb.traces.importers.run_of_spans import RunOfSpans
from kb.traces.importers.span_messages import output_of
from kb.traces.importers.spans import Span
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Prompt

_KINDS = {
    "GENERATION": "LLM",
    "TOOL": "TOOL",
    "AGENT": "AGENT",
    "RETRIEVER": "RETRIEVER",
    "GUARDRAIL": "GUARDRAIL",
}
_TYPES = {"SPAN", "EVENT", "CHAIN", "EMBEDDING", "EVALUATOR", *_KINDS}
_NAME_PREFIXES = ("execute_tool ", "running tool: ", "running tool ")
_READ = frozenset(
    {"id", "traceId", "parentObservationId", "type", "name", "level", "statusMessage", "startTime"}
    | {"endTime", "input", "output", "model", "usageDetails", "usage", "metadata", "projectId"}
    | {
        "modelParameters",
        "toolDefinitions",
        "toolCalls",
        "toolCallNames",
        "totalCost",
        "promptName",
    }
    | {"promptVersion", "createdAt", "updatedAt", "latency", "costDetails", "internalModel"}
    | {"internalModelId", "calculatedTotalCost", "environment"}
)


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    if a_word(value.get("type")) in _TYPES and "traceId" in value and "startTime" in value:
        return "observations with a type and a traceId"
    trace = value.get("trace")
    inner = value.get("observations") or (
        trace.get("observations") if isinstance(trace, dict) else None
    )
    first = inner[0] if isinstance(inner, list) and inner else None
    return "a trace with observations" if isinstance(first, dict) and _evidence(first) else ""


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        reader = RunOfSpans(f"trace {trace_id}" if trace_id else "", trace_id)
        asked: set[str] = set()
        group: dict[str, Any] = {}
        system = ""
        for record in records:
            span = _span(record, asked)
            group = group or record.group
            system = system or _system(record.value)
            if span.attributes.get("openinference.span.kind") == "LLM":
                said = output_of(span)
                asked |= {call.tool for call in said.calls} if said else set()
            reader.take(span)
        tape = reader.finished()
        tape.prompt = tape.prompt if tape.prompt.text else Prompt(text=system)
        tape.conversation = tape.conversation or str(group.get("sessionId") or "")
        tape.source = {key: part for key, part in group.items() if key not in {"id"} and part}
        if not tape.agent.name:
            tape.agent = Agent(name=str(group.get("name") or ""))
        if tape.steps:
            yield tape


def _system(value: dict[str, Any]) -> str:
    """The instructions in the input of a root observation, where a framework writes them there."""
    told = embedded(value.get("input")) if not value.get("parentObservationId") else None
    system = told.get("system") if isinstance(told, dict) else None
    return system if isinstance(system, str) else ""


def _span(record: Record, asked: set[str]) -> Span:
    value = record.value
    failed = value.get("level") == "ERROR"
    metadata = embedded(value.get("metadata"))
    scope = metadata.get("scope") if isinstance(metadata, dict) else None
    return Span(
        trace_id=str(value.get("traceId") or ""),
        id=str(value.get("id") or ""),
        parent=str(value.get("parentObservationId") or ""),
        name=str(value.get("name") or ""),
        start=time_of(start_of(value)),
        end=time_of(end_of(value)),
        attributes=_attributes(value, metadata, asked),
        events=(),
        error="error" if failed else "",
        message=str(value.get("statusMessage") or "") if failed else "",
        scope=str(scope.get("name") or "") if isinstance(scope, dict) else "",
        where=record.where,
    )


def _attributes(value: dict[str, Any], metadata: Any, asked: set[str]) -> dict[str, Any]:
    """An observation under the names the other spans have; what it has besides is kept."""
    found = {key: part for key, part in value.items() if key not in _READ and part not in _NOTHING}
    kind = _KINDS.get(a_word(value.get("type")), "CHAIN")
    answer = _tool_message(value.get("output")) if kind in {"CHAIN", "TOOL"} else {}
    if answer or (kind == "CHAIN" and a_word(value.get("name")) in asked):
        kind = "TOOL"
    found["openinference.span.kind"] = kind
    original = metadata.get("attributes") if isinstance(metadata, dict) else None
    if kind == "TOOL":
        return found | _of_tool(value, answer, original if isinstance(original, dict) else {})
    if kind == "LLM":
        found |= _of_generation(value)
    return found | {"input.value": value.get("input"), "output.value": value.get("output")}


_NOTHING: tuple[Any, ...] = (None, "", [], {}, 0, False)


def _of_tool(
    value: dict[str, Any], answer: dict[str, Any], original: dict[str, Any]
) -> dict[str, Any]:
    arguments = embedded(value.get("input"))
    if isinstance(arguments, dict) and arguments.keys() == {"input"}:
        arguments = embedded(arguments["input"])
    name = str(value.get("name") or "")
    for prefix in _NAME_PREFIXES:
        name = name.removeprefix(prefix)
    ids = ("gen_ai.tool.call.id", "tool_call_id", "tool_call.id")
    call_id = answer.get("tool_call_id") or next(
        (original[i] for i in ids if original.get(i)), None
    )
    result = answer.get("content") if answer else value.get("output")
    return {
        "tool.name": name,
        "gen_ai.tool.call.id": call_id,
        "gen_ai.tool.call.arguments": arguments,
        "gen_ai.tool.call.result": result,
    }


def _tool_message(output: Any) -> dict[str, Any]:
    """The fields of a LangChain ToolMessage, when an output is one; {} for anything else."""
    output = embedded(output)
    if not isinstance(output, dict):
        return {}
    inner: dict[str, Any] = output["kwargs"] if isinstance(output.get("kwargs"), dict) else output
    return inner if "tool_call_id" in inner and "content" in inner else {}


def _of_generation(value: dict[str, Any]) -> dict[str, Any]:
    usage = an_object(value.get("usageDetails") or value.get("usage"))
    parameters = embedded(value.get("modelParameters"))
    definitions = value.get("toolDefinitions")
    return {
        "llm.model_name": value.get("model"),
        "llm.token_count.prompt": usage.get("input"),
        "llm.token_count.completion": usage.get("output"),
        "llm.cost.total": value.get("totalCost") or value.get("calculatedTotalCost") or None,
        "llm.invocation_parameters": parameters,
        "gen_ai.tool.definitions": definitions or None,
        "gen_ai.prompt.name": value.get("promptName"),
        "gen_ai.prompt.version": value.get("promptVersion"),
    }


IMPORTER = Importer(
    "langfuse",
    "traces exported from Langfuse, with their observations",
    _recognise,
    _read,
)
