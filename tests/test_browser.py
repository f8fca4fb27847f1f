"""Does the built site work in a real browser? Search, follow, measure, by keyboard alone."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from conftest import ROOT

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
from kb.library import open_library  # noqa: E402
from kb.repo import open_repo  # noqa: E402
from kb.site.build_site import Build, build_site  # noqa: E402
from kb.site.content import Site  # noqa: E402
from kb.site.gather import SiteRequest, gather  # noqa: E402
from kb.site.related_incidents import find_related, no_search  # noqa: E402

pytestmark = [pytest.mark.browser, pytest.mark.site]

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AIR_CANADA = "2022-11-11-air-canada-bereavement-refund"


def chromium_path() -> str | None:
    """A browser of the system; None to use the one Playwright brings."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        path = chromium_path()
        try:
            opened = running.chromium.launch(executable_path=path, args=CHROMIUM_ARGUMENTS)
        except playwright.Error as error:
            pytest.skip(f"no Chromium to be had: {str(error).splitlines()[0]}")
        yield opened
        opened.close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A browser that goes away in the middle of an answer is no fault."""


def served(folder: Path) -> Generator[str]:
    handler = functools.partial(_Quiet, directory=str(folder))
    server = _Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def copied_casebook(folder: Path) -> Path:
    """The casebook of this repository in a folder of its own."""
    shutil.copytree(ROOT / "postmortems", folder / "postmortems")
    shutil.copy(ROOT / "mkdocs.yml", folder / "mkdocs.yml")
    (folder / "kb.toml").write_text("", encoding="utf-8")
    return folder


def made(folder: Path, engine: str) -> Path:
    """The site of a folder's library, built by an engine."""
    library = open_library(folder)
    # Embedding the casebook takes half a minute: one engine is enough, authors name priors too.
    find = find_related if engine == "mkdocs" else no_search
    wanted = SiteRequest(datetime(2026, 11, 1, tzinfo=UTC), find)
    site: Site = gather(library, open_repo(folder), wanted)
    build_site(library, site, Build(folder / "site", engine), lambda text: None)
    return folder / "site"


@pytest.fixture(scope="module", params=["mkdocs", "zensical"])
def casebook(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    pytest.importorskip("material" if request.param == "mkdocs" else "zensical")
    folder = made(copied_casebook(tmp_path_factory.mktemp(request.param)), request.param)
    yield from served(folder)


@dataclass
class Visit:
    """A page with what went wrong on it: requests elsewhere, errors, answers that were none."""

    page: Any
    base: str
    wrong: list[str] = field(default_factory=list)

    def listen(self) -> None:
        def asked(request: Any) -> None:
            if not request.url.startswith((self.base, "data:", "blob:")):
                self.wrong.append(f"asked elsewhere: {request.url}")

        def answered(response: Any) -> None:
            if response.status >= 400:
                self.wrong.append(f"{response.status}: {response.url}")

        def said(message: Any) -> None:
            if message.type in {"error", "warning"}:
                self.wrong.append(f"console: {message.text}")

        self.page.on("request", asked)
        self.page.on("response", answered)
        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["screen-light", "phone-dark"])
def visit(request: pytest.FixtureRequest, browser: Any, casebook: str) -> Iterator[Visit]:
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
    )
    context.set_default_timeout(10_000)
    visit = Visit(context.new_page(), casebook)
    visit.listen()
    yield visit
    context.close()
    assert visit.wrong == []


def test_search_opens_an_incident_whose_related_one_leads_to_its_class(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    page.keyboard.press("/")
    page.keyboard.type("air canada bereavement refund")
    page.locator(".kb-result").first.wait_for()
    page.locator("dialog[data-shown='air canada bereavement refund']").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/incidents/{AIR_CANADA}/", wait_until="commit")
    assert "Air Canada" in page.locator("h1").inner_text()

    related = page.locator(".kb-related h3 a, .kb-again a").first
    title = related.inner_text()
    related.press("Enter")
    page.wait_for_url(lambda url: AIR_CANADA not in url)
    assert page.locator("h1").inner_text() == title

    page.locator(".kb-head .kb-classes a").first.press("Enter")
    page.wait_for_url("**/classes/**")
    assert page.locator("h2").first.is_visible()


def test_the_metrics_page_is_reached_and_its_numbers_taken_away_by_keyboard(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    page.locator(".kb-nav a", has_text="Metrics").press("Enter")
    page.wait_for_url("**/metrics/")
    assert page.locator("svg.kb-chart").count() >= 3
    summary = page.locator(".kb-figure-card summary").first
    summary.press("Enter")
    assert page.locator(".kb-figure-card table.kb-data").first.is_visible()
    csv = page.locator(".kb-tools a", has_text="CSV").get_attribute("href")
    answer = page.request.get(page.url + csv)
    assert answer.text().startswith("name,by,label,value,unit,n")


def test_no_page_is_wider_than_the_window(visit: Visit) -> None:
    page = visit.page
    for path in ("", "incidents/", f"incidents/{AIR_CANADA}/", "classes/", "metrics/", "actions/"):
        page.goto(visit.base + path)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], path


def test_the_theme_that_is_chosen_is_kept(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("[data-kb-theme]").press("Enter")
    chosen = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.goto(visit.base + "metrics/")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == chosen != before


WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Any, rules: list[str] = WCAG) -> list[str]:
    """What axe finds on a page by these rules or sets of rules, with the elements."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    found = axe.run(page, options={"runOnly": rules}).response["violations"]
    return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]


def test_search_is_left_by_escape_and_gives_the_focus_back(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    page.locator(".kb-search-big").press("Enter")
    page.locator(".kb-search-box").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("dialog.kb-search").is_visible()
    assert page.evaluate("document.activeElement.matches('.kb-search-big')")


def test_a_sentence_whose_words_no_page_has_all_finds_those_with_some(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    page.keyboard.press("/")
    page.keyboard.type("airline chatbot hallucinated refund entitlement quokka")
    playwright.expect(page.locator(".kb-search-status")).to_have_text(
        re.compile(r"No incident has all the words; \d+ with some of them")
    )
    page.locator(".kb-result-title", has_text="Air Canada").wait_for()


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (1366, 768)])
def test_the_three_answers_of_the_all_hands_fit_a_screen(
    browser: Any, casebook: str, width: int, height: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": height})
    page.goto(f"{casebook}all-hands/")
    page.locator("[data-kb-present]").click()
    needed = "document.querySelector('.kb-presenting').scrollHeight"
    assert page.evaluate(needed) <= height
    page.close()


def searched(page: Any, words: str) -> tuple[str, list[str]]:
    """What the search box says of some words, and the paths it lists."""
    page.locator(".kb-search-box").fill(words)
    page.locator(f"dialog[data-shown={words!r}] [aria-busy=false]").wait_for()
    rows = page.locator(".kb-result").evaluate_all(
        "rows => rows.map(row => new URL(row.dataset.address, location).pathname)"
    )
    return page.locator(".kb-search-status").inner_text(), rows


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("AIID-1152", "/incidents/2025-07-18-replit-production-database/"),
        ("aiid 1152", "/incidents/2025-07-18-replit-production-database/"),
        ("2026-02-26-datatalks-terraform-destroy", "/incidents/2026-02-26-datatalks-terraform-"),
        ("website support chat", "/routes/website-support-chat/"),
        ("duplicate-side-effect", "/classes/duplicate-side-effect/"),
        ("fabricated content", "/classes/fabricated-content/"),
        # Another record's tool is called sendEmail.
        ("send_email", "/tools/send-email-"),
    ],
)
def test_a_name_finds_the_page_that_bears_it_first(visit: Visit, words: str, path: str) -> None:
    visit.page.goto(visit.base)
    visit.page.keyboard.press("/")
    said, rows = searched(visit.page, words)
    assert rows[0].startswith(path)
    assert "No incident says" not in said


def test_a_word_of_no_record_finds_nothing_and_a_misspelt_one_what_was_meant(visit: Visit) -> None:
    visit.page.goto(visit.base)
    visit.page.keyboard.press("/")
    assert searched(visit.page, "xyzzyqqq") == ("No incident says “xyzzyqqq”.", [])
    # What is left without the nonsense is in every incident.
    assert searched(visit.page, "xyzzyqqq in a qqqxyzzy")[1] == []
    # The index alone answers with pages that have a word's beginning.
    assert searched(visit.page, "postgresqlite")[1] == []
    said, rows = searched(visit.page, "bereavment refnud")
    assert "these say “bereavement”" in said
    assert "these say “refund”" in said
    assert rows[0] == f"/incidents/{AIR_CANADA}/"


def test_a_result_names_its_section_and_classes_and_does_not_repeat_its_title(
    visit: Visit,
) -> None:
    visit.page.goto(visit.base)
    visit.page.keyboard.press("/")
    searched(visit.page, "air canada bereavement")
    first = visit.page.locator(".kb-result").first
    assert first.locator(".kb-chip").first.inner_text() == "fabricated-content"
    assert first.locator(".kb-result-part").inner_text() == "Summary"
    assert first.locator(".kb-result-date").inner_text() == "11 Nov 2022"
    title = first.locator(".kb-result-title").inner_text()
    assert title not in first.locator(".kb-result-text").inner_text()


def test_an_excerpt_does_not_begin_with_the_heading_it_stands_under(visit: Visit) -> None:
    visit.page.goto(visit.base)
    visit.page.keyboard.press("/")
    searched(visit.page, "refund policy")
    parts = visit.page.locator(".kb-result-part").all_inner_texts()
    texts = visit.page.locator(".kb-result-text").all_inner_texts()
    # The word that was found is in the heading, too, and marked there.
    assert "Policy-path evidence" in parts
    assert not [text for text in texts if text.startswith("Policy-path")]


def test_the_filters_of_a_search_are_whole_at_any_width(visit: Visit) -> None:
    visit.page.goto(visit.base)
    visit.page.keyboard.press("/")
    searched(visit.page, "refund")
    visit.page.get_by_label("Only this severity", exact=True).wait_for()
    place = visit.page.locator(".kb-search-facets").bounding_box()
    for select in visit.page.locator(".kb-search-facets select").all():
        box = select.bounding_box()
        assert place["y"] <= box["y"]
        assert box["y"] + box["height"] <= place["y"] + place["height"]


def typed_at_once(page: Any, words: str) -> None:
    """Search is opened and asked before anything else can happen."""
    page.evaluate(
        """(words) => {
          document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
          const box = document.querySelector(".kb-search-box");
          box.value = words;
          box.dispatchEvent(new Event("input"));
        }""",
        words,
    )


def test_the_index_is_asked_before_the_words_of_the_site_have_come(visit: Visit) -> None:
    held: list[Any] = []

    def hold(route: Any) -> None:
        held.append(route)

    visit.page.route("**/data/lexicon.json", hold)
    visit.page.goto(visit.base)
    with visit.page.expect_request("**/pagefind/index/*"):
        typed_at_once(visit.page, "bereavement")
    assert visit.page.locator(".kb-result").count() == 0
    held[0].continue_()
    visit.page.locator(".kb-result").first.wait_for()


def test_the_first_results_are_shown_before_the_last_have_come_and_stay(visit: Visit) -> None:
    page = visit.page
    held: list[Any] = []

    def three(route: Any) -> None:
        held.append(route)
        if len(held) <= 3:
            route.continue_()

    page.route("**/pagefind/fragment/*", three)
    page.goto(visit.base)
    typed_at_once(page, "because")
    rows = page.locator(".kb-result")
    playwright.expect(rows).to_have_count(3)
    playwright.expect(page.locator(".kb-search-results")).to_have_attribute("aria-busy", "true")
    rows.nth(0).evaluate("row => { row.isSame = true; }")
    for route in held[3:]:
        route.continue_()
    playwright.expect(rows).to_have_count(10)
    page.unroute("**/pagefind/fragment/*")
    page.get_by_role("button", name="Show more").click()
    playwright.expect(rows).to_have_count(20)
    assert rows.nth(0).evaluate("row => row.isSame === true")


def test_a_year_is_narrowed_by_class_over_all_its_months(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}incidents/2025/")
    playwright.expect(page.get_by_label("List only this class")).to_have_count(1)
    months = page.locator("article h2:visible").count()
    page.get_by_label("List only this class").select_option("destructive-action")
    rows = page.locator(".kb-rows > li:visible")
    assert rows.count() == page.locator("li[data-class*=destructive-action]").count() > 0
    assert page.locator("article h2:visible").count() < months
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("article h2:visible").count() == months


def test_one_escape_leaves_a_search_that_has_words(visit: Visit) -> None:
    visit.page.goto(visit.base)
    visit.page.keyboard.press("/")
    searched(visit.page, "refund")
    visit.page.keyboard.press("Escape")
    assert not visit.page.locator("dialog.kb-search").is_visible()


def test_the_first_stop_of_the_keyboard_leads_to_the_text(visit: Visit) -> None:
    visit.page.goto(f"{visit.base}incidents/{AIR_CANADA}/")
    visit.page.keyboard.press("Tab")
    skip = visit.page.locator("a.kb-skip")
    assert skip.evaluate("link => link === document.activeElement")
    assert visit.page.locator("a.md-skip").count() == 0
    visit.page.keyboard.press("Enter")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.closest('article') !== null")


def test_without_a_script_no_button_waits_for_one(browser: Any, casebook: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    for path in ("", f"incidents/{AIR_CANADA}/", "404.html"):
        page.goto(casebook + path)
        assert page.locator("h1").first.is_visible()
        assert [button for button in page.locator("button").all() if button.is_visible()] == []
    context.close()


@pytest.mark.parametrize("prefix", ["/", "/team/kb/"])
def test_the_page_for_no_page_works_at_any_address(
    browser: Any, casebook: str, prefix: str
) -> None:
    """A host below a prefix that the site was not told of, as hosts of pages are."""
    context = browser.new_context()
    page = context.new_page()
    found = page.request.get(f"{casebook}404.html").text()

    def hosted(route: Any) -> None:
        path = urlsplit(route.request.url).path
        place = path.removeprefix(prefix) if path.startswith(prefix) else "?"
        answer = page.request.get(casebook + place)
        if answer.ok:
            route.fulfill(response=answer)
        else:
            route.fulfill(status=404, body=found, content_type="text/html")

    page.route("http://host.test/**", hosted)
    # A click before the script is there opens nothing.
    page.goto(f"http://host.test{prefix}incidents/2020-01-01-gone/more/", wait_until="networkidle")
    assert page.locator("h1").inner_text() == "There is no such page"
    playwright.expect(page.locator(".kb-brand")).to_have_css("display", "flex")
    page.locator(".kb-search-big").click()
    _, rows = searched(page, "air canada bereavement")
    assert rows[0] == f"{prefix}incidents/{AIR_CANADA}/"
    page.keyboard.press("Escape")
    page.locator("article a", has_text="Home").click()
    page.wait_for_url(f"http://host.test{prefix}")
    # A script that is still on its way would find its context gone.
    page.wait_for_load_state("networkidle")
    context.close()


@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_any_character_may_stand_in_titles_and_summaries(
    browser: Any, library_folder: Path, engine: str
) -> None:
    title = "Agent sent 🙂 🏳️‍🌈 “x” 支付 قيد\u2028to all"
    (library_folder / "postmortems/2026-01-02-x.md").write_text(
        f"---\ntitle: '{title}'\ndate: 2026-01-02\nstatus: published\n---\n\n"
        "## Summary\n\nIt paid 🙂 twice.\n",
        encoding="utf-8",
    )
    page = browser.new_page()
    page.goto(next(server := served(made(library_folder, engine))) + "incidents/2026-01-02-x/")
    assert page.locator("h1").inner_text() == title
    page.close()
    server.close()


def test_actions_are_narrowed_by_owner_and_counted(visit: Visit) -> None:
    page = visit.page
    page.goto(f"{visit.base}actions/")
    owner = page.get_by_label("List only this owner").first
    owner.select_option("air-canada")
    assert "2 of " in page.locator(".kb-filters [role=status]").first.inner_text()
    rows = page.locator(".kb-actions").first.locator("> li:visible")
    assert rows.count() == 2
    owner.select_option("")
    assert rows.count() > 2


def test_search_is_narrowed_by_a_facet(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    page.keyboard.press("s")
    facet = page.get_by_label("Only this severity", exact=True)
    facet.wait_for()
    facet.select_option("SEV4")
    page.locator(".kb-result:has(.kb-sev4)").first.wait_for()
    playwright.expect(page.locator(".kb-result .kb-sev1")).to_have_count(0)
    facet.select_option("")
    route = page.get_by_label("Only this route", exact=True)
    route.select_option("website-support-chat")
    page.locator(".kb-result-title", has_text="Air Canada").wait_for()


def test_without_an_index_search_still_finds_titles(browser: Any, casebook: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route("**/pagefind/**", lambda route: route.abort())
    page.goto(casebook)
    page.keyboard.press("/")
    page.keyboard.type("air canada")
    page.locator(".kb-result-title", has_text="Air Canada").wait_for()
    said = page.locator(".kb-search-status")
    playwright.expect(said).to_contain_text("titles and summaries only")
    context.close()


def test_a_page_of_a_site_without_an_index_does_not_ask_for_one(
    browser: Any, casebook: str
) -> None:
    context = browser.new_context()
    page = context.new_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url))

    def without_index(route: Any) -> None:
        html = route.fetch().text().replace(" data-kb-index", "")
        route.fulfill(body=html, content_type="text/html")

    page.route(casebook, without_index)
    page.goto(casebook)
    page.keyboard.press("/")
    page.keyboard.type("air canada")
    page.locator(".kb-result-title", has_text="Air Canada").wait_for()
    assert not [url for url in asked if "pagefind" in url]
    context.close()


@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_the_policy_stops_what_would_run_without_it(
    browser: Any, library_folder: Path, engine: str
) -> None:
    """The same attacks, put into a finished page past every other defence, run and do not run."""
    built = made(library_folder, engine)
    page_file = built / "index.html"
    html = page_file.read_text(encoding="utf-8")
    attack = (
        "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>"
        "<a id=a href='javascript:window.hit = 1'>x</a>"
    )
    page_file.write_text(html.replace("</article>", f"{attack}</article>"), encoding="utf-8")
    address = next(server := served(built))
    hits = []
    for bypass in (False, True):
        context = browser.new_context(bypass_csp=bypass)
        page = context.new_page()
        page.goto(address)
        page.wait_for_timeout(200)
        hits.append(page.evaluate("window.hit || 0"))
        page.evaluate("delete window.hit")
        page.locator("#a").evaluate("link => link.click()")
        page.wait_for_timeout(100)
        hits.append(page.evaluate("window.hit || 0"))
        context.close()
    server.close()
    assert hits == [0, 0, 1, 1]


def test_a_printed_incident_has_at_most_four_pages(browser: Any, casebook: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{casebook}incidents/{AIR_CANADA}/")
    pdf = page.pdf(prefer_css_page_size=True)
    assert max(int(count) for count in re.findall(rb"/Count (\d+)", pdf)) <= 4
    context.close()
