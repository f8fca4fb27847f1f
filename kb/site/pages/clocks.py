"""The clocks of an incident as a strip drawn to scale, and in words.

The bar is an SVG without text that stretches to any width; the words stand below it as HTML, so
that they are as large on a phone as on a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from itertools import pairwise

from kb.format import duration
from kb.records.model import Clocks
from kb.site.html import escape

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
#: The bar's width in its own units; the least a stretch is drawn with, so that it can be seen.
_WIDTH, _LEAST = 1000.0, 5.0
#: Shares below this are said to be under one per cent.
_SMALL = 0.01


@dataclass(frozen=True, slots=True)
class Stretch:
    """The time between two known clocks that follow each other."""

    start: str
    end: str
    minutes: float

    @property
    def css(self) -> str:
        """What colours it: undetected time, whatever clock began it, is the alarming kind."""
        return "first_impact" if self.start == "first_warning" == self.end else self.end


def stretches(clocks: Clocks) -> tuple[Stretch, ...]:
    """The stretches between the known clocks, in the order of time; those of no length left out."""
    known = sorted(clocks.known(), key=lambda pair: pair[1])
    pairs = pairwise(known)
    return tuple(
        Stretch(start, end, (later - at).total_seconds() / 60)
        for (start, at), (end, later) in pairs
        if later > at
    )


def strip(clocks: Clocks) -> str:
    """The strip with its legend; empty where fewer than two clocks tell a length of time.

    A single stretch is said and not drawn: a bar of one colour shows no proportion.
    """
    found = stretches(clocks)
    if not found:
        return ""
    total = sum(stretch.minutes for stretch in found)
    legend = "".join(_legend(stretch, clocks, total) for stretch in found)
    drawn = _drawn(found, total) if len(found) > 1 else ""
    said = _caption(found, total) if len(found) > 1 else "The other clocks are not known."
    return (
        f'<figure class="kb-clocks" data-pagefind-ignore>{drawn}'
        f'<ol class="kb-stretches">\n{legend}</ol>\n'
        f"<figcaption>{said} Times are UTC.</figcaption></figure>"
    )


def _drawn(found: tuple[Stretch, ...], total: float) -> str:
    words = "; ".join(f"{duration(s.minutes)} {_SPENT.get(s.end, s.end)}" for s in found)
    return (
        '<svg viewBox="0 0 1000 40" preserveAspectRatio="none" role="img" '
        f'aria-label="{escape(words)}">{_bars(found, total)}</svg>\n'
    )


def _caption(found: tuple[Stretch, ...], total: float) -> str:
    start, end = _REACHED[found[0].start], _REACHED[found[-1].end]
    return f"From {start} to {end}: {duration(total)}, drawn to scale."


def _bars(found: tuple[Stretch, ...], total: float) -> str:
    widths = [max(_LEAST, stretch.minutes / total * _WIDTH) for stretch in found]
    scale = _WIDTH / sum(widths)
    bars, x = [], 0.0
    for stretch, width in zip(found, widths, strict=True):
        drawn = width * scale
        bars.append(
            f'<rect class="kb-c-{stretch.css}" x="{x:.1f}" y="0" width="{max(1, drawn - 1.5):.1f}" '
            'height="40"/>'
        )
        x += drawn
    return "".join(bars)


def _legend(stretch: Stretch, clocks: Clocks, total: float) -> str:
    begin, end = getattr(clocks, stretch.start), getattr(clocks, stretch.end)
    share = stretch.minutes / total
    part = f"{share * 100:.0f}" if share >= _SMALL else "under 1"
    tail = "" if share == 1 else f" · {part}\N{NO-BREAK SPACE}%"
    return (
        f'<li class="kb-c-{stretch.css}"><b>{duration(stretch.minutes)}</b>'
        f"<span>{_SPENT.get(stretch.end, stretch.end)}</span>"
        f"<small>{_moment(begin)} {_REACHED[stretch.start]} → "
        f"{_moment(end, begin)} {_REACHED[stretch.end]}{tail}</small></li>\n"
    )


def _moment(at: datetime, after: datetime | None = None) -> str:
    """The hour, with its day where that is not the day before it in the line."""
    if after is not None and after.date() == at.date():
        return f"{at:%H:%M}"
    year = f" {at:%Y}" if after is None or after.year != at.year else ""
    if at.time() == time.min:  # of most public incidents only the day is known
        return f"{at.day} {at:%b}{year}"
    return f"{at.day} {at:%b}{year} {at:%H:%M}"
