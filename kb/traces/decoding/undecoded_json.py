"""Lines, members and elements of JSON as bytes, before anything is decoded.

Nothing here makes Python values of more than it has to: a file of 200 MB is cut, not decoded.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import msgspec

from kb.errors import KbError
from kb.traces.decoding.lenient_json import NotJsonError, decode

CHUNK_BYTES = 1 << 20
_MAX_YAML_BYTES = 50_000_000
_MAX_YAML_NODES = 2_000_000
#: Values larger than this are shown by their first parts only where the format is told.
_SMALL_BYTES = 65_536
_SHOWN_PARTS = 4
_MAX_LEVELS_SHOWN = 6
_MOST_SPACE = 1024


def mapped(path: Path) -> mmap.mmap:
    """The bytes of a file, in memory only where they are looked at."""
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def release_pages(whole: mmap.mmap) -> None:
    """Let go of the pages of a mapped file that were read; the system reads them again at need."""
    if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows, nor on some Unixes
        whole.madvise(mmap.MADV_DONTNEED)


def lines(path: Path) -> Iterator[tuple[str, bytes]]:
    """The lines of a file that are not empty, with their places."""
    with path.open("rb", CHUNK_BYTES) as file:
        for number, line in enumerate(file, 1):
            if not line.isspace():
                yield f"line {number}", line


def events(path: Path) -> Iterator[tuple[str, bytes]]:
    """The data of server-sent events, a value a line; marks without a value are passed over."""
    for where, line in lines(path):
        data = line.removeprefix(b"data:").strip() if line.startswith(b"data:") else b""
        if data and data != b"[DONE]":
            yield where, data


def stream(path: Path, after: str = "") -> Iterator[tuple[str, bytes]]:
    """Values that follow each other with nothing but space or commas between them.

    `after` is passed over first: the bracket of a list that does not end.
    """
    decoder, text, number = json.JSONDecoder(strict=False), "", 0
    with path.open("r", encoding="utf-8-sig", errors="replace") as file:
        _pass_over(file, after)
        wanted = CHUNK_BYTES
        while chunk := file.read(wanted):
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
            wanted = max(CHUNK_BYTES, len(text) - at)
            text = text[at:]


def _pass_over(file: TextIO, after: str) -> None:
    while after and (read := file.read(1)) and read != after:
        continue


def _next_value(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n,\x1e":
        at += 1
    return at


def yaml_as_json(path: Path) -> bytes:
    """The value of a YAML file as JSON. Raises `KbError` for tags, and for aliases without end."""
    import yaml

    from kb.yaml_values import load_yaml

    if path.stat().st_size > _MAX_YAML_BYTES:
        raise KbError("is too large for YAML: 50 MB are read", where=str(path))
    try:
        with path.open("rb") as file:
            loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
            return msgspec.json.encode(load_yaml(file, loader, _MAX_YAML_NODES), enc_hook=str)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        # Also a number or a key that JSON has no place for.
        raise KbError(f"is no YAML that can be read: {error}", where=str(path)) from error


def elements(raw: Any) -> list[Any]:
    """The elements of a list, undecoded; empty for anything else."""
    if first_byte(raw) != b"[":
        return []
    try:
        return msgspec.json.decode(raw, type=list[msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = decode_lenient(raw)
        return [_written(part) for part in value] if isinstance(value, list) else []


def members(raw: Any) -> dict[str, Any] | None:
    """The members of an object, undecoded; None for anything else."""
    if first_byte(raw) != b"{":
        return None
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        value = decode_lenient(raw)
        if not isinstance(value, dict):
            return None
        return {key: _written(part) for key, part in value.items()}


def _written(value: Any) -> bytes:
    """A value as JSON again, NaN and Infinity as they were."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace")


def first_byte(raw: Any) -> bytes:
    """The byte a value begins with: what kind of value it is shows in it."""
    return bytes(memoryview(raw)[:_MOST_SPACE]).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]


def decode_lenient(raw: Any) -> Any:
    """The value of careless JSON, None for what is none at all."""
    try:
        return decode(memoryview(raw))
    except NotJsonError:
        return None


def shortened(raw: Any, level: int = 0) -> Any:
    """The value, of large ones only the first parts."""
    view = memoryview(raw)
    if len(view) <= _SMALL_BYTES or level > _MAX_LEVELS_SHOWN:
        return decode(view) if len(view) <= _SMALL_BYTES else None
    inner = members(view)
    if inner is not None:
        return {key: shortened(part, level + 1) for key, part in inner.items()}
    parts = elements(view)
    return [shortened(part, level + 1) for part in parts[:_SHOWN_PARTS]] if parts else ""
