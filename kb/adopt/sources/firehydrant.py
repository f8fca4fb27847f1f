"""FireHydrant: incidents and retrospectives of its API v1.

An incident of GET /v1/incidents has `milestones` with `type` and `occurred_at`, and `name`;
a retrospective of GET /v1/post_mortems/reports has `questions` with `title` and `body`:
https://docs.firehydrant.com/reference (read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.adopt.sources.tool_incident import ToolIncident, add_lines, tool_source
from kb.traces.decoding.json_objects import inner, objects, rows, word

_SECTIONS = (
    ("summary", "Summary"),
    ("description", "Description"),
    ("customer_impact_summary", "Customer impact"),
)


def _is_theirs(one: dict[str, Any]) -> bool:
    return _is_incident(one) or _is_report(one)


def _is_incident(one: dict[str, Any]) -> bool:
    return bool(word(one, "name")) and any("occurred_at" in row for row in rows(one, "milestones"))


def _is_report(one: dict[str, Any]) -> bool:
    return bool(word(one, "name")) and any("body" in row for row in rows(one, "questions"))


def _incidents(value: Any) -> Iterator[ToolIncident]:
    reports = [one for one in objects(value) if _is_report(one)]
    reported = {inner(one, "incident").get("id") for one in reports}
    found = [one for one in objects(value) if _is_incident(one) and one.get("id") not in reported]
    for one in (*found, *reports):
        about = inner(one, "incident") or one
        number = about.get("number") or about.get("id") or ""
        incident = ToolIncident(word(about, "name") or word(one, "name"), str(number))
        incident.severity = (word(about, "severity"), "severity")
        for key, heading in _SECTIONS:
            incident.section(heading, word(one, key) or word(about, key))
        for row in rows(one, "questions"):
            incident.section(word(row, "title"), word(row, "body"))
        add_lines(incident, value if len(found) + len(reports) == 1 else one)
        incident.clock("first_impact", about, "started_at")
        incident.entered_at(about, "created_at")
        yield incident


SOURCE = tool_source("FireHydrant", "JSON of incidents and retrospectives", _is_theirs, _incidents)
