"""Does the path of an assert look at something a replay has? A misspelt key finds nothing, forever.

Nothing found is what `count` with an upper bound, `exists` = false and `!=` hold on: such an assert
would pass whatever the agent does.
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any

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
