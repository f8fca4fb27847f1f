"""The one way to read, write and delete files: below a root, no link is ever followed.

A root is a folder that the user or the system named. What lies below it may come from anybody, so
each part of a path is opened by itself, relative to the one before (`dir_fd`, `O_NOFOLLOW`). What
a person typed on the command line is that person's word: its links are followed once, by
`root_of`, and it is a root from there on.

Windows has neither `dir_fd` nor `O_NOFOLLOW`: there each part is looked at before it is used
(`use_descriptors`), which holds against a committed link and not against a race.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader
from pathlib import Path, PurePath
from typing import IO, Any, BinaryIO

from kb.errors import KbError

#: Whether parts are opened relative to each other; a switch, so that the other way is tested too.
use_descriptors = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_BASE = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
#: A FIFO without a writer is opened at once and found out, instead of waited for.
_READ = os.O_RDONLY | _NO_LINK | _BASE | getattr(os, "O_NONBLOCK", 0)
_WRITE = os.O_WRONLY | _NO_LINK | _BASE | getattr(os, "O_NONBLOCK", 0)
_FOLDER = os.O_RDONLY | _NO_LINK | _BASE | getattr(os, "O_DIRECTORY", 0)
_NEW = os.O_CREAT | os.O_EXCL
_FILL = _WRITE | os.O_CREAT | os.O_TRUNC

#: Temporary names: told by both ends, so that nothing of anybody else is swept.
TEMPORARY, _TEMPORARY_END = ".kb-", ".part"
#: A temporary file this young may belong to a run that has not locked it yet.
_GRACE_SECONDS = 60
_POLL_SECONDS = 0.05
#: `RENAME_EXCHANGE` of Linux's renameat2(2) and `RENAME_SWAP` of macOS's renameatx_np(2).
_EXCHANGE = 2
_COPY_BYTES = 1 << 20
#: Each level holds a descriptor open, of which a process often has 1,024.
_MOST_LEVELS = 200
#: Folders that one writer of many files holds open, with the levels above them.
_MOST_HELD = 50
#: A path of a folder that leaves room for a name in the 4,096 bytes that Linux takes.
_MOST_PATH_BYTES = 3_800
Relative = str | PurePath


class UnsafePathError(KbError):
    """A path that leads through a link, out of its root, or to what is no regular file."""


class LinkOutError(UnsafePathError):
    """A link that leads out of a working tree."""


class Root:
    """A folder below which kb reads, writes and deletes. `path` is absolute, its links followed."""

    # No dataclass: `dataclasses` loads `inspect`, and the hook of walls waits for it.
    __slots__ = ("path",)

    def __init__(self, path: Path) -> None:
        self.path = path

    def __eq__(self, other: object) -> bool:
        """Whether it is the same folder."""
        return isinstance(other, Root) and self.path == other.path

    def __hash__(self) -> int:
        """A hash of the folder."""
        return hash(self.path)

    def __repr__(self) -> str:
        """The folder it is."""
        return f"Root({self.path!r})"

    def path_of(self, relative: Relative) -> Path:
        """The absolute path, for libraries that open files themselves; no part of it is a link.

        Raises `UnsafePathError` where one is.
        """
        *folders, name = parts_of(relative)
        with suppress(FileNotFoundError), self._folder(folders) as folder:
            if folder.is_link(name):
                raise _link(folder.shown(name))
        return self.path.joinpath(*folders, name)

    def relative(self, path: Path) -> PurePath:
        """A path below the root as operations take it. Raises `UnsafePathError` for any other."""
        absolute = Path(os.path.normpath(self.path / path))
        if not absolute.is_relative_to(self.path):
            raise UnsafePathError(
                "lies outside the folder that kb may write to",
                where=str(path),
                todo=f"Name a place below {self.path}.",
            )
        return absolute.relative_to(self.path)

    def exists(self, relative: Relative) -> bool:
        """Whether there is something of that name; a link counts, and is not followed."""
        *folders, name = parts_of(relative)
        try:
            with self._folder(folders) as folder:
                return folder.lstat(name) is not None
        except (FileNotFoundError, NotADirectoryError):
            return False

    def names(self, relative: Relative = ".") -> list[str]:
        """What lies in a folder, sorted; nothing where there is no folder."""
        try:
            with self._folder(_parts(relative)) as folder:
                return sorted(folder.names())
        except (FileNotFoundError, NotADirectoryError):
            return []

    def is_folder(self, relative: Relative) -> bool:
        """Whether there is a folder of that name, no link."""
        *folders, name = parts_of(relative)
        with suppress(FileNotFoundError, NotADirectoryError), self._folder(folders) as folder:
            found = folder.lstat(name)
            return found is not None and stat.S_ISDIR(found.st_mode)
        return False

    def read_bytes(self, relative: Relative, max_bytes: int) -> bytes:
        """The bytes of a regular file.

        Raises `UnsafePathError` for a link, a device or more than `max_bytes`; else `OSError`.
        """
        *folders, name = parts_of(relative)
        with self._folder(folders) as folder, folder.open_file(name, _READ) as stream:
            return _capped(stream, max_bytes, folder.shown(name))

    def write_bytes(self, relative: Relative, raw: bytes, mode: int = 0o666) -> None:
        """Put a file there, whole or not at all; the mode of the one before is kept."""
        with self.replacing(relative, mode) as stream:
            stream.write(raw)

    def write_text(self, relative: Relative, text: str, errors: str = "strict") -> None:
        """The same for a text in UTF-8."""
        self.write_bytes(relative, text.encode("utf-8", errors))

    @contextmanager
    def filling(self, relative: Relative) -> Iterator[BinaryIO]:
        """A stream into a file of a folder that is being made, and takes its name when it is whole.

        Not whole or not at all, and not waited for until it is on the disk: a site has thousands.
        """
        *folders, name = parts_of(relative)
        with (
            self._folder(folders, make=True) as folder,
            folder.open_file(name, _FILL, way="wb") as stream,
        ):
            yield stream

    def fill(self, relative: Relative, raw: bytes) -> None:
        """The same for bytes that are known."""
        with self.filling(relative) as stream:
            stream.write(raw)

    @contextmanager
    def filler(self) -> Iterator[Callable[[Relative, bytes], None]]:
        """`fill` for many files: the folders that they lie in stay open until the block ends."""
        with ExitStack() as opened:
            held: dict[tuple[str, ...], _Folder] = {}

            def fill(relative: Relative, raw: bytes) -> None:
                *folders, name = parts_of(relative)
                folder = held.get(tuple(folders))
                if folder is None:
                    if len(held) >= _MOST_HELD:
                        held.clear()
                        opened.close()
                    folder = opened.enter_context(self._folder(folders, make=True))
                    held[tuple(folders)] = folder
                with folder.open_file(name, _FILL, way="wb") as stream:
                    stream.write(raw)

            yield fill

    def below(self, relative: Relative) -> Root:
        """A folder below as a root of its own. Raises `UnsafePathError` for a link on the way."""
        with self._folder(_parts(relative)):
            return Root(self.path / relative)

    @contextmanager
    def replacing(self, relative: Relative, mode: int = 0o666) -> Iterator[BinaryIO]:
        """A stream whose bytes take the name when the block ends, and vanish when it fails."""
        *folders, name = parts_of(relative)
        with self._folder(folders, make=True) as folder:
            before = folder.lstat(name)
            _require_regular(before, folder.shown(name))
            with folder.temporary(mode) as (stream, temporary):
                yield stream
                stream.flush()
                if before is not None and hasattr(os, "fchmod"):
                    os.fchmod(stream.fileno(), stat.S_IMODE(before.st_mode))
                os.fsync(stream.fileno())
                if not use_descriptors:
                    stream.close()  # an open file cannot be renamed on Windows
                folder.replace(temporary, name)

    def create(self, relative: Relative, raw: bytes, mode: int = 0o666) -> None:
        """Make a file that is not there yet, whole or not at all.

        Raises `FileExistsError` where there is anything of that name.
        """
        *folders, name = parts_of(relative)
        with self._folder(folders, make=True) as folder:
            if folder.lstat(name) is not None:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), folder.shown(name))
            with folder.temporary(mode) as (stream, temporary):
                stream.write(raw)
                stream.flush()
                os.fsync(stream.fileno())
                if not use_descriptors:
                    stream.close()
                folder.take_free_name(temporary, name)

    @contextmanager
    def appending(self, relative: Relative, mode: int = 0o666) -> Iterator[BinaryIO]:
        """A stream at the end of a file, which is made where it is missing; can be read as well.

        Raises `UnsafePathError` for a link and for a file that has a second name elsewhere.
        """
        *folders, name = parts_of(relative)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | (_WRITE & ~os.O_WRONLY)
        with (
            self._folder(folders, make=True) as folder,
            folder.open_file(name, flags, mode, "a+b") as stream,
        ):
            if os.fstat(stream.fileno()).st_nlink > 1:
                raise UnsafePathError(
                    "has a second name (a hard link), and would be changed there too",
                    where=folder.shown(name),
                    todo=f"Remove it: rm {folder.shown(name)}",
                )
            yield stream

    def make_folder(self, relative: Relative) -> None:
        """Make a folder and those above it, where they are missing."""
        with self._folder(_parts(relative), make=True):
            pass

    def remove_file(self, relative: Relative) -> None:
        """Remove a file or a link itself; nothing where there is none."""
        *folders, name = parts_of(relative)
        with suppress(FileNotFoundError), self._folder(folders) as folder:
            folder.unlink(name)

    def remove_tree(self, relative: Relative) -> None:
        """Remove a folder with all below it; links in it are removed, and never entered.

        The caller knows that kb made it. Raises `UnsafePathError` where it is a link itself.
        """
        *folders, name = parts_of(relative)
        with suppress(FileNotFoundError), self._folder(folders) as folder:
            folder.remove_tree(name)

    def rename(self, old: Relative, new: Relative) -> None:
        """Give a file or folder another name below this root; a file of that name is replaced."""
        *from_folders, from_name = parts_of(old)
        *to_folders, to_name = parts_of(new)
        with self._folder(from_folders) as source, self._folder(to_folders, make=True) as target:
            if (found := target.lstat(to_name)) is not None and stat.S_ISLNK(found.st_mode):
                raise _link(target.shown(to_name))
            os.replace(
                source.at(from_name),
                target.at(to_name),
                src_dir_fd=source.descriptor,
                dst_dir_fd=target.descriptor,
            )

    def copy_in(self, source: BinaryIO, relative: Relative) -> None:
        """Write what a stream holds into a folder that is being made, see `filling`."""
        with self.filling(relative) as stream:
            while chunk := source.read(_COPY_BYTES):
                stream.write(chunk)

    @contextmanager
    def open_regular(self, relative: Relative) -> Iterator[BinaryIO]:
        """A regular file, opened for reading."""
        *folders, name = parts_of(relative)
        with self._folder(folders) as folder, folder.open_file(name, _READ) as stream:
            yield stream

    def take_tree(self, source: Root, old: Relative, new: Relative) -> None:
        """Move a folder of another root here, copied where the two are different disks.

        Where the system can exchange two names there is no moment without the one or the other.
        Raises `UnsafePathError` where a link has the name.
        """
        self.path_of(new)
        try:
            self._put_in_place(source, old, new)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            fresh = PurePath(new).with_name(f".{PurePath(new).name}.kb-new")
            self.remove_tree(fresh)
            self.copy_tree(source, old, fresh)
            self._put_in_place(self, fresh, new)
            source.remove_tree(old)

    def restore(self, relative: Relative) -> None:
        """Finish what a killed `take_tree` left: the old folder gets its name back, or goes."""
        aside = self._aside(relative)
        if not self.exists(aside):
            return
        if self.exists(relative):
            self.remove_tree(aside)
        else:
            self.rename(aside, relative)

    def _put_in_place(self, source: Root, old: Relative, new: Relative) -> None:
        """Give a folder the name `new`; the folder of that name goes. Raises `OSError`."""
        if not self.exists(new):
            _rename_between(source, old, self, new)
        elif _exchange_between(source, old, self, new):
            source.remove_tree(old)
        else:
            self._put_aside(source, old, new)

    def _put_aside(self, source: Root, old: Relative, new: Relative) -> None:
        """The same in two steps; `restore` mends what a kill between them leaves."""
        aside = self._aside(new)
        self.remove_tree(aside)
        self.rename(new, aside)
        try:
            _rename_between(source, old, self, new)
        except OSError:
            self.rename(aside, new)
            raise
        self.remove_tree(aside)

    def _aside(self, relative: Relative) -> PurePath:
        return PurePath(relative).with_name(f".{PurePath(relative).name}.kb-old")

    def copy_tree(self, source: Root, old: Relative, new: Relative) -> None:
        """Copy a folder of another root here; it is being made, see `filling`."""
        self.make_folder(new)
        for name in source.names(old):
            below, target = PurePath(old) / name, PurePath(new) / name
            if source.is_folder(below):
                self.copy_tree(source, below, target)
            else:
                with source.open_regular(below) as stream:
                    self.copy_in(stream, target)

    @contextmanager
    def temporary_folder(self, relative: Relative = ".") -> Iterator[PurePath]:
        """A new folder below another, locked while it is used and removed in the end.

        Those of runs that were killed are swept first.
        """
        self.sweep(relative)
        name = _temporary_name()
        made = PurePath(relative) / name
        self.make_folder(made)
        with self._folder(_parts(made)) as folder:
            if folder.descriptor is not None:
                _try_lock(folder.descriptor)
            try:
                yield made
            finally:
                self.remove_tree(made)

    def sweep(self, relative: Relative = ".") -> None:
        """Remove the temporary files and folders that killed runs left in a folder."""
        with suppress(OSError, UnsafePathError), self._folder(_parts(relative)) as folder:
            for name in folder.names():
                if name.startswith(TEMPORARY) and name.endswith(_TEMPORARY_END):
                    with suppress(OSError, UnsafePathError):
                        folder.sweep(name)

    @contextmanager
    def lock(
        self,
        relative: Relative,
        *,
        timeout_seconds: float | None = None,
        waiting: Callable[[], None] = lambda: None,
    ) -> Iterator[None]:
        """Hold a lock that the system lets go of when the process ends, however it ends.

        `waiting` is called once when another process holds it. Raises `TimeoutError` when it is
        still held after `timeout_seconds`, and `OSError` where no lock file can be made.
        """
        *folders, name = parts_of(relative)
        flags = os.O_RDWR | os.O_CREAT | (_WRITE & ~os.O_WRONLY)
        with (
            self._folder(folders, make=True) as folder,
            folder.open_file(name, flags, 0o666, "r+b") as stream,
        ):
            _wait_for_lock(stream.fileno(), timeout_seconds, waiting, folder.shown(name))
            yield

    @contextmanager
    def _folder(self, parts: Iterable[str], *, make: bool = False) -> Iterator[_Folder]:
        """The folder that these parts lead to, opened one by one."""
        with ExitStack() as stack:
            folder = _Folder(str(self.path), None)
            if make and not self.path.exists():
                self.path.mkdir(parents=True, exist_ok=True)
            if use_descriptors:
                opened = os.open(self.path, _FOLDER & ~_NO_LINK)
                stack.callback(os.close, opened)
                folder = _Folder(str(self.path), opened)
            for part in parts:
                folder = folder.below(part, make=make)
                if folder.descriptor is not None:
                    stack.callback(os.close, folder.descriptor)
            yield folder


def root_of(path: Path) -> tuple[Root, PurePath]:
    """The root and the name of what a person typed: its links are followed, once."""
    whole = Path(os.path.realpath(path))
    return Root(whole.parent), PurePath(whole.name)


def output_of(path: Path) -> tuple[Root, PurePath]:
    """The same for what is to be written: a link that leads out of a repository is not followed.

    Whoever types `comment.md` in a clone means a file of the clone, whatever a pull request put
    there. Raises `UnsafePathError` for such a link.
    """
    named, real = Path(os.path.abspath(path)), Path(os.path.realpath(path))  # noqa: PTH100 - links stay
    for place in named.parents:
        is_tree = any(os.path.lexists(place / name) for name in (".git", "kb.toml"))
        if is_tree and not real.is_relative_to(os.path.realpath(place)):
            raise UnsafePathError(
                f"is a link of the repository that leads out of it, to {real}",
                where=str(path),
                todo="Remove the link, or name the place that it leads to.",
            )
    return Root(real.parent), PurePath(real.name)


def walk(
    folder: Path, onerror: Callable[[OSError], None] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """The folders below one as `os.walk` gives them, links not entered, however deep they lie.

    `os.walk` and `Path.rglob` call themselves for each level before Python 3.12, and a clone may
    have more levels than Python has calls.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        place = waiting.pop()
        try:
            if len(os.fsencode(place)) > _MOST_PATH_BYTES:
                raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG), place)
            with os.scandir(place) as entries:
                kinds = [(entry.name, _leads_to_folder(entry)) for entry in entries]
        except OSError as error:
            if onerror is not None:
                onerror(error)
            continue
        folders = [name for name, is_folder in kinds if is_folder]
        yield place, folders, [name for name, is_folder in kinds if not is_folder]
        below = (f"{place}{os.sep}{name}" for name in reversed(folders))
        waiting += [path for path in below if not os.path.islink(path)]  # noqa: PTH114 - text


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def real_path(path: Path) -> Path:
    """Where a path leads, all links followed; a loop of links leads to itself."""
    return Path(os.path.realpath(path))


def open_named(path: Path) -> BufferedReader:
    """A regular file that was named or found by name, its links followed.

    Raises `UnsafePathError` for a device, a pipe or a folder; `OSError`.
    """
    opened = os.open(path, _READ & ~_NO_LINK)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise UnsafePathError("is no regular file", where=str(path))
    return os.fdopen(opened, "rb")


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises like `open_named`."""
    import hashlib

    with open_named(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def write_output(path: Path, text: str) -> None:
    """Write a file that a person named, whole or not at all; a device or pipe gets the text.

    Raises `OSError` where it cannot be written, `UnsafePathError` like `output_of`.
    """
    root, name = output_of(path)
    try:
        is_special = not stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        is_special = False
    if is_special and not path.is_dir():
        with os.fdopen(os.open(path, os.O_WRONLY | _BASE), "wb") as stream:
            stream.write(text.encode("utf-8"))
        return
    if not root.path.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root.path))
    root.write_text(name, text)


def replace_known(path: Path, before: bytes, after: bytes) -> bool:
    """Put `after` in the place of a file that still holds `before`; whether it did.

    Links to it are followed, and other runs that edit it wait. Raises `OSError`.
    """
    root, name = root_of(path)
    with root.open_regular(name) as held:
        _wait_for_lock(held.fileno(), None, lambda: None, str(path))
        if _size_of(root, name) != len(before) or root.read_bytes(name, len(before)) != before:
            return False
        root.sweep()
        root.write_bytes(name, after)
    return True


def _size_of(root: Root, name: PurePath) -> int:
    with root.open_regular(name) as stream:
        return os.fstat(stream.fileno()).st_size


@contextmanager
def private_folder() -> Iterator[Root]:
    """A new folder of this run alone among the system's temporary files, removed in the end."""
    import tempfile

    name = tempfile.mkdtemp(prefix="kb-")
    try:
        yield Root(Path(name))
    finally:
        with suppress(OSError):
            root, place = root_of(Path(name))
            root.remove_tree(place)


class Tree:
    """A working tree for reading: links are followed while they stay inside.

    `.git` is no part of it: its settings may hold a token, and a link would show them.
    What a folder is found to be is remembered for the life of the value, which is short.
    """

    def __init__(self, root: Path) -> None:
        self._inside = os.path.realpath(root).rstrip(os.sep) + os.sep
        self._folders: dict[str, bool] = {}

    def holds(self, path: str) -> bool:
        """Whether a path, all links followed, lies inside."""
        real = os.path.realpath(path) + os.sep
        within = real[len(self._inside) - 1 :].lower()  # with case, `.GIT` is another name of it
        return real.startswith(self._inside) and f"{os.sep}.git{os.sep}" not in within

    def open(self, path: Path | str) -> int:
        """The descriptor of a regular file.

        Raises `UnsafePathError` for a link out of the tree or what is no regular file; `OSError`.
        """
        name = os.path.abspath(path)  # noqa: PTH100 - once a record, and text is faster
        folder = os.path.dirname(name)  # noqa: PTH120 - once a record, and text is faster
        if folder not in self._folders:
            self._folders[folder] = self.holds(folder)
        if not self._folders[folder]:
            raise LinkOutError("a link out of the repository; not followed", where=name)
        try:
            if not _NO_LINK and os.path.islink(name):  # noqa: PTH114 - the same
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
            opened = os.open(name, _READ)
        except OSError as error:
            if error.errno not in {errno.ELOOP, errno.EMLINK, errno.ENXIO}:
                raise
            opened = self._open_link(name, error)
        if stat.S_ISREG(os.fstat(opened).st_mode):
            return opened
        os.close(opened)
        raise UnsafePathError("not a regular file", where=name)

    def read(self, path: Path | str, max_bytes: int) -> tuple[bytes, int]:
        """At most `max_bytes` + 1 bytes of a regular file, and its size."""
        with os.fdopen(self.open(path), "rb") as stream:
            return stream.read(max_bytes + 1), os.fstat(stream.fileno()).st_size

    def _open_link(self, name: str, error: OSError) -> int:
        if error.errno == errno.ENXIO:  # a socket
            raise UnsafePathError("not a regular file", where=name) from error
        whole = os.path.realpath(name)
        if os.path.islink(whole):  # noqa: PTH114 - what still is a link is one that goes in circles
            raise UnsafePathError("a link that leads to itself", where=name) from error
        if not self.holds(whole):
            raise LinkOutError("a link out of the repository; not followed", where=name)
        return os.open(whole, _READ)


def read_named(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file that a person named, its links followed.

    Raises `UnsafePathError` for a device, a folder or more than `max_bytes`; else `OSError`.
    """
    with open_named(path) as stream:
        return _capped(stream, max_bytes, str(path))


def parts_of(relative: Relative) -> list[str]:
    """The parts of a relative path, at least one. Raises `UnsafePathError` for any other."""
    parts = _parts(relative)
    if not parts:
        raise UnsafePathError("names the folder itself", where=str(relative))
    return parts


def _parts(relative: Relative) -> list[str]:
    path = PurePath(relative)
    if path.is_absolute() or path.drive or ".." in path.parts:
        raise UnsafePathError(
            "lies outside the folder that kb may write to",
            where=str(relative),
            todo="Name a place below the knowledge base.",
        )
    return list(path.parts)


class _Folder:
    """An opened folder; where there are no descriptors, its path."""

    __slots__ = ("descriptor", "path")

    def __init__(self, path: str, descriptor: int | None) -> None:
        self.path = path
        self.descriptor = descriptor

    def at(self, name: str) -> str:
        return name if self.descriptor is not None else f"{self.path}{os.sep}{name}"

    def shown(self, name: str) -> str:
        return f"{self.path}{os.sep}{name}"

    def lstat(self, name: str) -> os.stat_result | None:
        try:
            return os.stat(self.at(name), dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def is_link(self, name: str) -> bool:
        found = self.lstat(name)
        return found is not None and _is_link(found)

    def names(self) -> list[str]:
        return os.listdir(self.path if self.descriptor is None else self.descriptor)  # noqa: PTH208 - a descriptor

    def below(self, name: str, *, make: bool) -> _Folder:
        try:
            return self._open_below(name)
        except FileNotFoundError:
            if not make:
                raise
        with suppress(FileExistsError):
            os.mkdir(self.at(name), dir_fd=self.descriptor)
        return self._open_below(name)

    def _open_below(self, name: str) -> _Folder:
        if self.descriptor is None:
            found = self.lstat(name)
            if found is None:
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.shown(name))
            if _is_link(found):
                raise _link(self.shown(name))
            if not stat.S_ISDIR(found.st_mode):
                raise _no_folder(self.shown(name))
            return _Folder(self.shown(name), None)
        try:
            return _Folder(self.shown(name), os.open(name, _FOLDER, dir_fd=self.descriptor))
        except OSError as error:
            if self.is_link(name):
                raise _link(self.shown(name)) from error
            if error.errno == errno.ENOTDIR:
                raise _no_folder(self.shown(name)) from error
            raise _placed(error, self.shown(name)) from error

    def open_file(self, name: str, flags: int, mode: int = 0o666, way: str = "rb") -> BinaryIO:
        """A regular file. Raises `UnsafePathError` for a link or anything else."""
        if self.descriptor is None:
            _require_regular(self.lstat(name), self.shown(name))
        try:
            opened = os.open(self.at(name), flags, mode, dir_fd=self.descriptor)
        except OSError as error:
            _require_regular(self.lstat(name), self.shown(name))
            raise _placed(error, self.shown(name)) from error
        try:
            _require_regular(os.fstat(opened), self.shown(name))
            stream: IO[Any] = os.fdopen(opened, way)
        except BaseException:
            os.close(opened)
            raise
        return stream  # type: ignore[return-value]  # opened for bytes in every way

    @contextmanager
    def temporary(self, mode: int) -> Iterator[tuple[BinaryIO, str]]:
        """A new locked file, removed in the end unless it has got another name."""
        name = _temporary_name()
        flags = _WRITE | _NEW
        try:
            opened = os.open(self.at(name), flags, mode, dir_fd=self.descriptor)
        except OSError as error:
            raise _placed(error, self.shown(name)) from error
        try:
            with os.fdopen(opened, "wb") as stream:
                _try_lock(opened)
                yield stream, name
        finally:
            with suppress(OSError):
                os.unlink(self.at(name), dir_fd=self.descriptor)

    def replace(self, old: str, new: str) -> None:
        os.replace(
            self.at(old), self.at(new), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor
        )

    def take_free_name(self, old: str, new: str) -> None:
        """Give a file a name that nothing has, in one step where the file system can."""
        try:
            os.link(
                self.at(old), self.at(new), src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor
            )
        except FileExistsError:
            raise
        except OSError:  # FAT and some network disks have no second names
            os.close(os.open(self.at(new), _WRITE | _NEW, dir_fd=self.descriptor))
            self.replace(old, new)

    def unlink(self, name: str) -> None:
        os.unlink(self.at(name), dir_fd=self.descriptor)

    def remove_tree(self, name: str, levels: int = _MOST_LEVELS) -> None:
        found = self.lstat(name)
        if found is None:
            return
        if levels == 0:
            raise UnsafePathError(
                f"has folders in folders, more than {_MOST_LEVELS} deep: kb made none such",
                where=self.path,
                todo="Look at what the repository brought, and remove it.",
            )
        if _is_link(found):
            raise _link(self.shown(name))
        if not stat.S_ISDIR(found.st_mode):
            self.unlink(name)
            return
        below = self._open_below(name)
        try:
            for inner in below.names():
                kind = below.lstat(inner)
                if kind is not None and stat.S_ISDIR(kind.st_mode) and not _is_link(kind):
                    below.remove_tree(inner, levels - 1)
                elif kind is not None:
                    below.unlink(inner)
        finally:
            if below.descriptor is not None:
                os.close(below.descriptor)
        os.rmdir(self.at(name), dir_fd=self.descriptor)

    def sweep(self, name: str) -> None:
        """Remove a temporary file or folder whose maker is dead: nobody holds its lock."""
        found = self.lstat(name)
        if found is None or time.time() - found.st_mtime < _GRACE_SECONDS:
            return
        if _is_link(found):
            self.unlink(name)
        elif not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
            return
        elif self.descriptor is None or self._is_free(name):
            self.remove_tree(name)

    def _is_free(self, name: str) -> bool:
        opened = os.open(name, _READ, dir_fd=self.descriptor)
        try:
            return _try_lock(opened)
        finally:
            os.close(opened)


def _temporary_name() -> str:
    return f"{TEMPORARY}{os.urandom(8).hex()}{_TEMPORARY_END}"


def _rename_between(source: Root, old: Relative, target: Root, new: Relative) -> None:
    *from_folders, from_name = parts_of(old)
    *to_folders, to_name = parts_of(new)
    with source._folder(from_folders) as start, target._folder(to_folders, make=True) as end:
        os.rename(
            start.at(from_name),
            end.at(to_name),
            src_dir_fd=start.descriptor,
            dst_dir_fd=end.descriptor,
        )


def _exchange_between(source: Root, old: Relative, target: Root, new: Relative) -> bool:
    """Let two names change places in one step; False where the system cannot.

    Raises `OSError`, for one where the two lie on different disks.
    """
    *from_folders, from_name = parts_of(old)
    *to_folders, to_name = parts_of(new)
    with source._folder(from_folders) as start, target._folder(to_folders) as end:
        if start.descriptor is None or end.descriptor is None:
            return False
        import ctypes

        system = ctypes.CDLL(None, use_errno=True)
        call = getattr(system, "renameat2", None) or getattr(system, "renameatx_np", None)
        if call is None:
            return False
        names = os.fsencode(from_name), os.fsencode(to_name)
        if call(start.descriptor, names[0], end.descriptor, names[1], _EXCHANGE) == 0:
            return True
        number = ctypes.get_errno()
        if number in {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP}:
            return False
        raise OSError(number, os.strerror(number), end.shown(to_name))


def _wait_for_lock(
    descriptor: int, timeout_seconds: float | None, waiting: Callable[[], None], shown: str
) -> None:
    if _try_lock(descriptor):
        return
    waiting()
    end = None if timeout_seconds is None else time.monotonic() + timeout_seconds
    while not _try_lock(descriptor):
        if end is not None and time.monotonic() >= end:
            raise TimeoutError(errno.ETIMEDOUT, "another run is at work there", shown)
        time.sleep(_POLL_SECONDS)


def _try_lock(descriptor: int) -> bool:
    """Whether the file is now locked for this process; a file system without locks says yes."""
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}
    return True


def _capped(stream: BinaryIO, max_bytes: int, shown: str) -> bytes:
    raw = stream.read(max_bytes + 1)
    if len(raw) > max_bytes:
        raise UnsafePathError(f"more than {max_bytes / 1e6:.0f} MB; not read", where=shown)
    return raw


def _is_link(found: os.stat_result) -> bool:
    """Whether it is a link; on Windows a junction is one as well."""
    reparse = getattr(found, "st_file_attributes", 0) & 0x400
    return stat.S_ISLNK(found.st_mode) or bool(reparse)


def _require_regular(found: os.stat_result | None, shown: str) -> None:
    if found is None or stat.S_ISREG(found.st_mode):
        return
    if _is_link(found):
        raise _link(shown)
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), shown)
    raise UnsafePathError("is no regular file", where=shown, todo=f"Remove it: rm {shown}")


def _link(shown: str) -> UnsafePathError:
    return UnsafePathError(
        "is a link, and kb follows none here: what it leads to is left alone",
        where=shown,
        todo=f"Remove the link: rm {shown}",
    )


def _no_folder(shown: str) -> UnsafePathError:
    return UnsafePathError("is no folder", where=shown, todo="Move it to another place.")


def _placed(error: OSError, shown: str) -> OSError:
    """The same fault with the whole path: relative to a descriptor only its last part is told."""
    return type(error)(error.errno, error.strerror, shown)
