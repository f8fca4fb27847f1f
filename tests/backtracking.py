"""How much work is a regular expression? Steps of a backtracking matcher, counted: no clock.

The matcher follows CPython's rules over the tree of its own parser, without its shortcuts. A
repeat with an upper bound counts as a constant; what is looked for is work that grows faster than
the text.
"""

from __future__ import annotations

import re
import re._constants as c
import re._parser as parser
from collections.abc import Iterator
from typing import Any

#: Steps a character that are allowed at least: long texts of several words take some at each.
_A_CHARACTER = 100
_BOUND = 3  # times more than its least that a bounded repeat is tried
_SAMPLES = "a0A 9-._/:\t\n([\"'*`x~#>,|<é_§"
_CLASSES = {
    c.CATEGORY_DIGIT: r"\d",
    c.CATEGORY_NOT_DIGIT: r"\D",
    c.CATEGORY_SPACE: r"\s",
    c.CATEGORY_NOT_SPACE: r"\S",
    c.CATEGORY_WORD: r"\w",
    c.CATEGORY_NOT_WORD: r"\W",
}
_REPEATS = (c.MAX_REPEAT, c.MIN_REPEAT, c.POSSESSIVE_REPEAT)


class TooMuchWorkError(Exception):
    """More steps than were allowed."""


class Matcher:
    """A pattern that counts its steps."""

    def __init__(self, pattern: str, flags: int, most: int = 20_000) -> None:
        tree = parser.parse(pattern, flags)
        self.tree, self.flags = list(tree), flags | tree.state.flags
        self.steps, self._least_most, self.most = 0, most, most
        self.text = ""
        self.groups: dict[int, str] = {}
        self._taken: dict[tuple[int, str], bool] = {}

    def work(self, text: str, *, anchored: bool) -> int:
        """The steps of `match`, or of `finditer` over the whole text."""
        self.text = text.lower() if self.flags & re.IGNORECASE else text
        self.steps, at = 0, 0
        self.most = max(self._least_most, _A_CHARACTER * len(text))
        self.groups.clear()
        while at <= len(text):
            end = next(self._run(self.tree, at), None)
            if anchored:
                break
            at = at + 1 if end is None or end == at else end
        return self.steps

    def _run(self, nodes: list[Any], at: int) -> Iterator[int]:
        if not nodes:
            yield at
            return
        for end in self._node(nodes[0], at):
            yield from self._run(nodes[1:], end)

    def _node(self, node: Any, at: int) -> Iterator[int]:  # noqa: PLR0912 - one case a node
        self.steps += 1
        if self.steps > self.most:
            raise TooMuchWorkError
        op, value = node
        if op in _REPEATS:
            yield from self._repeat(op, value, at)
        elif op is c.SUBPATTERN:
            for end in self._run(list(value[3]), at):
                self.groups[value[0]] = self.text[at:end]
                yield end
        elif op is c.BRANCH:
            for branch in value[1]:
                yield from self._run(list(branch), at)
        elif op is c.ATOMIC_GROUP:
            yield from self._first(list(value), at)
        elif op in (c.ASSERT, c.ASSERT_NOT):
            if self._looks(value, at) == (op is c.ASSERT):
                yield at
        elif op is c.AT:
            if self._is_at(value, at):
                yield at
        elif op is c.GROUPREF:
            if self.text.startswith(group := self.groups.get(value, ""), at):
                yield at + len(group)
        elif at < len(self.text) and self._takes_once(node, self.text[at]):
            yield at + 1

    def _first(self, nodes: list[Any], at: int) -> Iterator[int]:
        end = next(self._run(nodes, at), None)
        if end is not None:
            yield end

    def _looks(self, value: Any, at: int) -> bool:
        direction, nodes = value
        if direction > 0:
            return next(self._run(list(nodes), at), None) is not None
        start = at - nodes.getwidth()[0]
        return start >= 0 and at in self._run(list(nodes), start)

    def _repeat(self, op: Any, value: Any, at: int) -> Iterator[int]:
        least, most, body = value
        most = len(self.text) + 1 if most is c.MAXREPEAT else min(most, least + _BOUND)
        ends = [at]
        body = list(body)
        if (
            op is c.MIN_REPEAT
            or len(body) != 1
            or body[0][0] in (*_REPEATS, c.SUBPATTERN, c.BRANCH)
        ):
            found = self._each(body, at, least, most, lazy=op is c.MIN_REPEAT)
            if op is c.POSSESSIVE_REPEAT:
                found = iter([end] if (end := next(found, None)) is not None else [])
            yield from found
            return
        while len(ends) <= most and (end := next(self._node(body[0], ends[-1]), None)) is not None:
            ends.append(end)
        if len(ends) > least:
            yield from ends[-1:] if op is c.POSSESSIVE_REPEAT else reversed(ends[least:])

    def _each(
        self, body: list[Any], at: int, least: int, most: int, *, lazy: bool
    ) -> Iterator[int]:
        if lazy and least <= 0:
            yield at
        if most > 0:
            for end in self._run(body, at):
                if end > at:
                    yield from self._each(body, end, least - 1, most - 1, lazy=lazy)
        if not lazy and least <= 0:
            yield at

    def _takes_once(self, node: Any, character: str) -> bool:
        """`_takes`, asked once: the nodes are those of the tree, which lives as long as this."""
        key = (id(node), character)
        if key not in self._taken:
            self._taken[key] = self._takes(node, character)
        return self._taken[key]

    def _takes(self, node: Any, character: str) -> bool:
        op, value = node
        if op is c.LITERAL:
            return self._same(value, character)
        if op is c.NOT_LITERAL:
            return not self._same(value, character)
        if op is c.ANY:
            return character != "\n" or bool(self.flags & re.DOTALL)
        negated = bool(value) and value[0][0] is c.NEGATE
        return any(self._is_in(item, character) for item in value[negated:]) != negated

    def _same(self, code: int, character: str) -> bool:
        other = chr(code)
        return (other.lower() if self.flags & re.IGNORECASE else other) == character

    def _is_in(self, item: Any, character: str) -> bool:
        op, value = item
        if op is c.LITERAL:
            return self._same(value, character)
        if op is c.RANGE:
            both = {character, character.upper()} if self.flags & re.IGNORECASE else {character}
            return any(value[0] <= ord(one) <= value[1] for one in both if len(one) == 1)
        return bool(re.match(_CLASSES[value], character))

    def _is_at(self, value: Any, at: int) -> bool:
        text, end = self.text, len(self.text)
        if value in (c.AT_BEGINNING, c.AT_BEGINNING_STRING):
            several = value is c.AT_BEGINNING and self.flags & re.MULTILINE
            return at == 0 or bool(several and text[at - 1] == "\n")
        if value is c.AT_END_STRING:
            return at == end
        if value is c.AT_END:
            last = at == end or (at == end - 1 and text[at] == "\n")
            return last or bool(self.flags & re.MULTILINE and text[at] == "\n")
        before = at > 0 and bool(re.match(r"\w", text[at - 1]))
        after = at < end and bool(re.match(r"\w", text[at]))
        return (before != after) == (value is c.AT_BOUNDARY)


def attacks(matcher: Matcher) -> set[tuple[str, str]]:
    """A beginning and what to repeat behind it, for every repeat without an upper bound."""
    found: set[tuple[str, str]] = set()
    _collect(matcher, matcher.tree, "", found)
    return found


def _collect(matcher: Matcher, nodes: Any, before: str, found: set[tuple[str, str]]) -> None:
    for op, value in nodes:
        if op in _REPEATS:
            if value[1] is c.MAXREPEAT:
                for pump in _pumps(matcher, list(value[2])):
                    found |= {(before, pump), ("", pump), ("", before + pump)}
            _collect(matcher, value[2], before, found)
        elif op in (c.SUBPATTERN, c.ASSERT, c.ASSERT_NOT):
            _collect(matcher, value[-1], before, found)
        elif op is c.ATOMIC_GROUP:
            _collect(matcher, value, before, found)
        elif op is c.BRANCH:
            for branch in value[1]:
                _collect(matcher, branch, before, found)
        before += _least(matcher, [(op, value)])


def _pumps(matcher: Matcher, body: list[Any]) -> list[str]:
    if len(body) == 1 and body[0][0] in (c.IN, c.ANY, c.NOT_LITERAL):
        return _samples(matcher, body[0])[:3]
    return [text] if (text := _least(matcher, body)) else []


def _samples(matcher: Matcher, node: Any) -> list[str]:
    near = [one for one in _SAMPLES if matcher._takes(node, one)]
    return near or [chr(code) for code in range(0x3000) if matcher._takes(node, chr(code))][:1]


def _least(matcher: Matcher, nodes: Any) -> str:
    """A shortest text that the nodes take, boundaries and looks apart."""
    parts = []
    for op, value in nodes:
        if op is c.LITERAL:
            parts.append(chr(value))
        elif op in (c.IN, c.ANY, c.NOT_LITERAL):
            parts += _samples(matcher, (op, value))[:1]
        elif op in _REPEATS:
            parts.append(_least(matcher, value[2]) * value[0])
        elif op is c.SUBPATTERN:
            parts.append(_least(matcher, value[3]))
        elif op is c.ATOMIC_GROUP:
            parts.append(_least(matcher, value))
        elif op is c.BRANCH:
            parts.append(_least(matcher, value[1][0]))
    return "".join(parts)


def growing(pattern: str, flags: int, *, anchored: bool, size: int = 24) -> tuple[str, str] | None:
    """A beginning and a pump that make twice the text more than thrice the work; None for none."""
    matcher = Matcher(pattern, flags)
    for before, pump in sorted(attacks(matcher)):
        for behind in ("", "\0"):
            once, twice = (
                _steps(matcher, before + pump * n + behind, anchored=anchored)
                for n in (size, 2 * size)
            )
            if twice > 3 * once or once == float("inf"):
                return before, pump
    return None


def _steps(matcher: Matcher, text: str, *, anchored: bool) -> float:
    try:
        return matcher.work(text, anchored=anchored)
    except (TooMuchWorkError, RecursionError):
        return float("inf")
