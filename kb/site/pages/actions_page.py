"""The page of open gates and actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kb.actions.action import Action, listed
from kb.actions.effectiveness import EFFECTIVE, FAILED
from kb.humanize import plural
from kb.site import links
from kb.site.content import Site
from kb.site.pages.page import PageValues
from kb.site.pages.record_links import Link, record_link, word_link

_SHOWN, _CLOSED_SHOWN = 300, 25


@dataclass(frozen=True, slots=True)
class ActionRow:
    """One promise and the incident it stands in."""

    action: Action
    link: Link


@dataclass(frozen=True, slots=True)
class GateRow:
    """One open condition, its route and the incident it stands in; a route may be unnamed."""

    action: Action
    route: Link
    link: Link


def actions(site: Site) -> Iterator[PageValues]:
    """Open gates, what failed, what is open (the longest overdue first), what was closed lately."""
    path, said = links.ACTIONS, _counts_by_state(site.actions)
    values = {
        "said": said,
        "gates": gate_rows(site, site.gates, path),
        "groups": [(name, action_rows(site, some, path)) for name, some in _groups(site.actions)],
    }
    yield PageValues(path, "Actions", values, said, contents=True)


def _counts_by_state(actions: Sequence[Action]) -> str:
    """How many there are in each state; states that do not occur are not said."""
    states = Counter("untold" if action.completion_unknown else action.state for action in actions)
    effects = Counter(action.effect for action in actions)
    overdue = sum(1 for action in actions if action.days_overdue)
    untold = f"{plural(states['untold'], 'action')} whose completion is not public"
    parts = (
        f"{plural(states['open'], 'open action')}, {overdue} overdue" if states["open"] else "",
        untold if states["untold"] else "",
        f"{states['closed']} closed" if states["closed"] else "",
        *(f"{effects[word]} {word}" for word in (EFFECTIVE, FAILED) if effects[word]),
        f"{states['cancelled']} cancelled" if states["cancelled"] else "",
    )
    return ("; ".join(part for part in parts if part) or "No action is open") + "."


def _groups(actions: Sequence[Action]) -> Iterator[tuple[str, Sequence[Action]]]:
    """Title and actions of each list; lists of nothing are left out, but for the open ones."""
    broken = [action for action in actions if action.has_failed]
    if broken:
        yield "Done, and it came again", listed(broken)[:_SHOWN]
    owed = listed(action for action in actions if action.is_open)
    untold = [action for action in owed if action.completion_unknown]
    still = [action for action in owed if not action.completion_unknown]
    held = (action for action in actions if not action.has_failed)
    dated = (action for action in held if action.state == "closed" and action.closed)
    closed = sorted(dated, key=lambda action: (action.closed, action.id), reverse=True)
    if still or not untold:
        yield "Open", still[:_SHOWN]
    if untold:
        yield "Completion not public", untold[:_SHOWN]
    if closed:
        yield "Closed last", closed[:_CLOSED_SHOWN]


def gate_rows(site: Site, gates: Iterable[Action], source: str) -> tuple[GateRow, ...]:
    """The open conditions of routes: which route, what, who, since when."""
    return tuple(
        GateRow(
            action,
            word_link(site, source, "routes", action.route),
            record_link(site, source, action.record),
        )
        for action in gates
    )


def action_rows(site: Site, actions: Iterable[Action], source: str) -> tuple[ActionRow, ...]:
    """Promises with their state, owner and dates, each under its incident."""
    return tuple(ActionRow(action, record_link(site, source, action.record)) for action in actions)
