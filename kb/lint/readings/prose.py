"""The running text of a record: paragraphs, items and evidence values, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from kb.lazy_regex import regex
from kb.records.document import Document
from kb.records.markdown import Line

_STARTS_ANEW = regex(r"[ \t]*(?:[-*+][ \t]|\d{1,3}[.)][ \t]|\||#{1,6}(?:[ \t]|$))")
_ENDS_ITSELF = regex(r"[ \t]*(?:\||#{1,6}[ \t])")
_NAME = r"[*_`]{0,3}([A-Z][A-Z0-9_]{3,40})[*_`]{0,3}[ \t]*:"
_KEY = regex(r"[ \t]*(?:[-*+][ \t]+)?" + _NAME)
_KEY_WITHIN = regex(r"(?<![ \t])[ \t]*+(?:[-*+][ \t]++)?" + _NAME)
_BULLET = regex(r"^[ \t]*[-*+][ \t]+", re.MULTILINE)
_HEADING = regex(r" {0,3}#{1,6}[ \t]")
_QUOTATION = regex(r'"[^"\n]{0,300}"|“[^“”]{0,300}”|`[^`\n]{0,200}`|https?://[^\s)>\]]{1,500}')
_SENTENCE_END = regex(r"(?<=[.!?])[\"')\]*_]*\s+")
_MAX_LINE = 20_000  # longer lines are data, not prose
_MAX_LINES = 100  # no paragraph is longer; what is, is cut, so that places are found quickly


@dataclass(frozen=True, slots=True)
class ProsePassage:
    """One run of text: its lines joined by line feeds, as they stand in the file.

    `section` is the key of the section it stands in, `field` the evidence key it is the value of;
    both are empty where there is none. `subsection` counts the headings passed within the section.
    """

    text: str
    line: int
    section: str
    field: str
    subsection: int

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column, counted from 1, of a character of `text`."""
        before = self.text.rfind("\n", 0, offset) + 1
        return self.line + self.text.count("\n", 0, offset), offset - before + 1

    @property
    def own_words(self) -> str:
        """The text with quotations, code and addresses blanked out; offsets stay the same.

        They stay the same in lower case, too: a capital I with a dot would become two letters.
        """
        return _QUOTATION.sub(lambda match: "§" * len(match[0]), self.text).replace("İ", "I")


def sentences(text: str) -> list[str]:
    """The sentences of a text, without list marks and evidence keys."""
    plain = _BULLET.sub("", text)
    key = _KEY_WITHIN.search(plain)
    plain = plain[: key.start()] + plain[key.end() :] if key else plain
    return [part.strip() for part in _SENTENCE_END.split(plain) if part.strip()]


@lru_cache(maxsize=1)  # several rules ask in turn
def passages(document: Document) -> tuple[ProsePassage, ...]:
    """The running text of a document in order: no code, comments, quotations in block form."""
    return tuple(_passages(document))


def _passages(document: Document) -> Iterator[ProsePassage]:
    keys = {n: s.key or "" for s in document.sections for n in range(s.line, s.end_line + 1)}
    group: list[Line] = []
    subsection = 0
    for line in document.lines:
        is_text = _is_text(line)
        if group and (not is_text or len(group) >= _MAX_LINES or _starts_anew(line, group[-1])):
            yield _passage(group, keys.get(group[0].number, ""), subsection)
            group = []
        subsection += line.fence is None and bool(_HEADING.match(line.text))
        if is_text:
            group.append(line)
    if group:
        yield _passage(group, keys.get(group[0].number, ""), subsection)


def _is_text(line: Line) -> bool:
    if line.comment or line.is_mark or not line.text.strip() or len(line.text) > _MAX_LINE:
        return False
    if line.fence is not None:
        return line.fence.split()[:1] == ["evidence"]
    return not line.text.lstrip().startswith(">")


def _starts_anew(line: Line, before: Line) -> bool:
    if line.fence is not None:
        return not line.text[:1].isspace()
    return bool(
        _STARTS_ANEW.match(line.text) or _KEY.match(line.text) or _ENDS_ITSELF.match(before.text)
    )


def _passage(group: list[Line], section: str, subsection: int) -> ProsePassage:
    text = "\n".join(line.text for line in group)
    key = _KEY.match(text)
    return ProsePassage(text, group[0].number, section, key[1] if key else "", subsection)
