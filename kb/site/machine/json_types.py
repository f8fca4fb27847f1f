"""The JSON copies on a site: each a type, made from a record, and its schema."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

from kb.json_schemas import schema_of
from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.site.content import Site
from kb.site.related_incidents import Related
from kb.site.safe_html import summary_text

_SUMMARY_CHARACTERS = 200


class FactsJson(Struct, kw_only=True):
    """What machines sort and filter by; null or empty where it is not known or not shown."""

    id: str
    title: str
    date: date
    origin: str = ""
    kind: str = ""
    severity: str = ""
    impact: str = ""
    classes: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    missing_control: str = ""
    route: str = ""
    tools: tuple[str, ...] = ()
    detected_by: str = ""
    customers_affected: int | None = None
    cost_usd: float | None = None
    clocks: dict[str, datetime] = {}
    detection_chain_minutes: float | None = None


class RowJson(FactsJson, kw_only=True):
    """One incident of the list, with the first sentences of its summary."""

    summary: str


class IncidentsJson(Struct, kw_only=True):
    """`kb.incidents/1`: every published incident, the newest first."""

    schema: Literal["kb.incidents/1"]
    incidents: tuple[RowJson, ...]


class SectionJson(Struct, kw_only=True):
    """A section: its text as Markdown, and its evidence lines as pairs of key and value.

    `key` is that of the form, or the heading of a section the form does not know.
    """

    key: str
    text: str
    fields: tuple[tuple[str, str], ...]


class RelatedJson(Struct, kw_only=True):
    """An incident beside this one; `probability` of the same class is null where none is known.

    `open_then` and `open_now` count its promises that were open when this one happened, and are.
    """

    id: str
    probability: float | None
    verdict: str
    open_then: int
    open_now: int


class IncidentJson(FactsJson, kw_only=True, omit_defaults=True):
    """`kb.incident/1`: one incident whole; facts that are not known are left out.

    `actions` have `label`, `state`, `text` and the attributes that were written behind the dash.
    """

    schema: Literal["kb.incident/1"]
    sections: tuple[SectionJson, ...]
    actions: tuple[dict[str, str], ...]
    related: tuple[RelatedJson, ...]
    sources: tuple[str, ...]


def incidents_json(site: Site) -> str:
    """All incidents as one JSON object on one line."""
    rows = (
        RowJson(**facts(record), summary=summary_text(record, _SUMMARY_CHARACTERS))
        for record in site.newest
    )
    return one_line(IncidentsJson(schema="kb.incidents/1", incidents=tuple(rows)))


def incident_json(site: Site, record: Postmortem) -> str:
    """One incident as one JSON object on one line."""
    near = (one for one in site.related.get(record.id, ()) if one.id in site.by_id)
    whole = IncidentJson(
        **facts(record),
        schema="kb.incident/1",
        sections=tuple(_section(section) for section in record.sections if section.text),
        actions=tuple(
            {"label": a.label, "state": a.state, "text": a.text, **dict(a.attributes)}
            for a in record.actions
        ),
        related=tuple(_related(near)),
        sources=record.sources,
    )
    return one_line(whole)


def copies_schemas() -> dict[str, dict[str, Any]]:
    """Name to JSON Schema of each copy, generated from the types above."""
    kinds: dict[str, type[Struct]] = {"incidents": IncidentsJson, "incident": IncidentJson}
    return {name: schema_of(kind) for name, kind in kinds.items()}


def one_line(value: Struct) -> str:
    """A value as JSON on one line; also where a text of it holds half a character."""
    plain = msgspec.to_builtins(value)
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":")) + "\n"


def facts(record: Postmortem) -> dict[str, Any]:
    """The values of `FactsJson`: attributes of a record, and its clocks."""
    computed = {
        "clocks": dict(record.clocks.known()),
        "detection_chain_minutes": record.clocks.detection_chain_minutes,
    }
    names = (name for name in FactsJson.__struct_fields__ if name not in computed)
    return {name: getattr(record, name) for name in names} | computed


def _related(near: Iterable[Related]) -> Iterable[RelatedJson]:
    return (
        RelatedJson(
            id=one.id,
            probability=None if one.probability is None else round(one.probability, 3),
            verdict=one.verdict,
            open_then=len(one.open_then),
            open_now=len(one.open_now),
        )
        for one in near
    )


def _section(section: SectionText) -> SectionJson:
    return SectionJson(
        key=section.key or section.heading,
        text=_without_evidence(section),
        fields=tuple((field.key, field.value) for field in section.fields),
    )


def _without_evidence(section: SectionText) -> str:
    """The section as it was written, without the evidence lines: those stand as fields."""
    taken = {n for field in section.fields for n in range(field.line, field.end_line + 1)}
    kept = (
        line.text
        for line in section.lines
        if line.number not in taken
        and not line.comment
        and not (line.is_mark and (line.fence or "").split()[:1] == ["evidence"])
    )
    return "\n".join(kept).strip()
