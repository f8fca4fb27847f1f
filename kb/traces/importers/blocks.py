"""The content of a message as blocks: words, thoughts, calls, answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kb.traces.decoding.lenient import arguments_of
from kb.traces.normalize.chat_message import ToolCallRequest, ToolResult
from kb.traces.run import Failure

_TEXT_TYPES = {"text", "input_text", "output_text", "summary_text", "refusal"}
_REASONING_TYPES = {"thinking", "reasoning", "redacted_thinking"}
_CALL_TYPES = {"tool_use", "tool_call", "server_tool_use", "mcp_tool_use", "toolcall", "tool-call"}
_MAX_MESSAGE = 500


@dataclass(frozen=True)
class Content:
    """The content of one message, sorted. `parts` is what is no text, as it was written."""

    text: str = ""
    reasoning: str = ""
    parts: tuple[Any, ...] = ()
    calls: tuple[ToolCallRequest, ...] = ()
    answers: tuple[ToolResult, ...] = ()


def content_of(content: Any) -> Content:
    """The content of a message: a text, a list of blocks or parts, or nothing."""
    if isinstance(content, str):
        return Content(text=content)
    blocks = content if isinstance(content, list) else [] if content is None else [content]
    texts: list[str] = []
    thoughts: list[str] = []
    parts: list[Any] = []
    calls: list[ToolCallRequest] = []
    answers: list[ToolResult] = []
    for block in blocks:
        kind = _kind(block)
        if kind == "text":
            texts.append(words_of(block))
        elif kind == "reasoning":
            thoughts.append(words_of(block))
        elif kind == "call":
            calls.append(_asked(block))
        elif kind == "answer":
            answers.append(_answer(block))
        elif block is not None:
            parts.append(block)
    return Content(_lines(texts), _lines(thoughts), tuple(parts), tuple(calls), tuple(answers))


def _kind(block: Any) -> str:
    """What a block is: text, reasoning, call, answer, or empty for anything else."""
    if isinstance(block, str):
        return "text"
    if not isinstance(block, dict):
        return ""
    written = block.get("type")
    kind = written.lower() if isinstance(written, str) else ""
    if kind in _TEXT_TYPES or (not kind and isinstance(block.get("text"), str)):
        return "text"  # Gemini parts have no type
    if kind in _REASONING_TYPES:
        return "reasoning"
    if kind in _CALL_TYPES or "function_call" in block or "functionCall" in block:
        return "call"
    is_answer = kind.endswith(("tool_result", "tool_call_response", "tool-result"))
    return "answer" if is_answer or "function_response" in block else ""


def words_of(block: Any) -> str:
    """The words of a text or reasoning block."""
    if isinstance(block, str):
        return block
    for key in ("text", "content", "thinking", "reasoning", "refusal", "summary"):
        words = block.get(key)
        if isinstance(words, dict):
            words = words.get("value") or words.get("text")
        if isinstance(words, str):
            return words
        if isinstance(words, list):
            return content_of(words).text
    return ""


def _asked(block: dict[str, Any]) -> ToolCallRequest:
    inner = block.get("function_call") or block.get("functionCall") or block.get("function")
    call = inner if isinstance(inner, dict) else block
    arguments = next(
        (call[key] for key in ("arguments", "input", "args") if call.get(key) is not None), None
    )
    call_id = block.get("id") or call.get("id") or block.get("tool_call_id") or ""
    name = call.get("name") or block.get("name") or block.get("tool_name") or "unknown"
    return ToolCallRequest(str(name), arguments_of(arguments), str(call_id))


def _answer(block: dict[str, Any]) -> ToolResult:
    inner = block.get("function_response") or block
    keys = ("content", "response", "result", "output")
    raw = next((inner[key] for key in keys if key in inner), "")
    content = content_of(raw) if isinstance(raw, list) else None
    result = content.text if content and not content.parts else raw
    failed = inner.get("is_error") is True
    message = result if isinstance(result, str) else ""
    return ToolResult(
        str(inner.get("tool_use_id") or inner.get("tool_call_id") or inner.get("id") or ""),
        "" if result is None else result,
        Failure(type="tool_error", message=message[:_MAX_MESSAGE]) if failed else None,
        str(inner.get("name") or ""),
    )


def _lines(texts: list[str]) -> str:
    return "\n".join(text for text in texts if text)


def an_object(value: Any) -> dict[str, Any]:
    """The object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def a_list(value: Any) -> list[Any]:
    """The list, an empty one for anything else."""
    return value if isinstance(value, list) else []


def a_word(value: Any) -> str:
    """The text, an empty one for anything else: it can be looked up in a set."""
    return value if isinstance(value, str) else ""
