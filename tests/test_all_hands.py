"""The page of the all-hands: nothing is claimed of what nobody looked at, and all that is known."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from kb.cli import main
from kb.library import open_library
from kb.metrics.all_hands_sentences import (
    news_sentences,
    promise_sentences,
    repeat_sentences,
    window_note,
    window_title,
)
from kb.metrics.compute_page import page_of, read_all, read_as_of
from kb.metrics.result_types import AllHands, MetricsPage
from kb.repo import open_repo
from kb.site.content import EXTERNAL, Site
from kb.site.gather import SiteRequest, gather
from kb.site.links import ALL_HANDS, HOME, METRICS
from kb.site.machine.atom_json_csv import atom
from kb.site.related_incidents import no_search
from kb.site.write import all_pages

from conftest import git_in
from twelve_records import NOW, TODAY, twelve, write

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library of twelve records."""
    return write(tmp_path_factory.mktemp("twelve"))


@pytest.fixture(scope="module")
def page(folder: Path) -> MetricsPage:
    return page_in(folder)


@pytest.fixture(scope="module")
def seen(page: MetricsPage) -> AllHands:
    assert page.all_hands
    return page.all_hands


def page_in(folder: Path) -> MetricsPage:
    library, repo = open_library(folder), open_repo(folder)
    return page_of(read_all(library, repo, read_as_of(repo, None, NOW)))


def site_in(folder: Path) -> Site:
    return gather(open_library(folder), open_repo(folder), SiteRequest(NOW, no_search))


def text_of(site: Site, path: str) -> str:
    """The words of a page as it is handed to an engine."""
    [body] = [one.body for one in all_pages(site) if one.path == path]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", body)).replace("\N{WORD JOINER}", "")


# --- twelve records, counted by hand -------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "n", "unknown"),
    [
        # 11 incidents; 3 nobody looked at; the renewal mail and the second refund repeat the first.
        ("repeat_rate", 2 / 8, 8, 3),
        # The comparison with the ledger had been open both times.
        ("preventable_repeats", 2, 2, 0),
        # 10 15 20 30 45 [60] 90 120 240 480 600
        ("detection_chain", 60, 11, 0),
        ("detected_within_30_minutes", 4 / 11, 11, 0),
        ("detected_within_4_hours", 9 / 11, 11, 0),
        # Customer, customer, public, billing, customer.
        ("found_by_others", 5 / 11, 11, 0),
        # 14 actions, 2 younger than 30 days; of 12 one was closed after 62 days, 3 are open.
        ("action_completion", 8 / 12, 12, 0),
        ("actions_open", 5, 5, 0),
        ("actions_overdue", 2, 5, 0),
        # One took 72 hours, one has neither date.
        ("review_time", 24, 11, 0),
        ("reviewed_in_time", 10 / 11, 11, 1),
        # Days from noon after the incident to noon of the merge: 6 6 6 6 and 7 seven times, 12.
        ("time_to_publish", 7, 12, 0),
        ("near_miss_share", 1 / 12, 12, 0),
        ("reading_list", 3, 12, 0),
    ],
)
def test_a_library_counted_by_hand_gives_every_number(
    page: MetricsPage, name: str, value: float, n: int, unknown: int
) -> None:
    found = page.measure(name)
    assert found.value == pytest.approx(value)
    assert (found.n, found.unknown) == (n, unknown)


def test_its_halves_and_its_quartiles_are_those_counted_by_hand(page: MetricsPage) -> None:
    chain = page.measure("detection_chain")
    earlier, later = chain.parts_by("half")
    assert (chain.lower_quartile, chain.upper_quartile) == (25, 180)
    assert ((earlier.value, earlier.n), (later.value, later.n)) == ((240, 5), (25, 6))
    assert chain.change == "fall"
    assert [answer.verdict for answer in page.answers] == ["yes", "yes", "too close to say"]


def test_its_all_hands_knows_what_is_new_repeats_and_was_promised(seen: AllHands) -> None:
    assert seen.since == date(2026, 5, 29)
    assert [(new.record[11:], new.severity, str(new.published)) for new in seen.new] == [
        ("refund-paid-twice-again", "SEV1", "2026-06-03"),
        ("schema-changed-under-the-agent", "SEV2", "2026-06-10"),
        ("summary-named-a-customer", "SEV3", "2026-06-24"),
    ]
    assert [new.repeats for new in seen.repeats] == [("2025-11-04-refund-paid-twice",)]
    assert [promise.is_late for promise in seen.kept] == [False, True]
    assert [promise.days_overdue for promise in seen.broken] == [197, 31]
    assert [str(promise.due) for promise in seen.due] == ["2026-07-10", "2026-07-15", "2026-07-20"]


def test_its_sentences_can_be_read_out(seen: AllHands) -> None:
    assert window_title(seen) == "Since the last all-hands on 29 May 2026"
    assert window_note(seen) == ""
    said = [" ".join(find(seen)) for find in (news_sentences, repeat_sentences, promise_sentences)]
    assert said == [
        "3 records were published: 1 SEV1, 1 SEV2, 1 SEV3.",
        "Of 2 new incidents looked at, 1 repeats an earlier one. 1 new incident was not looked at.",
        "2 promises kept, 1 of them late. 2 overdue, 1 of them since 29 May 2026. "
        "3 due within 30 days.",
    ]


def test_its_page_says_all_of_it_with_a_lesson_a_record(folder: Path) -> None:
    text = text_of(site_in(folder), ALL_HANDS)
    for words in (
        "2 of 8 incidents looked at repeat an earlier one: 25 % (95 %",
        "3 more incidents were not looked at",
        "The fix we promised in November would have paged us in the first minute.",
        "No lesson is written.",
        "open for 196 days when it came again",
        "197 days overdue",
        "Overdue by owner: payments 1, sales 1.",
        "incidents, 1 near-miss)",
        "kept 12 Jun 2026 , late",
    ):
        assert words in text
    for absent in ("wall", "Does it hold", "–1"):
        assert absent not in text


def test_its_home_page_leads_to_it(folder: Path) -> None:
    text = text_of(site_in(folder), HOME)
    assert "Since the last all-hands on 29 May 2026 3 records were published" in text


def test_outsiders_have_no_page_of_it(folder: Path) -> None:
    wanted = SiteRequest(NOW, no_search, EXTERNAL)
    site = gather(open_library(folder), open_repo(folder), wanted)
    pages = {one.path: one.body for one in all_pages(site)}
    assert ALL_HANDS not in pages
    assert "all-hands" not in pages[HOME]


def test_walls_and_effects_are_shown_where_records_have_them(folder: Path) -> None:
    site = site_in(folder)
    measured = site.measured
    assert measured
    assert measured.all_hands
    held = replace(
        measured.all_hands,
        walls=(twelve()[0].id,),
        effects=(("unknown", 1), ("effective", 2), ("failed", 1)),
    )
    text = text_of(replace(site, measured=replace(measured, all_hands=held)), ALL_HANDS)
    assert "1 record has a wall: a check that stops" in text
    assert "4 kept promises were watched or verified: 2 worked, after 1 it came again." in text
    assert "Of 1 it is not known yet." in text


def test_what_a_slide_has_no_room_for_is_counted(folder: Path) -> None:
    site = site_in(folder)
    measured = site.measured
    assert measured
    assert measured.all_hands
    new = tuple(replace(measured.all_hands.new[0], repeats=(one.id,)) for one in twelve()[:7])
    many = replace(measured.all_hands, new=new, walls=tuple(one.id for one in twelve()[:8]))
    text = text_of(replace(site, measured=replace(measured, all_hands=many)), ALL_HANDS)
    assert "And 2 more: how this is counted" in text
    assert "8 records have a wall" in text
    assert "And 3 more, each on its record’s page." in text


def test_the_feed_goes_by_the_days_of_publication(folder: Path) -> None:
    feed = ElementTree.fromstring(atom(site_in(folder)))
    days = [entry.findtext(f"{ATOM}published") or "" for entry in feed.iter(f"{ATOM}entry")]
    assert [day[:10] for day in days[:3]] == ["2026-06-24", "2026-06-10", "2026-06-03"]
    assert (feed.findtext(f"{ATOM}updated") or "")[:10] == "2026-06-24"


def test_without_an_address_ids_of_the_feed_are_valid_whatever_the_names(
    tmp_path: Path,
) -> None:
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "kb.toml").write_text('[library]\nname = "Störfälle & mehr"\n', encoding="utf-8")
    name = "2026-05-01-ärger im betrieb"
    (tmp_path / f"postmortems/{name}.md").write_text(plain_record(1), encoding="utf-8")
    feed = ElementTree.fromstring(atom(site_in(tmp_path)))
    ids = [element.text or "" for element in feed.iter(f"{ATOM}id")]
    assert all(re.fullmatch(r"urn:kb:(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+", one) for one in ids)
    assert len(ids) == 2
    # Nobody knows when it was published, and no other day is called that.
    assert feed.find(f"{ATOM}entry/{ATOM}published") is None


# --- forty records that somebody brought along ---------------------------------------------------


def plain_record(number: int) -> str:
    """What an adopted record has: a title, a day, a text, and what was to be done."""
    day = date(2024, 1, 1) + timedelta(days=10 * number)
    return (
        f"---\ntitle: Outage {number}\ndate: {day}\nstatus: published\n---\n\n# Outage {number}\n\n"
        "## Summary\n\nThe agent stopped.\n\n## Action items\n\n- look at the queue\n"
    )


@pytest.fixture(scope="module")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty records without verdicts, brought in one commit of 20 June."""
    folder = tmp_path_factory.mktemp("adopted")
    (folder / "postmortems").mkdir()
    (folder / "kb.toml").write_text("", encoding="utf-8")
    for number in range(40):
        day = date(2024, 1, 1) + timedelta(days=10 * number)
        path = folder / f"postmortems/{day}-outage-{number}.md"
        path.write_text(plain_record(number), encoding="utf-8")
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "our postmortems", at="2026-06-20T12:00:00Z")
    return folder


def test_forty_records_nobody_looked_at_give_no_verdict(adopted: Path) -> None:
    page = page_in(adopted)
    verdicts = [answer.verdict for answer in page.answers]
    assert verdicts == ["not looked at", "too few to say", "too few to say"]
    shares = [one for one in page.measures if one.unit == "share" and one.name != "near_miss_share"]
    assert [(one.name, one.n) for one in shares if one.n] == []
    assert page.measure("repeat_rate").unknown == 40
    assert page.measure("time_to_publish").value is None


@pytest.mark.parametrize("path", [HOME, ALL_HANDS, METRICS])
def test_forty_records_nobody_looked_at_are_claimed_nothing_of(adopted: Path, path: str) -> None:
    site = site_in(adopted)
    text = text_of(site, path)
    assert "40 incidents were not looked at: nobody compared them with earlier ones." in text
    words = re.findall(r'class="kb-word">([^<]*)<', text_with_tags(site, path))
    assert words == ["Not looked at", "Too few to say", "Too few to say"]
    assert "kb-good" not in text_with_tags(site, path)
    if path != METRICS:
        assert " 0 % " not in text
        assert "0 of 40" not in text


def test_forty_records_that_were_copied_here_are_counted_and_not_read_out(adopted: Path) -> None:
    text = text_of(site_in(adopted), ALL_HANDS)
    assert "40 records were copied here in one commit." in text
    assert "40 new incidents were not looked at." in text
    assert "No record of ours in this form promises anything: nothing to judge." in text
    assert "Outage 7" not in text


def test_nothing_is_green_about_no(folder: Path) -> None:
    stories = twelve()
    for story in stories:
        story.verdicts, story.is_first = [], True
        (folder / story.path).write_text(story.markdown(), encoding="utf-8")
    try:
        site = site_in(folder)
        assert site.measured
        assert site.measured.answers[0].verdict == "none found"
        card = 'kb-unclear"><h2 class="kb-question">Are incidents repeating?'
        assert card in text_with_tags(site, HOME)
    finally:
        git_in(folder)("checkout", "--quiet", "--", ".")


def text_with_tags(site: Site, path: str) -> str:
    return next(one.body for one in all_pages(site) if one.path == path)


def test_what_others_promised_is_neither_kept_nor_broken_here(tmp_path: Path) -> None:
    story = twelve()[0]
    story.origin = "public"
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    (tmp_path / story.path).write_text(story.markdown(), encoding="utf-8")
    theirs = page_in(tmp_path).all_hands
    assert theirs
    assert list(promise_sentences(theirs)) == [
        "No record of ours in this form promises anything: nothing to judge."
    ]


# --- the terminal --------------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    def kb(folder: Path, *arguments: str) -> str:
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit):
            main(["metrics", "--as-of", str(TODAY), *arguments])
        return capsys.readouterr().out

    return kb


def test_the_terminal_says_the_same_with_lists_after_the_numbers(run: Any, folder: Path) -> None:
    lines = run(folder, "--published-since", "last").splitlines()
    assert "Since the last all-hands on 29 May 2026" in lines
    order = ["Since the last", "Repetition", "Early signs", "To be read", "Repeats that a kept"]
    places = [next(n for n, line in enumerate(lines) if line.startswith(word)) for word in order]
    assert places == sorted(places)
    assert max(map(len, lines)) <= 80


def test_a_day_moves_what_is_new_and_not_the_answers(run: Any, folder: Path) -> None:
    since = run(folder, "--published-since", "2026-06-20")
    assert "Since 20 Jun 2026\n  1 record was published: 1 SEV3." in since
    assert "2 of 8 incidents looked at repeat" in since
