"""Makes a run fit to be written: every text redacted, every value canonical.

The same walk runs with and without redaction: numbers that JSON cannot carry, and nesting without
end, are replaced in any case.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import Enum
from typing import Any, TypeVar, cast

import msgspec
from msgspec.structs import replace

from kb.traces.canonical_json import MAX_INTEGER
from kb.traces.decoding.lenient_json import NotJsonError, decode
from kb.traces.redaction import Redactor
from kb.traces.run import ImportWarnings

Value = TypeVar("Value")

_MAX_DEPTH = 64
_MAX_NESTED_JSON = 4
#: Card numbers have 13 to 19 digits; a smaller number is nobody's.
_SHORTEST_NUMBER = 10**12
#: RFC 8785 writes a float below it without an exponent.
_FIRST_WITH_EXPONENT = 1e21
_MAX_JOINED = 2_000_000
_JOINED_LEVELS = 5
#: Fields of a run that this program wrote itself.
_OURS = frozenset(
    {"schema", "conventions", "sha256", "format", "where", "place", "redaction", "lossy"}
)
_TOO_DEEP = "[nested too deeply; left out]"


class RunCleaner:
    """Two walks over one value: `look` finds what must go, `clean` gives the value without it."""

    def __init__(self, redactor: Redactor | None, notes: ImportWarnings) -> None:
        self._redactor = redactor
        self._notes = notes
        self._nested: set[str] = set()
        #: Fields that hold a number, whose number was a secret or one that JSON cannot carry.
        self.emptied: list[str] = []

    def cleaned(self, value: Value) -> Value:
        """The value, redacted and fit for canonical JSON."""
        if self._redactor is not None:
            self._look(value, "", 0, 0)
        return cast("Value", self._clean(value, 0, 0))

    # Looking

    def _look(self, value: Any, key: str, depth: int, nested: int) -> bool:
        """Look at everything below a value. Whether anything of it must go."""
        if depth > _MAX_DEPTH or isinstance(value, Enum):
            return False
        if isinstance(value, str):
            return self._look_text(value, key, nested)
        if isinstance(value, dict):
            return self._look_object(value, depth, nested)
        if isinstance(value, list | tuple):
            found = [self._look(part, key, depth + 1, nested) for part in value]
            return self._look_across(value) or any(found)
        if isinstance(value, msgspec.Struct):
            names = [name for name in value.__struct_fields__ if name not in _OURS]
            found = [self._look(getattr(value, n), n, depth + 1, nested) for n in names]
            return any(found)
        digits = _digits(value)
        return bool(digits) and self._look_text(digits, key, nested)

    def _look_object(self, value: dict[str, Any], depth: int, nested: int) -> bool:
        named = value.get("name", value.get("key"))
        found = []
        for key, part in value.items():
            found.append(self._redact_look(key))
            # {"name": "authorization", "value": …}, as recorders of HTTP write headers
            by = named if isinstance(named, str) and key.lower().endswith("value") else key
            found.append(self._look(part, by, depth + 1, nested))
        return any(found)

    def _look_text(self, text: str, key: str, nested: int) -> bool:
        if key and self._redactor and self._redactor.look_named(key, text):
            return True
        inner = _inner(text) if nested < _MAX_NESTED_JSON else None
        if inner is None:
            return self._redact_look(text)
        if self._look(inner, key, 1, nested + 1):
            self._nested.add(text)
            return True
        return False

    def _redact_look(self, text: str) -> bool:
        return bool(self._redactor and self._redactor.look(text))

    def _look_across(self, values: Any) -> bool:
        """Look at texts that were cut into the pieces of a list: deltas of a stream."""
        found = False
        for pieces in _columns(values):
            joined = "".join(pieces)
            if self._redactor and self._redactor.look(joined):
                found = True
        return found

    # Cleaning

    def _clean(self, value: Any, depth: int, nested: int) -> Any:
        if depth > _MAX_DEPTH:
            self._notes.add("values nested deeper than 64 levels were left out")
            return _TOO_DEEP
        if isinstance(value, str):
            return value if isinstance(value, Enum) else self._clean_text(value, nested)
        if isinstance(value, dict):
            return {
                self._rewritten(key): self._clean(part, depth + 1, nested)
                for key, part in value.items()
            }
        if isinstance(value, list | tuple):
            parts = self._without_cut(value)
            return type(value)(self._clean(part, depth + 1, nested) for part in parts)
        if isinstance(value, msgspec.Struct):
            return self._clean_struct(value, depth, nested)
        return self._number(value) if isinstance(value, int | float) else value

    def _clean_struct(self, value: msgspec.Struct, depth: int, nested: int) -> msgspec.Struct:
        changes = {}
        for name in value.__struct_fields__:
            part = getattr(value, name)
            if part and name not in _OURS:
                cleaned = self._clean(part, depth + 1, nested)
                if isinstance(part, int | float) and isinstance(cleaned, str):
                    cleaned = self._kept(cleaned, type(value), name)
                if cleaned is not part:
                    changes[name] = cleaned
        return replace(value, **changes) if changes else value

    def _kept(self, text: str, kind: type[msgspec.Struct], name: str) -> Any:
        """The text in the place of a number; the default where the field takes no text."""
        field = next(each for each in msgspec.structs.fields(kind) if each.name == name)
        if field.type is Any:
            return text
        self.emptied.append(field.encode_name)
        self._notes.add(f"{field.encode_name} was left out: no number that can be kept")
        return field.default

    def _clean_text(self, text: str, nested: int) -> str:
        if text in self._nested:
            inner = self._clean(_inner(text), 1, nested + 1)
            return msgspec.json.encode(inner).decode()
        return self._rewritten(text)

    def _rewritten(self, text: str) -> str:
        return self._redactor.rewrite(text) if self._redactor else text

    def _number(self, value: int | float) -> Any:
        if isinstance(value, float) and not math.isfinite(value):
            self._notes.add("numbers that are no JSON (NaN, Infinity) were written as texts")
            return str(value)
        digits = _digits(value)
        text = self._rewritten(digits)
        if text != digits:
            return text
        if not digits or abs(value) <= MAX_INTEGER:
            return value
        self._notes.add("integers beyond 2^53 were written as texts")
        return digits

    def _without_cut(self, values: Any) -> Any:
        """The list; where something that must go was cut in pieces, its text is in the first."""
        if self._redactor is None:
            return values
        for path, pieces in _columns_by_path(values).items():
            joined = "".join(pieces)
            rewritten = self._redactor.rewrite(joined)
            whole = "".join(self._redactor.rewrite(piece) for piece in pieces)
            if rewritten not in (joined, whole):
                values = _put_into_first(values, path, rewritten)
        return values


def _digits(value: Any) -> str:
    """The digits of a long number, as canonical JSON has them; empty for any other value.

    A float of 10^12 is written like the integer, and one beyond 2^53 would be read as another.
    """
    if isinstance(value, float) and value.is_integer() and abs(value) < _FIRST_WITH_EXPONENT:
        value = int(value)
    is_long = isinstance(value, int) and abs(value) >= _SHORTEST_NUMBER
    return str(value) if is_long else ""


def _inner(text: str) -> Any:
    """The object or list a text holds as JSON, None for any other text."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        value = decode(text)
    except NotJsonError:
        return None
    return value if isinstance(value, dict | list) else None


def _columns(values: Any) -> Iterator[list[str]]:
    yield from _columns_by_path(values).values()


def _columns_by_path(values: Any) -> dict[tuple[str, ...], list[str]]:
    """The texts at the same place of every element, where a list has more than one of them."""
    if len(values) < 2 or isinstance(values[0], msgspec.Struct):  # noqa: PLR2004 - two pieces
        return {}
    columns: dict[tuple[str, ...], list[str]] = {}
    for value in values:
        for path, text in _texts(value, ()):
            columns.setdefault(path, []).append(text)
    return {
        path: pieces
        for path, pieces in columns.items()
        if len(pieces) > 1 and sum(map(len, pieces)) <= _MAX_JOINED
    }


def _texts(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict) and len(path) < _JOINED_LEVELS:
        for key, part in value.items():
            yield from _texts(part, (*path, key))


def _put_into_first(values: Any, path: tuple[str, ...], text: str) -> list[Any]:
    """The list with a text in its first element that has one at that path, none in the others."""
    result, pending = [], text
    for value in values:
        changed, used = _with_value_at(value, path, pending)
        pending = "" if used else pending
        result.append(changed)
    return result


def _with_value_at(value: Any, path: tuple[str, ...], text: str) -> tuple[Any, bool]:
    if not path:
        return (text, True) if isinstance(value, str) else (value, False)
    if not isinstance(value, dict) or path[0] not in value:
        return value, False
    inner, used = _with_value_at(value[path[0]], path[1:], text)
    return {**value, path[0]: inner}, used
