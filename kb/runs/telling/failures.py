"""Did a call fail, though its status says nothing? What exit codes and the words of a result say.

Only the beginning of a result is read as a message, and only plain forms count: a tool that reads
a log full of errors has not failed.
"""

from __future__ import annotations

import re
from typing import Any

from kb.runs.run import Failure, ToldBy
from kb.runs.traces.jsontext import embedded

_MAX_MESSAGE = 500
_BEGINNING = 400
#: `Error: user not found`, `SQL Error: no such table`, `ValueError: …`, `<tool_use_error>…`.
_WORDS = re.compile(
    r"\s*(?:\[\s*)?"
    r"(?:(?P<type>(?:[A-Za-z_][\w.]{0,60}(?:Error|Exception|Failure))|(?:\w{1,20} )?error|failed"
    r"|failure|exception|fatal)\]?\s*(?::|!|-\s|\(|code\b)"
    r"|(?P<plain>an? (?:unexpected |internal )?error occurred|permission denied|access denied"
    r"|request timed out|timed out|timeout\b|connection (?:refused|reset|timed out)"
    r"|unauthori[sz]ed\b"
    r"|rate limit exceeded|internal server error|bad gateway|service unavailable|command not found"
    r"|no such (?:file|table|tool)|unknown tool|invalid (?:argument|input|parameter)s?\b)"
    r"|(?P<trace>Traceback \(most recent call last\)))",
    re.IGNORECASE,
)
_FAILED = {"error", "failed", "failure"}
_TOOL_ERROR = re.compile(r"\s*<tool_use_error>(.{0,500})", re.DOTALL)
_EXIT_CODE = re.compile(
    r"^(?:Process exited with code|Exit code:?|exit status)\s+(\d{1,3})\b", re.MULTILINE
)
_REFUSED = re.compile(
    r"\s*(?:\[Request interrupted by user|The user doesn't want to (?:proceed|take this action)"
    r"|User (?:rejected|denied|declined)|Tool permission request failed|Permission to use)",
    re.IGNORECASE,
)


def failure_of(result: Any) -> Failure | None:
    """The failure the result of a call tells of, None when it tells of none."""
    value = embedded(result)
    if isinstance(value, dict):
        return _of_object(value)
    return _of_text(result) if isinstance(result, str) else None


def _of_object(value: dict[str, Any]) -> Failure | None:
    for key in ("isError", "is_error"):
        if value.get(key) is True:
            return Failure(type="tool_error", message=_text(value.get("content")))
    code = value.get("exit_code", value.get("exitCode"))
    metadata = value.get("metadata")
    if code is None and isinstance(metadata, dict):
        code = metadata.get("exit_code")
    if isinstance(code, int) and not isinstance(code, bool) and code != 0:
        return _exit(code, _text(value.get("stderr") or value.get("output")))
    error = value.get("error")
    if error and not isinstance(error, bool):
        return _told_by_text(_error_type(error), _text(error))
    failed = str(value.get("status")) in _FAILED or value.get("success") is False
    message = value.get("message") or value.get("detail") or error
    return _told_by_text("error", _text(message)) if failed or error is True else None


def _of_text(text: str) -> Failure | None:
    if refused := _REFUSED.match(text):
        return _told_by_text("rejected", text[refused.start() :].strip())
    if code := _EXIT_CODE.search(text[:_BEGINNING]):
        return _exit(int(code[1]), text) if int(code[1]) else None
    if tagged := _TOOL_ERROR.match(text):
        return _told_by_text("tool_error", tagged[1].removesuffix("</tool_use_error>").strip())
    found = _WORDS.match(text[:_BEGINNING])
    if found is None:
        return None
    named = found["type"] or ("timeout" if "time" in (found["plain"] or "").lower() else "error")
    return _told_by_text(named if " " not in named else "error", text.strip())


def _exit(code: int, text: str) -> Failure:
    return Failure(type=f"exit {code}", message=text[:_MAX_MESSAGE], told_by=ToldBy.EXIT_CODE)


def _told_by_text(kind: str, message: str) -> Failure:
    return Failure(type=kind or "error", message=message[:_MAX_MESSAGE], told_by=ToldBy.TEXT)


def _error_type(error: Any) -> str:
    kind = error.get("type") or error.get("code") if isinstance(error, dict) else ""
    return str(kind) if kind else "error"


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("message") or value.get("detail") or value
    if isinstance(value, list):
        texts = [part.get("text", "") for part in value if isinstance(part, dict)]
        value = "\n".join(str(text) for text in texts) or value
    return "" if value is None else str(value)
