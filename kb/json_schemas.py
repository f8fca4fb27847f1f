"""JSON Schemas of our types, written the same under every release of msgspec and Python.

The library reads the types; descriptions and the order of keys, definitions and alternatives are
ours.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

DRAFT = "https://json-schema.org/draft/2020-12/schema"
#: The order of keys in a schema; one that is not named here stands behind them, by the alphabet.
_ORDER = (
    *("$schema", "$ref", "title", "description", "type", "const", "enum", "format", "pattern"),
    *("minimum", "maximum", "minItems", "maxItems", "items", "prefixItems", "properties"),
    *("additionalProperties", "required", "discriminator", "anyOf", "oneOf", "allOf"),
    *("default", "$defs"),
)
#: Keys whose value maps names, in an order that says something, to schemas.
_NAMED = frozenset({"properties", "$defs"})
#: Keys whose value is data and no schema.
_DATA = frozenset({"const", "enum", "default", "examples"})


def schema_of(kind: type) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a type that msgspec knows."""
    return formatted({"$schema": DRAFT} | msgspec.json.schema(kind))


def formatted(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with our descriptions, keys in our order, definitions by their first mention."""
    ordered: dict[str, Any] = _ordered(schema)
    if "$defs" in ordered:
        named = ordered["$defs"]
        ordered["$defs"] = {name: named[name] for name in _by_mention(ordered, named)}
    return ordered


def description(text: str) -> str:
    """A docstring without its indentation: one line a paragraph, an empty line between two."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in paragraphs if part.strip())


def _ordered(node: Any) -> Any:
    if isinstance(node, list):
        return [_ordered(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: _value(key, node[key]) for key in sorted(node, key=_place)}


def _value(key: str, value: Any) -> Any:
    if key == "description":
        return description(value)
    if key in _NAMED:
        return {name: _ordered(inner) for name, inner in value.items()}
    if key == "enum":
        return sorted(value, key=json.dumps)
    if key == "anyOf":
        return sorted(map(_ordered, value), key=_alternative)
    return value if key in _DATA else _ordered(value)


def _alternative(schema: dict[str, Any]) -> tuple[bool, str]:
    """Where one of several schemas stands: null is the last."""
    return schema.get("type") == "null", json.dumps(schema)


def _place(key: str) -> tuple[int, str]:
    return (_ORDER.index(key) if key in _ORDER else len(_ORDER), key)


def _by_mention(schema: dict[str, Any], named: dict[str, Any]) -> Iterable[str]:
    """The names of definitions in the order in which a reader meets them, then the rest."""
    outer = {key: value for key, value in schema.items() if key != "$defs"}
    met = dict.fromkeys(_mentions(outer))
    waiting = list(met)
    for name in waiting:
        new = [inner for inner in _mentions(named[name]) if inner not in met]
        met |= dict.fromkeys(new)
        waiting += dict.fromkeys(new)
    return [*met, *sorted(named.keys() - met.keys())]


def _mentions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref.removeprefix("#/$defs/")
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from _mentions(item)
