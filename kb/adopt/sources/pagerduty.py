"""PagerDuty: incidents of its REST API, with their log entries and notes.

`{"incident": {…}}` or `{"incidents": […]}` of GET /incidents, told by `incident_number`; log
entries of GET /incidents/{id}/log_entries beside them:
https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents (read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.adopt.sources.tool_incident import (
    ToolIncident,
    add_lines,
    id_text,
    rows_by_incident,
    tool_source,
)
from kb.traces.decoding.json_objects import inner, objects, rows, word


def _is_incident(one: dict[str, Any]) -> bool:
    return "incident_number" in one and "created_at" in one and bool(word(one, "title", "summary"))


def _incidents(value: Any) -> Iterator[ToolIncident]:
    every = list(objects(value))
    found = [one for one in every if _is_incident(one)]
    logs = rows_by_incident(filter(_is_log, every), lambda row: inner(row, "incident").get("id"))
    for one in found:
        incident = ToolIncident(word(one, "title", "summary"), f"#{one['incident_number']}")
        severity = word(inner(one, "priority"), "summary", "name")
        incident.severity = (severity, "priority")
        incident.section("Description", word(inner(one, "body"), "details"))
        incident.section("Resolution", word(one, "resolve_reason"))
        theirs = [*logs.pop(id_text(one.get("id")), ()), *rows(one, "log_entries")]
        add_lines(incident, value if len(found) == 1 else [one, *theirs])
        incident.entered_at(one, "created_at")
        yield incident


def _is_log(one: dict[str, Any]) -> bool:
    return word(one, "type").endswith("_log_entry")


SOURCE = tool_source("PagerDuty", "JSON of GET /incidents", _is_incident, _incidents)
