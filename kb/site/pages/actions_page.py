"""The page of open gates and actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from kb.actions.action import Action, listed
from kb.format import plural
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape, to_inline_html
from kb.site.links import SitePage
from kb.site.pages.pieces import block, day, heading, record_link, rows, state_badge, word_chip

_SHOWN, _CLOSED_SHOWN = 300, 25


def actions_page(site: Site) -> SitePage:
    """Open gates first, then open actions by how overdue they are, then what was closed lately."""
    path = links.ACTIONS
    said = _said(site.actions)
    parts = [
        block(f'<header class="kb-head"><h1>Actions</h1><p class="kb-quiet">{said}</p></header>')
    ]
    if site.gates:
        parts += [heading("Open gates"), block(gate_rows(site, site.gates, path))]
    for title, some in _groups(site.actions):
        parts += [heading(title), block(action_rows(site, some, path))]
    return SitePage(path, "Actions", "\n\n".join(parts), said, searchable=False, contents=True)


def _said(actions: Sequence[Action]) -> str:
    """How many there are in each state; states that do not occur are not said."""
    states = Counter("untold" if action.completion_unknown else action.state for action in actions)
    overdue = sum(1 for action in actions if action.days_overdue)
    untold = f"{plural(states['untold'], 'action')} whose completion is not public"
    parts = (
        f"{plural(states['open'], 'open action')}, {overdue} overdue" if states["open"] else "",
        untold if states["untold"] else "",
        f"{states['closed']} closed" if states["closed"] else "",
        f"{states['cancelled']} cancelled" if states["cancelled"] else "",
    )
    return ("; ".join(part for part in parts if part) or "No action is open") + "."


def _groups(actions: Sequence[Action]) -> Iterator[tuple[str, Sequence[Action]]]:
    """Title and rows of each list; lists of nothing are left out, but for the open ones."""
    owed = listed(action for action in actions if action.is_open)
    untold = [action for action in owed if action.completion_unknown]
    still = [action for action in owed if not action.completion_unknown]
    dated = (action for action in actions if action.state == "closed" and action.closed)
    closed = sorted(dated, key=lambda action: (action.closed, action.id), reverse=True)
    if still or not untold:
        yield "Open", still[:_SHOWN]
    if untold:
        yield "Completion not public", untold[:_SHOWN]
    if closed:
        yield "Closed last", closed[:_CLOSED_SHOWN]


def gate_rows(site: Site, gates: Iterable[Action], source: str) -> str:
    """The open conditions of routes: which route, what, who, since when."""
    return rows((_gate(site, action, source) for action in gates), "kb-gate-rows")


def _gate(site: Site, action: Action, source: str) -> str:
    route = word_chip(site, source, "routes", action.route) if action.route else "no route named"
    return (
        f'<span class="kb-gate-word">{escape(action.gate)}</span> {route} '
        f"<div>{to_inline_html(action.text)}"
        f'<p class="kb-meta">{_dropped(action)}{_owner(action)}{_due(action)} '
        f"{record_link(site, source, action.record)}</p></div>"
    )


def _dropped(action: Action) -> str:
    """That a condition was cancelled and nobody signed for that: it still holds the route."""
    if action.state != "cancelled":
        return ""
    return f"{state_badge('cancelled')} <span>no sign-off names it</span> "


def _owner(action: Action) -> str:
    return (
        f'<span class="kb-chip"><i>owner</i> {escape(action.owner)}</span>' if action.owner else ""
    )


def _due(action: Action) -> str:
    if action.due is None:
        return ""
    late = f", {plural(action.days_overdue, 'day')} overdue" if action.days_overdue else ""
    css = "kb-chip kb-late" if late else "kb-chip"
    return f' <span class="{css}"><i>due</i> <span>{day(action.due)}{late}</span></span>'


def action_rows(site: Site, actions: Sequence[Action], source: str) -> str:
    """Promises with their state, owner and dates, each under its incident."""
    if not actions:
        return '<p class="kb-quiet">None.</p>'
    return rows((_row(site, action, source) for action in actions), "kb-actions kb-wide")


def _row(site: Site, action: Action, source: str) -> str:
    state = "overdue" if action.days_overdue else action.state
    lever = (
        f' <span class="kb-chip"><i>lever</i> {escape(action.lever)}</span>' if action.lever else ""
    )
    gate = f' <span class="kb-chip"><i>gate</i> {escape(action.gate)}</span>' if action.gate else ""
    closed = (
        f' <span class="kb-chip"><i>{escape(action.state)}</i> {day(action.closed)}</span>'
        if action.closed
        else ""
    )
    return (
        f"{state_badge(state, is_untold=action.completion_unknown)}"
        f"<div>{to_inline_html(action.text)}"
        f'<div class="kb-chips">{_owner(action)}{_due(action)}{closed}{lever}{gate}</div>'
        f'<p class="kb-meta">{record_link(site, source, action.record)}</p></div>'
    )
