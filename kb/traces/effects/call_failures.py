"""Failed calls whose status says nothing, by exit codes and the words of a result.

Only the beginning of a result is read as a message, and only plain forms count: a tool that reads
a log full of errors has not failed.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from kb.traces.decoding.lenient_json import embedded
from kb.traces.run import Failure, ToldBy

_BEGINNING = 400
#: `Error: user not found`, `SQL Error: no such table`, `ValueError: …`, `<tool_use_error>…`.
_WORDS = re.compile(
    r"\s*(?:\[\s*)?"
    r"(?:(?P<type>(?:[A-Za-z_][\w.]{0,60}(?:Error|Exception|Failure))|(?:\w{1,20} )?error|failed"
    r"|failure|exception|fatal)\]?\s*(?::|!|-\s|\(|code\b)"
    r"|(?P<plain>an? (?:unexpected |internal )?error occurred|permission denied|access denied"
    r"|request timed out|timed out|timeout\b|(?:context )?deadline exceeded"
    r"|connection (?:refused|reset|timed out|closed|lost|aborted)|socket hang up|broken pipe"
    r"|(?:connect |read |write )?E(?:CONNRESET|CONNREFUSED|CONNABORTED|TIMEDOUT|PIPE)\b"
    r"|EOF\s*$|EOF occurred|unexpected (?:EOF|end of file)|server disconnected|fetch failed"
    r"|request failed with\b|unauthori[sz]ed\b|gateway time-?out"
    r"|rate limit exceeded|internal server error|bad gateway|service unavailable|command not found"
    r"|no such (?:file|table|tool)|unknown tool|invalid (?:argument|input|parameter)s?\b"
    # What Codex answers where a call never began.
    r"|(?:exec_command|write_stdin|apply_patch)(?: verification)? failed\b"
    r"|failed to parse function arguments|unsupported call:)"
    r"|(?P<trace>Traceback \(most recent call last\)))",
    re.IGNORECASE,
)
_FAULT_STATUSES = range(400, 600)
_REASONS = "|".join(re.escape(status.phrase) for status in HTTPStatus if status in _FAULT_STATUSES)
_REASONS += r"|Gateway Time-?out|(?:client |server |internal )?error\b|internal\b|from upstream\b"
#: `HTTP 500: internal`, `502 Bad Gateway`, `status code 503`: a bare number counts things.
_STATUS = re.compile(
    r"\s*(?:\w{1,20} )?(?:(?:HTTP(?:/[\d.]{1,3})?|status|error)(?: status)?(?: code)?\s*[:=]?\s*"
    rf"(?P<told>[45]\d\d)(?=\s*$|\s*[^\w\s]|\s+(?:{_REASONS}))"
    rf"|(?P<bare>[45]\d\d)[\s:-]+(?:{_REASONS}))",
    re.IGNORECASE,
)
_STATUS_KEYS = ("statusCode", "status_code", "status")
_WORD_KEYS = ("status", "response_status", "responseStatus")
_FAILED = {"error", "failed", "failure", "timeout", "timed_out"}
#: What a tool answers that would not do it. In the answer of a read it is what was read.
_DECLINED = {"declined", "rejected", "denied", "refused"}
_TOOL_ERROR = re.compile(r"\s*<tool_use_error>(.{0,500})", re.DOTALL)
_EXIT_CODE = re.compile(
    r"^(?:Process exited with code|Exit code:?|exit status)\s+(\d{1,3})\b", re.MULTILINE
)
#: What each of these has in it.
_EXIT = "xit"
_REJECTED = "rejected"
#: More characters than a pattern needs for its first words: 21, then 61 and the end of a name.
_HEAD = 100
#: How messages begin, in small letters, that have none of the words looked for.
_BEGINNINGS = (
    *("[", "4", "5", "fatal", "permission", "access denied", "request timed", "timed out"),
    *("timeout", "context deadline", "deadline", "connection ", "connect e", "read e", "write e"),
    *("econn", "etimed", "epipe", "socket hang", "broken pipe", "eof", "unexpected", "server disc"),
    *("unauthori", "gateway", "rate limit", "bad gateway", "service unav", "command not"),
    *("no such", "unknown tool", "unsupported", "invalid", "traceback", "the user", "the tool"),
    *("tool ", "user "),
)
_DIGITS_OF_FAULTS = frozenset("45")
_REFUSED = re.compile(
    r"\s*(?:<tool_use_error>\s*)?"
    r"(?:\[Request interrupted by user|The user doesn't want to (?:proceed|take this action)"
    r"|The tool use was rejected|Tool (?:use|call) (?:was )?(?:rejected|denied|declined)"
    r"|User (?:rejected|denied|declined)|Tool permission request failed|Permission to use)",
    re.IGNORECASE,
)


def failure_of(result: Any, *, is_read: bool = False, is_told_fine: bool = False) -> Failure | None:
    """The failure the result of a call tells of, None when it tells of none.

    `is_read` says that the tool is known to read: a declined payment it found is no failure.
    `is_told_fine` says that the harness wrote that this is no error: an exit code in the text is
    then one that the program itself printed.
    """
    value = embedded(result)
    if isinstance(value, dict):
        return _of_object(value) or _of_status(value, is_read=is_read)
    return _of_text(result, is_told_fine=is_told_fine) if isinstance(result, str) else None


def is_refused(failure: Failure | None) -> bool:
    """Whether somebody or something kept a call from running."""
    return failure is not None and failure.type == _REJECTED


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
    if error is True or value.get("success") is False:
        return _told_by_text("error", _reason(value))
    return None


def _of_status(value: dict[str, Any], *, is_read: bool) -> Failure | None:
    """What a status in words or numbers tells; a number needs a word beside it."""
    for key in _STATUS_KEYS:
        code = value.get(key)
        is_fault = isinstance(code, int) and code in _FAULT_STATUSES
        if is_fault and (key != "status" or _reason(value)):
            return _told_by_text(f"HTTP {code}", _reason(value))
    word = next((str(value[key]).lower() for key in _WORD_KEYS if value.get(key)), "")
    if word in _FAILED:
        return _told_by_text("timeout" if "time" in word else "error", _reason(value))
    return _told_by_text(word, _reason(value)) if word in _DECLINED and not is_read else None


def _reason(value: dict[str, Any]) -> str:
    keys = ("message", "detail", "reason", "title", "error")
    return _text(next((value[key] for key in keys if value.get(key)), None))


def _of_text(text: str, *, is_told_fine: bool) -> Failure | None:
    beginning, may_be_a_message = text[:_BEGINNING], _may_be_a_message(text)
    if may_be_a_message and (refused := _REFUSED.match(text)):
        return _told_by_text(_REJECTED, text[refused.start() :].strip())
    if not is_told_fine and _EXIT in beginning and (code := _EXIT_CODE.search(beginning)):
        return _exit(int(code[1]), text) if int(code[1]) else None
    return _of_message(text, beginning) if may_be_a_message else None


def _may_be_a_message(text: str) -> bool:
    """False for a text that no pattern of a message matches: most results, in a tenth of the time.

    The patterns stay the ones that say what a failure is.
    """
    head = text.lstrip()[:_HEAD].lower()
    after_a_word = head.partition(" ")[2][:1]
    return (
        after_a_word in _DIGITS_OF_FAULTS
        or head.startswith(_BEGINNINGS)
        or "error" in head
        or "exception" in head
        or "fail" in head
        or "http" in head
        or "status" in head
    )


def _of_message(text: str, beginning: str) -> Failure | None:
    if tagged := _TOOL_ERROR.match(text):
        return _told_by_text("tool_error", tagged[1].removesuffix("</tool_use_error>").strip())
    if status := _STATUS.match(beginning):
        return _told_by_text(f"HTTP {status['told'] or status['bare']}", text.strip())
    found = _WORDS.match(beginning)
    if found is None:
        return None
    named = found["type"] or ("timeout" if "time" in (found["plain"] or "").lower() else "error")
    return _told_by_text(named if " " not in named else "error", text.strip())


def _exit(code: int, text: str) -> Failure:
    return Failure.exit(code, text)


def _told_by_text(kind: str, message: str) -> Failure:
    return Failure.named(kind or "error", message, ToldBy.TEXT)


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
