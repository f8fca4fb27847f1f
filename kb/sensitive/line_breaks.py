"""Text with its line breaks taken out, for keys and numbers that were cut in two."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

from kb.lazy_regex import regex
from kb.sensitive.secrets.randomness import Detection

Find = Callable[[str], Iterator[Detection]]
_SHORTEST_KEY = 16
_DIGITS = frozenset("0123456789")
#: A line break that may stand within a key, and the word below it, which may be indented or quoted.
#: No key goes on behind a mark that ends a sentence, nor in the key of an evidence line; and of its
#: two halves one is half as long as the shortest key, unless there are spaces between them.
_BREAK_IN_KEY = regex(
    r"\n(?<![\n.:,;!?)\"`|*]\n)"
    r"(?:(?<=\S{8}\n)|(?=\S{8})|(?<=[\s\\]\n)|(?=[ \t>]))"
    r"[^\S\n]*+(?:>[^\S\n]+)?+(?![A-Z]+(?:_[A-Z]+)*:(?!\S))(\S{1,300})"
)
_LONGEST_HALF = 300  # characters of a line that can be part of a key which goes on
#: A line break before a digit; the line below may be indented or quoted.
_BREAK_BEFORE_NUMBER = regex(r"\n[ \t>]*[0-9(]")
#: A line break with the indentation, quotation mark or backslash that belongs to it.
_BREAK = regex(r"\\?\r?\n[ \t>]*")


def keys_across_lines(text: str, find: Find) -> Iterator[Detection]:
    """What `find` sees only when the end of a line and the start of the next are one word."""
    words = "\n".join(_words_at_breaks(text))
    if words and next(find(words), None):
        yield from _find_across(text, find, "")


def numbers_across_lines(text: str, find: Find) -> Iterator[Detection]:
    """What `find` sees only when one line break is read as a space, between digits."""
    if any(_ends_in_digit(text, match.start()) for match in _BREAK_BEFORE_NUMBER.finditer(text)):
        yield from _find_across(text, find, " ")


def _ends_in_digit(text: str, end: int) -> bool:
    line = text[text.rfind("\n", 0, end) + 1 : end].rstrip(" \t\r")
    return line[-1:] in _DIGITS


def _words_at_breaks(text: str) -> Iterator[str]:
    """The words that would stand there without each break, where they are long enough for a key.

    A key cut twice is found where two of its three parts are long enough for its shape.
    """
    for match in _BREAK_IN_KEY.finditer(text):
        above = text[max(0, match.start() - _LONGEST_HALF) : match.start()].rpartition("\n")[2]
        half = above.rstrip("\r\\").rsplit(None, 1)[-1:]
        if half and len(half[0]) + len(match[1]) >= _SHORTEST_KEY:
            yield half[0] + match[1]


def _find_across(text: str, find: Find, joint: str) -> Iterator[Detection]:
    folded, starts, origins = _fold(text, joint)
    for found in find(folded):
        first = bisect_right(starts, found.start) - 1
        last = bisect_right(starts, found.end - 1) - 1
        # Columns of numbers are no card number: a number is cut once.
        if last > first and (not joint or last == first + 1):
            start = origins[first] + found.start - starts[first]
            yield Detection(found.kind, start, origins[last] + found.end - starts[last])


def _fold(text: str, joint: str) -> tuple[str, list[int], list[int]]:
    """The joined text, and where each of its lines starts in it and in the original."""
    parts, starts, origins, at, folded_at = [], [0], [0], 0, 0
    for match in _BREAK.finditer(text):
        part = text[at : match.start()]
        parts.append(part)
        at, folded_at = match.end(), folded_at + len(part) + len(joint)
        starts.append(folded_at)
        origins.append(at)
    parts.append(text[at:])
    return joint.join(parts), starts, origins
