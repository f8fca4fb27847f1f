"""Does search by meaning work in a real browser, and only where it was asked for?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conftest import trust_settings
from search_library import write_stories
from test_publish_edition import external, library  # noqa: F401 - a fixture

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
from kb.errors import KbError  # noqa: E402
from kb.library import open_library  # noqa: E402
from kb.repo import open_repo  # noqa: E402
from kb.search.encoder.encoder import EncoderCard  # noqa: E402
from kb.search.encoder.find_model_files import ModelSource  # noqa: E402
from kb.search.index.index import ready_encoder  # noqa: E402
from kb.site.build_site import Build, SiteBuild, build_site  # noqa: E402
from kb.site.gather import SiteRequest, gather  # noqa: E402
from kb.site.related_incidents import no_search  # noqa: E402
from kb.site.semantic.array_file import quantized_rows  # noqa: E402
from kb.site.semantic.browser_encoder import browser_model  # noqa: E402
from kb.site.semantic.incident_vectors import page_passages  # noqa: E402

from test_browser import Visit, browser, served, violations  # noqa: E402, F401 - a fixture

#: What somebody remembers of a story, in none of its words.
PROMPT = "fake lawsuits"
STORY = "2025-06-15-citations-made-up"
TEXTS = (
    "the agent paid twice",
    "Die Rückerstattung lief zweimal — naïve Wiederholung, 退款两次, Ωμέγας ΣΑΣ",
    "",
    "x" * 150 + " $5 <b>don't</b>\u200b\x00 \ufeffI\u0307stanbul \u1e9e ＡＢ ½ 🤖 [SEP",
    "TOOL: refund\nWAS_THIS_CALL_IDEMPOTENT: no",
    "The retry ran again because the answer was late and nobody had asked for a key. " * 20,
)
START = """async () => {
  const { load } = await import(new URL("semantic/encoder.js", location.href));
  window.ask = await load(new URL("semantic/", location.href), () => {});
}"""


def built(folder: Path, engine: str = "mkdocs", *, with_meaning: bool = True) -> SiteBuild:
    opened = open_library(folder)
    wanted = SiteRequest(datetime(2026, 11, 1, tzinfo=UTC), no_search)
    site = gather(opened, open_repo(folder), wanted)
    build = Build(folder / "site", engine, with_meaning=with_meaning)
    return build_site(opened, site, build, lambda text: None)


def stories(folder: Path) -> Path:
    (folder / "kb.toml").write_text("", encoding="utf-8")
    shutil.copy(Path(__file__).parent.parent / "mkdocs.yml", folder)
    (folder / "postmortems").mkdir(exist_ok=True)
    write_stories(folder)
    return folder


@pytest.fixture(scope="module", params=["mkdocs", "zensical"])
def address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A site below the root of its host."""
    pytest.importorskip("material" if request.param == "mkdocs" else "zensical")
    folder = stories(tmp_path_factory.mktemp(request.param))
    assert built(folder, request.param).notes == ()
    server = served(folder)
    yield f"{next(server)}site/"
    server.close()


@pytest.fixture(params=[(1440, "light"), (390, "dark")], ids=["screen-light", "phone-dark"])
def visit(request: pytest.FixtureRequest, browser: Any, address: str) -> Iterator[Visit]:  # noqa: F811
    width, scheme = request.param
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, bypass_csp=False
    )
    context.set_default_timeout(15_000)
    visit = Visit(context.new_page(), address)
    visit.listen()
    yield visit
    context.close()
    assert visit.wrong == []


def search(page: Any, words: str) -> None:
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.locator(f"dialog[data-shown='{words}']").wait_for()


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.model
def test_an_incident_is_found_by_what_it_means_by_keyboard_alone(visit: Visit) -> None:
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(visit.base)
    search(page, PROMPT)
    button = page.locator(".kb-meaning button")
    button.wait_for()
    assert page.locator(".kb-result").count() == 0
    assert page.get_by_text("finds what is said in other words").is_visible()
    assert not any("/semantic/model" in url for url in asked)

    for _ in range(10):
        page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.locator(".kb-result").first.wait_for()

    assert button.get_attribute("aria-pressed") == "true"
    assert STORY in page.locator(".kb-result").first.get_attribute("data-address")
    assert "near in meaning" in page.locator(".kb-result").first.inner_text()
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= page.viewport_size["width"]


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.model
def test_what_was_loaded_once_is_not_loaded_again_on_the_next_page(visit: Visit) -> None:
    page = visit.page
    page.goto(visit.base)
    search(page, PROMPT)
    page.locator(".kb-meaning button").click()
    page.locator(".kb-result").first.wait_for()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{visit.base}actions/")
    page.keyboard.press("/")
    page.keyboard.type(PROMPT)
    page.locator(".kb-result").first.wait_for()
    assert not any(url.endswith((".bin", ".txt")) for url in asked)

    page.locator(".kb-meaning button").click()
    page.locator(".kb-meaning button[aria-pressed=false]").wait_for()
    playwright.expect(page.locator(".kb-result")).to_have_count(0)


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.model
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_it(browser: Any, address: str, scheme: str) -> None:  # noqa: F811
    context = browser.new_context(color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    search(page, PROMPT)
    page.locator(".kb-meaning button").wait_for()
    assert violations(page) == []
    page.locator(".kb-meaning button").click()
    page.locator(".kb-result").first.wait_for()
    page.keyboard.press("Tab")
    assert violations(page) == []
    context.close()


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.model
def test_words_are_still_searched_where_it_cannot_be_loaded(browser: Any, address: str) -> None:  # noqa: F811
    context = browser.new_context()
    page = context.new_page()
    page.route("**/semantic/model-*", lambda route: route.abort())
    page.goto(address)
    search(page, "refund")
    page.locator(".kb-meaning button").click()
    page.locator(".kb-search-status", has_text="could not be loaded").wait_for()
    assert page.locator(".kb-result").count() > 0
    context.close()


@pytest.mark.browser
@pytest.mark.site
@pytest.mark.model
def test_the_browser_reads_and_encodes_a_text_as_the_library_does(
    browser: Any,  # noqa: F811
    address: str,
    tmp_path: Path,
) -> None:
    encoder = ready_encoder(open_library(stories(tmp_path)))
    page = browser.new_page()
    page.goto(address)
    page.evaluate(START)
    ask = "([task, text]) => ask(task, { text }).then((found) => Array.from(found))"
    tokens = [page.evaluate(ask, ["tokens", text]) for text in TEXTS]
    vectors = np.array([page.evaluate(ask, ["vector", text]) for text in TEXTS])
    page.close()

    ids = [item.ids for item in encoder._tokenizer.encode_batch([text or " " for text in TEXTS])]
    assert tokens == ids
    cosines = (vectors * encoder.encode(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.99


@pytest.mark.site
def test_a_site_that_was_not_asked_for_it_has_neither_button_nor_files(
    library_folder: Path,
) -> None:
    made = built(stories(library_folder), with_meaning=False)
    assert not (made.folder / "semantic").exists()
    assert "kb-meaning" not in (made.folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.site
def test_a_site_whose_encoder_is_not_to_be_had_is_built_without_it(library_folder: Path) -> None:
    stories(library_folder)
    (library_folder / "kb.toml").write_text('[search]\nmodel = "models/none"\n')
    trust_settings(library_folder)
    (library_folder / "models/none").mkdir(parents=True)
    made = built(library_folder)
    assert made.notes[-1].startswith("No search by meaning: ")
    assert not (made.folder / "semantic").exists()
    assert "kb-meaning" not in (made.folder / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("settings", "tokenizer", "pooling", "said"),
    [
        ({"model_type": "mpnet"}, "WordPiece", "mean", "model_type is mpnet"),
        ({"model_type": "bert", "hidden_act": "relu"}, "WordPiece", "mean", "hidden_act is relu"),
        ({"model_type": "bert"}, "Unigram", "mean", "tokenizer"),
        ({"model_type": "bert"}, "WordPiece", "cls", "pooling is cls"),
        ({}, "WordPiece", "mean", "model_type is None"),
    ],
)
def test_a_model_of_another_family_is_refused_in_words(
    tmp_path: Path, settings: dict[str, str], tokenizer: str, pooling: str, said: str
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(settings))
    words = {"model": {"type": tokenizer}, "normalizer": {"lowercase": True}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(words))
    source = ModelSource("some/model", tmp_path, None, "")
    card = EncoderCard("some/model", "", "", pooling, "fp32", 256, 384)
    with pytest.raises(KbError, match=said):
        browser_model(source, card)


def test_the_vectors_of_the_external_edition_are_made_of_its_own_words_alone(library: Path) -> None:  # noqa: F811
    told = page_passages(external(library))
    assert told
    assert "trust of two people" in " ".join(told[0].texts)
    for one in told:
        everything = " ".join((one.id, *one.texts, *(p.section for p in one.passages)))
        assert "canary" not in everything.lower()


@pytest.mark.site
@pytest.mark.model
def test_the_vector_file_of_an_edition_names_its_records_and_no_other(library: Path) -> None:  # noqa: F811
    site = external(library)
    out = library / "outside"
    made = build_site(open_library(library), site, Build(out, with_meaning=True), lambda text: None)
    assert made.notes == site.notes
    raw = next((out / "semantic").glob("documents-*.bin")).read_bytes()
    header = json.loads(raw[4 : 4 + int.from_bytes(raw[:4], "little")])
    told = page_passages(site)
    assert header["records"] == [[one.id, len(one.passages)] for one in told]
    assert b"canary" not in raw.lower()


def test_a_site_without_records_has_vectors_of_none(library_folder: Path) -> None:
    site = gather(
        open_library(library_folder),
        open_repo(library_folder),
        SiteRequest(datetime(2026, 11, 1, tzinfo=UTC), no_search),
    )
    assert page_passages(replace(site, records=())) == ()


def test_eight_bits_keep_a_row_to_half_a_step() -> None:
    rows = np.random.default_rng(1).normal(size=(20, 384)).astype(np.float32)
    rows[3] = 0
    small, factors = quantized_rows(rows)
    error = np.abs(small * factors[:, None] - rows).max(axis=1)
    assert (error <= factors * 0.5001).all()
