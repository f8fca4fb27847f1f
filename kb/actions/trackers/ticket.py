"""Tickets, and what a tracker must be able to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Protocol

#: Begins the last line of a ticket's text; the action's id follows.
MARK = "kb-action:"


@dataclass(frozen=True, slots=True)
class WantedIssue:
    """A ticket that should exist for an action."""

    action: str
    title: str
    body: str
    due: date | None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that exists. `state` is open, closed or cancelled; `closed` the day it ended."""

    key: str
    url: str
    state: str = "open"
    closed: date | None = None


def utc_day(text: object) -> date | None:
    """The UTC day of a service's time such as `2026-05-20T00:30:00.000+0200`; None for none."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (at.astimezone(UTC) if at.tzinfo else at).date()


class Tracker(Protocol):
    """One service with the project tickets go to.

    `create` raises `client.Unclear` where the ticket may exist or not, and `client.Refused` where
    the service said no to it. A tracker that `refuses_twins` takes the identity of a ticket from
    us: creating it twice cannot make two.
    """

    name: str
    project: str
    refuses_twins: bool

    def owns(self, key: str) -> bool:
        """Whether a key of an action's line is one of this tracker's."""

    def find(self, action: str, *, fresh: bool = False) -> Ticket | None:
        """The ticket of an action, looked up by its mark; `fresh` asks the service again."""

    def create(self, wanted: WantedIssue) -> Ticket:
        """A new ticket."""

    def get(self, key: str) -> Ticket | None:
        """The ticket with that key as it stands now, None where there is none."""
