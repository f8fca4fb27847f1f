"""Finds calls again in steps that do not grow with the run: those that wait, and known results."""

from __future__ import annotations

from collections import OrderedDict
from heapq import heappop, heappush
from typing import cast

from kb.traces.canonical_json import digest
from kb.traces.normalize.chat_message import ToolResult
from kb.traces.run import Step, ToolCall

#: Stands for every tool; the empty name is that of a call whose tool was not told.
_ANY = None


class WaitingCalls:
    """The calls that have no answer yet, by their tool, first asked first."""

    def __init__(self) -> None:
        self._of_tool: dict[str | None, OrderedDict[int, None]] = {}
        self._tools: dict[int, str] = {}

    def add(self, step: int, tool: str) -> None:
        """A call begins to wait."""
        self._tools[step] = tool
        for name in (_ANY, tool):
            self._of_tool.setdefault(name, OrderedDict())[step] = None

    def remove(self, step: int) -> None:
        """A call was answered; nothing happens for one that did not wait."""
        for name in (_ANY, self._tools.pop(step, _ANY)):
            self._of_tool.get(name, OrderedDict[int, None]()).pop(step, None)

    def first(self, tool: str) -> int | None:
        """The call of a tool that has waited longest, of any for an empty name."""
        return next(iter(self._of_tool.get(tool or _ANY, ())), None)


class KnownResults:
    """Which results are told already, for answers that name no call.

    Results are looked at only once such an answer comes: most traces have none.
    """

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps  # not the builder that has them: what holds itself is freed late
        self._new: list[int] = []
        self._results: dict[str | None, set[str]] = {}
        self._brought: dict[str | None, list[int]] = {}
        self._told_twice: set[int] = set()

    def told(self, step: int) -> None:
        """What is known of a call has changed."""
        self._new.append(step)

    def executed(self, step: int, tool: str) -> None:
        """A span ran the call, and brought its result."""
        for name in (_ANY, tool):
            heappush(self._brought.setdefault(name, []), step)

    def has(self, answer: ToolResult) -> bool:
        """Whether an answer that names no call repeats one that is known.

        It has the same result, or is the second telling of one that a span brought: messages and
        spans often write the same result in two ways.
        """
        self._look()
        names = (answer.tool, "") if answer.tool else (_ANY,)
        key = digest(answer.result)
        if any(key in self._results.get(name, ()) for name in names):
            return True
        first = self._first_brought(names)
        if first is None or not self._call_at(first).is_answered:
            return False
        self._told_twice.add(first)
        return True

    def _call_at(self, step: int) -> ToolCall:
        return cast("ToolCall", self._steps[step])

    def _look(self) -> None:
        for step in self._new:
            call = self._call_at(step)
            if call.is_answered:
                key = digest(call.result)
                for name in (_ANY, call.tool):
                    self._results.setdefault(name, set()).add(key)
        self._new = []

    def _first_brought(self, names: tuple[str | None, ...]) -> int | None:
        found: list[int] = []
        for name in names:
            steps = self._brought.get(name, [])
            while steps and steps[0] in self._told_twice:
                heappop(steps)
            found += steps[:1]
        return min(found, default=None)
