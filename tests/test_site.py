"""Is a site right for any library? Whole, empty, of one, without Git, without search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path, PurePath
from xml.etree import ElementTree

import pytest
from kb.errors import KbError
from kb.library import Library, open_library
from kb.repo import open_repo
from kb.site.build_site import Build, SiteBuild, build_site
from kb.site.content import Site
from kb.site.gather import SiteRequest, gather
from kb.site.live_preview import Preview, ServedSite
from kb.site.mkdocs_settings import only_frames, packaged_settings
from kb.site.page_shells import shell_of, with_text
from kb.site.post_process import finish, inline_hashes, policy, with_policy
from kb.site.related_incidents import find_related, no_search
from kb.site.write import all_pages, page_text

from conftest import ROOT, Git
from patience import wait_until

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXAMPLE_ID = "2026-04-12-billing-agent-charged-twice"


def site_of(folder: Path, *, with_drafts: bool = False) -> Site:
    wanted = SiteRequest(NOW, no_search, with_drafts=with_drafts)
    return gather(open_library(folder), open_repo(folder), wanted)


def built(folder: Path, engine: str = "mkdocs") -> SiteBuild:
    build = Build(folder / "site", engine)
    return build_site(open_library(folder), site_of(folder), build, lambda text: None)


def page_of(site: Site, path: str) -> str:
    return next(page.body for page in all_pages(site) if page.path == path)


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_both_engines_build_every_page_of_the_example(example_library: Path, engine: str) -> None:
    pytest.importorskip("material" if engine == "mkdocs" else "zensical")
    made = built(example_library, engine)
    folder = made.folder
    pages = list(folder.rglob("index.html"))
    assert len(pages) == made.pages
    page = (folder / "incidents" / EXAMPLE_ID / "index.html").read_text(encoding="utf-8")
    for text in ("3 days 5 h", "left the path here", "It was not so", "If this is happening now"):
        assert text in page
    assert "kb:" not in page
    assert "fonts.googleapis" not in page
    assert (folder / "pagefind" / "pagefind.js").is_file()
    assert "Content-Security-Policy" in page


@pytest.mark.site
def test_a_library_without_a_record_has_a_site(library_folder: Path) -> None:
    made = built(library_folder)
    home = (made.folder / "index.html").read_text(encoding="utf-8")
    assert "No record is published yet" in home
    assert (made.folder / "metrics" / "index.html").is_file()


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_an_engine_that_is_run_by_hand_on_the_same_pages_gives_the_same_site(
    example_library: Path, engine: str
) -> None:
    """Though it reads the whole pages, and `kb site` gives it their headings alone."""
    pytest.importorskip("material" if engine == "mkdocs" else "zensical")
    record = example_library / "postmortems" / f"{EXAMPLE_ID}.md"
    odd = (
        "\n## An odd one: *a* & `b`\n\n```\na\n\n## no heading\n\ttab\n```\n\nx <!--kb-text--> y\n"
    )
    record.write_text(record.read_text(encoding="utf-8") + odd, encoding="utf-8")
    ours = files_of(built(example_library, engine).folder)
    work = example_library / "build"
    settings = str(work / "mkdocs.yml")
    options = {"mkdocs": ["--quiet", "--config-file"], "zensical": ["--clean", "--config-file"]}
    command = [sys.executable, "-m", engine, "build", *options[engine], settings]
    subprocess.run(command, check=True, env=os.environ, capture_output=True)
    finish(work / "out")
    theirs = files_of(work / "out")
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


def files_of(folder: Path) -> dict[str, bytes]:
    """Name to bytes of every file below a folder; a map of the site has a time of its own."""
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = ((path.relative_to(folder).as_posix(), path) for path in paths)
    return {name: path.read_bytes() for name, path in names if not name.startswith("sitemap")}


def test_without_search_a_page_says_so_and_shows_what_authors_named(example_library: Path) -> None:
    body = page_of(site_of(example_library), f"incidents/{EXAMPLE_ID}")
    assert "search is not installed here" in body


def test_without_git_there_are_no_links_to_source_and_history(example_library: Path) -> None:
    body = page_of(site_of(example_library), f"incidents/{EXAMPLE_ID}")
    assert ">History<" not in body
    assert ">JSON<" in body


def test_a_remote_gives_links_to_source_history_and_edit(example_library: Path, git: Git) -> None:
    git("remote", "add", "origin", "git@github.com:team/kb.git")
    git("add", "-A")
    git("commit", "--quiet", "-m", "records")
    body = page_of(site_of(example_library), f"incidents/{EXAMPLE_ID}")
    place = f"main/postmortems/{EXAMPLE_ID}.md"
    for view in ("blob", "commits", "edit"):
        assert f"https://github.com/team/kb/{view}/{place}" in body


def test_a_draft_is_seen_only_where_drafts_are_asked_for(example_library: Path) -> None:
    path = example_library / "postmortems" / f"{EXAMPLE_ID}.md"
    path.write_text(path.read_text().replace("status: published", "status: draft"))
    assert site_of(example_library).by_id == {}
    body = page_of(site_of(example_library, with_drafts=True), f"incidents/{EXAMPLE_ID}")
    assert "This record is a draft" in body


def test_the_navigation_of_a_page_does_not_grow_with_the_library(example_library: Path) -> None:
    records = example_library / "postmortems"
    text = (records / f"{EXAMPLE_ID}.md").read_text()
    for number in range(1, 29):
        day = f"2026-02-{number:02}"
        (records / f"{day}-copy.md").write_text(text.replace("date: 2026-04-12", f"date: {day}"))
    body = page_of(site_of(example_library), f"incidents/{EXAMPLE_ID}")
    assert body.count("-copy/") <= 6


def test_every_link_within_the_site_leads_to_a_page(example_library: Path) -> None:
    import posixpath
    import re

    site = site_of(example_library)
    pages = {page.path: page for page in all_pages(site)}
    for page in pages.values():
        for address in re.findall(r'href="kb:([^"#]*)"', page.body):
            base = "." if page.path == "index" else page.path
            target = posixpath.normpath(posixpath.join(base, address))
            known = target in pages or target == "." or target.startswith(("data/", "files/"))
            assert known, (page.path, address)


def test_the_feed_and_the_copies_for_machines_can_be_read(example_library: Path) -> None:
    from kb.site.machine.atom_json_csv import data_files

    files = dict(data_files(site_of(example_library)))
    feed = ElementTree.fromstring(files["feed.xml"])
    name = "{http://www.w3.org/2005/Atom}"
    assert [entry.findtext(f"{name}id") for entry in feed.iter(f"{name}entry")] == [
        f"urn:kb:{EXAMPLE_ID}"
    ]
    assert json.loads(files["data/incidents.json"])["schema"] == "kb.incidents/1"
    record = json.loads(files[f"data/incidents/{EXAMPLE_ID}.json"])
    assert record["detection_chain_minutes"] == 4626
    assert record["sections"][1]["key"] == "customer_truth" or record["sections"]


def test_pages_are_the_same_whoever_writes_them(example_library: Path) -> None:
    first = [
        page_text(page, site_of(example_library)) for page in all_pages(site_of(example_library))
    ]
    again = [
        page_text(page, site_of(example_library)) for page in all_pages(site_of(example_library))
    ]
    assert first == again


def test_a_folder_that_is_no_site_is_not_replaced(example_library: Path) -> None:
    (example_library / "site").mkdir()
    (example_library / "site" / "thesis.txt").write_text("years of work")
    with pytest.raises(KbError, match="not a site"):
        built(example_library)
    assert (example_library / "site" / "thesis.txt").read_text() == "years of work"


@pytest.mark.site
def test_settings_of_other_documentation_are_left_alone(example_library: Path) -> None:
    (example_library / "mkdocs.yml").write_text("site_name: Our handbook\n")
    built(example_library)
    page = (example_library / "site/index.html").read_text(encoding="utf-8")
    assert "assets/kb/kb.css" in page
    assert "cdnjs" not in page


@pytest.mark.site
def test_a_build_that_fails_leaves_the_old_site(example_library: Path) -> None:
    built(example_library)
    broken = "site_name: x\ndocs_dir: build/pages\ntheme: {name: no-such-theme}\n"
    (example_library / "mkdocs.yml").write_text(broken)
    build = Build(example_library / "site", trusted=True)
    with pytest.raises(KbError, match="mkdocs failed"):
        build_site(open_library(example_library), site_of(example_library), build, print)
    assert (example_library / "site" / "index.html").is_file()


def test_the_policy_names_each_inline_script_and_stands_first() -> None:
    html = "<html><head><title>x</title></head><body><script>a()</script></body></html>"
    hashes = inline_hashes([html, html])
    assert len(hashes) == 1
    text = policy(hashes)
    once = with_policy(html, text)
    assert once.index("Content-Security-Policy") < once.index("<title>")
    assert with_policy(once, text) == once


@pytest.mark.site
def test_finishing_a_site_twice_changes_nothing(example_library: Path) -> None:
    folder = built(example_library).folder
    before = (folder / "index.html").read_text(encoding="utf-8")
    finish(folder)
    assert (folder / "index.html").read_text(encoding="utf-8") == before


@pytest.mark.site
def test_edits_are_followed_after_the_records_were_renamed_and_back(example_library: Path) -> None:
    records = example_library / "postmortems"
    shown = ServedSite(example_library / "build" / "serve")

    def gathered(library: Library) -> Site:
        return gather(
            library, open_repo(library.root), SiteRequest(NOW, no_search, with_drafts=True)
        )

    preview = Preview(open_library(example_library), gathered, lambda text: None, shown)
    preview.build()
    stop = threading.Event()
    watcher = threading.Thread(target=preview.watch, args=(stop,), daemon=True)
    watcher.start()
    try:
        records.rename(example_library / "away")
        time.sleep(1)
        (example_library / "away").rename(records)
        path = records / f"{EXAMPLE_ID}.md"
        path.write_text(path.read_text().replace("a bakery's annual plan", "an EDITED plan"))
        page = shown.folder / "incidents" / EXAMPLE_ID / "index.html"
        wait_until(lambda: "EDITED" in page.read_text(encoding="utf-8"), "the edit is not shown")
    finally:
        stop.set()
        watcher.join(30)


@pytest.mark.site
def test_an_edit_is_shown_at_300_records(example_library: Path) -> None:
    records = example_library / "postmortems"
    text = (records / f"{EXAMPLE_ID}.md").read_text()
    for number in range(300):
        day = f"2025-{number // 28 + 1:02}-{number % 28 + 1:02}"
        (records / f"{day}-copy.md").write_text(text.replace("date: 2026-04-12", f"date: {day}"))
    shown = ServedSite(example_library / "build" / "serve")

    def gathered(library: Library) -> Site:
        return gather(
            library, open_repo(library.root), SiteRequest(NOW, no_search, with_drafts=True)
        )

    preview = Preview(open_library(example_library), gathered, lambda text: None, shown)
    preview.build()
    stop = threading.Event()
    watcher = threading.Thread(target=preview.watch, args=(stop,), daemon=True)
    watcher.start()
    try:
        time.sleep(0.5)
        page = shown.folder / "incidents" / EXAMPLE_ID / "index.html"
        path = records / f"{EXAMPLE_ID}.md"
        path.write_text(text.replace("a bakery's annual plan", "a bakery's EDITED plan"))
        wait_until(lambda: "EDITED" in page.read_text(encoding="utf-8"), "the edit is not shown")
    finally:
        stop.set()
        watcher.join(30)


def test_the_preview_answers_only_under_its_own_name(example_library: Path) -> None:
    from kb.site.live_preview import open_server

    folder = example_library / "shown"
    folder.mkdir()
    (folder / "index.html").write_text("<html><body>hello</body></html>")
    server = open_server(ServedSite(folder), 8900)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/"
    try:
        with urllib.request.urlopen(address) as answer:
            assert b"/-/live.js" in answer.read()
        request = urllib.request.Request(address, headers={"Host": "evil.example"})
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(request)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.site
def test_the_preview_shows_the_sites_own_page_for_an_unknown_address(
    example_library: Path,
) -> None:
    from kb.site.live_preview import open_server

    (example_library / "kb.toml").write_text('[site]\nurl = "https://team.example/kb/"\n')
    server = open_server(ServedSite(built(example_library).folder), 8930)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        for path in ("/incidents/no-such/", "/no-such.png", "/no-such"):
            with pytest.raises(urllib.error.HTTPError, match="404") as caught:
                urllib.request.urlopen(address + path)
            html = caught.value.read().decode()
            assert "There is no such page" in html
            assert 'href="/assets/kb/kb.css"' in html
        with urllib.request.urlopen(f"{address}/incidents") as answer:
            assert answer.url.endswith("/incidents/")
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_an_engine_run_by_hand_gives_the_search_index_and_the_policy_too(
    example_library: Path, engine: str
) -> None:
    pytest.importorskip("material" if engine == "mkdocs" else "zensical")
    settings = (ROOT / "mkdocs.yml").read_bytes()
    (example_library / "mkdocs.yml").write_bytes(settings)
    build = Build(example_library / "site", pages_only=True)
    build_site(open_library(example_library), site_of(example_library), build, lambda text: None)
    command = [sys.executable, "-m", engine, "build"]
    subprocess.run(command, check=True, cwd=example_library, capture_output=True)

    folder = example_library / "site"
    page = (folder / "incidents" / EXAMPLE_ID / "index.html").read_text(encoding="utf-8")
    assert (folder / "pagefind" / "pagefind.js").is_file()
    assert "data-kb-index" in page
    assert inline_hashes([page]) == ()
    assert page.index("Content-Security-Policy") < page.index("<title>")
    assert policy(()) in (folder / "_headers").read_text()


@pytest.mark.site
def test_without_pagefind_a_page_does_not_ask_for_an_index(
    example_library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGEFIND_BINARY_PATH", "/nonexistent/pagefind")
    made = built(example_library)
    assert "data-kb-index" not in (made.folder / "index.html").read_text(encoding="utf-8")
    assert not (made.folder / "pagefind").exists()
    assert "titles and summaries only" in made.notes[0]


@pytest.mark.model
def test_related_incidents_carry_a_probability_and_a_reason(library_folder: Path) -> None:
    import shutil

    names = ("2023-12-18-chevrolet", "2022-11-11-air", "2024-03-29-nyc", "2024-01-18-dpd")
    for path in (ROOT / "postmortems").glob("*.md"):
        if path.name.startswith(names):
            shutil.copy(path, library_folder / "postmortems")
    found, why_not = find_related(open_library(library_folder))
    if why_not:
        pytest.skip(why_not)
    assert any(one.probability > 0.5 and one.reasons for around in found.values() for one in around)


def test_a_shell_has_headings_and_places_and_gets_its_text_back() -> None:
    settings = '---\ntitle: "a"\n---\n\n'
    first, last = "<p>1\n## none</p>\n\n<div>2</div>", '<a href="kb:../x/">3</a>'
    page = f"{settings}{first}\n\n## A &#42;\n\n## B\n\n{last}\n"
    place = "<!--kb-text-->"
    assert shell_of(page) == f"{settings}{place}\n\n## A &#42;\n\n## B\n\n{place}\n"
    built = f"<main>{place}\n<h2>A *</h2>\n<h2>B</h2>\n{place}</main>"
    text = with_text(built, page, PurePath("a/index.html"))
    assert text == f'<main>{first}\n<h2>A *</h2>\n<h2>B</h2>\n<a href="../x/">3</a></main>'


def test_an_engine_that_loses_the_place_of_a_text_is_an_error_and_no_empty_page() -> None:
    with pytest.raises(KbError, match="did not keep the places"):
        with_text("<h1>nothing</h1>", "---\n---\n\n<p>text</p>\n", PurePath("a/index.html"))


def test_with_an_extension_of_a_teams_own_an_engine_gets_whole_pages() -> None:
    shipped = packaged_settings()
    assert only_frames(shipped)
    assert not only_frames(shipped | {"markdown_extensions": ["attr_list"]})
    assert not only_frames(shipped | {"hooks": ["hook.py"]})
