"""Lists of actions and decisions of a gate, as text and as JSON."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from kb.actions.action import Action, listed
from kb.actions.effectiveness import EFFECTIVE, FAILED
from kb.actions.gate_decision import GateDecision
from kb.as_of import AsOf
from kb.humanize import plural
from kb.terminal import as_lines

WIDTH = 80
_LEAD = 13  # the column in which an action's own text begins
MOST_SHOWN = (
    50  # conditions, places and sign-offs that a deploy log is given; --json gives them all
)


def actions_text(found: Sequence[Action], as_of: AsOf) -> str:
    """The actions, overdue ones first, under a line that counts them."""
    ordered = listed(found)
    late = [action for action in ordered if action.days_overdue]
    states = Counter(action.state for action in ordered)
    effects = Counter(action.effect for action in ordered)
    counts = (
        f"{plural(states['open'], 'open action')}, {len(late)} overdue",
        f"{states['closed']} closed" if states["closed"] else "",
        f"{effects[EFFECTIVE]} effective" if effects[EFFECTIVE] else "",
        f"{effects[FAILED]} failed" if effects[FAILED] else "",
        f"{states['cancelled']} cancelled" if states["cancelled"] else "",
        f"as of {as_of.day}",
    )
    lines = [" · ".join(part for part in counts if part)]
    groups = (
        ("Done, and it came again", [action for action in ordered if action.has_failed]),
        ("Overdue", late),
        (
            "Open",
            [a for a in ordered if a.is_open and not a.days_overdue and not a.completion_unknown],
        ),
        ("Completion not public", [action for action in ordered if action.completion_unknown]),
        ("Done", [a for a in ordered if not a.is_open and not a.has_failed]),
    )
    for title, some in groups:
        if some:
            lines += ["", title]
            lines += [line for action in some for line in _item(action, as_of.day)]
    return as_lines(lines)


def gate_text(decision: GateDecision) -> str:
    """The decision for a deploy log: the verdict, what blocks, and the way out."""
    head = _HEADS[decision.verdict]
    lines = [f"{head}  {decision.route}: {_why(decision)}"]
    for action in decision.blocking[:MOST_SHOWN]:
        lines += _item(action, decision.as_of.day)
    lines += _note_on_hidden(decision.blocking)
    for place in decision.unreadable[:MOST_SHOWN]:
        lines += _wrapped(f"{place.path}:{place.line}: {place.message}", 2)
    lines += _note_on_hidden(decision.unreadable)
    lines += _replays(decision)
    return as_lines([*lines, *_remarks(decision), *_accepted(decision), *_way_out(decision)])


def _note_on_hidden(found: Sequence[object]) -> Iterator[str]:
    """What stands in place of those that are not shown."""
    if len(found) > MOST_SHOWN:
        yield f"  and {len(found) - MOST_SHOWN:,} more; --json gives them all."


def _ids(found: Sequence[str]) -> str:
    """The ids in a line, the first of them where there are many."""
    more = f" and {len(found) - MOST_SHOWN:,} more" if len(found) > MOST_SHOWN else ""
    return ", ".join(found[:MOST_SHOWN]) + more


_HEADS = {
    "clear": "CLEAR",
    "blocked": "BLOCKED",
    "unreadable": "UNREADABLE",
    "unknown-route": "UNKNOWN ROUTE",
    "not-replayed": "NOT REPLAYED",
}


def _why(decision: GateDecision) -> str:
    """The verdict in a sentence."""
    if decision.verdict == "unknown-route":
        passed = "; let pass, as asked" if decision.passes else ""
        return f"no record names this route{passed}"
    if decision.verdict == "not-replayed":
        asked = plural(len(decision.to_replay), "condition")
        verb = "asks" if len(decision.to_replay) == 1 else "ask"
        return f"{asked} {verb} for a replay, and none was made"
    states = Counter(action.state for action in decision.blocking)
    still_open, dropped, broken = states["open"], states["cancelled"], states["closed"]
    failed = sum(not replay.passes for replay in decision.replays)
    reasons = (
        _conditions(decision, still_open, "open") if still_open else "",
        f"{plural(broken, f'{decision.gate} condition')} did not hold" if broken else "",
        f"{plural(failed, 'replay')} did not pass" if failed else "",
        f"{_conditions(decision, dropped, 'cancelled')} and not signed for" if dropped else "",
        f"{plural(len(decision.unreadable), 'place')} cannot be read"
        if decision.unreadable
        else "",
    )
    return ", ".join(part for part in reasons if part) or f"no {decision.gate} condition is open"


def _conditions(decision: GateDecision, n: int, state: str) -> str:
    return f"{plural(n, f'{decision.gate} condition')} {'is' if n == 1 else 'are'} {state}"


def _replays(decision: GateDecision) -> Iterator[str]:
    """What the replays showed, and which were not asked for."""
    for replay in decision.replays:
        yield from _wrapped(f"{replay.verdict}  {replay.action}, replay of {replay.record}:", 2)
        yield from _wrapped(replay.reason, _LEAD)
    if decision.to_replay:
        ids = ", ".join(action.id for action in decision.to_replay)
        yield from _wrapped(f"Not replayed: {ids}. kb gate {decision.route} --replay does.", 2)


def _remarks(decision: GateDecision) -> Iterator[str]:
    """What was looked at, and what is not counted here."""
    if decision.verdict == "unknown-route":
        near = f"Did you mean '{decision.near}'? " if decision.near else ""
        hint = "" if decision.passes else "A new route passes with --unknown-route pass."
        yield from _wrapped(f"{near}{hint}", 2)
    elif decision.passes:
        met = plural(len(decision.met), f"{decision.gate} condition")
        yield f"  {plural(len(decision.records), 'record')}, {met} met, none open."
    other = "rollout" if decision.gate == "restart" else "restart"
    for title, found in (
        ("Cancelled, and signed for", decision.waived),
        (f"Open for {other}, not counted here", decision.elsewhere),
        ("Open in drafts, not counted before review", decision.in_drafts),
    ):
        if found:
            yield from _wrapped(f"{title}: {_ids([action.id for action in found])}", 2)


def _accepted(decision: GateDecision) -> Iterator[str]:
    """Who signed for what, and what has changed since."""
    for record, signed in decision.signoffs[-MOST_SHOWN:]:
        at = f" on {signed.at.date()}" if signed.at else ""
        accepted = _ids(signed.actions)
        yield from _wrapped(f"{signed.owner} accepted {accepted} of {record}{at}.", 2)
    yield from _note_on_hidden(decision.signoffs)
    if decision.reworded:
        ids = _ids(decision.reworded)
        yield from _wrapped(f"Reworded since it was signed: {ids}. Sign again if it holds.", 2)


def _way_out(decision: GateDecision) -> Iterator[str]:
    still_open = [action for action in decision.blocking if action.is_open]
    dropped = [action for action in decision.blocking if action.state == "cancelled"]
    broken = [action for action in decision.blocking if action.has_failed]
    if still_open:
        yield f"  When done: kb actions close {still_open[0].id}, then commit."
    if broken:
        yield f"  Did not hold: kb actions reopen {broken[0].id}, mend it, close it again."
    for action in dropped[:MOST_SHOWN]:
        if action.closed is None:
            yield f"  No day of cancelling: kb actions close {action.id} --cancel, then commit."
    if dropped:
        yield from _wrapped(
            "A condition that was dropped has to be accepted: kb gate "
            f"{decision.route} --sign-off OWNER, then commit.",
            2,
        )


def _item(action: Action, today: date) -> Iterator[str]:
    """When and what, then who and how, and of a done one whether it worked."""
    draft = " (draft)" if action.record_status == "draft" else ""
    yield f"  {_when(action, today):<{_LEAD - 3}} {action.id}{draft}"
    yield from _wrapped(action.text, _LEAD)
    yield from _wrapped(" · ".join(_details(action)), _LEAD)
    if action.effect_why:
        yield from _wrapped(f"{action.effect}: {action.effect_why}", _LEAD)


def _when(action: Action, today: date) -> str:
    if action.state == "cancelled":
        return "cancelled"
    if action.has_failed:
        return action.effect
    if not action.is_open:
        return f"{action.closed or action.state}"
    if action.completion_unknown:
        return f"{action.due or 'no due day'}"
    if action.due is None:
        return "no due day"
    days = (action.due - today).days
    return f"{-days} d late" if days < 0 else f"in {days} d"


def _details(action: Action) -> Iterator[str]:
    yield action.owner or "no owner"
    if action.is_open and action.due:
        yield f"due {action.due}"
    if action.state == "cancelled" and action.closed:
        yield f"on {action.closed}"
    if action.gate:
        yield f"gate {action.gate}"
    if action.lever:
        yield action.lever
    if action.tracker:
        yield action.tracker
    if action.has_failed and action.closed:
        yield f"closed {action.closed}"


def _wrapped(text: str, indent: int) -> Iterable[str]:
    lead = " " * indent
    return textwrap.wrap(text, WIDTH, initial_indent=lead, subsequent_indent=lead)
