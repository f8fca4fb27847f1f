"""The values of a file and the place of each, in every layout tools write.

One value a line, one object, one list, objects one after the other, or a recorded HTTP session in
YAML. Values come one at a time: a file of 200 MB never lies in memory as Python values.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from kb.errors import KbError
from kb.safe_files import file_sha256
from kb.traces.decoding.layout import Layout, layout_of
from kb.traces.decoding.lenient_json import NotJsonError, decode
from kb.traces.decoding.packed_files import members
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.undecoded_json import (
    elements,
    events,
    lines,
    mapped,
    release_pages,
    shortened,
    stream,
    yaml_as_json,
)
from kb.traces.redaction import safe_text
from kb.traces.run import ImportWarnings

_FIRST_ROWS = 20
_HEAD_ROWS = 28
#: More bytes are not looked through for rows that differ: 2 MB take 5 ms.
_HEAD_BYTES = 2_000_000
#: Of the first look: twenty rows of a session have fewer.
_FIRST_BYTES = 200_000
_ROWS_BETWEEN_RELEASES = 256
_DECODER = msgspec.json.Decoder()
_NOTHING = object()
_Plain = TypeVar("_Plain")
UNREADABLE = "rows that are no JSON"


def _no_row(_: bytes | memoryview) -> None:
    """No row is plain."""


class SourceRow(NamedTuple):
    """A value, and its place: `line 12`, `[3]`, `object 4`."""

    where: str
    value: Any


@dataclass(frozen=True)
class Source:
    """A file opened for import: its identity, its layout, and its first values, shortened."""

    path: Path
    hashed: str
    """The SHA-256 of its bytes; empty where it was opened to be looked at only."""
    size_bytes: int
    layout: Layout
    notes: ImportWarnings = field(default_factory=ImportWarnings, compare=False)
    account: RowAccount = field(default_factory=RowAccount, compare=False)
    within: str = ""
    """Of a file that belongs to another: its name, which stands before the places in it."""
    packed_in: Path | None = None
    """The packed file that this one was unpacked from: `path` is a place of ours then."""
    is_brief: bool = field(default=False, compare=False)
    """Whether its head is the first values alone, which tell most formats."""

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 of its bytes, of one that was unpacked those of the packed file."""
        return self.hashed or file_sha256(self.packed_in or self.path)

    @property
    def name(self) -> str:
        """The file's name, without folders; bytes that are no UTF-8 became U+FFFD.

        Of a file in a packed one the name of that one, and its own in it.
        """
        name = os.fsencode((self.packed_in or self.path).name).decode("utf-8", "replace")
        return f"{name}/{self.within}" if self.packed_in and self.within else name

    @property
    def shown(self) -> str:
        """The file as messages name it."""
        if self.packed_in is None:
            return str(self.path)
        return f"{self.packed_in}: {self.within}" if self.within else str(self.packed_in)

    def rows(self) -> Iterator[SourceRow]:
        """The values, one at a time: lines, elements of the list, or the one object."""
        return itertools.starmap(SourceRow, self.plain_rows(_no_row))

    def plain_rows(
        self, plain: Callable[[bytes | memoryview], _Plain | None]
    ) -> Iterator[tuple[str, _Plain | Any]]:
        """The values with their places. `plain` is asked first for what a row holds.

        Where it says None the row is decoded whole.
        """
        decode_row, turn_to = _DECODER.decode, self.account.turn_to
        for where, raw in self.raw_rows():
            turn_to(where)
            if len(raw) > _MOST_UNCOUNTED:
                refuse_oversized_values(raw, self.shown)
            try:
                value = plain(raw)
                if value is None:
                    value = decode_row(raw)
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                value = self._mended(raw, where)
                if value is _NOTHING:
                    self.leave_out(UNREADABLE, where)
                    continue
            finally:
                del raw  # a view keeps the whole file mapped, beside the values made of it
            yield where, value
        self.account.turn_away()

    def decoded(self, raw: bytes | memoryview, where: str) -> Any:
        """The value of a row; what had to be done to its bytes is noted. Raises `NotJsonError`."""
        try:
            return _DECODER.decode(raw)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return decode(raw, lambda what: self.notes.add(what, where))

    def _mended(self, raw: bytes | memoryview, where: str) -> Any:
        """The value of a careless row, `_NOTHING` for what is no JSON at all."""
        try:
            return self.decoded(raw, where)
        except NotJsonError:
            return _NOTHING

    def leave_out(self, what: str, place: str = "") -> None:
        """Note that the row at hand is passed over; `what` are such rows in words."""
        self.notes.add(f"{what} were left out", place)
        self.account.left_out(what)

    @cached_property
    def brief(self) -> Source:
        """The same source with a brief head."""
        return replace(self, is_brief=True)

    @cached_property
    def head(self) -> tuple[Any, ...]:
        """Some values, long ones shortened: enough to tell the format.

        The first, and of those that follow some that look unlike all before: rows of another kind
        may stand before the ones that tell what the file is, any number of them.
        """
        found: list[Any] = []
        shapes: set[Any] = set()
        looked_at = 0
        for _, raw in self.raw_rows():
            looked_at += len(raw)
            most = _FIRST_BYTES if self.is_brief else _HEAD_BYTES
            if found and looked_at > most:
                break
            if len(found) >= _FIRST_ROWS and _shape_of_row(raw) in shapes:
                continue
            try:
                value = shortened(raw)
            except NotJsonError:
                continue
            shape = _shape(value)
            if len(found) < _FIRST_ROWS or shape not in shapes:
                found.append(value)
                shapes.add(shape)
            if len(found) == (_FIRST_ROWS if self.is_brief else _HEAD_ROWS):
                break
        return tuple(found)

    def _whole_elements(self) -> Iterator[tuple[str, bytes]]:
        """The elements of a list before the place where it was cut off, and what is left there."""
        number = 0
        for number, (_, raw) in enumerate(stream(self.path, after="["), 1):
            yield f"[{number - 1}]", raw
        yield f"[{number}]", b"{"  # the torn one is no JSON: it is left out as such

    def beside(self, path: Path) -> Source:
        """A file that belongs to this one: its rows are accounted for with those of this one."""
        other = open_source(path)
        return replace(other, notes=self.notes, account=self.account, within=safe_text(other.name))

    def unpacked(self) -> Iterator[Source]:
        """The files in a packed one, one at a time, each gone when the next is asked for.

        What holds no values is left out with its reason, as is the rest of one that is damaged.
        Raises `KbError` for what is packed alone and holds no values, and as `members` does.
        """
        for member in members(self.path):
            name = safe_text(os.fsencode(member.name).decode("utf-8", "replace"))
            if member.path is not None:
                try:
                    layout = layout_of(member.path)
                except KbError as fault:
                    if not name:
                        raise KbError(fault.what, where=self.shown, todo=fault.todo) from fault
                    self.leave_out_member(name, fault.what)
                    continue
                yield Source(
                    member.path,
                    self.hashed,
                    self.size_bytes,
                    layout,
                    account=self.account,
                    within=name,
                    packed_in=self.path,
                )
            if member.fault:
                place = f"{name} (the rest)".strip() if member.path else name
                self.leave_out_member(place, member.fault)

    def leave_out_member(self, name: str, why: str) -> None:
        """Note that a file in a packed one, or what is left of it, is passed over, and why."""
        self.account.turn_to(name)
        self.account.left_out(why)
        self.account.turn_away()

    def raw_rows(self) -> Iterator[tuple[str, bytes | memoryview]]:
        """The values undecoded, with their places; views into the file where it can be mapped."""
        if not self.within:
            return self._raw_rows()
        return ((f"{self.within} {where}".strip(), raw) for where, raw in self._raw_rows())

    def _raw_rows(self) -> Iterator[tuple[str, bytes | memoryview]]:
        if self.layout is Layout.LINES:
            return lines(self.path)
        return self._other_rows()

    def _other_rows(self) -> Iterator[tuple[str, bytes | memoryview]]:
        """The rows of what is no file of lines."""
        if self.layout is Layout.LIST:
            whole = mapped(self.path)
            for number, raw in enumerate(elements(whole)):
                yield f"[{number}]", raw
                if number % _ROWS_BETWEEN_RELEASES == 0:
                    release_pages(whole)
        elif self.layout is Layout.STREAM:
            yield from stream(self.path)
        elif self.layout is Layout.CUT_LIST:
            yield from self._whole_elements()
        elif self.layout is Layout.OBJECT:
            yield "", memoryview(mapped(self.path))
        elif self.layout is Layout.EVENTS:
            yield from events(self.path)
        elif self.layout is Layout.YAML:
            yield "", yaml_as_json(self.path)


def _shape(value: Any) -> Any:
    """What rows of one kind have in common: their keys, and what they say they are."""
    if not isinstance(value, dict):
        return type(value).__name__
    kind = value.get("type")
    return kind if isinstance(kind, str) else "", frozenset(value)


def _shape_of_row(raw: bytes | memoryview) -> Any:
    """The shape of an object, its parts undecoded; None for what is none."""
    try:
        inner = _MEMBERS.decode(raw)
        kind = inner.get("type", b"")
        return _shape({**inner, "type": decode(kind)} if kind else inner)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, NotJsonError):
        return None


_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])


#: What a value takes in memory when it is read: its bytes, and these for each text, object and list
#: (measured with msgspec on CPython 3.11: 56 for a short text, 64 to 232 for a container).
_TEXT_BYTES, _CONTAINER_BYTES = 56, 150
_MOST_VALUE_BYTES = 700_000_000
_MOST_UNCOUNTED = _MOST_VALUE_BYTES // _CONTAINER_BYTES
_COUNTED_BYTES = 1 << 20


def refuse_oversized_values(raw: bytes | memoryview, where: Path | str) -> None:
    """Raise `KbError` for one value of JSON that would take more memory than a trace is worth."""
    if len(raw) <= _MOST_UNCOUNTED:
        return
    takes = len(raw)
    for at in range(0, len(raw), _COUNTED_BYTES):
        chunk = bytes(raw[at : at + _COUNTED_BYTES])
        takes += chunk.count(b'"') // 2 * _TEXT_BYTES
        takes += (chunk.count(b"{") + chunk.count(b"[")) * _CONTAINER_BYTES
    if takes > _MOST_VALUE_BYTES:
        raise KbError(
            f"one value in it would take some {takes / 1e9:.1f} GB of memory",
            where=str(where),
            todo="Split the trace: one run a file, or one value a line (.jsonl).",
        )


def open_source(path: Path, *, is_hashed: bool = True) -> Source:
    """The file as a source of values.

    Raises `KbError` for a file that cannot be read, is empty, or holds no JSON. A packed one has
    the layout `PACKED`, and no values but those of the files in it.
    """
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is no file"
            raise KbError(what, where=str(path), todo="Name a trace file.")
        hashed = file_sha256(path) if is_hashed else ""
        return Source(path, hashed, path.stat().st_size, layout_of(path))
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
