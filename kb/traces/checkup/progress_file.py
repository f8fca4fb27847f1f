"""The progress of a checkup: what was found in each file, a line each, so that a pass can go on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from os import PathLike
from pathlib import Path
from typing import IO

import msgspec

from kb.library import local_place, make_local_folder
from kb.safe_files import UnsafePathError
from kb.traces.canonical_json import digest
from kb.traces.checkup.run_facts import RunSummary
from kb.traces.redaction import safe_path


class FileFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was found in one file; `error` says why it could not be read to its end.

    `file` is its path as it may be shown; `path_digest` tells it from others with that path.
    """

    file: str
    path_digest: str = ""
    size: int
    modified: int
    runs: tuple[RunSummary, ...] = ()
    error: str = ""


def shown_path(file: PathLike[str] | str) -> str:
    """The path of a file as reports name it: what is sensitive in it is replaced."""
    return safe_path(plain_name(file))


def plain_name(file: PathLike[str] | str) -> str:
    """The path as text that every encoder takes, also where its bytes are no UTF-8."""
    return os.fsencode(file).decode("utf-8", "replace")


def part_file(state: Path | None, file: PathLike[str]) -> Path | None:
    """Where the runs of a file that is being read are kept until it is done."""
    return state and state.with_name(f"{state.stem}.{digest(plain_name(file))}.part")


def remove_part_file(state: Path | None, file: PathLike[str]) -> None:
    """Remove what is kept of a file that is being read."""
    path = part_file(state, file)
    if path is not None:
        with suppress(OSError, UnsafePathError):
            root, place = local_place(path)
            root.remove_file(place)


def read_progress(state: Path | None) -> Iterator[FileFacts]:
    """What is kept in a file; nothing where there is none, or it is no file of ours."""
    if state is None or not state.is_file() or state.is_symlink():
        return
    decoder = msgspec.json.Decoder(FileFacts)
    try:
        root, place = local_place(state)
    except UnsafePathError:
        return
    with root.open_regular(place) as stream:
        for line in stream:
            # The last line of a pass that was killed is half a line.
            with suppress(msgspec.MsgspecError, RecursionError):
                yield decoder.decode(line)


class Memory:
    """The file that remembers, written line by line; where it cannot be written, nothing is."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: IO[bytes] | None = None
        self._held = ExitStack()

    def __enter__(self) -> Memory:
        return self

    def keep(self, found: FileFacts) -> None:
        """Remember what was found in a file."""
        if self._stream is None and self._path is not None:
            self._open(self._path)
        if self._stream is not None:
            self._stream.write(msgspec.json.encode(found) + b"\n")
            self._stream.flush()

    def _open(self, path: Path) -> None:
        self._path = None
        with suppress(OSError, UnsafePathError):
            make_local_folder(path.parent)
            root, place = local_place(path)
            self._stream = self._held.enter_context(root.appending(place))
            # A killed pass may have left half a line.
            self._stream.write(b"\n" if self._stream.tell() else b"")

    def __exit__(self, *_: object) -> None:
        self._held.close()
