"""`Postmortem`: what a record means, frozen, typed, forgiving of what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any

from msgspec import Struct

from kb.records.action_and_prior_items import ActionItem, PriorIncident, read_date
from kb.records.compound_values import (
    CLOCK_NAMES,
    AgentFacts,
    Clocks,
    Occurrence,
    Review,
    SharedCopy,
    SignOff,
    minutes_between,
    read_time,
)
from kb.records.document import Document
from kb.records.front_matter_keys import READERS
from kb.records.markdown import SectionText
from kb.records.section_reader import joined
from kb.records.timeline import TimelineEntry
from kb.records.wall_definitions import Wall

__all__ = [
    "CLOCK_NAMES",
    "AgentFacts",
    "Clocks",
    "Occurrence",
    "Outline",
    "Postmortem",
    "Review",
    "SharedCopy",
    "SignOff",
    "interpret",
    "minutes_between",
    "outline",
    "read_time",
]


@dataclass(frozen=True)
class Postmortem:
    """One record. Words are as written; lists and texts empty, numbers and times None if not known.

    `profile` is what `published` holds it to. `sections` keep their evidence fields. `others` are
    the values given to keys that have no attribute here, by name. `occurrences` are further times
    its cause did harm. `merged_into` is, in a library, a record of it that counts in its place.
    """

    id: str
    path: PurePath
    title: str
    date: date
    status: str
    origin: str
    form: str
    kind: str
    severity: str
    impact: str
    classes: tuple[str, ...]
    causes: tuple[str, ...]
    missing_control: str
    route: str
    agent: AgentFacts
    models: tuple[str, ...]
    vendors: tuple[str, ...]
    tools: tuple[str, ...]
    systems: tuple[str, ...]
    clocks: Clocks
    detected_by: str
    customers_affected: int | None
    cost_usd: float | None
    rescues: int | None
    visibility: str
    affected_customers: tuple[str, ...]
    owners: tuple[str, ...]
    opened: datetime | None
    reviewed: Review | None
    lessons_by: str
    links: tuple[tuple[str, tuple[str, ...]], ...]
    shared: tuple[SharedCopy, ...]
    signoffs: tuple[SignOff, ...]
    sources: tuple[str, ...]
    aliases: tuple[str, ...]
    profile: str
    sections: tuple[SectionText, ...]
    actions: tuple[ActionItem, ...]
    timeline: tuple[TimelineEntry, ...]
    priors: tuple[PriorIncident, ...]
    others: tuple[tuple[str, Any], ...] = ()
    warned_by: str = ""
    contained_by: str = ""
    facts_agreed: Review | None = None
    occurrences: tuple[Occurrence, ...] = ()
    merged_into: str = ""

    @property
    def primary_class(self) -> str:
        """The first failure class, empty where none is given."""
        return next(iter(self.classes), "")

    @property
    def is_published(self) -> bool:
        """Whether it counts: in search, in the measures, on the site."""
        return self.status == "published" and not self.merged_into

    @property
    def is_adopted(self) -> bool:
        """Whether it was taken over as it stood, and is not held to the form."""
        return self.form == "adopted"

    @property
    def happened_at(self) -> datetime:
        """When it began: first impact, else first warning, else midnight of its date."""
        return _began(self.clocks, self.date)

    @property
    def walls(self) -> tuple[Wall, ...]:
        """The calls it wants stopped, asked about or noted."""
        found: tuple[Wall, ...] = dict(self.others).get("walls", ())
        return found

    def section(self, key: str) -> SectionText | None:
        """The section with that key; several of one key are one, in their order."""
        found = tuple(section for section in self.sections if section.key == key)
        return joined(found) if found else None

    def value(self, section_key: str, key: str) -> str:
        """The first value of an evidence field, empty where there is none."""
        section = self.section(section_key)
        return section.value(key) if section else ""


_ATTRIBUTES = {key: READERS[key] for key in READERS if key in Postmortem.__dataclass_fields__}
_OTHERS = tuple(key for key in READERS if key not in _ATTRIBUTES)


def interpret(document: Document) -> Postmortem | None:
    """What a document means; None when it is no record because neither name nor text has a date."""
    front, day = document.front, _day(document)
    if day is None:
        return None
    return Postmortem(
        id=document.id,
        path=document.path,
        title=document.title,
        date=day,
        profile=document.profile,
        sections=document.sections,
        actions=document.actions,
        timeline=document.timeline,
        priors=document.priors,
        others=tuple(
            (key, READERS[key](front, key)) for key in _OTHERS if front.get(key) is not None
        ),
        **{
            **{key: read(front, key) for key, read in _ATTRIBUTES.items()},
            "form": "adopted" if document.is_adopted else front.text("form"),
        },
    )


class Outline(Struct, frozen=True, gc=False):
    """What one record has to know of another: who it is, when it began, and what it counts as.

    Of all that a record means this takes a tenth of the time to read, and to send to a process.
    """

    id: str
    happened_at: datetime
    status: str
    origin: str
    primary_class: str
    merged_into: str = ""


def outline(document: Document) -> Outline | None:
    """The outline of what `interpret` gives, None where that gives none."""
    front, day = document.front, _day(document)
    if day is None:
        return None
    return Outline(
        id=document.id,
        happened_at=_began(READERS["clocks"](front, "clocks"), day),
        status=READERS["status"](front, "status"),
        origin=READERS["origin"](front, "origin"),
        primary_class=next(iter(READERS["classes"](front, "classes")), ""),
        merged_into=READERS["merged_into"](front, "merged_into"),
    )


def _day(document: Document) -> date | None:
    return document.name_date or read_date(document.front.text("date"))


def _began(clocks: Clocks, day: date) -> datetime:
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    return clocks.first_impact or clocks.first_warning or midnight
