"""Relative links of a text that is copied into another folder, so that they lead where they led."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from pathlib import Path
from urllib.parse import quote, unquote

#: The target of `[text](target)` and of `[label]: target`.
_INLINE = re.compile(r"(?<=\]\()(?P<target>[^()\s<>]{1,500})(?=[)\s])")
_REFERENCE = re.compile(r"^(?P<head>[ ]{0,3}\[[^\[\]\n]{1,200}\]:[ \t]+)(?P<target>\S{1,500})")
_KEPT = "/.-_~!$&'*+,;=:@"
_NOT_RELATIVE = re.compile(r"[a-z][a-z0-9+.-]{0,30}:|[/#?]", re.IGNORECASE)


def with_moved_links(
    text: str, source: Path, folder: Path, root: Path, code: Collection[int]
) -> str:
    """The text with its relative links as they are from another folder.

    `source` is the file it was, `folder` where it is put, both below `root`; `code` are the numbers
    of lines that are left alone. Only a link to what exists below the root is changed.
    """
    if source.parent == folder or ("](" not in text and "]:" not in text):
        return text
    lines = text.splitlines(keepends=True)
    return "".join(
        line if number in code else _line(line, source.parent, folder, root)
        for number, line in enumerate(lines, 1)
    )


def _line(line: str, old: Path, new: Path, root: Path) -> str:
    if "](" in line:
        line = _INLINE.sub(lambda found: _moved(found["target"], old, new, root), line)
    return _REFERENCE.sub(lambda m: m["head"] + _moved(m["target"], old, new, root), line)


def _moved(target: str, old: Path, new: Path, root: Path) -> str:
    place, mark, part = target.partition("#")
    if _NOT_RELATIVE.match(target) or not place:
        return target
    try:
        there = Path(os.path.normpath(old / unquote(place)))
        if not there.is_relative_to(root) or not there.exists():
            return target
    except (OSError, ValueError):
        return target
    slash = "/" if place.endswith("/") else ""
    moved = os.path.relpath(there, new).replace(os.sep, "/")
    return f"{quote(moved, safe=_KEPT)}{slash}{mark}{part}"
