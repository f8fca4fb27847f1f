"""The clocks of an incident as a strip drawn to scale, and in words.

The bar is an SVG without text that stretches to any width; the words stand below it as HTML, so
that they are as large on a phone as on a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from itertools import accumulate, pairwise

from kb.humanize import duration
from kb.records.postmortem import Clocks

#: What a stretch that ends at a clock was spent on.
_SPENT = {
    "first_warning": "running, no warning yet",
    "first_impact": "warning signs, no effect yet",
    "detected": "undetected",
    "acknowledged": "known, nobody on it",
    "contained": "until contained",
    "resolved": "until repaired",
    "restarted": "route stopped",
}
_REACHED = {
    "route_start": "route starts",
    "first_warning": "first warning",
    "first_impact": "first impact",
    "detected": "detected",
    "acknowledged": "acknowledged",
    "contained": "contained",
    "resolved": "resolved",
    "restarted": "restarted",
}
#: The bar's width in its own units; the least a stretch has, so that it can be seen; the gap after.
_WIDTH, _LEAST, _GAP = 1000.0, 5.0, 1.5
#: Shares below this are said to be under one per cent.
_SMALL = 0.01


@dataclass(frozen=True, slots=True)
class ClockInterval:
    """The time between two known clocks that follow each other."""

    start: str
    end: str
    minutes: float

    @property
    def css(self) -> str:
        """What colours it: undetected time, whatever clock began it, is the alarming kind."""
        return "first_impact" if self.start == "first_warning" == self.end else self.end


def stretches(clocks: Clocks) -> tuple[ClockInterval, ...]:
    """The stretches between the known clocks, in the order of time; those of no length left out."""
    known = sorted(clocks.known(), key=lambda pair: pair[1])
    pairs = pairwise(known)
    return tuple(
        ClockInterval(start, end, (later - at).total_seconds() / 60)
        for (start, at), (end, later) in pairs
        if later > at
    )


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch as it is drawn: where it begins and how wide it is, in the units of the bar."""

    css: str
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class ClockIntervalText:
    """A stretch in words: how long, what it was spent on, from when to when, and its share."""

    css: str
    length: str
    spent: str
    span: str


@dataclass(frozen=True, slots=True)
class ClockStrip:
    """The strip with its legend; `said` is the drawing in words, for who cannot see it."""

    bars: tuple[Bar, ...]
    said: str
    legend: tuple[ClockIntervalText, ...]
    caption: str


def strip(clocks: Clocks) -> ClockStrip | None:
    """The strip, None where fewer than two clocks tell a length of time.

    A single stretch is said and not drawn: a bar of one colour shows no proportion.
    """
    found = stretches(clocks)
    if not found:
        return None
    total = sum(stretch.minutes for stretch in found)
    is_drawn = len(found) > 1
    return ClockStrip(
        bars=_bars(found, total) if is_drawn else (),
        said="; ".join(f"{duration(s.minutes)} {_SPENT.get(s.end, s.end)}" for s in found),
        legend=tuple(_words(stretch, clocks, total) for stretch in found),
        caption=_caption(found, total) if is_drawn else "The other clocks are not known.",
    )


def _caption(found: tuple[ClockInterval, ...], total: float) -> str:
    start, end = _REACHED[found[0].start], _REACHED[found[-1].end]
    return f"From {start} to {end}: {duration(total)}, drawn to scale."


def _bars(found: tuple[ClockInterval, ...], total: float) -> tuple[Bar, ...]:
    widths = [max(_LEAST, stretch.minutes / total * _WIDTH) for stretch in found]
    scale = _WIDTH / sum(widths)
    ends = accumulate((width * scale for width in widths), initial=0.0)
    return tuple(
        Bar(stretch.css, round(x, 1), round(max(1, width * scale - _GAP), 1))
        for stretch, width, x in zip(found, widths, ends, strict=False)
    )


def _words(stretch: ClockInterval, clocks: Clocks, total: float) -> ClockIntervalText:
    begin, end = getattr(clocks, stretch.start), getattr(clocks, stretch.end)
    share = stretch.minutes / total
    part = f"{share * 100:.0f}" if share >= _SMALL else "under 1"
    tail = "" if share == 1 else f" · {part}\N{NO-BREAK SPACE}%"
    return ClockIntervalText(
        stretch.css,
        duration(stretch.minutes),
        _SPENT.get(stretch.end, stretch.end),
        f"{_moment(begin)} {_REACHED[stretch.start]} → "
        f"{_moment(end, begin)} {_REACHED[stretch.end]}{tail}",
    )


def _moment(at: datetime, after: datetime | None = None) -> str:
    """The hour, with its day where that is not the day before it in the line."""
    if after is not None and after.date() == at.date():
        return f"{at:%H:%M}"
    year = f" {at:%Y}" if after is None or after.year != at.year else ""
    if at.time() == time.min:  # of most public incidents only the day is known
        return f"{at.day} {at:%b}{year}"
    return f"{at.day} {at:%b}{year} {at:%H:%M}"
