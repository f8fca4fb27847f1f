"""Link-preview cards: the same pixels and the same bytes under every release of Pillow."""

from __future__ import annotations

import hashlib
import io

import pytest
from kb.site.machine.link_previews import Card, draw_card
from PIL import Image, __version__

CARD = Card(
    site="Postmortems of ACME",
    title="Refund agent paid one refund twice, and a title that needs more than one line of type",
    severity="SEV1",
    above="2026-01-03 · internal",
    below="detected after 20 minutes",
    bars=(("first_impact", 20.0), ("detected", 40.0)),
)
PIXELS = "acec240893bde923"


def test_a_card_is_a_whole_picture_of_sixteen_colours() -> None:
    raw = draw_card(CARD)
    picture = Image.open(io.BytesIO(raw))
    picture.load()
    assert (picture.size, picture.mode, raw[24]) == ((1200, 630), "P", 4)
    assert len(picture.convert("RGB").getcolors() or ()) in range(6, 17)
    assert picture.convert("RGB").getpixel((80, 90)) == (0xB3, 0x26, 0x1E)
    assert len(raw) < 20_000


def test_the_pixels_of_a_card_do_not_change_with_a_release() -> None:
    picture = Image.open(io.BytesIO(draw_card(CARD))).convert("RGB")
    found = hashlib.sha256(picture.tobytes()).hexdigest()[:16]
    assert found == PIXELS, f"Pillow {__version__} has another font or draws text in another way"


def test_what_a_card_writes_is_no_work_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "save", None)
    assert draw_card(CARD).startswith(b"\x89PNG")
