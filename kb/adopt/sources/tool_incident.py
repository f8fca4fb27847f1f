"""An incident as a tool exports it, and the Markdown that is made of it; people are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from kb.adopt.derived_fact import DerivedFact
from kb.adopt.sources.source import ForeignText, PostmortemSource, UnreadableError
from kb.adopt.stated_facts import severity_fact
from kb.records.compound_values import CLOCK_NAMES
from kb.traces.decoding.json_objects import Object, objects
from kb.traces.decoding.timestamps import has_zone, time_of
from kb.traces.drafting.timeline_from_incident_tool import incident_export

_MOST_INCIDENTS = 5_000


@dataclass
class ToolIncident:
    """What one incident of a tool tells.

    `clocks` and `began` come with the key they stand under; `sections` are headings with their
    text, `actions` the mark in the box of each (x done, - dropped) and its text. `entered` is when
    it was entered, which may be long after it happened.
    """

    title: str
    part: str = ""
    severity: tuple[str, str] = ("", "")
    clocks: dict[str, tuple[datetime, str]] = field(default_factory=dict)
    entered: tuple[datetime, str] | None = None
    sections: list[tuple[str, str]] = field(default_factory=list)
    timeline: list[tuple[datetime, str]] = field(default_factory=list)
    actions: list[tuple[str, str]] = field(default_factory=list)

    def clock(self, name: str, one: Object, key: str) -> None:
        """Takes a clock from a key, where it holds a time that says its zone."""
        written = one.get(key)
        at = time_of(written) if written and has_zone(written) else None
        if at is not None:
            self.clocks.setdefault(name, (at, f"'{key}'"))

    def section(self, heading: str, text: str) -> None:
        """A section, where there is a text for it."""
        if text.strip():
            self.sections.append((heading, text.strip()))

    def entered_at(self, one: Object, key: str) -> None:
        """When it was entered, from a key."""
        at = time_of(one.get(key)) if one.get(key) else None
        if at is not None:
            self.entered = (at, f"'{key}', when it was entered, and no other")


def add_lines(incident: ToolIncident, value: Any) -> None:
    """Adds what the readers of incident exports find: dated lines, and clocks not known yet."""
    export = incident_export(value)
    incident.timeline += export.lines
    for name, at in export.clocks.items():
        incident.clocks.setdefault(name, (at, "its timeline"))


def rows_by_incident(
    every: Iterable[dict[str, Any]], incident_of: Callable[[dict[str, Any]], Any]
) -> dict[str, list[dict[str, Any]]]:
    """The rows by the id of the incident they name, those that name none left out.

    Whoever reads an incident takes its rows out: one that is told twice has them once, so that
    ids of one value cost no more than the file holds.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for row in every:
        if whose := id_text(incident_of(row)):
            found.setdefault(whose, []).append(row)
    return found


def id_text(value: Any) -> str:
    """An id as text, empty for what can be none."""
    return str(value) if isinstance(value, str | int) else ""


def tool_source(
    name: str,
    shape: str,
    is_incident: Callable[[dict[str, Any]], bool],
    incidents: Callable[[Any], Iterator[ToolIncident]],
) -> PostmortemSource:
    """The source of a tool that exports incidents as JSON, told by any object that is one."""
    return PostmortemSource(
        name,
        shape,
        lambda file: any(map(is_incident, objects(file.json))),
        lambda file: _texts(incidents(file.json)),
    )


def _texts(incidents: Iterable[ToolIncident]) -> tuple[ForeignText, ...]:
    """Incidents as texts. Raises `UnreadableError` where there are none, or many."""
    found = [_as_text(incident) for incident in incidents]
    if not found:
        raise UnreadableError("no incident in it")
    if len(found) > _MOST_INCIDENTS:
        raise UnreadableError(f"{len(found)} incidents; at most {_MOST_INCIDENTS} are read")
    return tuple(found)


def _as_text(incident: ToolIncident) -> ForeignText:
    entered = incident.entered
    return ForeignText(
        text="\n".join(_lines(incident)).encode("utf-8", "replace") + b"\n",
        part=incident.part,
        stem=incident.title,
        facts=tuple(_facts(incident)),
        entered=entered[0].astimezone(UTC).date() if entered else None,
        entered_by=entered[1] if entered else "",
    )


def _facts(incident: ToolIncident) -> Iterator[DerivedFact]:
    if incident.title:
        yield DerivedFact("title", incident.title, "its title")
    began = incident.clocks.get("first_impact") or incident.clocks.get("detected")
    if began:
        day = began[0].astimezone(UTC).date().isoformat()
        yield DerivedFact("date", day, f"{began[1]}, in UTC")
    word, key = incident.severity
    if word:
        yield severity_fact(word, f"'{key}'")
    for name in CLOCK_NAMES:
        if name in incident.clocks:
            at, source = incident.clocks[name]
            yield DerivedFact(f"clocks.{name}", _iso(at), source)


def _lines(incident: ToolIncident) -> Iterator[str]:
    yield f"# {incident.title}"
    for heading, text in incident.sections:
        yield from ("", f"## {heading}", "", text)
    if incident.timeline:
        yield from ("", "## Timeline", "")
        for at, text in sorted(incident.timeline, key=lambda line: line[0]):
            yield f"- {at.astimezone(UTC):%Y-%m-%d %H:%M} UTC — {_one_line(text)}"
    if incident.actions:
        yield from ("", "## Action items", "")
        yield from (f"- [{mark}] {_one_line(text)}" for mark, text in incident.actions)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _one_line(text: str) -> str:
    return " ".join(text.split())
