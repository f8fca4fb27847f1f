"""Takes out of text what must not be told, and puts a name in its place that tells nothing.

A name is replaced by a name (`Customer A`), so a sentence stays one whatever its grammar asks of
the word; the same one has the same letter within a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kb.records.taxonomy import TIMELINE_TAGS
from kb.sensitive.names.find_names import NameHit, NameIndex
from kb.sensitive.names.folding import fold
from kb.sensitive.names.internal_addresses import find_places

#: Around every replacement in a text that somebody reads before it is published.
OPEN, CLOSE = "\u27e6", "\u27e7"
_MARKS = str.maketrans("", "", OPEN + CLOSE)
_LETTERS = 26
#: What is no kind of thing with a letter, and stands as it is.
_AS_IT_IS = frozenset({"another record"})
#: Letters that nobody sees and machines read: tags, and variation selectors in a row.
_SMUGGLED = re.compile("[\U000e0000-\U000e007f]+|[\ufe00-\ufe0f\U000e0100-\U000e01ef]{2,}")
_AN = re.compile(r"\b[Aa](n)\s+$")
_THE = re.compile(r"\b[Tt]he\s+$")
_ENDS = re.compile(r"\s*(?:[.,;:!?)]+(?=\s|$)|$)")
#: What is left of a link that is none, for its target is written wrong or there is no such label.
_TARGET = re.compile(r"(?<=\])(?!\(<?https?://)\((?:[^()\n]|\([^()\n]*\))*\)")
_LABEL = re.compile(
    rf"(?<=\])\[(?!(?:{'|'.join(word.name for word in TIMELINE_TAGS)})\])[^\]\n]*\]"
)


def without_marks(text: str) -> str:
    """A text as it is published: replacements stand in it as words like others."""
    return text.translate(_MARKS)


@dataclass(frozen=True, slots=True)
class Replaced:
    """A stretch of a text, and what may stand in its place."""

    start: int
    end: int
    instead: str


@dataclass(frozen=True)
class TextCleaner:
    """Cleans the texts of one record. `labels` and `taken` grow with what is replaced.

    `is_public` for records of what is public, which speak of others' places.
    """

    names: NameIndex
    record: str = ""
    is_public: bool = False
    labels: dict[tuple[str, str], str] = field(default_factory=dict)
    taken: list[tuple[str, str]] = field(default_factory=list)

    def spans(self, text: str) -> list[Replaced]:
        """The stretches that must not be told, in order and apart from each other."""
        found = _joined(self._found(text))
        return [self._span(text, start, end, *what) for start, end, what in found]

    def text(self, text: str) -> str:
        """A text without them."""
        parts, at = [], 0
        for span in self.spans(text):
            parts += [text[at : span.start], span.instead]
            at = span.end
        return "".join((*parts, text[at:]))

    def doubts(self, text: str) -> list[NameHit]:
        """Words that are also names, where nothing says which they are."""
        return [hit for hit in self._names_in(text) if not hit.is_certain]

    def _found(self, text: str) -> Iterator[tuple[int, int, tuple[str, str]]]:
        for hit in self._names_in(text):
            if hit.is_certain:
                yield hit.start, hit.end, (hit.name.kind.capitalize(), hit.name.written)
        for place in find_places(text, is_public=self.is_public):
            yield place.start, place.end, (place.kind, fold(text[place.start : place.end]))
        for match in _SMUGGLED.finditer(text):
            yield match.start(), match.end(), ("", "")
        for pattern in (_TARGET,) if self.is_public else (_TARGET, _LABEL):
            for match in pattern.finditer(text):
                yield match.start(), match.end(), ("", "")

    def _names_in(self, text: str) -> Iterator[NameHit]:
        for hit in self.names.find(text, self.record):
            if not (self.is_public and hit.name.kind == "system"):
                yield hit

    def _span(self, text: str, start: int, end: int, kind: str, what: str) -> Replaced:
        if not kind:
            return Replaced(start, end, "")
        label = kind if kind in _AS_IT_IS else self._label(kind, what)
        self.taken.append((text[start:end], label))
        marked = f"{OPEN}{label}{CLOSE}"
        if article := _AN.search(text, max(0, start - 10), start):
            return Replaced(article.start(1), end, f" {marked}")
        if (article := _THE.search(text, max(0, start - 10), start)) and _ENDS.match(text, end):
            return Replaced(article.start(), end, marked)
        return Replaced(start, end, marked)

    def _label(self, kind: str, what: str) -> str:
        known = self.labels.get((kind, what))
        if known is None:
            number = sum(key[0] == kind for key in self.labels)
            known = self.labels[kind, what] = f"{kind} {_letters(number)}"
        return known


def _letters(number: int) -> str:
    """The letters that stand for a number: A to Z, then AA, AB and so on."""
    first, last = divmod(number, _LETTERS)
    return (_letters(first - 1) if first else "") + chr(ord("A") + last)


Found = tuple[int, int, tuple[str, str]]


def _joined(found: Iterable[Found]) -> list[Found]:
    """Stretches that overlap as one, named by the one that begins first and is longest."""
    joined: list[Found] = []
    for start, end, what in sorted(found, key=lambda one: (one[0], -one[1])):
        if joined and start < joined[-1][1]:
            before = joined[-1]
            joined[-1] = (before[0], max(before[1], end), before[2])
        else:
            joined.append((start, end, what))
    return joined
