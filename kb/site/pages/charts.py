"""SVG charts that follow the theme, every value written on them.

Widths are chosen for a card of about 400 units, so that the words keep their size on a phone.
A chart is always followed by the table it was drawn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from kb.humanize import format_value, plural, said_day
from kb.metrics.result_types import Measure, MetricPart
from kb.site.safe_html import escape

CHART_WIDTH = 400
#: Of charts of shares: the room for the words of the axis, where it stands, how high 100 % is.
_AXIS, _BASE, _HEIGHT = 58, 172, 150
#: The most columns whose labels still fit side by side.
MOST_COLUMNS = 8
#: A time line: how long, the dots that can be told apart on it, and how wide a column is instead.
_LINE, _MOST_DOTS, _COLUMN = 700, 60, 10
#: Up to so many columns a label keeps its century, and a value stands beside its dot.
_WIDE = 6


@dataclass(frozen=True, slots=True)
class Dot:
    """One incident on a time line: when, how much, its name and the address of its page."""

    at: date
    value: float
    title: str
    address: str


def shares(parts: Sequence[MetricPart], goal: float | None = None) -> Markup:
    """Shares in time with their 95 % intervals, on an axis from 0 to 100 %, and the goal.

    The values stand beside their dots, of many above their intervals, n below. Nothing joins them:
    a line would claim a change.
    """
    shown = parts[-MOST_COLUMNS:]
    step = (CHART_WIDTH - _AXIS) / max(len(shown), 1)
    drawn = (
        _share(part, _AXIS + step * place + step / 2, len(shown))
        for place, part in enumerate(shown)
    )
    line = ""
    if goal is not None:
        y = _level(goal)
        line = (
            f'<path class="kb-goal" d="M{_AXIS} {y:.1f}H{CHART_WIDTH}"/>'
            f'<text class="kb-goal-word kb-right" x="{_AXIS - 6}" y="{y + 4:.1f}">goal '
            f"{format_value(goal, 'share')}</text>"
        )
    return drawn_chart(212, f"{''.join(_levels())}{line}{''.join(drawn)}")


def _levels() -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        y = _level(share)
        yield (
            f'<path class="{"kb-grid-line" if share else "kb-axis"}" '
            f'd="M{_AXIS} {y:.1f}H{CHART_WIDTH}"/>'
            f'<text class="kb-right" x="{_AXIS - 6}" y="{y + 4:.1f}">'
            f"{format_value(share, 'share')}</text>"
        )


def _level(share: float) -> float:
    return _BASE - share * _HEIGHT


def _share(part: MetricPart, x: float, count: int) -> str:
    """One share: its interval, its dot with its value, its label and n below the axis."""
    below = (
        f'<text x="{x:.1f}" y="{_BASE + 16}">{escape(_short(part.label, count))}</text>'
        f'<text class="kb-n" x="{x:.1f}" y="{_BASE + 30}">n {part.n}</text>'
    )
    if part.value is None:
        return f'<text class="kb-value" x="{x:.1f}" y="{_BASE - 5}">–</text>{below}'
    y, span = _level(part.value), ""
    top = y - 5
    if part.low is not None and part.high is not None:
        low, high = _level(part.low), _level(part.high)
        top = min(top, high)
        span = f'<path class="kb-span" d="M{x:.1f} {low:.1f}V{high:.1f}"/>'
    place = f'class="kb-value kb-left" x="{x + 9:.1f}" y="{y + 4:.1f}"'
    if count > _WIDE:
        place = f'class="kb-value" x="{x:.1f}" y="{top - 6:.1f}"'
    return (
        f'{span}<circle class="kb-dot kb-calm" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
        f"<text {place}>{format_value(part.value, 'share')}</text>{below}"
    )


def _short(label: str, count: int) -> str:
    """`2025 Q3` → `25 Q3` where there are many."""
    return label[2:] if count > _WIDE and label[:2] == "20" else label


def intervals(rows: Sequence[MetricPart], unit: str, goal: float | None = None) -> Markup:
    """A dot with its 95 % interval for each row, on one scale: shares from 0 to 1."""
    most = 1.0 if unit == "share" else max((r.high or r.value or 0 for r in rows), default=1) or 1
    left, right, row_height = 6, CHART_WIDTH - 6, 38
    scale = (right - left) / most
    drawn = []
    for place, row in enumerate(rows):
        y = place * row_height + 26
        label = f'<text class="kb-left" x="0" y="{y - 10}">{escape(row.label)}</text>'
        value = format_value(row.value, unit) if row.value is not None else "–"
        number = (
            f'<text class="kb-value kb-right" x="{CHART_WIDTH}" y="{y - 10}">'
            f"{value} (n {row.n})</text>"
        )
        track = f'<path class="kb-track" d="M{left} {y}H{right}"/>'
        drawn.append(label + number + track + _interval(row, left, scale, y))
    height = len(rows) * row_height + 6
    line = ""
    if goal is not None:
        line = f'<path class="kb-goal" d="M{left + goal * scale:.1f} 12V{height - 4}"/>'
    return drawn_chart(height, "".join(drawn) + line)


def _interval(row: MetricPart, left: float, scale: float, y: float) -> str:
    if row.value is None:
        return ""
    span = ""
    if row.low is not None and row.high is not None:
        low, high = left + row.low * scale, min(left + row.high * scale, CHART_WIDTH - 6)
        span = f'<path class="kb-span" d="M{low:.1f} {y}H{high:.1f}"/>'
    return f'{span}<circle class="kb-dot" cx="{left + row.value * scale:.1f}" cy="{y}" r="5"/>'


def bars(rows: Sequence[tuple[str, float]], unit: str) -> Markup:
    """Bars with names above and values at their end, longest first as given."""
    top = max((value for _, value in rows), default=0) or 1
    drawn = []
    for place, (name, value) in enumerate(rows):
        y = place * 36 + 14
        width = value / top * (CHART_WIDTH - 60)
        drawn.append(
            f'<text class="kb-left" x="0" y="{y}">{escape(name)}</text>'
            f'<rect class="kb-bar" x="0" y="{y + 5}" width="{max(width, 2):.1f}" height="10" '
            f'rx="2"/><text class="kb-value kb-left" x="{width + 7:.1f}" y="{y + 14}">'
            f"{format_value(value, unit)}</text>"
        )
    return drawn_chart(len(rows) * 36 + 4, "".join(drawn))


def moments(points: Sequence[Dot]) -> Markup:
    """The incidents of one class on a time line; where dots would hide each other, columns."""
    if not points:
        return Markup()
    first, last = points[0].at, points[-1].at
    days = max((last - first).days, 1)

    def place(at: date) -> float:
        return 20 + (at - first).days / days * (_LINE - 40)

    drawn = _dots(points, place) if len(points) <= _MOST_DOTS else _columns_of(points, place)
    years = "".join(
        f'<path class="kb-grid-line" d="M{x:.1f} 8V36"/><text x="{x:.1f}" y="52">{year}</text>'
        for year in range(first.year + 1, last.year + 1)
        if (x := place(date(year, 1, 1))) < _LINE - 10
    )
    axis = f'<path class="kb-axis" d="M0 22H{_LINE}"/>'
    return Markup(  # noqa: S704 - drawn above, its words escaped
        f'<svg class="kb-chart kb-moments" viewBox="0 0 {_LINE} 58" role="group" '
        f'aria-label="Time line">{axis}{years}{drawn}</svg>'
    )


def _dots(points: Sequence[Dot], place: Callable[[date], float]) -> str:
    """A dot an incident, which leads to its page."""
    return "".join(
        f'<a href="{escape(p.address)}"><title>{p.at}: {escape(p.title)}</title>'
        f'<circle class="kb-dot" cx="{place(p.at):.1f}" cy="22" r="8"/></a>'
        for p in points
    )


def _columns_of(points: Sequence[Dot], place: Callable[[date], float]) -> str:
    """A column for each stretch of the line, as high as many incidents began in it."""
    stretches: dict[int, list[Dot]] = {}
    for point in points:
        stretches.setdefault(int(place(point.at) // _COLUMN), []).append(point)
    most = max(map(len, stretches.values()))
    return "".join(
        f"<g><title>{_from_to(some)}: {plural(len(some), 'incident')}</title>"
        f'<rect class="kb-column" x="{number * _COLUMN}" y="{22 - height / 2:.1f}" '
        f'width="{_COLUMN - 1}" height="{height:.1f}"/></g>'
        for number, some in stretches.items()
        if (height := 4 + 36 * len(some) / most)
    )


def _from_to(points: Sequence[Dot]) -> str:
    first, last = said_day(points[0].at), said_day(points[-1].at)
    return first if first == last else f"{first} to {last}"


def goal_of(measure: Measure) -> float | None:
    """The bound a measure should reach, None without one."""
    return measure.goal.bound if measure.goal else None


def drawn_chart(height: float, body: str) -> Markup:
    """A picture of these parts, their words escaped already."""
    return Markup(  # noqa: S704 - drawn above, its words escaped
        f'<svg class="kb-chart" viewBox="0 0 {CHART_WIDTH} {height:g}" role="group" '
        f'aria-label="Chart; the same numbers stand in the table below">{body}</svg>'
    )
