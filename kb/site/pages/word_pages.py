"""The page of a class, cause, control, tool, route or owner: what its incidents have in common.

The class page turns records into prevention: what the word means, its incidents in time, what was
promised across them and is still owed, and the control that would have caught most of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kb.actions.action import Action, listed
from kb.format import duration, in_words, plural
from kb.records.model import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape, to_inline_html
from kb.site.links import KINDS, PageKind, SitePage
from kb.site.pages import charts
from kb.site.pages.actions_page import action_rows
from kb.site.pages.lists import incident_rows
from kb.site.pages.pieces import anchor, block, day, heading, rows, word_chip

Members = tuple[Postmortem, ...]
#: Rows on the first page of a word, and on each that follows.
_NEWEST, _PER_PAGE = 10, 150
#: Controls shown where several were missing equally often, and promises before they are folded.
_MOST_TIES, _FIRST, _MOST_FOLDED = 3, 5, 15
_EXTERNAL_KINDS = {"classes", "causes", "controls"}


def facet_pages(site: Site) -> Iterator[SitePage]:
    """An index of each kind, and a page for each of its words."""
    for kind in KINDS:
        if not site.edition.is_internal and kind.folder not in _EXTERNAL_KINDS:
            continue
        members = members_by_word(site, kind)
        yield _index(site, kind, members)
        for word, records in members.items():
            yield word_page(site, kind, word, records)
            yield from _earlier_pages(site, kind, word, records)


def members_by_word(site: Site, kind: PageKind) -> dict[str, Members]:
    """Word to its records, oldest first."""
    found: dict[str, list[Postmortem]] = {}
    for record in site.records:
        for word in dict.fromkeys(kind.words(record)):
            found.setdefault(word, []).append(record)
    return {word: tuple(records) for word, records in found.items()}


def _index(site: Site, kind: PageKind, members: dict[str, Members]) -> SitePage:
    path = kind.folder
    ordered = sorted(members.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    unseen = _unseen(site, kind, members)
    cards = rows((_word_card(site, kind, word, found) for word, found in ordered), "kb-words")
    quiet = f'<p class="kb-quiet">Not seen here yet: {unseen}</p>' if unseen else ""
    others = " ".join(
        anchor(links.relative(path, other.folder), other.title, "kb-chip kb-link")
        for other in KINDS
        if other is not kind and (site.edition.is_internal or other.folder in _EXTERNAL_KINDS)
    )
    body = (
        f'<header class="kb-head"><h1>{kind.title}</h1>'
        f'<p class="kb-classes">Also by {others}</p></header>\n{cards}\n{quiet}'
    )
    return SitePage(path, kind.title, block(body), f"Incidents by {kind.noun}.", searchable=False)


def _unseen(site: Site, kind: PageKind, members: dict[str, Members]) -> str:
    taxonomy = site.form.taxonomies[kind.taxonomy] if kind.taxonomy else ()
    return ", ".join(escape(word.name) for word in taxonomy if word.name not in members)


def _word_card(site: Site, kind: PageKind, word: str, found: Members) -> str:
    definition = site.form.definition(kind.taxonomy, word) if kind.taxonomy else ""
    latest = max(record.date for record in found)
    address = links.relative(kind.folder, site.names.path(kind.folder, word))
    shown = in_words(word) if kind.taxonomy else word
    return (
        f'<p class="kb-title">{anchor(address, escape(shown))}</p>'
        f'<p class="kb-count">{plural(len(found), "record")}, last '
        f"{day(latest)}</p><p>{escape(definition)}</p>"
    )


def word_page(site: Site, kind: PageKind, word: str, records: Members) -> SitePage:
    """The page of one word."""
    path = site.names.path(kind.folder, word)
    shown = in_words(word) if kind.taxonomy else word
    definition = site.form.definition(kind.taxonomy, word) if kind.taxonomy else ""
    parts = [
        block(_head(kind, path, shown, definition) + _summary(records)),
        *_prevention(site, kind, word, records),
        *_owed(site, path, records),
        heading("Incidents"),
        block(_time_line(records, path)),
        block(incident_rows(site, _latest_first(records)[:_NEWEST], path)),
        block(_pager(path, len(records), 1)),
        *_said(records),
    ]
    body = "\n\n".join(part for part in parts if part)
    return SitePage(path, shown, body, definition or f"Incidents of {word}.", False, contents=True)


def _latest_first(records: Members) -> list[Postmortem]:
    return sorted(records, key=lambda record: (record.date, record.id), reverse=True)


def _earlier_pages(site: Site, kind: PageKind, word: str, records: Members) -> Iterator[SitePage]:
    """What does not stand on the first page of a word, shorter, page by page."""
    path = site.names.path(kind.folder, word)
    rest = _latest_first(records)[_NEWEST:]
    shown = in_words(word) if kind.taxonomy else word
    for number in range(2, _page_count(len(records)) + 1):
        here = f"{path}/{number}"
        chunk = rest[(number - 2) * _PER_PAGE : (number - 1) * _PER_PAGE]
        way = anchor(links.relative(here, path), escape(shown))
        title = f"{shown}, page {number}"
        body = (
            f'<nav class="kb-crumbs" aria-label="Breadcrumb"><ol><li>{way}</li></ol></nav>\n'
            f'<header class="kb-head"><h1>{escape(title)}</h1></header>\n'
            f"{incident_rows(site, chunk, here, is_brief=True)}\n"
            f"{_pager(path, len(records), number)}"
        )
        yield SitePage(here, title, block(body), searchable=False)


def _page_count(count: int) -> int:
    return 1 + max(0, -(-(count - _NEWEST) // _PER_PAGE))


def _pager(path: str, count: int, here: int) -> str:
    """Links to the other pages of a word; empty where one page holds all."""
    pages = _page_count(count)
    if pages == 1:
        return ""
    source = path if here == 1 else f"{path}/{here}"
    others = " ".join(
        anchor(
            links.relative(source, path if number == 1 else f"{path}/{number}"),
            str(number),
            "kb-chip kb-link",
        )
        for number in range(1, pages + 1)
        if number != here
    )
    return f'<p class="kb-classes">All {count:,}, on pages {others}</p>'


def _head(kind: PageKind, path: str, shown: str, definition: str) -> str:
    way = anchor(links.relative(path, kind.folder), kind.title)
    meaning = f'<p class="kb-definition">{escape(definition)}</p>' if definition else ""
    return (
        f'<nav class="kb-crumbs" aria-label="Breadcrumb"><ol><li>{way}</li></ol></nav>\n'
        f'<header class="kb-head"><h1>{escape(shown)}</h1>{meaning}</header>\n'
    )


def _summary(records: Members) -> str:
    chains = sorted(
        m for r in records if (m := r.clocks.detection_chain_minutes) is not None and m >= 0
    )
    counted = [n for r in records if (n := r.customers_affected) is not None]
    figures = [("Records", f"{len(records):,}"), ("Last", day(max(r.date for r in records)))]
    if chains:
        middle = chains[len(chains) // 2] if len(chains) % 2 else _between(chains)
        figures.append(
            ("Median time undetected", f"{duration(middle)} <small>n {len(chains)}</small>")
        )
    if sum(counted):
        said = f"{sum(counted):,} <small>n {len(counted)}</small>"
        figures.append(("Customers affected, known", said))
    body = "".join(
        f'<div class="kb-figure"><dt>{name}</dt><dd>{value}</dd></div>' for name, value in figures
    )
    return (
        f'<section class="kb-facts" aria-label="Facts"><dl class="kb-figures">{body}</dl></section>'
    )


def _between(numbers: list[float]) -> float:
    half = len(numbers) // 2
    return (numbers[half - 1] + numbers[half]) / 2


def _prevention(site: Site, kind: PageKind, word: str, records: Members) -> Iterator[str]:
    """The control that was missing most often, and what the records say would have caught them."""
    counts = Counter(record.missing_control for record in records if record.missing_control)
    if kind.folder == "controls" or not counts:
        return
    path = site.names.path(kind.folder, word)
    most = max(counts.values())
    first = [name for name, n in counts.items() if n == most]
    others = " ".join(
        f"{word_chip(site, path, 'controls', name)} <small>{n}</small>"
        for name, n in counts.most_common(6)
        if n < most
    )
    tail = f"<p>Then: {others}</p>" if others else ""
    controls = "".join(_control(site, path, name) for name in sorted(first)[:_MOST_TIES])
    each = " each" if len(first) > 1 else ""
    is_most = 2 * most > len(records) and len(records) > 1
    yield heading(
        "What would have caught most of them" if is_most else "What was missing most often"
    )
    yield block(
        f'<div class="kb-control">{controls}'
        f"<p><b>Missing in {most} of {len(records)}{each}.</b></p>{tail}</div>"
    )


def _control(site: Site, path: str, name: str) -> str:
    definition = escape(site.form.definition("missing_control", name))
    return f'<p class="kb-word">{word_chip(site, path, "controls", name)}</p><p>{definition}</p>'


def _owed(site: Site, path: str, records: Members) -> Iterator[str]:
    """What was promised across the records, and what of it is still open."""
    if not site.edition.is_internal:
        return
    promised = [a for record in records for a in site.actions_by_record.get(record.id, ())]
    if not promised:
        return
    owed = listed(action for action in promised if action.is_open)
    untold = sum(1 for action in owed if action.completion_unknown)
    closed = sum(1 for action in promised if action.state == "closed")
    levers = Counter(action.lever for action in promised if action.lever)
    used = ", ".join(f"{escape(name)} {n}" for name, n in levers.most_common(5))
    yield heading("What was promised")
    yield block(
        f"<p><b>{plural(len(promised), 'promise')}</b> across these incidents, {closed} closed, "
        f"{_still_owed(len(owed) - untold, untold)}. Levers: {used or 'none named'}.</p>\n"
        f"{action_rows(site, owed[:_FIRST], path)}"
        f"{_folded(site, owed[_FIRST:], path)}"
    )


def _folded(site: Site, rest: Sequence[Action], path: str) -> str:
    if not rest:
        return ""
    shown = action_rows(site, rest[:_MOST_FOLDED], path)
    left = len(rest) - _MOST_FOLDED
    way = anchor(links.relative(path, links.ACTIONS), "all actions")
    tail = f'<p class="kb-quiet">{left:,} further ones stand among {way}.</p>' if left > 0 else ""
    return f"\n<details><summary>{len(rest):,} more</summary>\n{shown}\n{tail}</details>"


def _still_owed(still_open: int, untold: int) -> str:
    unknown = f"of {untold} the completion is not public"
    if untold and not still_open:
        return unknown
    return f"<b>{still_open} still open</b>" + (f", {unknown}" if untold else "")


def _time_line(records: Members, path: str) -> str:
    ordered = sorted(records, key=lambda record: record.date)
    if len(ordered) == 1:
        return ""
    return charts.moments(
        [
            charts.Dot(r.date, 0, r.title, links.relative(path, links.incident(r.id)))
            for r in ordered
        ]
    )


def _said(records: Members) -> Iterator[str]:
    """What the records say would have detected them: the alerts to build."""
    signals = [
        (record, text)
        for record in reversed(records)
        if (section := record.section("detection"))
        for text in section.values("WOULD_HAVE_DETECTED")
    ][:8]
    if signals:
        yield heading("What would have detected them")
        yield block(
            "<ul>" + "".join(f"<li>{to_inline_html(text)}</li>" for _, text in signals) + "</ul>"
        )
