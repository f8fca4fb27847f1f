"""May a route run again, or be expanded? Only when every condition set for it is met.

What cannot be read is a condition that is not met: a gate fails closed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from kb.library import Library
from kb.metrics.actions import Action, actions_of, listed
from kb.metrics.edit import Change, add_sign_off
from kb.metrics.history import Trail
from kb.metrics.values import AsOf
from kb.records.document import Document
from kb.records.items import ActionItem
from kb.records.model import Postmortem, SignOff, interpret

GATES = ("restart", "rollout")
#: A gate word anywhere in a line: looser than the grammar, to see what the grammar cannot read.
_GATE_WORD = re.compile(rf"\bgate[ \t]*[:=][ \t]*[\"']?(?:{'|'.join(GATES)})\b", re.IGNORECASE)
_BOX = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]*\[")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could hide a condition: which file, which line, and why."""

    path: str
    line: int
    message: str


@dataclass(frozen=True)
class Decision:
    """Whether a gate of a route is open, and why.

    `blocking` are the conditions that are not met, longest overdue first; `met` the others.
    `elsewhere` are open conditions of the route's other gate, which do not count here.
    `near` is a known route of a similar name, where no record names this one.
    """

    route: str
    gate: str
    as_of: AsOf
    records: tuple[str, ...]
    blocking: tuple[Action, ...]
    met: tuple[Action, ...]
    elsewhere: tuple[Action, ...]
    unreadable: tuple[Unreadable, ...]
    signoffs: tuple[tuple[str, SignOff], ...]
    near: str = ""

    @property
    def passes(self) -> bool:
        """Whether the route may go on."""
        return not (self.blocking or self.unreadable)


def decide(library: Library, route: str, gate: str, as_of: AsOf) -> Decision:
    """The decision for a route, from the records in review and published, of any origin."""
    records = tuple(r for r in library.records if r.status != "draft" and _same(r.route, route))
    found = [action for record in records for action in _conditions(record, as_of.day)]
    here = [action for action in found if _is_for(action, gate)]
    return Decision(
        route=route,
        gate=gate,
        as_of=as_of,
        records=tuple(record.id for record in records),
        blocking=listed(action for action in here if action.is_open),
        met=tuple(action for action in here if not action.is_open),
        elsewhere=listed(a for a in found if a.is_open and not _is_for(a, gate)),
        unreadable=tuple(_unreadable(library, route)),
        signoffs=tuple((record.id, signed) for record in records for signed in record.signoffs),
        near="" if records else _near(library, route),
    )


def open_gates(library: Library, today: date) -> tuple[Action, ...]:
    """Every open condition of every route, restart before rollout, longest overdue first."""
    found = listed(
        action
        for record in library.records
        if record.status != "draft"
        for action in _conditions(record, today)
        if action.is_open
    )
    return tuple(sorted(found, key=lambda action: not _is_for(action, "restart")))


def sign_off(library: Library, decision: Decision, owner: str, at: datetime) -> tuple[Change, ...]:
    """The records of the route with the owner's acceptance of their conditions, not written yet.

    A record whose conditions somebody has accepted already is left as it is.
    """
    labels: dict[str, list[str]] = {}
    for action in (*decision.blocking, *decision.met):
        if action.state != "cancelled" and action.label:
            labels.setdefault(action.record, []).append(action.label)
    commit = decision.as_of.commit[:12] or "unknown"
    at = at.replace(microsecond=0)
    changes = []
    for document in library.documents:
        accepted = {
            label
            for record_id, signed in decision.signoffs
            if record_id == document.id
            for label in signed.actions
        }
        wanted = tuple(sorted(labels.get(document.id, ()), key=_label_number))
        if set(wanted) - accepted:
            changes.append(add_sign_off(document, SignOff(owner, at, commit, wanted)))
    return tuple(changes)


def _conditions(record: Postmortem, today: date) -> list[Action]:
    return [action for action in actions_of(record, Trail(), today) if action.gate]


def _is_for(action: Action, gate: str) -> bool:
    """Whether an action holds this gate; a word that names no gate holds both."""
    word = action.gate.strip().lower()
    return word == gate or word not in GATES


def _same(route: str, other: str) -> bool:
    return route.strip().casefold() == other.strip().casefold()


def _near(library: Library, route: str) -> str:
    routes = sorted({record.route for record in library.records if record.route})
    return next(iter(difflib.get_close_matches(route, routes, n=1)), "")


def _unreadable(library: Library, route: str) -> Iterator[Unreadable]:
    """What might hide a condition of this route."""
    for document in library.documents:
        record = interpret(document)
        if not (record and _is_beside(document, record, route)):
            path = str(document.path)
            yield from (Unreadable(path, fault.line, fault.message) for fault in document.faults)
            yield from (Unreadable(path, line, text) for line, text in _doubts(document, record))


def _is_beside(document: Document, record: Postmortem, route: str) -> bool:
    """Whether a record is surely a draft or of another route."""
    if document.front.faults or not document.front.present:
        return False
    is_draft = document.front.text("status") == "draft"
    return is_draft or bool(record.route and not _same(record.route, route))


def _doubts(document: Document, record: Postmortem | None) -> Iterator[tuple[int, str]]:
    """Lines of a record that read well and still leave open what it asks for."""
    if not document.front.present:
        yield 1, "has no front matter: its route and status are not known"
    elif record is None:
        yield 1, "has no date, so it is no record"
    elif not record.route:
        lines = [
            item.line
            for item in document.actions
            if item.state == "open" and item.attribute("gate")
        ]
        yield from ((line, "sets a condition, and the record names no route") for line in lines)
    section = document.section("actions")
    in_section = {line.number for line in section.lines} if section else set()
    read = {n for item in document.actions if _is_read(item) for n in _lines(item)}
    for line in document.lines:
        is_item = line.number in in_section or _BOX.match(line.text)
        if (
            is_item
            and line.number not in read
            and not line.comment
            and _GATE_WORD.search(line.text)
        ):
            yield (
                line.number,
                "names a gate in a way that is not read: write '- [ ] A1: … — gate: restart'",
            )


def _is_read(item: ActionItem) -> bool:
    """Whether what an item says of gates was understood: as an attribute of its own."""
    others = (value for key, value in item.attributes if key != "gate")
    return item.state != "open" or not _GATE_WORD.search(
        " ".join((item.text, item.unread, *others))
    )


def _lines(item: ActionItem) -> range:
    return range(item.line, item.end_line + 1)


def _label_number(label: str) -> int:
    return int(label[1:]) if label[1:].isdigit() else 0
