"""The objects in a JSON value, and what stands below a key of one, whatever else stands there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Object = Mapping[str, Any]
_MOST_LEVELS = 12


def objects(value: Any, level: int = 0) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value, outer ones first."""
    if level > _MOST_LEVELS:
        return
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from objects(part, level + 1)


def word(one: Object, *keys: str) -> str:
    """The first text among some keys, empty where none holds one."""
    found = (one.get(key) for key in keys)
    return next((text.strip() for text in found if isinstance(text, str) and text.strip()), "")


def inner(one: Object, *keys: str) -> dict[str, Any]:
    """The object at the end of a path of keys, empty where there is none."""
    for key in keys:
        found = one.get(key)
        one = found if isinstance(found, dict) else {}
    return dict(one)


def rows(one: Object, key: str) -> list[dict[str, Any]]:
    """The objects of a list, none where there is no list."""
    found = one.get(key)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
