"""What the site shows of an incident that came again, and of a record that was merged."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kb.library import open_library
from kb.metrics.result_types import AllHands
from kb.repo import open_repo
from kb.site.build_site import Build, build_site
from kb.site.content import EXTERNAL, Edition, Site
from kb.site.gather import SiteRequest, gather
from kb.site.machine.atom_json_csv import data_files
from kb.site.related_incidents import no_search
from kb.site.write import all_pages, page_text

from external_texts import approved_site
from test_effects import FIRST, written

NOW = datetime(2026, 8, 1, tzinfo=UTC)
AGAIN = (
    "[{at: 2026-06-20T09:12:00Z, customers: 2, note: <b>on two</b> invoices, trace: 4bf9},"
    " {at: 2026-07-04T00:00:00Z, route: payouts}, {at: 2026-03-01T00:00:00Z}]"
)
SECOND = "2026-05-09-refund-again"


@pytest.fixture
def folder(library_folder: Path) -> Path:
    written(library_folder, occurrences=AGAIN, sources="[https://example.com/status/1]")
    written(library_folder, SECOND, action="", merged_into=FIRST)
    shared = "https://example.com/status/1"
    written(library_folder, "2026-01-02-other", route="mail", action="", sources=f"[{shared}]")
    text = "route,day,runs\nrefunds,2026-05-03,40\nrefunds,2026-05-04,2\nmail,2026-05-04,7\n"
    (library_folder / "postmortems/runs-seen.csv").write_text(text, "utf-8")
    return library_folder


def site_of(folder: Path, edition: Edition | None = None) -> Site:
    wanted = SiteRequest(NOW, no_search, edition) if edition else SiteRequest(NOW, no_search)
    return gather(open_library(folder), open_repo(folder), wanted)


def page(site: Site, path: str) -> str:
    return next(page_text(one, site) for one in all_pages(site) if one.path == path)


def test_an_incident_that_came_again_says_how_often_and_draws_it(folder: Path) -> None:
    text = page(site_of(folder), f"incidents/{FIRST}")
    assert "5 times in 153 days, last on 4 Jul 2026." in text
    assert "42 runs of the route were seen on 2 days since." in text
    assert (text.count('class="kb-m-again" x='), text.count('class="kb-m-first" x=')) == (4, 1)
    assert text.count('class="kb-m-mended" x=') == 1
    assert "&lt;b&gt;on two&lt;/b&gt; invoices" in text
    assert f"told in {SECOND}" in text
    assert "2 customers" in text


def test_the_page_leads_with_the_gate_it_holds_and_what_failed(folder: Path) -> None:
    text = page(site_of(folder), f"incidents/{FIRST}")
    owed = text[text.index('class="kb-owed"') : text.index("</aside>", text.index("kb-owed"))]
    assert "is held by A1" in owed
    assert "A1 was done, and it" in owed
    assert "9 May 2026" in owed  # by the record that tells it: it came before the occurrence
    assert '<span class="kb-state kb-failed">failed</span>' in text
    actions = page(site_of(folder), "actions")
    assert "Done, and it came again" in actions
    assert "1 closed; 1 failed" in actions


def test_a_shared_source_is_shown_on_both_pages(folder: Path) -> None:
    site = site_of(folder)
    for name, other in ((FIRST, "2026-01-02-other"), ("2026-01-02-other", FIRST)):
        text = page(site, f"incidents/{name}")
        assert "The same run or source stands behind" in text
        assert f"{other}/" in text


def test_an_incident_that_did_not_come_again_has_no_such_part(folder: Path) -> None:
    assert "Came again" not in page(site_of(folder), "incidents/2026-01-02-other")


def test_both_addresses_of_a_merged_record_live_and_one_is_listed(folder: Path) -> None:
    site = site_of(folder)
    paths = [one.path for one in all_pages(site)]
    assert f"incidents/{SECOND}" in paths
    assert f'leads_to: "../{FIRST}/"' in page(site, f"incidents/{SECOND}")
    assert SECOND not in page(site, "incidents")
    target = next(one for one in all_pages(site) if one.path == f"incidents/{FIRST}")
    assert SECOND in target.found_by
    copies = dict(data_files(site))
    assert copies[f"data/incidents/{SECOND}.json"] == copies[f"data/incidents/{FIRST}.json"]
    assert [one["id"] for one in json.loads(copies["data/incidents.json"])["incidents"]].count(
        FIRST
    ) == 1


def test_a_browser_is_led_on(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "built"
    build_site(open_library(folder), site_of(folder), Build(out), lambda _: None)
    html = (out / "incidents" / SECOND / "index.html").read_text("utf-8")
    assert f'<meta http-equiv="refresh" content="0; url=../{FIRST}/">' in html


def test_the_all_hands_names_what_was_done_and_came_again(folder: Path) -> None:
    site = site_of(folder)
    assert site.measured
    seen = site.measured.all_hands
    assert isinstance(seen, AllHands)
    assert seen.effects == (("failed", 1),)
    assert [one.action for one in seen.failed] == [f"{FIRST}#A1"]
    said = "1 kept promise was watched or verified: 0 worked, after 1 it came again."
    assert said in page(site, "all-hands")


def test_nothing_of_an_occurrence_or_a_merge_leaves(folder: Path) -> None:
    for name in (FIRST, SECOND):
        path = folder / "postmortems" / f"{name}.md"
        text = path.read_text("utf-8").replace(
            "kind: incident", "kind: incident\nvisibility: external"
        )
        path.write_text(text, "utf-8")
    approved_site(folder)
    site = site_of(folder, EXTERNAL)
    whole = "".join(page_text(one, site) for one in all_pages(site))
    whole += "".join(text for _, text in data_files(site))
    for secret in ("invoices", "Came again", "4bf9", "payouts", SECOND, "leads_to"):
        assert secret not in whole


def test_a_verdict_on_a_merged_record_is_shown_beside_the_one_that_counts(folder: Path) -> None:
    body = f"## Counterfactual\n\n- [repeat] [{SECOND}]({SECOND}.md) — the same replica\n"
    written(folder, "2026-07-20-third", route="mail", action="", body=body)
    site = site_of(folder)
    text = page(site, "incidents/2026-07-20-third")
    assert "the same replica" in text.casefold()
    assert SECOND not in text
    assert "2026-07-20-third" in page(site, f"incidents/{FIRST}")
