"""Do the words of a result tell of a failure, wherever most of them are passed over at once?"""

from __future__ import annotations

import pytest
from kb.traces.effects.call_failures import failure_of

MESSAGES = (
    *("ValueError: no", "my.FooException(3)", "SQL error: no table", "failed: x", "fatal: x"),
    *("An unexpected error occurred", "permission denied", "Access denied", "request timed out"),
    *("timed out", "Timeout", "context deadline exceeded", "deadline exceeded", "EOF occurred"),
    *("connection refused", "socket hang up", "broken pipe", "connect ECONNREFUSED", "EPIPE"),
    *("read ECONNRESET", "write EPIPE", "ETIMEDOUT", "EOF", "unexpected end of file"),
    *(
        "server disconnected",
        "fetch failed",
        "request failed with 3",
        "unauthorised",
        "bad gateway",
    ),
    *("gateway time-out", "rate limit exceeded", "internal server error", "service unavailable"),
    *("command not found", "no such table", "unknown tool", "invalid argument", "500: internal"),
    *("unsupported call: x", "apply_patch verification failed", "HTTP 404: x", "status code 503"),
    *("code 502 Bad Gateway", "Traceback (most recent call last)", "[Error: x]", "Exit code 2"),
    *("The user doesn't want to proceed", "The tool use was rejected", "Tool call denied"),
    *("User rejected it", "[Request interrupted by user]", "Permission to use Bash was denied"),
)


@pytest.mark.parametrize("message", MESSAGES)
@pytest.mark.parametrize("before", ["", "\n\n"])
def test_a_message_is_told_however_it_begins(message: str, before: str) -> None:
    assert failure_of(before + message) is not None
    assert failure_of(before + message.upper()) is not None or message.startswith("Exit")


@pytest.mark.parametrize("text", ["all is well", "12 files, 4 changed", "the errand is done", ""])
def test_other_words_are_no_failure(text: str) -> None:
    assert failure_of(text) is None
