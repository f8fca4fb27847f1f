"""What a reading made of each row of its source: used, repeated, or left out and why.

A row counts as left out until something of it is put to use, so none can vanish: whoever hands
rows out turns to each of them, and the builder of a run says what it took. An importer only says
why it passes over a row; one that says nothing is shown as having read nothing in it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """What became of a row."""

    USED = "used"
    REPEATED = "repeated"
    """All that it tells stands in another row too."""
    LEFT_OUT = "left out"


class RowVerdict(NamedTuple):
    """One row: its place, what became of it, and why it was left out."""

    where: str
    verdict: Verdict
    why: str = ""


UNREAD = "nothing in it is read"


class RowAccount:
    """The rows of a source in their order, each with what became of it."""

    def __init__(self) -> None:
        #: Place to a verdict, or to the reason why it was left out.
        self._rows: dict[str, str] = {}
        self._shares: dict[str, str] = {}
        self._at: str | None = None

    def turn_to(self, where: str) -> None:
        """What is said from here on is about this row; a new one counts as left out."""
        self._rows.setdefault(where, UNREAD)
        self._at = where

    def turn_away(self) -> None:
        """What is said from here on is about no row."""
        self._at = None

    def divide(self, *parts: str) -> None:
        """Count the parts of the row at hand instead of the row: messages of a list, say."""
        if self._at is not None:
            self._rows.pop(self._at, None)
        for part in parts:
            self._rows.setdefault(part, UNREAD)
        self._at = None

    def used(self) -> None:
        """Something of the row at hand is in a run."""
        if self._at is not None:
            self._rows[self._at] = Verdict.USED

    def repeated(self) -> None:
        """Something of the row at hand is in a run already."""
        if self._at is not None and self._rows[self._at] != Verdict.USED:
            self._rows[self._at] = Verdict.REPEATED

    def left_out(self, why: str) -> None:
        """Why nothing of the row at hand is in a run; the first reason counts."""
        if self._at is not None and self._rows[self._at] == UNREAD:
            self._rows[self._at] = why

    def withdraw(self, why: str) -> None:
        """Nothing of the row at hand is in a run after all."""
        if self._at is not None:
            self._rows[self._at] = why

    def share(self, where: str, fate_of: str) -> None:
        """A row has the fate of another: the end of an operation that of its beginning."""
        if where != fate_of:
            self._shares[where] = fate_of

    def verdicts(self) -> Iterator[RowVerdict]:
        """The rows in the order they were handed out."""
        for where, own in self._rows.items():
            told = self._rows.get(self._shares.get(where, where), own)
            if told in {Verdict.USED, Verdict.REPEATED}:
                yield RowVerdict(where, Verdict(told))
            else:
                yield RowVerdict(where, Verdict.LEFT_OUT, told)

    def counts(self) -> Counter[tuple[Verdict, str]]:
        """How many rows met each end; the sum is the number of rows."""
        return Counter((row.verdict, row.why) for row in self.verdicts())

    @property
    def unread(self) -> bool:
        """Whether nothing of any row was used."""
        return all(own != Verdict.USED for own in self._rows.values())


class NoAccount(RowAccount):
    """Keeps nothing, for a pass that nobody asks for its rows: memory does not grow with them."""

    def turn_to(self, where: str) -> None:
        """Nothing is kept."""

    def divide(self, *parts: str) -> None:
        """Nothing is kept."""

    def share(self, where: str, fate_of: str) -> None:
        """Nothing is kept."""
