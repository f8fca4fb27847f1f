"""Rows that Claude Code prints with `--output-format stream-json`, as rows of its session files.

They have the messages of a session and no times; a row names the call that started its agent.
Documented at https://docs.claude.com/en/docs/claude-code/sdk/sdk-headless
"""

from __future__ import annotations

from typing import Any

from kb.traces.messages.blocks import a_list, a_word, an_object


def is_streamed(row: dict[str, Any]) -> bool:
    """Whether a row is one of a stream: of its beginning, a message, or its end."""
    if "sessionId" in row or not isinstance(row.get("session_id"), str):
        return False
    kind = a_word(row.get("type"))
    if kind in {"assistant", "user"}:
        return "role" in an_object(row.get("message"))
    is_start = kind == "system" and row.get("subtype") == "init" and "tools" in row
    return is_start or (kind == "result" and "is_error" in row and "num_turns" in row)


def as_session_row(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the names that session files have for what it tells."""
    fields = {**row, "sessionId": row["session_id"]}
    if row.get("claude_code_version"):
        fields["version"] = row["claude_code_version"]
    if row.get("type") == "result" and (row.get("is_error") or row.get("errors")):
        return {**fields, "type": "system", "subtype": "api_error", "content": _told_error(row)}
    return fields


def _told_error(row: dict[str, Any]) -> str:
    """What the last row of a stream that ended badly says: its texts, or the kind of its end."""
    told = (row.get("result"), row.get("error"), *a_list(row.get("errors")))
    texts = dict.fromkeys(filter(None, map(error_text, told)))
    return "\n".join(texts) or a_word(row.get("subtype"))


def error_text(error: Any) -> str:
    """The words of an error, however deep they lie in it; empty for none."""
    if isinstance(error, dict):
        inner = error.get("message") or error.get("formatted") or error.get("blockingError")
        return error_text(inner if inner is not None else error.get("error"))
    return "" if error is None else str(error)
