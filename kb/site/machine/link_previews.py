"""Link-preview pictures of pages, drawn as small PNGs that are equal on every machine.

A preview asks for an absolute address, so a site that does not know its own has no cards. The
newest incidents have a card each; older ones share the card of their class and severity, and every
other page that of the site: so neither time nor size grows with the library.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from kb.humanize import duration, in_words, plural
from kb.records.postmortem import Postmortem
from kb.safe_files import Root
from kb.site import links
from kb.site.content import Site
from kb.site.pages.clock_timeline import stretches

#: What link previews ask for: 1.91 to 1, at least 1,200 wide.
_WIDTH, _HEIGHT = 1200, 630
_MARGIN = 76
_SHADES = 4
_PAPER, _INK = (0xFB, 0xFA, 0xF8), (0x1D, 0x1C, 0x1A)
_STRONG, _SOFT = 255, 200
#: Severities and clocks, in the colours that the pages have in daylight.
_COLOURS = {
    "SEV1": (0xB3, 0x26, 0x1E),
    "SEV2": (0xE0, 0x7B, 0x39),
    "SEV3": (0xE0, 0xA8, 0x3A),
    "first_warning": (0xB9, 0xC4, 0xD3),
    "detected": (0xC8, 0x37, 0x2D),
    "contained": (0xD9, 0x9A, 0x6C),
    "resolved": (0x5F, 0x8F, 0xBF),
    "restarted": (0x8D, 0x98, 0xA8),
}
#: Severities and clocks that share a colour with another: four bits hold sixteen colours.
_SAME = {"first_impact": "SEV3", "acknowledged": "SEV2", "SEV4": "restarted"}
_TITLE_LINES = 4
_BAR_TOP, _BAR_HEIGHT = 478, 26
#: The least a stretch is drawn with, so that it can be seen, and the gap behind it.
_LEAST, _GAP = 6.0, 2


def draw_card(card: Card) -> bytes:
    """The card as the bytes of a PNG file."""
    shades = Image.new("L", (_WIDTH, _HEIGHT), 0)
    pen = ImageDraw.Draw(shades)
    _write(pen, card)
    levels = shades.point([value * (_SHADES - 1) // 255 for value in range(256)])
    picture = Image.frombytes("P", levels.size, levels.tobytes())
    _paint(ImageDraw.Draw(picture), card)
    return _png(picture.tobytes(), bytes(_palette()))


def _png(pixels: bytes, palette: bytes) -> bytes:
    """A PNG file of four bits a pixel, one byte of `pixels` each, by the PNG specification (W3C).

    Written here because the bytes that Pillow writes change with the compressor of its release.
    """
    high = int.from_bytes(pixels[::2].translate(bytes(value << 4 & 0xFF for value in range(256))))
    packed = (high | int.from_bytes(pixels[1::2])).to_bytes(len(pixels) // 2)
    row = _WIDTH // 2
    lines = (b"\0" + packed[at : at + row] for at in range(0, len(packed), row))
    head = struct.pack(">IIBBBBB", _WIDTH, _HEIGHT, 4, 3, 0, 0, 0)
    parts = (b"IHDR", head), (b"PLTE", palette), (b"IDAT", zlib.compress(b"".join(lines), 9))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in (*parts, (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _palette() -> list[int]:
    """The colours as one row of numbers: from paper to ink, then the named ones."""
    shades = (
        round(paper + (ink - paper) * step / (_SHADES - 1))
        for step in range(_SHADES)
        for paper, ink in zip(_PAPER, _INK, strict=True)
    )
    return [*shades, *(part for colour in _COLOURS.values() for part in colour)]


def _index(name: str) -> int:
    """The place of a colour in the palette; that of a plain grey for a name without one."""
    known = _SAME.get(name, name)
    names = list(_COLOURS)
    return _SHADES + names.index(known if known in _COLOURS else "restarted")


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _write(pen: ImageDraw.ImageDraw, card: Card) -> None:
    left = _MARGIN + (44 if card.severity else 0)
    above = " · ".join(part for part in (card.severity, card.above) if part)
    pen.text((left, 70), above, _SOFT, _font(32))
    size = 62 if len(card.title) > 70 else 74  # noqa: PLR2004 - about two lines of large type
    lines = _lines(card.title, size)
    pen.multiline_text((_MARGIN, 132), "\n".join(lines), _STRONG, _font(size), spacing=14)
    pen.text((_MARGIN, _BAR_TOP + 48), card.below, _STRONG, _font(32))
    place = _WIDTH - _MARGIN - _font(26).getlength(card.site)
    pen.text((max(place, _MARGIN), _HEIGHT - 56), card.site, _SOFT, _font(26))


def _lines(title: str, size: int) -> list[str]:
    """The title in lines that fit; what does not fit the last one ends in an ellipsis."""
    font, room = _font(size), _WIDTH - 2 * _MARGIN
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= room or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > _TITLE_LINES:
        lines = [*lines[: _TITLE_LINES - 1], f"{lines[_TITLE_LINES - 1]}…"]
    return lines


def _paint(pen: ImageDraw.ImageDraw, card: Card) -> None:
    if card.severity:
        pen.rounded_rectangle((_MARGIN, 76, _MARGIN + 28, 104), 6, fill=_index(card.severity))
    room = _WIDTH - 2 * _MARGIN
    total = sum(minutes for _, minutes in card.bars)
    widths = [max(_LEAST, minutes / total * room) for _, minutes in card.bars]
    scale, at = room / (sum(widths) or 1), float(_MARGIN)
    for (name, _), width in zip(card.bars, widths, strict=True):
        end = at + width * scale
        box = (round(at), _BAR_TOP, max(round(at), round(end) - _GAP), _BAR_TOP + _BAR_HEIGHT)
        pen.rectangle(box, fill=_index(name))
        at = end


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
        text = repr((_DRAWING, *astuple(self)))
        return f"{_FOLDER}/{hashlib.sha256(text.encode()).hexdigest()[:16]}.png"


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
            root.fill(card.path, draw_card(card))


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
        below=_line_below_title(record),
        bars=tuple((one.css, one.minutes) for one in found) if len(found) > 1 else (),
    )


def _line_below_title(record: Postmortem) -> str:
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
