"""Canonical JSON (RFC 8785), so that equal values are equal files.

The encoder is the `rfc8785` package's. It refuses what RFC 8785 cannot express, integers beyond
2⁵³ above all; `kb.traces.redaction` makes texts of these before a run is built.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

#: RFC 8785 numbers are doubles: larger integers would change.
MAX_INTEGER = 2**53 - 1


_KEY_DIGITS = 24


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value of plain JSON types."""
    import rfc8785

    return rfc8785.dumps(value)


def sha256(raw: bytes) -> str:
    """The SHA-256 of bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def digest(value: Any) -> str:
    """A short key of a value: values with equal canonical JSON have equal keys. No file holds it.

    It takes what `canonical` refuses, and is fast: every message of a trace passes through here.
    """
    raw = _ENCODER.encode(value)
    if b".0" in raw and _holds_whole_float(value):
        raw = _ENCODER.encode(_whole_as_integers(value))
    return hashlib.blake2b(raw, digest_size=12).hexdigest()


def value_key(value: Any) -> str:
    """A key that equal values share: a text is its own, of other values it is a digest."""
    return value if isinstance(value, str) else f"\0{digest(value)}"


def digest_of_rows(rows: Iterable[list[Any]]) -> str:
    """A short key of rows of texts, one in memory at a time; no number in them is a float."""
    whole = hashlib.sha256()  # processors have instructions for it: four times BLAKE2's speed
    for row in rows:
        whole.update(_ENCODER.encode(row))
    return whole.hexdigest()[:_KEY_DIGITS]


_ENCODER = msgspec.json.Encoder(order="deterministic", enc_hook=str)


def _holds_whole_float(value: Any) -> bool:
    """Whether a float without a fraction is in a value: few values of it, where texts are long."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, float):
            if part.is_integer():
                return True
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
    return False


def _whole_as_integers(value: Any) -> Any:
    """The value with 50.0 written 50, as RFC 8785 has it."""
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) <= MAX_INTEGER else value
    if isinstance(value, dict):
        return {key: _whole_as_integers(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_whole_as_integers(part) for part in value]
    return value
