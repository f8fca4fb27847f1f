"""One ticket an action, and the ticket's state back into the action's line.

Look, note the intention, create, note the outcome, write the key into the record. Whatever step a
run is killed at, the next one goes on from there. An outcome that is not known is looked up, and
while a request may still be under way nothing is created again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from kb.actions.action import Action
from kb.actions.close_and_sign_lines import ActionEdit, close_action, set_tracker, write_change
from kb.actions.trackers.http_client import Refused, Unclear
from kb.actions.trackers.ticket import MARK, Ticket, Tracker, WantedIssue
from kb.actions.trackers.ticket_journal import Journal, JournalEntry
from kb.errors import KbError
from kb.library import Library, load_document
from kb.records.document import Document

#: Seconds after which a request that was sent has arrived or never will.
SETTLE_SECONDS = 600.0
#: Seconds between looks for a ticket whose creation was not confirmed.
LOOK_AGAIN_SECONDS = (0.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class SyncEvent:
    """What happened to one action.

    `what` is created, found, would-create, closed, cancelled, unchanged, ignored (the key is none
    of this tracker's), waiting or failed.
    """

    action: str
    what: str
    key: str = ""
    detail: str = ""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do for it now."""
        return self.what not in {"waiting", "failed"}


@dataclass(frozen=True)
class Sync:
    """One run: where to, what it may do, and its clock.

    `earlier_ids` gives the ids an action had before its record was renamed.
    """

    library: Library
    tracker: Tracker
    journal: Journal
    links: Callable[[Action], str]
    is_dry: bool = False
    earlier_ids: Callable[[Action], Iterable[str]] = lambda _: ()
    settle_seconds: float = SETTLE_SECONDS
    look_again_seconds: tuple[float, ...] = LOOK_AGAIN_SECONDS
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def run(self, actions: Iterable[Action]) -> Iterator[SyncEvent]:
        """What happens, action by action. Raises `KbError` for what stops the whole run."""
        owed = [a for a in actions if a.is_open and a.record_status != "draft"]
        for action in owed:
            if not action.tracker:
                yield self._give_ticket(action)
        for action in owed:
            if action.tracker:
                yield self._read_back(action)

    def _give_ticket(self, action: Action) -> SyncEvent:
        if not action.label:
            return SyncEvent(action.id, "failed", detail="has no label: run 'kb fmt' first")
        try:
            # An action whose line cannot take a key must not get a ticket.
            set_tracker(self._document(action), action.label, "X-1")
        except KbError as fault:
            return SyncEvent(action.id, "failed", detail=fault.what)
        names = (action.id, *self.earlier_ids(action))
        entries = [entry for name in names if (entry := self.journal.last(name))]
        for entry in entries:
            if entry.state == "made":
                return self._link(action, Ticket(entry.key, entry.url), "found")
        for name in names:
            if ticket := self.tracker.find(name):
                return self._link(action, ticket, "found")
        if any(entry.state == "begun" and self._may_be_under_way(entry) for entry in entries):
            return SyncEvent(
                action.id, "waiting", detail="a ticket was begun and is not visible yet"
            )
        return SyncEvent(action.id, "would-create") if self.is_dry else self._create(action)

    def _create(self, action: Action) -> SyncEvent:
        self.journal.note(JournalEntry(action.id, "begun", self.now()))
        try:
            return self._link(action, self.tracker.create(self._wanted(action)), "created")
        except Refused as fault:
            self.journal.note(JournalEntry(action.id, "refused", self.now()))
            return SyncEvent(action.id, "failed", detail=fault.what)
        except Unclear:
            return self._look_again(action)

    def _look_again(self, action: Action) -> SyncEvent:
        for seconds in self.look_again_seconds:
            self.sleep(seconds)
            if ticket := self.tracker.find(action.id, fresh=True):
                return self._link(action, ticket, "created")
        minutes = math.ceil(self.settle_seconds / 60)
        detail = f"nobody knows whether the ticket was made: run again in {minutes} min"
        return SyncEvent(action.id, "waiting", detail=detail)

    def _link(self, action: Action, ticket: Ticket, what: str) -> SyncEvent:
        """Note the ticket, and write its key into the action's line."""
        if self.is_dry:
            return SyncEvent(action.id, what, ticket.key)
        entry = self.journal.last(action.id)
        if entry is None or entry.state != "made":
            self.journal.note(JournalEntry(action.id, "made", self.now(), ticket.key, ticket.url))
        self._write(set_tracker(self._document(action), action.label, ticket.key))
        return SyncEvent(action.id, what, ticket.key)

    def _read_back(self, action: Action) -> SyncEvent:
        if not self.tracker.owns(action.tracker):
            detail = f"is no ticket of {self.tracker.project}"
            return SyncEvent(action.id, "ignored", action.tracker, detail)
        try:
            ticket = self.tracker.get(action.tracker)
        except Refused as fault:
            return SyncEvent(action.id, "failed", action.tracker, fault.what)
        if ticket is None:
            return SyncEvent(action.id, "failed", action.tracker, "the tracker has no such ticket")
        if ticket.state == "open":
            return SyncEvent(action.id, "unchanged", ticket.key)
        return self._end(action, ticket)

    def _end(self, action: Action, ticket: Ticket) -> SyncEvent:
        """Tick the box of an action whose ticket is done."""
        day = ticket.closed or datetime.fromtimestamp(self.now(), UTC).date()
        try:
            change = close_action(self._document(action), action.label, day, ticket.state)
        except KbError as fault:
            return SyncEvent(action.id, "failed", ticket.key, fault.what)
        if not self.is_dry:
            self._write(change)
        return SyncEvent(action.id, ticket.state, ticket.key, f"on {day}")

    def _may_be_under_way(self, entry: JournalEntry) -> bool:
        if self.tracker.refuses_twins:
            return False
        return self.now() - entry.at < self.settle_seconds

    def _wanted(self, action: Action) -> WantedIssue:
        rows = (
            ("Postmortem", self.links(action)),
            ("Owner", action.owner),
            ("Due", str(action.due) if action.due else ""),
            ("Lever", action.lever),
            ("Gate", action.gate),
        )
        facts = "\n".join(f"{name}: {value}" for name, value in rows if value)
        text = " ".join(action.text.split())
        return WantedIssue(
            action.id, _shortened(text), f"{text}\n\n{facts}\n\n{MARK} {action.id}", action.due
        )

    def _document(self, action: Action) -> Document:
        """The record as it lies there now: every edit of this run changes it."""
        path = next(d.path for d in self.library.documents if d.id == action.record)
        return load_document(self.library.root / path, self.library.form, self.library.root)

    def _write(self, change: ActionEdit) -> None:
        if change.is_needed:
            write_change(self.library, change)


def _shortened(text: str, limit: int = 120) -> str:
    """A title: the text, cut at a word."""
    return text if len(text) <= limit else text[: limit - 1].rsplit(" ", 1)[0] + "…"
