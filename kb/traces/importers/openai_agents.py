"""Runs from the trace export of the OpenAI Agents SDK: one object a trace and one a span.

The export names the answers of the model by id only: the words are not in it, and the run says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, ToolDefinition
from kb.traces.spans.group_by_trace import Record, end_of, group_by_trace, start_of
from kb.traces.spans.run_of_spans import RunOfSpans
from kb.traces.spans.span import Span

_KINDS = {
    "function": "TOOL",
    "mcp_tools": "CHAIN",
    "response": "LLM",
    "generation": "LLM",
    "agent": "AGENT",
    "guardrail": "GUARDRAIL",
    "handoff": "HANDOFF",
}


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    if value.get("object") == "trace.span" and isinstance(value.get("span_data"), dict):
        return "objects trace and trace.span"
    inner = value.get("traces") or value.get("spans") or value.get("data")
    first = inner[0] if isinstance(inner, list) and inner else None
    return _evidence(first) if isinstance(first, dict) else ""


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        reader = RunOfSpans(source.account, trace_id)
        about: dict[str, Any] = {}
        tools: dict[str, None] = {}
        for record in records:
            data = record.value.get("span_data")
            if record.value.get("object") == "trace":
                about = record.value
                source.account.used()
            if isinstance(data, dict):
                named = data.get("tools") if data.get("type") == "agent" else None
                tools |= dict.fromkeys(map(str, a_list(named)))
                reader.take(_span(record))
            about = about or record.group
        builder = reader.finished()
        _tell(builder, about, tools)
        if builder.steps:
            yield builder
        else:
            reader.drop("traces without a call of a model or of a tool")


def _tell(builder: RunBuilder, about: dict[str, Any], tools: dict[str, None]) -> None:
    """What the trace says of itself, and the tools its agents name without their schemas."""
    workflow = str(about.get("workflow_name") or "")
    builder.conversation = builder.conversation or str(about.get("group_id") or "")
    builder.source |= {key: about[key] for key in ("workflow_name", "metadata") if about.get(key)}
    builder.agent = Agent(name=builder.agent.name or workflow, framework="openai-agents")
    builder.offer(ToolDefinition(name=str(tool)) for tool in tools)


def _span(record: Record) -> Span:
    value, data = record.value, record.value["span_data"]
    error = value.get("error")
    error = error if isinstance(error, dict) else {"message": error} if error else {}
    return Span(
        trace_id=str(value.get("trace_id") or ""),
        id=str(value.get("id") or ""),
        parent=str(value.get("parent_id") or ""),
        name=str(data.get("name") or data.get("type") or ""),
        start=time_of(start_of(value)),
        end=time_of(end_of(value)),
        attributes=_attributes(data),
        events=(),
        error="error" if error else "",
        message=str(error.get("message") or ""),
        scope="openai_agents",
        where=record.where,
    )


def _attributes(data: dict[str, Any]) -> dict[str, Any]:
    """The data of a span under the names the other spans have."""
    kind = str(data.get("type") or "")
    names = {
        "response_id": "gen_ai.response.id",
        "input": "input.value",
        "output": "output.value",
        "model": "gen_ai.request.model",
        "model_config": "llm.invocation_parameters",
        "span_data_input": "input.value",
    }
    found = {names.get(key, key): part for key, part in data.items() if part is not None}
    found["openinference.span.kind"] = _KINDS.get(kind, "CHAIN")
    if kind == "function":
        found["tool.name"] = found.pop("name", "unknown")
    if kind == "agent":
        found["agent.name"] = found.pop("name", "")
    if kind == "handoff":
        found["input.value"] = f"{data.get('from_agent')} → {data.get('to_agent')}"
    usage = data.get("usage")
    for key in ("input_tokens", "output_tokens"):
        if isinstance(usage, dict) and isinstance(usage.get(key), int):
            found[f"gen_ai.usage.{key}"] = usage[key]
    return {key: part for key, part in found.items() if key != "type" and part not in (None, [])}


IMPORTER = Importer(
    "openai-agents",
    "trace export of the OpenAI Agents SDK",
    _recognise,
    _read,
)
