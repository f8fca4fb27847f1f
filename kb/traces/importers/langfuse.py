"""Runs from Langfuse: exported traces with their observations, or observations alone.

Observations come in any order, with input and output as JSON texts or decoded, in camel case (the
API, the user interface) or in snake case (the export to blob storage). Frameworks type their tools
as TOOL or only as SPAN; a SPAN is a tool when its answer or its name says so.
https://langfuse.com/docs/api-and-data-platform/features/blob-storage-export-fields
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.lenient_json import embedded
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Prompt
from kb.traces.spans.group_by_trace import Record, end_of, group_by_trace, start_of
from kb.traces.spans.run_of_spans import RunOfSpans
from kb.traces.spans.span import Span
from kb.traces.spans.span_kinds import tool_message
from kb.traces.spans.span_messages import output_of

_KINDS = {
    "GENERATION": "LLM",
    "TOOL": "TOOL",
    "AGENT": "AGENT",
    "RETRIEVER": "RETRIEVER",
    "GUARDRAIL": "GUARDRAIL",
}
_TYPES = {"SPAN", "EVENT", "CHAIN", "EMBEDDING", "EVALUATOR", *_KINDS}
_NAME_PREFIXES = ("execute_tool ", "running tool: ", "running tool ", "tool.")
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
    | {"internalModelId", "calculatedTotalCost", "environment", "providedModelName", "modelId"}
    | {"parentObservationType", "completionStartTime", "timeToFirstToken", "inputUsage"}
    | {"outputUsage", "totalUsage", "inputCost", "outputCost", "eventTs", "isRoot", "bookmarked"}
)
#: What a row says of its trace, where rows stand alone.
_OF_TRACE = {"traceName": "name", "userId": "userId", "tags": "tags", "release": "release"}


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    is_one = a_word(value.get("type")) in _TYPES
    if is_one and any(keys <= value.keys() for keys in _OBSERVATION):
        return "observations with a type and a trace id"
    trace = an_object(value.get("trace"))
    lists = (value.get("observations"), trace.get("observations"), value.get("data"))
    inner = next((one for one in lists if isinstance(one, list) and one), [])
    first = inner[0] if inner else None
    seen = isinstance(first, dict) and (_evidence(first) or _is_within_trace(first))
    return "a trace with observations" if seen else ""


def _is_within_trace(value: dict[str, Any]) -> bool:
    """Whether an observation that lies in its trace is one: it need not repeat the trace's id."""
    has_start = "startTime" in value or "start_time" in value
    return has_start and "id" in value and a_word(value.get("type")) in _TYPES


#: What every observation has, in both cases.
_OBSERVATION = ({"traceId", "startTime"}, {"trace_id", "start_time"})


def _camel(value: dict[str, Any]) -> dict[str, Any]:
    """An observation with its keys in camel case."""
    if "trace_id" not in value:
        return value
    return {_SNAKE.sub(lambda found: found[1].upper(), key): part for key, part in value.items()}


_SNAKE = re.compile(r"(?<=[a-z0-9])_([a-z])")


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        reader = RunOfSpans(source.account, trace_id)
        asked: set[str] = set()
        group: dict[str, Any] = {}
        system = ""
        for snake in records:
            record = snake._replace(value=_camel(snake.value))
            span = _span(record, asked)
            group = group or record.group or _of_trace(record.value)
            system = system or _system(record.value)
            if span.attributes.get("openinference.span.kind") == "LLM":
                message = output_of(span)
                asked |= {call.tool for call in message.calls} if message else set()
            reader.take(span)
        reader.tell(group.get("input"), group.get("output"))
        builder = reader.finished()
        builder.prompt = builder.prompt if builder.prompt.text else Prompt(text=system)
        builder.conversation = builder.conversation or str(group.get("sessionId") or "")
        builder.source = {key: part for key, part in group.items() if key not in _TOLD and part}
        if not builder.agent.name:
            builder.agent = Agent(name=str(group.get("name") or ""))
        if builder.steps:
            yield builder
        else:
            reader.drop("traces without a call of a model or of a tool")


#: What is read of a trace into a field of the run.
_TOLD = frozenset({"id", "input", "output", "sessionId"})


def _of_trace(value: dict[str, Any]) -> dict[str, Any]:
    """What an observation says of its trace, under the names that a trace has for it."""
    found = {name: value[key] for key, name in _OF_TRACE.items() if value.get(key)}
    return found | ({"sessionId": value["sessionId"]} if value.get("sessionId") else {})


def _system(value: dict[str, Any]) -> str:
    """The instructions in the input of a root observation, where a framework writes them there."""
    asked = embedded(value.get("input")) if not value.get("parentObservationId") else None
    system = asked.get("system") if isinstance(asked, dict) else None
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
    found = {
        key: part
        for key, part in value.items()
        if key not in _READ and key not in _OF_TRACE and part not in _NOTHING
    }
    kind = _KINDS.get(a_word(value.get("type")), "CHAIN")
    answer = tool_message(value.get("output")) if kind in {"CHAIN", "TOOL"} else {}
    original = an_object(metadata.get("attributes")) if isinstance(metadata, dict) else {}
    is_tool = answer or _is_named_for_tool(value, asked) or _is_typed_as_tool(value, original)
    if kind == "CHAIN" and is_tool:
        kind = "TOOL"
    found["openinference.span.kind"] = kind
    if kind == "TOOL":
        return found | _of_tool(value, answer, original)
    if kind == "LLM":
        found |= _of_generation(value)
    return found | {"input.value": _prompt(value), "output.value": value.get("output")}


def _is_typed_as_tool(value: dict[str, Any], original: dict[str, Any]) -> bool:
    """Whether the attributes that are kept of a span type it as a tool that answered.

    BeeAI tells one call as three spans (start, success, finish): the one with the answer is it.
    """
    is_tool = a_word(original.get("openinference.span.kind")) == "TOOL"
    return is_tool and value.get("output") is not None


def _is_named_for_tool(value: dict[str, Any], asked: set[str]) -> bool:
    """Whether a span that is typed as none is a tool: a model asked for it, or its name says so."""
    name = a_word(value.get("name"))
    return name in asked or (name.startswith(_NAME_PREFIXES) and value.get("input") is not None)


_NOTHING: tuple[Any, ...] = (None, "", [], {}, 0, False)


#: How BeeAI names the span of a call that succeeded: `tool.search.wikipedia.success-12`.
_EVENT_OF_TOOL = re.compile(r"\.(?:success|error)-\d{1,9}$")


def _of_tool(
    value: dict[str, Any], answer: dict[str, Any], original: dict[str, Any]
) -> dict[str, Any]:
    arguments = embedded(value.get("input"))
    if isinstance(arguments, dict) and arguments.keys() == {"input"}:
        arguments = embedded(arguments["input"])
    if arguments is None:
        arguments = embedded(original.get("tool.parameters"))
    name = _EVENT_OF_TOOL.sub("", str(value.get("name") or ""))
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


def _offered(value: dict[str, Any]) -> list[Any]:
    """The tools that were offered: told as such, or as messages, as LangChain's handler does."""
    offered = value.get("toolDefinitions")
    given = embedded(value.get("input"))
    rows = given if isinstance(given, list) else []
    return offered or [row["content"] for row in rows if _is_offer(row)]


def _is_offer(row: Any) -> bool:
    content = row.get("content") if isinstance(row, dict) else None
    is_schema = isinstance(content, dict) and isinstance(content.get("function"), dict)
    return is_schema and "tool_call_id" not in row


def _prompt(value: dict[str, Any]) -> Any:
    given = embedded(value.get("input"))
    if not isinstance(given, list) or not any(map(_is_offer, given)):
        return value.get("input")
    return [row for row in given if not _is_offer(row)]


def _of_generation(value: dict[str, Any]) -> dict[str, Any]:
    usage = an_object(value.get("usageDetails") or value.get("usage"))
    parameters = embedded(value.get("modelParameters"))
    definitions = _offered(value)
    return {
        "llm.model_name": value.get("model") or value.get("providedModelName"),
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
