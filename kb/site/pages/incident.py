"""The page of one incident: facts first, then the argument, then what stands around it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kb.actions.action import Action
from kb.numbers_in_words import in_words
from kb.records.markdown import SectionText
from kb.records.model import Postmortem
from kb.site import links
from kb.site.content import Place, Site
from kb.site.pages import clocks, facts_card
from kb.site.pages.actions_page import gate_rows
from kb.site.pages.evidence import ActionEntry, ActionList, section_parts
from kb.site.pages.happening_now import happening_now
from kb.site.pages.page import PageValues
from kb.site.pages.related_cards import related_values
from kb.site.pages.section_blocks import Part
from kb.site.pages.shared_values import Link, link_target, record_link, word_links
from kb.site.safe_html import LinkTarget, summary_text, web_only

_LONG_ADDRESS, _DESCRIPTION_CHARACTERS = 70, 200
_ORIGINS = {"public": "Public record", "example": "Worked example, fictional"}


@dataclass(frozen=True, slots=True)
class ShownSection:
    """A section under its heading; `key` is empty for one that the form does not know."""

    heading: str
    key: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The incidents before and after one, in time or in a class; an end of the line has none."""

    line: str
    before: Link | None
    after: Link | None


def incidents(site: Site) -> Iterator[PageValues]:
    """The page of each record, drafts included where the site has them."""
    return (incident(site, record) for record in site.by_id.values())


def incident(site: Site, record: Postmortem) -> PageValues:
    """The page of a record."""
    path = links.incident(record.id)
    target = link_target(site, record, path)
    values = {
        "record": record,
        **_head(site, record, path),
        **facts_card.card(site, record, path),
        "clocks": clocks.strip(record.clocks),
        **_sections(site, record, target),
        **_owed(site, record, path),
        **related_values(site, record, path, target),
        "walls": site.wall_proofs.get(record.id, ()),
        "sources": [_source(address) for address in record.sources],
        "place": site.places.get(record.id, Place()),
        "data": links.incident_data(record.id),
        "neighbours": _neighbours(site, record, path),
    }
    said = summary_text(record, _DESCRIPTION_CHARACTERS)
    return PageValues(
        path,
        record.title,
        values,
        said,
        searchable=True,
        contents=True,
        found_by=tuple(_facts(record)),
    )


def _facts(record: Postmortem) -> Iterator[str]:
    """The words by which somebody may look for a record, whatever its prose says."""
    yield from (record.id, *record.aliases, record.route, record.agent.name, record.agent.framework)
    yield from (*record.tools, *record.systems, *record.vendors, *record.models, *record.owners)
    for word in (*record.classes, *record.causes, record.missing_control):
        yield from (word, in_words(word))


def _owed(site: Site, record: Postmortem, path: str) -> Mapping[str, object]:
    """The open gates that this record holds shut, and by how many days its promises are late."""
    return {
        "gates": gate_rows(site, (gate for gate in site.gates if gate.record == record.id), path),
        "overdue": [days for action in _promises(site, record) if (days := action.days_overdue)],
    }


def _promises(site: Site, record: Postmortem) -> Iterator[Action]:
    owed = site.actions_by_record.get(record.id, ())
    return (one for one in owed if one.is_open and not one.completion_unknown)


def _head(site: Site, record: Postmortem, path: str) -> Mapping[str, object]:
    kind, impact = in_words(record.kind), in_words(record.impact)
    said = filter(None, (kind, impact, _ORIGINS.get(record.origin)))
    return {
        "way": facts_card.breadcrumb(site, record, path),
        "said": " · ".join(dict.fromkeys(said)),
        "classes": word_links(site, path, "classes", record.classes),
        "filters": _filters(record),
    }


def _filters(record: Postmortem) -> list[tuple[str, str]]:
    """What the search can be narrowed by, for its index alone."""
    values = [
        *(("class", word) for word in record.classes),
        ("severity", record.severity),
        *(("tool", word) for word in record.tools),
        ("year", f"{record.date:%Y}"),
    ]
    return [(name, value) for name, value in values if value]


def _sections(site: Site, record: Postmortem, target: LinkTarget) -> Mapping[str, object]:
    """The box for the on-call leads, then the summary; the rest stands as it was written.

    `note` is what stands between the title and the first section: remarks on the record itself.
    """
    summary = record.section("summary")
    texts = [section for section in record.sections if _has_content(section)]
    notes = (section for section in texts if _is_title(section))
    overdue = {one.label: one.days_overdue for one in _promises(site, record)}
    rest = (section for section in texts if not _is_title(section) and section is not summary)
    return {
        "note": [part for note in notes for part in section_parts(note, record, target)],
        "summary": _shown(summary, record, target) if summary else None,
        "advice": happening_now(record, target) if site.edition.is_internal else (),
        "sections": [_dated(_shown(section, record, target), overdue) for section in rest],
    }


def _has_content(section: SectionText) -> bool:
    return bool(section.text.strip() or section.fields)


def _is_title(section: SectionText) -> bool:
    return section.level == 1 and section.key is None


def _shown(section: SectionText, record: Postmortem, target: LinkTarget) -> ShownSection:
    parts = section_parts(section, record, target)
    return ShownSection(section.heading, section.key or "", parts)


def _dated(shown: ShownSection, overdue: Mapping[str, int]) -> ShownSection:
    """A section whose actions say by how many days they are late; `overdue` is by label."""
    if shown.key != "actions" or not overdue:
        return shown
    parts = (
        replace(part, entries=tuple(_late(entry, overdue) for entry in part.entries))
        if isinstance(part, ActionList)
        else part
        for part in shown.parts
    )
    return replace(shown, parts=tuple(parts))


def _late(entry: ActionEntry, overdue: Mapping[str, int]) -> ActionEntry:
    return replace(entry, days_overdue=overdue.get(entry.label, 0)) if entry.label else entry


def _source(address: str) -> Link:
    """A source, which is a link where it is a web address; a long one is cut."""
    if not web_only(address):
        return Link(address)
    shown = address.split("://", 1)[1]
    cut = shown if len(shown) <= _LONG_ADDRESS else f"{shown[:_LONG_ADDRESS]}…"
    return Link(cut, address)


def _neighbours(site: Site, record: Postmortem, path: str) -> list[Neighbours]:
    """The incidents before and after: in time, and in the same class where those are others."""
    in_class = record.primary_class
    in_time, beside = (
        site.neighbours.get(line, {}).get(record.id, ("", "")) for line in ("", in_class)
    )
    lines = [("in time", in_time)]
    if in_class and beside != in_time:
        lines.append((f"in {in_class}", beside))
    return [
        Neighbours(line, *(record_link(site, path, one) if one else None for one in ids))
        for line, ids in lines
        if any(ids)
    ]
