"""Has no kind of page, in any edition, a violation of WCAG 2.2 AA that axe can find?

The kinds are those of `PAGE_KINDS`: a new one is looked at without a line here.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pytest

from conftest import EXAMPLE
from external_texts import propose, sign, signed_site
from test_browser import WCAG, browser, served, violations
from twelve_records import write

__all__ = ["browser"]  # a fixture

from kb.library import open_library
from kb.repo import open_repo
from kb.site.build_site import Build, build_site
from kb.site.content import Site
from kb.site.engines import ENGINES
from kb.site.external.side_by_side import previews
from kb.site.gather import SiteRequest, gather, names_of
from kb.site.links import HOME
from kb.site.pages.page_kinds import INCIDENT, PAGE_KINDS
from kb.site.related_incidents import Finding, RelatedRecord

pytestmark = [pytest.mark.browser, pytest.mark.site]

#: After every due day of the twelve records: what is open is overdue, and holds its route.
NOW = datetime(2026, 12, 1, tzinfo=UTC)
EXAMPLE_ID = EXAMPLE.stem
#: Of one class with most of the twelve, so that the class has earlier incidents on a further page.
MORE = """\
---
title: {title}
date: 2026-07-0{day}
status: {status}
{settings}
---

# {title}

The agent paid two orders twice on a night on which nobody looked at the ledger.
"""
OF_THE_CLASS = "origin: own\nclasses: [duplicate-side-effect]\nroute: refunds-agent"
STATES = {
    "Draft": ("draft", OF_THE_CLASS),
    "Adopted": ("published", f"form: adopted\n{OF_THE_CLASS}"),
    "Merged": ("published", f"merged_into: {EXAMPLE_ID}\n{OF_THE_CLASS}"),
    "Other": ("published", OF_THE_CLASS),
}
WALL = """\
walls:
  - id: W1
    tool: shell
    command: terraform destroy
    verdict: deny
    reason: It took down production and its snapshots; write a plan and let a person run it.
    stops: terraform destroy -auto-approve
    passes: terraform plan -destroy -out=plan.tfplan
"""


def team_library(folder: Path) -> Path:
    """Twelve records and one of each state in which a record may be; walls, and gates overdue."""
    write(folder)
    records = folder / "postmortems"
    text = EXAMPLE.read_text(encoding="utf-8").replace("origin: example", "origin: own")
    (records / EXAMPLE.name).write_text(text.replace("owners:", f"{WALL}owners:", 1), "utf-8")
    for day, (title, (status, settings)) in enumerate(STATES.items(), 1):
        made = MORE.format(title=title, day=day, status=status, settings=settings)
        (records / f"2026-07-0{day}-{title.lower()}.md").write_text(made, encoding="utf-8")
    return folder


def beside_all(library: Any) -> Finding:
    """The example beside each record, as search would put it there."""
    passage = "The client gave up after ten seconds, and the second call was a new charge."
    one = RelatedRecord(EXAMPLE_ID, 0.8, ("same class", "same route"), "summary", passage)
    return {r.id: (one,) for r in library.published if r.id != EXAMPLE_ID}, ""


@dataclass(frozen=True)
class Looked:
    """A served site, and the paths of it that are looked at."""

    address: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Editions:
    """The team's own site and that for outsiders, by an engine."""

    engine: str
    looked: tuple[Looked, ...]


def paths_of(site: Site) -> Iterator[str]:
    """One page of each kind that an edition has, and of incidents each state."""
    for kind in PAGE_KINDS:
        pages = list(kind.pages(site)) if site.edition.is_internal or not kind.internal else []
        assert pages or not site.edition.is_internal, kind.template
        if kind is INCIDENT:
            yield from (page.path for page in pages if page.title in STATES)
        # A page that leads on at once is not stayed on.
        yield from (page.path for page in pages[:1] if not page.leads_to)


def looked_at(folder: Path, site: Site, engine: str) -> Generator[Looked]:
    library = open_library(folder)
    built = folder / f"site-{site.edition.name}"
    build_site(library, site, Build(built, engine), lambda text: None)
    for name, text in previews(library, names_of(library), NOW.date()):
        (built / name).write_text(text, encoding="utf-8")
    beside = (f"{EXAMPLE_ID}.html",) if site.edition.is_internal else ()
    paths = [f"{path}/" if path != HOME else "" for path in paths_of(site)]
    for address in served(built):
        yield Looked(address, (*paths, "404.html", *beside))


@pytest.fixture(scope="module", params=ENGINES)
def editions(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("material" if request.param == "mkdocs" else "zensical")
    folder = team_library(tmp_path_factory.mktemp(request.param))
    library = open_library(folder)
    request_ = SiteRequest(NOW, beside_all, with_drafts=True)
    own = looked_at(folder, gather(library, open_repo(folder), request_), request.param)
    propose(folder)
    sign(folder, answer="yes")
    outside = looked_at(folder, signed_site(folder), request.param)
    yield Editions(request.param, (next(own), next(outside)))
    own.close()
    outside.close()


@dataclass(frozen=True)
class Sight:
    """How a page is looked at."""

    width: int
    scheme: Literal["light", "dark"]

    def take(self, page: Any) -> str:
        """The colour behind the page, then."""
        page.set_viewport_size({"width": self.width, "height": 900})
        page.emulate_media(color_scheme=self.scheme)
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


PHONE, PROJECTOR = Sight(390, "light"), Sight(1920, "dark")
#: All rules are asked of one sight, by turns; of the other, what sight alone decides.
SIGHTS = {"mkdocs": (PHONE, PROJECTOR), "zensical": (PROJECTOR, PHONE)}
BY_SIGHT = ["color-contrast", "target-size"]


@pytest.fixture
def page(browser: Any) -> Any:
    # axe is put into the page as an inline script, which the policy rightly refuses.
    context = browser.new_context(bypass_csp=True)
    yield context.new_page()
    context.close()


def faults(page: Any, sights: tuple[Sight, Sight]) -> list[str]:
    """What axe finds on an opened page in two sights, and how it is wider than they are."""
    backgrounds, found = set(), []
    for sight, rules in zip(sights, (WCAG, BY_SIGHT), strict=True):
        backgrounds.add(sight.take(page))
        found += violations(page, rules)
        wide = page.evaluate("document.documentElement.scrollWidth")
        found += [f"{wide} px wide"] if wide > sight.width else []
    assert len(backgrounds) == len(sights), "a scheme was not taken"
    return found


def test_axe_finds_no_violation_on_any_kind_of_page(page: Any, editions: Editions) -> None:
    found = {}
    for looked in editions.looked:
        for path in looked.paths:
            page.goto(looked.address + path)
            found[looked.address + path] = faults(page, SIGHTS[editions.engine])
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_axe_finds_no_violation_in_the_search_box(page: Any, editions: Editions) -> None:
    page.goto(editions.looked[0].address)
    page.keyboard.press("/")
    page.keyboard.type("twice")
    page.locator(".kb-result").first.wait_for()
    page.keyboard.press("ArrowDown")
    assert faults(page, SIGHTS[editions.engine]) == []
