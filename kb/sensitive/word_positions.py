"""Words of a text: those long enough to hold a secret, and where those that tell of one stand.

A word is found by the machine's own search, and a pattern is tried only there: that is what keeps
a long text without any of the words cheap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from kb.lazy_regex import regex

#: Fewer characters hold neither a key nor, encoded, ten digits.
SHORTEST = 15
_SHORTEST_DRAWN = 16
_SHORTEST_OF_SMALL = 32
_RUN = regex(r"[A-Za-z0-9]+")
#: Letters and digits as they are, all else spaces: what is left are the runs of a text.
_TO_RUNS = bytes(at if _RUN.fullmatch(chr(at)) and at < 128 else 32 for at in range(256))  # noqa: PLR2004 - ASCII


@lru_cache(maxsize=8)  # a text and what is decoded of it are looked through for several things
def long_words(text: str) -> tuple[str, ...]:
    """The words between white space that may hold a secret, in their order."""
    return tuple([word for word in text.split() if len(word) >= SHORTEST])


@lru_cache(maxsize=1)
def runs_of_long_words(text: str) -> tuple[str, set[bytes]]:
    """The long words of a text, each once, a line each; and their runs of letters and digits."""
    long = "\n".join(set(long_words(text)))
    return long, set(long.encode("utf-8", "surrogatepass").translate(_TO_RUNS).split())


@lru_cache(maxsize=1)
def drawn_runs(text: str) -> frozenset[str]:
    """The runs with letters and digits as keys have them: few texts have one.

    With small letters, capitals and digits; or long, with small letters and digits.
    """
    long = [run for run in runs_of_long_words(text)[1] if len(run) >= _SHORTEST_DRAWN]
    mixed = [run for run in long if not (run.isupper() or run.isalpha() or run.isdigit())]
    return frozenset(
        run.decode() for run in mixed if not run.islower() or len(run) >= _SHORTEST_OF_SMALL
    )


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
