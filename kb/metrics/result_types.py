"""The frozen values of the metrics page, with n and records behind each number.

Shares are 0…1, durations in the unit the value names, times aware UTC.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime

from kb.as_of import AsOf


@dataclass(frozen=True, slots=True)
class Goal:
    """What a measure should reach: `sign` is `>`, `≥` or `≤`."""

    sign: str
    bound: float

    def is_met(self, value: float) -> bool:
        """Whether a value reaches it."""
        if self.sign == "≤":
            return value <= self.bound
        return value > self.bound if self.sign == ">" else value >= self.bound


@dataclass(frozen=True, slots=True)
class MetricPart:
    """One slice of a measure. `by` is quarter, year, half, owner, lever, route or section."""

    by: str
    label: str
    value: float | None
    n: int
    low: float | None = None
    high: float | None = None
    records: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MetricValue:
    """What a measure's function gives.

    `records` are those counted in n. `hits` are the ids that make the numerator and `misses` the
    rest of the denominator: records, or actions (`<record>#A1`), or customers (`<record>@name`).
    `unknown` are the cases left out because their outcome is not known; `least` and `most` are what
    the value could be, were they known, None where nothing bounds it.
    `change` compares the halves: rise, fall, none, or empty where nothing is claimed.
    `notes` say what was left out and what stands in for a missing date, one sentence each.
    """

    value: float | None = None
    n: int = 0
    low: float | None = None
    high: float | None = None
    records: tuple[str, ...] = ()
    hits: tuple[str, ...] = ()
    misses: tuple[str, ...] = ()
    lower_quartile: float | None = None
    upper_quartile: float | None = None
    parts: tuple[MetricPart, ...] = ()
    unknown: int = 0
    least: float | None = None
    most: float | None = None
    change: str = ""
    notes: tuple[str, ...] = ()

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The least and the most the value can be; both the value where nothing is unknown."""
        return (self.least, self.most) if self.unknown else (self.value, self.value)

    def parts_by(self, by: str) -> tuple[MetricPart, ...]:
        """The slices of one kind, in their order."""
        return tuple(part for part in self.parts if part.by == by)


@dataclass(frozen=True, slots=True)
class Measure(MetricValue):
    """A value with its definition: what the page, its JSON and the site show.

    `unit` is minutes, hours, days, share or count.
    """

    name: str = ""
    family: str = ""
    title: str = ""
    unit: str = ""
    definition: str = ""
    formula: str = ""
    source: str = ""
    goal: Goal | None = None

    @property
    def series(self) -> tuple[MetricPart, ...]:
        """The slices in time, oldest first: by quarter, else by year."""
        return self.parts_by("quarter") or self.parts_by("year")

    @property
    def meets_goal(self) -> bool | None:
        """Whether the goal is met; None without goal or value, or where unknown cases decide."""
        if self.goal is None or (self.value is None and not self.unknown):
            return None
        least, most = self.bounds
        at_worst = self.goal.is_met(-math.inf if least is None else least)
        at_best = self.goal.is_met(math.inf if most is None else most)
        return at_worst if at_worst == at_best else None


@dataclass(frozen=True, slots=True)
class Pair:
    """A repeat that a kept promise might have prevented.

    The action of the earlier record was open when the later incident first had an effect, and had
    been for `days_open`. `closed` is the day it was closed after that, None where it is not.
    """

    record: str
    earlier: str
    action: str
    text: str
    owner: str
    days_open: int
    closed: date | None


@dataclass(frozen=True, slots=True)
class Deadline:
    """A promise with a clock that has not been kept yet.

    `promise` is review, external or copy; `customer` is set for copies.
    `hours_left` is negative once it has passed.
    """

    record: str
    promise: str
    due_at: datetime
    hours_left: float
    customer: str = ""

    @property
    def is_missed(self) -> bool:
        """Whether it has passed."""
        return self.hours_left < 0


@dataclass(frozen=True, slots=True)
class NewRecord:
    """A record that reached the default branch as published since the last all-hands.

    `published` is the day, None where it is hidden by a shallow clone; unless `is_exact` it came
    then or later. `is_import` says that it was copied here with others. `repeats` are the earlier
    records that it repeats by its author's verdict.
    """

    record: str
    title: str
    published: date | None
    is_exact: bool
    is_import: bool
    kind: str
    severity: str
    lesson: str
    is_looked_at: bool
    repeats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OwedPromise:
    """An action as the all-hands sees it; `closed` is None while it is open.

    `came_again` is the day since which it is known that a kept one failed.
    """

    action: str
    record: str
    text: str
    owner: str
    due: date | None
    closed: date | None
    days_overdue: int
    came_again: date | None = None

    @property
    def is_late(self) -> bool:
        """Whether it was kept after its due date."""
        return bool(self.due and self.closed and self.closed > self.due)


@dataclass(frozen=True, slots=True)
class AllHands:
    """What the next all-hands has to know, beside the three answers.

    `name` says what the window begins with, and `is_all_hands` whether that is an all-hands; it is
    empty for a day that was asked for. `unknown` published records arrived on a day nobody knows.
    Promises are those of published records: `promises` in all, `kept` since then, `broken` are open
    past their due date, `due` within 30 days; `undated` were kept on a day nobody knows. `walls`
    are records with an executable wall, `effects` how many kept promises worked,
    and `failed` are those of them after which it came again, the latest first.
    """

    since: date
    name: str
    is_all_hands: bool
    new: tuple[NewRecord, ...]
    unknown: int
    kept: tuple[OwedPromise, ...]
    broken: tuple[OwedPromise, ...]
    due: tuple[OwedPromise, ...]
    undated: int
    promises: int = 0
    walls: tuple[str, ...] = ()
    effects: tuple[tuple[str, int], ...] = ()
    failed: tuple[OwedPromise, ...] = ()

    @property
    def repeats(self) -> tuple[NewRecord, ...]:
        """The new records that repeat an earlier one."""
        return tuple(new for new in self.new if new.repeats)

    @property
    def newly_broken(self) -> int:
        """How many of the broken promises fell due since then."""
        return sum(1 for promise in self.broken if promise.due and promise.due >= self.since)


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """One of the three questions of the all-hands, answered in a word and a few lines.

    `verdict` begins with yes or no, or says why the numbers carry neither. Whether incidents
    repeat is never answered with no.
    """

    question: str
    verdict: str
    lines: tuple[str, ...]
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records there are, by status, and how many the page does not count.

    `faulty` are files that could not be read completely, whatever their origin; `kinds` how many
    of the published are of each kind, the most first.
    """

    published: int
    in_review: int
    drafts: int
    faulty: int
    other_origin: int
    kinds: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class MetricsPage:
    """The metrics page as it stood at one moment, for records of one origin.

    `origin` is own, public or example. `notes` say what holds for the page as a whole.
    """

    library: str
    as_of: AsOf
    origin: str
    since: date | None
    counts: Counts
    answers: tuple[QuestionAnswer, ...]
    measures: tuple[Measure, ...]
    pairs: tuple[Pair, ...]
    deadlines: tuple[Deadline, ...]
    notes: tuple[str, ...]
    all_hands: AllHands | None = None

    def measure(self, name: str) -> Measure:
        """The measure with that name. Raises `KeyError` for one that is not in the registry."""
        for measure in self.measures:
            if measure.name == name:
                return measure
        raise KeyError(name)
