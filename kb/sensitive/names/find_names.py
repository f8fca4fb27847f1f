"""Where names stand in a text, in any form that `stems` knows and any reading of it.

A word of English that is also a name is found where it cannot be the word: with a capital inside
a sentence, in an identifier, after `@`. Elsewhere it is doubtful, and said to be.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from kb.lazy_regex import regex
from kb.sensitive.names.english_words import english_words
from kb.sensitive.names.folding import TextReading, fold, readings, rotated
from kb.sensitive.names.stems import LONG, Script, Stem, Where, roman, roman_stem, script_of, stems

PERSON, CUSTOMER, SYSTEM = "person", "customer", "system"
_DESKS = """
a access accounts admin agent agents ai alerts analytics api app apps architecture assistant
audit automation backend billing bot build call casebook chat checkout ci cloud commerce
compliance content core customer customers cx data database dba delivery design desk dev
developer developers devex devops docs duty edge eng engineer engineering erased evals evaluation
experience finance fraud frontend governance group growth hr identity incident incidents infra
infrastructure integration integrations internal it knowledge lead leads legal logistics mail
maintainer maintainers management manager marketing messaging ml mobile model models
monitoring n network nobody none observability on oncall operations operator operators ops
orders owner owners payments payouts people platform policy pricing privacy product production
prompt prompts qa quality refunds release releases reliability reporting research responder
returns reviewer reviewers risk runtime safety sales search security service services
settlement shipping shop site software squad sre sres staff storage store success support
system systems tbd team teams test testing tooling tools trust unit unknown user users voice
web website
"""
_PARTS = """
ag airlines and bank best bv co company corp corporation de der foods foundation general gmbh group
holding holdings hotel hotels house inc industries insurance international kg kgaa labs limited llc
llp local ltd market markets media national north northern of oy partner partners plc pte pty sa
sarl se shops smart solutions south southern spa srl stores studio studios the und union university
van von west western world
"""
#: What an owner may be called that is no person: desks, teams, what they build, and no answer.
DESKS = frozenset(_DESKS.split())
#: Parts of names that say nothing when they stand alone.
_SAYS_NOTHING = DESKS | frozenset(_PARTS.split())
_WORD = regex(r"[^\W_]+")
_CAMEL = regex(r"(?<=[a-z0-9])(?=[A-Z])")
#: What stands where a name is not known, or was taken out.
_NO_ANSWERS = frozenset({("unknown",), ("erased",)})
_SHORTEST_SYSTEM = 3
#: Stands between the words of a Persian name.
_NON_JOINER = "\u200c"
_BETWEEN = r"[\W_]{0,3}"
_ENDS_SENTENCE = frozenset('.!?:;"“”(—–•|')
_ENGLISH_ENDINGS = regex(r"(?:s|es|ed|d|ing|ings|er|ers|ly|ness|al)$")
_LONGEST_ENDING = {3: 2, 4: 3}  # letters of a short name to those of its ending
#: What stands between letters and digits.
_BESIDE_LETTERS = regex(r"[\W_]+")
_IN_HALVES = regex(r"[ \t\u00a0\u2013-]")
_LONGEST_HALF_ENDING = 2  # letters behind a name that is cut in two
#: What may hold a name that its letters do not show.
_MAY_BE_CODED = regex(r"&#|&[A-Za-z]{2,8};|%[0-9A-Fa-f]{2}|\\[uxU]")
_NOT_ASCII = regex(r"[^\x00-\x7f]")
_NO_LETTERS = bytes(code for code in range(128) if not chr(code).isalnum())
_FEW = 3  # letters around three letters of Arabic or Hebrew: prefixes and suffixes


@dataclass(frozen=True)
class PrivateName:
    """A name as it is declared, of what kind, and the ids of the records that declare it."""

    written: str
    kind: str
    records: frozenset[str] = frozenset()

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Its words, folded; of a mail address those before the sign."""
        return tuple(_WORD.findall(fold(_apart_words(self.written))))

    @cached_property
    def telling(self) -> tuple[str, ...]:
        """The words that tell whose name it is; of a name of one word that word."""
        if len(self.words) == 1:
            return self.words
        return tuple(word for word in self.words if word not in _SAYS_NOTHING)

    @property
    def is_of_desk(self) -> bool:
        """Whether it is a desk, a team or no answer, and nobody's name."""
        return all(word in DESKS for word in self.words)

    @property
    def tells(self) -> bool:
        """Whether it names somebody or something of the house at all."""
        if not self.words or self.words in _NO_ANSWERS:
            return False
        if self.kind == PERSON:
            return not self.is_of_desk
        return self.kind == CUSTOMER or len("".join(self.words)) >= _SHORTEST_SYSTEM


@dataclass(frozen=True, slots=True)
class NameHit:
    """A stretch of a text that names somebody; where it is not certain, it may be a word."""

    start: int
    end: int
    name: PrivateName
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class _Entry:
    stem: Stem
    name: PrivateName
    is_word: bool = False
    whole: str = ""


class NameIndex:
    """All names that must not be told, ready to be looked for."""

    def __init__(self, names: Iterable[PrivateName]) -> None:
        self.names = tuple(names)
        self._entries: dict[str, list[_Entry]] = {}
        self._roman: dict[str, PrivateName] = {}
        self._phrases: list[tuple[PrivateName, frozenset[str], re.Pattern[str]]] = []
        for name in self.names:
            self._add(name)
        self._lengths = sorted({len(stem) for stem in self._entries})
        self._roman_lengths = sorted({len(stem) for stem in self._roman})
        self._of_latin = any(_is_latin(n.written) for n in self._roman.values())
        self._of_others = any(not _is_latin(n.written) for n in self._roman.values())
        self._beginnings = {
            text[:length]
            for text, entries in self._entries.items()
            if any(entry.stem.where is Where.ANYWHERE for entry in entries)
            for length in range(2, len(text))
        } - english_words()
        self._known: dict[str, tuple[tuple[int, _Entry], ...]] = {}

    def find(self, text: str, record: str = "") -> list[NameHit]:
        """The names in a text, in order and apart; `record` is the id of the record it is of."""
        found: list[NameHit] = []
        for reading in readings(text) if self.names else ():
            for hit in self._in_reading(reading, text, record):
                found.append(hit)
        return _joined_hits(found, text)

    def may_stand_in(self, text: str) -> bool:
        """Whether `find` has to look: False where plain letters are read and none is of a name.

        A hundredth of the work. Codes that need no sign (base64, hex, ROT13) are passed over.
        """
        plain = unicodedata.normalize("NFKD", text.lower())
        is_coded = any(sign in text for sign in "&%\\") and _MAY_BE_CODED.search(text)
        if is_coded or any(map(str.isalpha, _NOT_ASCII.findall(plain))):
            return True
        letters = plain.encode("ascii", "ignore").translate(None, _NO_LETTERS).decode()
        return any(
            _may_be(entry, stem, text, plain, letters)
            for stem, entries in self._entries.items()
            for entry in entries
        )

    def _add(self, name: PrivateName) -> None:
        is_person = name.kind == PERSON
        parts = [word for word in _as_declared(name.written) if fold(word) in name.telling]
        for word in parts:
            if len(fold(word)) == 1 and script_of(fold(word)) is Script.ENDINGS:
                continue  # an initial tells nobody
            if fold(word) in english_words():
                self._add_ordinary(name, fold(word))
                continue
            for stem in stems(word, is_person=is_person):
                entry = _Entry(stem, name, whole=stem.whole)
                self._entries.setdefault(stem.text, []).append(entry)
            if stem_of_sound := roman_stem(word):
                self._roman.setdefault(stem_of_sound, name)
        if len(name.words) > 1:
            pattern = _BETWEEN.join(map(re.escape, name.words))
            self._phrases.append((name, frozenset(name.words), regex(pattern)))

    def _add_ordinary(self, name: PrivateName, word: str) -> None:
        if name.kind != SYSTEM:
            stem = Stem(word, Where.ALONE)
            self._entries.setdefault(word, []).append(_Entry(stem, name, is_word=True))

    def _in_reading(self, reading: TextReading, text: str, record: str) -> Iterator[NameHit]:
        if not self._may_be_read(reading.text):
            return
        words = set()
        before: re.Match[str] | None = None
        for match in _WORD.finditer(reading.text):
            if reading.is_rotated and _is_english(rotated(match[0])):
                continue
            words.add(match[0])
            if before and before[0] in self._beginnings:
                yield from self._in_halves(reading, before, match, text)
            before = match
            for offset, entry in self._candidates(match[0]):
                start = match.start() + offset
                if certain := _judged(reading, match, start, entry, record):
                    yield _hit(reading, text, start, entry, certain)
            if name := None if reading.is_rotated else self._by_sound(match[0]):
                start, end = _widened(text, *reading.stretch(*match.span()))
                yield NameHit(start, end, name)
        if not (reading.across_lines or reading.is_rotated):
            yield from self._phrases_in(reading, words, text, record)

    def _may_be_read(self, text: str) -> bool:
        """Whether a reading holds the letters of any name at all: most do not, and words are many.

        A name may be cut in two, and one of another script is told by its sound.
        """
        letters = _BESIDE_LETTERS.sub("", text)
        if self._of_others or (self._of_latin and not letters.isascii()):
            return True
        if any(stem in text or stem in letters for stem in self._entries):
            return True
        return any(all(part in letters for part in parts) for _, parts, _ in self._phrases)

    def _in_halves(
        self, reading: TextReading, first: re.Match[str], second: re.Match[str], text: str
    ) -> Iterator[NameHit]:
        """A name that a space or a hyphen cuts in two, where the halves are all of both words."""
        if not _IN_HALVES.fullmatch(reading.text, first.end(), second.start()):
            return
        word = first[0] + second[0]
        for offset, entry in self._candidates(word):
            length = len(entry.stem.text)
            is_cut = offset == 0 and length > len(first[0])
            if is_cut and not entry.is_word and len(word) - length <= _LONGEST_HALF_ENDING:
                start, end = reading.stretch(first.start(), second.end())
                yield NameHit(*_widened(text, start, end), entry.name)

    def _candidates(self, word: str) -> tuple[tuple[int, _Entry], ...]:
        if word not in self._known:
            self._known[word] = tuple(
                (at, entry)
                for length in self._lengths
                for at in range(len(word) - length + 1)
                for entry in self._entries.get(word[at : at + length], ())
            )
        return self._known[word]

    def _by_sound(self, word: str) -> PrivateName | None:
        """The name of another script that a word sounds like."""
        is_latin = word.isascii()
        if not (self._of_others if is_latin else self._of_latin) or len(word) < 2:  # noqa: PLR2004
            return None
        if is_latin and (len(word) < LONG or _is_english(word)):
            return None
        said = roman(word)
        for length in self._roman_lengths:
            for at in range(len(said) - length + 1):
                name = self._roman.get(said[at : at + length])
                if name and _is_latin(name.written) != is_latin:
                    return name
        return None

    def _phrases_in(
        self, reading: TextReading, words: set[str], text: str, record: str
    ) -> Iterator[NameHit]:
        joined = {word for word in words if len(word) > LONG}
        for name, parts, pattern in self._phrases:
            if not (parts <= words or any("".join(name.words) in word for word in joined)):
                continue
            for match in pattern.finditer(reading.text):
                if certain := _judged_phrase(reading, match, name, record):
                    start, end = _widened(text, *reading.stretch(*match.span()))
                    yield NameHit(start, end, name, certain == "sure")


def _may_be(entry: _Entry, stem: str, text: str, plain: str, letters: str) -> bool:
    if not stem.isascii():
        return True
    if entry.is_word:  # for certain a name with a capital or in an identifier alone
        signs = (f"_{stem}", f"{stem}_", f"@{stem}", f"#{stem}")
        return stem.capitalize() in text or any(written in plain for written in signs)
    if entry.stem.where is Where.ANYWHERE:
        return stem in letters
    return stem in plain or stem in letters


def _as_declared(name: str) -> list[str]:
    """The words of a name with their own letters and marks."""
    unseen = (c for c in _apart_words(name) if unicodedata.category(c) != "Cf")
    return "".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in unseen).split()


def _apart_words(name: str) -> str:
    """A name with spaces where its words meet; of a mail address what stands before the sign."""
    plain = name.partition("@")[0] or name
    return _CAMEL.sub(" ", plain.replace(_NON_JOINER, " "))


def _is_latin(text: str) -> bool:
    return fold(text).isascii()


def _hit(reading: TextReading, text: str, start: int, entry: _Entry, certain: str) -> NameHit:
    span = reading.stretch(start, start + len(entry.stem.text))
    if entry.stem.script is not Script.UNSPACED:
        span = _widened(text, *span)
    return NameHit(*span, entry.name, certain == "sure")


def _judged(
    reading: TextReading, match: re.Match[str], start: int, entry: _Entry, record: str
) -> str:
    """Whether it is the name: "sure", "maybe", or empty where the word is another."""
    word, stem = match[0], entry.stem
    before, after = start - match.start(), match.end() - start - len(stem.text)
    if (reading.across_lines or reading.is_rotated) and (
        entry.is_word or stem.where is not Where.ANYWHERE
    ):
        return ""
    if stem.script is Script.UNSPACED:
        return "sure"
    if stem.script is Script.JOINED:
        return "sure" if _fits_joined(stem, before, after) else ""
    if entry.is_word:
        return _judged_word(reading, match, start, entry, record)
    if stem.where is Where.ANYWHERE:
        is_whole = word in {entry.whole, f"{entry.whole}s"}
        return "sure" if is_whole or not _is_english(word) else ""
    return "sure" if _fits_short(reading, match, start, stem) else ""


def _fits_joined(stem: Stem, before: int, after: int) -> bool:
    if stem.where is Where.ALONE:
        return before == after == 0
    is_hangul = "\uac00" <= stem.text[0] <= "\ud7a3"
    return is_hangul or len(stem.text) > _FEW or (before <= _FEW and after <= _FEW)


def _fits_short(reading: TextReading, match: re.Match[str], start: int, stem: Stem) -> bool:
    """Whether a name of two to four letters begins here, with an ending at most."""
    end = start + len(stem.text)
    if not _opens(reading, match, start):
        return False
    if _closes(reading, match, end):
        return True
    rest = match.end() - end
    return rest <= _LONGEST_ENDING.get(len(stem.text), 0) and not _is_english(match[0])


def _opens(reading: TextReading, match: re.Match[str], start: int) -> bool:
    if start == match.start() or not reading.text[start - 1].isalpha():
        return True
    return reading.written(start, start + 1).isupper() and (
        reading.written(start - 1, start).islower()
    )


def _closes(reading: TextReading, match: re.Match[str], end: int) -> bool:
    if end == match.end() or not reading.text[end].isalpha():
        return True
    return reading.written(end, end + 1).isupper() and reading.written(end - 1, end).islower()


def _judged_word(
    reading: TextReading, match: re.Match[str], start: int, entry: _Entry, record: str
) -> str:
    """How sure it is that an English word is the name: by its capital and what is around it."""
    end = start + len(entry.stem.text)
    if not (_opens(reading, match, start) and _closes(reading, match, end)):
        return ""
    around = reading.text[max(0, start - 1) : start], reading.text[end : end + 1]
    if "_" in around or around[0] in {"@", "#"}:
        return "sure"
    if len(match[0]) > len(entry.stem.text):  # `TargetOrders`, and `Log4Shell` as well
        return "maybe"
    written = reading.written(start, end)
    if written[:1].isupper() and not written.isupper() and not _begins(reading.text, start):
        return "sure"
    is_own = record in entry.name.records and len(entry.name.words) == 1
    return "maybe" if written[:1].isupper() or is_own else ""


def _judged_phrase(
    reading: TextReading, match: re.Match[str], name: PrivateName, record: str
) -> str:
    start, end = match.span()
    text = reading.text
    if text[start - 1 : start].isalpha() and not _upper(reading, start):
        return ""
    if text[end : end + 1].isalpha() and not _upper(reading, end):
        return ""
    written = reading.written(start, end)
    if any(word not in english_words() for word in name.telling):
        return "sure"
    if written.islower() and re.search(r"\s", written):
        return "maybe" if record in name.records and name.kind != SYSTEM else ""
    return "sure"


def _upper(reading: TextReading, at: int) -> bool:
    return reading.written(at, at + 1).isupper()


_BEGINNING = regex(
    r"(?:^|\n[ \t]*\n|\n[ \t]*(?:[-*+>]|\d{1,3}[.)]|#{1,6}|[A-Za-z_]{1,60}:)[ \t]+)"
    r"[\s*_'\"\[]{0,4}$"
)
_LOOK_BACK = 80  # characters before a word


def _begins(text: str, start: int) -> bool:
    """Whether a word stands where any word has a capital."""
    before = text[max(0, start - _LOOK_BACK) : start]
    if _BEGINNING.search(before):
        return True
    kept = before.rstrip(" \t\n*_'\"[")
    return not kept or kept[-1] in _ENDS_SENTENCE


def _is_english(word: str) -> bool:
    words = english_words()
    if word in words:
        return True
    stem = _ENGLISH_ENDINGS.sub("", word)
    return stem != word and (stem in words or f"{stem}e" in words or stem[:-1] in words)


def _widened(text: str, start: int, end: int) -> tuple[int, int]:
    """The whole word or identifier around a stretch."""
    while start > 0 and _belongs(text[start - 1]):
        start -= 1
    while end < len(text) and _belongs(text[end]):
        end += 1
    return start, end


def _belongs(char: str) -> bool:
    if char == "_" or char.isdigit() or unicodedata.category(char) in {"Mn", "Cf", "Mc"}:
        return True
    return (
        char.isalpha()
        and script_of(fold(char) or char) is not Script.UNSPACED
        and ("HANGUL" not in unicodedata.name(char, ""))
    )


_LEGAL = r"(?:gmbh|ag|inc|ltd|llc|corp|co|bv|kg|se|plc|oy|ab|as|sa|srl|spa|pty)"


def _joined_hits(hits: Iterable[NameHit], text: str) -> list[NameHit]:
    """Hits in order; those that overlap, and those of one name that stand side by side, as one."""
    found: list[NameHit] = []
    for hit in sorted((_extended(h, text) for h in hits), key=lambda h: (h.start, -h.end)):
        if found and (hit.start < found[-1].end or _side_by_side(found[-1], hit, text)):
            before = found[-1]
            certain = before.is_certain or hit.is_certain
            name = before.name if before.is_certain or not hit.is_certain else hit.name
            found[-1] = NameHit(before.start, max(before.end, hit.end), name, certain)
        else:
            found.append(hit)
    return found


def _side_by_side(before: NameHit, hit: NameHit, text: str) -> bool:
    between = text[before.end : hit.start]
    both = before.is_certain and hit.is_certain and before.name.kind == hit.name.kind
    return (
        both
        and re.fullmatch(r"[\s.,_-]{0,2}", between) is not None
        and (hit.name == before.name or between in {" ", ".", "-", "_"})
    )


_WORD_BEHIND = regex(r"[\s,&.'-]{1,3}(\w+)\.?(?!\w)")
#: Words of a name that are taken in behind a part of it: a name written a thousand times in a row
#: is a thousand hits, which are joined.
_MOST_BEHIND = 8


def _extended(hit: NameHit, text: str) -> NameHit:
    """The hit with the initials before it, and the words of its name and its legal form behind."""
    if not hit.is_certain:
        return hit
    start, end = hit.start, hit.end
    initials = {word[:1] for word in hit.name.words}
    while match := re.search(r"(?<!\w)(\w)\.[ -]?$", text[max(0, start - 4) : start]):
        if fold(match[1]) not in initials:
            break
        start -= len(match[0])
    known = set(hit.name.words)
    for _ in range(_MOST_BEHIND):
        match = _WORD_BEHIND.match(text, end)
        if match is None:
            break
        word = fold(match[1])
        is_legal = re.fullmatch(_LEGAL, word) and hit.name.kind == CUSTOMER
        if not (is_legal or (word in known and word not in DESKS | {"the", "and", "of"})):
            break
        if word in english_words() and not match[1][:1].isupper():
            break
        end = match.start(1) + len(match[1])
    return replace(hit, start=start, end=end)
