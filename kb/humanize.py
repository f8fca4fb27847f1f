"""Numbers, durations, intervals and plurals in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

_EIGHTHS = " ▏▎▍▌▋▊▉"
_FULL = "█"
#: Below these many, a duration keeps its unit.
_MINUTES_KEPT = 120
_HOURS_KEPT = 48
_IN_MINUTES = {"minutes": 1.0, "hours": 60.0, "days": 1440.0}
#: Whose incidents a page counts, by the origin of its records.
WHOSE = {
    "own": "our own incidents",
    "public": "public incidents",
    "example": "the worked example, which is fiction",
}


def format_value(value: float | None, unit: str) -> str:
    """A value with its unit: `24 %`, `41 min`, `3.5 h`, `2.1 days`, `12`; `–` for none."""
    return "–" if value is None else _UNITS[unit](value)


def format_alike(values: Iterable[float | None], unit: str) -> tuple[str, ...]:
    """Values that are compared, durations all in the unit that suits the longest; `–` for none."""
    found = tuple(values)
    known = [value for value in found if value is not None]
    if unit not in _IN_MINUTES or not known:
        return tuple(format_value(value, unit) for value in found)
    factor = _IN_MINUTES[unit]
    longest = max(known) * factor
    shown = "minutes"
    if longest >= _MINUTES_KEPT:
        shown = "hours" if longest < _HOURS_KEPT * 60 else "days"
    words = {"minutes": "min", "hours": "h", "days": "days"}
    per = factor / _IN_MINUTES[shown]
    return tuple(
        "–" if value is None else f"{_short(value * per)} {words[shown]}" for value in found
    )


def said_interval(low: float | None, high: float | None, unit: str) -> str:
    """An interval such as `13–40 %`, `2 h–12 days`, `0 min`; empty where there is none."""
    if low is None or high is None:
        return ""
    first, second = format_value(low, unit), format_value(high, unit)
    if first == second:
        return first
    if first.endswith(" min") and not second.endswith(" min"):
        # Minutes are kept past an hour only beside minutes.
        minutes = low * _IN_MINUTES[unit]
        first = _hours(minutes / 60) if minutes >= 60 else first  # noqa: PLR2004
    number, _, end = first.rpartition(" ")
    shares_unit = number and second.endswith(f" {end}")
    return f"{number if shares_unit else first}–{second}"


def bar(share: float, width: int) -> str:
    """A bar of at most `width` cells, in eighths of a cell; `share` is 0…1."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return _FULL * full + (_EIGHTHS[rest] if rest else "")


def plural(n: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 record`, `2 records`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def listed(words: Sequence[str], last: str = "and") -> str:
    """Words as a sentence lists them: `owner`, `owner or lever`, `owner, due date or lever`."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def said_day(day: date) -> str:
    """A day as people read it: `12 Apr 2026`."""
    return f"{day.day} {day:%b %Y}"


def _share(value: float) -> str:
    return f"{value * 100:.0f} %"


def _minutes(value: float) -> str:
    return f"{value:.0f} min" if value < _MINUTES_KEPT else _hours(value / 60)


def _hours(value: float) -> str:
    return f"{_short(value)} h" if value < _HOURS_KEPT else _days(value / 24)


def _days(value: float) -> str:
    short = _short(value)
    return f"{short} {'day' if short == '1' else 'days'}"


def _count(value: float) -> str:
    return f"{value:.0f}"


def _short(value: float) -> str:
    """One decimal below ten, none above: two digits are what a median of few can carry."""
    return f"{value:.1f}".removesuffix(".0") if value < 10 else f"{value:.0f}"  # noqa: PLR2004


_UNITS: dict[str, Callable[[float], str]] = {
    "share": _share,
    "minutes": _minutes,
    "hours": _hours,
    "days": _days,
    "count": _count,
}

#: From so many days on, hours say nothing; from so many dollars on, cents.
_DAYS_ALONE, _CENTS_BELOW = 100, 10
_MINUTE_SECONDS, _TENTHS_BELOW_SECONDS = 60, 10


def duration(minutes: float) -> str:
    """A length of time in words with at most two units: `41 min`, `3 h 20 min`, `5 days 4 h`."""
    total = round(abs(minutes))
    days, rest = divmod(total, 24 * 60)
    hours, mins = divmod(rest, 60)
    sign = "−" if minutes < 0 and total else ""
    if days >= _DAYS_ALONE:
        return f"{sign}{days:,} days"
    if days:
        tail = f" {hours} h" if hours else ""
        return f"{sign}{days} day{'s' if days > 1 else ''}{tail}"
    if hours:
        return f"{sign}{hours} h" + (f" {mins} min" if mins else "")
    return f"{sign}{mins} min"


def seconds_in_words(seconds: float) -> str:
    """A duration short enough for a line: `0.4 s`, `95 s`, `41 min`, `3.5 h`."""
    if seconds < _TENTHS_BELOW_SECONDS:
        return f"{seconds:.1f} s"
    if seconds < 2 * _MINUTE_SECONDS:
        return f"{seconds:.0f} s"
    minutes = seconds / _MINUTE_SECONDS
    return f"{minutes:.0f} min" if minutes < _MINUTES_KEPT else f"{minutes / 60:.1f} h"


def money(amount: float) -> str:
    """US dollars: `$4,200`."""
    return (
        f"${amount:,.0f}" if amount >= _CENTS_BELOW or amount == int(amount) else f"${amount:,.2f}"
    )


def in_words(word: str) -> str:
    """A vocabulary word as prose: `duplicate-side-effect` → `Duplicate side effect`."""
    return word.replace("-", " ").replace("_", " ").capitalize()
