"""A name or value that is to be gone, found in every form that the external edition folds.

What is certain may be taken out. What is not is given with its reason: a word that is also a
name, or a part of a name where the whole stands nowhere near or somebody else bears it, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from kb.sensitive.names.find_names import PERSON, NameHit, NameIndex, PrivateName
from kb.sensitive.names.folding import fold, readings
from kb.sensitive.names.internal_addresses import find_places
from kb.sensitive.names.stems import Script, script_of

#: Stands for any record: a word in small letters is reported, and not passed over.
_HERE = "here"
_LOOK_BACK = 80  # characters before a name
_FEWEST_DIGITS = 7  # of a number that is found however its digits are set apart
_BETWEEN_DIGITS = r"[\s().+/-]{0,3}"
_WORD_AFTER = re.compile(r"[ \t]([^\W\d_][^\W_]*)")
_SCALAR_OPENS = re.compile(r"(?:^|[:\[,{-][ \t]*)[\"']?$")
_SCALAR_CLOSES = re.compile(r"[\"']?[ \t]*(?:[\],}#\n]|$)")
_NAMING = re.compile(r"(?:owner:|_BY:)[ \t]*[\"']?$")
_NAMING_ENDS = re.compile(r"[\"']?[ \t]*(?:[,;)\n]|$)")


@dataclass(frozen=True, slots=True)
class PurgeHit:
    """A stretch of a text; `doubt` says why it may be something else, and is empty if it is not."""

    start: int
    end: int
    doubt: str = ""


@dataclass(frozen=True)
class PurgeTarget:
    """What is to be gone. `others` are the other names that the library declares."""

    written: str
    kind: str = PERSON
    others: tuple[PrivateName, ...] = ()

    @cached_property
    def name(self) -> PrivateName | None:
        """It as a name; None for an address, a host, a number or a code."""
        is_place = any(
            place.end - place.start >= len(self.written) - 1 for place in find_places(self.written)
        )
        has_letters = any(char.isalpha() for char in self.written)
        if is_place or not has_letters or set(self.written) & set("@/\\:"):
            return None
        return PrivateName(self.written, self.kind, frozenset({_HERE}))

    @cached_property
    def _index(self) -> NameIndex:
        return NameIndex((self.name,) if self.name else ())

    @cached_property
    def _parts(self) -> tuple[NameIndex, ...]:
        """The words of a name that tell whose it is, each to be looked for by itself."""
        words = self.name.telling if self.name else ()
        parts = (w for w in words if len(w) > 1 or script_of(w) is not Script.ENDINGS)
        return tuple(NameIndex((PrivateName(word, self.kind),)) for word in parts)

    @cached_property
    def _literal(self) -> re.Pattern[str]:
        digits = re.sub(r"[\s().+/-]", "", self.written)
        if digits.isdigit() and len(digits) >= _FEWEST_DIGITS:
            return re.compile(r"(?<!\d)\+?" + _BETWEEN_DIGITS.join(digits) + r"(?!\d)")
        words = map(re.escape, fold(self.written).split())
        return re.compile(r"(?<![^\W_])" + r"\s+".join(words) + r"(?![^\W_])")

    def find(self, text: str, *, is_declared: bool = False) -> list[PurgeHit]:
        """Where it stands in a text, in order and apart; `is_declared` where the file names it."""
        if self.name is None:
            return _joined(self._literals(text))
        hits = self._index.find(text, _HERE)
        wholes = [self._is_whole(text[hit.start : hit.end]) for hit in hits]
        near = is_declared or any(wholes)
        return _joined(
            PurgeHit(hit.start, hit.end, self._doubt(text, hit, is_whole=is_whole, is_near=near))
            for hit, is_whole in zip(hits, wholes, strict=True)
        )

    def is_in(self, text: str) -> bool:
        """Whether it stands there for certain."""
        return any(not found.doubt for found in self.find(text))

    def _literals(self, text: str) -> Iterator[PurgeHit]:
        for reading in readings(text):
            for match in self._literal.finditer(reading.text):
                before = reading.text[max(0, match.start() - 2) : match.start()]
                after = reading.text[match.end() : match.end() + 2]
                is_part = re.search(r"\w[.+-]$", before) or re.match(r"[.-]\w", after)
                doubt = "part of something longer" if is_part else ""
                yield PurgeHit(*reading.stretch(*match.span()), doubt)

    def _is_whole(self, part: str) -> bool:
        name = self.name
        if name is None or len(name.words) != 1:
            return all(index.find(part) for index in self._parts)
        if script_of(name.words[0]) is not Script.UNSPACED:
            return True
        return any(name.words[0] in reading.text for reading in readings(part))

    def _doubt(self, text: str, hit: NameHit, *, is_whole: bool, is_near: bool) -> str:
        if not hit.is_certain:
            return "" if _is_value(text, hit) else "may be the word"
        if is_whole:
            return ""
        part = " ".join(text[hit.start : hit.end].split())
        if not is_near:
            return f"'{part}' alone: the whole name is not in this file"
        if other := self._shared_with(part):
            return f"'{part}' may be {other}"
        if _stands_by_a_name(text, hit):
            return f"'{part}' stands beside another name"
        return ""

    def _shared_with(self, part: str) -> str:
        """Another declared name with this part."""
        found = (o.written for o in self.others if NameIndex((o,)).find(part))
        return next(found, "")


def names_of_others(written: str, names: Iterable[PrivateName]) -> tuple[PrivateName, ...]:
    """The declared names of others: those with other words."""
    words = PrivateName(written, PERSON).words
    return tuple(name for name in names if name.words != words)


def _is_value(text: str, hit: NameHit) -> bool:
    """Whether a word is all of a value: of a key, or of the owner of an action."""
    line = text[text.rfind("\n", 0, hit.start) + 1 : hit.start]
    rest = text[hit.end : hit.end + 80]
    if _NAMING.search(line) and _NAMING_ENDS.match(rest):
        return True
    head = text.startswith("---\n") and text.find("\n---", 3) > hit.start
    return head and bool(_SCALAR_OPENS.search(line) and _SCALAR_CLOSES.match(rest))


def _stands_by_a_name(text: str, hit: NameHit) -> bool:
    """Whether a word beside it has a capital that no sentence gave it."""
    after = _WORD_AFTER.match(text, hit.end)
    if after and after[1][:1].isupper() and not after[1].isupper():
        return True
    before = text[max(0, hit.start - _LOOK_BACK) : hit.start]
    word = re.split(r"[\W_]", before[:-1])[-1]
    if before[-1:] not in {" ", "\t"} or not word[:1].isupper():
        return False
    ahead = before[: -len(word) - 1].rstrip(" \t*_\"'")
    return bool(ahead) and ahead[-1] not in ".!?:\n-#>"


def _joined(found: Iterable[PurgeHit]) -> list[PurgeHit]:
    """Stretches apart from each other; what is certain wins over a doubt that it meets."""
    joined: list[PurgeHit] = []
    for one in sorted(found, key=lambda f: (f.start, -f.end)):
        if joined and one.start < joined[-1].end:
            before = joined[-1]
            doubt = before.doubt if one.doubt else ""
            joined[-1] = PurgeHit(before.start, max(before.end, one.end), doubt)
        else:
            joined.append(one)
    return joined
