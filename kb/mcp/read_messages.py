"""Reads the messages of an MCP client: bounded in memory, and none without an answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import BinaryIO

from kb.terminal import whole_json

#: Twenty thousand characters of a query are 240 kB where each is escaped as two halves.
MOST_BYTES = 1 << 20
#: The tool that a message is made to call when it was too long to be read.
TOO_LONG = "message too long"
_KEPT = 4096  # bytes of either end of a long message, in which its id is looked for
_ID = re.compile(rb'"id"\s*:\s*(-?\d{1,18}|"(?:[^"\\]|\\.){0,200}")\s*[,}]')


Refuse = Callable[[str], None]


def next_message(stream: BinaryIO, refuse: Refuse) -> str | None:
    """The next message of the client that is one; None at the end.

    Halves of surrogate pairs are replaced, which the library would refuse without an answer. In
    place of a line of more than `MOST_BYTES`, whose middle is never held, stands a call of
    `TOO_LONG` under its id. `refuse` is given the answer to a line that is no message.
    """
    while line := stream.readline(MOST_BYTES):
        if line.endswith(b"\n") or len(line) < MOST_BYTES:
            text = whole_json(line.decode("utf-8", "replace"))
            fault = _fault_of(text)
        else:
            text, fault = _too_long(line[:_KEPT], _skipped(stream))
        if fault is None:
            return text
        if text.strip():  # an empty line is nothing that waits for an answer
            refuse(_error(*fault, _id_of(text)))
    return None


#: JSON-RPC 2.0, section 5.1. A batch is no message since MCP of 2025-06-18.
_NO_JSON, _NO_REQUEST, _ODD_PARAMS = -32700, -32600, -32602
Fault = tuple[int, str]


def _fault_of(text: str) -> Fault | None:
    """What is wrong with a line that the library would read and not answer; None for nothing."""
    from mcp_types import jsonrpc_message_adapter
    from pydantic import ValidationError
    from pydantic_core import from_json

    try:
        value = from_json(text)
    except ValueError as error:
        return _NO_JSON, f"Parse error: {error}"
    if isinstance(value, list):
        return _NO_REQUEST, "Invalid Request: a batch; send each message on a line of its own"
    try:
        jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValidationError:
        return _shape_fault(value)
    if "id" in value and not _is_id(value["id"]):
        return _NO_REQUEST, "Invalid Request: the id is no text and no whole number"
    return None


def _shape_fault(value: object) -> Fault:
    if not isinstance(value, dict):
        return _NO_REQUEST, "Invalid Request: no object"
    is_request = value.get("jsonrpc") == "2.0" and isinstance(value.get("method"), str)
    if is_request and not isinstance(value.get("params"), dict | None):
        return _ODD_PARAMS, "Invalid params: no object"
    return _NO_REQUEST, 'Invalid Request: it needs "jsonrpc": "2.0" and a "method"'


def _is_id(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _id_of(text: str) -> str:
    """The id of a line that is no message, as JSON: what a client waits for; else null."""
    if text.lstrip().startswith("{"):
        found = _ID.search(text.partition('"params"')[0].encode("utf-8", "replace"))
        return _as_json(found) if found else "null"
    return "null"


def _as_json(found: re.Match[bytes]) -> str:
    """The id that was found, as JSON that every client reads; null where it is none."""
    try:
        return json.dumps(json.loads(whole_json(found[1].decode("utf-8", "replace"))))
    except (ValueError, RecursionError):
        return "null"


def _error(code: int, words: str, identity: str) -> str:
    error = json.dumps({"code": code, "message": words})
    return f'{{"jsonrpc":"2.0","id":{identity},"error":{error}}}\n'


def _too_long(head: bytes, tail: bytes) -> tuple[str, Fault | None]:
    """A call of `TOO_LONG` for a long line with an id; else its beginning and what is wrong."""
    found = _ID.search(head.partition(b'"params"')[0]) or _last_id(tail)
    identity = _as_json(found) if found else "null"
    if identity == "null":
        return "a long line", (_NO_REQUEST, f"Invalid Request: more than {MOST_BYTES >> 20} MiB")
    return (
        f'{{"jsonrpc":"2.0","id":{identity},'
        f'"method":"tools/call","params":{{"name":"{TOO_LONG}"}}}}'
    ), None


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
