"""Opsgenie: incidents of its Incident API.

`{"data": {…}}` of GET /v1/incidents/{id}, or a list of them, told by `tinyId` beside `message`;
notes of GET /v1/incidents/{id}/notes. What `impactEndDate` ends may go on after it for others, so
it is a line of the timeline and no clock:
https://docs.opsgenie.com/docs/incident-api, and the types in
https://github.com/opsgenie/opsgenie-go-sdk-v2/blob/master/incident/result.go (read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.adopt.sources.tool_incident import ToolIncident, tool_source
from kb.traces.decoding.json_objects import objects, word
from kb.traces.decoding.timestamps import time_of

_LINES = (
    ("impactStartDate", "impact started"),
    ("createdAt", "incident opened"),
    ("impactEndDate", "impact ended"),
)


def _is_incident(one: dict[str, Any]) -> bool:
    return "tinyId" in one and "createdAt" in one and bool(word(one, "message"))


def _incidents(value: Any) -> Iterator[ToolIncident]:
    found = [one for one in objects(value) if _is_incident(one)]
    for one in found:
        incident = ToolIncident(word(one, "message"), str(one["tinyId"]))
        incident.severity = (word(one, "priority"), "priority")
        incident.section("Description", word(one, "description"))
        incident.clock("first_impact", one, "impactStartDate")
        notes = objects(value) if len(found) == 1 else iter(())
        lines = [(one.get(key), text) for key, text in _LINES]
        lines += [(row.get("createdAt"), word(row, "note")) for row in notes]
        times = ((time_of(at), text) for at, text in lines if at and text)
        incident.timeline += [(at, text) for at, text in times if at]
        incident.entered_at(one, "createdAt")
        yield incident


SOURCE = tool_source("Opsgenie", "JSON of GET /v1/incidents", _is_incident, _incidents)
