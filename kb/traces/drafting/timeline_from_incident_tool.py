"""Dated lines and clocks of an incident as PagerDuty, incident.io and FireHydrant export it.

Told by keys that only they write, wherever these stand in the JSON. Names of people are left out.
https://developer.pagerduty.com/api-reference, https://api-docs.incident.io,
https://docs.firehydrant.com/reference (read 2026-11-30)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kb.traces.decoding.json_objects import inner, objects, rows, word
from kb.traces.decoding.timestamps import time_of

#: Words in the name of a moment to the clock of a record that it sets.
_CLOCKS = (
    ("first_impact", ("impact started", "started")),
    ("detected", ("detected", "reported", "trigger")),
    ("acknowledged", ("acknowledge",)),
    ("contained", ("mitigated", "fixed", "contained")),
    ("resolved", ("resolve",)),
)
_TEXTS = ("body", "message", "summary", "content", "text", "comment", "name", "title")


@dataclass
class IncidentExport:
    """What an incident tool tells: dated lines, and the moments that are clocks of a record."""

    tool: str = ""
    lines: list[tuple[datetime, str]] = field(default_factory=list)
    clocks: dict[str, datetime] = field(default_factory=dict)

    def add(self, tool: str, at: Any, text: str, moment: str = "") -> None:
        """A line; `moment` is the name of what happened where that may be a clock."""
        time = time_of(at)
        if time is None or not text or (time, text) in self.lines:
            return
        self.tool = self.tool or tool
        self.lines.append((time, text))
        clock = clock_of(moment)
        if clock:
            self.clocks.setdefault(clock, time)


def clock_of(moment: str) -> str:
    """The clock that a named moment is, empty for none: `Reported at` is `detected`."""
    named = moment.lower().replace("_", " ")
    return next((clock for clock, words in _CLOCKS if any(word in named for word in words)), "")


def incident_export(value: Any) -> IncidentExport:
    """The lines and clocks in an export; no lines where it is of none of these tools."""
    found = IncidentExport()
    for one in objects(value):
        _take_pagerduty(one, found)
        _take_incident_io(one, found)
        _take_firehydrant(one, found)
    return found


def _take_pagerduty(one: dict[str, Any], found: IncidentExport) -> None:
    kind, at = word(one, "type"), one.get("created_at")
    if kind.endswith("_log_entry"):
        text = word(one, "summary") or kind.removesuffix("_log_entry")
        found.add("PagerDuty", at, _without_people(text, one), kind)
    elif "incident_number" in one:
        found.add("PagerDuty", at, f"triggered: {word(one, 'title', 'summary')}", "triggered")
        if word(one, "status") == "resolved":
            ended = one.get("resolved_at") or one.get("last_status_change_at")
            found.add("PagerDuty", ended, "resolved", "resolved")
    elif word(one, "event_type").startswith("incident."):
        name = word(one, "event_type").removeprefix("incident.")
        title = word(inner(one, "data"), "title", "summary", "content")
        found.add("PagerDuty", one.get("occurred_at"), f"{name}: {title}".rstrip(": "), name)
    for note in rows(one, "notes"):
        found.add("PagerDuty", note.get("created_at"), word(note, "content"))


def _without_people(text: str, one: dict[str, Any]) -> str:
    """A summary without the person who acted, or was called: `Acknowledged by someone`."""
    for key in ("agent", "user"):
        person = inner(one, key)
        name = word(person, "summary", "name")
        if name and word(person, "type").startswith("user"):
            text = text.replace(name, "someone")
    return text


def _take_incident_io(one: dict[str, Any], found: IncidentExport) -> None:
    for moment in (*rows(one, "incident_timestamp_values"), *rows(one, "timestamps")):
        name = word(inner(moment, "incident_timestamp"), "name") or word(moment, "name")
        told = inner(moment, "value")
        at = told.get("value") or told.get("last_occurred_at") or moment.get("last_occurred_at")
        found.add("incident.io", at, name, name)
    status = word(inner(one, "new_incident_status"), "name")
    if "incident_id" in one and ("message" in one or status):
        text = ": ".join(part for part in (status, word(one, "message")) if part)
        found.add("incident.io", one.get("created_at"), text)
    elif "incident_status" in one and "reference" in one:
        found.add("incident.io", one.get("created_at"), f"declared: {word(one, 'name')}")


def _take_firehydrant(one: dict[str, Any], found: IncidentExport) -> None:
    if "occurred_at" not in one or "event_type" in one:
        return
    kind = word(one, "type", "slug", "name")
    text = word(inner(one, "data"), *_TEXTS) or word(one, "summary", "description", "name")
    named = f"{kind.replace('_', ' ')}: {text}" if text and text != kind else kind
    is_milestone = not isinstance(one.get("data"), dict)
    found.add("FireHydrant", one["occurred_at"], named, kind if is_milestone else "")
