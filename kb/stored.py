"""What kb keeps for itself in `.kb/`, with the file names in it whatever their bytes are.

A name that is no UTF-8 is spelled with lone surrogates, as Python's own file functions do. No
encoder of msgspec takes them, so values that hold some are kept as JSON with escapes, which the
standard library reads back as they were; all others are as msgspec writes them.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")
#: How the escape of a lone surrogate begins; without it there is nothing to read another way.
_ESCAPED = b"\\ud"


def to_json(value: Any) -> bytes:
    """A value as JSON, lone surrogates escaped."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _with_escapes(value)


def from_json(raw: bytes, kind: type[T]) -> T:
    """The value of a type that `to_json` wrote. Raises `msgspec.DecodeError` for anything else."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return _from_escapes(raw, kind, fault)


def to_msgpack(value: Any) -> bytes:
    """A value as MessagePack; where it holds lone surrogates, as JSON with escapes."""
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError:
        return _with_escapes(value)


def from_msgpack(raw: bytes, kind: type[T]) -> T:
    """The value of a type that `to_msgpack` wrote. Raises `msgspec.DecodeError` for others."""
    try:
        return msgspec.msgpack.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        return _from_escapes(raw, kind, fault)


def _with_escapes(value: Any) -> bytes:
    return json.dumps(msgspec.to_builtins(value)).encode()


def _from_escapes(raw: bytes, kind: type[T], fault: Exception) -> T:
    if _ESCAPED not in raw:
        raise msgspec.DecodeError(str(fault)) from fault
    try:
        return msgspec.convert(json.loads(raw), type=kind)
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError(str(error)) from error
