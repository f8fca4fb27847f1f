"""Has this text been embedded before? Vectors by the hash of their text, in one file an encoder.

The file grows at its end: a row is the text's hash, a checksum and the vector. A build that is
killed leaves at most a torn last row, which the next one overwrites. Rows that fail their checksum
are not used and are written again. `kb build` drops old rows that nothing uses, see `tidying`.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Container, Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from kb.library import Library, make_local_folder
from kb.search.encoding.encoder import Encoder, Vectors


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
        make_local_folder(self.path.parent)
        with self._locked(), self.path.open("ab") as stream:
            torn = stream.tell() % self._row.itemsize
            if torn:
                stream.truncate(stream.tell() - torn)
            stream.write(rows.tobytes())

    def shed(self, used: Container[bytes], spare: int) -> int:
        """Drop the oldest rows whose key is not `used`, all but `spare` of them; how many went.

        Readers keep the file they have mapped. Raises `OSError`, the store being as it was.
        """
        with self._locked():
            rows = self._rows()
            keys = [] if rows is None else rows["key"].tolist()
            unused = [place for place, key in enumerate(keys) if key not in used]
            gone = unused[: max(len(unused) - spare, 0)]
            if rows is None or not gone:
                return 0
            smaller = self.path.with_name(f"{self.path.name}.new")
            with smaller.open("wb") as stream:
                stream.write(np.delete(rows, gone).tobytes())
                stream.flush()
                os.fsync(stream.fileno())
            smaller.replace(self.path)
            return len(gone)

    def __len__(self) -> int:
        rows = self._rows()
        return 0 if rows is None else len(rows)

    def _locked(self) -> FileLock:
        return FileLock(str(self.path) + ".lock")

    def _rows(self) -> NDArray[np.void] | None:
        try:
            count = self.path.stat().st_size // self._row.itemsize
            return np.memmap(self.path, self._row, "r", shape=(count,)) if count else None
        except OSError:
            return None


def vector_store(library: Library, encoder: Encoder) -> VectorStore:
    """The vectors a library has computed so far with an encoder."""
    folder = Path(library.config.search.vectors).expanduser()
    return VectorStore(
        library.root / folder / f"vectors-{encoder.card.key}", encoder.card.dimension
    )
