"""How are promises shown? Lists of actions and decisions of a gate, for people and for machines."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

from kb.metrics.actions import Action, listed
from kb.metrics.gate import Decision
from kb.metrics.tables import plain
from kb.metrics.values import AsOf
from kb.metrics.words import plural

WIDTH = 80
_LEAD = 13  # the column in which an action's own text begins


def actions_text(found: Sequence[Action], as_of: AsOf) -> str:
    """The actions, overdue ones first, under a line that counts them."""
    ordered = listed(found)
    late = [action for action in ordered if action.days_overdue]
    states = Counter(action.state for action in ordered)
    counts = (
        f"{plural(states['open'], 'open action')}, {len(late)} overdue",
        f"{states['closed']} closed" if states["closed"] else "",
        f"{states['cancelled']} cancelled" if states["cancelled"] else "",
        f"as of {as_of.day}",
    )
    lines = [" · ".join(part for part in counts if part)]
    groups = (
        ("Overdue", late),
        ("Open", [action for action in ordered if action.is_open and not action.days_overdue]),
        ("Done", [action for action in ordered if not action.is_open]),
    )
    for title, some in groups:
        if some:
            lines += ["", title]
            lines += [line for action in some for line in _item(action, as_of.day)]
    return "\n".join(lines) + "\n"


def actions_json(found: Sequence[Action], as_of: AsOf) -> dict[str, Any]:
    """The actions as the machine contract has them."""
    return {
        "schema": "kb.actions/1",
        "as_of": _as_of_json(as_of),
        "actions": [plain(asdict(action)) for action in listed(found)],
    }


def gate_text(decision: Decision) -> str:
    """The decision for a deploy log: the verdict, what blocks, and the way out."""
    head = "CLEAR" if decision.passes else "BLOCKED"
    reasons = []
    if decision.blocking:
        n = len(decision.blocking)
        reasons.append(
            f"{plural(n, f'{decision.gate} condition')} {'is' if n == 1 else 'are'} open"
        )
    if decision.unreadable:
        reasons.append(f"{plural(len(decision.unreadable), 'place')} cannot be read")
    why = ", ".join(reasons) or f"no {decision.gate} condition is open"
    lines = [f"{head}  {decision.route}: {why}"]
    lines += [line for action in decision.blocking for line in _item(action, decision.as_of.day)]
    for place in decision.unreadable:
        lines += _wrapped(f"{place.path}:{place.line}: {place.message}", 2)
    return "\n".join([*lines, *_remarks(decision)]) + "\n"


def gate_json(decision: Decision) -> dict[str, Any]:
    """The decision for a pipeline."""
    return {
        "schema": "kb.gate/1",
        "route": decision.route,
        "gate": decision.gate,
        "passes": decision.passes,
        "as_of": _as_of_json(decision.as_of),
        "records": list(decision.records),
        "blocking": [plain(asdict(action)) for action in decision.blocking],
        "met": [action.id for action in decision.met],
        "unreadable": [asdict(place) for place in decision.unreadable],
        "signoffs": [
            plain({"record": record, **asdict(signed)}) for record, signed in decision.signoffs
        ],
    }


def _remarks(decision: Decision) -> Iterator[str]:
    if not decision.records and not decision.unreadable:
        near = f" Did you mean '{decision.near}'?" if decision.near else ""
        yield f"  No record names this route.{near}"
    elif decision.passes:
        met = plural(len(decision.met), f"{decision.gate} condition")
        yield f"  {plural(len(decision.records), 'record')}, {met}, none open."
    if decision.elsewhere:
        other = "rollout" if decision.gate == "restart" else "restart"
        ids = ", ".join(action.id for action in decision.elsewhere)
        yield from _wrapped(f"Open for {other}, not counted here: {ids}", 2)
    for record, signed in decision.signoffs:
        at = f" on {signed.at.date()}" if signed.at else ""
        accepted = ", ".join(signed.actions)
        yield from _wrapped(f"{signed.owner} accepted {accepted} of {record}{at}.", 2)
    if decision.blocking:
        yield f"  When done: kb actions close {decision.blocking[0].id}, then commit."


def _item(action: Action, today: date) -> Iterator[str]:
    """Two or three lines: when and what, then who and how."""
    draft = " (draft)" if action.record_status == "draft" else ""
    yield f"  {_when(action, today):<{_LEAD - 2}}{action.id}{draft}"
    yield from _wrapped(action.text, _LEAD)
    yield from _wrapped(" · ".join(_details(action)), _LEAD)


def _when(action: Action, today: date) -> str:
    if not action.is_open:
        return f"{action.closed or action.state}"
    if action.due is None:
        return "no due day"
    days = (action.due - today).days
    return f"{-days} d late" if days < 0 else f"in {days} d"


def _details(action: Action) -> Iterator[str]:
    yield action.owner or "no owner"
    if action.is_open and action.due:
        yield f"due {action.due}"
    if action.gate:
        yield f"gate {action.gate}"
    if action.lever:
        yield action.lever
    if action.tracker:
        yield action.tracker


def _as_of_json(as_of: AsOf) -> dict[str, Any]:
    return {"date": as_of.day.isoformat(), "commit": as_of.commit or None}


def _wrapped(text: str, indent: int) -> Iterable[str]:
    lead = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead)
