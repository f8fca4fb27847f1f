"""Outcome asserts over what an agent attempted: JSONPath, an operator, a value.

Paths look into one object: `calls` (what ran before the freeze, then what was attempted),
`attempted`, `writes` (the attempted ones that do not only read), `said`, and `text`, the last
words.
`count` takes a number, or `[low, high]` with null for no limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

from kb.errors import KbError
from kb.traces.replay.tool_answers import Attempt
from kb.traces.run import OutcomeAssert, Run, ToolCall

if TYPE_CHECKING:
    from jsonpath_rfc9535 import JSONPathEnvironment, JSONPathQuery

ROOT_KEYS = ("calls", "attempted", "writes", "said", "text")
CALL_KEYS = ("tool", "arguments", "outcome", "when")
_LISTS_OF_CALLS = frozenset({"calls", "attempted", "writes"})
_MAX_PATH = 2_000
#: `[0,0]` finds everything below it twice, thirty of them a thousand million times.
_MAX_WAYS = 32


@cache
def environment() -> JSONPathEnvironment:
    """RFC 9535 without `match` and `search`: patterns inside a path have no time limit."""
    from jsonpath_rfc9535 import JSONPathEnvironment

    made = JSONPathEnvironment()
    for name in ("match", "search"):
        made.function_extensions.pop(name, None)
    return made


def check_path(path: str) -> None:
    """Nothing, or ValueError: a path may cost little only, and names keys that there are."""
    # `$..*..*..*` visits every part of every part of every part.
    if len(path) > _MAX_PATH or path.count("..") > 1:
        raise ValueError(f"a path has at most {_MAX_PATH:,} characters, and '..' once")
    query = environment().compile(path)
    _check_cost(query)
    _check_query(query)


def _check_cost(query: JSONPathQuery) -> None:
    """Nothing, or ValueError: each value is visited few times, also by the paths within filters.

    A filter is asked once a value; a path from the root that looks through all calls in it, with
    another such filter within, takes as many steps as there are calls to the power of their depth.
    """
    if prod(max(len(segment.selectors), 1) for segment in query.segments) > _MAX_WAYS:
        raise ValueError(f"a path lists at most {_MAX_WAYS} ways to one value")
    for segment in query.segments:
        for inner, is_root in _inner_queries(segment.selectors):
            if is_root and not inner.singular_query():
                raise ValueError("a path from the root within a filter names one value")
            _check_cost(inner)


def _check_query(query: JSONPathQuery) -> None:
    """The keys of a path from the root, and of all paths within its filters."""
    names = _names(query, 0)
    if not names:
        raise ValueError(f"a path begins with $ and one of {', '.join(ROOT_KEYS)}")
    for name in names:
        _check_name(name, ROOT_KEYS)
    is_calls = set(names) <= _LISTS_OF_CALLS
    for name in _names(query, 2) if is_calls else ():
        _check_name(name, CALL_KEYS)
    for number, segment in enumerate(query.segments):
        for inner, is_root in _inner_queries(segment.selectors):
            if is_root:
                _check_query(inner)
            elif is_calls and number == 1:
                for name in _names(inner, 0):
                    _check_name(name, CALL_KEYS)


def _names(query: JSONPathQuery, place: int) -> list[str]:
    """The keys that the segment at a place selects; none where it selects by anything else."""
    from jsonpath_rfc9535.segments import JSONPathChildSegment
    from jsonpath_rfc9535.selectors import NameSelector

    segments = tuple(query.segments)
    if any(not isinstance(each, JSONPathChildSegment) for each in segments[: place + 1]):
        return []
    selectors = segments[place].selectors if place < len(segments) else ()
    names = [each.name for each in selectors if isinstance(each, NameSelector)]
    return names if len(names) == len(selectors) else []


def _check_name(name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        near = get_close_matches(name, known, 1)
        meant = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
        raise ValueError(f"nothing has the key '{name}'; {meant}")


def _inner_queries(parts: Any) -> Iterator[tuple[JSONPathQuery, bool]]:
    """The paths within filters, and whether each begins at the root."""
    from jsonpath_rfc9535.filter_expressions import FilterQuery, RootFilterQuery
    from jsonpath_rfc9535.selectors import FilterSelector

    for part in parts:
        if isinstance(part, FilterQuery):
            yield part.query, isinstance(part, RootFilterQuery)
        elif isinstance(part, FilterSelector):
            yield from _inner_queries([part.expression])
        else:
            named = (getattr(part, name, None) for name in ("expression", "left", "right"))
            below = [each for each in named if each is not None]
            yield from _inner_queries([*below, *getattr(part, "args", ())])


_PATTERN_SECONDS = 1.0
_LIMITS = 2
_MAX_PATTERN = 2_000
#: A million repeats take 290 MB to compile.
_MAX_REPEATS = 100_000

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": lambda seen, value: seen < value,
    "<=": lambda seen, value: seen <= value,
    ">": lambda seen, value: seen > value,
    ">=": lambda seen, value: seen >= value,
    "contains": lambda seen, value: value in seen,
}


@dataclass(frozen=True)
class AssertResult:
    """One assert judged.

    `is_final` says that nothing the agent could still do would make a broken one hold.
    """

    claim: str
    holds: bool
    seen: str
    is_final: bool = False


def world(run: Run, attempts: Sequence[Attempt], parts: Sequence[str], text: str) -> dict[str, Any]:
    """The object that asserts look into."""
    before = [step for step in run.steps[: run.state.freeze_step] if isinstance(step, ToolCall)]
    attempted = [_attempted(attempt) for attempt in attempts]
    writes = [a for a, attempt in zip(attempted, attempts, strict=True) if attempt.effect.is_write]
    return {
        "calls": [_ran(call) for call in before] + attempted,
        "attempted": attempted,
        "writes": writes,
        "said": list(parts),
        "text": text,
    }


def is_vacuous(run: Run) -> bool:
    """Whether all asserts hold for an agent that does nothing and says nothing."""
    idle = world(run, (), (), "")
    return all(evaluate_assert(each, idle).holds for each in run.asserts)


def check_asserts(asserts: Iterable[OutcomeAssert]) -> None:
    """Nothing, or a `KbError` for a path, key, pattern or value that cannot be judged."""
    import regex  # type: ignore[import-untyped]
    from jsonpath_rfc9535 import JSONPathError

    for each in asserts:
        try:
            check_path(each.path)
            if each.operator == "matches":
                _check_repeats(str(each.value))
                regex.compile(str(each.value))
            if each.operator == "count":
                _limits(each.value)
        except (JSONPathError, regex.error, ValueError, RecursionError) as error:
            raise KbError(
                f"the assert “{each.claim}” cannot be judged: {error}",
                where="kb.asserts",
                todo='A path reads $.writes[?@.tool == "charge"]; see docs/replay.md.',
            ) from error


def _check_repeats(pattern: str) -> None:
    """Nothing, or ValueError for `(a{9999}){9999}`, which is written out when it is compiled."""
    if len(pattern) > _MAX_PATTERN:
        raise ValueError(f"a pattern has at most {_MAX_PATTERN:,} characters")
    counts = re.findall(r"(\d+)\s*,?\s*\}", pattern)
    if prod(max(int(count), 1) for count in counts) > _MAX_REPEATS:
        raise ValueError(
            f"a pattern repeats at most {_MAX_REPEATS:,} times, its numbers in braces multiplied"
        )


def evaluate_assert(each: OutcomeAssert, seen_world: dict[str, Any]) -> AssertResult:
    """Whether an assert holds, and what was seen at its path. Raises `KbError`."""
    values = _values(each, seen_world)
    holds = _holds(each, values)
    seen = f"{len(values)} found" if each.operator == "count" else _shown_values(values)
    return AssertResult(each.claim, holds, seen, not holds and _is_final(each, values))


def _values(each: OutcomeAssert, seen_world: dict[str, Any]) -> Sequence[Any]:
    """What is at the path of an assert; `..` goes down a hundred levels, and no further."""
    from jsonpath_rfc9535 import JSONPathError

    try:
        return environment().compile(each.path).find(seen_world).values()
    except (JSONPathError, RecursionError) as error:
        raise KbError(
            f"the assert “{each.claim}” cannot be judged: {error}", where="kb.asserts"
        ) from error


def _holds(each: OutcomeAssert, values: Sequence[Any]) -> bool:
    if each.operator == "count":
        low, high = _limits(each.value)
        return low <= len(values) <= high
    if each.operator == "exists":
        return bool(values) is (each.value is not False)
    if each.operator == "!=":
        return all(value != each.value for value in values)
    return bool(values) and all(_compared(each, value) for value in values)


def _compared(each: OutcomeAssert, seen: Any) -> bool:
    if each.operator == "==":
        return bool(seen == each.value)
    if each.operator == "matches":
        return _matches(str(each.value), seen)
    try:
        return bool(_COMPARE[each.operator](seen, each.value))
    except TypeError:  # of another type: 3 < "a", 3 in "a", [] in {}
        return False


def _matches(pattern: str, seen: Any) -> bool:
    import regex

    try:
        return bool(regex.search(pattern, str(seen), timeout=_PATTERN_SECONDS))
    except TimeoutError as error:
        raise KbError(
            f"the pattern {pattern!r} took longer than {_PATTERN_SECONDS:g} s",
            where="kb.asserts",
            todo="Write a simpler one.",
        ) from error


def _is_final(each: OutcomeAssert, values: Sequence[Any]) -> bool:
    """Whether more calls could not mend it: too many stay too many."""
    if each.path.startswith("$.text"):
        return False
    if each.operator == "count":
        return len(values) > _limits(each.value)[1]
    return each.operator == "!=" or (each.operator == "exists" and each.value is False)


def _limits(value: Any) -> tuple[float, float]:
    """The least and the greatest number a count may have."""
    if isinstance(value, list) and len(value) == _LIMITS:
        low, high = value
        return _number(low, 0), _number(high, float("inf"))
    return _number(value, None), _number(value, None)


def _number(value: Any, default: float | None) -> float:
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a count is a number, or [low, high]")
    return value


def _ran(call: ToolCall) -> dict[str, Any]:
    outcome = "ran" if call.succeeded else "failed"
    return {"tool": call.tool, "arguments": call.arguments, "outcome": outcome, "when": "before"}


def _attempted(attempt: Attempt) -> dict[str, Any]:
    return {
        "tool": attempt.tool,
        "arguments": attempt.arguments,
        "outcome": attempt.outcome.value,
        "when": "replay",
    }


def _shown_values(values: Sequence[Any]) -> str:
    text = ", ".join(repr(value) for value in values) or "nothing"
    # Not cut here: of half a secret nobody could tell that it is one.
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)
