"""How many runs of a route were seen on a day: a small file beside the records, kept in Git.

    route,day,runs
    billing-agent,2026-05-03,312

A fix that held while its route never ran has proved nothing; this file says that it ran.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from io import StringIO

FILE_NAME = "runs-seen.csv"
_HEAD = ("route", "day", "runs")
_MOST_DIGITS = 9
_SHAPE = "is no route, day and number of runs, as in billing-agent,2026-05-03,312"
Days = Mapping[tuple[str, date], int]


@dataclass(frozen=True)
class RunsSeen:
    """Runs by route and day; `faults` are the lines that could not be read, with the reasons."""

    days: Days = field(default_factory=dict)
    faults: tuple[tuple[int, str], ...] = ()

    def on(self, first: date, last: date) -> dict[str, tuple[int, int]]:
        """Route to the runs and the days on which it was seen between two days, both included."""
        found: dict[str, tuple[int, int]] = {}
        for (route, day), runs in self.days.items():
            if first <= day <= last and runs:
                before = found.get(route, (0, 0))
                found[route] = before[0] + runs, before[1] + 1
        return found


def read_runs_seen(text: str) -> RunsSeen:
    """The file's text read; a line that is none is a fault, and the others count."""
    from kb.records.action_and_prior_items import read_date

    days: dict[tuple[str, date], int] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        row = [cell.strip() for cell in next(csv.reader([line]), [])]
        if not any(row) or tuple(row) == _HEAD:
            continue
        route, day, runs = (*row, "", "", "")[:3]
        on = read_date(day) if len(row) == len(_HEAD) else None
        if not route or on is None or not (runs.isascii() and runs.isdigit()):
            faults.append((number, _SHAPE))
        elif len(runs) > _MOST_DIGITS:
            faults.append((number, "is more runs than a route has in a day"))
        else:
            days[route, on] = max(int(runs), days.get((route, on), 0))
    return RunsSeen(days, tuple(faults))


def with_runs(seen: RunsSeen, route: str, days: Iterable[tuple[date, int]]) -> str:
    """The file's text with what a look at a route's runs found.

    The same archive may be looked at twice, so that of two numbers of a day the larger one stands.
    """
    known = dict(seen.days)
    for day, runs in days:
        known[route, day] = max(runs, known.get((route, day), 0))
    stream = StringIO()
    lines = csv.writer(stream, lineterminator="\n")
    lines.writerow(_HEAD)
    lines.writerows((name, day.isoformat(), runs) for (name, day), runs in sorted(known.items()))
    return stream.getvalue()
