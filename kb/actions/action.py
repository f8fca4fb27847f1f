"""The actions of records: owner, due date, lever, state, and the days they were opened and closed.

Explicit dates in the file win; then the commits. Where a day comes from is said beside it:
`written`, `committed`, `record` (a date of the record stands in) or `unknown`. What a public record
promises was promised by others: the commits of this library say nothing about it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from kb.actions.dates_from_git import StateChange, Trail, Trails, action_key
from kb.actions.effectiveness import (
    FAILED,
    UNKNOWN,
    EffectEvidence,
    effect_evidence,
    effect_of,
)
from kb.did_you_mean import folded
from kb.records.action_and_prior_items import ActionItem
from kb.records.effectiveness_attributes import verification, watch_days
from kb.records.postmortem import Postmortem

if TYPE_CHECKING:
    from kb.library import Library

_LABEL = re.compile(r"A(\d+)$")


@dataclass(frozen=True, slots=True)
class Spell:
    """A time during which an action was owed.

    `until` is None while it is owed still, and where it ended (`is_over`) on a day nobody knows.
    """

    since: date
    until: date | None
    is_over: bool


@dataclass(frozen=True, slots=True)
class Action:
    """One promise. `id` is `<record>#A1` and survives rewording and reordering.

    An action without a label has the id `<record>#item2`, by its place, until `kb fmt` labels it.
    `closed` is the day it was closed or cancelled, None while it is open or where that is unknown;
    `days_overdue` is 0 where it is not overdue. `spells` are the times during which it was owed,
    oldest first: more than one where it was reopened. `replay` is the record whose run has to pass
    before a gate opens, beside the tick.

    `effect` says of one that is done whether it did what it was made for: unknown, effective or
    failed, known since `effect_since`, for the reason `effect_why`; `effect_by` is the record that
    tells the recurrence. It is watched for `watch_days`, up to the day `watch_until`.
    """

    id: str
    record: str
    text: str
    owner: str
    due: date | None
    lever: str
    cause: str
    gate: str
    state: str
    opened: date
    closed: date | None
    tracker: str
    days_overdue: int
    label: str = ""
    route: str = ""
    record_status: str = ""
    classes: tuple[str, ...] = ()
    origin: str = "own"
    opened_source: str = "unknown"
    closed_source: str = "unknown"
    line: int = 0
    spells: tuple[Spell, ...] = ()
    replay: str = ""
    watch_days: int | None = None
    watch_until: date | None = None
    verified: date | None = None
    verified_by: str = ""
    effect: str = UNKNOWN
    effect_since: date | None = None
    effect_why: str = ""
    effect_by: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether it is done, and what it should prevent came again."""
        return self.effect == FAILED

    @property
    def is_open(self) -> bool:
        """Whether it is still owed."""
        return self.state == "open"

    @property
    def completion_unknown(self) -> bool:
        """Whether nobody outside can know: an unticked promise of somebody else's incident."""
        return self.is_open and self.origin == "public"

    def was_open_at(self, at: datetime) -> bool | None:
        """Whether it was owed at a moment; None where its dates do not tell.

        Days have no hour: on the day it was opened or closed an action counts as not open.
        """
        day = at.astimezone(UTC).date()
        if self.origin == "public" and self.opened_source == "record":
            return None
        if self.owed_since(at):
            return True
        begun = [spell for spell in self.spells if spell.since < day]
        return None if begun and begun[-1].is_over and begun[-1].until is None else False

    def owed_since(self, at: datetime) -> Spell | None:
        """The spell in which it was surely owed at a moment, None where there is none."""
        day = at.astimezone(UTC).date()
        found = (
            spell
            for spell in self.spells
            if spell.since < day
            and (spell.until > day if spell.until is not None else not spell.is_over)
        )
        return next(found, None)


def actions(
    library: Library, history: Trails | None, today: date, drafts: Iterable[str] = ()
) -> tuple[Action, ...]:
    """Every action of a library, drafts included, in the order of records and labels.

    `drafts` are ids of records that speak of effects although they are drafts.
    """
    trails, evidence = history or Trails(), effect_evidence(library, drafts)
    return with_uniform_owners(
        action
        for record in library.records
        for action in actions_of(record, trails.of(record.path), today, evidence)
    )


def with_uniform_owners(found: Iterable[Action]) -> tuple[Action, ...]:
    """The actions, with one owner spelled as it mostly is: `ops`, `Ops` and `@ops` are one."""
    every = tuple(found)
    counts = Counter(action.owner for action in every)
    spelled: dict[str, str] = {}
    for owner in sorted(counts, key=lambda owner: (-counts[owner], owner)):
        spelled.setdefault(folded(owner), owner)
    return tuple(
        action
        if (owner := spelled[folded(action.owner)]) == action.owner
        else replace(action, owner=owner)
        for action in every
    )


def actions_of(
    record: Postmortem, trail: Trail, today: date, evidence: EffectEvidence | None = None
) -> tuple[Action, ...]:
    """The actions of one record; without evidence its own occurrences alone speak of effects."""
    known = evidence or EffectEvidence()
    found = [
        _judged(_action(record, item, place, trail, today), record, item, today, known)
        for place, item in enumerate(record.actions, 1)
    ]
    return tuple(sorted(found, key=_label_order))


def listed(found: Iterable[Action]) -> tuple[Action, ...]:
    """In the order a list shows them: overdue first, the longest on top, then by due date."""
    return tuple(
        sorted(
            found,
            key=lambda action: (
                not action.is_open,
                -action.days_overdue,
                action.due or date.max,
                action.record,
                _label_order(action),
            ),
        )
    )


def _label_order(action: Action) -> tuple[int, str]:
    match = _LABEL.match(action.label)
    return (int(match[1]) if match else 10**6, action.id)


def _action(record: Postmortem, item: ActionItem, place: int, trail: Trail, today: date) -> Action:
    key = action_key(item.label, item.text)
    known = Trail() if record.origin == "public" else trail
    closed, closed_source = _closed(item, known, key)
    opened, opened_source = _opened(record, item, known, closed)
    due = item.date("due")
    # Nobody outside knows whether another's promise was kept: it is open here, never overdue.
    is_owed = item.state == "open" and record.origin != "public"
    late = (today - due).days if due and is_owed else 0
    return Action(
        id=f"{record.id}#{item.label or f'item{place}'}",
        record=record.id,
        text=item.text,
        owner=item.attribute("owner"),
        due=due,
        lever=item.attribute("lever"),
        cause=item.attribute("cause"),
        gate=item.attribute("gate"),
        state=item.state,
        opened=opened,
        closed=closed,
        tracker=item.attribute("tracker"),
        days_overdue=max(0, late),
        label=item.label,
        route=record.route,
        record_status=record.status,
        classes=record.classes,
        origin=record.origin,
        opened_source=opened_source,
        closed_source=closed_source,
        line=item.line,
        spells=_spells(item, known.marks.get(key, ()), opened, closed),
        replay=item.attribute("replay"),
    )


def _judged(
    action: Action, record: Postmortem, item: ActionItem, today: date, evidence: EffectEvidence
) -> Action:
    """The action with what became of it; most are neither watched nor verified."""
    days, verified = watch_days(item), verification(item)
    if days is None and verified is None:
        return action
    effect = effect_of(item, record, action.closed, today, evidence)
    return replace(
        action,
        watch_days=days,
        watch_until=effect.watch_until,
        verified=verified.day if verified else None,
        verified_by=verified.by if verified else "",
        effect=effect.word,
        effect_since=effect.since,
        effect_why=effect.why,
        effect_by=effect.by,
    )


def _closed(item: ActionItem, trail: Trail, key: str) -> tuple[date | None, str]:
    """The day it was closed. One written before it was reopened speaks of the closing before."""
    if item.state == "open":
        return None, "unknown"
    landing, reopened = trail.ended(key), trail.reopened(key)
    written = item.date("closed")
    if written and not (landing and reopened and reopened.at and written < _day(reopened.at)):
        return written, "written"
    if landing and landing.at:
        return _day(landing.at), "committed"
    return None, "unknown"


def _spells(
    item: ActionItem, marks: Sequence[StateChange], opened: date, closed: date | None
) -> tuple[Spell, ...]:
    """The times it was owed, out of its changes of state; the last closing is the one given."""
    spells: list[Spell] = []
    since: date | None = opened
    for mark in marks:
        day = _day(mark.landing.at) if mark.landing.at else None
        if mark.state == "open":
            since = since or day
        elif since is not None:
            spells.append(Spell(since, day, is_over=True))
            since = None
    if item.state == "open":
        return (*spells, Spell(since, None, is_over=False)) if since else tuple(spells)
    if since is not None:
        return (*spells, Spell(since, closed, is_over=True))
    return (*spells[:-1], replace(spells[-1], until=closed))


def _opened(
    record: Postmortem, item: ActionItem, trail: Trail, closed: date | None
) -> tuple[date, str]:
    """The day a promise was made.

    A record that is imported long after it was written has commits that are too late: what landed
    with its first commit was there when review was asked for, and a date after the closing or the
    due date cannot be the opening.
    """
    if written := item.date("opened"):
        return written, "written"
    limit = min((day for day in (closed, item.date("due")) if day), default=date.max)
    asked = _day(record.opened) if record.opened and _day(record.opened) <= limit else None
    landing = trail.opened(action_key(item.label, item.text))
    if landing and landing.at and _day(landing.at) <= limit:
        came_with_record = landing == trail.first
        landed = _day(landing.at)
        if not (came_with_record and asked and asked < landed):
            return landed, "committed"
    return asked or record.date, "record"


def _day(at: datetime) -> date:
    return at.astimezone(UTC).date()
