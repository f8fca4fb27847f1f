"""Tells whether two texts name the same route: case, spaces and dashes make no difference."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from kb.did_you_mean import nearest_word
from kb.errors import KbError

_BETWEEN_WORDS = re.compile(r"[\s_-]+")
#: To compare longer texts costs more than it tells.
_MAX_NAME = 100
_BETWEEN_ROUTES = re.compile(r"[,;|+]|(?<=\s)and(?=\s)")
#: What people write where they have no route to name.
_NO_ROUTE = {"", "unknown", "none", "n/a", "tbd"}


def is_route(text: str) -> bool:
    """Whether a text names a route at all."""
    return _normal(text) not in _NO_ROUTE


def is_of_route(text: str, route: str) -> bool:
    """Whether a record's `route` names this one; `a, b` names both."""
    return is_route(route) and _normal(route) in routes_named(text)


def near_route(texts: Iterable[str], route: str) -> str:
    """The route of a similar name, as it is written; empty for none."""
    short = (text for text in sorted(texts) if len(text) <= _MAX_NAME)
    known = {_normal(text): text for text in short if is_route(text)}
    near = nearest_word(_normal(route)[:_MAX_NAME], known)
    return known[near] if near else ""


def route_known(texts: Collection[str], route: str) -> str:
    """The route as it was asked for. Raises `KbError` where none of the records' routes names it.

    `texts` are what records write under `route`.
    """
    wanted = routes_named(route)
    if any(wanted & routes_named(text) for text in texts):
        return route.strip()
    near = near_route(texts, route)
    todo = f"Did you mean '{near}'?" if near else "Name a route as a record does."
    raise KbError(f"no record names the route '{route}'", todo=todo)


def routes_named(text: str) -> set[str]:
    """The routes that a record's `route` names, each in the form in which they are compared."""
    parts = (_normal(part) for part in _BETWEEN_ROUTES.split(text))
    return {_normal(text), *parts} - _NO_ROUTE


def _normal(text: str) -> str:
    return _BETWEEN_WORDS.sub("-", text.strip().casefold())
