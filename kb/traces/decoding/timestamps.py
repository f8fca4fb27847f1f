"""Times as traces write them, as aware UTC times; None for what is no time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
#: Units of a number since 1970, told by its size: each bound is the year 2286 in that unit.
_UNITS = ((1e10, 1_000_000), (1e13, 1_000), (1e16, 1))
_NANOSECONDS_PER_MICROSECOND = 1_000
_MAX_NANOSECONDS = 1e19
#: The lengths of `2026-03-04T05:06:07Z` and `2026-03-04T05:06:07.891Z`.
_WRITTEN = (20, 24)


def time_of(value: Any) -> datetime | None:
    """The time: ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970.

    A time without a zone is taken as UTC.
    """
    if isinstance(value, str):
        if len(value) in _WRITTEN and value.endswith("Z") and value[7:17:3] == "-T::":
            return _of_text(value)  # as most write it
        text = value.strip()
        return _of_text(text) if _ISO.match(text) else _of_digits(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return _of_number(value)


def has_zone(value: Any) -> bool:
    """Whether a written time says where it was; numbers since 1970 do."""
    if not isinstance(value, str) or not _ISO.match(value):
        return True
    return bool(re.search(r"(?:[Zz]|[+-]\d{2}:?\d{2})$", value.strip()))


def _of_text(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is UTC:
            return time
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):  # the last day of the year 9999 has no UTC in the west
        return None


def _of_digits(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(int(_MAX_NANOSECONDS))):
        return None
    return _of_number(int(text))


def _of_number(number: float) -> datetime | None:
    if not 0 < number < _MAX_NANOSECONDS:
        return None
    for bound, factor in _UNITS:
        if number < bound:
            return _EPOCH + timedelta(microseconds=round(number * factor))
    return _EPOCH + timedelta(microseconds=int(number) // _NANOSECONDS_PER_MICROSECOND)
