"""The page of one incident: facts first, then the argument, then what stands around it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from kb.actions.action import Action
from kb.humanize import in_words, listed
from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.sentences import clipped
from kb.site import links
from kb.site.content import Place, Site
from kb.site.pages import clock_timeline, facts_card
from kb.site.pages.actions_page import gate_rows
from kb.site.pages.happening_now import happening_now
from kb.site.pages.occurrences import came_again, same_source
from kb.site.pages.page import PageValues
from kb.site.pages.record_links import Link, link_target, record_link, word_links
from kb.site.pages.related_cards import related_values
from kb.site.pages.sections.actions import ActionEntry, ActionList
from kb.site.pages.sections.blocks import Part
from kb.site.pages.sections.draw_section import section_parts
from kb.site.safe_html import LinkTarget, summary_text, web_only

_ADDRESS_CHARACTERS, _DESCRIPTION_CHARACTERS = 71, 200
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
        "clocks": clock_timeline.strip(record.clocks),
        "again": came_again(site, record, path),
        "shared": same_source(site, record, path),
        **_sections(site, record, target),
        **_owed(site, record, path),
        **related_values(site, record, path, target),
        "walls": site.wall_proofs.get(record.id, ()),
        "sources": [_source(address) for address in record.sources],
        "place": site.places.get(record.id, Place()),
        "data": links.incident_data(record.id),
        "neighbours": _neighbours(site, record, path),
    }
    text = summary_text(record, _DESCRIPTION_CHARACTERS)
    return PageValues(
        path,
        record.title,
        values,
        text,
        searchable=True,
        contents=True,
        found_by=(*_facts(record), *(one.id for one in site.merged_here.get(record.id, ()))),
    )


def merged_away(site: Site) -> Iterator[PageValues]:
    """The page of each record that was merged: its address leads to the record that counts."""
    for target, others in site.merged_here.items():
        for record in others:
            path = links.incident(record.id)
            link = record_link(site, path, target)
            values = {"target": link, "place": site.places.get(record.id, Place())}
            address = link.address.removeprefix(links.MARK)
            yield PageValues(path, record.title, values, leads_to=address)


def _facts(record: Postmortem) -> Iterator[str]:
    """The words by which somebody may look for a record, whatever its prose says."""
    yield from (record.id, *record.aliases, record.route, record.agent.name, record.agent.framework)
    yield from (*record.tools, *record.systems, *record.vendors, *record.models, *record.owners)
    for word in (*record.classes, *record.causes, record.missing_control):
        yield from (word, in_words(word))


def _owed(site: Site, record: Postmortem, path: str) -> Mapping[str, object]:
    """The gates that this record holds shut, what failed, and how late its promises are."""
    promised = site.actions_by_record.get(record.id, ())
    return {
        "gates": gate_rows(site, (gate for gate in site.gates if gate.record == record.id), path),
        "broken": _broken(site, path, promised),
        "overdue": [days for action in _promises(site, record) if (days := action.days_overdue)],
    }


@dataclass(frozen=True, slots=True)
class FailedActions:
    """Actions that were done before it came again; `told` is another record that says so."""

    names: str
    is_one: bool
    since: date | None
    told: Link | None


def _broken(site: Site, path: str, promised: Iterable[Action]) -> list[FailedActions]:
    """The failed actions of a record, those together that failed by one recurrence."""
    groups: dict[tuple[str, date | None], list[Action]] = {}
    for action in promised:
        if action.has_failed:
            groups.setdefault((action.effect_by, action.effect_since), []).append(action)
    return [
        FailedActions(
            listed([action.label or "an action" for action in some], "and"),
            len(some) == 1,
            since,
            None if site.counted(teller) == some[0].record else record_link(site, path, teller),
        )
        for (teller, since), some in groups.items()
    ]


def _promises(site: Site, record: Postmortem) -> Iterator[Action]:
    owed = site.actions_by_record.get(record.id, ())
    return (one for one in owed if one.is_open and not one.completion_unknown)


def _head(site: Site, record: Postmortem, path: str) -> Mapping[str, object]:
    kind, impact = in_words(record.kind), in_words(record.impact)
    parts = filter(None, (kind, impact, _ORIGINS.get(record.origin)))
    return {
        "way": facts_card.breadcrumb(site, record, path),
        "said": " · ".join(dict.fromkeys(parts)),
        "classes": word_links(site, path, "classes", record.classes),
        "filters": _filters(record),
    }


def _filters(record: Postmortem) -> list[tuple[str, str]]:
    """What the search can be narrowed by, for its index alone."""
    values = [
        *(("class", word) for word in record.classes),
        ("severity", record.severity),
        ("route", "" if record.route == "unknown" else record.route),
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
    known = {one.label: one for one in site.actions_by_record.get(record.id, ()) if one.label}
    rest = (section for section in texts if not _is_title(section) and section is not summary)
    return {
        "note": [part for note in notes for part in section_parts(note, record, target)],
        "summary": _shown_section(summary, record, target) if summary else None,
        "advice": happening_now(record, target) if site.edition.is_internal else (),
        "sections": [_judged(_shown_section(section, record, target), known) for section in rest],
    }


def _has_content(section: SectionText) -> bool:
    return bool(section.text.strip() or section.fields)


def _is_title(section: SectionText) -> bool:
    return section.level == 1 and section.key is None


def _shown_section(section: SectionText, record: Postmortem, target: LinkTarget) -> ShownSection:
    parts = section_parts(section, record, target)
    return ShownSection(section.heading, section.key or "", parts)


def _judged(shown: ShownSection, known: Mapping[str, Action]) -> ShownSection:
    """A section whose actions say how late they are, and whether they worked, by their labels."""
    if shown.key != "actions" or not known:
        return shown
    parts = (
        replace(part, entries=tuple(_with_effect(entry, known) for entry in part.entries))
        if isinstance(part, ActionList)
        else part
        for part in shown.parts
    )
    return replace(shown, parts=tuple(parts))


def _with_effect(entry: ActionEntry, known: Mapping[str, Action]) -> ActionEntry:
    action = known.get(entry.label)
    if action is None:
        return entry
    late = 0 if action.completion_unknown else action.days_overdue
    effect = action.effect if action.effect_why else ""
    return replace(entry, days_overdue=late, effect=effect, effect_why=action.effect_why)


def _source(address: str) -> Link:
    """A source, which is a link where it is a web address; a long one is cut."""
    if not web_only(address):
        return Link(address)
    return Link(clipped(address.split("://", 1)[1], _ADDRESS_CHARACTERS), address)


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
