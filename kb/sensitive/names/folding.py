"""The readings of a text in which names and addresses are looked for, however they are written.

`readings` is the one folding that every matcher uses: compatibility forms (NFKD), small letters,
marks, unseen characters, emoji and apostrophes; letters that look like Latin ones; letters with
signs or line breaks between them; entities, escapes, percent signs, base64 and hex.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from kb.data import read_data
from kb.lazy_regex import regex
from kb.sensitive.decoded_layers import DecodedLayer, decoded_layers
from kb.sensitive.word_positions import SHORTEST

#: Letters that Unicode does not take apart, as they are written without them.
_LETTERS = {
    **{"ø": "o", "đ": "d", "ł": "l", "ı": "i", "ħ": "h", "ŧ": "t", "ð": "d", "þ": "th", "æ": "ae"},
    **{"œ": "oe", "ß": "ss", "ς": "σ", "ĸ": "k", "ŋ": "n", "ə": "e"},
    # Letters of Persian and Urdu, and those of Arabic that keyboards put in their place.
    **{"ی": "ي", "ى": "ي", "ک": "ك", "ہ": "ه", "ھ": "ه", "ە": "ه", "ة": "ه"},
    # Hiragana is read as Katakana.
    **{chr(code): chr(code + 0x60) for code in range(0x3041, 0x3097)},
}
_ROT13 = str.maketrans(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM",
)
#: What stands for an apostrophe, a hyphen, a full stop or a slash.
_SIGNS = {
    **dict.fromkeys("\u02bc\u02bb\u02b9\u02bd\u2018\u2019\u201b\u2032\u00b4`\uff07\u05f3", "'"),
    **dict.fromkeys("\u2010\u2011\u2012\u2212\ufe63\uff0d", "-"),
    **dict.fromkeys("\u3002\uff61\ufe52\u2024", "."),
    **dict.fromkeys("\u2044\u2215\u29f8", "/"),
}
_UNSEEN = frozenset({"Mn", "Mc", "Me", "Cf", "Co", "Cn"})  # vowel signs of India, too
_DRAWN = frozenset({"So", "Sk"})  # emoji and their like; no word has them
_FILLERS = frozenset("\u115f\u1160\u17b4\u17b5\u3164\uffa0\u0640")
#: Blocks of letters in circles and squares without a compatibility form, by their first.
_BLOCKS = (0x1F150, 0x1F170, 0x1F1E6)
_LETTERS_OF_ALPHABET = 26
#: Three letters or more with the same sign or space between each two.
_APART = regex(
    r"(?<![^\W_])[^\W\d_](?:([\W_]{1,3}?)(?:[^\W\d_]|')(?![^\W_]))(?:\1(?:[^\W\d_]|')(?![^\W_]))*"
)
_MARKS_IN_WORD = regex(
    r"(?<=[^\W_])(?:<!--.{0,200}?-->|</?[a-z][^<>]{0,100}>|\*{1,3}|~~|__|[\\'\"“”„()\[\]])+(?=[^\W_])",
    re.DOTALL,
)
_BREAK_IN_WORD = regex(r"(?<=[^\W\d_])[-\\]?\n[ \t>]*(?=[^\W\d_])")
#: A space or a middle dot between letters of scripts that have neither within a name.
_GAP_UNSPACED = regex(
    r"(?<=[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e01-\u0eff])[ \u3000\u30fb\u00b7]"
    r"(?=[\u3041-\u30ff\u3400-\u9fff\uac00-\ud7a3\u0e01-\u0eff])"
)
#: Syllables of Hangul in their letters, as file systems write them.
_JAMO = regex("[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?")
_JAMO_INSIDE = regex("[\u1160-\u11ff]+")
#: Base64 and hex too short for a secret, and long enough for a name.
_SHORT_CODE = regex(r"(?<![\w+/=-])[A-Za-z0-9+/_-]{2,40}={0,2}(?![\w+/=-])")
_HEX = regex(r"(?:[0-9A-Fa-f]{2})+")
#: Bytes in hex, each by itself.
_HEX_APART = regex(
    r"(?<![\w:])[0-9A-Fa-f]{2}([ :-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){1,200}(?![\w:])"
)
_SHORTEST_CODE = 6  # characters of base64 without padding; `Labs` is a word


@dataclass(frozen=True)
class TextReading:
    """A text as a matcher reads it. `source` has the letters as written, at `places`.

    `across_lines`: words that stand on two lines are read as one. `is_rotated`: in ROT13.
    """

    text: str
    source: str
    places: Sequence[int]
    layer: DecodedLayer | None = None
    token: tuple[int, int] | None = None
    across_lines: bool = False
    is_rotated: bool = False

    def stretch(self, start: int, end: int) -> tuple[int, int]:
        """Where a stretch of the reading stands in the text that was read."""
        if self.token:
            return self.token
        first, last = self.places[start], self.places[end - 1] + 1
        if inside := _JAMO_INSIDE.match(self.source, last):
            last = inside.end()
        return self.layer.stretch(first, last) if self.layer else (first, last)

    def written(self, start: int, end: int) -> str:
        """A stretch of the reading as it was written, decoded."""
        return self.source[self.places[start] : self.places[end - 1] + 1]


def fold(text: str) -> str:
    """A text in small letters, without marks, unseen characters and emoji."""
    return text.lower().replace("`", "'") if text.isascii() else "".join(map(_plain, text))


def rotated(text: str) -> str:
    """A text in ROT13, letters of ASCII alone."""
    return text.translate(_ROT13)


def look_alike(text: str) -> str:
    """A folded text with Latin letters in place of those that look like them."""
    return text if text.isascii() else "".join(map(_as_latin, text))


@lru_cache(maxsize=8)  # of one text names and places are looked for
def readings(text: str) -> tuple[TextReading, ...]:
    """The text in all the ways in which it may be read, the plain one first."""
    return tuple(_all(text))


def _all(text: str) -> Iterator[TextReading]:
    yield from _written(text, None)
    yield replace(_folded(rotated(text), None), is_rotated=True)
    for layer in decoded_layers(text.ljust(SHORTEST)):
        yield from _written(layer.text, layer)
    for match in _SHORT_CODE.finditer(text):
        for said in _decoded(match[0]):
            yield replace(_folded(said, None), token=match.span())
    for match in _HEX_APART.finditer(text):
        for said in _text_of(lambda found=match: bytes.fromhex(found[0].replace(found[1], ""))):
            yield replace(_folded(said, None), token=match.span())


def _written(text: str, layer: DecodedLayer | None) -> Iterator[TextReading]:
    plain = _folded(text, layer)
    yield plain
    yield from _joined(plain)
    if not text.isascii() and (_look_alikes().keys() & set(text)):
        for kind in (_as_latin, _as_drawn):
            alike = _folded(text, layer, kind)
            yield alike
            yield from _joined(alike)


def _folded(text: str, layer: DecodedLayer | None, kind: object = None) -> TextReading:
    if text.isascii() and kind is None:
        return TextReading(fold(text), text, range(len(text)), layer)
    each = kind if callable(kind) else _plain
    mapped = {char: each(char) for char in set(text)}  # a text has few different ones
    parts = [mapped[char] for char in text]
    for match in _JAMO.finditer(text):
        parts[match.start() : match.end()] = [
            unicodedata.normalize("NFC", match[0]),
            *[""] * (len(match[0]) - 1),
        ]
    if set(map(len, parts)) <= {1}:
        return TextReading("".join(parts), text, range(len(text)), layer)
    places = [at for at, part in enumerate(parts) for _ in part]
    return TextReading("".join(parts), text, places, layer)


def _joined(reading: TextReading) -> Iterator[TextReading]:
    """The reading with letters joined that stand apart, and words that a line break cuts."""
    if inside := _gaps(reading):
        yield _without_characters(reading, inside)
    if gaps := [m.start() for m in _GAP_UNSPACED.finditer(reading.text)]:
        yield _without_characters(reading, set(gaps))
    if marks := [m.span() for m in _MARKS_IN_WORD.finditer(reading.text)]:
        yield _without_characters(reading, {n for s, e in marks for n in range(s, e)})
    if breaks := [m.span() for m in _BREAK_IN_WORD.finditer(reading.text)]:
        yield _over_breaks(reading, breaks)


def _gaps(reading: TextReading) -> set[int]:
    """The signs between letters that stand apart; a letter may be read as two (`ß`)."""
    text, source = reading.text, reading.source
    spans = [m.span() for m in _APART.finditer(text)]
    found = {n for s, e in spans for n in range(s, e) if not text[n].isalpha()}
    if len(text) > len(source):
        spans = [m.span() for m in _APART.finditer(source)]
        signs = {n for s, e in spans for n in range(s, e) if not source[n].isalpha()}
        found |= {n for n, place in enumerate(reading.places) if place in signs}
    return found


def _over_breaks(reading: TextReading, breaks: list[tuple[int, int]]) -> TextReading:
    """The words on both sides of each line break as one, and nothing of the lines between them."""
    texts: list[str] = []
    places: list[int] = []
    for start, end in breaks:
        first = _word_start(reading.text, start)
        last = _word_end(reading.text, end)
        texts.append(f"{reading.text[first:start]}{reading.text[end:last]}\n")
        places += [reading.places[n] for n in (*range(first, start), *range(end, last))]
        places.append(places[-1])
    text = "".join(texts)
    return replace(reading, text=text, places=places, across_lines=True)


def _word_start(text: str, at: int) -> int:
    while at > 0 and (text[at - 1].isalnum()):
        at -= 1
    return at


def _word_end(text: str, at: int) -> int:
    while at < len(text) and text[at].isalnum():
        at += 1
    return at


def _without_characters(reading: TextReading, gone: set[int]) -> TextReading:
    bounds = (-1, *sorted(gone), len(reading.text))
    kept = [(before + 1, here) for before, here in pairwise(bounds) if before + 1 < here]
    text = "".join([reading.text[start:end] for start, end in kept])
    places = [place for start, end in kept for place in reading.places[start:end]]
    return TextReading(text, reading.source, places, reading.layer, reading.token)


@lru_cache(maxsize=20_000)
def _plain(char: str) -> str:
    if sign := _SIGNS.get(char):
        return sign
    for first in _BLOCKS:
        if first <= ord(char) < first + _LETTERS_OF_ALPHABET:
            return chr(ord("a") + ord(char) - first)
    if "\uac00" <= char <= "\ud7a3":  # syllables of Hangul are letters
        return char
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", char).casefold())
    return "".join(_LETTERS.get(p, _SIGNS.get(p, p)) for p in parts if not _is_unseen(p))


def _is_unseen(char: str) -> bool:
    if char.isascii():
        return False
    return char in _FILLERS or unicodedata.category(char) in _UNSEEN | _DRAWN


@lru_cache(maxsize=20_000)
def _as_latin(char: str) -> str:
    """By its small letter, so that a word in capitals reads like the same in small letters."""
    return "".join(_look_alikes().get(part, part) for part in _plain(char))


@lru_cache(maxsize=20_000)
def _as_drawn(char: str) -> str:
    """By its own shape: a capital Nu is an N, whatever the small one looks like."""
    return _look_alikes().get(char) or _as_latin(char)


@lru_cache(maxsize=1)
def _look_alikes() -> dict[str, str]:
    """Letter of another script to the Latin one it is taken for."""
    text = read_data("sensitive/confusables.tsv").decode("utf-8")
    rows = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {char: latin for latin, chars in rows for char in chars}


@lru_cache(maxsize=50_000)
def _decoded(word: str) -> tuple[str, ...]:
    """What a word says in base64 or hex, as far as that is text; for most words nothing."""
    return tuple(_read_codes(word))


def _read_codes(word: str) -> Iterator[str]:
    plain = word.rstrip("=").replace("-", "+").replace("_", "/")
    may_be = len(word) >= _SHORTEST_CODE or word.endswith("=")
    if may_be and len(plain) % 4 != 1:
        yield from _text_of(lambda: base64.b64decode(plain + "=" * (-len(plain) % 4)))
    if _HEX.fullmatch(word):
        yield from _text_of(lambda: bytes.fromhex(word))


def _text_of(decode: object) -> Iterator[str]:
    try:
        text = decode().decode("utf-8") if callable(decode) else ""
    except (binascii.Error, ValueError):
        return
    if text.isprintable() and any(c.isalpha() for c in text):
        yield text
