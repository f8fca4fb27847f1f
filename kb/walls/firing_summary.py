"""How often each wall spoke on this machine, was overridden, or never spoke."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from msgspec import Struct

from kb.humanize import plural
from kb.library import Library
from kb.terminal import visible
from kb.walls.compile_table import address
from kb.walls.firing_log import PASS_GIVEN, PASSED, Firing, firings


class WallCount(Struct, frozen=True, kw_only=True):
    """One wall: how often it stopped, asked or noted, and how often a person let a call pass."""

    id: str
    fired: int
    overridden: int


class WallsOnThisMachine(Struct, frozen=True, kw_only=True):
    """The walls of published records, and those that spoke once; `since` is the first firing."""

    since: str | None
    walls: tuple[WallCount, ...]


def walls_on_this_machine(root: Path, library: Library) -> WallsOnThisMachine | None:
    """What the log of this machine says of a library's walls; None where there are neither."""
    known = [address(record.id, wall) for record in library.published for wall in record.walls]
    spoken = [one for one in firings(os.path.realpath(root)) if one.answer != PASS_GIVEN]
    if not known and not spoken:
        return None
    fired = Counter(one.wall for one in spoken)
    passed = Counter(one.wall for one in spoken if one.answer == PASSED)
    return WallsOnThisMachine(
        since=_first_day(spoken),
        walls=tuple(
            WallCount(id=name, fired=fired[name], overridden=passed[name])
            for name in dict.fromkeys((*known, *fired))
        ),
    )


def _first_day(spoken: list[Firing]) -> str | None:
    return min(one.at for one in spoken).date().isoformat() if spoken else None


def walls_text(found: WallsOnThisMachine) -> str:
    """The same in lines: what fired, the most first, then how many never did."""
    spoke = sorted((w for w in found.walls if w.fired), key=lambda w: (-w.fired, w.id))
    silent = len(found.walls) - len(spoke)
    total = sum(wall.fired for wall in spoke)
    overridden = sum(wall.overridden for wall in spoke)
    head = f"Walls on this machine: {plural(len(found.walls), 'wall')}"
    if not spoke:
        return f"{head}, none has fired\n"
    lines = [
        f"{head}, fired {plural(total, 'time')}, overridden {overridden}, never fired {silent}",
        *(visible(f"  {wall.fired:>5}  {wall.id}{_overridden(wall.overridden)}") for wall in spoke),
    ]
    return "\n".join(lines) + "\n"


def _overridden(count: int) -> str:
    return f", {count} of them let pass by a person" if count else ""
