"""What was promised after an earlier incident? Its state now and when another one happened."""

from __future__ import annotations

from datetime import datetime

from kb.search.answer import PromisedAction
from kb.search.records.entry import Entry, Promise


def promised(entry: Entry, promise: Promise, at: datetime) -> PromisedAction:
    """An action of a record with its state now and at a time."""
    return PromisedAction(
        id=f"{entry.id}#{promise.label}",
        text=promise.text,
        state=promise.state,
        owner=promise.owner,
        due=promise.due,
        closed=promise.closed,
        open_at_query_date=None if _is_untold(entry, promise) else _open_at(promise, at),
    )


def _is_untold(entry: Entry, promise: Promise) -> bool:
    """Whether nobody outside can know: an unticked promise of somebody else's incident."""
    return entry.origin == "public" and promise.state == "open"


def _open_at(promise: Promise, at: datetime) -> bool | None:
    """Whether it was still to do at that time; None where the closing day is not written."""
    if promise.state == "open":
        return True
    if promise.closed is None:
        return None
    return promise.closed > at.date()
