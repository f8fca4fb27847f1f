"""What a measure may look at: the counted records of one origin, their actions, their times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from functools import cached_property
from itertools import islice
from pathlib import PurePosixPath

from kb.actions.action import Action, actions_of, with_uniform_owners
from kb.actions.dates_from_git import Trails
from kb.actions.effectiveness import EffectEvidence
from kb.as_of import AsOf
from kb.metrics.publication import (
    NewsWindow,
    Publication,
    default_window,
    is_born_published,
    publications,
)
from kb.records.merged_records import merged_here, occurrences_of
from kb.records.postmortem import Occurrence, Postmortem
from kb.records.route_run_counts import RunsSeen


@dataclass(frozen=True)
class MetricsInput:
    """Everything the measures are computed from; they look at nothing else.

    `known` are all records of the origin, drafts included; `foreign` the ids of the other one.
    `lost_fixtures` are the records whose fixture is named and not there. `window` is since when a
    publication is news; without one, the last 30 days.
    """

    known: tuple[Postmortem, ...]
    as_of: AsOf
    trails: Trails = field(default_factory=Trails)
    since: date | None = None
    foreign: frozenset[str] = frozenset()
    lost_fixtures: frozenset[str] = frozenset()
    window: NewsWindow | None = None
    runs_seen: RunsSeen = field(default_factory=RunsSeen)

    @cached_property
    def published(self) -> tuple[Postmortem, ...]:
        """The records that count, whatever the window, in the order they happened."""
        return tuple(sorted((r for r in self.known if r.is_published), key=moment))

    @cached_property
    def records(self) -> tuple[Postmortem, ...]:
        """The records that count and began within the window."""
        return tuple(r for r in self.published if self._is_in_window(r))

    def _is_in_window(self, record: Postmortem) -> bool:
        return self.since is None or record.date >= self.since

    @cached_property
    def incidents(self) -> tuple[Postmortem, ...]:
        """The counted records that are incidents: no near misses, rescues or budget alerts."""
        return tuple(record for record in self.records if record.kind == "incident")

    @cached_property
    def in_form(self) -> tuple[Postmortem, ...]:
        """The counted records that were written in the form, which asks for what adopted ones lack.

        A share of what the form asks for says nothing about a record that was never asked.
        """
        return tuple(record for record in self.records if not record.is_adopted)

    @cached_property
    def written_here(self) -> tuple[Postmortem, ...]:
        """The records that count and were published here, not adopted, whatever the window."""
        return tuple(record for record in self.published if not record.is_adopted)

    @cached_property
    def in_review(self) -> tuple[Postmortem, ...]:
        """The records for which review was asked."""
        return tuple(sorted((r for r in self.known if r.status == "in-review"), key=moment))

    @cached_property
    def by_id(self) -> Mapping[str, Postmortem]:
        """The records of this origin by id."""
        return {record.id: record for record in self.known}

    @cached_property
    def _actions(self) -> Mapping[str, tuple[Action, ...]]:
        evidence = EffectEvidence(self.known, self.runs_seen)
        today = self.as_of.day
        found = [actions_of(r, self.trails.of(r.path), today, evidence) for r in self.known]
        spelled = iter(with_uniform_owners(action for actions in found for action in actions))
        rows = zip(self.known, found, strict=True)
        return {r.id: tuple(islice(spelled, len(actions))) for r, actions in rows}

    def actions_of(self, record_id: str) -> tuple[Action, ...]:
        """The actions of a record; none where the record is not known."""
        return self._actions.get(record_id, ())

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """The actions of the counted records; what adopted ones promised was not promised here.

        What a merged record promised is owed as before.
        """
        promising = {r.id for r in self.in_form} | {
            r.id for r in self._merged if not r.is_adopted and self._is_in_window(r)
        }
        records = (r for r in sorted(self.known, key=moment) if r.id in promising)
        return tuple(action for record in records for action in self.actions_of(record.id))

    @cached_property
    def _merged(self) -> tuple[Postmortem, ...]:
        return tuple(r for r in self.known if r.merged_into and r.status == "published")

    @cached_property
    def _merged_here(self) -> Mapping[str, tuple[Postmortem, ...]]:
        return merged_here(self._merged)

    def occurrences_of(self, record: Postmortem) -> tuple[Occurrence, ...]:
        """The further times of a record, in order; those without a time last."""
        others = self._merged_here.get(record.id, ())
        return occurrences_of(record, others) if record.occurrences or others else ()

    @cached_property
    def news_window(self) -> NewsWindow:
        """Since when a publication is news."""
        return self.window or default_window(self.as_of)

    @cached_property
    def _publications(self) -> Mapping[PurePosixPath, Publication]:
        return publications(self.trails)

    def publication(self, record: Postmortem) -> Publication:
        """When a record reached the default branch as published; nothing stands in for that."""
        return self._publications.get(PurePosixPath(record.path.as_posix()), Publication())

    def is_news(self, record: Postmortem) -> bool | None:
        """Whether a record was published since the window began; None where nobody can know."""
        landing = self.trails.of(record.path).published
        return self.news_window.covers(landing, self.trails.boundary)

    def opened_at(self, record: Postmortem) -> tuple[datetime | None, bool]:
        """When review was asked for, and whether the first commit stands in for it."""
        if record.opened is not None:
            return record.opened, False
        trail = self.trails.of(record.path)
        # A commit that brought it published already says nothing about when review was asked for.
        is_told = record.origin != "public" and not is_born_published(trail)
        return (trail.first.at if trail.first and is_told else None), True


def asked(
    records: Iterable[Postmortem], says: Callable[[Postmortem], object]
) -> tuple[Postmortem, ...]:
    """The records that a measure may ask: those in the form, and adopted ones that say it."""
    return tuple(r for r in records if not r.is_adopted or says(r))


def moment(record: Postmortem) -> tuple[datetime, str]:
    """What records are ordered by: when they began, then the id."""
    return record.happened_at, record.id


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is counted: a record, an action or a customer.

    `number` is a duration, or 1 and 0 for whether a share counts it.
    `groups` are the slices it belongs to, as pairs of kind and label.
    """

    record: str
    item: str
    at: datetime
    number: float
    groups: tuple[tuple[str, str], ...] = ()


_SLICES: dict[str, Callable[[Postmortem], tuple[str, ...]]] = {
    "quarter": lambda record: (quarter(record.happened_at),),
    "year": lambda record: (str(record.happened_at.year),),
    "owner": lambda record: record.owners,
    "route": lambda record: (record.route or "unknown",),
}


def record_case(record: Postmortem, number: float, *by: str, item: str = "") -> Case:
    """A record, sliced `by` quarter, year, owner or route; `item` where it has several cases."""
    groups = tuple((kind, label) for kind in by for label in _SLICES[kind](record))
    return Case(record.id, item or record.id, record.happened_at, float(number), groups)


def action_case(action: Action, number: float) -> Case:
    """An action, sliced by the quarter it was opened in, by owner and by lever."""
    opened = datetime.combine(action.opened, time(), UTC)
    groups = (
        ("quarter", quarter(opened)),
        ("owner", action.owner or "nobody"),
        ("lever", action.lever or "none"),
    )
    return Case(action.record, action.id, opened, float(number), groups)


def quarter(at: datetime | date) -> str:
    """The quarter a moment lies in, such as `2026 Q2`."""
    return f"{at.year} Q{(at.month + 2) // 3}"
