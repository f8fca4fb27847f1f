"""Server-sent events put together into the answer they carry.

Anthropic Messages, OpenAI chat chunks and OpenAI Responses. Fragments are joined before anything
else sees them: a secret cut in two is whole again before it is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.lenient_json import NotJsonError, decode


def is_stream(text: str) -> bool:
    """Whether a body is a stream of events."""
    start = text.lstrip()[:200]
    return start.startswith(("event:", "data:", ":")) and "data:" in text


def answer_of_stream(text: str) -> dict[str, Any]:
    """The answer an event stream carries, in the shape its API gives unstreamed; {} for none."""
    return answer_of_events(list(_events(text)))


def answer_of_events(events: list[dict[str, Any]]) -> dict[str, Any]:
    """The same for events that are decoded."""
    kinds = {kind for event in events if isinstance(kind := event.get("type"), str)}
    if kinds & {"message_start", "content_block_start"}:
        return _anthropic(events)
    if any(isinstance(event.get("choices"), list) for event in events):
        return _chat(events)
    done = [e["response"] for e in events if isinstance(e.get("response"), dict)]
    answer = done[-1] if done else {}
    whole = (e for e in events if e.get("type") == "response.output_item.done")
    items = [e["item"] for e in whole if isinstance(e.get("item"), dict)]
    # A stream that was cut off has no last event: its items are those that were whole.
    return answer if answer.get("output") or not items else {**answer, "output": items}


def _events(text: str) -> Iterator[dict[str, Any]]:
    data: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("data:"):
            data.append(line[5:].strip())
        elif not line.strip() and data:
            try:
                event = decode("\n".join(data))
            except NotJsonError:
                event = None  # [DONE], or a line that was cut off
            if isinstance(event, dict):
                yield event
            data = []


def _anthropic(events: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {"type": "message", "role": "assistant"}
    blocks: dict[Any, dict[str, Any]] = {}
    for event in events:
        if event.get("type") == "message_start" and isinstance(event.get("message"), dict):
            answer |= event["message"]
        elif event.get("type") == "content_block_start":
            blocks[event.get("index")] = dict(event.get("content_block") or {})
        elif event.get("type") == "content_block_delta":
            _grow(blocks.setdefault(event.get("index"), {}), event.get("delta") or {})
        elif event.get("type") == "message_delta":
            answer |= event.get("delta") or {}
            answer["usage"] = (answer.get("usage") or {}) | (event.get("usage") or {})
    for block in blocks.values():
        if "partial_json" in block:
            block["input"] = block.pop("partial_json") or "{}"
    return answer | {"content": list(blocks.values())}


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for key in ("text", "thinking", "partial_json", "signature"):
        if isinstance(delta.get(key), str):
            block[key] = str(block.get(key) or "") + delta[key]


def _chat(events: list[dict[str, Any]]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": "", "tool_calls": []}
    answer: dict[str, Any] = {"object": "chat.completion"}
    calls: dict[int, dict[str, Any]] = {}
    finish = None
    for event in events:
        answer |= {k: event[k] for k in ("id", "model", "usage", "created") if event.get(k)}
        for choice in (event.get("choices") or ())[:1]:
            delta = choice.get("delta") or {}
            message["content"] += delta.get("content") or ""
            finish = choice.get("finish_reason") or finish
            for part in delta.get("tool_calls") or ():
                _grow_call(calls.setdefault(part.get("index", 0), {}), part)
    message["tool_calls"] = list(calls.values())
    return answer | {"choices": [{"message": message, "finish_reason": finish}]}


def _grow_call(call: dict[str, Any], part: dict[str, Any]) -> None:
    call.setdefault("function", {"name": "", "arguments": ""})
    call["id"] = part.get("id") or call.get("id", "")
    function = part.get("function") or {}
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""
