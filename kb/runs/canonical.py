"""Which bytes is a value? Canonical JSON (RFC 8785), so that equal values are equal files.

The encoder is the `rfc8785` package's. It refuses what RFC 8785 cannot express, integers beyond
2⁵³ above all; `kb.runs.privacy.redact` makes texts of these before a run is built.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

#: RFC 8785 numbers are doubles: larger integers would change.
MAX_INTEGER = 2**53 - 1


def canonical(value: Any) -> bytes:
    """The canonical JSON of a value of plain JSON types."""
    import rfc8785

    return rfc8785.dumps(value)


def sha256(raw: bytes) -> str:
    """The SHA-256 of bytes, in hex."""
    return hashlib.sha256(raw).hexdigest()


def digest(value: Any) -> str:
    """A short key of a value: equal values have equal keys. No file holds it."""
    raw = msgspec.json.encode(value, order="deterministic", enc_hook=str)
    return hashlib.blake2b(raw, digest_size=12).hexdigest()
