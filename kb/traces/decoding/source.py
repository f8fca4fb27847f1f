"""The values of a file and the place of each, in every layout tools write.

One value a line, one object, one list, objects one after the other, or a recorded HTTP session in
YAML. Values come one at a time: a file of 200 MB never lies in memory as Python values.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from kb.errors import KbError
from kb.safe_files import open_named
from kb.traces.decoding.layout import Layout, layout_of
from kb.traces.decoding.lenient import NotJsonError, decode
from kb.traces.decoding.rawjson import (
    elements,
    lines,
    mapped,
    release,
    shortened,
    stream,
    yaml_as_json,
)
from kb.traces.run import ImportWarnings

_HEAD_ROWS = 20
_ROWS_BETWEEN_RELEASES = 256
_UNREADABLE = "rows that are no JSON were left out"


class SourceRow(NamedTuple):
    """A value, and its place: `line 12`, `[3]`, `object 4`."""

    where: str
    value: Any


@dataclass(frozen=True)
class Source:
    """A file opened for import: its identity, its layout, and its first values, shortened."""

    path: Path
    sha256: str
    size_bytes: int
    layout: Layout
    notes: ImportWarnings = field(default_factory=ImportWarnings, compare=False)

    @property
    def name(self) -> str:
        """The file's name, without folders; bytes that are no UTF-8 became U+FFFD."""
        return os.fsencode(self.path.name).decode("utf-8", "replace")

    def rows(self) -> Iterator[SourceRow]:
        """The values, one at a time: lines, elements of the list, or the one object."""
        for where, raw in self.raw_rows():
            refuse_swelling(raw, self.path)
            try:
                value = decode(raw)
            except NotJsonError:
                self.notes.add(_UNREADABLE, where)
                continue
            finally:
                del raw  # a view keeps the whole file mapped, beside the values made of it
            yield SourceRow(where, value)

    @cached_property
    def head(self) -> tuple[Any, ...]:
        """The first values, long ones shortened: enough to tell the format."""
        found = []
        for _, raw in self.raw_rows():
            try:
                found.append(shortened(raw))
            except NotJsonError:
                continue
            if len(found) == _HEAD_ROWS:
                break
        return tuple(found)

    def raw_rows(self) -> Iterator[tuple[str, bytes | memoryview]]:
        """The values undecoded, with their places; views into the file where it can be mapped."""
        if self.layout is Layout.LINES:
            yield from lines(self.path)
        elif self.layout is Layout.LIST:
            whole = mapped(self.path)
            for number, raw in enumerate(elements(whole)):
                yield f"[{number}]", raw
                if number % _ROWS_BETWEEN_RELEASES == 0:
                    release(whole)
        elif self.layout is Layout.STREAM:
            yield from stream(self.path)
        elif self.layout is Layout.OBJECT:
            yield "", memoryview(mapped(self.path))
        else:
            yield "", yaml_as_json(self.path)


#: What a value takes in memory when it is read: its bytes, and these for each text, object and list
#: (measured with msgspec on CPython 3.11: 56 for a short text, 64 to 232 for a container).
_TEXT_BYTES, _CONTAINER_BYTES = 56, 150
_MOST_VALUE_BYTES = 700_000_000
_COUNTED_BYTES = 1 << 20


def refuse_swelling(raw: bytes | memoryview, path: Path) -> None:
    """Raise `KbError` for one value of JSON that would take more memory than a trace is worth."""
    if len(raw) * _CONTAINER_BYTES <= _MOST_VALUE_BYTES:
        return
    takes = len(raw)
    for at in range(0, len(raw), _COUNTED_BYTES):
        chunk = bytes(raw[at : at + _COUNTED_BYTES])
        takes += chunk.count(b'"') // 2 * _TEXT_BYTES
        takes += (chunk.count(b"{") + chunk.count(b"[")) * _CONTAINER_BYTES
    if takes > _MOST_VALUE_BYTES:
        raise KbError(
            f"one value in it would take some {takes / 1e9:.1f} GB of memory",
            where=str(path),
            todo="Split the trace: one run a file, or one value a line (.jsonl).",
        )


def open_source(path: Path) -> Source:
    """The file as a source of values.

    Raises `KbError` for a file that cannot be read, is empty or packed, or holds no JSON.
    """
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is no file"
            raise KbError(what, where=str(path), todo="Name a trace file.")
        with open_named(path) as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return Source(path, sha256, path.stat().st_size, layout_of(path))
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
