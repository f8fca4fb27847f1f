"""The casebook's page, checked by hand: five numbers counted with nothing but text search.

Each count below can be repeated with `grep` over `postmortems/*.md`; none uses the parser.
"""

from __future__ import annotations

import re
import statistics
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kb.actions.dates_from_git import Trails
from kb.as_of import AsOf
from kb.library import open_library
from kb.metrics.compute_page import Reading, page_of
from kb.metrics.result_types import MetricsPage

from conftest import ROOT

NOW = AsOf(datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def page() -> MetricsPage:
    """The page of the casebook, from its records alone."""
    return page_of(Reading(open_library(ROOT), Trails(), NOW))


@pytest.fixture(scope="module")
def files() -> list[str]:
    """The published records as texts."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(records())]
    return [text for text in texts if "\nstatus: published\n" in text]


def records() -> list[Path]:
    return list((ROOT / "postmortems").glob("[0-9][0-9][0-9][0-9]-*.md"))


def incidents(files: list[str]) -> list[str]:
    return [text for text in files if "\nkind: incident\n" in text]


def test_one_the_share_of_incidents_with_a_verdict_repeat(
    page: MetricsPage, files: list[str]
) -> None:
    repeats = [text for text in incidents(files) if "\n- [repeat] [" in text]
    found = page.measure("repeat_rate")
    assert (len(found.hits), found.n) == (len(repeats), len(incidents(files)))


def test_two_how_many_were_found_by_others(page: MetricsPage, files: list[str]) -> None:
    words = [re.findall(r"(?m)^detected_by: ([\w-]+)", text) for text in incidents(files)]
    known = [found[0] for found in words if found and found[0] != "unknown"]
    others = [word for word in known if word in {"customer", "billing", "partner", "public"}]
    found = page.measure("found_by_others")
    assert (len(found.hits), found.n) == (len(others), len(known))


def test_three_the_median_of_the_detection_chains_that_are_known(
    page: MetricsPage, files: list[str]
) -> None:
    minutes = []
    for text in incidents(files):
        clocks = [
            re.findall(rf"(?m)^  {name}: (\d{{4}}-\S+)", text)
            for name in ("first_impact", "detected")
        ]
        if all(clocks):
            start, end = (datetime.fromisoformat(found[0]) for found in clocks)
            minutes.append((end - start).total_seconds() / 60)
    found = page.measure("detection_chain")
    assert (found.value, found.n) == (statistics.median(minutes), len(minutes))


def test_four_the_share_of_near_misses(page: MetricsPage, files: list[str]) -> None:
    near = [text for text in files if "\nkind: near-miss\n" in text]
    found = page.measure("near_miss_share")
    assert (len(found.hits), found.n) == (len(near), len(files))


def test_five_the_actions_that_are_open(page: MetricsPage, files: list[str]) -> None:
    boxes = sum(len(re.findall(r"(?m)^- \[ \] A\d+: ", text)) for text in files)
    assert page.measure("actions_open").value == boxes


# --- eight records, five numbers, by hand -------------------------------------------------------
#
# Read on 21 November 2026 out of the front matter, the Counterfactual and the action list of these
# eight files. Whoever changes a clock, a verdict or an action of one of them counts again.

EIGHT = (
    "2023-09-19-bard-document-exfiltration",
    "2024-01-18-dpd-chatbot-swears",
    "2024-05-23-ai-overviews-glue-on-pizza",
    "2025-05-18-newspaper-invented-summer-books",
    "2025-07-18-replit-production-database",
    "2026-02-11-agent-published-attack-on-maintainer",
    "2026-02-27-openclaw-restart-replays-sent-messages",
    "2026-03-07-openclaw-restart-resends-110-messages",
)


@pytest.fixture
def eight(library_folder: Path) -> MetricsPage:
    """The page of the eight records alone."""
    for name in EIGHT:
        source = ROOT / "postmortems" / f"{name}.md"
        (library_folder / "postmortems" / source.name).write_bytes(source.read_bytes())
    return page_of(Reading(open_library(library_folder), Trails(), NOW))


def test_three_of_the_seven_incidents_repeat_an_earlier_one(eight: MetricsPage) -> None:
    found = eight.measure("repeat_rate")
    assert found.hits == (EIGHT[1], EIGHT[3], EIGHT[7])  # the near miss repeats one too
    assert found.n == 7


def test_one_of_the_eight_records_is_a_near_miss(eight: MetricsPage) -> None:
    found = eight.measure("near_miss_share")
    assert (found.hits, found.value) == ((EIGHT[0],), 1 / 8)


def test_three_of_the_five_known_chains_took_no_half_hour(eight: MetricsPage) -> None:
    # 0, 0, 0, one day and five days; of the other two the moment of detection is unknown.
    chain, soon = eight.measure("detection_chain"), eight.measure("detected_within_30_minutes")
    assert (chain.value, chain.lower_quartile, chain.upper_quartile) == (0, 0, 1440)
    assert (chain.n, chain.unknown) == (5, 2)
    assert (soon.hits, soon.misses) == ((EIGHT[2], EIGHT[5], EIGHT[6]), (EIGHT[1], EIGHT[3]))


def test_all_seven_incidents_were_found_by_others(eight: MetricsPage) -> None:
    assert eight.measure("found_by_others").hits == EIGHT[1:]


def test_four_promises_of_the_eight_records_are_open(eight: MetricsPage) -> None:
    found = eight.measure("actions_open").hits
    assert found == (f"{EIGHT[1]}#A2", f"{EIGHT[4]}#A3", f"{EIGHT[4]}#A4", f"{EIGHT[6]}#A2")
