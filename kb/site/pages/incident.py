"""The page of one incident: facts first, then the argument, then what stands around it."""

from __future__ import annotations

from collections.abc import Iterator

from kb.format import in_words
from kb.records.markdown import SectionText
from kb.records.model import Postmortem
from kb.site import links
from kb.site.content import Place, Site
from kb.site.html import LinkTarget, escape, summary_text, web_only
from kb.site.links import SitePage
from kb.site.pages import clocks, facts_card
from kb.site.pages.evidence import section_html
from kb.site.pages.happening import happening_now
from kb.site.pages.pieces import (
    anchor,
    block,
    day,
    heading,
    link_target,
    record_link,
    rows,
    severity,
    word_chip,
)
from kb.site.pages.related_html import related_html

_LONG_ADDRESS = 70
_DATE_USES = ("meta", "sort")
_ORIGINS = {"public": "Public record", "example": "Worked example, fictional"}
#: Text about other incidents must not make this one be found.
_UNSEARCHED = "data-pagefind-ignore"


def incident_page(site: Site, record: Postmortem) -> SitePage:
    """The page of a record."""
    path = links.incident(record.id)
    link = link_target(site, record, path)
    parts = [
        block(_head(site, record, path)),
        block("\n".join((facts_card.card(site, record, path), clocks.strip(record.clocks)))),
        block(_note(record, link)),
        *_sections(site, record, path, link),
        block(_foot(site, record, path)),
    ]
    body = "\n\n".join(part for part in parts if part)
    return SitePage(path, record.title, body, summary_text(record, 200), contents=True)


def _head(site: Site, record: Postmortem, path: str) -> str:
    classes = " ".join(word_chip(site, path, "classes", word) for word in record.classes)
    kind, impact = in_words(record.kind), in_words(record.impact)
    said = filter(None, (kind, impact, _ORIGINS.get(record.origin)))
    words = " · ".join(dict.fromkeys(escape(word) for word in said))
    return (
        f"{facts_card.breadcrumb(site, record, path)}\n"
        f'<header class="kb-head"><p class="kb-meta" {_UNSEARCHED}>'
        f"{severity(record)} {day(record.date)} "
        f"<span>{words}</span></p>\n"
        f"<h1>{escape(record.title)}</h1>\n"
        f'<p class="kb-classes" {_UNSEARCHED}>{classes}</p>'
        f"{_status(record)}{_filters(record)}</header>"
    )


def _status(record: Postmortem) -> str:
    if record.is_published:
        return ""
    said = "in review" if record.status == "in-review" else "a draft"
    return f'<p class="kb-banner">This record is {said}: it may still change.</p>'


def _filters(record: Postmortem) -> str:
    """What the search can be narrowed by, for its index alone."""
    values = [
        *(("class", word) for word in record.classes),
        ("severity", record.severity),
        *(("tool", word) for word in record.tools),
        ("year", f"{record.date:%Y}"),
    ]
    spans = "".join(
        f'<span data-pagefind-filter="{name}:{escape(value)}"></span>'
        for name, value in values
        if value
    )
    day = "".join(f'<span data-pagefind-{use}="date:{record.date}"></span>' for use in _DATE_USES)
    return f"<div hidden>{spans}{day}</div>"


def _sections(site: Site, record: Postmortem, path: str, link: LinkTarget) -> Iterator[str]:
    """The summary leads; the box for the on-call follows it; the rest stands as it was written."""
    summary = record.section("summary")
    if summary is not None:
        yield _section(summary, record, link, ' data-pagefind-weight="3"')
    if site.edition.is_internal:
        yield block(happening_now(record, link))
    for section in record.sections:
        if section is not summary and _is_shown(section):
            yield _section(section, record, link)
    related = related_html(site, record, path)
    if related:
        yield heading("Related incidents")
        yield block(f"<div {_UNSEARCHED}>{related}</div>")
    yield from _sources(record)


def _note(record: Postmortem, link: LinkTarget) -> str:
    """What stands between the title and the first section: remarks on the record itself."""
    texts = [s for s in record.sections if _is_title(s) and (s.text.strip() or s.fields)]
    html = "\n".join(section_html(section, record, link) for section in texts)
    return f'<div class="kb-note">{html}</div>' if html else ""


def _is_title(section: SectionText) -> bool:
    return section.level == 1 and section.key is None


def _is_shown(section: SectionText) -> bool:
    return not _is_title(section) and bool(section.text.strip() or section.fields)


def _section(
    section: SectionText, record: Postmortem, link: LinkTarget, attributes: str = ""
) -> str:
    html = section_html(section, record, link)
    css = f"kb-section kb-s-{section.key or 'other'}"
    return f'{heading(section.heading)}\n\n<div class="{css}"{attributes}>\n{block(html)}\n</div>'


def _sources(record: Postmortem) -> Iterator[str]:
    if record.sources:
        yield heading("Sources")
        yield block(rows((_source(address) for address in record.sources), "kb-sources", "ol"))


def _source(address: str) -> str:
    if not web_only(address):
        return escape(address)
    shown = address.split("://", 1)[1]
    cut = shown if len(shown) <= _LONG_ADDRESS else f"{shown[:_LONG_ADDRESS]}…"
    return anchor(address, escape(cut))


def _foot(site: Site, record: Postmortem, path: str) -> str:
    place = site.places.get(record.id, Place())
    data = links.relative_file(path, links.incident_data(record.id))
    tools = [
        anchor(place.source, "Source") if place.source else "",
        anchor(place.history, "History") if place.history else "",
        anchor(place.edit, "Suggest an edit") if place.edit else "",
        anchor(data, "JSON"),
        '<button type="button" class="kb-cite">Copy citation</button>',
    ]
    reviewed = record.reviewed
    by = f"Reviewed by {escape(reviewed.by)}. " if reviewed and reviewed.by else ""
    lessons = f"Lessons by {escape(record.lessons_by)}. " if record.lessons_by else ""
    return (
        f'<footer class="kb-foot" {_UNSEARCHED}>\n'
        f'<p class="kb-tools">{" ".join(tool for tool in tools if tool)}</p>'
        f'<p class="kb-quiet">{by}{lessons}<code>{escape(record.id)}</code></p>\n'
        f"{_neighbours(site, record, path)}</footer>"
    )


def _neighbours(site: Site, record: Postmortem, path: str) -> str:
    """The incidents before and after: in time, and in the same class."""
    in_class = record.primary_class
    in_time, beside = (
        site.neighbours.get(line, {}).get(record.id, ("", "")) for line in ("", in_class)
    )
    html = _pair(site, in_time, path, "in time")
    if in_class and beside != in_time:
        html += _pair(site, beside, path, f"in {in_class}")
    if not html:
        return ""
    return f'<nav class="kb-neighbours" aria-label="Previous and next">{html}</nav>'


def _pair(site: Site, ids: tuple[str, str], path: str, name: str) -> str:
    if not any(ids):
        return ""
    cells = (("kb-before", "Earlier", ids[0]), ("kb-after", "Later", ids[1]))
    html = "".join(
        f'<span class="{css}"><small>{said} {escape(name)}</small>'
        f"{record_link(site, path, record_id)}</span>"
        if record_id
        else "<span></span>"
        for css, said, record_id in cells
    )
    return f"<div>{html}</div>\n"
