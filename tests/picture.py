#!/usr/bin/env python3
"""Renews the pictures of the README: `python tests/picture.py`.

Builds the site of the casebook, with the history of this repository, and that of the twelve
records, shows their pages in Chromium and writes `docs/images/*.webp`.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from conftest import ROOT
from test_all_hands_browser import built
from test_browser import CHROMIUM_ARGUMENTS, chromium_path, made, served
from twelve_records import write

PICTURES = ROOT / "docs/images"
_QUALITY = 82
_WINDOW, _PHONE = (1440, 1080), (390, 844)


@dataclass(frozen=True)
class Picture:
    """The first screen of a page: the picture's name, the page, the window and its colours."""

    name: str
    page: str
    window: tuple[int, int] = _WINDOW
    colours: str = "light"


OF_CASEBOOK = (
    Picture("incident-light", "incidents/2025-07-17-amazon-q-extension-wiper-instructions/"),
    Picture("metrics-dark", "metrics/", colours="dark"),
    Picture("incident-phone", "incidents/2026-05-09-dn42-cloud-bill/", _PHONE, "dark"),
)
OF_TWELVE = (Picture("all-hands", "all-hands/", (1280, 880)),)


def cloned_casebook(folder: Path) -> Path:
    """This repository with its history in a folder of its own."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


def take(browser: Any, site: Path, pictures: tuple[Picture, ...]) -> None:
    """Write the pictures of a site's pages."""
    server = served(site)
    address = next(server)
    for one in pictures:
        width, height = one.window
        page = browser.new_page(
            viewport={"width": width, "height": height}, color_scheme=one.colours
        )
        page.goto(f"{address}{one.page}")
        image = Image.open(io.BytesIO(page.screenshot()))
        target = PICTURES / f"{one.name}.webp"
        image.convert("RGB").save(target, "WEBP", quality=_QUALITY, method=6)
        page.close()
    server.close()


def main() -> int:
    """Write the pictures."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        twelve = Path(name) / "twelve"
        twelve.mkdir()
        take(browser, built(write(twelve), "mkdocs"), OF_TWELVE)
        take(browser, made(cloned_casebook(Path(name) / "casebook"), "mkdocs"), OF_CASEBOOK)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
