"""Lists of incidents: the newest, and the pages of each year."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from kb.humanize import duration, in_words, plural
from kb.records.postmortem import Postmortem
from kb.records.taxonomy import ADOPTED
from kb.site import links
from kb.site.content import Site
from kb.site.pages.page import PageValues
from kb.site.pages.record_links import Link, record_link, word_links
from kb.site.safe_html import list_summary

#: Rows on one page: a phone scrolls through these in seconds, and the page stays under 100 kB.
_PER_PAGE = 100
_NEWEST = 40
_LEAD_CHARACTERS, _CLASSES = 170, 2
_MARKS = ("severity", "class", "route")


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One incident in a list; a brief list shows nothing beyond date, severity and link.

    `marks` are what the list can be narrowed by: a name, and its words with bars between them.
    """

    date: date
    severity: str
    link: Link
    marks: tuple[tuple[str, str], ...]
    lead: str = ""
    kind: str = ""
    classes: tuple[Link, ...] = ()
    undetected: str = ""


def incident_rows(
    site: Site, records: Iterable[Postmortem], source: str
) -> tuple[IncidentRow, ...]:
    """Incidents as rows: when, how bad, what, and how long nobody knew."""
    return tuple(_row(site, record, source) for record in records)


def brief_rows(
    site: Site, records: Iterable[Postmortem], source: str, marked_by: Container[str] = _MARKS
) -> tuple[IncidentRow, ...]:
    """The same without what the record says; a list of thousands may be marked by less."""
    return tuple(
        IncidentRow(
            record.date,
            record.severity,
            record_link(site, source, record.id),
            tuple((name, words) for name, words in _marks(record) if name in marked_by),
        )
        for record in records
    )


def _marks(record: Postmortem) -> tuple[tuple[str, str], ...]:
    marks = (
        ("severity", record.severity),
        ("class", "|".join(record.classes)),
        ("route", "" if record.route == "unknown" else record.route),
    )
    return tuple((name, words) for name, words in marks if words)


def _row(site: Site, record: Postmortem, source: str) -> IncidentRow:
    return IncidentRow(
        record.date,
        record.severity,
        record_link(site, source, record.id),
        _marks(record),
        list_summary(record, _LEAD_CHARACTERS),
        ADOPTED if record.is_adopted else _kind(record),
        word_links(site, source, "classes", record.classes[:_CLASSES]),
        _undetected(record),
    )


def _kind(record: Postmortem) -> str:
    return "" if record.kind == "incident" else in_words(record.kind)


def _undetected(record: Postmortem) -> str:
    minutes = record.clocks.detection_chain_minutes
    return "" if minutes is None or minutes <= 0 else duration(minutes)


def newest_incidents(site: Site) -> Iterator[PageValues]:
    """The newest incidents, and the way to those of each year."""
    path = links.INCIDENTS
    count = plural(len(site.records), "published record")
    values = {
        "count": count,
        "years": [
            (links.relative(path, f"{path}/{y}"), y, len(found)) for y, found in _by_year(site)
        ],
        "rows": incident_rows(site, site.newest[:_NEWEST], path),
    }
    yield PageValues(path, "Incidents", values, f"{count}.")


def years(site: Site) -> Iterator[PageValues]:
    """The incidents of each year by month, on as many pages as they need."""
    for year, found in _by_year(site):
        chunks = [found[at : at + _PER_PAGE] for at in range(0, len(found), _PER_PAGE)]
        for number, chunk in enumerate(chunks, 1):
            path = _year_path(year, number)
            months = groupby(chunk, lambda record: f"{record.date:%B}")
            values = {
                "others": [
                    Link(str(other), links.relative(path, _year_path(year, other)))
                    for other in range(1, len(chunks) + 1)
                    if other != number
                ],
                "months": [(month, brief_rows(site, some, path)) for month, some in months],
            }
            title = f"Incidents of {year}" + (f", page {number}" if number > 1 else "")
            yield PageValues(path, title, values, contents=True, searchable=False)


def _by_year(site: Site) -> list[tuple[int, Sequence[Postmortem]]]:
    return [(year, list(found)) for year, found in groupby(site.newest, lambda r: r.date.year)]


def _year_path(year: int, number: int) -> str:
    return f"{links.INCIDENTS}/{year}" + (f"/{number}" if number > 1 else "")
