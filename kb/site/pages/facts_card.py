"""The facts card of an incident: three numbers that weigh, and a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kb.humanize import duration, in_words, money
from kb.records.postmortem import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.pages.record_links import Link, word_links

NOT_KNOWN = "not known"
#: Above this the number is shown as one that should alarm (the aim of the detection section).
DETECTED_WITHIN_MINUTES = 30


@dataclass(frozen=True, slots=True)
class BigNumber:
    """A number that weighs, in words."""

    name: str
    value: str
    is_alarming: bool = False

    @property
    def css(self) -> str:
        """What is not known must not weigh as if it were."""
        return "kb-unknown" if self.value == NOT_KNOWN else "kb-alarm" if self.is_alarming else ""


@dataclass(frozen=True, slots=True)
class FactRow:
    """One row of the grid: words of a vocabulary, or text with a remark."""

    name: str
    words: tuple[Link, ...] = ()
    text: str = ""
    remark: str = ""


def card(site: Site, record: Postmortem, source: str) -> Mapping[str, object]:
    """Three numbers that weigh, then what is known in a grid."""
    facts = (*_words(site, record, source), *_texts(site, record))
    known = {fact.name: fact for fact in facts if fact.words or fact.text or fact.remark}
    # What is known leads; of a public record that is seldom the time to detection.
    numbers = sorted(_big_numbers(site, record), key=lambda one: one.value == NOT_KNOWN)
    # Nobody asked these of a record that was found as it is.
    is_blank = record.is_adopted and all(one.value == NOT_KNOWN for one in numbers)
    return {
        "big_numbers": () if is_blank else numbers,
        "facts": sorted(known.values(), key=lambda fact: _PLACES.get(fact.name, len(_PLACES))),
    }


_ORDER = (
    *("Missing control", "Found by", "Causes", "Route", "Agent", "Models", "Tools", "Systems"),
    *("Vendors", "Rescues before", "Owners", "Known elsewhere as"),
)
#: Where a fact stands; those of keys that have no place of their own come last.
_PLACES = {name: place for place, name in enumerate(_ORDER)}


def _big_numbers(site: Site, record: Postmortem) -> Iterator[BigNumber]:
    near_miss = record.kind == "near-miss"
    clocks = record.clocks
    minutes = clocks.warning_to_detection_minutes if near_miss else clocks.detection_chain_minutes
    name = "Warning to detection" if near_miss else "Impact to detection"
    is_alarming = minutes is not None and minutes > DETECTED_WITHIN_MINUTES
    yield BigNumber(name, _detected_after(minutes), is_alarming)
    people = record.customers_affected
    yield BigNumber("Customers affected", NOT_KNOWN if people is None else f"{people:,}")
    # What an edition leaves out must not read as if nobody knew it.
    is_ours = record.origin == "own" and site.edition.is_internal
    if record.cost_usd is not None or is_ours:
        cost = NOT_KNOWN if record.cost_usd is None else money(record.cost_usd)
        yield BigNumber("Cost", cost)
    contained = clocks.warning_to_containment_minutes
    if contained is not None:
        yield BigNumber("Warning to containment", duration(contained))


def _detected_after(minutes: float | None) -> str:
    """Minutes of the detection chain in words; a warning that was seen has less than none."""
    if minutes is None:
        return NOT_KNOWN
    return "before the effect" if minutes < 0 else duration(minutes)


def _words(site: Site, record: Postmortem, source: str) -> Iterator[FactRow]:
    route = "" if record.route == "unknown" else record.route
    for name, folder, words in (
        ("Missing control", "controls", (record.missing_control,)),
        ("Causes", "causes", record.causes),
        ("Route", "routes", (route,)),
        ("Tools", "tools", record.tools),
        ("Owners", "owners", record.owners),
    ):
        yield FactRow(name, word_links(site, source, folder, filter(None, words)))


def _in_one_line(value: object) -> str:
    """A value of any key as text: lists with commas, empty where nothing is known."""
    if isinstance(value, tuple):
        return ", ".join(map(_in_one_line, value))
    return "" if value is None or value == "unknown" else str(value)


def _texts(site: Site, record: Postmortem) -> Iterator[FactRow]:
    agent = record.agent
    named = " ".join(part for part in (agent.name, agent.version) if part)
    autonomy = in_words(agent.autonomy).lower() if agent.autonomy else ""
    remark = ", ".join(part for part in (autonomy, agent.framework) if part)
    yield FactRow("Agent", text=named, remark=remark)
    yield FactRow("Found by", text=in_words(record.detected_by))
    yield FactRow("First warning", text=in_words(record.warned_by))
    yield FactRow("Contained by", text=in_words(record.contained_by))
    yield FactRow("Models", text=", ".join(record.models))
    yield FactRow("Systems", text=", ".join(record.systems))
    yield FactRow("Vendors", text=", ".join(record.vendors))
    yield FactRow("Rescues before", text="" if record.rescues is None else f"{record.rescues:,}")
    yield FactRow("Known elsewhere as", text=", ".join(record.aliases))
    for name, value in record.others:
        if name == "walls" and site.wall_proofs.get(record.id):
            continue  # they have a section of their own
        yield FactRow(in_words(name), text=_in_one_line(value))


def breadcrumb(site: Site, record: Postmortem, source: str) -> tuple[Link, ...]:
    """The way here: incidents, and the primary class."""
    way = [Link("Incidents", links.relative(source, links.INCIDENTS))]
    path = site.names.path("classes", record.primary_class)
    if path:
        way.append(Link(in_words(record.primary_class), links.relative(source, path)))
    return tuple(way)
