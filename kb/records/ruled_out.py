"""What a root cause was not: `RULED_OUT: hypothesis — by which evidence`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

#: What stands between the two, the clearest first; a colon may be a part of either.
_BETWEEN = (" — ", " – ", " -- ", " - ", ": ")


class RuledOut(NamedTuple):
    """A hypothesis, and the evidence against it; empty where none is given."""

    hypothesis: str
    evidence: str


def ruled_out(values: Iterable[str]) -> tuple[RuledOut, ...]:
    """The values of `RULED_OUT` in their order, each told apart."""
    return tuple(_told_apart(" ".join(value.split())) for value in values)


def _told_apart(value: str) -> RuledOut:
    for sign in _BETWEEN:
        before, found, after = value.partition(sign)
        if found and before.strip() and after.strip():
            return RuledOut(before.strip(), after.strip())
    return RuledOut(value.strip(" —–-:"), "")
