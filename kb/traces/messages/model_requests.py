"""Tools offered, model asked and tokens used, in any dialect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import asdict

from kb.traces.decoding.lenient_json import embedded
from kb.traces.run import Request, ToolDefinition

_SCHEMA_KEYS = (
    "parameters",
    "input_schema",
    "inputSchema",
    "parameters_json_schema",
    "json_schema",
)
_READ = frozenset({"name", "description", "type", "annotations", "function", *_SCHEMA_KEYS})


def tools_of(values: Any) -> list[ToolDefinition]:
    """The tools of a list of schemas: OpenAI, Anthropic, MCP, Gemini or GenAI-convention shapes."""
    values = embedded(values)
    if isinstance(values, dict):
        values = [
            {"name": name, **value} for name, value in values.items() if isinstance(value, dict)
        ]
    found: list[ToolDefinition] = []
    for value in map(embedded, values if isinstance(values, list) else ()):
        declared = None
        if isinstance(value, dict):
            declared = value.get("function_declarations") or value.get("functionDeclarations")
        if isinstance(declared, list):
            found += tools_of(declared)
        elif isinstance(value, dict) and (tool := _tool(value)):
            found.append(tool)
    return found


def _tool(value: dict[str, Any]) -> ToolDefinition | None:
    inner = value["function"] if isinstance(value.get("function"), dict) else value
    name = inner.get("name") or value.get("name")
    if not isinstance(name, str) or not name:
        return None
    schema = next((embedded(inner[key]) for key in _SCHEMA_KEYS if inner.get(key)), None)
    annotations = inner.get("annotations") or value.get("annotations")
    return ToolDefinition(
        name=name,
        description=str(inner.get("description") or ""),
        parameters=schema if isinstance(schema, dict) else None,
        annotations=annotations if isinstance(annotations, dict) else None,
        source={k: v for k, v in inner.items() if k not in _READ and v not in (None, "", [], {})},
    )


_NUMBERS = {
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "top_k": ("top_k", "topK"),
}
_COUNTS = {
    "max_tokens": ("max_tokens", "max_completion_tokens", "max_output_tokens", "maxOutputTokens"),
    "seed": ("seed",),
}


_OF_REQUEST = frozenset(key for keys in (_NUMBERS | _COUNTS).values() for key in keys) | {
    "stop_sequences",
    "stop",
    "model",
    "model_name",
    "model_provider",
}
_NOTHING_ASKED = Request()


def request_of(values: Mapping[str, Any], provider: str = "") -> Request:
    """The model and the sampling in a request or in invocation parameters."""
    if _OF_REQUEST.isdisjoint(values):
        return Request(provider=provider) if provider else _NOTHING_ASKED
    fields: dict[str, Any] = {}
    for name, keys in (_NUMBERS | _COUNTS).items():
        value = next((values[key] for key in keys if is_number(values.get(key))), None)
        if value is not None:
            fields[name] = int(value) if name in _COUNTS else float(value)
    stop = values.get("stop_sequences") or values.get("stop")
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    model = values.get("model") or values.get("model_name")
    return Request(
        provider=provider or str(values.get("model_provider") or ""),
        model=model if isinstance(model, str) else "",
        stop_sequences=tuple(str(word) for word in stops),
        **fields,
    )


def merged(first: Request, second: Request) -> Request:
    """The first request, with what it leaves open taken from the second."""
    if second == _NOTHING_ASKED:
        return first
    ours = {key: value for key, value in asdict(first).items() if value not in (None, "", (), {})}
    return Request(**{**asdict(second), **ours})


_INPUT = (
    *("input_tokens", "prompt_tokens", "input", "prompt_token_count", "promptTokens"),
    *("promptTokenCount", "inputTokens"),
)
_OUTPUT = (
    *("output_tokens", "completion_tokens", "output", "candidates_token_count"),
    *("candidatesTokenCount", "completionTokens", "outputTokens"),
)
_CACHED = ("cache_read_input_tokens", "cached_input_tokens", "cached_tokens", "input_cached_tokens")


def usage_of(usage: Any) -> dict[str, Any]:
    """The tokens of one answer, by the names `Message` has for them; empty when unknown."""
    if not isinstance(usage, Mapping):
        return {}
    if _OTHER_COUNTS.isdisjoint(usage):
        return _anthropic_usage(usage)
    details = usage.get("input_tokens_details") or usage.get("prompt_tokens_details")
    counts = {**usage, **details} if isinstance(details, Mapping) else usage
    found = {
        "input_tokens": _first(counts, _INPUT),
        "output_tokens": _first(counts, _OUTPUT),
        "cached_tokens": _first(counts, _CACHED),
    }
    if found["input_tokens"] is not None and "cache_read_input_tokens" in counts:
        # Anthropic counts cached input apart; the conventions count it in.
        for key in ("cache_read_input_tokens", "cache_creation_input_tokens"):
            found["input_tokens"] += _first(counts, (key,)) or 0
    return {name: count for name, count in found.items() if count is not None}


#: Keys of counts that Anthropic's API does not have, which most sessions are of.
_OTHER_COUNTS = frozenset({"input_tokens_details", "prompt_tokens_details"}).union(
    _INPUT[1:], _OUTPUT[1:], _CACHED[1:]
)


def _anthropic_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a usage that has none of the other keys."""
    found = {}
    if (count := _count(usage.get("input_tokens"))) is not None:
        found["input_tokens"] = count
        if "cache_read_input_tokens" in usage:
            for key in ("cache_read_input_tokens", "cache_creation_input_tokens"):
                found["input_tokens"] += _count(usage.get(key)) or 0
    if (count := _count(usage.get("output_tokens"))) is not None:
        found["output_tokens"] = count
    if (count := _count(usage.get("cache_read_input_tokens"))) is not None:
        found["cached_tokens"] = count
    return found


def _first(values: Mapping[str, Any], keys: tuple[str, ...]) -> int | None:
    return next((n for key in keys if (n := _count(values.get(key))) is not None), None)


def _count(value: Any) -> int | None:
    """The number as one of tokens, None for what is none."""
    if type(value) is int and -_MOST < value < _MOST:
        return value
    return int(value) if value is not None and is_number(value) else None


#: More tokens, or a longer seed, nobody has: what is larger is no count.
_MOST = 2.0**63


def is_number(value: Any) -> bool:
    """Whether a value is a number one can count with."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool)
    return is_one and abs(value) < _MOST
