"""The Atom feed, one JSON a record, a list of all, and CSV, from the same values."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import quote
from xml.sax.saxutils import escape as xml

from kb.metrics.json_output import page_json
from kb.metrics.json_output import schemas as metrics_schemas
from kb.metrics.render import page_csv
from kb.metrics.result_types import MetricsPage
from kb.records.postmortem import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.machine.json_types import (
    copies_schemas,
    facts,
    incident_json,
    incidents_json,
    one_line,
)
from kb.site.safe_html import escape, summary_text

_FEED_ENTRIES = 50
_COLUMNS = (
    *("id", "title", "date", "kind", "severity", "impact", "classes", "causes", "missing_control"),
    *("route", "detected_by", "customers_affected", "cost_usd", "detection_chain_minutes"),
)


def data_files(site: Site) -> Iterator[tuple[str, str]]:
    """Path on the site and text of every machine copy."""
    yield "feed.xml", atom(site)
    yield "data/incidents.json", incidents_json(site)
    yield "data/incidents.csv", incidents_csv(site)
    for record in site.records:
        copy = incident_json(site, record)
        for name in (record.id, *(one.id for one in site.merged_here.get(record.id, ()))):
            yield links.incident_data(name), copy
    if site.measured is not None:
        slim = _without_slices_records(site.measured)
        yield "data/metrics.json", one_line(page_json(slim))
        yield "data/metrics.csv", page_csv(_without_records(slim))
    yield from _schemas(site)


def _schemas(site: Site) -> Iterator[tuple[str, str]]:
    """What each JSON copy of this site promises."""
    found = copies_schemas()
    if site.measured is not None:
        found["metrics"] = metrics_schemas()["metrics"]
    for name, schema in found.items():
        yield f"data/schemas/{name}.schema.json", json.dumps(schema, indent=1) + "\n"


def _without_slices_records(page: MetricsPage) -> MetricsPage:
    """The page with the records of each measure, but not again those of each of its slices."""
    measures = tuple(
        replace(measure, parts=tuple(replace(part, records=()) for part in measure.parts))
        for measure in page.measures
    )
    return replace(page, measures=measures)


def _without_records(page: MetricsPage) -> MetricsPage:
    """The page as numbers alone: a cell of a spreadsheet holds no more than 32,767 characters."""
    measures = tuple(replace(one, records=(), hits=()) for one in page.measures)
    return replace(page, measures=measures)


def incidents_csv(site: Site) -> str:
    """All incidents as rows; a cell that a spreadsheet would run as a formula is quoted."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for record in site.newest:
        known = facts(record)
        writer.writerow([_cell(known[name]) for name in _COLUMNS])
    return stream.getvalue()


def _cell(value: object) -> str:
    text = ";".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
    return f"'{text}" if text[:1] in set("=+-@\t\r") else text


def atom(site: Site) -> str:
    """The records published last as an Atom feed.

    Addresses are absolute where the site's own is known. Ids need none of it, so that a reader
    knows an entry again once it is.
    """
    base = site.url.rstrip("/") + "/" if site.url else ""
    latest = sorted(site.newest, key=lambda record: _updated(site, record), reverse=True)
    updated = max((_updated(site, record) for record in latest), default=site.as_of.at)
    entries = "".join(_entry(site, record, base) for record in latest[:_FEED_ENTRIES])
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<title>{xml(site.name)}</title>\n<id>{xml(base or _urn(site.name))}</id>\n"
        f"<updated>{updated:%Y-%m-%dT%H:%M:%SZ}</updated>\n"
        f"<author><name>{xml(site.name)}</name></author>\n"
        f'<link rel="self" href="{xml(base)}feed.xml"/>\n{entries}</feed>\n'
    )


def _entry(site: Site, record: Postmortem, base: str) -> str:
    address = f"{base}{links.incident(record.id)}/"
    summary = summary_text(record, 1500)
    updated = f"<updated>{_updated(site, record):%Y-%m-%dT%H:%M:%SZ}</updated>"
    known = site.published.get(record.id)
    published = f"<published>{known:%Y-%m-%dT%H:%M:%SZ}</published>" if known else ""
    content = (
        f'<content type="html">{xml(f"<p>{escape(summary)}</p>")}</content>\n' if summary else ""
    )
    return (
        f"<entry><title>{xml(record.title)}</title><id>{_urn(record.id)}</id>\n"
        f'<link href="{xml(address)}"/>{published}{updated}\n'
        f"{content}</entry>\n"
    )


def _updated(site: Site, record: Postmortem) -> datetime:
    """When a record was published; where nobody knows that, when it began, for Atom asks for one.

    Such an entry has no `published`.
    """
    return site.published.get(record.id) or record.happened_at


def _urn(name: str) -> str:
    """A name as an identifier that is valid whatever characters it has (RFC 3986)."""
    return f"urn:kb:{quote(name, safe='', errors='surrogateescape')}"
