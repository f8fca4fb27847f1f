"""Patterns in which `*` stands for anything and `|` for or, case ignored; no regular expressions.

The hook imports this before every call of a tool: `re` alone would cost it a fifth of its time.
Each part of a pattern is looked for once, behind the one before, so the work is linear.
"""

from __future__ import annotations


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text is like the pattern, or one of those between `|`."""
    text = text.casefold()
    return any(_is_like(one, text) for one in pattern.casefold().split("|"))


def _is_like(pattern: str, text: str) -> bool:
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *between, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for part in between:
        found = text.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def longest_part(pattern: str) -> str:
    """The longest text that whatever is like the pattern must hold, in small letters."""
    if "|" in pattern:
        return ""
    return max(pattern.casefold().split("*"), key=len)
