"""Decides whether a route may run again, or be expanded: only when every condition is met.

A route that no record names is not clear but unknown: a slip in a pipeline's file looks like it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from kb.actions.action import Action, actions_of, listed
from kb.actions.dates_from_git import Trail
from kb.actions.effectiveness import EffectEvidence, effect_evidence
from kb.actions.gate_inputs import GateContext, misplaced_files
from kb.actions.gate_unreadable import GATES, Unreadable, unreadable
from kb.actions.route_names import is_of_route, near_route
from kb.as_of import AsOf
from kb.library import Library
from kb.records.postmortem import Postmortem, SignOff

#: A day that has begun somewhere on Earth may be written while it has not begun in UTC.
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReplayedCondition:
    """A condition that asks for a replay, and what came of it.

    `action` is its id, `record` the one whose run was replayed; `verdict` is PASS, FAIL or
    INCONCLUSIVE, and anything but PASS holds the gate.
    """

    action: str
    record: str
    verdict: str
    reason: str

    @property
    def passes(self) -> bool:
        """Whether the run did not fail again in any trial."""
        return self.verdict == "PASS"


@dataclass(frozen=True)
class GateDecision:
    """Whether a gate of a route is open, and why.

    `blocking` are the conditions that are not met, longest overdue first: open ones, cancelled ones
    that no sign-off names, and done ones that failed. `met` are done, `waived` cancelled with a
    sign-off.
    `elsewhere` are open conditions of the route's other gate, `in_drafts` those of drafts; neither
    counts here. `reworded` are ids whose text is not the one that was signed.
    `replays` are the conditions whose runs were replayed.
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
    waived: tuple[Action, ...] = ()
    in_drafts: tuple[Action, ...] = ()
    reworded: tuple[str, ...] = ()
    lets_unknown_pass: bool = False
    replays: tuple[ReplayedCondition, ...] = ()

    @property
    def verdict(self) -> str:
        """In a word: blocked, unreadable, unknown-route, not-replayed or clear."""
        if self.blocking or not all(replay.passes for replay in self.replays):
            return "blocked"
        if self.unreadable:
            return "unreadable"
        if not self.records:
            return "unknown-route"
        return "not-replayed" if self.to_replay else "clear"

    @property
    def to_replay(self) -> tuple[Action, ...]:
        """The conditions that ask for a replay and were not replayed, met and open ones alike."""
        done = {replay.action for replay in self.replays}
        found = (*self.blocking, *self.met)
        return tuple(a for a in found if a.replay and a.state != "cancelled" and a.id not in done)

    @property
    def passes(self) -> bool:
        """Whether the route may go on."""
        is_new = self.verdict == "unknown-route" and self.lets_unknown_pass
        return self.verdict == "clear" or is_new


def decide_gate(
    library: Library,
    route: str,
    gate: str,
    as_of: AsOf,
    context: GateContext | None = None,
    *,
    lets_unknown_pass: bool = False,
) -> GateDecision:
    """The decision for a route, from the records in review and published that are no fiction.

    Without `context`, the misplaced files of the working tree are read, and no sign-off is compared
    with the text it was given for.
    """
    context = context or GateContext(misplaced_files(library))
    evidence = effect_evidence(library)
    named = [record for record in _real(library) if is_of_route(record.route, route)]
    records = tuple(record for record in named if record.status != "draft")
    drafts = (record for record in named if record.status == "draft")
    drafted = (a for record in drafts for a in _conditions(record, as_of.day, evidence))
    found = [(r, action) for r in records for action in _conditions(r, as_of.day, evidence)]
    here = [(record, action) for record, action in found if _is_for(action, gate)]
    waived = [a for r, a in here if _is_waived(r, a, context)]
    impossible = (place for r, a in here for place in _impossible(r, a, as_of.day))
    return GateDecision(
        route=route,
        gate=gate,
        as_of=as_of,
        records=tuple(record.id for record in records),
        blocking=listed(a for _, a in here if not _is_met(a) and a not in waived),
        met=tuple(action for _, action in here if _is_met(action)),
        elsewhere=listed(a for _, a in found if a.is_open and not _is_for(a, gate)),
        unreadable=(*unreadable(library, context.misplaced, route), *impossible),
        signoffs=tuple((record.id, signed) for record in records for signed in record.signoffs),
        near="" if records else _near(library, route),
        waived=tuple(waived),
        in_drafts=listed(a for a in drafted if a.is_open and _is_for(a, gate)),
        reworded=tuple(a.id for r, a in here if _is_reworded(r, a, context)),
        lets_unknown_pass=lets_unknown_pass,
    )


def open_gates(library: Library, today: date) -> tuple[Action, ...]:
    """Every condition that holds a route, restart before rollout, longest overdue first.

    Cancelled ones are among them until somebody has signed for that, and done ones that failed.
    """
    evidence = effect_evidence(library)
    found = listed(
        action
        for record in _real(library)
        if record.status != "draft"
        for action in _conditions(record, today, evidence)
        if not _is_met(action) and not _is_waived(record, action, GateContext())
    )
    return tuple(sorted(found, key=lambda action: not _is_for(action, "restart")))


def _conditions(record: Postmortem, today: date, evidence: EffectEvidence) -> list[Action]:
    return [action for action in actions_of(record, Trail(), today, evidence) if action.gate]


def _is_met(action: Action) -> bool:
    """Whether a condition is done, and what it should prevent did not come again."""
    return action.state == "closed" and not action.has_failed


def _is_for(action: Action, gate: str) -> bool:
    """Whether an action holds this gate; a word that names no gate holds both."""
    word = action.gate.strip().lower()
    return word == gate or word not in GATES


def _real(library: Library) -> tuple[Postmortem, ...]:
    """The records that may hold a route: an example is fiction, an adopted record binds nobody."""
    return tuple(r for r in library.records if r.origin != "example" and not r.is_adopted)


def _near(library: Library, route: str) -> str:
    return near_route((r.route for r in _real(library) if r.status != "draft"), route)


def _is_waived(record: Postmortem, action: Action, context: GateContext) -> bool:
    """Whether somebody signed for a condition after it was cancelled, as the file says when."""
    return action.state == "cancelled" and any(
        action.label in signed.actions
        and signed.at is not None
        and action.closed is not None
        and signed.at.date() >= action.closed
        and _signed_state(record, action, signed, context) in {"cancelled", ""}
        for signed in record.signoffs
    )


def _signed_state(record: Postmortem, action: Action, signed: SignOff, context: GateContext) -> str:
    """The state of an action when it was signed; empty where Git does not know any more."""
    document = context.signed.get((record.id, signed.commit))
    items = document.actions if document else ()
    return next((item.state for item in items if item.label == action.label), "")


def _is_reworded(record: Postmortem, action: Action, context: GateContext) -> bool:
    """Whether the last sign-off that names an action was given for another text."""
    named = [signed for signed in record.signoffs if action.label in signed.actions]
    document = context.signed.get((record.id, named[-1].commit)) if named else None
    items = document.actions if document else ()
    then = next((item.text for item in items if item.label == action.label), action.text)
    return then.split() != action.text.split()


def _impossible(record: Postmortem, action: Action, today: date) -> Iterator[Unreadable]:
    """A tick on a day on which it cannot have been done proves nothing."""
    if action.closed is None:
        return
    opened = action.opened if action.opened_source == "written" else record.date
    if action.closed < opened:
        why = f"before {opened}, when it was promised"
    elif action.closed > today + _ONE_DAY:
        why = "a day that has not come yet"
    else:
        return
    message = f"{action.label or 'an action'} is closed on {action.closed}, {why}"
    yield Unreadable(str(record.path), action.line, message)
