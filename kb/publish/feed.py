"""What do machines read? Atom, one JSON a record, a list of all, CSV: made of the same values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.sax.saxutils import escape as xml

import msgspec

from kb.metrics.contract import page_json
from kb.metrics.tables import page_csv
from kb.metrics.values import Page
from kb.publish import links
from kb.publish.content import Site
from kb.publish.html import to_html
from kb.publish.pieces import link_target
from kb.publish.related import Related
from kb.publish.text import plain, summary_text
from kb.records.body import SectionText
from kb.records.model import Postmortem

SCHEMA = "kb.incidents/1"
RECORD_SCHEMA = "kb.incident/1"
_FEED_ENTRIES = 50
_COLUMNS = (
    *("id", "title", "date", "kind", "severity", "impact", "classes", "causes", "missing_control"),
    *("route", "detected_by", "customers_affected", "cost_usd", "detection_chain_minutes"),
)


def data_files(site: Site) -> Iterator[tuple[str, str]]:
    """Path on the site and text of every machine copy."""
    yield "feed.xml", atom(site)
    yield "data/incidents.json", _json({"schema": SCHEMA, "incidents": _all(site)})
    yield "data/incidents.csv", incidents_csv(site)
    for record in site.records:
        yield f"data/incidents/{record.id}.json", _json(record_json(site, record))
    if site.measured is not None:
        slim = _without_slices_records(site.measured)
        yield "data/metrics.json", msgspec.json.encode(page_json(slim)).decode() + "\n"
        yield "data/metrics.csv", page_csv(slim)


def _without_slices_records(page: Page) -> Page:
    """The page with the records of each measure, but not again those of each of its slices."""
    measures = tuple(
        replace(measure, parts=tuple(replace(part, records=()) for part in measure.parts))
        for measure in page.measures
    )
    return replace(page, measures=measures)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str) + "\n"


def _all(site: Site) -> list[dict[str, Any]]:
    return [{**_facts(record), "summary": summary_text(record, 200)} for record in site.newest]


def _facts(record: Postmortem) -> dict[str, Any]:
    return {
        "id": record.id,
        "title": record.title,
        "date": record.date.isoformat(),
        "origin": record.origin,
        "kind": record.kind,
        "severity": record.severity,
        "impact": record.impact,
        "classes": list(record.classes),
        "causes": list(record.causes),
        "missing_control": record.missing_control,
        "route": record.route,
        "tools": list(record.tools),
        "detected_by": record.detected_by,
        "customers_affected": record.customers_affected,
        "cost_usd": record.cost_usd,
        "clocks": {name: at.isoformat() for name, at in record.clocks.known()},
        "detection_chain_minutes": record.clocks.detection_chain_minutes,
    }


def record_json(site: Site, record: Postmortem) -> dict[str, Any]:
    """One record with its sections, actions and related incidents."""
    return {
        "schema": RECORD_SCHEMA,
        **{name: value for name, value in _facts(record).items() if value not in (None, "", [])},
        "sections": [_section(section) for section in record.sections if section.text],
        "actions": [
            {"label": a.label, "state": a.state, "text": a.text, **dict(a.attributes)}
            for a in record.actions
        ],
        "related": [
            _related(one) for one in site.related.get(record.id, ()) if one.id in site.by_id
        ],
        "sources": list(record.sources),
    }


def _related(one: Related) -> dict[str, Any]:
    return {
        "id": one.id,
        "probability": one.probability,
        "verdict": one.verdict,
        "open_then": len(one.open_then),
        "open_now": len(one.open_now),
    }


def _section(section: SectionText) -> dict[str, Any]:
    fields = [[field.key, field.value] for field in section.fields]
    return {
        "key": section.key or section.heading,
        "text": _text(section),
        "fields": fields,
    }


def _text(section: SectionText) -> str:
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


def incidents_csv(site: Site) -> str:
    """All incidents as rows; a cell that a spreadsheet would run as a formula is quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for record in site.newest:
        facts = _facts(record)
        writer.writerow([_cell(facts[name]) for name in _COLUMNS])
    return stream.getvalue()


def _cell(value: object) -> str:
    text = ";".join(value) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in set("=+-@\t\r") else text


def atom(site: Site) -> str:
    """The newest records as an Atom feed; addresses are absolute where the site's own is known."""
    base = site.url.rstrip("/") + "/" if site.url else ""
    updated = max((record.happened_at for record in site.newest), default=site.as_of.at)
    entries = "".join(_entry(site, record, base) for record in site.newest[:_FEED_ENTRIES])
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>{xml(site.name)}</title>\n<id>{xml(base or 'urn:kb:' + site.name)}</id>\n"
        f"<updated>{updated:%Y-%m-%dT%H:%M:%SZ}</updated>\n"
        f"<author><name>{xml(site.name)}</name></author>\n"
        f'<link rel="self" href="{xml(base)}feed.xml"/>\n{entries}</feed>\n'
    )


def _entry(site: Site, record: Postmortem, base: str) -> str:
    address = f"{base}{links.incident(record.id)}/"
    summary = record.section("summary")
    html = to_html(plain(summary_text(record, 1500)), link_target(site, record, links.HOME))
    at = f"{record.happened_at:%Y-%m-%dT%H:%M:%SZ}"
    content = f'<content type="html">{xml(html)}</content>\n' if summary else ""
    return (
        f"<entry><title>{xml(record.title)}</title><id>urn:kb:{xml(record.id)}</id>\n"
        f'<link href="{xml(address)}"/><published>{at}</published><updated>{at}</updated>\n'
        f"{content}</entry>\n"
    )
