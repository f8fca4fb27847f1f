"""What is left of a text without names? Products, companies and people become the word "it".

A rough rule on purpose: words with a capital inside a sentence, words with capitals or digits in
them, and addresses. If the answers stay good, names alone did not carry the match.
"""

from __future__ import annotations

import re

_NAME = re.compile(
    r"(?<![.!?:]\s)(?<!^)\b[A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*"  # capitals inside a sentence
    r"|\b\w*[a-z][A-Z]\w*\b"  # camelCase
    r"|\b(?=[\w.-]*[A-Za-z])(?=[\w.-]*\d)[\w.-]*\w"  # letters and digits: versions, models, hashes
    r"|\b[\w.-]+/[\w./-]+",  # repositories and paths
    re.MULTILINE,
)
_LONGEST = 200_000
#: Words that are written with capitals and name no one.
_COMMON = frozenset(
    {"I", "AI", "API", "APIs", "CI", "HTTP", "JSON", "LLM", "LLMs", "SQL", "URL", "UTC"}
)


def mask(text: str) -> str:
    """The text with what looks like a name replaced by `it`."""
    return _NAME.sub(lambda match: match[0] if match[0] in _COMMON else "it", text[:_LONGEST])
