"""What did we promise, and is it done? The page of open gates and actions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kb.metrics.actions import Action, listed
from kb.publish import links
from kb.publish.content import Site
from kb.publish.html import escape, to_inline_html
from kb.publish.links import Page
from kb.publish.pieces import block, day, heading, record_link, rows, word_chip
from kb.publish.words import plural

_SHOWN = 300


def actions_page(site: Site) -> Page:
    """Open gates first, then open actions by how overdue they are, then what was closed lately."""
    path = links.ACTIONS
    open_ones = [action for action in site.actions if action.is_open]
    done = [action for action in site.actions if action.state == "closed"]
    closed = sorted((a for a in done if a.closed), key=lambda a: (a.closed, a.id), reverse=True)
    overdue = sum(1 for action in open_ones if action.days_overdue)
    said = f"{plural(len(open_ones), 'open action')}, {overdue} overdue; {len(done)} closed."
    parts = [
        block(f'<header class="kb-head"><h1>Actions</h1><p class="kb-quiet">{said}</p></header>')
    ]
    if site.gates:
        parts += [heading("Open gates"), block(gate_rows(site, site.gates, path))]
    parts += [heading("Open"), block(action_rows(site, listed(open_ones)[:_SHOWN], path))]
    parts += [heading("Closed last"), block(action_rows(site, closed[:25], path))]
    return Page(path, "Actions", "\n\n".join(parts), said, searchable=False, contents=True)


def gate_rows(site: Site, gates: Iterable[Action], source: str) -> str:
    """The open conditions of routes: which route, what, who, since when."""
    return rows((_gate(site, action, source) for action in gates), "kb-gate-rows")


def _gate(site: Site, action: Action, source: str) -> str:
    route = word_chip(site, source, "routes", action.route) if action.route else "no route named"
    return (
        f'<span class="kb-gate-word">{escape(action.gate)}</span> {route} '
        f"<div>{to_inline_html(action.text)}"
        f'<p class="kb-meta">{_owner(action)}{_due(action)} '
        f"{record_link(site, source, action.record)}</p></div>"
    )


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
        f' <span class="kb-chip"><i>closed</i> {day(action.closed)}</span>' if action.closed else ""
    )
    return (
        f'<span class="kb-state kb-{escape(state)}">{escape(state)}</span>'
        f"<div>{to_inline_html(action.text)}"
        f'<div class="kb-chips">{_owner(action)}{_due(action)}{closed}{lever}{gate}</div>'
        f'<p class="kb-meta">{record_link(site, source, action.record)}</p></div>'
    )
