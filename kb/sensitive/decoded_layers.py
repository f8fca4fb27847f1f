"""Text inside encodings: base64, hex, percent signs, entities and escapes taken off.

Each reading keeps where its characters stand in the text, so that what is found in it can be taken
out of the text. A base64 or hex word is one stretch: what is in it goes with all of it.
Compressed, encrypted and otherwise packed values are not read.
"""

from __future__ import annotations

import base64
import binascii
import html
import json
import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from kb.lazy_regex import regex
from kb.sensitive.secrets.randomness import Detection
from kb.sensitive.word_positions import SHORTEST, long_words

#: A word of base64, its URL-safe form, or hex. Fewer than 15 characters hold no ten digits.
_WORD = regex(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{15,200000}={0,2}")
#: Base64 in lines of 60 to 76 characters (RFC 2045, RFC 7468), with line breaks or their escapes.
_LINES = regex(r"(?:[A-Za-z0-9+/]{60,76}(?:\r?\n|\\r\\n|\\n)){1,2000}[A-Za-z0-9+/]{0,76}={0,2}")
_LINE_LENGTHS = range(60, 77)
_HEX = regex(r"(?:0x|x)?((?:[0-9a-fA-F]{2}){11,100000})")
#: Characters without width, which may stand within a key: soft hyphens, spaces and joiners.
_UNSEEN = "[\u00ad\u200b-\u200d\u2060\ufeff]"
_IS_UNSEEN = regex(_UNSEEN)
#: The first character stands alone before the choice: that is what a search is fast by.
_ESCAPED = regex(
    r"[%&\\](?:(?<=%)[0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*|(?<=%)u[0-9A-Fa-f]{4}"
    r"|(?<=&)(?:#\d{1,7};?|#[xX][0-9A-Fa-f]{1,6};?|[A-Za-z]{2,8};)"
    r"|(?<=\\)u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|(?<=\\)u\{[0-9A-Fa-f]{1,6}\})"
    rf"|{_UNSEEN}+"
)
#: The least that each kind of escape has: a percentage or an ampersand in prose has it not.
_SIGNS = {
    "%": regex(r"%u?[0-9A-Fa-f]{2}"),
    "&": regex(r"&(?:#|[A-Za-z]{2,8};)"),
    "\\": regex(r"\\u\{?[0-9A-Fa-f]"),
}
#: What stands in a word of base64 and is no base64: a path, or a name before a value.
_PARTS = regex(r"[^/_-]{15,}")
_LINE_BREAKS = regex(r"\s|\\r|\\n")
_MOST_LAYERS = 3


class EncodedPiece(NamedTuple):
    """A part of a decoded text: from where on it stands there, and where it stands undecoded."""

    at: int
    start: int
    end: int
    is_literal: bool


@dataclass(frozen=True)
class DecodedLayer:
    """A text with one encoding taken off, and where its parts stood in the text it was read from.

    `outer` is the reading it was found in, None where that is the text itself.
    """

    text: str
    pieces: tuple[EncodedPiece, ...]
    outer: DecodedLayer | None = None

    def stretch(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the decoded text stands in the original."""
        here = self._here(start, end)
        return self.outer.stretch(*here) if self.outer else here

    def says_only(self, start: int, end: int) -> bool:
        """Whether that stretch of the original says this stretch of the text and nothing more."""
        first, last = self._number(start), self._number(end - 1)
        after = self.pieces[last + 1].at if last + 1 < len(self.pieces) else len(self.text)
        begins = self.pieces[first].is_literal or self.pieces[first].at == start
        ends = self.pieces[last].is_literal or after == end
        return begins and ends and (not self.outer or self.outer.says_only(*self._here(start, end)))

    def _here(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch stands in the text one layer out."""
        first, last = self.pieces[self._number(start)], self.pieces[self._number(end - 1)]
        here = first.start + (start - first.at if first.is_literal else 0)
        return here, last.start + end - last.at if last.is_literal else last.end

    def _number(self, position: int) -> int:
        return bisect_right(self.pieces, position, key=lambda piece: piece.at) - 1


def decoded_layers(text: str) -> Iterator[DecodedLayer]:
    """What a text says decoded, layer below layer: percent signs and entities, base64, hex."""
    if len(text) >= SHORTEST:
        yield from _decoded_below(text, None, 1)


def encoded(text: str, find: Callable[[str], Iterator[Detection]]) -> Iterator[Detection]:
    """What `find` sees only when encodings are taken off, where it stands undecoded."""
    for reading in _all_readings(text):
        for found in find(reading.text):
            yield Detection(found.kind, *reading.stretch(found.start, found.end))


@lru_cache(maxsize=1)  # secrets and personal data are looked for in turn
def _all_readings(text: str) -> tuple[DecodedLayer, ...]:
    return tuple(decoded_layers(text))


def _decoded_below(text: str, outer: DecodedLayer | None, layer: int) -> Iterator[DecodedLayer]:
    for found, pieces in _decoded(text):
        reading = DecodedLayer(found, pieces, outer)
        yield reading
        if layer < _MOST_LAYERS:
            yield from _decoded_below(found, reading, layer + 1)


def _decoded(text: str) -> Iterator[tuple[str, tuple[EncodedPiece, ...]]]:
    """What one layer of encoding hides."""
    may_be = any(mark in text and sign.search(text) for mark, sign in _SIGNS.items())
    may_be = may_be or (not text.isascii() and bool(_IS_UNSEEN.search(text)))
    if may_be and (pieces := list(_escapes(text))):
        places = tuple(piece for _, piece in pieces)
        yield "".join(said for said, _ in pieces), places
    for start, word in _words(text):
        if said := _printable(_of_hex(word)) or _printable(_of_base64(word)):
            yield said, (EncodedPiece(0, start, start + len(word), is_literal=False),)


def _escapes(text: str) -> Iterator[tuple[str, EncodedPiece]]:
    """The pieces of a text without percent signs and entities; none where it has none."""
    at = before = 0
    for match in _ESCAPED.finditer(text):
        said = _UNESCAPE.get(match[0][0], _nothing)(match[0])
        if said == match[0]:
            continue
        if before < match.start():
            yield (
                text[before : match.start()],
                EncodedPiece(at, before, match.start(), is_literal=True),
            )
        at += match.start() - before
        yield said, EncodedPiece(at, match.start(), match.end(), is_literal=False)
        at, before = at + len(said), match.end()
    if 0 < before < len(text):
        yield text[before:], EncodedPiece(at, before, len(text), is_literal=True)


def _of_percent(escapes: str) -> str:
    """The characters of `%41%42`, or the one of `%u0041`."""
    return _of_code(escapes, escapes[2:]) if escapes[1] == "u" else unquote(escapes)


def _of_code(escapes: str, digits: str) -> str:
    """The character of a hexadecimal number; the escape itself where there is none."""
    code = int(digits, 16)
    return chr(code) if code <= sys.maxunicode and not 0xD800 <= code <= 0xDFFF else escapes  # noqa: PLR2004


def _of_json(escapes: str) -> str:
    r"""The characters of `\u0041\u0042` or `\u{41}`; half a character stays as it is."""
    if escapes[2] == "{":
        return _of_code(escapes, escapes[3:-1])
    text: str = json.loads(f'"{escapes}"')
    return escapes if any("\ud800" <= character <= "\udfff" for character in text) else text


def _nothing(_: str) -> str:
    return ""


_UNESCAPE: dict[str, Callable[[str], str]] = {"%": _of_percent, "&": html.unescape, "\\": _of_json}


def _words(text: str) -> Iterator[tuple[int, str]]:
    """The words that may be encoded, whole and in their parts between slashes and dashes."""
    read = 0
    for start, found in _words_of_codes(text):
        if start < read:  # a later line of what was read whole
            continue
        word = found
        if len(word) in _LINE_LENGTHS and (lines := _LINES.match(text, start)):
            word, read = lines[0], lines.end()
        yield start, word
        for part in _PARTS.finditer(found):
            if len(part[0]) < len(found):
                yield start + part.start(), part[0]


def _words_of_codes(text: str) -> Iterator[tuple[int, str]]:
    """The matches of `_WORD` that may be a code, and where they stand.

    They are looked for in the long words alone, all at once: a text has few of them. Where a word
    stands is asked for the rest of them only.
    """
    words = iter(long_words(text))
    start = at = begin = 0  # where a long word starts in the text, ends in it, starts in `joined`
    end = -1  # and where it ends in `joined`
    joined = "\n".join(long_words(text))
    for match in _WORD.finditer(joined):
        # A text in base64 has letters of both cases.
        if (match[0].islower() or match[0].isupper()) and not _HEX.fullmatch(match[0]):
            continue
        while end < match.end():
            word = next(words)
            start = text.find(word, at)
            at = start + len(word)
            begin, end = end + 1, end + 1 + len(word)
        yield start + match.start() - begin, match[0]


def _of_base64(word: str) -> bytes | None:
    plain = _LINE_BREAKS.sub("", word).rstrip("=").translate(_TO_PLAIN_BASE64)
    if len(plain) % 4 == 1:
        return None
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4))
    except (binascii.Error, ValueError):
        return None


_TO_PLAIN_BASE64 = str.maketrans("-_", "+/")


def _of_hex(word: str) -> bytes | None:
    digits = _HEX.fullmatch(word)
    return bytes.fromhex(digits[1]) if digits else None


def _printable(raw: bytes | None) -> str:
    """The text that bytes are, empty where they are none: pictures, hashes, random names."""
    if not raw or not _begins_like_text(raw):
        return ""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if all(c.isprintable() or c.isspace() for c in text[:200]) else ""


def _begins_like_text(raw: bytes) -> bool:
    """Whether the first bytes may be text: most words of base64 letters are told by them."""
    return not any(byte < 9 or 13 < byte < 32 for byte in raw[:24])  # noqa: PLR2004 - controls
