"""Chat messages of OpenAI, Anthropic, Gemini, LangChain and the GenAI conventions.

All importers read messages through `chat_message_of`: which shape it is shows in the message
itself, and one file may mix them. What no shape has a name for is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.lenient_json import arguments_of, embedded
from kb.traces.messages.blocks import Content, a_word, an_object, content_of, says_error
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult, joined
from kb.traces.run import Failure

_ROLES = {
    "ai": "assistant",
    "model": "assistant",
    "bot": "assistant",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "human": "user",
    "humanmessage": "user",
    "systemmessage": "system",
    "toolmessage": "tool",
    "toolresult": "tool",
    "tool_result": "tool",
    "function": "tool",
    "functionmessage": "tool",
}
_PLAIN_ROLES = {"system", "developer", "user", "assistant", "tool"}
#: Keys that were read into a field; all others are kept under `source`.
_READ = frozenset(
    {"role", "content", "parts", "tool_calls", "function_call", "tool_call_id", "name", "type"}
    | {"reasoning_content", "reasoning", "thinking", "finish_reason", "stop_reason", "usage"}
    | {"agent", "i", "id", "object", "status", "model", "kwargs", "lc", "invalid_tool_calls"}
    | {"additional_kwargs", "is_error", "response_metadata", "usage_metadata", "message", "refusal"}
    | {"index", "annotations", "logprobs", "audio", "phase", "artifact", "stop_sequence"}
    | {"toolCallId", "toolName", "isError", "stopReason", "finishReason", "toolCalls"}
)
_FINISHES = ("finish_reason", "stop_reason", "finishReason", "stopReason")
_REASONINGS = ("reasoning_content", "reasoning", "thinking")
_REFUSALS = ("refusal",)
_CALL_TYPES = {
    *("function_call", "custom_tool_call", "mcp_call", "local_shell_call", "computer_call"),
    "tool_search_call",
}
#: What answers a call: `local_shell_call_output`, and the tools that a search of tools found.
_OUTPUTS = ("_call_output", "tool_search_output")
#: Calls that the provider runs itself, answered in the same item.
_HOSTED_TYPES = {"web_search_call", "file_search_call", "code_interpreter_call"}


_CONTENTS = frozenset({"content", "parts", "tool_calls", "function_call"})


def is_message(value: Any) -> bool:
    """Whether a value is a message of a shape that is known here."""
    if not isinstance(value, dict):
        return False
    if isinstance(value.get("role"), str):
        return not _CONTENTS.isdisjoint(value)
    return _is_item(value) or _is_langchain(value)


def _is_item(value: dict[str, Any]) -> bool:
    kind = value.get("type")
    return isinstance(kind, str) and (
        (kind in _CALL_TYPES and ("call_id" in value or "name" in value))
        or (kind.endswith(_OUTPUTS) and "call_id" in value)
        or kind in _HOSTED_TYPES
        or (kind == "reasoning" and "summary" in value)
    )


def _is_langchain(value: dict[str, Any]) -> bool:
    if isinstance(value.get("kwargs"), dict) and isinstance(value.get("id"), list):
        return True
    return a_word(value.get("type")) in {"human", "ai", "system", "tool"} and (
        "content" in value or isinstance(value.get("data"), dict)
    )


def chat_messages_of(values: Any) -> list[ChatMessage]:
    """The messages of a list; a lone message or text counts as a list of one."""
    values = embedded(values)
    if isinstance(values, dict):
        inner = next((values[k] for k in ("messages", "input", "contents") if k in values), None)
        values = inner if isinstance(inner, list) and not is_message(values) else [values]
    if isinstance(values, str):
        return [ChatMessage("user", values)] if values else []
    if not isinstance(values, list):
        return []
    if values and all(isinstance(part, list) for part in values):
        values = values[0]  # LangChain: one list of messages for each prompt of a batch
    found = [message for value in values if (message := chat_message_of(value)) is not None]
    return joined(found) if any(isinstance(v, dict) and _is_item(v) for v in values) else found


def chat_message_of(value: Any) -> ChatMessage | None:
    """What a message says, None for what is no message."""
    value = embedded(value)
    if isinstance(value, str):
        return ChatMessage("user", value)
    if not isinstance(value, dict):
        return None
    role, kind = value.get("role"), value.get("type")
    if isinstance(role, str) and (kind is None or kind == "message") and "kwargs" not in value:
        return _of_message(value, role)  # as OpenAI and Anthropic write them: most are
    if _is_item(value):
        return _of_item(value)
    if _is_langchain(value):
        value = _unwrapped(value)
    if isinstance(value.get("message"), dict) and "role" not in value:
        value = {**value, **value["message"]}
    role = value.get("role")
    return _of_message(value, role) if isinstance(role, str) else None


def _unwrapped(value: dict[str, Any]) -> dict[str, Any]:
    """A LangChain message as a plain one."""
    inner = value.get("kwargs") or value.get("data") or value
    path = value.get("id")
    name = path[-1] if isinstance(path, list) and path else value.get("type", "")
    return {**an_object(inner), "role": str(name)}


def _of_message(value: dict[str, Any], written_role: str) -> ChatMessage:
    role = written_role
    if role not in _PLAIN_ROLES:
        role = _ROLES.get(role.lower(), role.lower())
    if "additional_kwargs" in value and role not in _PLAIN_ROLES:  # Langfuse: the tool's name
        value, role = {**value, "name": value.get("name") or written_role}, "tool"
    written = value.get("parts") if "parts" in value else value.get("content")
    is_plain = value.keys() == _PLAIN and role != "tool"
    if is_plain and isinstance(written, str) and not written.startswith(_CALLS):
        return ChatMessage(role, written)
    asked = _calls_as_text(written)
    role = "assistant" if asked else role  # Koog repeats them in the name of the tool
    content = content_of(asked or written)
    if role == "tool" and not content.answers:
        return _tool_message(value, content)
    return ChatMessage(
        role,
        content.text or _first_text(value, _REFUSALS),
        content.reasoning or _first_text(value, _REASONINGS),
        content.parts,
        content.calls or tuple(_calls(value)),
        content.answers,
        _first_text(value, _FINISHES),
        _text(value.get("agent")) or (_text(value.get("name")) if role != "tool" else ""),
        _other_fields(value),
    )


#: A message that has nothing but words.
_PLAIN = frozenset({"role", "content"})
_CALLS = "[{"


def _calls_as_text(content: Any) -> list[Any]:
    """Calls that an exporter wrote as the JSON text of a message; none in any other text."""
    values = embedded(content) if isinstance(content, str) and content[:2] == _CALLS else None
    if not isinstance(values, list):
        return []
    calls = [one for one in values if isinstance(one, dict) and one.keys() <= _OF_CALL]
    named = all(isinstance(one.get("function"), dict) and "id" in one for one in calls)
    parts = [{**one["function"], "id": one["id"], "type": "tool_call"} for one in calls if named]
    return parts if len(parts) == len(values) else []


_OF_CALL = {"function", "id", "type", "index"}


def _tool_message(value: dict[str, Any], content: Content) -> ChatMessage:
    """The answer of a tool as a message of its own: the OpenAI and LangChain way."""
    told = says_error(value)
    failed = told or value.get("status") == "error"
    result = value.get("content") if content.parts else content.text
    answer = ToolResult(
        _text(value.get("tool_call_id") or value.get("toolCallId") or value.get("id")),
        result if result is not None else "",
        Failure.named("error", content.text) if failed else None,
        _text(value.get("name") or value.get("toolName")),
        {"is_error": False} if told is False else {},
    )
    return ChatMessage("tool", answers=(answer,), source=_other_fields(value))


_WITH_CALLS = frozenset({"additional_kwargs", "tool_calls", "toolCalls", "function_call"})


def _calls(value: dict[str, Any]) -> Iterator[ToolCallRequest]:
    if _WITH_CALLS.isdisjoint(value):
        return
    more = value.get("additional_kwargs")
    listed = value.get("tool_calls") or value.get("toolCalls")
    listed = listed or (more.get("tool_calls") if isinstance(more, dict) else None)
    for call in listed if isinstance(listed, list) else ():
        if isinstance(call, dict):
            yield _call_of(call)
    if isinstance(value.get("function_call"), dict):
        yield _call_of(value["function_call"])


def _call_of(call: dict[str, Any]) -> ToolCallRequest:
    """A call as OpenAI (`function.arguments`), LangChain (`args`) or Inspect write it."""
    function = call.get("function")
    inner = function if isinstance(function, dict) else call
    arguments = next((inner[k] for k in ("arguments", "args", "input") if k in inner), None)
    name = function if isinstance(function, str) else inner.get("name")
    return ToolCallRequest(_text(name) or "unknown", arguments_of(arguments), _text(call.get("id")))


def _of_item(item: dict[str, Any]) -> ChatMessage | None:
    """An item of the Responses API."""
    kind, call_id = item["type"], _text(item.get("call_id") or item.get("id"))
    if kind == "reasoning":
        content = content_of(item.get("summary"))
        return ChatMessage("assistant", reasoning=content.text or content.reasoning)
    if kind.endswith(_OUTPUTS):
        raw = item.get("output") if "output" in item else item.get("tools")
        output = content_of(raw)
        result = raw if output.parts else output.text
        return ChatMessage("tool", answers=(ToolResult(call_id, result),), source=_item_rest(item))
    name = _text(item.get("name")) or kind.removesuffix("_call")
    keys = ("arguments", "input", "action", "queries")
    arguments = next((item[key] for key in keys if key in item), None)
    asked = ToolCallRequest(name, arguments_of(arguments), call_id, _item_rest(item))
    answers: tuple[ToolResult, ...] = ()
    if kind in _HOSTED_TYPES or item.get("output") is not None:
        answers = (ToolResult(call_id, item.get("output") or item.get("results") or ""),)
    return ChatMessage("assistant", calls=(asked,), answers=answers)


def _item_rest(item: dict[str, Any]) -> dict[str, Any]:
    read = {"type", "call_id", "id", "name", "arguments", "input", "output", "action", "status"}
    return {key: part for key, part in item.items() if key not in read and part not in _NOTHING}


_NOTHING: tuple[Any, ...] = (None, "", [], {})


def _other_fields(value: dict[str, Any]) -> dict[str, Any]:
    if value.keys() <= _READ:
        return {}
    return {key: part for key, part in value.items() if key not in _READ and part not in _NOTHING}


def _first_text(value: dict[str, Any], keys: tuple[str, ...]) -> str:
    """The text under the first of some keys that has any."""
    for key in keys:
        if value.get(key):
            return _text(value[key])
    return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
