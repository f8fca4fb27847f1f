"""Lists of incidents: rows, the pages by year."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from kb.format import duration, in_words, plural
from kb.records.model import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape, summary_text
from kb.site.links import SitePage
from kb.site.pages.pieces import (
    anchor,
    block,
    day,
    heading,
    record_link,
    rows,
    severity,
    word_chip,
)

#: Rows on one page: a phone scrolls through these in seconds, and the page stays under 100 kB.
_PER_PAGE = 100
_NEWEST = 40


def incident_rows(
    site: Site, records: Iterable[Postmortem], source: str, *, is_brief: bool = False
) -> str:
    """Incidents as rows: when, how bad, what, and how long nobody knew."""
    return rows((_row(site, record, source, is_brief) for record in records), "kb-rows")


def _row(site: Site, record: Postmortem, source: str, is_brief: bool) -> str:
    if is_brief:
        return (
            f'<div class="kb-when">{day(record.date)}{severity(record)}</div>'
            f'<p class="kb-title">{record_link(site, source, record.id)}</p>'
        )
    words = f'<p class="kb-lead">{escape(summary_text(record, 170))}</p>'
    chips = " ".join(word_chip(site, source, "classes", word) for word in record.classes[:2])
    kind = "" if record.kind == "incident" else f"<span>{escape(in_words(record.kind))}</span> "
    return (
        f'<div class="kb-when">{day(record.date)}{severity(record)}</div>'
        f'<div class="kb-what"><p class="kb-title">{record_link(site, source, record.id)}</p>'
        f"{words}"
        f'<p class="kb-meta">{kind}{chips}{_undetected(record)}</p></div>'
    )


def _undetected(record: Postmortem) -> str:
    minutes = record.clocks.detection_chain_minutes
    if minutes is None or minutes <= 0:
        return ""
    return f' <span class="kb-undetected">{duration(minutes)} undetected</span>'


def list_pages(site: Site) -> Iterator[SitePage]:
    """The list of incidents: the newest, then a page (or several) for each year."""
    years = [(year, list(found)) for year, found in groupby(site.newest, lambda r: r.date.year)]
    yield _index(site, years)
    for year, found in years:
        yield from _year_pages(site, year, found)


def _index(site: Site, years: Sequence[tuple[int, Sequence[Postmortem]]]) -> SitePage:
    path = links.INCIDENTS
    count = plural(len(site.records), "published record")
    chips = " ".join(
        anchor(
            links.relative(path, f"{path}/{year}"),
            f"{year} <small>{len(found)}</small>",
            "kb-chip kb-link",
        )
        for year, found in years
    )
    body = (
        f'<header class="kb-head"><h1>Incidents</h1><p class="kb-quiet">{count}, the newest first.'
        f'</p><p class="kb-classes">{chips}</p></header>\n'
        f"{incident_rows(site, site.newest[:_NEWEST], path) or _NOTHING}"
    )
    return SitePage(path, "Incidents", block(body), f"{count}.", searchable=False)


_NOTHING = '<p class="kb-quiet">No record is published yet.</p>'


def _year_pages(site: Site, year: int, found: Sequence[Postmortem]) -> Iterator[SitePage]:
    chunks = [found[at : at + _PER_PAGE] for at in range(0, len(found), _PER_PAGE)]
    for number, chunk in enumerate(chunks, 1):
        path = _year_path(year, number)
        pager = " ".join(
            anchor(links.relative(path, _year_path(year, other)), str(other), "kb-chip kb-link")
            for other in range(1, len(chunks) + 1)
            if other != number
        )
        more = f'<p class="kb-classes">Pages: {pager}</p>' if pager else ""
        title = f"Incidents of {year}" + (f", page {number}" if number > 1 else "")
        crumbs = (
            '<nav class="kb-crumbs" aria-label="Breadcrumb"><ol><li>'
            f"{anchor(links.relative(path, links.INCIDENTS), 'Incidents')}</li></ol></nav>"
        )
        head = f'{crumbs}<header class="kb-head"><h1>{title}</h1>{more}</header>'
        parts = [block(head)]
        for month, members in groupby(chunk, lambda r: f"{r.date:%B}"):
            parts += [heading(month), block(incident_rows(site, members, path, is_brief=True))]
        yield SitePage(path, title, "\n\n".join(parts), searchable=False, contents=True)


def _year_path(year: int, number: int) -> str:
    return f"{links.INCIDENTS}/{year}" + (f"/{number}" if number > 1 else "")
