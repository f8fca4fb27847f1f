"""How does text of a trace fit a terminal? Seen and never obeyed, cut and wrapped by cells."""

from __future__ import annotations

import re
import unicodedata

#: Colour and cursor sequences; what is left of others is shown as a replacement character.
_ESCAPE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-_])")
#: Characters that take no cell and change what is read: joiners, marks of direction, tags.
_UNSEEN = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f]")


def plain(text: str) -> str:
    """The text on one line, without anything a terminal acts on."""
    text = _UNSEEN.sub("", _ESCAPE.sub("", text))
    return " ".join("".join(c if c.isprintable() else _seen(c) for c in text).split())


def _seen(character: str) -> str:
    return " " if character.isspace() or unicodedata.category(character) == "Zs" else "\ufffd"


def cells(text: str) -> int:
    """How many cells of a terminal a plain text takes."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(text: str, width: int) -> str:
    """The text in at most so many cells, with an ellipsis where it was longer."""
    if cells(text) <= width:
        return text
    taken, used = [], 1
    for character in text:
        used += _cell(character)
        if used > width:
            break
        taken.append(character)
    return "".join(taken).rstrip() + "…"


def wrapped(text: str, width: int, most_lines: int) -> list[str]:
    """The text as lines of so many cells, broken at spaces where there are any."""
    lines: list[str] = []
    rest = plain(text)
    while rest and len(lines) < most_lines - 1 and cells(rest) > width:
        line = _line(rest, width)
        lines.append(line.rstrip())
        rest = rest[len(line) :].lstrip()
    return [*lines, cut(rest, width)] if rest else lines or [""]


def _line(text: str, width: int) -> str:
    """The beginning of a text that fits, up to a space if one is near enough."""
    used = taken = 0
    for character in text:
        used += _cell(character)
        if used > width:
            break
        taken += 1
    if text[taken : taken + 1] == " ":
        return text[:taken]
    space = text.rfind(" ", width // 3, taken)
    return text[: space + 1] if space > 0 else text[: max(1, taken)]
