#!/usr/bin/env python3
"""Renews the picture of the all-hands in the README: `python tests/picture.py`.

Builds the site of the twelve records, shows the page in Chromium and writes
`docs/images/all-hands.webp`.
"""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from test_all_hands_browser import built
from test_browser import CHROMIUM_ARGUMENTS, served
from twelve_records import write

PICTURE = Path(__file__).resolve().parent.parent / "docs/images/all-hands.webp"
_QUALITY = 82


def picture(address: str) -> bytes:
    """The first screen of the page, as PNG."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    path = next((path for name in names if (path := shutil.which(name))), None)
    with sync_playwright() as running:
        opened = running.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        page = opened.new_page(viewport={"width": 1280, "height": 880})
        page.goto(f"{address}all-hands/")
        found: bytes = page.screenshot()
        opened.close()
    return found


def main() -> int:
    """Write the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = served(built(write(folder), "mkdocs"))
        image = Image.open(io.BytesIO(picture(next(server))))
        image.save(PICTURE, "WEBP", quality=_QUALITY, method=6)
    return 0


if __name__ == "__main__":
    sys.exit(main())
