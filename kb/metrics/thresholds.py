"""Limits a pipeline sets on measures: `action_completion=0.9`, below or above."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from kb.did_you_mean import did_you_mean
from kb.errors import KbError
from kb.humanize import format_value
from kb.metrics.registry import MEASURES
from kb.metrics.result_types import MetricsPage

_WHOLE = 100  # per cent


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of one measure: the least it may be, or the most."""

    name: str
    bound: float
    is_least: bool


def read_limits(under: Iterable[str], over: Iterable[str]) -> tuple[Limit, ...]:
    """The limits in texts such as `action_completion=0.9`. Raises `KbError` for anything else."""
    least = [_limit(text, is_least=True) for text in under]
    return (*least, *(_limit(text, is_least=False) for text in over))


def check_names(names: Iterable[str]) -> None:
    """Raise `KbError` for a name no measure has."""
    known = [row.name for row in MEASURES]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known, "")
            todo = f"{hint} 'kb metrics --names' lists them.".strip()
            raise KbError(f"there is no measure '{name}'", todo=todo)


def failures(page: MetricsPage, limits: Iterable[Limit]) -> tuple[str, ...]:
    """What breaks a limit, one line each. A measure without a value breaks every limit.

    Unknown cases are taken for the worst: they could be.

    A limit that cannot be checked is not kept: a shallow clone must not turn a pipeline green.
    """
    return tuple(line for limit in limits if (line := _failure(page, limit)))


def _failure(page: MetricsPage, limit: Limit) -> str:
    measure = page.measure(limit.name)
    wanted = (
        f"{'≥' if limit.is_least else '≤'} {format_value(limit.bound, measure.unit)} was asked for"
    )
    if measure.value is None and not measure.unknown:
        return f"{limit.name} has no value (n 0); {wanted}"
    least, most = measure.bounds
    worst, best = (least, most) if limit.is_least else (most, least)
    if _is_kept(worst, limit):
        return ""
    if _is_kept(best, limit) or measure.value is None:
        of = f"{measure.unknown} of {measure.n + measure.unknown} unknown"
        return f"{limit.name} cannot be decided: {of}; {wanted}"
    return f"{limit.name} is {measure.value:.4g} (n {measure.n}); {wanted}"


def _is_kept(value: float | None, limit: Limit) -> bool:
    """Whether a value keeps to a limit; what nothing bounds does not."""
    if value is None:
        return False
    return value >= limit.bound if limit.is_least else value <= limit.bound


def _limit(text: str, *, is_least: bool) -> Limit:
    name, separator, bound = text.partition("=")
    try:
        number = float(bound)
    except ValueError:
        separator = ""
    if not separator:
        raise KbError(f"'{text}' is no limit", todo="Write it as action_completion=0.9.")
    check_names([name.strip()])
    _check_bound(name.strip(), number)
    return Limit(name.strip(), number, is_least)


def _check_bound(name: str, bound: float) -> None:
    """Raise `KbError` for a limit that no value of the measure could ever pass or break."""
    unit = next(row.unit for row in MEASURES if row.name == name)
    if math.isnan(bound) or bound < 0:
        raise KbError(f"{name} cannot be {bound:g}", todo="Write a limit of 0 or more.")
    if unit == "share" and bound > 1:
        raise KbError(
            f"{name} is a share from 0 to 1, and {bound:g} is more than all",
            todo=f"Write {name}={bound / 100:g} for {bound:g} %."
            if bound <= _WHOLE
            else "Write a limit such as 0.9.",
        )
