r"""Escapes untrusted text for a terminal and for JSON, and measures what it takes there.

Nothing here writes: `kb.streams` does, and puts all it writes through these functions.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: Patterns are compiled when one is asked (`re` keeps them), and types of classes are not made by
#: `dataclasses`, which loads `inspect`: every start of `kb` would pay for both.
#: Characters that move the cursor, change colours, reorder what is read (UAX 9), show nothing
#: (general category Cf, fillers, tags and variation selectors, in which text can be hidden), or
#: are no characters: lone surrogates, which stand for bytes that are no UTF-8.
_UNSAFE = (
    "\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_NOT_SHOWN = f"[\x00-\x1f{_UNSAFE}]"
#: The controls that stay in lines, left out.
_IN_LINES = {ord("\n"): None, ord("\t"): None}
_NOT_SHOWN_IN_LINES = f"[\x00-\x08\x0b-\x1f{_UNSAFE}]"
#: Where a joiner is a part of writing: between letters of the scripts that need it (RFC 5892,
#: appendix A), and between signs, as emoji are made.
_JOINED = (
    "[\u0600-\u06ff\u0750-\u077f\u0900-\u0dff\u1780-\u18af\u2190-\u2bff\ufe0f\U0001f000-\U0001faff]"
)
#: An escape of JSON: a pair of halves, a half alone (group 1), or any other.
_JSON_ESCAPE = (
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
#: What keeps quoted names from being mentions: it shows nothing, and is set by us alone.
_APART = "\u200b"
_SURROGATE = "[\ud800-\udfff]"
#: Colour and cursor sequences, and strings to the terminal (OSC, such as the clipboard's).
_SEQUENCE = r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-_])"
#: What may not be printable; the rest, nearly all of most traces, is not looked at one by one.
_BEYOND_ASCII = r"[^ -~]"
#: Characters that take no cell and change what is read: joiners, marks of direction, tags.
_UNSEEN = "[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufe00-\ufe0f]"
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"} | {
    "magenta": "35",
    "cyan": "36",
}
_WIDTH = 100  # characters of a source line that a report shows
_LEAD = 30  # characters left of the caret where a long line is cut


def visible(text: str) -> str:
    """The text on one line with every control and invisible character spelled out."""
    if text.isascii() and text.isprintable():
        return text
    return re.sub(_NOT_SHOWN, _spelled_out, text.replace("\t", " "))


def visible_lines(text: str) -> str:
    """The same with its line feeds and tabs."""
    if text.isascii() and text.translate(_IN_LINES).isprintable():
        return text
    return re.sub(_NOT_SHOWN_IN_LINES, _spelled_out, text)


def as_lines(lines: Iterable[str]) -> str:
    """The lines as one text with a line end: a line feed within one is spelled out, too.

    So no text of a record can add a line that looks as if kb had said it.
    """
    return "".join(f"{visible(line)}\n" for line in lines)


def visible_markdown(text: str) -> str:
    """The same of Markdown in which `kb.review.comment` set spaces without width."""
    return _APART.join(visible_lines(part) for part in text.split(_APART))


def _spelled_out(match: re.Match[str]) -> str:
    if match[0] in "\u200c\u200d" and _joins(match.string, match.start()):
        return match[0]
    number = ord(match[0])
    if 0xDC80 <= number <= 0xDCFF:  # noqa: PLR2004 - where surrogateescape keeps raw bytes
        return f"\\x{number - 0xDC00:02x}"
    if number > 0xFFFF:  # noqa: PLR2004 - the last that four digits tell
        return f"\\U{number:08x}"
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"  # noqa: PLR2004


def _joins(text: str, at: int) -> bool:
    """Whether a joiner stands where writing has one."""
    around = (text[at - 1 : at] if at else "", text[at + 1 : at + 2])
    return all(re.match(_JOINED, one) for one in around)


def visible_json(text: str) -> str:
    """A JSON text of the same values, with nothing in it that a terminal or reader acts on.

    Outside of its strings JSON has none of these characters, inside each may stand as an escape.
    Halves of surrogate pairs, which strict readers refuse, become U+FFFD, also where escaped.
    """
    return re.sub(_NOT_SHOWN_IN_LINES, lambda found: json_escape(found[0]), whole_json(text))


def whole_json(text: str) -> str:
    """A JSON text with halves of surrogate pairs replaced by U+FFFD, escaped or not."""
    whole = re.sub(_SURROGATE, "\ufffd", text)
    return re.sub(_JSON_ESCAPE, lambda found: "\\ufffd" if found[1] else found[0], whole)


def whole_value(value: Any) -> Any:
    """A value of JSON with halves of surrogate pairs replaced by U+FFFD: no encoder takes them."""
    if isinstance(value, str):
        return re.sub(_SURROGATE, "\ufffd", value)
    if isinstance(value, list | tuple):
        return [whole_value(part) for part in value]
    if isinstance(value, dict):
        return {whole_value(key): whole_value(part) for key, part in value.items()}
    return value


def json_escape(character: str) -> str:
    """A character as JSON spells it, of two halves where it is beyond U+FFFF."""
    raw = character.encode("utf-16-be")
    return "".join(f"\\u{raw[at : at + 2].hex()}" for at in range(0, len(raw), 2))


class Text:
    """Pieces of text, each with its styles, such as `red bold`; colour comes when it is written.

    So text can never bring a colour of its own: its characters are escaped, its style is not
    made of characters.
    """

    __slots__ = ("pieces",)

    def __init__(self, pieces: tuple[tuple[str, str], ...] = ()) -> None:
        self.pieces = pieces

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.pieces == other.pieces

    def __hash__(self) -> int:
        return hash(self.pieces)

    def __add__(self, other: Text | str) -> Text:
        return Text(self.pieces + text_of(other).pieces)

    def __radd__(self, other: str) -> Text:
        return text_of(other) + self

    def __str__(self) -> str:
        return "".join(text for text, _ in self.pieces)


def text_of(value: Text | str) -> Text:
    """A text as it is, and a string as one piece without a style."""
    return value if isinstance(value, Text) else Text(((value, ""),) if value else ())


def styled(text: str, style: str) -> Text:
    """One piece of text with its styles; none where `style` is empty."""
    return Text(((text, style),))


def joined(separator: str, parts: Iterable[Text | str]) -> Text:
    """The parts as one text, with the separator between them."""
    pieces: list[tuple[str, str]] = []
    for number, part in enumerate(parts):
        if number and separator:
            pieces.append((separator, ""))
        pieces.extend(text_of(part).pieces)
    return Text(tuple(pieces))


def rendered(text: Text | str, *, colour: bool) -> str:
    """What is written for a text: every piece escaped, then painted where colour is wanted."""
    if isinstance(text, str):
        return visible_lines(text)
    if not colour:
        return "".join(visible_lines(piece) for piece, _ in text.pieces)
    return "".join(_painted(visible_lines(piece), style) for piece, style in text.pieces)


def _painted(text: str, style: str) -> str:
    """Text that is escaped already, in its colours; the only place that makes an escape."""
    start = "".join(f"\x1b[{_CODES[name]}m" for name in style.split())
    return f"{start}{text}\x1b[0m" if start else text


def caret_lines(source: str, column: int, length: int) -> tuple[str, str]:
    """A source line and the line of carets below it; long lines are cut around the caret."""
    start = min(max(column - 1, 0), len(source))
    first = max(0, start - _LEAD) if len(source) > _WIDTH else 0
    window = source[first : first + _WIDTH]
    before, after = "…" if first else "", "…" if first + _WIDTH < len(source) else ""
    lead = visible(source[first:start])
    marked = visible(source[start : min(start + max(length, 1), first + _WIDTH)])
    blank = " " * (len(before) + cells(lead))
    return before + visible(window) + after, blank + "^" * max(1, cells(marked))


def plain(text: str) -> str:
    """Text of a trace on one line, without anything a terminal acts on.

    Tools print in colour: sequences are left out here, not spelled out.
    """
    text = re.sub(_UNSEEN, "", re.sub(_SEQUENCE, "", text))
    return " ".join(re.sub(_BEYOND_ASCII, lambda found: _visible_character(found[0]), text).split())


def _visible_character(character: str) -> str:
    import unicodedata

    if character.isprintable():
        return character
    return " " if character.isspace() or unicodedata.category(character) == "Zs" else "\ufffd"


def cells(text: str) -> int:
    """How many cells of a terminal a text of one line takes."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def _cell(character: str) -> int:
    import unicodedata

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
    """Text of a trace as lines of so many cells, broken at spaces where there are any."""
    words, at = plain(text), 0
    lines: list[str] = []
    while len(lines) < most_lines - 1:
        end = _line_end(words, at, width)
        if end == len(words):
            break
        lines.append(words[at:end].rstrip())
        at = end + (words[end] == " ")
    return [*lines, cut(words[at:], width)]


def _line_end(text: str, at: int, width: int) -> int:
    """Where the line ends that begins at a place: at a space if one is near enough."""
    end = _reach(text, at, width)
    if end == len(text) or text[end] == " ":
        return end
    space = text.rfind(" ", at + width // 3, end)
    return space if space > at else max(at + 1, end)


def _reach(text: str, at: int, width: int) -> int:
    """The first place that so many cells do not hold, the end of the text where they hold it."""
    if text[at : at + width].isascii():
        return min(at + width, len(text))
    used = 0
    for place in range(at, len(text)):
        used += _cell(text[place])
        if used > width:
            return place
    return len(text)
