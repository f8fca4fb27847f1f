"""What values does a file hold, and where does each stand? JSON in every layout tools write.

One value a line, one object, one list, objects one after the other, or a recorded HTTP session in
YAML. Values come one at a time: a file of 200 MB never lies in memory as Python values.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from kb.errors import KbError
from kb.runs.jsontext import NotJsonError, decode
from kb.runs.notes import Notes
from kb.runs.redact import safely


class Layout(StrEnum):
    """How the values of a file are laid out."""

    LINES = "one JSON value a line"
    LIST = "one JSON list"
    OBJECT = "one JSON object"
    STREAM = "JSON objects one after the other"
    YAML = "YAML"


class Row(NamedTuple):
    """A value, and its place: `line 12`, `[3]`, `object 4`."""

    where: str
    value: Any


_HEAD_ROWS = 20
_CHUNK_BYTES = 1 << 20
_MAX_YAML_BYTES = 50_000_000
_MAX_YAML_NODES = 2_000_000
#: Values larger than this are shown by their first parts only where the format is told.
_SMALL_BYTES = 65_536
_SHOWN_PARTS = 4
_SHOWN_CHARACTERS = 60
_MAX_LEVELS_SHOWN = 6
_MOST_SPACE = 1024
_UNREADABLE = "rows that are no JSON were left out"


@dataclass(frozen=True)
class Source:
    """A file opened for import: its identity, its layout, and its first values, shortened."""

    path: Path
    sha256: str
    size_bytes: int
    layout: Layout
    notes: Notes = field(default_factory=Notes, compare=False)

    @property
    def name(self) -> str:
        """The file's name, without folders."""
        return self.path.name

    def rows(self) -> Iterator[Row]:
        """The values, one at a time: lines, elements of the list, or the one object."""
        for where, raw in self.raw_rows():
            try:
                yield Row(where, decode(raw))
            except NotJsonError:
                self.notes.add(_UNREADABLE, where)

    def items(self, *keys: str) -> Iterator[Row]:
        """The elements of the first list found under one of the keys, in every row.

        The rest of a row is not decoded. Places read `line 3, spans[7]`.
        """
        for where, raw in self.raw_rows():
            parts = members(raw) or {}
            key = next((key for key in keys if key in parts), None)
            for number, element in enumerate(elements(parts[key]) if key else ()):
                place = f"{key}[{number}]"
                yield Row(f"{where}, {place}" if where else place, decode(element))

    @cached_property
    def head(self) -> tuple[Any, ...]:
        """The first values, long ones shortened: enough to tell the format."""
        found = []
        for _, raw in self.raw_rows():
            try:
                found.append(_shortened(raw))
            except NotJsonError:
                continue
            if len(found) == _HEAD_ROWS:
                break
        return tuple(found)

    def raw_rows(self) -> Iterator[tuple[str, bytes | memoryview]]:
        """The values undecoded, with their places; views into the file where it can be mapped."""
        if self.layout is Layout.LINES:
            yield from _lines(self.path)
        elif self.layout is Layout.LIST:
            for number, raw in enumerate(elements(_mapped(self.path))):
                yield f"[{number}]", raw
        elif self.layout is Layout.STREAM:
            yield from _stream(self.path)
        elif self.layout is Layout.OBJECT:
            yield "", memoryview(_mapped(self.path))
        else:
            yield "", msgspec.json.encode(_yaml(self.path), enc_hook=str)


def open_source(path: Path) -> Source:
    """The file as a source of values.

    Raises `KbError` for a file that cannot be read, is empty or packed, or holds no JSON.
    """
    try:
        if not path.is_file():
            what = "is a folder" if path.is_dir() else "is no file"
            raise KbError(what, where=str(path), todo="Name a trace file.")
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return Source(path, sha256, path.stat().st_size, _layout(path))
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error


#: How files begin that hold a trace only after something was done to them, and what.
_PACKED = {
    b"\x1f\x8b": "is packed with gzip: unpack it first (gunzip)",
    b"PK\x03\x04": "is a zip archive: unpack it, and import the files in it",
    b"\x28\xb5\x2f\xfd": "is packed with zstd: unpack it first (unzstd)",
    b"\xff\xfe": "is written in UTF-16: save it as UTF-8",
    b"\xfe\xff": "is written in UTF-16: save it as UTF-8",
    b"SQLite format 3": "is an SQLite database: export its rows as JSON",
    b"PAR1": "is a Parquet file: export its rows as JSON lines",
}


def _layout(path: Path) -> Layout:
    with path.open("rb") as stream:
        start = stream.read(_SMALL_BYTES)
    for magic, what in _PACKED.items():
        if start.startswith(magic):
            raise KbError(what, where=str(path))
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    if not text:
        raise KbError("is empty", where=str(path))
    if text[:1] not in {b"{", b"["}:
        return _layout_of_other(path, text)
    whole = Layout.OBJECT if text[:1] == b"{" else Layout.LIST
    line = _first_of_several_lines(path, len(start) - len(text))
    if line is not None and _is_json(line):
        return Layout.LINES
    return _layout_of_whole(path, whole, is_one_line=line is None)


def _first_of_several_lines(path: Path, start: int) -> bytes | None:
    """The first line, None when there is no other: a file of one line is never copied."""
    mapped = _mapped(path)
    end = mapped.find(b"\n", start)
    is_last = end < 0 or not mapped[end : end + _CHUNK_BYTES].strip()
    return None if is_last else mapped[start:end]


def _layout_of_other(path: Path, text: bytes) -> Layout:
    if path.suffix in {".yaml", ".yml"} or text.startswith((b"interactions:", b"---")):
        return Layout.YAML
    # Redacted before it is cut: the beginning of a key is not told from other words.
    line = text.split(b"\n", 1)[0].decode("utf-8", errors="replace")
    what = f"holds no JSON; it begins with {safely(line)[:_SHOWN_CHARACTERS]!r}"
    raise KbError(what, where=str(path), todo="Name a trace file in JSON or JSON lines.")


def _layout_of_whole(path: Path, whole: Layout, *, is_one_line: bool) -> Layout:
    mapped = _mapped(path)
    try:
        msgspec.json.decode(mapped, type=msgspec.Raw)
    except RecursionError as error:
        raise KbError("is nested too deeply to be a trace", where=str(path)) from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        if len(list(_first_two(_stream(path)))) > 1:
            return Layout.STREAM
        if not is_one_line and any(_is_json(line) for _, line in _first_two(_lines(path))):
            return Layout.LINES  # the first line is the torn end of an earlier one
        _require_json(path, mapped, error)
    return whole


def _first_two(rows: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    return (row for row, _ in zip(rows, range(2), strict=False))


def _require_json(path: Path, mapped: mmap.mmap, error: Exception) -> None:
    try:
        decode(memoryview(mapped))
    except NotJsonError as kinder:
        what = f"is no JSON that can be read: {error or kinder}"
        raise KbError(what, where=str(path), todo="Was it cut off while it was written?") from error


def _is_json(line: bytes) -> bool:
    """Whether a line is an object or a list; it is skipped over, not decoded, where it is well."""
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return isinstance(_kindly(line), dict | list)
    return first_byte(line) in {b"{", b"["}


def _mapped(path: Path) -> mmap.mmap:
    with path.open("rb") as stream:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)


def _lines(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, 1):
            if line.strip():
                yield f"line {number}", line


def _stream(path: Path) -> Iterator[tuple[str, bytes]]:
    """Values that follow each other with nothing but space between them."""
    decoder, text, number = json.JSONDecoder(strict=False), "", 0
    with path.open("r", encoding="utf-8-sig", errors="replace") as stream:
        wanted = _CHUNK_BYTES
        while chunk := stream.read(wanted):
            text += chunk
            at = 0
            while (start := _next_value(text, at)) < len(text):
                try:
                    _, at = decoder.raw_decode(text, start)
                except (ValueError, RecursionError):
                    break
                number += 1
                yield f"object {number}", text[start:at].encode("utf-8", errors="replace")
            # What is cut off is tried again with twice as much: each byte is read few times.
            wanted = max(_CHUNK_BYTES, len(text) - at)
            text = text[at:]


def _next_value(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,\x1e":
        at += 1
    return at


def _yaml(path: Path) -> Any:
    import yaml

    if path.stat().st_size > _MAX_YAML_BYTES:
        raise KbError("is too large for YAML: 50 MB are read", where=str(path))
    try:
        with path.open("rb") as stream:
            value = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        if sum(1 for _ in islice(_nodes(value), _MAX_YAML_NODES)) == _MAX_YAML_NODES:
            raise ValueError("aliases make it grow without end")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or f"{type(error).__name__}"
        reason = f"{reason}, line {mark.line + 1}" if mark else reason
        raise KbError(f"is no YAML that can be read: {reason}", where=str(path)) from error
    return value


def _nodes(value: Any) -> Iterator[Any]:
    """Every value below one, as often as it would be written: aliases are followed."""
    stack = [value]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, dict):
            stack.extend(part.values())
        elif isinstance(part, list):
            stack.extend(part)


def elements(raw: Any) -> list[Any]:
    """The elements of a list, undecoded; empty for anything else."""
    if first_byte(raw) != b"[":
        return []
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _kindly(raw)
        return [_written(part) for part in value] if isinstance(value, list) else []


def members(raw: Any) -> dict[str, Any] | None:
    """The members of an object, undecoded; None for anything else."""
    if first_byte(raw) != b"{":
        return None
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = _kindly(raw)
        if not isinstance(value, dict):
            return None
        return {key: _written(part) for key, part in value.items()}


def _written(value: Any) -> bytes:
    """A value as JSON again, NaN and Infinity as they were."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")


def first_byte(raw: Any) -> bytes:
    """The byte a value begins with: what kind of value it is shows in it."""
    return bytes(memoryview(raw)[:_MOST_SPACE]).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]


def _kindly(raw: Any) -> Any:
    try:
        return decode(memoryview(raw))
    except NotJsonError:
        return None


def _shortened(raw: Any, level: int = 0) -> Any:
    """The value, of large ones only the first parts."""
    view = memoryview(raw)
    if len(view) <= _SMALL_BYTES or level > _MAX_LEVELS_SHOWN:
        return decode(view) if len(view) <= _SMALL_BYTES else None
    inner = members(view)
    if inner is not None:
        return {key: _shortened(part, level + 1) for key, part in inner.items()}
    parts = elements(view)
    return [_shortened(part, level + 1) for part in parts[:_SHOWN_PARTS]] if parts else ""
