"""Vectors by the hash of their text, in one append-only file an encoder.

The file grows at its end: a row is the text's hash, a checksum and the vector. A build that is
killed leaves at most a torn last row, which the next one overwrites. Rows that fail their checksum
are not used and are written again. `kb build` drops old rows that nothing uses, see `upkeep`.
"""

from __future__ import annotations

import copy
import hashlib
import zlib
from collections.abc import Container, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePath

import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.library import LOCAL_FOLDER, Library, local_place, make_local_folder, refuse_tracked
from kb.safe_files import Root, UnsafePathError
from kb.search.encoder.encoder import Encoder, Vectors
from kb.search.mapped_memory import release_mapped

#: Rows whose keys are compared at once: 6 MB.
_LOOKED_AT_TOGETHER = 4096


def text_key(text: str) -> bytes:
    """The 20-byte hash of a text: its half of a vector's identity."""
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=20).digest()


class VectorStore:
    """The vectors of one encoder in one file.

    One that is not kept is only read, and one that is not believed is empty. What it lacks is
    looked for in the stores that lend it theirs.
    """

    def __init__(
        self,
        path: Path,
        dimension: int,
        root: Root | None = None,
        *,
        is_kept: bool = True,
        is_believed: bool = True,
        lent_by: Sequence[VectorStore] = (),
    ) -> None:
        self.path = path
        self._lent_by = lent_by
        self._root, self._place = (root, root.relative(path)) if root else local_place(path)
        self._is_kept, self._is_believed = is_kept, is_believed
        self._row = np.dtype([("key", "V20"), ("checksum", "<u4"), ("vector", "<f4", (dimension,))])

    def read_only(self) -> VectorStore:
        """The same vectors, to which none are added."""
        store = copy.copy(self)
        store._is_kept = False
        return store

    def find(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        """The vectors that are stored, by key; what is damaged is absent."""
        found = self._find(keys)
        for lender in self._lent_by:
            missing = [key for key in keys if key not in found]
            found |= lender.find(missing) if missing else {}
        return found

    def _find(self, keys: Sequence[bytes]) -> dict[bytes, NDArray[np.float32]]:
        wanted = set(keys)
        found: dict[bytes, NDArray[np.float32]] = {}
        for rows in self._blocks():
            places = (i for i, key in enumerate(rows["key"].tolist()) if key in wanted)
            for key, checksum, vector in rows[list(places)]:
                is_whole = zlib.crc32(vector.tobytes()) == checksum
                found |= {bytes(key): np.array(vector)} if is_whole else {}
        return found

    def _blocks(self) -> Iterator[NDArray[np.void]]:
        """The rows, some at a time.

        Keys lie between the vectors: to look at them all reads the whole file, and not all of it
        need be in memory at once.
        """
        rows = self._rows()
        if rows is None:
            return
        for start in range(0, len(rows), _LOOKED_AT_TOGETHER):
            yield rows[start : start + _LOOKED_AT_TOGETHER]
            release_mapped(rows)

    def append(self, keys: Sequence[bytes], vectors: Vectors) -> None:
        """Add rows at the end of the whole ones; a later row of a key wins over an earlier."""
        if not self._is_kept:
            return
        rows = np.zeros(len(keys), self._row)
        for i, (key, vector) in enumerate(zip(keys, vectors, strict=True)):
            rows[i] = (key, zlib.crc32(vector.tobytes()), vector)
        if LOCAL_FOLDER in self._place.parts:
            make_local_folder(self.path.parent)
        with self._locked(), self._root.appending(self._place) as stream:
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
            self._root.write_bytes(self._place, np.delete(rows, gone).tobytes())
            return len(gone)

    def __len__(self) -> int:
        rows = self._rows()
        return 0 if rows is None else len(rows)

    def _locked(self) -> AbstractContextManager[None]:
        return self._root.lock(self._place.with_name(f"{self._place.name}.lock"))

    def _rows(self) -> NDArray[np.void] | None:
        if not self._is_believed:
            return None
        try:
            with self._root.open_regular(self._place) as stream:
                count = stream.seek(0, 2) // self._row.itemsize
                return np.memmap(stream, self._row, "r", shape=(count,)) if count else None
        except (OSError, UnsafePathError):
            return None


def vector_store(
    library: Library,
    encoder: Encoder,
    *,
    is_kept: bool = True,
    lent_by: Sequence[Library] = (),
) -> VectorStore:
    """The vectors a library has computed so far with an encoder, and those of others for reading.

    Raises `KbError` where `search.vectors` climbs out of the library; a folder outside is named
    by its whole path. Vectors that are committed are nobody's: not kept they are empty, else
    `UnsafePathError`.
    """
    root, folder = vectors_place(library)
    path = root.path / folder / f"vectors-{encoder.card.key}"
    is_believed = True
    try:
        _refuse_committed(library, root, root.relative(path))
    except UnsafePathError:
        if is_kept:
            raise
        is_believed = False
    return VectorStore(
        path,
        encoder.card.dimension,
        root,
        is_kept=is_kept,
        is_believed=is_believed,
        lent_by=[vector_store(other, encoder, is_kept=False) for other in lent_by],
    )


def _refuse_committed(library: Library, root: Root, place: PurePath) -> None:
    """Raise `UnsafePathError` for vectors that the library's repository brings along."""
    if root.path == library.root:
        name = LOCAL_FOLDER if place.parts[0] == LOCAL_FOLDER else place.as_posix()
        refuse_tracked(root.path, name)


def vectors_place(library: Library) -> tuple[Root, PurePath]:
    """The folder of the vectors, as a root and the rest. Raises `KbError` where it climbs out."""
    value = library.config.search.vectors
    todo = "Name a folder of the library, or one elsewhere by its whole path."
    try:
        folder = Path(value).expanduser()
    except RuntimeError as error:
        what = f"search.vectors is {value!r}: {error}"
        raise KbError(what, where=str(library.root / "kb.toml"), todo=todo) from error
    if ".." in folder.parts:
        what = f"search.vectors is {value!r}, which leads out of the library"
        raise KbError(what, where=str(library.root / "kb.toml"), todo=todo)
    if folder.is_absolute() and not folder.is_relative_to(library.root):
        return Root(folder), PurePath()
    root = Root(library.root)
    return root, root.relative(library.root / folder)
