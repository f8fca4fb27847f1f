"""The page of the all-hands in a real browser: by keyboard alone, on paper, on each screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from test_browser import Visit, browser, served, violations
from twelve_records import NOW, write

__all__ = ["browser"]  # a fixture

from kb.library import open_library
from kb.repo import open_repo
from kb.site.build_site import Build, build_site
from kb.site.gather import SiteRequest, gather
from kb.site.related_incidents import no_search

pytestmark = [pytest.mark.browser, pytest.mark.site]


def built(folder: Path, engine: str) -> Path:
    library = open_library(folder)
    site = gather(library, open_repo(folder), SiteRequest(NOW, no_search))
    build_site(library, site, Build(folder / "site", engine), lambda text: None)
    return folder / "site"


@pytest.fixture(scope="module", params=["mkdocs", "zensical"])
def twelve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("material" if request.param == "mkdocs" else "zensical")
    yield from served(built(write(tmp_path_factory.mktemp(request.param)), request.param))


@pytest.fixture(scope="module")
def all_new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same where the last all-hands was before all of them: the fullest page there is."""
    folder = write(tmp_path_factory.mktemp("new"))
    (folder / ".git/refs/tags/all-hands/2026-05").unlink()
    settings = (folder / "kb.toml").read_text(encoding="utf-8")
    text = f"{settings}\n[metrics]\nlast = 2025-11-01\n"
    (folder / "kb.toml").write_text(text, encoding="utf-8")
    yield from served(built(folder, "mkdocs"))


SHOWN = "document.querySelector('.kb-now-shown h2')?.textContent"


def test_the_slides_are_turned_by_keys_alone_and_give_the_focus_back(
    browser: Any,
    twelve: str,
) -> None:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    visit = Visit(context.new_page(), twelve)
    visit.listen()
    page = visit.page
    page.goto(f"{twelve}all-hands/")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('[data-kb-present]')"):
            break
    page.keyboard.press("Enter")
    seen = [page.evaluate(SHOWN)]
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft", "Home", "End"):
        page.keyboard.press(key)
        seen.append(page.evaluate(SHOWN))
    first, last = "Are we learning?", "What we promised"
    middle = ["Since the last all-hands on 29 May 2026", "What came again"]
    assert seen == [first, *middle, last, last, middle[1], first, last]
    assert page.evaluate("document.activeElement.matches('.kb-now-shown')")
    assert violations_without_policy(browser, f"{twelve}all-hands/", present=True) == []
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('.kb-presenting')")
    assert page.evaluate("document.activeElement.matches('[data-kb-present]')")
    assert visit.wrong == []
    context.close()


@pytest.mark.parametrize(("width", "scheme"), [(1920, "light"), (1280, "dark"), (390, "light")])
def test_axe_finds_nothing_and_no_screen_is_too_narrow(
    browser: Any,
    twelve: str,
    width: int,
    scheme: str,
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page = context.new_page()
    for path in ("all-hands/", "metrics/", ""):
        page.goto(twelve + path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        assert violations(page) == [], path
    context.close()


def violations_without_policy(browser: Any, address: str, *, present: bool) -> list[str]:
    """What axe finds, which the policy would refuse to run."""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    if present:
        page.locator("[data-kb-present]").click()
    found = violations(page)
    context.close()
    return found


def printed(browser: Any, address: str) -> int:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address)
    pdf = page.pdf(prefer_css_page_size=True)
    context.close()
    return max(int(count) for count in re.findall(rb"/Count (\d+)", pdf))


def test_even_the_fullest_page_prints_on_two_sheets(browser: Any, all_new: str) -> None:
    assert printed(browser, f"{all_new}all-hands/") <= 2


def test_on_paper_the_lists_come_after_two_sheets_of_numbers(browser: Any, twelve: str) -> None:
    context = browser.new_context(viewport={"width": 673, "height": 1017})  # A4 without margins
    page = context.new_page()
    page.emulate_media(media="print")
    page.goto(f"{twelve}metrics/")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    top = "document.querySelector('.kb-lists').getBoundingClientRect().top"
    assert page.evaluate(top) <= 2 * 1017
    assert page.locator(".kb-lists h3", has_text="Overdue actions").count() == 1
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".kb-lists section").count() == 0
    context.close()
