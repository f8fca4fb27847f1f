"""What did we promise, and did we do it? Every action of the records with its dates.

Explicit dates in the file win; then the commits. Where a day comes from is said beside it:
`written`, `committed`, `record` (a date of the record stands in) or `unknown`. What a public record
promises was promised by others: the commits of this library say nothing about it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from kb.metrics.history import Landing, Trail, Trails, action_key
from kb.records.items import ActionItem
from kb.records.model import Postmortem

if TYPE_CHECKING:
    from kb.library import Library

_LABEL = re.compile(r"A(\d+)$")


@dataclass(frozen=True, slots=True)
class Action:
    """One promise. `id` is `<record>#A1` and survives rewording and reordering.

    An action without a label has the id `<record>#item2`, by its place, until `kb fmt` labels it.
    `closed` is the day it was closed or cancelled, None while it is open or where that is unknown;
    `days_overdue` is 0 where it is not overdue.
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

    @property
    def is_open(self) -> bool:
        """Whether it is still owed."""
        return self.state == "open"

    def was_open_at(self, at: datetime) -> bool | None:
        """Whether it was owed at a moment; None where its dates do not tell.

        Days have no hour: on the day it was opened or closed an action counts as not open.
        """
        day = at.astimezone(UTC).date()
        if self.origin == "public" and self.opened_source == "record":
            return None
        if self.opened >= day or (self.closed is not None and self.closed <= day):
            return False
        return True if self.is_open or self.closed else None


def actions(library: Library, history: Trails | None, today: date) -> tuple[Action, ...]:
    """Every action of a library, drafts included, in the order of records and labels."""
    trails = history or Trails()
    return tuple(
        action
        for record in library.records
        for action in actions_of(record, trails.of(record.path), today)
    )


def actions_of(record: Postmortem, trail: Trail, today: date) -> tuple[Action, ...]:
    """The actions of one record."""
    found = [
        _action(record, item, place, trail, today) for place, item in enumerate(record.actions, 1)
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
    closed, closed_source = _closed(item, known.ended(key))
    opened, opened_source = _opened(record, item, known, closed)
    due = item.date("due")
    late = (today - due).days if due and item.state == "open" else 0
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
    )


def _closed(item: ActionItem, landing: Landing | None) -> tuple[date | None, str]:
    if item.state == "open":
        return None, "unknown"
    if written := item.date("closed"):
        return written, "written"
    if landing and landing.at:
        return _day(landing.at), "committed"
    return None, "unknown"


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
