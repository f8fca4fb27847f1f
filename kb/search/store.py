"""Has this text been embedded before? Vectors by the hash of their text, in one file an encoder.

The file only grows: a row is the text's hash, a checksum and the vector. A build that is killed
leaves at most a torn last row, which the next one overwrites. Rows that fail their checksum are
not used and are written again.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from kb.search.encoder import Vectors


def text_key(text: str) -> bytes:
    """The 20-byte hash of a text: its half of a vector's identity."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=20).digest()


class VectorStore:
    """The vectors of one encoder in one file."""

    def __init__(self, path: Path, dimension: int) -> None:
        self.path = path
        self._row = np.dtype([("key", "V20"), ("checksum", "<u4"), ("vector", "<f4", (dimension,))])

    def find(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are stored, by key; what is damaged is absent."""
        rows = self._rows()
        if rows is None:
            return {}
        wanted = set(keys)
        places = {key: i for i, key in enumerate(rows["key"].tolist()) if key in wanted}
        found = {key: np.array(rows["vector"][i]) for key, i in places.items()}
        sums = {key: int(rows["checksum"][i]) for key, i in places.items()}
        return {k: v for k, v in found.items() if zlib.crc32(v.tobytes()) == sums[k]}

    def append(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Add rows at the end of the whole ones; a later row of a key wins over an earlier."""
        rows = np.zeros(len(keys), self._row)
        for i, (key, vector) in enumerate(zip(keys, vectors, strict=True)):
            rows[i] = (key, zlib.crc32(vector.tobytes()), vector)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(str(self.path) + ".lock"), self.path.open("ab") as stream:
            torn = stream.tell() % self._row.itemsize
            if torn:
                stream.truncate(stream.tell() - torn)
            stream.write(rows.tobytes())

    def _rows(self) -> NDArray[np.void] | None:
        try:
            count = self.path.stat().st_size // self._row.itemsize
            return np.memmap(self.path, self._row, "r", shape=(count,)) if count else None
        except OSError:
            return None
