"""PagerDuty: incidents of its REST API, with their log entries and notes.

`{"incident": {…}}` or `{"incidents": […]}` of GET /incidents, told by `incident_number`; log
entries of GET /incidents/{id}/log_entries beside them:
https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents (read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.adopt.sources.tool_incident import ToolIncident, add_lines, tool_source
from kb.traces.decoding.json_objects import inner, objects, rows, word


def _is_incident(one: dict[str, Any]) -> bool:
    return "incident_number" in one and "created_at" in one and bool(word(one, "title", "summary"))


def _incidents(value: Any) -> Iterator[ToolIncident]:
    found = [one for one in objects(value) if _is_incident(one)]
    for one in found:
        incident = ToolIncident(word(one, "title", "summary"), f"#{one['incident_number']}")
        severity = word(inner(one, "priority"), "summary", "name")
        incident.severity = (severity, "priority")
        incident.section("Description", word(inner(one, "body"), "details"))
        incident.section("Resolution", word(one, "resolve_reason"))
        add_lines(incident, value if len(found) == 1 else [one, *_logs(value, one)])
        incident.entered_at(one, "created_at")
        yield incident


def _logs(value: Any, incident: dict[str, Any]) -> list[dict[str, Any]]:
    """The log entries in a file that name this incident."""
    logs = (one for one in objects(value) if word(one, "type").endswith("_log_entry"))
    own = [one for row in (incident,) for one in rows(row, "log_entries")]
    return [one for one in logs if inner(one, "incident").get("id") == incident.get("id")] + own


SOURCE = tool_source("PagerDuty", "JSON of GET /incidents", _is_incident, _incidents)
