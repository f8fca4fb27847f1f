"""Rootly: incidents of its API v1, in the form of JSON:API.

`{"data": {"type": "incidents", "attributes": {…}}}` or a list of them, with `started_at`,
`detected_at`, `acknowledged_at`, `mitigated_at` and `resolved_at`, and the severity as
`severity.data.attributes.name`; action items have the type `incident_action_items`:
https://docs.rootly.com/api-reference/incidents/list-incidents, and the OpenAPI description in
https://github.com/rootlyhq/rootly-go (read 2026-11-30).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.adopt.sources.tool_incident import (
    ToolIncident,
    id_text,
    rows_by_incident,
    tool_source,
)
from kb.traces.decoding.json_objects import inner, objects, word

_SECTIONS = (
    ("summary", "Summary"),
    ("mitigation_message", "Mitigation"),
    ("resolution_message", "Resolution"),
)
_CLOCKS = (
    ("first_impact", "started_at"),
    ("detected", "detected_at"),
    ("acknowledged", "acknowledged_at"),
    ("contained", "mitigated_at"),
    ("resolved", "resolved_at"),
)


def _is_incident(one: dict[str, Any]) -> bool:
    return one.get("type") == "incidents" and bool(word(inner(one, "attributes"), "title"))


def _incidents(value: Any) -> Iterator[ToolIncident]:
    every = list(objects(value))
    actions = rows_by_incident(filter(_is_action, every), _whose)
    for one in filter(_is_incident, every):
        attributes = inner(one, "attributes")
        number = attributes.get("sequential_id") or one.get("id") or ""
        incident = ToolIncident(word(attributes, "title"), str(number))
        incident.severity = _severity(attributes)
        for key, heading in _SECTIONS:
            incident.section(heading, word(attributes, key))
        for name, key in _CLOCKS:
            incident.clock(name, attributes, key)
        incident.actions += map(_action, actions.pop(id_text(one.get("id")), ()))
        incident.entered_at(attributes, "created_at")
        yield incident


def _severity(attributes: dict[str, Any]) -> tuple[str, str]:
    """The word and where it stands; Rootly's server for agents answers with the word alone."""
    name = word(inner(attributes, "severity", "data", "attributes"), "name")
    if name:
        return name, "severity.data.attributes.name"
    return word(attributes, "severity"), "severity"


def _is_action(row: dict[str, Any]) -> bool:
    return row.get("type") == "incident_action_items" and bool(inner(row, "attributes"))


def _whose(action: dict[str, Any]) -> Any:
    named = inner(action, "attributes").get("incident_id")
    return named or inner(action, "relationships", "incident", "data").get("id")


def _action(row: dict[str, Any]) -> tuple[str, str]:
    attributes = inner(row, "attributes")
    mark = {"done": "x", "cancelled": "-"}.get(word(attributes, "status"), " ")
    return mark, word(attributes, "summary", "description")


SOURCE = tool_source("Rootly", "JSON of GET /v1/incidents", _is_incident, _incidents)
