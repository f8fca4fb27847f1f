"""One value that is derived from a text, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DerivedFact:
    """One value and where it came from; `value` is empty where it is unknown, `source` says why.

    `word` is what stands there in the team's own scale, in small letters, empty for none;
    `stands_in` says that nothing names the value, and the source is the nearest thing to it.
    `proposal` is the likeliest value of one that is unknown, for a person to judge.
    """

    key: str
    value: str
    source: str
    word: str = ""
    stands_in: bool = False
    proposal: str = ""
