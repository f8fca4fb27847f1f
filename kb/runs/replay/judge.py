"""Did it hold? Outcome asserts over what an agent attempted: JSONPath, an operator, a value.

Paths look into one object: `calls` (what ran before the freeze, then what was attempted),
`attempted`, `writes` (the attempted ones that do not only read), `said`, and `text`, the last
words.
`count` takes a number, or `[low, high]` with null for no limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from kb.errors import KbError
from kb.runs.replay.executor import Attempt
from kb.runs.replay.paths import check_path, environment
from kb.runs.run import OutcomeAssert, Run, ToolCall

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
class Held:
    """One assert judged.

    `is_final` says that nothing the agent could still do would make a broken one hold.
    """

    claim: str
    holds: bool
    seen: str
    is_final: bool = False


def world(run: Run, attempts: Sequence[Attempt], said: Sequence[str], text: str) -> dict[str, Any]:
    """The object that asserts look into."""
    before = [step for step in run.steps[: run.state.freeze_step] if isinstance(step, ToolCall)]
    attempted = [_attempted(attempt) for attempt in attempts]
    writes = [a for a, attempt in zip(attempted, attempts, strict=True) if attempt.effect.is_write]
    return {
        "calls": [_ran(call) for call in before] + attempted,
        "attempted": attempted,
        "writes": writes,
        "said": list(said),
        "text": text,
    }


def demands_nothing(run: Run) -> bool:
    """Whether all asserts hold for an agent that does nothing and says nothing."""
    idle = world(run, (), (), "")
    return all(judge(each, idle).holds for each in run.asserts)


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


def judge(each: OutcomeAssert, seen_world: dict[str, Any]) -> Held:
    """Whether an assert holds, and what was seen at its path. Raises `KbError`."""
    values = _values(each, seen_world)
    holds = _holds(each, values)
    seen = f"{len(values)} found" if each.operator == "count" else _shown(values)
    return Held(each.claim, holds, seen, not holds and _is_final(each, values))


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


def _shown(values: Sequence[Any]) -> str:
    text = ", ".join(repr(value) for value in values) or "nothing"
    # Not cut here: of half a secret nobody could tell that it is one.
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text)
