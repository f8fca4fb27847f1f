"""Which call does an id mean? Some models give an id twice, and every request repeats the ids."""

from __future__ import annotations

import dataclasses

from kb.traces.normalize.chat_message import Said


class Ids:
    """The calls of a tape by the ids they were told under; calls are numbers of steps."""

    def __init__(self) -> None:
        self._latest: dict[str, int] = {}
        self._given_again: dict[str, list[int]] = {}

    def latest(self, call_id: str) -> int | None:
        """The call that was given an id last."""
        return self._latest.get(call_id)

    def all(self, call_id: str) -> list[int]:
        """The calls that were given an id, in that order."""
        only = self._latest.get(call_id)
        return self._given_again.get(call_id) or ([] if only is None else [only])

    def give(self, call_id: str, call: int) -> None:
        """A new call has this id; an answer that names it from now on is the answer of this one."""
        if call_id in self._latest:
            self._given_again[call_id] = [*self.all(call_id), call]
        self._latest[call_id] = call

    def know(self, call_id: str, call: int) -> None:
        """A known call goes by this id too; ids that are given already stay."""
        self._latest.setdefault(call_id, call)

    def free(self, number: int) -> str:
        """An id that nobody has: `call-N` with N from that number on."""
        while f"call-{number}" in self._latest:
            number += 1
        return f"call-{number}"


class Askings:
    """One list of messages while it is read, and which asking of its id each call is.

    An id that is asked for again after it was answered in that list stands for a further call.
    Two lists of one run tell the same calls, and the n-th of an id is the same one in both.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()
        self._numbers: dict[str, int] = {}

    def numbered(self, said: Said) -> Said:
        """The message with `nth` set in its calls; messages are given in their order."""
        calls = []
        for asked in said.calls:
            if asked.id in self._answered:
                self._answered.remove(asked.id)
                self._numbers[asked.id] = self._numbers.get(asked.id, 1) + 1
            calls.append(dataclasses.replace(asked, nth=self._numbers.get(asked.id, 1)))
        self._answered.update(answer.call_id for answer in said.answers if answer.call_id)
        return dataclasses.replace(said, calls=tuple(calls)) if calls else said
