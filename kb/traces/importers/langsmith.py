"""Runs from LangSmith: the operation log of its SDK, ingest batches, exported runs.

A run of the log is told twice, at its start and at its end; the two are one by their id.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import has_zone, time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.model_requests import usage_of
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent
from kb.traces.spans.group_by_trace import Record, end_of, group_by_trace, start_of
from kb.traces.spans.run_of_spans import RunOfSpans
from kb.traces.spans.span import Span

_KINDS = {"llm": "LLM", "tool": "TOOL", "retriever": "RETRIEVER"}
_READ = frozenset(
    {"id", "name", "run_type", "start_time", "end_time", "inputs", "outputs", "error", "extra"}
    | {"trace_id", "parent_run_id", "dotted_order", "operation", "serialized", "events", "tags"}
    | {
        "session_name",
        "session_id",
        "child_run_ids",
        "child_runs",
        "parent_run_ids",
        "manifest",
        "status",
    }
    | {"prompt_tokens", "completion_tokens", "total_tokens", "app_path", "inputs_preview"}
    | {
        "outputs_preview",
        "serialized_id",
        "manifest_id",
        "trace_min_start_time",
        "direct_child_run_ids",
    }
)


#: Where runs lie in an answer of the API, and in what its SDKs send.
_LISTS = {
    "post": "a batch of runs",
    "patch": "a batch of runs",
    "runs": "runs as the API answers them",
    "items": "runs as the API answers them",
}
#: Of an operation the SDK for JavaScript may send the order alone: time and id of each ancestor.
_ORDER = re.compile(r"Z([0-9a-fA-F-]{36})")


#: What a run has beside its type: an export may lack what was given to it.
_OF_RUN = frozenset({"inputs", "dotted_order", "trace_id", "parent_run_id", "parent_run_ids"})


def _recognise(source: Source) -> str:
    return next((seen for value in source.head if (seen := _evidence(value))), "")


def _evidence(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    if "run_type" in value and value.keys() & _OF_RUN:
        return "runs with a run_type"
    if a_word(value.get("operation")) in {"post", "patch"} and "dotted_order" in value:
        return "an operation log of runs"
    for key, seen in _LISTS.items():
        first = next(iter(a_list(value.get(key))), None)
        if isinstance(first, dict) and (_evidence(first) or (key == "patch" and _run_id(first))):
            return seen
    return ""


def _read(source: Source) -> Iterator[RunBuilder]:
    for trace_id, records in group_by_trace(source):
        runs = _joined_runs(records, source.account)
        reader = RunOfSpans(source.account, trace_id)
        for record in runs:
            source.account.turn_to(record.where)
            if not has_zone(start_of(record.value)):
                source.notes.add("times without a zone were taken as UTC")
            reader.take(_span(record))
        source.account.turn_away()
        builder = reader.finished()
        _tell(builder, runs[0].value if runs else {})
        if builder.steps:
            yield builder
        else:
            reader.drop("traces without a call of a model or of a tool")


def _joined_runs(records: Iterator[Record], rows: RowAccount) -> list[Record]:
    """The runs of a trace, start and end joined, in the order of their starts."""
    found: dict[str, Record] = {}
    for record in records:
        run_id = _run_id(record.value) or record.where
        fields = {key: part for key, part in record.value.items() if part not in (None, {}, [])}
        before = found.get(run_id)
        if before is not None:
            rows.share(record.where, before.where)
            fields = {**before.value, **fields}
        found[run_id] = (before or record)._replace(value={**fields, "id": run_id})
    return sorted(found.values(), key=_order)


def _run_id(value: dict[str, Any]) -> str:
    """The id of a run, which its order ends with; empty where neither is told."""
    written = value.get("id") or value.get("run_id")
    ids = _ORDER.findall(str(value.get("dotted_order") or ""))
    return str(written or (ids[-1] if ids else ""))


def _parent_id(value: dict[str, Any]) -> str:
    ids = _ORDER.findall(str(value.get("dotted_order") or ""))
    above = next(reversed(a_list(value.get("parent_run_ids"))), "")
    return str(value.get("parent_run_id") or (ids[-2] if len(ids) > 1 else above))


def _order(record: Record) -> tuple[float, str]:
    start = time_of(start_of(record.value))
    order = str(record.value.get("dotted_order") or "")
    return (start.timestamp() if start else 0.0, order)


def _tell(builder: RunBuilder, root: dict[str, Any]) -> None:
    builder.agent = Agent(
        name=builder.agent.name or str(root.get("name") or ""), framework="langchain"
    )
    metadata = an_object(an_object(root.get("extra")).get("metadata"))
    if metadata:
        names = ("thread_id", "session_id", "conversation_id")
        builder.conversation = next((str(metadata[n]) for n in names if metadata.get(n)), "")
        builder.source["metadata"] = metadata
    if root.get("tags"):
        builder.source["tags"] = root["tags"]


def _span(record: Record) -> Span:
    value = record.value
    error = value.get("error")
    return Span(
        trace_id=str(value.get("trace_id") or ""),
        id=str(value.get("id") or ""),
        parent=_parent_id(value),
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
        made_with = an_object(an_object(value.get("serialized")).get("kwargs"))
        found |= _of_request(an_object(value.get("extra")), an_object(inputs), made_with)
        found |= _usage(value, an_object(outputs))
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


def _of_request(
    extra: dict[str, Any], inputs: dict[str, Any], made_with: dict[str, Any]
) -> dict[str, Any]:
    """What a model was asked with: by LangChain beside the inputs, by wrapped clients in them.

    `made_with` are the arguments that the model's object was made with.
    """
    parameters, about = (an_object(extra.get(key)) for key in ("invocation_params", "metadata"))
    kept = {key: part for key, part in inputs.items() if key not in {"messages", "tools"}}
    kept |= {key: part for key, part in parameters.items() if key != "tools"}
    fields = {
        name: about[f"ls_{name}"] for name in _LS_NAMES if about.get(f"ls_{name}") is not None
    }
    places = [(kept, "model"), (kept, "model_name"), (about, "ls_model_name")]
    places += [(made_with, "model"), (made_with, "model_name")]
    model = next((place[key] for place, key in places if place.get(key)), None)
    return {
        "gen_ai.tool.definitions": parameters.get("tools") or inputs.get("tools"),
        "llm.provider": about.get("ls_provider"),
        "llm.invocation_parameters": {**fields, **kept, "model": model},
    }


_LS_NAMES = ("temperature", "max_tokens", "stop")


def _usage(value: dict[str, Any], outputs: dict[str, Any]) -> dict[str, Any]:
    """Model and tokens of an answer: beside its message, in the answer, or of the run itself."""
    message = an_object(_generation(outputs).get("message") or outputs.get("message"))
    inner = an_object(message.get("kwargs", message))
    fields = an_object(inner.get("response_metadata"))
    output = an_object(outputs.get("llm_output"))
    usages = (
        *(inner.get("usage_metadata"), fields.get("token_usage"), output.get("token_usage")),
        *(outputs.get("usage_metadata"), outputs.get("usage"), value),
    )
    usage = next((one for one in map(usage_of, usages) if one), {})
    models = (fields.get("model_name"), fields.get("model"), outputs.get("model"))
    return {
        "gen_ai.response.model": next((m for m in (*models, output.get("model_name")) if m), None),
        "gen_ai.response.id": fields.get("id") or outputs.get("id"),
        "gen_ai.usage.input_tokens": usage.get("input_tokens"),
        "gen_ai.usage.output_tokens": usage.get("output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": usage.get("cached_tokens"),
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
