"""Reads the messages of an MCP client: bounded in memory, and valid where they nearly are."""

from __future__ import annotations

import re
from typing import BinaryIO

from kb.streams import warn
from kb.terminal import whole_json

#: Twenty thousand characters of a query are 240 kB where each is escaped as two halves.
MOST_BYTES = 1 << 20
#: The tool that a message is made to call when it was too long to be read.
TOO_LONG = "message too long"
_KEPT = 4096  # bytes of either end of a long message, in which its id is looked for
_ID = re.compile(rb'"id"\s*:\s*(-?\d{1,18}|"(?:[^"\\]|\\.){0,200}")\s*[,}]')


def next_message(stream: BinaryIO) -> str | None:
    """The next line of the client; None at the end.

    Halves of surrogate pairs are replaced, which the library would refuse without an answer. In
    place of a line of more than `MOST_BYTES`, whose middle is never held, stands a call of
    `TOO_LONG` under its id.
    """
    while line := stream.readline(MOST_BYTES):
        if line.endswith(b"\n") or len(line) < MOST_BYTES:
            return whole_json(line.decode("utf-8", "replace"))
        head, tail = line[:_KEPT], _skipped(stream)
        if found := _ID.search(head.partition(b'"params"')[0]) or _last_id(tail):
            return (
                f'{{"jsonrpc":"2.0","id":{whole_json(found[1].decode("utf-8", "replace"))},'
                f'"method":"tools/call","params":{{"name":"{TOO_LONG}"}}}}'
            )
        warn(f"kb mcp: a message of more than {MOST_BYTES >> 20} MiB without an id is left out")
    return None


def _skipped(stream: BinaryIO) -> bytes:
    """The end of the line, once all of it has been read."""
    tail = b""
    while chunk := stream.readline(MOST_BYTES):
        tail = (tail + chunk)[-_KEPT:]
        if chunk.endswith(b"\n"):
            break
    return tail


def _last_id(tail: bytes) -> re.Match[bytes] | None:
    return next(reversed(list(_ID.finditer(tail))), None)
