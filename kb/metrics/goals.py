"""Does a page keep to the limits a pipeline sets? `action_completion=0.9`, below or above."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from kb.errors import KbError
from kb.metrics.registry import MEASURES
from kb.metrics.values import Page
from kb.metrics.words import said


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
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            raise KbError(
                f"there is no measure '{name}'", todo=f"{hint}'kb metrics --names' lists them."
            )


def failures(page: Page, limits: Iterable[Limit]) -> tuple[str, ...]:
    """What breaks a limit, one line each. A measure without a value breaks every limit.

    A limit that cannot be checked is not kept: a shallow clone must not turn a pipeline green.
    """
    return tuple(line for limit in limits if (line := _failure(page, limit)))


def _failure(page: Page, limit: Limit) -> str:
    measure = page.measure(limit.name)
    sign = "≥" if limit.is_least else "≤"
    wanted = f"{sign} {said(limit.bound, measure.unit)} was asked for"
    if measure.value is None:
        return f"{limit.name} has no value (n 0); {wanted}"
    is_kept = measure.value >= limit.bound if limit.is_least else measure.value <= limit.bound
    value = f"{measure.value:.4g}"
    return "" if is_kept else f"{limit.name} is {value} (n {measure.n}); {wanted}"


def _limit(text: str, *, is_least: bool) -> Limit:
    name, separator, bound = text.partition("=")
    try:
        number = float(bound)
    except ValueError:
        separator = ""
    if not separator:
        raise KbError(f"'{text}' is no limit", todo="Write it as action_completion=0.9.")
    check_names([name.strip()])
    return Limit(name.strip(), number, is_least)
