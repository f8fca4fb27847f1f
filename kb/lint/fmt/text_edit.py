"""An edit: one span of a file and the text that replaces it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `text[start:end]` by `replacement`; offsets count characters from 0.

    `what` says in words what was not as it should be; `rule` names the rule that reports it.
    """

    start: int
    end: int
    replacement: str
    what: str
    rule: str = "unformatted"


def apply(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits made. Raises `ValueError` where two of them overlap."""
    parts: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if edit.start < position:
            raise ValueError("two edits overlap")
        parts += [text[position : edit.start], edit.replacement]
        position = edit.end
    return "".join([*parts, text[position:]])


def newline_of(text: str) -> str:
    """The line end a file uses: that of its first line."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"
