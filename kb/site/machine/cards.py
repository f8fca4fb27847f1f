"""What does a link to a page look like where it is shared? One picture a page, for link previews.

A preview asks for an absolute address, so a site that does not know its own has no cards. The
newest incidents have a card each; older ones share the card of their class and severity, and every
other page that of the site: so neither time nor size grows with the library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from importlib.util import find_spec
from pathlib import Path

from kb.format import plural
from kb.publish.words import duration, in_words
from kb.records.model import Postmortem
from kb.safe_files import Root
from kb.site import links
from kb.site.content import Site
from kb.site.pages.clocks import stretches

#: Incidents with a card of their own: 300 cards are drawn in about two seconds and take 3 MB.
_OWN_CARDS = 300
_FOLDER = "cards"
#: Part of each card's name, which is that of its content: raised when the drawing changes.
_DRAWING = 1
#: What the font holds: it comes with Pillow and is public domain (Aileron, CC0).
_DRAWABLE = frozenset(map(chr, range(32, 127))) | set("·…‘’“”«»°±")
_TYPED = str.maketrans({"–": "-", "—": "-", "−": "-", "\N{NO-BREAK SPACE}": " "})


@dataclass(frozen=True, slots=True)
class Card:
    """What one card says. `bars` are the kind and the minutes of each stretch of its clocks."""

    site: str
    title: str
    severity: str = ""
    above: str = ""
    below: str = ""
    bars: tuple[tuple[str, float], ...] = ()

    @property
    def path(self) -> str:
        """Where it lies on the site: a name of its content, for previews are cached by address."""
        said = repr((_DRAWING, *astuple(self)))
        return f"{_FOLDER}/{hashlib.sha256(said.encode()).hexdigest()[:16]}.png"


def cards_of(site: Site) -> dict[str, Card]:
    """Page to card, that of the home page standing for every page without one; empty for none."""
    if not site.url or find_spec("PIL") is None:
        return {}
    cards = {links.HOME: Card("", _typed(site.name) or "Postmortems", below=_count(site))}
    for place, record in enumerate((*site.newest, *site.drafts)):
        own = _card(site, record) if place < _OWN_CARDS else None
        cards[links.incident(record.id)] = own or _shared(site, record)
    return cards


def write_cards(cards: Iterable[Card], folder: Path, before: Path) -> None:
    """Write the pictures into a build folder; those that lie in the one before are taken over."""
    root, old = Root(folder), Root(before)
    for card in {card.path: card for card in cards}.values():
        if before.is_dir() and old.exists(card.path):
            with old.open_regular(card.path) as stream:
                root.copy_in(stream, card.path)
        else:
            from kb.publish.machine.card_drawing import drawn

            root.fill(card.path, drawn(card))


def _card(site: Site, record: Postmortem) -> Card | None:
    """The card of one incident; None where the font cannot write its title."""
    title = _typed(record.title)
    if not title:
        return None
    day = f"{record.date.day} {record.date:%b %Y}"
    found = stretches(record.clocks)
    return Card(
        site=_typed(site.name),
        title=title,
        severity=_typed(record.severity),
        above=" · ".join(part for part in (day, _typed(in_words(record.primary_class))) if part),
        below=_below(record),
        bars=tuple((one.css, one.minutes) for one in found) if len(found) > 1 else (),
    )


def _below(record: Postmortem) -> str:
    minutes = record.clocks.detection_chain_minutes
    people = record.customers_affected
    parts = (
        f"{duration(minutes)} undetected" if minutes is not None and minutes > 0 else "",
        f"{plural(people, 'customer')} affected" if people else "",
    )
    return " · ".join(part for part in parts if part)


def _shared(site: Site, record: Postmortem) -> Card:
    """The card of a class and severity."""
    title = _typed(in_words(record.primary_class)) or "Postmortem of an AI-agent incident"
    return Card(_typed(site.name), title, _typed(record.severity), "Postmortem")


def _count(site: Site) -> str:
    return plural(len(site.records), "postmortem")


def _typed(text: str) -> str:
    """The text in characters that the font has; empty where it needs others."""
    written = " ".join(text.translate(_TYPED).split())
    return written if _DRAWABLE.issuperset(written) else ""
