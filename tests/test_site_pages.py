"""Do the pages say what is so? Link previews, copies for machines, promises, clocks, diagrams."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kb.humanize import format_alike, said_interval
from kb.library import open_library
from kb.lint.registry import all_rules
from kb.metrics.result_types import MetricPart, QuestionAnswer
from kb.records.postmortem import Clocks
from kb.repo import open_repo
from kb.site.build_site import Build, build_site
from kb.site.content import EXTERNAL, INTERNAL, Edition, Site
from kb.site.gather import SiteRequest, gather
from kb.site.lexicon import page_words
from kb.site.links import HOME, INCIDENTS, RULES, SitePage
from kb.site.machine.atom_json_csv import data_files
from kb.site.machine.link_previews import cards_of, write_cards
from kb.site.pages import charts
from kb.site.pages.clock_timeline import strip
from kb.site.pages.duration_chart import (
    DurationFacts,
    axis_marks,
    duration_chart,
    how_durations_are_read,
    running_median,
)
from kb.site.pages.home import headline
from kb.site.related_incidents import RelatedRecord, no_search
from kb.site.safe_html import cut, cut_at_words, telling_words
from kb.site.search_index import searched_html
from kb.site.templates import render
from kb.site.write import all_pages, page_text

from conftest import ROOT
from external_texts import approved_site
from test_browser import Visit, browser, served

__all__ = ["browser"]

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ADDRESS = "https://example.org/kb"
EXAMPLE_ID = "2026-04-12-billing-agent-charged-twice"
PICTURE = re.compile(r'<meta property="og:image" content="([^"]+)">')


def site_of(folder: Path, edition: Edition = INTERNAL) -> Site:
    wanted = SiteRequest(NOW, no_search, edition)
    return gather(open_library(folder), open_repo(folder), wanted)


def site_beside(folder: Path, found: Mapping[str, tuple[RelatedRecord, ...]]) -> Site:
    """The same where search finds these."""
    return gather(open_library(folder), open_repo(folder), SiteRequest(NOW, lambda _: (found, "")))


def page_of(site: Site, path: str) -> str:
    return next(page.body for page in all_pages(site) if page.path == path)


def written(folder: Path, name: str, *, front: str = "", body: str = "") -> Path:
    """A record with these lines beyond the least."""
    path = folder / "postmortems" / f"{name}.md"
    head = f"title: The agent paid twice\ndate: {name[:10]}\nstatus: published\nseverity: SEV2\n"
    path.write_text(f"---\n{head}{front}---\n\n## Summary\n\nIt paid.\n\n{body}", encoding="utf-8")
    return path


def casebook(folder: Path) -> Path:
    shutil.copytree(ROOT / "postmortems", folder / "postmortems", dirs_exist_ok=True)
    return folder


# What people wrote


def test_what_its_author_named_elsewhere_is_not_said_to_be_nothing(library_folder: Path) -> None:
    prior = "- [related] [2022-11-11-elsewhere](2022-11-11-elsewhere.md) — paid twice, too"
    written(library_folder, "2026-05-01-first", body=f"## Counterfactual\n\n{prior}\n")
    written(library_folder, "2026-05-02-second")
    wanted = SiteRequest(NOW, lambda library: ({}, ""))
    site = gather(open_library(library_folder), open_repo(library_folder), wanted)
    first, second = (
        page_of(site, f"{INCIDENTS}/{name}") for name in ("2026-05-01-first", "2026-05-02-second")
    )
    assert "2022-11-11-elsewhere" in first
    assert "Nothing else like it is known here." in first
    assert "Nothing similar is known." not in first
    assert "Nothing similar is known." in second


def test_where_it_came_again_nothing_says_that_nothing_is_known(library_folder: Path) -> None:
    written(library_folder, "2026-05-01-first")
    prior = "- [repeat] [2026-05-01-first](2026-05-01-first.md) — the same, fix existed: no"
    written(library_folder, "2026-05-02-second", body=f"## Counterfactual\n\n{prior}\n")
    wanted = SiteRequest(NOW, lambda library: ({}, ""))
    site = gather(open_library(library_folder), open_repo(library_folder), wanted)
    first = page_of(site, f"{INCIDENTS}/2026-05-01-first")
    assert "It came again" in first
    assert "is known" not in first


def test_a_day_without_an_hour_is_no_midnight(library_folder: Path) -> None:
    lines = "- 2026-05-01 — the agent paid\n- 2026-05-02 09:30 UTC — found [detected]\n"
    written(library_folder, "2026-05-01-first", body=f"## Timeline\n\n{lines}")
    page = page_of(site_of(library_folder), f"{INCIDENTS}/2026-05-01-first")
    assert '<time datetime="2026-05-01"><b>1 May 2026</b></time>' in page
    assert '<time datetime="2026-05-02T09:30Z"><b>2 May 2026</b>09:30</time>' in page


def test_of_many_records_of_one_source_five_are_named(library_folder: Path) -> None:
    source = "sources:\n  - https://example.org/one\n"
    for day in range(1, 9):
        written(library_folder, f"2026-05-0{day}-one", front=source)
    page = page_of(site_of(library_folder), f"{INCIDENTS}/2026-05-01-one")
    line = next(line for line in page.splitlines() if "run or source" in line)
    assert line.count("<a ") == 5
    assert "and 2 more, too" in line


def test_the_rules_of_a_family_stand_together(library_folder: Path) -> None:
    headings = re.findall(r"^## (.+)$", page_of(site_of(library_folder), RULES), re.MULTILINE)
    assert len(headings) == len(set(headings)) > 10


def test_an_adopted_record_is_listed_with_its_first_prose(library_folder: Path) -> None:
    path = library_folder / "postmortems" / "2026-05-01-theirs.md"
    head = "title: The cluster was gone\ndate: 2026-05-01\nstatus: published\nform: adopted\n"
    said = "At noon the whole cluster stopped to answer, and nobody was told."
    path.write_text(f"---\n{head}---\n\n## What went on\n\n{said}\n", encoding="utf-8")
    site = site_of(library_folder)
    assert said in page_of(site, INCIDENTS)
    # Nobody asked of it what it does not say.
    assert "not known" not in page_of(site, f"{INCIDENTS}/2026-05-01-theirs")


def test_the_answers_are_one_sentence_where_they_say_something() -> None:
    def answered(*verdicts: str) -> tuple[QuestionAnswer, ...]:
        questions = (
            "Are incidents repeating?",
            "Are we detecting faster?",
            "Did we do what we promised?",
        )
        pairs = zip(questions, verdicts, strict=True)
        return tuple(QuestionAnswer(question, verdict, (), ()) for question, verdict in pairs)

    said = "Incidents repeat, detection has not clearly changed and promises are not kept in time."
    assert headline(answered("yes", "no clear change", "no")) == said
    assert headline(answered("too few to say", "yes", "cannot tell")) == "Detection gets faster."
    assert headline(answered("too few to say", "too few to say", "too few to say")) == ""


def test_pages_carry_nothing_that_only_search_reads(example_library: Path) -> None:
    site = site_of(example_library)
    page = next(page for page in all_pages(site) if page.path == f"{INCIDENTS}/{EXAMPLE_ID}")
    assert "data-pagefind-ignore" in page.body
    assert "data-pagefind" not in page_text(page, site)
    said = replace(page, body="<p>the attribute data-pagefind-ignore&gt; is shown</p>")
    assert "the attribute data-pagefind-ignore&gt; is shown" in page_text(said, site)


def test_nothing_that_stands_among_drawn_items_is_lost(library_folder: Path) -> None:
    timeline = (
        "## Timeline\n\n- 2026-04-12 03:14 UTC — it paid\n  and paid\n    - NESTED\n"
        "- ~04:00 NEARLY\n\n```html\n<!-- PAYLOAD -->\n```\n\n"
        "## Action items\n\n- [ ] A1: a key — owner: o, due: 2026-05-01, lever: code\n"
        "- PLAIN promise\n"
    )
    written(library_folder, "2026-04-12-paid", body=timeline)
    body = page_of(site_of(library_folder), "incidents/2026-04-12-paid")
    for word in ("it paid", "NESTED", "NEARLY", "PAYLOAD", "a key", "PLAIN promise"):
        assert body.count(word) == 1, word


def test_a_page_leads_with_what_was_ruled_out_and_by_what(library_folder: Path) -> None:
    ruled = "RULED_OUT: a stale price — both charges have it\nCONFIDENCE: high"
    body = f"## Root cause\n\n```evidence\n{ruled}\n```\n\n### Code\n\nIt retried.\n"
    written(library_folder, "2026-04-12-paid", body=body)
    page = page_of(site_of(library_folder), "incidents/2026-04-12-paid")
    box, _, rest = page.partition("</aside>")
    assert "Ruled out then" in box
    assert "a stale price — both charges have it" in box
    assert "a stale price — both charges have it" in rest
    assert "Confidence" in rest


WALL = """\
walls:
  - tool: shell
    command: terraform destroy
    verdict: deny
    reason: It took <production> down.
    stops: terraform destroy -auto-approve
    passes: terraform plan
  - {id: W2, tool: pay, arguments: {$.amount: "> 100"}, verdict: ask, reason: It paid twice.}
"""


def test_a_page_shows_a_wall_with_what_it_denies_its_reason_and_its_proof(
    library_folder: Path,
) -> None:
    written(library_folder, "2026-04-12-paid", front=WALL)
    body = page_of(site_of(library_folder), "incidents/2026-04-12-paid")
    shown = " ".join(re.sub(r"<[^>]+>", " ", body.partition("## Walls")[2]).split())
    assert "deny shell (terraform destroy) W1 It took &lt;production&gt; down." in shown
    assert "Proved: stops: terraform destroy -auto-approve; lets pass: terraform plan." in shown
    assert "ask pay ($.amount &gt; 100) W2" in shown
    assert "Not proved: nothing shows that it stops: write &#39;stops&#39;" in shown
    assert "walls:" not in body
    # Their section is enough.
    assert "<dt>Walls</dt>" not in body


def test_a_draft_says_from_when_its_walls_hold_and_outsiders_see_none(library_folder: Path) -> None:
    path = written(library_folder, "2026-04-12-paid", front=WALL)
    path.write_text(path.read_text("utf-8").replace("status: published", "status: draft"), "utf-8")
    wanted = SiteRequest(NOW, no_search, INTERNAL, with_drafts=True)
    site = gather(open_library(library_folder), open_repo(library_folder), wanted)
    assert "once the record is published" in page_of(site, "incidents/2026-04-12-paid")
    assert site_of(library_folder, EXTERNAL).wall_proofs == {}


def test_a_mark_in_code_opens_no_comment(library_folder: Path) -> None:
    written(library_folder, "2026-04-12-paid", body="It said `<!--` and went on.\n\nAFTER")
    assert "AFTER" in page_of(site_of(library_folder), "incidents/2026-04-12-paid")


def test_a_class_page_says_most_only_of_more_than_half(library_folder: Path) -> None:
    for number, control in enumerate(("idempotency-key", "approval-gate", "output-verifier")):
        front = f"classes: [policy-bypass]\nmissing_control: {control}\nroute: unknown\n"
        written(library_folder, f"2026-04-1{number}-paid", front=front)
    site = site_of(library_folder)
    body = page_of(site, "classes/policy-bypass")
    assert "What was missing most often" in body
    assert "caught most" not in body
    assert "Missing in 1 of 3 each" in body
    assert "routes/unknown" not in {page.path for page in all_pages(site)}


# Link previews


def with_address(folder: Path) -> Path:
    (folder / "kb.toml").write_text(f'[site]\nurl = "{ADDRESS}"\n', encoding="utf-8")
    return folder


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
def test_every_page_of_a_site_that_knows_its_address_has_a_picture(
    example_library: Path, engine: str
) -> None:
    pytest.importorskip("PIL")
    pytest.importorskip("material" if engine == "mkdocs" else "zensical")
    with_address(example_library)
    build = Build(example_library / "site", engine)
    folder = build_site(
        open_library(example_library), site_of(example_library), build, lambda text: None
    ).folder
    for page in folder.rglob("index.html"):
        html = page.read_text(encoding="utf-8")
        found = PICTURE.search(html)
        assert found, page
        assert found[1].startswith(f"{ADDRESS}/cards/")
        assert (folder / found[1].removeprefix(f"{ADDRESS}/")).is_file()
        assert 'name="twitter:card" content="summary_large_image"' in html


@pytest.mark.site
def test_pages_carry_their_own_icon(example_library: Path) -> None:
    build = Build(example_library / "site")
    folder = build_site(
        open_library(example_library), site_of(example_library), build, lambda text: None
    ).folder
    assert 'rel="icon" href="assets/kb/icon.svg"' in (folder / "index.html").read_text()
    assert (folder / "assets/kb/icon.svg").is_file()


def test_a_site_without_an_address_names_no_picture(example_library: Path) -> None:
    site = site_of(example_library)
    assert cards_of(site) == {}
    assert "example.org" not in "".join(page_text(page, site)[:400] for page in all_pages(site))


def test_a_card_is_small_and_as_large_as_previews_ask_for(library_folder: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    cards = cards_of(site_of(with_address(casebook(library_folder))))
    write_cards(cards.values(), library_folder / "new", library_folder / "none")
    pictures = list((library_folder / "new" / "cards").iterdir())
    assert len(pictures) == len({card.path for card in cards.values()})
    for picture in pictures:
        assert picture.stat().st_size <= 15_000
        assert image.open(picture).size == (1200, 630)


def test_a_card_that_is_there_is_not_drawn_again(example_library: Path, tmp_path: Path) -> None:
    pytest.importorskip("PIL")
    cards = cards_of(site_of(with_address(example_library)))
    first = cards[HOME]
    (tmp_path / "before" / "cards").mkdir(parents=True)
    (tmp_path / "before" / first.path).write_bytes(b"as it was")
    write_cards([first], tmp_path / "new", tmp_path / "before")
    assert (tmp_path / "new" / first.path).read_bytes() == b"as it was"


def test_a_title_the_font_cannot_write_has_the_card_of_its_class(library_folder: Path) -> None:
    pytest.importorskip("PIL")
    path = written(library_folder, "2026-01-02-x", front="classes: [duplicate-side-effect]\n")
    text = path.read_text(encoding="utf-8").replace("The agent paid twice", "代理付款两次")
    path.write_text(text, encoding="utf-8")
    cards = cards_of(site_of(with_address(library_folder)))
    assert cards["incidents/2026-01-02-x"].title == "Duplicate side effect"


def test_cards_beyond_the_newest_are_shared(library_folder: Path) -> None:
    pytest.importorskip("PIL")
    site = site_of(with_address(casebook(library_folder)))
    one = site.records[0]
    many = tuple(replace(one, id=f"{one.id}-{n}", title=f"Number {n}") for n in range(400))
    cards = cards_of(replace(site, records=many))
    assert len(cards) == 401
    assert len({card.path for card in cards.values()}) == 302


def test_cards_of_the_edition_for_others_hold_nothing_internal(library_folder: Path) -> None:
    pytest.importorskip("PIL")
    internal = (
        "route: CANARYroute\ntools: [CANARYtool]\nowners: [CANARYowner]\nvisibility: external\n"
        "classes: [context-leak]\nagent: {name: CANARYagent}\naffected_customers: [canary-one]\n"
        "clocks:\n  route_start: 2026-01-02T01:01:01Z\n  first_impact: 2026-01-02T09:00:00Z\n"
        "  detected: 2026-01-02T10:00:00Z\n  contained: 2026-01-02T11:00:00Z\n"
    )
    truth = "## Customer-visible truth\n\nCUSTOMER_SAW: two payments\n"
    path = written(library_folder, "2026-01-02-canary-file", front=internal, body=truth)
    text = path.read_text(encoding="utf-8").replace("paid twice", "paid canary-one twice")
    path.write_text(text, encoding="utf-8")
    cards = cards_of(approved_site(with_address(library_folder)))
    assert "canary" not in repr(cards).lower()
    (own,) = (card for page, card in cards.items() if page != HOME)
    assert own.title == "The agent paid Customer A twice"
    assert [name for name, _ in own.bars] == ["detected", "contained"]


# Copies for machines


@pytest.mark.parametrize("edition", [INTERNAL, EXTERNAL])
def test_every_copy_for_machines_keeps_what_its_schema_promises(
    library_folder: Path, edition: Edition
) -> None:
    folder = casebook(library_folder)
    files = dict(data_files(site_of(folder, edition)))
    schemas = {
        name: jsonschema.Draft202012Validator(json.loads(text))
        for name, text in files.items()
        if name.startswith("data/schemas/")
    }
    seen = set()
    for name, text in files.items():
        if not name.endswith(".json") or name in schemas:
            continue
        kind = "incident" if name.startswith("data/incidents/") else Path(name).stem
        schemas[f"data/schemas/{kind}.schema.json"].validate(json.loads(text))
        seen.add(kind)
    assert seen >= {"incidents"} | ({"incident", "metrics"} if edition is INTERNAL else set())


def test_a_copy_holds_the_facts_the_sections_and_the_promises(example_library: Path) -> None:
    files = dict(data_files(site_of(example_library)))
    record = json.loads(files[f"data/incidents/{EXAMPLE_ID}.json"])
    assert record["schema"] == "kb.incident/1"
    assert record["clocks"]["detected"] == "2026-04-15T08:20:00Z"
    assert record["actions"][0]["label"] == "A1"
    assert {"duplicate-side-effect", "outcome-assert-gap"} == set(record["classes"])
    assert ["TOOL", "charge"] in next(
        s["fields"] for s in record["sections"] if s["key"] == "idempotency"
    )


def test_the_metrics_as_rows_are_numbers_and_their_records_stand_in_the_json(
    example_library: Path,
) -> None:
    files = dict(data_files(site_of(example_library)))
    rows = list(csv.DictReader(io.StringIO(files["data/metrics.csv"])))
    measures = json.loads(files["data/metrics.json"])["metrics"]
    assert {row["name"] for row in rows} == set(measures)
    assert {row["records"] for row in rows} == {row["hits"] for row in rows} == {""}
    assert any(row["value"] for row in rows)
    assert any(EXAMPLE_ID in measure["records"] for measure in measures.values())


def test_half_a_character_does_not_stop_the_copies(library_folder: Path) -> None:
    written(library_folder, "2026-01-02-x", front='route: "a\\ud800b"\n')
    assert '"incidents"' in dict(data_files(site_of(library_folder)))["data/incidents.json"]


# Promises


PROMISES = (
    "## Action items\n\n- [ ] A1: ask before paying — owner: payments, due: 2026-02-02, "
    "lever: code, gate: restart\n- [-] A2: page somebody — owner: payments, due: 2026-02-02, "
    "lever: alert, gate: restart\n"
)


def test_the_promises_of_others_are_never_called_open(library_folder: Path) -> None:
    written(library_folder, "2026-01-02-x", front="origin: public\nclasses: [y]\n", body=PROMISES)
    site = site_of(library_folder)
    actions, incident, word = (
        page_of(site, path) for path in ("actions", "incidents/2026-01-02-x", "classes/y")
    )
    assert "1 action whose completion is not public" in actions
    assert "of 1 the completion is not public" in word
    for body in (actions, incident, word):
        assert ">not public</span>" in body
        assert ">open</span>" not in body
        assert "overdue" not in body


def test_our_own_open_promises_are_overdue(library_folder: Path) -> None:
    written(library_folder, "2026-01-02-x", front="route: refunds\n", body=PROMISES)
    body = page_of(site_of(library_folder), "actions")
    assert "1 open action, 1 overdue; 1 cancelled." in body


def test_a_page_leads_with_the_gate_it_holds_and_the_promises_that_are_late(
    library_folder: Path,
) -> None:
    written(
        library_folder,
        "2026-04-12-paid",
        front="route: refunds-agent\n",
        body="## Action items\n\n"
        "- [ ] A1: a key — owner: o, due: 2026-05-01, lever: code, gate: restart\n"
        "- [ ] A2: a test — owner: o, due: 2099-05-01, lever: code\n",
    )
    body = page_of(site_of(library_folder), "incidents/2026-04-12-paid")
    late = (NOW.date() - date(2026, 5, 1)).days
    assert body.index("refunds-agent</a> is held by A1: a key") < body.index("kb-facts")
    assert f"1 action overdue</a>, the longest by {late} days." in body
    assert body.count(f"{late} days overdue") == 1


def test_an_earlier_incident_stands_once_and_what_is_different_is_folded(
    library_folder: Path,
) -> None:
    for name in ("2026-01-02-x", "2026-01-03-y"):
        written(library_folder, name)
    written(
        library_folder,
        "2026-04-12-paid",
        body="## Counterfactual\n\nFIRST_OF_CLASS: no\n\n"
        "- [repeat] [2026-01-02-x](2026-01-02-x.md) — same key, fix existed: yes\n"
        "- [different] [2026-01-03-y](2026-01-03-y.md) — other tool, fix existed: no\n"
        "- [related] [2019-01-03-gone](2019-01-03-gone.md) — no page\n",
    )
    body = page_of(site_of(library_folder), "incidents/2026-04-12-paid")
    assert body.count("same key") == body.count("other tool") == body.count("no page") == 1
    assert "2019-01-03-gone" in body[body.index("Counterfactual") : body.index("Related")]
    folded = body[body.index("kb-different") :]
    assert "1 incident looks alike and is different" in folded
    assert "other tool" in folded
    assert "same key" not in folded


def test_a_gate_that_was_cancelled_without_a_signature_says_so(library_folder: Path) -> None:
    written(library_folder, "2026-01-02-x", front="route: refunds\n", body=PROMISES)
    gates = page_of(site_of(library_folder), HOME).partition("kb-gate-rows")[2]
    first, second = gates.split("<li>")[1:3]
    assert "ask before paying" in first
    assert "cancelled" not in first
    assert "page somebody" in second
    assert "no sign-off names it" in second


# Clocks, charts and words


def test_a_single_stretch_of_time_is_said_and_not_drawn() -> None:
    impact = datetime(2026, 1, 2, 9, tzinfo=UTC)
    one = drawn_clocks(Clocks(first_impact=impact, detected=impact.replace(hour=10)))
    assert "<svg" not in one
    assert "1 h" in one
    two = drawn_clocks(
        Clocks(
            first_impact=impact,
            detected=impact.replace(hour=10),
            contained=impact.replace(hour=11),
        )
    )
    assert "<svg" in two


def drawn_clocks(clocks: Clocks) -> str:
    return render("incident_clocks.html", clocks=strip(clocks))


def test_what_was_seen_at_once_stands_on_the_ground_line() -> None:
    day = date(2026, 1, 2)
    chart = duration_chart(
        [charts.Dot(day, minutes, "x", "y") for minutes in (-5, 0, 1, 1000)], DurationFacts()
    )
    heights = [float(y) for y in re.findall(r'<circle[^>]* cy="([\d.]+)"', chart)]
    assert heights[0] == heights[1] == 206
    assert heights[1] - heights[2] > 5


def test_the_marks_of_an_axis_are_round_in_their_own_units_and_a_table_has_one_unit() -> None:
    short = ["0", "1 min", "10 min", "1 h"]
    assert [word for _, word in axis_marks(100)] == short
    assert [word for _, word in axis_marks(30_000)] == [*short, "6 h", "1 d", "10 d"]
    assert format_alike([54, None, 306], "minutes") == ("0.9 h", "–", "5.1 h")
    assert format_alike([0.5, 1], "share") == ("50 %", "100 %")


def test_an_interval_names_both_units_where_they_differ_and_one_value_once() -> None:
    assert said_interval(118, 17_280, "minutes") == "2 h–12 days"
    assert said_interval(15, 17_280, "minutes") == "15 min–12 days"
    assert said_interval(90, 110, "minutes") == "90–110 min"
    assert said_interval(0, 0, "minutes") == "0 min"
    assert said_interval(0.31, 0.6, "share") == "31–60 %"


def dots_of(*minutes: float) -> list[charts.Dot]:
    start = date(2024, 1, 2)
    return [
        charts.Dot(start + timedelta(days=7 * n), value, "x", "y")
        for n, value in enumerate(minutes)
    ]


def test_no_line_through_time_is_drawn_where_the_text_claims_no_change() -> None:
    ups = [10.0, 200.0, 15.0, 90.0, 30.0, 60.0, 12.0, 150.0, 45.0, 80.0]
    still = duration_chart(dots_of(*ups), DurationFacts(52, 15, 150, goal_minutes=30))
    assert "running median" not in still
    assert ">median 52 min</text>" in still
    assert 'class="kb-band"' in still
    moving = duration_chart(dots_of(*ups), DurationFacts(52, 15, 150, is_changing=True))
    assert ">running median of 5</text>" in moving
    assert 'class="kb-band"' not in moving
    assert ">goal 30 min</text>" in still


def test_a_chart_says_what_its_marks_are() -> None:
    few, many = dots_of(10, 20), dots_of(*[float(n % 60) for n in range(200)])
    still, moving = DurationFacts(15, 10, 20), DurationFacts(15, is_changing=True)
    assert how_durations_are_read(few, still) == (
        "A dot is an incident, the line the median of all, the band its 95 % interval."
    )
    assert how_durations_are_read(many, moving) == (
        "A dot is the median of a quarter, its bar the middle half, the line the running median."
    )


def test_a_running_median_does_not_follow_one_outlier() -> None:
    assert running_median([5, 5, 9000, 5, 5], 3) == [5, 5, 5, 5, 5]


def test_many_incidents_are_drawn_by_quarter() -> None:
    chart = duration_chart(dots_of(*[float(n % 60) for n in range(200)]), DurationFacts())
    assert chart.count("<circle") == 16
    assert "Jan 2024: median " in chart


def test_shares_stand_on_an_axis_from_none_to_all_with_their_intervals() -> None:
    parts = [MetricPart("year", "2025", 0.5, 4, 0.15, 0.85), MetricPart("year", "2026", None, 0)]
    chart = charts.shares(parts, 0.9)
    assert all(f">{word}</text>" in chart for word in ("0 %", "50 %", "100 %", "goal 90 %"))
    assert chart.count('class="kb-span"') == 1
    # 15 % and 85 % of the height of the axis, whatever the values are.
    assert 'M143.5 149.5V44.5"' in chart


def test_a_sentence_does_not_end_behind_an_abbreviation() -> None:
    text = "A firm filed Mata v. Avianca with e.g. six decisions. They did not exist."
    assert cut(text, 60) == "A firm filed Mata v. Avianca with e.g. six decisions."


def test_a_cut_text_ends_in_no_comma() -> None:
    assert (
        cut("It advised a deficit, calorie counting, and weighing", 24) == "It advised a deficit…"
    )


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        ("It paid.\n\nDAMAGED: 4,200 USD of two customers", "4,200 USD of two customers"),
        # The title again, in another order, is nothing new.
        ("Twice the agent paid.\n\nDAMAGED: the trust of two", "the trust of two"),
        ("It paid.\n\nDAMAGED: unknown", "It paid."),
        (
            "A retry without a key sent the refund to the bank again.\n\nDAMAGED: money",
            "A retry without a key sent the refund to the bank again.",
        ),
        # Names keep their underscores, whether they are marked as code or not.
        (
            "The agent called `pay_courier` and *then* [pay_courier_now](x_y.md), as 2 * 3 * 4.",
            "The agent called pay_courier and then pay_courier_now, as 2 * 3 * 4.",
        ),
    ],
)
def test_a_list_says_what_was_damaged_where_a_summary_begins_with_nothing(
    library_folder: Path, summary: str, said: str
) -> None:
    path = written(library_folder, "2026-03-01-paid-twice")
    path.write_text(path.read_text(encoding="utf-8").replace("It paid.", summary), encoding="utf-8")
    assert f'<p class="kb-lead">{said}</p>' in page_of(site_of(library_folder), INCIDENTS)


def test_a_day_in_a_record_is_written_as_every_day_of_the_site(library_folder: Path) -> None:
    evidence = "## Customer-visible truth\n\nTOLD_US_BY: 2026-02-30\nTOLD_US_AT: 2026-03-02\n"
    action = "## Action items\n\n- [x] A1: key — owner: us, closed: 2026-04-05\n"
    written(library_folder, "2026-03-01-paid-twice", body=f"{evidence}\n{action}")
    body = page_of(site_of(library_folder), "incidents/2026-03-01-paid-twice")
    assert "<i>closed</i> 5 Apr 2026</span>" in body
    assert "<dd>2 Mar 2026</dd>" in body
    assert "<dd>2026-02-30</dd>" in body


def test_a_rule_says_why_in_one_sentence_before_it_is_opened(library_folder: Path) -> None:
    body = page_of(site_of(library_folder), RULES)
    rows = re.findall(r"<summary>(.*?)</summary>", body)
    assert len(rows) == len(list(all_rules()))
    assert all(re.search(r'<span class="kb-why">[^<]+\.</span>$', row) for row in rows)
    assert '<span class="kb-why">A record is read by people.</span></summary>' in body
    assert body.count("A record is read by people.") == 1


def test_the_home_page_has_the_subtitle_of_its_team_and_outsiders_the_shipped_one(
    library_folder: Path,
) -> None:
    (library_folder / "kb.toml").write_text('[site]\nsubtitle = "What our agents did"\n')
    written(library_folder, "2026-03-01-paid-twice")
    site = site_of(library_folder)
    assert "<p>What our agents did. 1 postmortem.</p>" in page_of(site, HOME)
    assert "What our agents did" not in page_of(site_of(library_folder, EXTERNAL), HOME)


def test_minutes_are_said_in_larger_units_first(example_library: Path) -> None:
    body = page_of(site_of(example_library), f"incidents/{EXAMPLE_ID}")
    assert "3 days 5 h <small>4,626 min</small>" in body


def test_a_fixture_is_a_link_to_its_file(example_library: Path) -> None:
    body = page_of(site_of(example_library), f"incidents/{EXAMPLE_ID}")
    assert f'files/{EXAMPLE_ID}/fixture.json">' in body


# In a browser


LONG = "a_table_whose_name_" + "goes_on_" * 12 + "for_ever"
WIDE = f"classes: [policy-bypass]\ntools: [{LONG}]\nroute: {LONG}\n"
DIAGRAM = "## Agent path\n\n```mermaid\ngraph TD\n\n  A[ask] --> B[pay]\n```\n"


@pytest.fixture(scope="module", params=["mkdocs", "zensical"])
def printed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A site of the worked example, the longest cases, and a record with a diagram."""
    pytest.importorskip("material" if request.param == "mkdocs" else "zensical")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "postmortems").mkdir()
    (folder / "kb.toml").write_text("", encoding="utf-8")
    longest = sorted((ROOT / "postmortems").glob("20*.md"), key=lambda path: -path.stat().st_size)
    example = ROOT / f"kb/data/example/{EXAMPLE_ID}.md"
    for path in (*longest[:3], example):
        shutil.copy(path, folder / "postmortems")
    written(folder, "2026-01-02-diagram", body=DIAGRAM)
    columns = "| " + " | ".join(f"column {n} {LONG[:24]}" for n in range(8)) + " |\n"
    table = columns + "|---" * 8 + "|\n" + columns
    wide = written(folder, "2026-09-30-wide", front=WIDE, body=f"## Lessons\n\n{table}")
    wide.write_text(wide.read_text("utf-8").replace("The agent paid twice", f"It lost {LONG}"))
    site = site_of(folder)
    build_site(open_library(folder), site, Build(folder / "site", request.param), lambda text: None)
    ids = [record.id for record in site.records]
    assert EXAMPLE_ID in ids
    for address in served(folder / "site"):
        yield address, ids


@pytest.mark.browser
@pytest.mark.site
def test_a_diagram_is_readable_text_and_nobody_is_asked_for_what_draws_it(
    browser: Any, printed: tuple[str, list[str]]
) -> None:
    address, _ = printed
    context = browser.new_context()
    visit = Visit(context.new_page(), address)
    visit.listen()
    visit.page.goto(f"{address}incidents/2026-01-02-diagram/", wait_until="networkidle")
    assert "A[ask] --> B[pay]" in visit.page.locator("pre").inner_text()
    assert visit.page.get_by_text("A diagram, as its Mermaid source").is_visible()
    assert visit.page.locator(".mermaid").count() == 0
    context.close()
    assert visit.wrong == []


@pytest.mark.browser
@pytest.mark.site
def test_the_example_and_the_longest_cases_print_on_four_pages(
    browser: Any, printed: tuple[str, list[str]]
) -> None:
    address, ids = printed
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    for record_id in ids:
        page.goto(f"{address}incidents/{record_id}/")
        pdf = page.pdf(prefer_css_page_size=True)
        assert max(int(count) for count in re.findall(rb"/Count (\d+)", pdf)) <= 4, record_id
    context.close()


@pytest.mark.browser
@pytest.mark.site
def test_paper_is_white_whatever_the_screen_was(
    browser: Any, printed: tuple[str, list[str]]
) -> None:
    address, _ = printed
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"{address}incidents/{EXAMPLE_ID}/")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")
    ink = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert max(int(part) for part in re.findall(r"\d+", ink)[:3]) < 80
    context.close()


@pytest.fixture(params=[390, 320])
def phone(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": request.param, "height": 800})
    yield context.new_page()
    context.close()


@pytest.mark.browser
@pytest.mark.site
def test_a_long_word_makes_no_page_wider_than_the_phone(
    phone: Any, printed: tuple[str, list[str]]
) -> None:
    for path in (
        "",
        "incidents/",
        "incidents/2026-09-30-wide/",
        "classes/policy-bypass/",
        "tools/",
    ):
        phone.goto(printed[0] + path)
        width = phone.evaluate("document.documentElement.scrollWidth")
        assert width <= phone.viewport_size["width"], path


@pytest.mark.browser
@pytest.mark.site
def test_no_entry_of_the_menu_is_cut_on_a_phone(phone: Any, printed: tuple[str, list[str]]) -> None:
    phone.goto(printed[0])
    width = phone.viewport_size["width"]
    for link in phone.locator(".kb-nav a").all():
        box = link.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width


def test_the_lexicon_folds_accents_however_they_are_written() -> None:
    html = "<p title='no'>Caf\u00e9 cafe\u0301s \ufb01x \u2013 &Auml;rger \uff21\uff22</p>"
    assert page_words(html) == {"cafe", "cafes", "fix", "arger", "ab"}


def test_visible_tags_are_words_of_the_lexicon() -> None:
    assert page_words("<p>&lt;result&gt; of</p>") == {"result", "of"}


def test_in_an_excerpt_neighbours_are_two_words() -> None:
    body = "<dl><dd>380 each way</dd><dd>a refund</dd></dl><li>speech<small>left here</small></li>"
    page = SitePage("incidents/x", "t", body, searchable=True)
    assert "each way</dd> <dd>a refund" in searched_html(page)
    assert "speech <small>left" in searched_html(page)


def test_a_number_that_nobody_knows_does_not_weigh_like_one_that_is_known(
    library_folder: Path,
) -> None:
    written(library_folder, "2026-05-01-adopted", front="form: adopted\ncustomers_affected: 12\n")
    page = page_of(site_of(library_folder), f"{INCIDENTS}/2026-05-01-adopted")
    assert '<div class="kb-figure"><dt>Customers affected</dt><dd>12</dd>' in page
    assert '<div class="kb-figure kb-unknown"><dt>Impact to detection</dt>' in page


def test_many_incidents_are_columns_on_a_time_line_and_few_are_dots() -> None:
    few, many = charts.moments(dots_of(*range(5))), charts.moments(dots_of(*range(300)))
    assert (few.count("kb-dot"), few.count("kb-column")) == (5, 0)
    assert many.count("kb-dot") == 0
    counted = [int(n) for n in re.findall(r": (\d+) incidents?</title>", many)]
    assert sum(counted) == 300
    assert len(counted) <= 70


def test_a_chart_of_nothing_is_not_drawn(library_folder: Path) -> None:
    written(library_folder, "2026-05-01-adopted", front="form: adopted\n")
    assert "(n 0)" not in page_of(site_of(library_folder), "metrics")


def test_what_nobody_compared_or_timed_is_said_in_a_sentence(library_folder: Path) -> None:
    written(library_folder, "2026-05-01-adopted", front="form: adopted\n")
    home = page_of(site_of(library_folder), HOME)
    assert "No incident was compared with earlier ones yet." in home
    assert "No incident says when it began and when it was detected." in home


def test_how_likely_related_incidents_are_is_said_once_for_those_alike(
    library_folder: Path,
) -> None:
    shares = {"2026-01-02-a": 0.987, "2026-01-03-b": 0.941, "2026-01-04-c": 0.658}
    for name in (*shares, "2026-01-05-d", "2026-01-06-e"):
        written(library_folder, name)
    named = "## Counterfactual\n\n- [repeat] [2026-01-05-d](2026-01-05-d.md) — the same key\n"
    written(library_folder, "2026-04-12-paid", body=named)
    found = tuple(RelatedRecord(name, share) for name, share in shares.items())
    site = site_beside(library_folder, {"2026-04-12-paid": found})
    body = page_of(site, "incidents/2026-04-12-paid")
    said = re.findall(r'kb-likelihood">(.*?)</p>|<h3><a href="kb:../([^/]*)/', body)
    assert [a or b for a, b in said] == [
        *("Named by its author", "2026-01-05-d"),
        *("Very likely of the same class <small>94–99 %</small>", "2026-01-02-a", "2026-01-03-b"),
        *("Likely of the same class <small>66 %</small>", "2026-01-04-c"),
    ]
    copy = dict(data_files(site))["data/incidents/2026-04-12-paid.json"]
    related = {one["id"]: one["probability"] for one in json.loads(copy)["related"]}
    assert related == {**shares, "2026-01-05-d": None}


def test_what_is_quoted_of_a_related_incident_begins_where_it_is_like_this_one() -> None:
    passage = "PocketOS makes software for car rental. One call deleted its database volume. So."
    words = telling_words("An agent deleted the production database")
    assert cut_at_words(passage, words, 60) == "One call deleted its database volume. So."
    assert cut_at_words(passage, frozenset(), 60) == "PocketOS makes software for car rental."


def test_the_value_of_many_shares_stands_above_its_interval_and_within_the_chart() -> None:
    parts = [MetricPart("", f"2025 Q{n}", 0.5, 9, 0.2, 0.8) for n in range(1, 9)]
    few, many = charts.shares(parts[:3]), charts.shares(parts)
    assert few.count('class="kb-value kb-left"') == 3
    ends = [float(x) for x in re.findall(r'<text class="kb-value" x="([\d.]+)"', many)]
    assert len(ends) == 8
    assert max(ends) + 20 <= charts.CHART_WIDTH
