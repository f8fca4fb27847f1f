"""SVG charts that follow the theme, every value written on them.

Widths are chosen for a card of about 400 units, so that the words keep their size on a phone.
A chart is always followed by the table it was drawn from.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from kb.metrics.values import Measure, MetricPart
from kb.site.safe_html import escape
from kb.wording import format_value

_WIDTH = 400
#: The most columns whose labels still fit side by side.
_COLUMNS = 8
#: Up to so many columns a label keeps its century.
_WIDE = 6


@dataclass(frozen=True, slots=True)
class Dot:
    """One incident on a time chart: when, how much, its name and the address of its page."""

    at: date
    value: float
    title: str
    address: str


def columns(parts: Sequence[MetricPart], unit: str, goal: float | None = None) -> Markup:
    """Columns in time with their values on top, n below, and the goal as a line."""
    shown = parts[-_COLUMNS:]
    values = [part.value or 0.0 for part in shown]
    top = max((*values, goal or 0.0)) or 1.0
    height, base = 130, 150
    step = _WIDTH / max(len(shown), 1)
    width = min(step * 0.62, 52)
    drawn = []
    for place, (part, value) in enumerate(zip(shown, values, strict=True)):
        middle = step * place + step / 2
        tall = value / top * height
        label = format_value(part.value, unit) if part.value is not None else "–"
        drawn.append(
            f'<rect class="kb-bar" x="{middle - width / 2:.1f}" y="{base - tall:.1f}" '
            f'width="{width:.1f}" height="{max(tall, 1):.1f}" rx="2"/>'
            f'<text class="kb-value" x="{middle:.1f}" y="{base - tall - 5:.1f}">{label}</text>'
            f'<text x="{middle:.1f}" y="{base + 15}">'
            f"{escape(_short(part.label, len(shown)))}</text>"
            f'<text class="kb-n" x="{middle:.1f}" y="{base + 29}">n {part.n}</text>'
        )
    line = _goal_line(base - goal / top * height) if goal is not None else ""
    return _svg(186, f'<path class="kb-axis" d="M0 {base}.5H{_WIDTH}"/>{"".join(drawn)}{line}')


def _short(label: str, count: int) -> str:
    """`2025 Q3` → `25 Q3` where columns are narrow."""
    return label[2:] if count > _WIDE and label[:2] == "20" else label


def _goal_line(y: float) -> str:
    return f'<path class="kb-goal" d="M0 {y:.1f}H{_WIDTH}"/>'


def intervals(rows: Sequence[MetricPart], unit: str, goal: float | None = None) -> Markup:
    """A dot with its 95 % interval for each row, on one scale: shares from 0 to 1."""
    most = 1.0 if unit == "share" else max((r.high or r.value or 0 for r in rows), default=1) or 1
    left, right, row_height = 6, _WIDTH - 6, 38
    scale = (right - left) / most
    drawn = []
    for place, row in enumerate(rows):
        y = place * row_height + 26
        label = f'<text class="kb-left" x="0" y="{y - 10}">{escape(row.label)}</text>'
        value = format_value(row.value, unit) if row.value is not None else "–"
        number = (
            f'<text class="kb-value kb-right" x="{_WIDTH}" y="{y - 10}">{value} (n {row.n})</text>'
        )
        track = f'<path class="kb-track" d="M{left} {y}H{right}"/>'
        drawn.append(label + number + track + _interval(row, left, scale, y))
    height = len(rows) * row_height + 6
    line = ""
    if goal is not None:
        line = f'<path class="kb-goal" d="M{left + goal * scale:.1f} 12V{height - 4}"/>'
    return _svg(height, "".join(drawn) + line)


def _interval(row: MetricPart, left: float, scale: float, y: float) -> str:
    if row.value is None:
        return ""
    span = ""
    if row.low is not None and row.high is not None:
        low, high = left + row.low * scale, min(left + row.high * scale, _WIDTH - 6)
        span = f'<path class="kb-span" d="M{low:.1f} {y}H{high:.1f}"/>'
    return f'{span}<circle class="kb-dot" cx="{left + row.value * scale:.1f}" cy="{y}" r="5"/>'


def bars(rows: Sequence[tuple[str, float]], unit: str) -> Markup:
    """Bars with names above and values at their end, longest first as given."""
    top = max((value for _, value in rows), default=0) or 1
    drawn = []
    for place, (name, value) in enumerate(rows):
        y = place * 36 + 14
        width = value / top * (_WIDTH - 60)
        drawn.append(
            f'<text class="kb-left" x="0" y="{y}">{escape(name)}</text>'
            f'<rect class="kb-bar" x="0" y="{y + 5}" width="{max(width, 2):.1f}" height="10" '
            f'rx="2"/><text class="kb-value kb-left" x="{width + 7:.1f}" y="{y + 14}">'
            f"{format_value(value, unit)}</text>"
        )
    return _svg(len(rows) * 36 + 4, "".join(drawn))


#: The marks of a time axis that grows by multiples: minutes and what they are called.
_TICKS = ((0, "at once"), (10, "10 min"), (60, "1 h"), (1440, "1 day"), (10080, "1 week"))
_LATER = ((43200, "30 days"), (525600, "1 year"))


def dots(points: Sequence[Dot], goal_minutes: float | None = None) -> Markup:
    """Each incident as a dot, minutes upwards on a scale of multiples, time to the right.

    The scale is that of 1 + minutes, so that it begins at nothing; what was seen before it had an
    effect stands there too.
    """
    if not points:
        return Markup()
    left, base, height = 48, 206, 190
    most = max(60.0, *(point.value for point in points))
    top = math.log10(1 + most * 1.3)

    def y_of(minutes: float) -> float:
        return base - math.log10(1 + max(minutes, 0.0)) / top * height

    first, last = min(p.at for p in points), max(p.at for p in points)
    days = max((last - first).days, 1)
    marks = "".join(
        f'<path class="kb-grid-line" d="M{left} {y_of(m):.1f}H{_WIDTH}"/>'
        f'<text class="kb-right" x="{left - 6}" y="{y_of(m) + 4:.1f}">{name}</text>'
        for m, name in (*_TICKS, *_LATER)
        if math.log10(1 + m) <= top
    )
    drawn = "".join(
        f'<a href="{escape(p.address)}"><title>{escape(p.title)}</title><circle class="kb-dot" '
        f'cx="{left + 10 + (p.at - first).days / days * (_WIDTH - left - 20):.1f}" '
        f'cy="{y_of(p.value):.1f}" r="5.5"/></a>'
        for p in points
    )
    ends = (
        f'<text class="kb-left" x="{left}" y="{base + 18}">{first:%b %Y}</text>'
        f'<text class="kb-right" x="{_WIDTH}" y="{base + 18}">{last:%b %Y}</text>'
    )
    goal = _goal_word(left, y_of(goal_minutes), goal_minutes) if goal_minutes else ""
    axis = f'<path class="kb-axis" d="M{left} {base}.5H{_WIDTH}"/>'
    return _svg(228, marks + axis + goal + drawn + ends)


def _goal_word(left: float, y: float, minutes: float) -> str:
    return (
        f'<path class="kb-goal" d="M{left} {y:.1f}H{_WIDTH}"/>'
        f'<text class="kb-goal-word kb-right" x="{_WIDTH}" y="{y - 4:.1f}">{minutes:g} min</text>'
    )


def moments(points: Sequence[Dot]) -> Markup:
    """The incidents of one class on a time line."""
    if not points:
        return Markup()
    first, last = points[0].at, points[-1].at
    days = max((last - first).days, 1)
    span = 700
    drawn = "".join(
        f'<a href="{escape(p.address)}"><title>{p.at}: {escape(p.title)}</title>'
        f'<circle class="kb-dot" cx="{20 + (p.at - first).days / days * (span - 40):.1f}" cy="22" '
        'r="8"/></a>'
        for p in points
    )
    years = "".join(
        f'<path class="kb-grid-line" d="M{x:.1f} 8V36"/><text x="{x:.1f}" y="52">{year}</text>'
        for year in range(first.year + 1, last.year + 1)
        if (x := 20 + (date(year, 1, 1) - first).days / days * (span - 40)) < span - 10
    )
    axis = f'<path class="kb-axis" d="M0 22H{span}"/>'
    return Markup(  # noqa: S704 - drawn above, its words escaped
        f'<svg class="kb-chart kb-moments" viewBox="0 0 {span} 58" role="group" '
        f'aria-label="Time line">{axis}{years}{drawn}</svg>'
    )


def goal_of(measure: Measure) -> float | None:
    """The bound a measure should reach, None without one."""
    return measure.goal.bound if measure.goal else None


def _svg(height: float, body: str) -> Markup:
    return Markup(  # noqa: S704 - drawn above, its words escaped
        f'<svg class="kb-chart" viewBox="0 0 {_WIDTH} {height:g}" role="group" '
        f'aria-label="Chart; the same numbers stand in the table below">{body}</svg>'
    )
