"""How is text of a record shown on a terminal? Seen and never obeyed."""

from __future__ import annotations

import re
import unicodedata

#: Characters that move the cursor, change colours, or reorder what is read (UAX 9), and the lone
#: surrogates that stand for bytes which are no UTF-8.
_NOT_SHOWN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_CODES = {"bold": "1", "red": "31", "yellow": "33", "green": "32"}
_WIDTH = 100  # characters of a source line that a report shows
_LEAD = 30  # characters left of the caret where a long line is cut


def visible(text: str) -> str:
    """The text on one line with every control and invisible character spelled out."""
    return _NOT_SHOWN.sub(_spelled, text.replace("\t", " "))


def _spelled(match: re.Match[str]) -> str:
    number = ord(match[0])
    if 0xDC80 <= number <= 0xDCFF:  # noqa: PLR2004 - where surrogateescape keeps raw bytes
        return f"\\x{number - 0xDC00:02x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"  # noqa: PLR2004


def caret_lines(source: str, column: int, length: int) -> tuple[str, str]:
    """A source line and the line of carets below it; long lines are cut around the caret."""
    start = min(max(column - 1, 0), len(source))
    first = max(0, start - _LEAD) if len(source) > _WIDTH else 0
    window = source[first : first + _WIDTH]
    before, after = "…" if first else "", "…" if first + _WIDTH < len(source) else ""
    lead = visible(source[first:start])
    marked = visible(source[start : min(start + max(length, 1), first + _WIDTH)])
    blank = " " * (len(before) + _cells(lead))
    return before + visible(window) + after, blank + "^" * max(1, _cells(marked))


def _cells(text: str) -> int:
    """How many cells of a terminal a text takes."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def painted(text: str, hue: str, *, on: bool) -> str:
    """The text in a colour, or as it is."""
    return f"\x1b[{_CODES[hue]}m{text}\x1b[0m" if on else text
