"""What is left of a text without names? Products, companies and people become the word "it".

A rough rule on purpose: words with a capital inside a sentence, words with capitals or digits in
them, and addresses. If the answers stay good, names alone did not carry the match.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from kb.search.bm25 import written_words

_NAME = re.compile(
    r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*"  # capitals inside a sentence
    r"|\b\w*[a-z][A-Z]\w*\b"  # camelCase
    r"|\b(?=[\w.-]*[A-Za-z])(?=[\w.-]*\d)[\w.-]*\w"  # letters and digits: versions, models, hashes
    r"|\b[\w.-]+/[\w./-]+",  # repositories and paths
    re.MULTILINE,
)
_LONGEST = 200_000
#: A word with a capital at the beginning of a sentence, and inside one; a word without.
_FIRST = re.compile(r"(?:(?<=[.!?:]\s)|^)[A-Z][\w’'-]*", re.MULTILINE)
_INSIDE = re.compile(r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w’'-]*", re.MULTILINE)
_SMALL = re.compile(r"\b[a-z][\w’'-]*")
#: Words that are written with capitals and name no one.
_COMMON = frozenset(
    {"I", "AI", "API", "APIs", "CI", "HTTP", "JSON", "LLM", "LLMs", "SQL", "URL", "UTC"}
)


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """Words of some texts that are names wherever they stand, a sentence's beginning included.

    A capital says nothing there. Such a word is a name if the texts write it with one inside
    sentences more often than without, or never without.
    """
    inside, small, first = Counter[str](), Counter[str](), set[str]()
    for text in texts:
        inside.update(_INSIDE.findall(text[:_LONGEST]))
        small.update(_SMALL.findall(text[:_LONGEST]))
        first.update(word for word in _FIRST.findall(text[:_LONGEST]) if written_words(word))
    names = {word for word in first if inside[word] > small[word.lower()]}
    return frozenset(names | {word for word in first if not small[word.lower()]}) - _COMMON


def mask(text: str, names: frozenset[str] = frozenset()) -> str:
    """The text with what looks like a name replaced by `it`; `names` at a sentence's beginning."""
    text = _FIRST.sub(lambda match: "it" if match[0] in names else match[0], text[:_LONGEST])
    return _NAME.sub(lambda match: match[0] if match[0] in _COMMON else "it", text)
