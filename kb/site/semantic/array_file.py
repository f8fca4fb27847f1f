"""Arrays for a browser in one file: a JSON header, then the arrays, each aligned."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

#: Typed arrays of a browser must begin at a multiple of their element's size.
_ALIGNMENT = 4
#: What a header calls the kinds of arrays; `semantic/arrays.js` reads the same words.
_KINDS = {"float32": "f4", "int8": "i1", "uint8": "u1"}


def packed(facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of a file: header length (uint32, little endian), header, arrays in their order.

    The header holds `facts`, and under `arrays` the kind, start and length of each; starts count
    from the end of the header.
    """
    table: dict[str, tuple[str, int, int]] = {}
    body = bytearray()
    for name, array in arrays.items():
        kind = array.dtype.name
        raw = np.ascontiguousarray(array, f"<{_KINDS[kind]}").tobytes()
        table[name] = (kind, len(body), array.size)
        body += raw + bytes(-len(raw) % _ALIGNMENT)
    header = json.dumps({**facts, "arrays": table}, separators=(",", ":")).encode()
    header += b" " * (-len(header) % _ALIGNMENT)
    return struct.pack("<I", len(header)) + header + bytes(body)


def quantized_rows(rows: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Rows as int8 and one float32 factor a row: `row = factor × int8`."""
    factors = np.abs(rows).max(axis=1) / 127
    factors = np.where(factors > 0, factors, 1).astype(np.float32)
    return np.rint(rows / factors[:, None]).astype(np.int8), factors
