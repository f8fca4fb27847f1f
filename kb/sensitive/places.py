"""Where words stand in a text, and the patterns that begin there.

A word is found by the machine's own search, and a pattern is tried only there: that is what keeps
a long text without any of the words cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator


def places(lower: str, names: Iterable[str]) -> list[int]:
    """Where the names stand in a text, in order."""
    found = []
    for name in names:
        at = lower.find(name)
        while at >= 0:
            found.append(at)
            at = lower.find(name, at + len(name))
    return sorted(found)


def matches_at(pattern: re.Pattern[str], text: str, starts: list[int]) -> Iterator[re.Match[str]]:
    """The matches that begin at one of the starts, none within another."""
    end = 0
    for at in starts:
        if at >= end and (match := pattern.match(text, at)):
            yield match
            end = match.end()
