r"""The files beside a record, decoded to text with named places.

JSON is decoded, strings that hold JSON again included, because a key hidden by `\\n` or `\\u0040`
is a key all the same. Keys stay before their values: `password: …` is told by its name.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from kb.safe_files import UnsafePathError, open_named, walk

_MAX_FILES = 200
_MAX_BYTES = 8_000_000  # of each file; a fixture keeps large values apart
_MAX_NESTING = 4  # JSON within JSON strings
_BINARY_PROBE = 8_192
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
#: Of compressed bytes a tenth are control characters and half are no UTF-8. A text in an old
#: encoding has none of the first, a log with zero bytes none of the second.
_MOST_CONTROLS = 0.03
_MOST_ODD = 0.2
#: How files begin: pictures (PNG, JPEG, GIF, WebP), and texts in UTF-16.
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF")
_WIDE = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Decoded:
    """The text of a file with the place of each piece: a JSON path, or a line.

    `joined` are lists of strings put together: what was cut into pieces is whole there.
    """

    text: str
    starts: tuple[int, ...]
    places: tuple[str, ...]
    joined: tuple[tuple[str, str], ...] = ()

    def place(self, offset: int) -> str:
        """The name of the place a character of `text` came from."""
        return self.places[bisect_right(self.starts, offset) - 1]


class _Pairs(tuple[tuple[str, object], ...]):
    """A JSON object with its pairs as written, so that a key that repeats hides nothing."""

    __slots__ = ()


def files_beside(folder: Path) -> Iterator[Path]:
    """The regular files below a folder, sorted; links are not followed, and no more than 200."""
    found = 0
    for where, folders, names in walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(where) / name
            if found < _MAX_FILES and not file.is_symlink() and file.is_file():
                found += 1
                yield file


def named_files(folder: Path | None) -> Iterator[tuple[str, Path]]:
    """The files below a folder, each with its path from the folder above; none without a folder."""
    if folder is not None:
        for file in files_beside(folder):
            yield file.relative_to(folder.parent).as_posix(), file


def read_decoded(file: Path) -> Decoded | None:
    """What a text file says, None for one that is binary or cannot be read."""
    try:
        state = file.stat()
        return _read_decoded(file, state.st_mtime_ns, state.st_size)
    except (OSError, UnsafePathError):
        return None


def why_unread(file: Path) -> str:
    """Why a file is not looked through, or only its beginning; empty where all of it is.

    Pictures are no texts, and nothing is said of them.
    """
    try:
        with open_named(file) as stream:
            probe = stream.read(_BINARY_PROBE)
            size = file.stat().st_size
    except (OSError, UnsafePathError):
        return ""
    if probe.startswith(_PICTURES):
        return ""
    if _is_binary(probe) and not probe.startswith(_WIDE):
        return "not looked through for secrets, for it is compressed or binary; open it by hand"
    if size > _MAX_BYTES:
        return (
            f"only its first {_MAX_BYTES // 10**6} MB were looked through for secrets; keep less "
            "of it"
        )
    return ""


def _is_binary(probe: bytes) -> bool:
    """Whether these first bytes are no text; a text may hold a few control characters."""
    controls = len(probe) - len(probe.translate(None, _CONTROLS))
    odd = controls + len(probe) - len(probe.decode("utf-8", errors="ignore").encode())
    is_odd = controls > len(probe) * _MOST_CONTROLS and odd > len(probe) * _MOST_ODD
    return probe.startswith(_PICTURES) or is_odd


@lru_cache(maxsize=8)  # secrets and personal data are looked for in turn
def _read_decoded(file: Path, _modified: int, _size: int) -> Decoded | None:
    with open_named(file) as stream:
        raw = stream.read(_MAX_BYTES)
    if raw.startswith(_WIDE):
        return decoded(raw.decode("utf-16", errors="replace"))
    if _is_binary(raw[:_BINARY_PROBE]):
        return None
    return decoded(raw.decode("utf-8-sig", errors="replace"))


def decoded(text: str) -> Decoded:
    """A text with its JSON decoded, whole or line by line; other lines stay as they are."""
    whole = _json(text)
    if whole is not None:
        return _assemble(_leaves("", whole), _joined(whole))
    leaves: list[tuple[str, str]] = []
    joined: list[tuple[str, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        value = _json(line)
        if value is None:
            leaves.append((f"line {number}", line))
        else:
            leaves += _leaves(f"line {number}: ", value)
            joined += _joined(value)
    return _assemble(leaves, joined)


def _json(text: str) -> object | None:
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        value: object = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return None
    return value


def _children(name: str, key: str, value: object) -> Iterator[tuple[str, str, object]]:
    """The parts of an object or list: the place of each, the nearest key, and the part."""
    if isinstance(value, _Pairs):
        for part_key, part in value:
            yield (
                f"{name}.{part_key}" if name[-1:] not in {"", " "} else name + part_key,
                part_key,
                part,
            )
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield f"{name}[{number}]", key, part


def _walk(name: str, value: object) -> Iterator[tuple[str, str, object]]:
    """Every part below a value, depth first, in the order of the file."""
    stack: list[tuple[str, str, object, int]] = [(name, "", value, 0)]
    while stack:
        place, key, part, nesting = stack.pop()
        if isinstance(part, str) and nesting < _MAX_NESTING:
            inner = _json(part)
            if inner is not None:
                part, nesting = inner, nesting + 1
        yield place, key, part
        stack += reversed([(*child, nesting) for child in _children(place, key, part)])


def _leaves(name: str, value: object) -> Iterator[tuple[str, str]]:
    for place, key, part in _walk(name, value):
        if isinstance(part, str | int | float) and not isinstance(part, bool):
            yield place, f"{key}: {part}"
        elif isinstance(part, _Pairs):
            yield from ((f"{place}, a key", k) for k, _ in part if len(k) > 40)  # noqa: PLR2004


def _joined(value: object) -> list[tuple[str, str]]:
    return [
        (place, "".join(part))
        for place, _, part in _walk("", value)
        if isinstance(part, list) and len(part) > 1 and all(isinstance(p, str) for p in part)
    ]


def _assemble(
    leaves: Iterator[tuple[str, str]] | list[tuple[str, str]], joined: list[tuple[str, str]]
) -> Decoded:
    starts, places, texts, at = [0], ["line 1"], [], 0
    for place, text in leaves:
        starts.append(at)
        places.append(place)
        texts.append(text)
        at += len(text) + 1
    return Decoded("\n".join(texts), tuple(starts), tuple(places), tuple(joined))
