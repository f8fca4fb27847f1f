"""What is counted, and in which slices? Records and actions as cases of a measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from kb.actions.action import Action
from kb.records.model import Postmortem


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
