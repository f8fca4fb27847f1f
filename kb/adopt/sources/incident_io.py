"""incident.io: incidents of its API v2, with their updates and follow-ups.

`{"incident": {…}}` or `{"incidents": […]}` of GET /v2/incidents, told by `reference` beside
`incident_status`; timestamps are clocks by their names; follow-ups of GET /v2/follow_ups:
https://api-docs.incident.io/tag/Incidents-V2 (read 2026-11-30).
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
    return "incident_status" in one and "reference" in one and "name" in one


def _incidents(value: Any) -> Iterator[ToolIncident]:
    every = list(objects(value))
    found = [one for one in every if _is_incident(one)]
    about = rows_by_incident(every, lambda row: row.get("incident_id"))
    for one in found:
        incident = ToolIncident(word(one, "name"), word(one, "reference"))
        incident.severity = (word(inner(one, "severity"), "name"), "severity.name")
        incident.section("Summary", word(one, "summary"))
        for entry in rows(one, "custom_field_entries"):
            _add_field(incident, entry)
        theirs = about.pop(id_text(one.get("id")), [])
        add_lines(incident, value if len(found) == 1 else [one, *theirs])
        for row in theirs if len(found) > 1 else every:
            if "incident_id" in row and "title" in row:
                mark = {"completed": "x", "not_doing": "-"}.get(word(row, "status"), " ")
                incident.actions.append((mark, word(row, "title")))
        incident.entered_at(one, "created_at")
        yield incident


def _add_field(incident: ToolIncident, entry: Any) -> None:
    """A custom field that holds text is a section of its name."""
    if not isinstance(entry, dict):
        return
    values = (value for value in entry.get("values") or () if isinstance(value, dict))
    text = "\n".join(filter(None, (word(value, "value_text") for value in values)))
    incident.section(word(inner(entry, "custom_field"), "name") or "Further", text)


SOURCE = tool_source("incident.io", "JSON of GET /v2/incidents", _is_incident, _incidents)
