"""Which sentences of a passage are worth showing? Those that speak of the same as another text."""

from __future__ import annotations

import re

from kb.search.bm25 import tokens
from kb.sentences import sentences

_PART = re.compile(r"(?<=;)\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def excerpt(text: str, other: str, most: int = 210) -> str:
    """At most `most` characters of a text, from the sentence nearest to the other text on.

    Control characters are dropped: what a record holds must not steer a terminal.
    """
    clean = " ".join(_CONTROL.sub(" ", text).split())
    parts = [part for sentence in sentences(clean) for part in _PART.split(sentence)] or [""]
    wanted = set(tokens(other))
    shared = [len(wanted & set(tokens(part))) for part in parts]
    start = shared.index(max(shared))
    shown = " ".join(parts[start:])
    lead = "… " if start else ""
    if len(lead + shown) <= most:
        return lead + shown
    cut = shown[: most - len(lead) - 2].rsplit(" ", 1)[0]
    return f"{lead}{cut.rstrip(',;:')} …"
