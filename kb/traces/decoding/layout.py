"""The layout of a file's values (array, lines, stream), told from its first bytes."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from kb.errors import KbError
from kb.traces.decoding.lenient_json import NotJsonError, decode
from kb.traces.decoding.packed_files import is_packed
from kb.traces.decoding.undecoded_json import (
    CHUNK_BYTES,
    decode_lenient,
    first_byte,
    lines,
    mapped,
    stream,
)
from kb.traces.redaction import safe_text

_START_BYTES = 65_536
_SHOWN_CHARACTERS = 60


class Layout(StrEnum):
    """How the values of a file are laid out."""

    LINES = "one JSON value a line"
    LIST = "one JSON list"
    OBJECT = "one JSON object"
    STREAM = "JSON objects one after the other"
    CUT_LIST = "a JSON list that was cut off"
    YAML = "YAML"
    PACKED = "a packed file"
    EVENTS = "a stream of events"


#: How files begin that hold a trace only after something was done to them, and what.
_UNREADABLE = {
    b"\xff\xfe\x00\x00": "is written in UTF-32: save it as UTF-8",
    b"\x00\x00\xfe\xff": "is written in UTF-32: save it as UTF-8",
    b"\xff\xfe": "is written in UTF-16: save it as UTF-8",
    b"\xfe\xff": "is written in UTF-16: save it as UTF-8",
    # without a mark at the beginning: a bracket of 32 or 16 bits
    **{bytes(3) + sign: "is written in UTF-32: save it as UTF-8" for sign in (b"{", b"[")},
    **{sign + bytes(3): "is written in UTF-32: save it as UTF-8" for sign in (b"{", b"[")},
    **{b"\x00" + sign: "is written in UTF-16: save it as UTF-8" for sign in (b"{", b"[")},
    **{sign + b"\x00": "is written in UTF-16: save it as UTF-8" for sign in (b"{", b"[")},
}


def layout_of(path: Path) -> Layout:
    """The layout of a file. Raises `KbError` for one that is empty or no JSON."""
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
    if is_packed(start):
        return Layout.PACKED
    for magic, what in _UNREADABLE.items():
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
    whole = mapped(path)
    end = whole.find(b"\n", start)
    is_last = end < 0 or not whole[end : end + CHUNK_BYTES].strip()
    return None if is_last else whole[start:end]


def _layout_of_other(path: Path, text: bytes) -> Layout:
    if text.startswith((b"data:", b"event:", b"id:", b":")) and b"data:" in text:
        return Layout.EVENTS
    if path.suffix in {".yaml", ".yml"} or text.startswith((b"interactions:", b"---")):
        return Layout.YAML
    # Redacted before it is cut: the beginning of a key is not told from other words.
    line = text.split(b"\n", 1)[0].decode("utf-8", errors="replace")
    what = f"holds no JSON; it begins with {safe_text(line)[:_SHOWN_CHARACTERS]!r}"
    raise KbError(what, where=str(path), todo="Name a trace file in JSON or JSON lines.")


def _layout_of_whole(path: Path, whole: Layout, *, is_one_line: bool) -> Layout:
    raw = mapped(path)
    try:
        msgspec.json.decode(raw, type=msgspec.Raw)
    except RecursionError as error:
        raise KbError("is nested too deeply to be a trace", where=str(path)) from error
    except (msgspec.MsgspecError, UnicodeError) as error:
        if len(list(_first_two(stream(path)))) > 1:
            return Layout.STREAM
        if not is_one_line and any(_is_json(line) for _, line in _first_two(lines(path))):
            return Layout.LINES  # the first line is the torn end of an earlier one
        return whole if _is_careless_json(raw) else _cut_list(path, whole, error)
    return whole


def _first_two(rows: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    return (row for row, _ in zip(rows, range(2), strict=False))


def _is_careless_json(raw: mmap.mmap) -> bool:
    try:
        decode(memoryview(raw))
    except NotJsonError:
        return False
    return True


def _cut_list(path: Path, whole: Layout, error: Exception) -> Layout:
    """A list that does not end, if it has an element; any other file cannot be read."""
    if whole is Layout.LIST and any(_first_two(stream(path, after="["))):
        return Layout.CUT_LIST
    what = f"is no JSON that can be read: {error}"
    raise KbError(what, where=str(path), todo="Was it cut off while it was written?") from error


def _is_json(line: bytes) -> bool:
    """Whether a line is an object or a list; it is skipped over, not decoded, where it is well."""
    try:
        msgspec.json.decode(line, type=msgspec.Raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return isinstance(decode_lenient(line), dict | list)
    return first_byte(line) in {b"{", b"["}
