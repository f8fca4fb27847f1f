"""Which secrets have a shape of their own? Well-known keys, by the literal every one of them has.

A text without the literal costs next to nothing: the beginnings of its words are read once, and a
format is looked for only where its literal may stand. Every repetition is bounded, so the time is
linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kb.sensitive.detection import Detection
from kb.sensitive.formats import Format, formats
from kb.sensitive.values import is_stand_in
from kb.sensitive.words import long_words

_HEAD = 3  # characters of a literal that rule out most formats
#: The first characters of each word, by which most literals are ruled out.
_HEADS = re.compile(r"(?<![A-Za-z0-9])(?=([A-Za-z0-9$]\S\S))")


def shaped_secrets(text: str) -> Iterator[Detection]:
    """The secrets with a shape of their own: they are told without what stands around them."""
    # A key has no spaces and is long, and a text has few such words: literals are looked for there.
    long = "\n".join(long_words(text))
    for shape in _candidates(text, long):
        for match in _matches(shape, text):
            if not is_stand_in(match[0].removeprefix(shape.literal)):
                yield Detection(shape.kind, match.start(), match.end())


def _matches(shape: Format, text: str) -> Iterator[re.Match[str]]:
    """The stretches of a text that have a shape, looked for from its literal on."""
    if not shape.begins_word:
        yield from shape.pattern.finditer(text)
        return
    at = text.find(shape.literal)
    while at >= 0:
        match = shape.pattern.match(text, at)
        if match:
            yield match
        at = text.find(shape.literal, match.end() if match else at + 1)


def _candidates(text: str, long: str) -> list[Format]:
    """The formats whose literal stands in a text, in the order of their list."""
    by_head, anywhere = _by_head()
    heads = by_head.keys() & _heads(long)
    found = [row for head in heads for row in by_head[head] if row[1].literal in long]
    found += [
        row for row in anywhere if row[1].literal in (text if " " in row[1].literal else long)
    ]
    return [shape for _, shape in sorted(found, key=lambda row: row[0])]


def _heads(long: str) -> set[str]:
    """The first characters of each word, whole and as short as the shortest literal."""
    whole = set(_HEADS.findall(long))
    return whole | {head[:2] for head in whole}


@lru_cache(maxsize=1)
def _by_head() -> tuple[dict[str, list[tuple[int, Format]]], list[tuple[int, Format]]]:
    """The formats with their place in the list, by the head of their literal, and those without."""
    by_head: dict[str, list[tuple[int, Format]]] = {}
    anywhere: list[tuple[int, Format]] = []
    for row in enumerate(formats()):
        literal = row[1].literal
        rows = by_head.setdefault(literal[:_HEAD], []) if row[1].begins_word else anywhere
        rows.append(row)
    return by_head, anywhere
