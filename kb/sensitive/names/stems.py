"""How a word of a name is found in other forms of itself: one stated rule per script.

- Scripts with letters and endings (Latin, Cyrillic, Greek, Armenian, Georgian): by the stem, which
  is the word without its ending. A stem of five letters counts anywhere in a word, so that
  compounds and identifiers are found; a shorter one at the start of a word, with a short ending
  that makes no word of English. Two letters count as they stand, by themselves.
- Arabic, Hebrew, Hangul and the scripts of India: anywhere in a word from three letters on, two
  in Hangul; the Arabic article is no part of the name.
- Scripts without spaces (Han, Kana, Thai, Lao, Khmer, Burmese): anywhere, from two characters on; a
  person's family name and given name count by themselves.
- From one script to another: by the romanisation of the word (AnyAscii), vowels written alike.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import product

from kb.lazy_regex import regex
from kb.sensitive.names.folding import fold


class Script(Enum):
    """What a word's letters do at their ends."""

    ENDINGS = "endings"
    JOINED = "joined"
    UNSPACED = "unspaced"


class Where(Enum):
    """Where in a word a stem counts."""

    ANYWHERE = "anywhere"
    START = "start"
    ALONE = "alone"


@dataclass(frozen=True, slots=True)
class Stem:
    """Letters of a folded text by which a word of a name is known; `whole` is the word itself."""

    text: str
    where: Where
    script: Script = Script.ENDINGS
    whole: str = ""


_UNSPACED = (
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "THAI",
    "LAO",
    "KHMER",
    "MYANMAR",
    "TIBETAN",
    "BOPOMOFO",
)
_JOINED = (
    *("ARABIC", "HEBREW", "HANGUL", "DEVANAGARI", "BENGALI", "TAMIL", "TELUGU", "GUJARATI"),
    *("GURMUKHI", "KANNADA", "MALAYALAM", "SINHALA", "ORIYA", "ETHIOPIC", "SYRIAC"),
)
_ENDINGS = {
    "LATIN": regex(r"(?:nen|(?<=[sc])k[aiy]|scu|[aeiouy]s|[iu]r|[aeiouy]{1,2}|s)$"),
    "CYRILLIC": regex(r"(?:[аеиоуыэюяьі]{1,2})$"),
    "GREEK": regex(r"(?:[αεηιουω]{1,2}σ?)$"),
    "ARMENIAN": regex(r"[աեէըիոօ]$"),
    "GEORGIAN": regex(r"[აეიოუ]$"),
}
LONG = 5  # letters of a stem that is told from ordinary words wherever it stands
_SHORT = 3  # letters of a stem that may have an ending
_JOINED_LETTERS = 3
_ROMAN_LETTERS = 5
#: Letters that are written with two where keyboards lack them, and the other way round.
_SPELLINGS = {
    **{"đ": ("d", "dj"), "ə": ("e", "a")},
    **{"ä": ("a", "ae"), "ö": ("o", "oe"), "ü": ("u", "ue"), "ø": ("o", "oe"), "å": ("a", "aa")},
    **{"æ": ("ae", "a"), "œ": ("oe", "o")},
}
_DIGRAPHS = regex("ae|oe|ue|aa")
_MOST_SPELLINGS = 16


def script_of(word: str) -> Script:
    """The kind of script of a word's first letter."""
    name = _script_name(word)
    if name in _UNSPACED:
        return Script.UNSPACED
    return Script.JOINED if name in _JOINED else Script.ENDINGS


def _script_name(word: str) -> str:
    return next(
        (unicodedata.name(c, "?").split()[0].split("-")[0] for c in word if c.isalpha()), ""
    )


def stems(word: str, *, is_person: bool) -> tuple[Stem, ...]:
    """The stems of one word of a name as it is declared."""
    found: dict[str, Stem] = {}
    for spelling in _spellings(word):
        for stem in _of_folded(spelling, is_person=is_person):
            found.setdefault(stem.text, stem)
    return tuple(found.values())


def _spellings(word: str) -> Iterator[str]:
    """The folded word in each spelling that a keyboard without its letters gives."""
    composed = unicodedata.normalize("NFC", word.lower())
    choices = [_SPELLINGS.get(char, (char,)) for char in composed]
    several = [c for c in choices if len(c) > 1]
    spelled = product(*choices) if 2 ** len(several) <= _MOST_SPELLINGS else [tuple(composed)]
    for letters in spelled:
        yield (folded := fold("".join(letters)))
        if _DIGRAPHS.search(folded):
            yield _DIGRAPHS.sub(lambda pair: pair[0][0], folded)


def _of_folded(word: str, *, is_person: bool) -> Iterator[Stem]:
    match script_of(word):
        case Script.UNSPACED:
            yield from (
                Stem(part, Where.ANYWHERE, Script.UNSPACED) for part in _unspaced(word, is_person)
            )
        case Script.JOINED:
            yield from _joined(word, is_person=is_person)
        case _:
            yield from _with_endings(word)


def _with_endings(word: str) -> Iterator[Stem]:
    ending = _ENDINGS.get(_script_name(word))
    cut = ending.sub("", word) if ending else word
    if len(cut) >= LONG:
        yield Stem(cut, Where.ANYWHERE, whole=word)
    elif len(word) >= LONG:
        yield Stem(word, Where.ANYWHERE, whole=word)
        if len(word) == LONG and cut != word and _script_name(word) != "LATIN":
            yield Stem(word[:-1], Where.START)  # of short Latin stems too many words are made
    else:
        yield Stem(word, Where.START if len(word) >= _SHORT else Where.ALONE)


def _unspaced(word: str, is_person: bool) -> Iterator[str]:
    yield word
    if is_person and len(word) == 4:  # noqa: PLR2004 - two and two, as most names of Japan are
        yield from (word[:2], word[2:])
    elif is_person and len(word) == 3:  # noqa: PLR2004 - one and two, as most of China are
        yield word[1:]
    elif is_person and len(word) == 5:  # noqa: PLR2004 - three and two, or two and three
        yield from (word[:3], word[3:], word[2:])
    yield from (run for run in re.findall("[ァ-ヿ]{3,}", word) if run != word)


def _joined(word: str, *, is_person: bool) -> Iterator[Stem]:
    stem = word.removeprefix("ال") if len(word) > _JOINED_LETTERS + 2 else word
    is_hangul = _script_name(word) == "HANGUL"
    where = Where.ANYWHERE if len(stem) + is_hangul >= _JOINED_LETTERS else Where.ALONE
    yield Stem(stem, where, Script.JOINED)
    if is_hangul and is_person and len(word) == 3:  # noqa: PLR2004 - one and two
        yield Stem(word[1:], Where.ANYWHERE, Script.JOINED)


@lru_cache(maxsize=50_000)
def roman(word: str) -> str:
    """A word in Latin letters, written so that one sound of several spellings is one."""
    from anyascii import anyascii  # 0.3 MB that only names of two scripts need

    text = re.sub(r"[^a-z]", "", anyascii(word).lower())
    for pattern, letters in _ONE_SOUND:
        text = pattern.sub(letters, text)
    return text


_ONE_SOUND = tuple(
    (regex(pattern), letters)
    for pattern, letters in (
        ("dj|gj", "d"), ("g", "h"), ("oy|ou|oo", "u"),
        ("[iy]{1,4}[eo]", "e"), ("[iy]{1,4}a", "a"), ("[iy]{1,4}u", "u"),
        ("[jy]", "i"), ("ii+", "i"), ("kh|ch", "h"), ("ph", "f"),
        ("w", "v"), ("x", "ks"), ("ck|c(?!h)", "k"),
        (r"([a-z])\1+", r"\1"),
    )
)  # fmt: skip


def roman_stem(word: str) -> str:
    """The romanised word without its last vowels, empty where too little is left to know it by."""
    stem = re.sub("[aeiou]+s?$", "", roman(word))
    return stem if len(stem) >= _ROMAN_LETTERS else ""
