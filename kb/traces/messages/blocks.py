"""The content of a message as blocks: words, thoughts, calls, answers."""

from __future__ import annotations

from typing import Any

import msgspec

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.normalize.chat_message import ToolCallRequest, ToolResult
from kb.traces.run import Failure

_TEXT_TYPES = {"text", "input_text", "output_text", "summary_text", "refusal", "tool_output"}
_REASONING_TYPES = {"thinking", "reasoning", "redacted_thinking"}
_CALL_TYPES = {"tool_use", "tool_call", "server_tool_use", "mcp_tool_use", "toolcall", "tool-call"}
_CALL_KEYS = ("function_call", "functionCall", "toolUse", "toolCall")
_ANSWER_KEYS = ("function_response", "functionResponse", "toolResult", "toolResponse")
_ANSWER_TYPES = ("tool_result", "tool_call_response", "tool-result", "toolresult")
_IDS = ("tool_use_id", "tool_call_id", "toolCallId", "toolUseId", "call_id", "id")


class Content(msgspec.Struct, frozen=True):
    """The content of one message, sorted. `parts` is what is no text, as it was written."""

    text: str = ""
    reasoning: str = ""
    parts: tuple[Any, ...] = ()
    calls: tuple[ToolCallRequest, ...] = ()
    answers: tuple[ToolResult, ...] = ()


_NOTHING = Content()


def content_of(content: Any) -> Content:
    """The content of a message: a text, a list of blocks or parts, or nothing."""
    if isinstance(content, str):
        return Content(text=content) if content else _NOTHING
    if content is None:
        return _NOTHING
    blocks = content if isinstance(content, list) else [content]
    texts: list[str] = []
    thoughts: list[str] = []
    parts: list[Any] = []
    calls: list[ToolCallRequest] = []
    answers: list[ToolResult] = []
    for block in blocks:
        kind = _kind(block)
        if kind != "text" and _is_part_of_ui(block):
            calls.append(_call_of(block))
            answers += _answers_of_ui(block)
        elif kind == "text":
            texts.append(words_of(block))
        elif kind == "reasoning":
            thoughts.append(words_of(block))
        elif kind == "call":
            calls.append(_call_of(block))
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
    if kind in _CALL_TYPES or any(isinstance(block.get(key), dict) for key in _CALL_KEYS):
        return "call"
    is_answer = kind.endswith(_ANSWER_TYPES)
    is_answer = is_answer or any(isinstance(block.get(key), dict) for key in _ANSWER_KEYS)
    return "answer" if is_answer else ""


def _is_part_of_ui(block: Any) -> bool:
    """Whether a block is a part of the Vercel AI SDK that holds a call and what became of it."""
    if not isinstance(block, dict) or "toolCallId" not in block:
        return False
    kind = a_word(block.get("type"))
    return "state" in block and (kind.startswith("tool-") or kind == "dynamic-tool")


def _answers_of_ui(block: dict[str, Any]) -> list[ToolResult]:
    state, call_id = a_word(block.get("state")), str(block["toolCallId"])
    if state == "output-error":
        text = str(block.get("errorText") or "")
        failure = Failure.named("tool_error", text)
        return [ToolResult(call_id, text, failure)]
    return [ToolResult(call_id, block.get("output"))] if state == "output-available" else []


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


#: The keys of a block of Anthropic's, which most sessions are made of: nothing else is looked for.
_PLAIN_CALL = frozenset({"type", "id", "name", "input", "caller"})
_PLAIN_ANSWER = frozenset({"type", "tool_use_id", "content", "is_error"})


def _call_of(block: dict[str, Any]) -> ToolCallRequest:
    if block.keys() <= _PLAIN_CALL and block.get("name") and block.get("id"):
        arguments = block.get("input")
        return ToolCallRequest(str(block["name"]), arguments_of(arguments), str(block["id"]))
    inner = (block.get(key) for key in (*_CALL_KEYS, "function"))
    call = next((one for one in inner if isinstance(one, dict)), block)
    parts = (one.get(key) for one in (call, block) for key in ("arguments", "input", "args"))
    arguments = next((part for part in parts if part is not None), None)
    ids = (one[key] for one in (block, call) for key in reversed(_IDS) if one.get(key))
    call_id = next(ids, "")
    names = (one[key] for one in (call, block) for key in _NAMES if one.get(key))
    kind = a_word(block.get("type"))
    name = next(names, kind.removeprefix("tool-") if _is_part_of_ui(block) else "unknown")
    return ToolCallRequest(str(name), arguments_of(arguments), str(call_id))


_NAMES = ("name", "tool_name", "toolName", "toolType")


def _answer(block: dict[str, Any]) -> ToolResult:
    if block.keys() <= _PLAIN_ANSWER:
        inner, raw = block, block.get("content", "")
    else:
        found = (block.get(key) for key in _ANSWER_KEYS)
        inner = next((one for one in found if isinstance(one, dict)), block)
        keys = ("content", "response", "result", "output")
        raw = next((inner[key] for key in keys if key in inner), "")
    tool = _first_word(inner, _NAMES)
    return answer_of(_first_word(inner, _IDS), _value_of_output(raw), says_error(inner), tool)


def answer_of(call_id: str, raw: Any, is_error: bool | None, tool: str = "") -> ToolResult:
    """What came back for a call; blocks that are nothing but texts are one text."""
    content = content_of(raw) if isinstance(raw, list) else None
    result = content.text if content and not content.parts else raw
    message = result if isinstance(result, str) else ""
    return ToolResult(
        call_id,
        "" if result is None else result,
        Failure.named("tool_error", message) if is_error else None,
        tool,
        {"is_error": False} if is_error is False else {},
    )


def _first_word(value: dict[str, Any], keys: tuple[str, ...]) -> str:
    """What stands under the first of some keys that holds anything, as text."""
    for key in keys:
        if value.get(key):
            return str(value[key])
    return ""


def says_error(value: dict[str, Any]) -> bool | None:
    """Whether an answer says that it is an error; None where it says nothing of that."""
    output = value.get("output")
    if isinstance(output, dict) and a_word(output.get("type")).startswith("error-"):
        return True
    if value.get("status") == "error" and "toolUseId" in value:
        return True
    told = value.get("is_error", value.get("isError"))
    return told if isinstance(told, bool) else None


def _value_of_output(raw: Any) -> Any:
    """What the Vercel AI SDK wraps in a type (`{"type": "json", "value": …}`), bare."""
    is_wrapped = isinstance(raw, dict) and raw.keys() == {"type", "value"}
    return raw["value"] if is_wrapped else raw


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
