"""Trace files in an object store: listed here, fetched where they are read, one at a time.

An address comes from the person's command line, never from `kb.toml`. Credentials are those of the
environment of the machine that reads, and no part of an address or of a task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from kb.errors import KbError
from kb.installation import install_line
from kb.safe_files import private_folder
from kb.traces.canonical_json import digest
from kb.traces.redaction import safe_text

#: `s3://bucket/traces/`. No chain of file systems (`zip::`), no user and password.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]{1,20})://([^\s?#]+)")
#: Of fsspec's: what is no store of objects, but a way to this machine or to any web page.
_REFUSED = frozenset(
    {"file", "local", "http", "https", "ftp", "ssh", "sftp", "data", "reference", "jupyter"}
)


def is_address(text: str) -> bool:
    """Whether a path that was typed means another machine."""
    return "://" in text


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file in a store: its address, bytes, and a number that changes with its content.

    `beside` are the addresses of files that are read with it.
    """

    address: str
    size: int
    stamp: int
    beside: tuple[str, ...] = ()

    def __fspath__(self) -> str:
        """Its address: what it is called and known by. Nothing opens it under that name."""
        return self.address

    @property
    def name(self) -> str:
        """The last part of its address."""
        return self.address.rpartition("/")[2]


@dataclass(frozen=True)
class RemoteFolder:
    """What lies below an address: the files in order, each with its facts, as told by the store."""

    address: str
    found: Mapping[str, tuple[int, int]]


def list_remote(address: str) -> RemoteFolder:
    """The files at or below an address. Raises `KbError` where they cannot be listed."""
    system, place = _opened(address)
    scheme = address.partition("://")[0]
    try:
        told = system.find(place, detail=True)
    except Exception as error:
        raise _refused(address, error) from error
    if not told:
        raise KbError("is not there, or empty", where=address, todo="Name a bucket or a prefix.")
    files = {f"{scheme}://{name.lstrip('/')}": info for name, info in sorted(told.items())}
    found = {name: _facts(info) for name, info in files.items() if info.get("type") != "directory"}
    return RemoteFolder(address, found)


def _facts(info: Mapping[str, Any]) -> tuple[int, int]:
    """Bytes, and a number of what the store calls this version of the file."""
    version = info.get("ETag") or info.get("etag") or info.get("LastModified") or info.get("mtime")
    return int(info.get("size") or 0), int(digest(str(version))[:15], 16)


def _opened(address: str) -> tuple[Any, str]:
    """The file system of an address, and its name there. Raises `KbError`."""
    parts = _ADDRESS.fullmatch(address)
    has_more = parts and ("@" in parts[2].partition("/")[0] or "::" in parts[2])
    if parts is None or has_more or parts[1] in _REFUSED:
        raise KbError(
            f"'{safe_text(address)[:200]}' is no address of a bucket",
            todo="Say s3://BUCKET/PREFIX/; credentials stand in the environment, not in it.",
        )
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        todo = install_line("scale")
        raise KbError("object stores need fsspec", where=address, todo=todo) from error
    try:
        system, place = url_to_fs(address)
    except ImportError as error:
        todo = f"{install_line('scale')}   (for stores other than S3 also fsspec's own package)"
        raise KbError(f"{parts[1]} is not installed", where=address, todo=todo) from error
    except ValueError as error:
        raise KbError(f"{parts[1]} is no store that is known", where=address) from error
    except Exception as error:
        raise _refused(address, error) from error
    return system, str(place)


def _refused(address: str, error: Exception) -> KbError:
    words = safe_text(str(error).splitlines()[0] if str(error) else "")[:200]
    return KbError(
        f"cannot be listed: {type(error).__name__}: {words}",
        where=safe_text(address),
        todo="Check the name, and the credentials in the environment (for S3 AWS_*, AWS_PROFILE).",
    )


@contextmanager
def on_this_machine(file: Path | RemoteFile) -> Iterator[Path]:
    """Where a file can be read here: itself, or its copy in a folder of this run alone.

    A copy is removed in the end. Raises `OSError` and `KbError` where it cannot be fetched.
    """
    if isinstance(file, Path):
        yield file
        return
    system, place = _opened(file.address)
    top = PurePosixPath(place).parent
    with private_folder() as root:
        for address in (file.address, *file.beside):
            name = str(system._strip_protocol(address))
            within = PurePosixPath(name).relative_to(top)
            root.make_folder(within.parent)
            with system.open(name, "rb") as stream:
                root.copy_in(stream, within)
        yield root.path_of(PurePosixPath(place).name)
