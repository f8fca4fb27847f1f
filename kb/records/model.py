"""What does a record mean? `Postmortem`: frozen, typed, and forgiving of what could not be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import PurePath

from kb.records.body import SectionText
from kb.records.document import Document
from kb.records.front_matter import FrontMatter, Node
from kb.records.items import ActionItem, PriorIncident, TimelineEntry, read_date

CLOCK_NAMES = (
    "route_start",
    "first_warning",
    "first_impact",
    "detected",
    "acknowledged",
    "contained",
    "resolved",
    "restarted",
)


@dataclass(frozen=True, slots=True)
class Clocks:
    """When things happened, aware UTC; None where unknown or not given."""

    route_start: datetime | None = None
    first_warning: datetime | None = None
    first_impact: datetime | None = None
    detected: datetime | None = None
    acknowledged: datetime | None = None
    contained: datetime | None = None
    resolved: datetime | None = None
    restarted: datetime | None = None

    def known(self) -> tuple[tuple[str, datetime], ...]:
        """The clocks that are known, in the order they are expected to run."""
        pairs = ((name, getattr(self, name)) for name in CLOCK_NAMES)
        return tuple((name, at) for name, at in pairs if at is not None)

    @property
    def detection_chain_minutes(self) -> float | None:
        """Minutes from first impact to detection."""
        return minutes_between(self.first_impact, self.detected)

    @property
    def warning_to_detection_minutes(self) -> float | None:
        """Minutes from first warning to detection: the chain of a near miss."""
        return minutes_between(self.first_warning, self.detected)

    @property
    def warning_to_containment_minutes(self) -> float | None:
        """Minutes from first warning to containment."""
        return minutes_between(self.first_warning, self.contained)


@dataclass(frozen=True, slots=True)
class Agent:
    """Which agent it was; empty strings where not given."""

    name: str = ""
    version: str = ""
    framework: str = ""
    autonomy: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """Who reviewed, and when."""

    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """A copy given to a customer it affected."""

    customer: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SignOff:
    """A restart condition accepted: by whom, when, at which commit, for which actions."""

    owner: str
    at: datetime | None
    commit: str
    actions: tuple[str, ...]


@dataclass(frozen=True)
class Postmortem:
    """One record. Words are as written; lists and texts empty, numbers and times None if not known.

    `profile` is what `published` holds it to. `sections` keep their evidence fields.
    """

    id: str
    path: PurePath
    title: str
    date: date
    status: str
    origin: str
    kind: str
    severity: str
    impact: str
    classes: tuple[str, ...]
    causes: tuple[str, ...]
    missing_control: str
    route: str
    agent: Agent
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

    @property
    def primary_class(self) -> str:
        """The first failure class, empty where none is given."""
        return next(iter(self.classes), "")

    @property
    def is_published(self) -> bool:
        """Whether it counts: in search, in the measures, on the site."""
        return self.status == "published"

    @property
    def happened_at(self) -> datetime:
        """When it began: first impact, else first warning, else midnight of its date."""
        midnight = datetime.combine(self.date, datetime.min.time(), UTC)
        return self.clocks.first_impact or self.clocks.first_warning or midnight

    def section(self, key: str) -> SectionText | None:
        """The first section with that key."""
        return next((section for section in self.sections if section.key == key), None)

    def value(self, section_key: str, key: str) -> str:
        """The first value of an evidence field, empty where there is none."""
        section = self.section(section_key)
        return section.value(key) if section else ""


def minutes_between(start: datetime | None, end: datetime | None) -> float | None:
    """Minutes from one time to the other, None when either is unknown."""
    return None if start is None or end is None else (end - start) / timedelta(minutes=1)


@lru_cache(maxsize=1024)  # a dozen rules ask for the same clocks
def read_time(text: str) -> datetime | None:
    """An ISO 8601 time with offset as aware UTC; None for anything else, `unknown` included."""
    try:
        at = datetime.fromisoformat(text.strip())
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def interpret(document: Document) -> Postmortem | None:
    """What a document means; None when it is no record because neither name nor text has a date."""
    front = document.front
    day = document.name_date or read_date(front.text("date"))
    if day is None:
        return None
    return Postmortem(
        id=document.id,
        path=document.path,
        title=document.title,
        date=day,
        status=front.text("status") or "draft",
        origin=front.text("origin") or "own",
        kind=front.text("kind") or "incident",
        severity=front.text("severity"),
        impact=front.text("impact"),
        classes=front.texts("classes"),
        causes=front.texts("causes"),
        missing_control=_known_text(front, "missing_control"),
        route=front.text("route"),
        agent=Agent(*(_known_text(front, f"agent.{name}") for name in Agent.__slots__)),
        models=_known_texts(front, "models"),
        vendors=_known_texts(front, "vendors"),
        tools=_known_texts(front, "tools"),
        systems=_known_texts(front, "systems"),
        clocks=Clocks(*(read_time(front.text(f"clocks.{name}")) for name in CLOCK_NAMES)),
        detected_by=_known_text(front, "detected_by"),
        customers_affected=_whole(front.text("customers_affected")),
        cost_usd=_number(front.text("cost_usd")),
        rescues=_whole(front.text("rescues")),
        visibility=front.text("visibility") or "internal",
        affected_customers=front.texts("affected_customers"),
        owners=front.texts("owners"),
        opened=read_time(front.text("opened")),
        reviewed=_review(front.get("reviewed")),
        lessons_by=front.text("lessons_by"),
        links=_links(front.get("links")),
        shared=tuple(
            SharedCopy(_in(n, "with"), read_time(_in(n, "at"))) for n in _rows(front, "shared")
        ),
        signoffs=tuple(_signoff(node) for node in _rows(front, "signoffs")),
        sources=front.texts("sources"),
        aliases=front.texts("aliases"),
        profile=document.profile,
        sections=document.sections,
        actions=document.actions,
        timeline=document.timeline,
        priors=document.priors,
    )


def _known_text(front: FrontMatter, key: str) -> str:
    text = front.text(key)
    return "" if text == "unknown" else text


def _known_texts(front: FrontMatter, key: str) -> tuple[str, ...]:
    return tuple(text for text in front.texts(key) if text != "unknown")


def _number(text: str) -> float | None:
    plain = text.replace("_", "").replace(",", "")
    return float(plain) if re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", plain) else None


def _whole(text: str) -> int | None:
    number = _number(text)
    return None if number is None else int(number)


def _in(node: Node, key: str) -> str:
    value = node.get(key)
    return (value.text or "").strip() if value else ""


def _rows(front: FrontMatter, key: str) -> tuple[Node, ...]:
    node = front.get(key)
    return tuple(item for item in node.items if item.kind == "mapping") if node else ()


def _review(node: Node | None) -> Review | None:
    return Review(_in(node, "by"), read_time(_in(node, "at"))) if node else None


def _signoff(node: Node) -> SignOff:
    actions = node.get("actions")
    labels = tuple(item.text for item in actions.items if item.text) if actions else ()
    return SignOff(_in(node, "owner"), read_time(_in(node, "at")), _in(node, "commit"), labels)


def _links(node: Node | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if node is None:
        return ()
    return tuple(
        (entry.key, tuple(n.text for n in (entry.value.items or (entry.value,)) if n.text))
        for entry in node.entries
    )
