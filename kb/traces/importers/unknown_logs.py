"""Rows of logs that no format here reads, told by what they say they are."""

from __future__ import annotations

from typing import Any

from kb.traces.messages.blocks import a_word
from kb.traces.redaction import safe_text

_KIND_KEYS = ("type", "event", "event_type", "eventType", "kind", "event_kind")
_TOOL_KEYS = frozenset(
    {"tool_name", "toolName", "tool_call_id", "toolCallId", "tool_input", "toolInput", "tool_args"}
    | {"tool_output", "toolOutput", "tool_result", "toolResult"}
)
#: Words in the kind of a row that tells of a tool.
_TOOL_WORDS = ("tool", "function_call", "functioncall", "action_execut", "mcp_")
_LONGEST_SHOWN = 40


def tool_event(value: Any) -> str:
    """What kind of event of a tool a row is, empty for any other row and for messages.

    An event has no role; it names a tool, or says in its type that it tells of one.
    """
    if not isinstance(value, dict) or isinstance(value.get("role"), str):
        return ""
    kind = next((word for key in _KIND_KEYS if (word := a_word(value.get(key)))), "")
    keys = value.keys() & _TOOL_KEYS
    if keys or any(word in kind.lower() for word in _TOOL_WORDS):
        return safe_text(kind or min(keys))[:_LONGEST_SHOWN]
    return ""
