"""What stands in a text when its line breaks are taken out? Keys and numbers cut in two."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from itertools import pairwise

from kb.sensitive.detection import Detection

Find = Callable[[str], Iterator[Detection]]
_SHORTEST_KEY = 16
_ENDS_A_SENTENCE = frozenset({"", ".", ":", ",", ";", "!", "?", ")", '"', "`", "|", "*"})
_DIGITS = frozenset("0123456789")
#: An evidence line begins here: what stands above it ended there.
_EVIDENCE_KEY = re.compile(r"[A-Z]+(?:_[A-Z]+)*:")
_LONGEST_HALF = 300  # characters of a line that can be part of a key which goes on
#: A line break before a digit; the line below may be indented or quoted.
_BREAK_BEFORE_NUMBER = re.compile(r"\n[ \t>]*[0-9(]")
#: A line break with the indentation, quotation mark or backslash that belongs to it.
_BREAK = re.compile(r"\\?\r?\n[ \t>]*")


def keys_across_lines(text: str, find: Find) -> Iterator[Detection]:
    """What `find` sees only when the end of a line and the start of the next are one word."""
    words = "\n".join(_words_at_breaks(text))
    if words and next(find(words), None):
        yield from _across(text, find, "")


def numbers_across_lines(text: str, find: Find) -> Iterator[Detection]:
    """What `find` sees only when one line break is read as a space, between digits."""
    if any(_ends_in_digit(text, match.start()) for match in _BREAK_BEFORE_NUMBER.finditer(text)):
        yield from _across(text, find, " ")


def _ends_in_digit(text: str, end: int) -> bool:
    line = text[text.rfind("\n", 0, end) + 1 : end].rstrip(" \t\r")
    return line[-1:] in _DIGITS


def _words_at_breaks(text: str) -> Iterator[str]:
    """The words that would stand there without each break, where they are long enough for a key.

    A key cut twice is found where two of its three parts are long enough for its shape.
    """
    for line, following in pairwise(text.split("\n")):
        # Most lines end with a mark of their sentence; asking for it first is what costs least.
        if line[-1:] in _ENDS_A_SENTENCE or not following or _are_short(line, following):
            continue
        end = line.rstrip("\r\\")[-_LONGEST_HALF:].rsplit(None, 1)
        start = following[:_LONGEST_HALF].split(None, 2)
        start = start[1:] if start[:1] == [">"] else start
        if not end or not start or _EVIDENCE_KEY.fullmatch(start[0]):
            continue
        if len(end[-1]) + len(start[0]) >= _SHORTEST_KEY:
            yield end[-1] + start[0]


def _are_short(line: str, following: str) -> bool:
    """Whether the words at a break are too short for a key, by the spaces beside them alone."""
    if line[-1] in " \t\r\\" or following[0] in " \t>":
        return False
    space = following.find(" ")
    start = space if space >= 0 else len(following)
    return len(line) - line.rfind(" ") - 1 + start < _SHORTEST_KEY


def _across(text: str, find: Find, joint: str) -> Iterator[Detection]:
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
