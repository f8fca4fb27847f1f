"""Calls without an answer, known results and calls by arguments, each found in constant time."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any, cast

from kb.traces.canonical_json import digest
from kb.traces.normalize.chat_message import PartKey, ToolResult, call_key
from kb.traces.run import Step, ToolCall

#: Stands for every tool; the empty name is that of a call whose tool was not told.
_ANY = None
_NONE: deque[int] = deque()


class PendingCalls:
    """The calls that have no answer yet, by their tool, first asked first."""

    def __init__(self) -> None:
        #: Steps to their tools, in the order they were asked.
        self._tools: dict[int, str] = {}
        #: The steps of each tool, those that are answered by now among them.
        self._of_tool: dict[str | None, deque[int]] = {}
        self._new: list[int] = []

    def add(self, step: int, tool: str) -> None:
        """A call begins to wait."""
        self._tools[step] = tool
        self._new.append(step)

    def remove(self, step: int) -> None:
        """A call was answered; nothing happens for one that did not wait."""
        self._tools.pop(step, None)

    def first(self, tool: str) -> int | None:
        """The call of a tool that has waited longest, of any for an empty name."""
        self._sort()
        waiting = self._of_tool.get(tool or _ANY, _NONE)
        while waiting and waiting[0] not in self._tools:
            waiting.popleft()
        return waiting[0] if waiting else None

    def _sort(self) -> None:
        """Sort what is new by tools: only an answer that names no call asks for that."""
        for step in self._new:
            tool = self._tools.get(step)
            for name in () if tool is None else (_ANY, tool):
                self._of_tool.setdefault(name, deque()).append(step)
        self._new = []


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


class CallsByArguments:
    """The calls of a run by tool and arguments, and which of them were told from one end only.

    The one end is the message that asked for a call, the other the span that ran it. Keys are made
    only once a call is looked for: of most traces nothing is.
    """

    def __init__(self) -> None:
        self.count = 0
        self._new: list[tuple[int, str, Any]] = []
        self._all: dict[PartKey, list[int]] = {}
        self._asked: set[int] = set()
        self._executed: set[int] = set()
        self._one_ended: dict[bool, dict[PartKey, OrderedDict[int, None]]] = {True: {}, False: {}}

    def add(self, step: int, call: ToolCall, *, executed: bool) -> None:
        """A new call, asked for by a message, or executed by a span."""
        self.count += 1
        (self._executed if executed else self._asked).add(step)
        self._new.append((step, call.tool, call.arguments))

    @property
    def are_all_asked(self) -> bool:
        """Whether no span ran any of them."""
        return not self._executed

    def is_asked(self, step: int) -> bool:
        """Whether a message asked for the call."""
        return step in self._asked

    def is_executed(self, step: int) -> bool:
        """Whether a span ran the call."""
        return step in self._executed

    def equal(self, tool: str, arguments: Any) -> list[int]:
        """All calls of a tool with equal arguments, first told first."""
        self._look()
        return self._all.get(call_key(tool, arguments), [])

    def one_ended(self, tool: str, arguments: Any, *, executed: bool) -> Iterable[int]:
        """Those of them that were executed, or asked for, and not told from the other end."""
        if not (self._executed if executed else self._asked):
            return ()
        self._look()
        return self._one_ended[executed].get(call_key(tool, arguments), ())

    def told(self, step: int, call: ToolCall, *, executed: bool) -> None:
        """A call, as it was known, is now told from this end too."""
        self._look()
        (self._executed if executed else self._asked).add(step)
        key = call_key(call.tool, call.arguments)
        for one_ended in self._one_ended.values():
            if key in one_ended:
                one_ended[key].pop(step, None)

    def _look(self) -> None:
        for step, tool, arguments in self._new:
            key = call_key(tool, arguments)
            self._all.setdefault(key, []).append(step)
            self._one_ended[step in self._executed].setdefault(key, OrderedDict())[step] = None
        self._new = []
