"""Lenient decoding of JSON that was written carelessly.

Traces hold JSON inside JSON, NaN, halves of surrogate pairs, invalid UTF-8, Python reprs and
integers no other program can read. What is read here can always be written as canonical JSON,
apart from what redaction has to replace (numbers out of range, nesting without end).
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

#: Python refuses longer ones when it parses, and nobody means them.
_MAX_DIGITS = 400
_DECODER = msgspec.json.Decoder()
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Literals that are worth parsing as Python: `ast` takes 100 times the size in memory.
_MAX_LITERAL = 1_000_000


class NotJsonError(ValueError):
    """A text that is no JSON, however kindly it is read."""


def decode(raw: bytes | str | memoryview, repaired: Callable[[str], None] | None = None) -> Any:
    """The value of a JSON text. Raises `NotJsonError`, also for nesting without end.

    `repaired` is told in words what was done to bytes that are no UTF-8.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeError):
        return _decode_kindly(raw, repaired)
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error


def text_of(raw: bytes, repaired: Callable[[str], None] | None = None) -> str:
    """The text of bytes: UTF-8, else Latin-1 as Windows writes it, else what of UTF-8 is whole.

    Latin-1 is told by high bytes none of which begin a character of UTF-8.
    """
    with suppress(UnicodeDecodeError):
        return raw.decode("utf-8-sig")
    if _HIGH.search(raw) and not _FAR_FROM_LATIN.search(raw):
        if repaired is not None:
            repaired("bytes that are no UTF-8 were read as Latin-1")
        return raw.decode("cp1252")
    if repaired is not None:
        repaired("bytes that are no UTF-8 were replaced")
    return raw.decode("utf-8-sig", errors="replace")


_HIGH = re.compile(rb"[\x80-\xff]")
#: A character of UTF-8, bytes that stand for none in Latin-1, or three high bytes in a row.
_FAR_FROM_LATIN = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\x80-\xff]{3}"
    rb"|[\x81\x8d\x8f\x90\x9d\xfe\xff]"
)


def _decode_kindly(
    raw: bytes | str | memoryview, repaired: Callable[[str], None] | None = None
) -> Any:
    text = raw if isinstance(raw, str) else text_of(bytes(raw), repaired)
    try:
        return _without_half_pairs(json.loads(text, parse_int=_integer, strict=False))
    except RecursionError as error:
        raise NotJsonError("nested too deeply") from error
    except ValueError as error:
        raise NotJsonError(str(error)) from error


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _without_half_pairs(value: Any) -> Any:
    """The value with halves of surrogate pairs replaced: no encoder takes them."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_half_pairs(part) for part in value]
    if isinstance(value, dict):
        return {
            _SURROGATE.sub("\ufffd", key): _without_half_pairs(part) for key, part in value.items()
        }
    return value


def embedded(value: Any) -> Any:
    """The value with one layer of JSON text taken off, unchanged where it is no JSON.

    Only texts that hold an object or a list count: `"714"` stays the text it is.
    """
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        try:
            return decode(value)
        except NotJsonError:
            return value
    return value


def arguments_of(value: Any) -> Any:
    """The arguments of a call: decoded from JSON, twice encoded JSON or a Python repr.

    What is none of these stays a text: a patch, or a line of JavaScript.
    """
    if isinstance(value, str) and value.startswith("{"):  # as most are written
        with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            return _DECODER.decode(value)
    for _ in range(3):
        if not isinstance(value, str):
            return value
        text = value.strip()
        if text[:1] == '"':
            inner = _decoded_text(text)
        else:
            inner = embedded(text)
            inner = literal(text) if inner is text else inner
        if inner is None or inner is text:
            return value
        value = inner
    return value


def _decoded_text(text: str) -> Any:
    try:
        return decode(text)
    except NotJsonError:
        return None


def literal(text: str) -> Any:
    """The value of a Python repr of a dict or list, the text itself where it is none."""
    if text[:1] not in {"{", "["} or len(text) > _MAX_LITERAL:
        return text
    try:
        return json.loads(json.dumps(ast.literal_eval(text)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
