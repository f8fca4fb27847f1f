"""The facts card of an incident: three numbers that weigh, and a grid."""

from __future__ import annotations

from collections.abc import Iterator

from kb.format import duration, in_words, money
from kb.records.model import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape
from kb.site.pages.pieces import anchor, word_chip

#: Above this the number is shown as one that should alarm (the aim of the detection section).
DETECTED_WITHIN_MINUTES = 30


def card(site: Site, record: Postmortem, source: str) -> str:
    """Three numbers that weigh, then what is known in a grid."""
    big = "".join(
        f'<div class="kb-figure {css}"><dt>{name}</dt><dd>{value}</dd></div>\n'
        for name, value, css in _figures(site, record)
    )
    small = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>\n"
        for name, value in _facts(site, record, source)
    )
    return (
        '<section class="kb-facts" aria-label="Facts" data-pagefind-ignore>\n'
        f'<dl class="kb-figures">\n{big}</dl>\n<dl class="kb-grid">\n{small}</dl></section>'
    )


def _figures(site: Site, record: Postmortem) -> Iterator[tuple[str, str, str]]:
    near_miss = record.kind == "near-miss"
    clocks = record.clocks
    minutes = clocks.warning_to_detection_minutes if near_miss else clocks.detection_chain_minutes
    name = "Warning to detection" if near_miss else "Impact to detection"
    alarming = "kb-alarm" if minutes is not None and minutes > DETECTED_WITHIN_MINUTES else ""
    yield name, _detected_after(minutes), alarming
    people = record.customers_affected
    yield "Customers affected", "not known" if people is None else f"{people:,}", ""
    # What an edition leaves out must not read as if nobody knew it.
    is_ours = record.origin == "own" and site.edition.is_internal
    if record.cost_usd is not None or is_ours:
        yield "Cost", "not known" if record.cost_usd is None else money(record.cost_usd), ""
    contained = clocks.warning_to_containment_minutes
    if contained is not None:
        yield "Warning to containment", duration(contained), ""


def _detected_after(minutes: float | None) -> str:
    """Minutes of the detection chain in words; a warning that was seen has less than none."""
    if minutes is None:
        return "not known"
    return "before the effect" if minutes < 0 else duration(minutes)


def _facts(site: Site, record: Postmortem, source: str) -> Iterator[tuple[str, str]]:
    """Name and HTML value of each fact that is known."""

    def chips(folder: str, words: tuple[str, ...]) -> str:
        return " ".join(word_chip(site, source, folder, word) for word in words)

    control = (record.missing_control,) if record.missing_control else ()
    facts = (
        ("Missing control", chips("controls", control)),
        ("Found by", escape(in_words(record.detected_by))),
        ("Causes", chips("causes", record.causes)),
        ("Route", chips("routes", (record.route,) if record.route not in {"", "unknown"} else ())),
        ("Agent", _agent(record)),
        ("Models", escape(", ".join(record.models))),
        ("Tools", chips("tools", record.tools)),
        ("Systems", escape(", ".join(record.systems))),
        ("Vendors", escape(", ".join(record.vendors))),
        ("Rescues before", f"{record.rescues:,}" if record.rescues is not None else ""),
        ("Owners", chips("owners", record.owners)),
        ("Known elsewhere as", escape(", ".join(record.aliases))),
        *((in_words(name), escape(_in_one_line(value))) for name, value in record.others),
    )
    yield from ((name, value) for name, value in facts if value)


def _in_one_line(value: object) -> str:
    """A value of any key as text: lists with commas, empty where nothing is known."""
    if isinstance(value, tuple):
        return ", ".join(map(_in_one_line, value))
    return "" if value is None or value == "unknown" else str(value)


def _agent(record: Postmortem) -> str:
    agent = record.agent
    named = " ".join(part for part in (agent.name, agent.version) if part)
    rest = [in_words(agent.autonomy).lower() if agent.autonomy else "", agent.framework]
    tail = ", ".join(part for part in rest if part)
    return escape(named) + (f" <small>{escape(tail)}</small>" if tail else "")


def breadcrumb(site: Site, record: Postmortem, source: str) -> str:
    """The way here: incidents, and the primary class."""
    way = [anchor(links.relative(source, links.INCIDENTS), "Incidents")]
    path = site.names.path("classes", record.primary_class)
    if path:
        way.append(anchor(links.relative(source, path), escape(in_words(record.primary_class))))
    items = "".join(f"<li>{step}</li>" for step in way)
    return (
        '<nav class="kb-crumbs" aria-label="Breadcrumb" data-pagefind-ignore>'
        f"<ol>{items}</ol></nav>"
    )
