"""The kind of a span (model, tool, agent, retrieval), in any vintage of the conventions.

Names of the GenAI conventions from 1.27 to v0.1.0 of their own repository, of OpenInference,
OpenLLMetry, Logfire, the Vercel AI SDK and Google ADK; the first name that a span has is taken.
https://github.com/open-telemetry/semantic-conventions-genai (read 2026-11-30)
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from kb.traces.decoding.lenient_json import arguments_of, embedded
from kb.traces.spans.span import Span


class SpanKind(StrEnum):
    """What a span tells."""

    MODEL = "model"
    TOOL = "tool"
    AGENT = "agent"
    RETRIEVAL = "retrieval"
    GUARDRAIL = "guardrail"
    HANDOFF = "handoff"
    PLAN = "plan"
    MEMORY = "memory"
    OTHER = "other"


_OPERATIONS = {
    "chat": SpanKind.MODEL,
    "text_completion": SpanKind.MODEL,
    "generate_content": SpanKind.MODEL,
    "fetch_response": SpanKind.MODEL,
    "execute_tool": SpanKind.TOOL,
    "invoke_agent": SpanKind.AGENT,
    "create_agent": SpanKind.AGENT,
    "invoke_workflow": SpanKind.AGENT,
    "retrieval": SpanKind.RETRIEVAL,
    "plan": SpanKind.PLAN,
    "handoff": SpanKind.HANDOFF,
    **{f"{verb}_memory": SpanKind.MEMORY for verb in ("search", "create", "update", "upsert")},
    **{f"{verb}_memory": SpanKind.MEMORY for verb in ("delete", "store", "retrieve")},
    **{f"{verb}_memory_store": SpanKind.MEMORY for verb in ("create", "delete")},
}
_WRITTEN = {
    "llm": SpanKind.MODEL,
    "tool": SpanKind.TOOL,
    "agent": SpanKind.AGENT,
    "retriever": SpanKind.RETRIEVAL,
    "guardrail": SpanKind.GUARDRAIL,
    "handoff": SpanKind.HANDOFF,
    "workflow": SpanKind.OTHER,
}
#: Attributes that only one kind of span has.
_SIGNS = (
    ("ai.toolCall.name", SpanKind.TOOL),
    ("gcp.vertex.agent.tool_call_args", SpanKind.TOOL),
    ("gen_ai.tool.call.arguments", SpanKind.TOOL),
    ("llm.request.type", SpanKind.MODEL),
    ("gen_ai.prompt.0.role", SpanKind.MODEL),
    ("gen_ai.input.messages", SpanKind.MODEL),
    ("llm.input_messages.0.message.role", SpanKind.MODEL),
    ("gen_ai.prompt", SpanKind.MODEL),
    ("gen_ai.completion", SpanKind.MODEL),
    ("gen_ai.tool.name", SpanKind.TOOL),
)
_TOOL_NAMES = ("gen_ai.tool.name", "tool.name", "ai.toolCall.name", "traceloop.entity.name")
_CALL_IDS = ("gen_ai.tool.call.id", "tool_call.id", "tool.id", "tool_call_id", "ai.toolCall.id")
_ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "gcp.vertex.agent.tool_call_args",
    "ai.toolCall.args",
    "tool_arguments",
    "input.value",
    "traceloop.entity.input",
    *("gen_ai.tool.arguments", "gen_ai.tool.input"),
    *("tool.arguments", "tool.args", "tool.input", "arguments", "args", "input"),
)
_RESULTS = (
    "gen_ai.tool.call.result",
    "gcp.vertex.agent.tool_response",
    "ai.toolCall.result",
    "tool_response",
    "output.value",
    "traceloop.entity.output",
    *("gen_ai.tool.result", "gen_ai.tool.output"),
    *("tool.result", "tool.output", "tool.response", "result", "output"),
)
_AGENT_NAMES = (
    *("gen_ai.agent.name", "agent.name", "agent_name", "graph.node.id", "llm.agent.name"),
    "gen_ai.workflow.name",
)
_READ_OF_TOOL = frozenset(
    {*_TOOL_NAMES, *_CALL_IDS, *_ARGUMENTS, *_RESULTS, "gen_ai.operation.name", "error.type"}
    | {"openinference.span.kind", "traceloop.span.kind", "gen_ai.agent.name", "input.mime_type"}
    | {"output.mime_type"}
)
_NAME_PREFIXES = ("execute_tool ", "running tool: ", "running tool ", "tool: ", "tool:", "tool.")
#: A handing over that a library records as a tool; it has no arguments and no result.
_HANDOFF = re.compile(r"handoff\b", re.IGNORECASE)


def kind_of(span: Span) -> SpanKind:
    """What a span tells; `OTHER` for plumbing: HTTP, queues, chains."""
    attributes = span.attributes
    operation = str(attributes.get("gen_ai.operation.name") or "").lower()
    if operation in _OPERATIONS:
        return _OPERATIONS[operation]
    written = attributes.get("openinference.span.kind") or attributes.get("traceloop.span.kind")
    kind = _WRITTEN.get(str(written or "").lower())
    if kind is SpanKind.TOOL and _is_handoff(span):
        return SpanKind.HANDOFF
    if kind is not None:
        return kind
    return SpanKind.OTHER if written is not None else _kind_by_signs(span)


def _kind_by_signs(span: Span) -> SpanKind:
    """What a span tells that does not say it: by its attributes, else by its name."""
    attributes = span.attributes
    if span.name.endswith((".doGenerate", ".doStream")):
        return SpanKind.MODEL
    if "gcp.vertex.agent.llm_request" in attributes and "gen_ai.tool.name" not in attributes:
        return SpanKind.MODEL
    named = SpanKind.TOOL if span.name.startswith(_NAME_PREFIXES) else SpanKind.OTHER
    return next((kind for sign, kind in _SIGNS if sign in attributes), named)


def _is_handoff(span: Span) -> bool:
    parts = (*_CALL_IDS, "tool.name", "gen_ai.tool.name", "input.value", "output.value")
    return bool(_HANDOFF.match(span.name)) and first(span, parts) is None


def first(span: Span, names: tuple[str, ...]) -> Any:
    """The value of the first of some attributes that a span has, None for none."""
    return next((v for name in names if (v := span.attributes.get(name)) is not None), None)


def tool_name(span: Span) -> str:
    """The tool a span ran."""
    written = first(span, _TOOL_NAMES)
    if written:
        return str(written)
    for prefix in _NAME_PREFIXES:
        if span.name.startswith(prefix):
            return span.name.removeprefix(prefix)
    return span.name.removesuffix(".tool") or "unknown"


def call_id(span: Span) -> str:
    """The id of the call, empty where the span has none."""
    return str(
        first(span, _CALL_IDS) or tool_message(first(span, _RESULTS)).get("tool_call_id", "")
    )


def call_arguments(span: Span) -> Any:
    """The arguments a tool was called with, decoded; None where they were not recorded."""
    value = arguments_of(first(span, _ARGUMENTS))
    if value is None and not _is_schema(embedded(span.attributes.get("tool.parameters"))):
        value = arguments_of(span.attributes.get("tool.parameters"))
    if isinstance(value, dict) and "kwargs" in value and "args" in value:  # smolagents
        return value["kwargs"] if not value["args"] else {"args": value["args"], **value["kwargs"]}
    if isinstance(value, dict) and isinstance(value.get("inputs"), dict):  # OpenLLMetry
        return value["inputs"]
    return value


def _is_schema(value: Any) -> bool:
    """Whether `tool.parameters` holds the schema of the arguments, and not the arguments."""
    if not isinstance(value, dict):
        return True
    if {"type", "properties"} & value.keys():
        return True
    return all(isinstance(part, dict) and "type" in part for part in value.values())


def call_result(span: Span) -> tuple[bool, Any]:
    """Whether the answer of a tool was recorded, and what it was."""
    value = first(span, _RESULTS)
    message = tool_message(value)
    return value is not None, message.get("content", value)


def is_told_error(span: Span) -> bool:
    """Whether the message a tool answered with says of itself that it is an error."""
    return tool_message(first(span, _RESULTS)).get("status") == "error"


def tool_message(output: Any) -> dict[str, Any]:
    """The fields of a LangChain ToolMessage, when an output is one; {} for anything else."""
    output = embedded(output)
    if not isinstance(output, dict):
        return {}
    inner: dict[str, Any] = output["kwargs"] if isinstance(output.get("kwargs"), dict) else output
    return inner if "tool_call_id" in inner and "content" in inner else {}


def other_tool_attributes(span: Span) -> dict[str, Any]:
    """The attributes of a tool's span that no field of a call has."""
    return {k: v for k, v in span.attributes.items() if k not in _READ_OF_TOOL}


def agent_name(span: Span) -> str:
    """The agent a span names, empty for none."""
    written = first(span, _AGENT_NAMES)
    if written:
        return str(written)
    return span.name.removesuffix(".agent") if kind_of(span) is SpanKind.AGENT else ""
