"""Durations over time, one dot an incident, on a scale of multiples.

A running median is drawn only where the text claims a change; otherwise the median of all with its
95 % interval is, which claims none.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile

from markupsafe import Markup

from kb.humanize import format_value
from kb.site.pages.charts import CHART_WIDTH, Dot, drawn_chart
from kb.site.safe_html import escape
from kb.statistics import quartiles

_LEFT, _BASE, _HEIGHT = 52, 206, 190
#: More dots than these hide each other at the width of a card: then quarters are drawn.
_MOST_DOTS = 120
#: What a running median looks at: at least the incidents of which a half may claim a change.
_WINDOW = 5
#: Six to ten times the one before, as people count: nobody knows what a hundredth of a day is.
_MARKS = (
    *((0, "0"), (1, "1 min"), (10, "10 min"), (60, "1 h"), (360, "6 h"), (1440, "1 d")),
    *((14_400, "10 d"), (144_000, "100 d"), (1_440_000, "1000 d")),
)


@dataclass(frozen=True, slots=True)
class DurationFacts:
    """What the text says of the durations: their median, its interval, and whether they change."""

    median: float | None = None
    low: float | None = None
    high: float | None = None
    is_changing: bool = False
    goal_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where days and minutes lie on the chart."""

    first: date
    days: int
    top: float

    def x(self, at: date) -> float:
        room = CHART_WIDTH - _LEFT - 20
        return _LEFT + 10 + (at - self.first).days / self.days * room

    def y(self, minutes: float) -> float:
        return _BASE - math.log10(1 + max(minutes, 0.0)) / self.top * _HEIGHT


def duration_chart(dots: Sequence[Dot], facts: DurationFacts) -> Markup:
    """Each incident as a dot, minutes upwards on a scale of multiples, time to the right.

    The scale is that of 1 + minutes, so that it begins at nothing; what was seen before it had an
    effect stands there too. Many incidents are drawn by quarter: median and quartiles.
    """
    if not dots:
        return Markup()
    ordered = sorted(dots, key=lambda dot: dot.at)
    first, last = ordered[0].at, ordered[-1].at
    bins = _by_quarter(ordered) if len(ordered) > _MOST_DOTS else {}
    # Of quarters no more is drawn than their quartiles: one outlier must not flatten the others.
    drawn_to = [upper for _, _, upper, _ in bins.values()] or [dot.value for dot in ordered]
    most = max(60.0, *drawn_to)
    scale = _Scale(first, max((last - first).days, 1), math.log10(1 + most * 1.3))
    drawn = _bins(bins, scale, last) if bins else _dots(ordered, scale)
    return drawn_chart(
        228,
        _marks(scale, most)
        + f'<path class="kb-axis" d="M{_LEFT} {_BASE}.5H{CHART_WIDTH}"/>'
        + _band(facts, scale)
        + _goal(facts, scale)
        + "".join(drawn)
        + _words(facts, scale)
        + (_running(ordered, scale) if facts.is_changing else "")
        + f'<text class="kb-left" x="{_LEFT}" y="{_BASE + 18}">{first:%b %Y}</text>'
        + f'<text class="kb-right" x="{CHART_WIDTH}" y="{_BASE + 18}">{last:%b %Y}</text>',
    )


def how_durations_are_read(dots: Sequence[Dot], facts: DurationFacts) -> str:
    """What the marks of the chart of these dots are, as sentences."""
    by_quarter = len(dots) > _MOST_DOTS
    dot = "A dot is the median of a quarter, its bar the middle half"
    marks = [dot if by_quarter else "A dot is an incident"]
    if facts.is_changing:
        marks.append("the line the running median")
    elif facts.median is not None:
        marks.append("the line the median of all")
        marks += ["the band its 95 % interval"] if facts.low is not None else []
    return f"{', '.join(marks)}."


def running_median(values: Sequence[float], window: int) -> list[float]:
    """The median of the values around each place; at the ends of fewer."""
    reach = window // 2
    return [
        statistics.median(values[max(0, place - reach) : place + reach + 1])
        for place in range(len(values))
    ]


def axis_marks(most: float) -> Iterator[tuple[int, str]]:
    """The marks of an axis up to so many minutes, each round in its own unit: minutes and word."""
    return takewhile(lambda mark: mark[0] <= most * 1.3, _MARKS)


def _marks(scale: _Scale, most: float) -> str:
    return "".join(
        f'<path class="kb-grid-line" d="M{_LEFT} {scale.y(at):.1f}H{CHART_WIDTH}"/>'
        f'<text class="kb-right" x="{_LEFT - 6}" y="{scale.y(at) + 4:.1f}">{word}</text>'
        for at, word in axis_marks(most)
    )


def _dots(dots: Sequence[Dot], scale: _Scale) -> Iterator[str]:
    for dot in dots:
        yield (
            f'<a href="{escape(dot.address)}"><title>{escape(dot.title)}</title>'
            f'<circle class="kb-dot" cx="{scale.x(dot.at):.1f}" cy="{scale.y(dot.value):.1f}" '
            'r="5.5"/></a>'
        )


#: Lower quartile, median, upper quartile, n.
_Bin = tuple[float, float, float, int]


def _by_quarter(dots: Sequence[Dot]) -> dict[date, _Bin]:
    """The first day of each quarter to what its durations are."""
    quarters: dict[date, list[float]] = {}
    for dot in dots:
        start = date(dot.at.year, (dot.at.month - 1) // 3 * 3 + 1, 1)
        quarters.setdefault(start, []).append(dot.value)
    return {start: (*quartiles(values), len(values)) for start, values in quarters.items()}


def _bins(bins: Mapping[date, _Bin], scale: _Scale, last: date) -> Iterator[str]:
    """The median and the quartiles of each quarter, in its middle."""
    for start, (lower, middle, upper, n) in bins.items():
        x = scale.x(min(max(start + timedelta(days=45), scale.first), last))
        yield (
            f"<g><title>{start:%b %Y}: median {format_value(middle, 'minutes')}, n {n}</title>"
            f'<path class="kb-span" d="M{x:.1f} {scale.y(lower):.1f}V{scale.y(upper):.1f}"/>'
            f'<circle class="kb-dot" cx="{x:.1f}" cy="{scale.y(middle):.1f}" r="4"/></g>'
        )


def _band(facts: DurationFacts, scale: _Scale) -> str:
    """The median of all with its interval, where the text claims no change."""
    if facts.is_changing or facts.median is None:
        return ""
    band, y = "", scale.y(facts.median)
    if facts.low is not None and facts.high is not None:
        top, low = scale.y(facts.high), scale.y(facts.low)
        band = (
            f'<rect class="kb-band" x="{_LEFT}" y="{top:.1f}" width="{CHART_WIDTH - _LEFT}" '
            f'height="{max(low - top, 1):.1f}"/>'
        )
    return f'{band}<path class="kb-median" d="M{_LEFT} {y:.1f}H{CHART_WIDTH}"/>'


def _goal(facts: DurationFacts, scale: _Scale) -> str:
    if facts.goal_minutes is None:
        return ""
    return f'<path class="kb-goal" d="M{_LEFT} {scale.y(facts.goal_minutes):.1f}H{CHART_WIDTH}"/>'


def _words(facts: DurationFacts, scale: _Scale) -> str:
    """What the lines of the median and the goal are, above the dots that may lie there."""
    median = None if facts.is_changing else facts.median
    lines = (
        ("kb-left kb-median-word", _LEFT + 4, "median", median),
        ("kb-goal-word kb-right", CHART_WIDTH, "goal", facts.goal_minutes),
    )
    return "".join(
        f'<text class="{css}" x="{x}" y="{scale.y(minutes) - 4:.1f}">{name} '
        f"{format_value(minutes, 'minutes')}</text>"
        for css, x, name, minutes in lines
        if minutes is not None
    )


def _running(dots: Sequence[Dot], scale: _Scale) -> str:
    window = max(_WINDOW, len(dots) // 5)
    medians = running_median([dot.value for dot in dots], window)
    line = "L".join(
        f"{scale.x(dot.at):.1f} {scale.y(median):.1f}"
        for dot, median in zip(dots, medians, strict=True)
    )
    word = f"running median of {window}"
    return (
        f'<path class="kb-median" d="M{line}"/>'
        f'<text class="kb-left kb-median-word" x="{_LEFT + 4}" y="{_BASE - 6}">{word}</text>'
    )
