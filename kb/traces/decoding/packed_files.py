"""The files inside a packed one: gzip, bzip2, xz, zstd, tar and zip, also one within another.

The rows of a Parquet file are one such file, of JSON lines, and so is each session in the SQLite
store of a coding agent.

Each is unpacked as a stream into a private folder under a name of our own, read, and removed: the
names inside are shown and never written to. Links are not followed. What is unpacked is bounded
by the size of the packed file, so that a bomb ends as a refusal.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from kb.errors import KbError
from kb.installation import install_line
from kb.safe_files import Root, open_named, private_folder
from kb.traces.decoding.sqlite_stores import MAGIC, StoredSession, open_store, sessions_in
from kb.traces.decoding.zip_faults import ZIP_FAULTS

if TYPE_CHECKING:
    from sqlite3 import Connection

_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"
_COMPRESSED = (_GZIP, _BZIP2, _XZ, _ZSTD)
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_TAR, _TAR_AT = b"ustar", 257
_PARQUET = b"PAR1"
_START_BYTES = 512
_CHUNK_BYTES = 1 << 20
_ENDINGS = (".gz", ".bz2", ".xz", ".zst", ".zstd")

#: Logs of JSON shrink to a tenth, very even ones to a hundredth; what unpacks to more is no log.
#: Below the first bound nothing is refused: so much does no harm to a disk.
MOST_TIMES = 200
ALWAYS_BYTES = 256 << 20
MOST_BYTES = 16 << 30
MOST_MEMBERS = 100_000
#: A session in gzip in a tar in zstd in a zip.
_MOST_LEVELS = 4
_METHOD_ZSTD = 93
_LOCAL_HEADER_BYTES = 30
#: A store is copied where its journal has to be taken in: that of Goose or OpenCode has megabytes.
_MOST_COPIED_BYTES = 4 << 30
_STORE, _SESSION = "store", "session"
_ENCRYPTED = 0x1
#: Names and dates of one member of a tar that its header has no room for: read at once, whole.
_MOST_EXTENSION_BYTES = 1 << 20
_EXTENSIONS = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE, tarfile.XGLTYPE}
    | {tarfile.SOLARIS_XHDTYPE}
)
_FAULTS: tuple[type[Exception], ...] = (*ZIP_FAULTS, tarfile.TarError)


@dataclass(frozen=True)
class Member:
    """A file inside a packed one: its name there, and where it lies unpacked.

    `fault` says why it is not unpacked, or not to its end: `path` is None where nothing was.
    """

    name: str
    path: Path | None = None
    fault: str = ""


def is_packed(start: bytes) -> bool:
    """Whether a file that begins so is packed in a way that is read here."""
    return start.startswith((*_COMPRESSED, _ZIP, _EMPTY_ZIP, _PARQUET, MAGIC)) or _is_tar(start)


def _is_tar(start: bytes) -> bool:
    return start[_TAR_AT : _TAR_AT + len(_TAR)] == _TAR


def members(path: Path) -> Iterator[Member]:
    """The files inside, one at a time: each is there until the next is asked for.

    The name of what is packed alone is empty. Raises `KbError` for a file that is damaged in its
    beginning, or unpacks to more than a trace can be; damage further in is the fault of a member.
    """
    with private_folder() as folder, open_named(path) as file:
        unpacking = _Unpacking(folder, _Budget(path.stat().st_size), str(path))
        yield from unpacking.files(file, "", 0)


class _TooMuchError(Exception):
    """More was unpacked than a trace can be."""


class _Budget:
    """How many bytes and members may still be unpacked of a file of some size."""

    def __init__(self, packed_bytes: int) -> None:
        self._left = min(MOST_BYTES, max(ALWAYS_BYTES, packed_bytes * MOST_TIMES))
        self._members = MOST_MEMBERS

    def spend(self, taken: int) -> None:
        self._left -= taken
        if self._left < 0:
            raise _TooMuchError

    def count(self) -> None:
        self._members -= 1
        if self._members < 0:
            raise _TooMuchError


class _BoundedHeader(tarfile.TarInfo):
    """A member whose header is refused where it declares what no reader should try to read.

    `tarfile` passes over the body of a member by the size that is declared, however little is
    there, and holds extensions of a header in memory.
    """

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _BoundedHeader:
        header = super().frombuf(buf, encoding, errors)
        most = _MOST_EXTENSION_BYTES if header.type in _EXTENSIONS else MOST_BYTES
        if not 0 <= header.size <= most:
            raise tarfile.ReadError(f"a header declares {header.size:,} bytes, which is no file")
        return header


class _Metered(io.RawIOBase):
    """A stream that is read once and paid for: what it gives is taken from the budget."""

    def __init__(self, stream: BinaryIO, budget: _Budget) -> None:
        self._stream = stream
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        taken = 0
        while taken < len(buffer) and (read := self._stream.read(len(buffer) - taken)):
            buffer[taken : taken + len(read)] = read
            taken += len(read)
        self._budget.spend(taken)
        return taken


class _Decompressed(io.RawIOBase):
    """A stream whose library has a fault of its own for damage, which is an `OSError` here."""

    def __init__(self, stream: BinaryIO, fault: type[Exception]) -> None:
        self._stream = stream
        self._fault = fault

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except self._fault as error:
            raise OSError(str(error)) from error


@dataclass(frozen=True)
class _Unpacking:
    """One packed file while its members are handed out."""

    folder: Root
    budget: _Budget
    shown: str

    def files(self, stream: BinaryIO, name: str, level: int) -> Iterator[Member]:
        """The files of a stream, which may be sought in at level 0."""
        try:
            yield from self._files(stream, name, level)
        except _TooMuchError as error:
            what = f"unpacks to more than {MOST_TIMES} times its size, or to too many files"
            todo = "Unpack it yourself, and name the traces in it."
            raise KbError(what, where=self.shown, todo=todo) from error
        except _FAULTS as error:
            what = f"is packed and cannot be unpacked: {error}"
            raise KbError(what, where=self.shown, todo="Was it copied whole?") from error

    def _files(self, stream: BinaryIO, name: str, level: int) -> Iterator[Member]:
        buffered = _peekable(stream)
        start = buffered.peek(_START_BYTES)
        if level > _MOST_LEVELS:
            yield Member(name, fault="packed more often than is unpacked")
        elif start.startswith(_COMPRESSED):
            yield from self._decompressed(buffered, start, name, level)
        elif _is_tar(start):
            yield from self._of_tar(buffered, name, level)
        elif start.startswith((_ZIP, _EMPTY_ZIP)):
            yield from self._of_zip(buffered, name, level)
        elif start.startswith(_PARQUET):
            yield from self._of_parquet(buffered, name, level)
        elif start.startswith(MAGIC):
            yield from self._of_store(buffered, name, level)
        else:
            yield from self._alone(buffered, name)

    def _decompressed(
        self, stream: io.BufferedReader, start: bytes, name: str, level: int
    ) -> Iterator[Member]:
        ending = next((end for end in _ENDINGS if name.lower().endswith(end)), "")
        inner = name.removesuffix(name[len(name) - len(ending) :] if ending else "")
        unpacked = _Metered(_decompressor(stream, start, self.shown), self.budget)
        try:
            yield from self._files(cast("BinaryIO", unpacked), inner, level + 1)
        except _FAULTS as error:
            yield Member(name, fault=f"cannot be unpacked: {error}")

    def _of_tar(self, stream: io.BufferedReader, name: str, level: int) -> Iterator[Member]:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedHeader) as tar:
            for entry in tar:
                if not 0 <= entry.size <= MOST_BYTES:  # an extension says so, not the header
                    what = f"an extension declares {entry.size:,} bytes, which is no file"
                    raise tarfile.ReadError(what)
                inner = _path_within(name, entry.name)
                if entry.isreg() and (held := tar.extractfile(entry)) is not None:
                    self.budget.count()
                    yield from self._member(cast("BinaryIO", held), inner, level)
                elif not entry.isdir():
                    yield Member(inner, fault="is a link or a device: it is not followed")

    def _of_zip(self, stream: io.BufferedReader, name: str, level: int) -> Iterator[Member]:
        with self._seekable(stream, level) as file, zipfile.ZipFile(file) as archive:
            for entry in archive.infolist():
                inner = _path_within(name, entry.filename)
                if entry.is_dir():
                    continue
                self.budget.count()
                if entry.flag_bits & _ENCRYPTED:
                    yield Member(inner, fault="is encrypted")
                    continue
                try:
                    with _of_entry(archive, entry, file, self.shown) as held:
                        yield from self._member(held, inner, level)
                except _FAULTS as error:
                    yield Member(inner, fault=f"cannot be unpacked: {error}")
                except KbError as error:
                    yield Member(inner, fault=_in_one_line(error))

    def _member(self, stream: BinaryIO, name: str, level: int) -> Iterator[Member]:
        """The files of one file of an archive; what cannot be unpacked ends it, and no other."""
        try:
            yield from self._files(cast("BinaryIO", _Metered(stream, self.budget)), name, level + 1)
        except KbError as error:
            yield Member(name, fault=_in_one_line(error))
        except (tarfile.TarError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            yield Member(name, fault=f"cannot be unpacked: {error}")

    def _of_parquet(self, stream: io.BufferedReader, name: str, level: int) -> Iterator[Member]:
        """The rows of a table, written as JSON one a line."""
        place = f"{len(self.folder.names())}.rows"
        try:
            with self._seekable(stream, level) as file, self.folder.filling(place) as out:
                for line in _rows_of_parquet(file, self.shown):
                    self.budget.spend(len(line))
                    out.write(line)
            yield Member(name, self.folder.path_of(place))
        finally:
            self.folder.remove_file(place)

    def _of_store(self, stream: io.BufferedReader, name: str, level: int) -> Iterator[Member]:
        """The sessions of an SQLite store, each written as JSON."""
        import sqlite3

        try:
            with self._store(stream, level) as store:
                for session in sessions_in(store, self.shown):
                    yield from self._session(session, name)
        except sqlite3.Error as error:
            what = f"is an SQLite store that cannot be read: {error}"
            raise KbError(what, where=self.shown, todo="Was it copied whole?") from error

    @contextmanager
    def _store(self, stream: io.BufferedReader, level: int) -> Iterator[Connection]:
        """A store, opened: where it lies, or a copy with what was not yet written into it.

        A store that an agent has open keeps its newest rows in a journal beside it.
        """
        source = Path(self.shown)
        journal = source.with_name(f"{source.name}-wal")
        has_journal = level == 0 and _size(journal) > 0
        if level == 0 and not has_journal:
            with open_store(source, is_copy=False) as store:
                yield store
            return
        if has_journal and _size(source) + _size(journal) > _MOST_COPIED_BYTES:
            raise KbError(
                "is open in another program, and too large to be copied",
                where=self.shown,
                todo="End that program, or copy the store with its -wal file.",
            )
        self._copy(stream, _STORE)
        if has_journal:
            with open_named(journal) as file:
                self._copy(file, f"{_STORE}-wal")
        try:
            with open_store(self.folder.path_of(_STORE), is_copy=True) as store:
                yield store
        finally:
            for ending in ("", "-wal", "-shm"):
                self.folder.remove_file(f"{_STORE}{ending}")

    def _copy(self, stream: BinaryIO, place: str) -> None:
        with self.folder.filling(place) as file:
            while chunk := stream.read(_CHUNK_BYTES):
                file.write(chunk)

    def _session(self, session: StoredSession, name: str) -> Iterator[Member]:
        self.budget.count()
        inner = _path_within(name, session.name)
        try:
            with self.folder.filling(_SESSION) as out:
                for piece in session.pieces:
                    self.budget.spend(len(piece))
                    out.write(piece)
            yield Member(inner, self.folder.path_of(_SESSION))
        finally:
            self.folder.remove_file(_SESSION)
        for row in session.unreadable:
            yield Member(f"{inner}/{row}", fault="holds no JSON")

    @contextmanager
    def _seekable(self, stream: io.BufferedReader, level: int) -> Iterator[BinaryIO]:
        """A stream one can go back in: a zip has its table at its end."""
        if level == 0:
            yield stream
            return
        place, _ = self._kept(stream)
        try:
            with self.folder.open_regular(place) as file:
                yield file
        finally:
            self.folder.remove_file(place)

    def _alone(self, stream: io.BufferedReader, name: str) -> Iterator[Member]:
        place, fault = self._kept(stream)
        yield Member(name, self.folder.path_of(place), fault)
        self.folder.remove_file(place)

    def _kept(self, stream: BinaryIO) -> tuple[str, str]:
        """The name of a file with what a stream holds, and the fault that ended it early."""
        place = f"{len(self.folder.names())}"
        with self.folder.filling(place) as file:
            try:
                while chunk := stream.read(_CHUNK_BYTES):
                    file.write(chunk)
            except _FAULTS as error:
                return place, f"damaged: {error}"
        return place, ""


def _in_one_line(error: KbError) -> str:
    return f"{error.what}. {error.todo}" if error.todo else error.what


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _peekable(stream: BinaryIO) -> io.BufferedReader:
    """The stream, its first bytes shown without being taken; as many as there are."""
    if isinstance(stream, io.BufferedReader):
        return stream
    return io.BufferedReader(cast("io.RawIOBase", stream), _CHUNK_BYTES)


def _path_within(archive: str, name: str) -> str:
    return f"{archive}/{name}" if archive else name


def _decompressor(stream: io.BufferedReader, start: bytes, shown: str) -> BinaryIO:
    if start.startswith(_GZIP):
        import gzip

        return cast("BinaryIO", gzip.GzipFile(fileobj=stream))
    if start.startswith(_BZIP2):
        import bz2

        return cast("BinaryIO", bz2.BZ2File(stream))
    if start.startswith(_XZ):
        import lzma

        packed = cast("BinaryIO", lzma.LZMAFile(stream))  # noqa: SIM115 - the caller reads it
        return cast("BinaryIO", _Decompressed(packed, lzma.LZMAError))
    return _zstd_file(stream, shown)


def _zstd_file(stream: BinaryIO, shown: str) -> BinaryIO:
    """What zstd packed: the standard library has it from Python 3.14 on, an extra before."""
    try:
        try:
            from compression import zstd  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            from backports import zstd  # type: ignore[no-redef,unused-ignore]
    except ImportError as error:
        what = "is packed with zstd, which this Python cannot unpack"
        todo = f"Unpack it first (unzstd), or: {install_line('zstd')}"
        raise KbError(what, where=shown, todo=todo) from error
    return cast("BinaryIO", _Decompressed(zstd.ZstdFile(stream), zstd.ZstdError))


def _rows_of_parquet(file: BinaryIO, shown: str) -> Iterator[bytes]:
    import msgspec

    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        todo = f"Export its rows as JSON lines, or: {install_line('parquet')}"
        raise KbError("is a Parquet file", where=shown, todo=todo) from error
    try:
        for batch in parquet.ParquetFile(file).iter_batches(batch_size=_ROWS_AT_ONCE):
            for row in batch.to_pylist():
                yield msgspec.json.encode(row, enc_hook=str) + b"\n"
    except ArrowException as error:
        raise KbError(f"is no Parquet that can be read: {error}", where=shown) from error


_ROWS_AT_ONCE = 64


@contextmanager
def _of_entry(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, file: BinaryIO, shown: str
) -> Iterator[BinaryIO]:
    """The bytes of an entry of a zip, those of the method zstd too (APPNOTE 6.3.8, 93)."""
    if entry.compress_type != _METHOD_ZSTD:
        with archive.open(entry) as held:
            yield cast("BinaryIO", held)
        return
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER_BYTES)
    file.seek(int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little"), 1)
    yield _zstd_file(io.BytesIO(file.read(entry.compress_size)), shown)
