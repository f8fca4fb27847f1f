"""The casebook's page, checked by hand: five numbers counted with nothing but text search.

Each count below can be repeated with `grep` over `postmortems/*.md`; none uses the parser.
"""

from __future__ import annotations

import re
import statistics
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import ROOT

from kb.library import open_library
from kb.metrics.history import Trails
from kb.metrics.page import page_of
from kb.metrics.reading import Reading
from kb.metrics.values import AsOf, Page

NOW = AsOf(datetime(2026, 11, 1, tzinfo=UTC))


@pytest.fixture(scope="module")
def page() -> Page:
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


def test_one_the_share_of_incidents_with_a_verdict_repeat(page: Page, files: list[str]) -> None:
    repeats = [text for text in incidents(files) if "\n- [repeat] [" in text]
    found = page.measure("repeat_rate")
    assert (len(found.hits), found.n) == (len(repeats), len(incidents(files)))


def test_two_how_many_were_found_by_others(page: Page, files: list[str]) -> None:
    words = [re.findall(r"(?m)^detected_by: ([\w-]+)", text) for text in incidents(files)]
    known = [found[0] for found in words if found and found[0] != "unknown"]
    others = [word for word in known if word in {"customer", "billing", "partner", "public"}]
    found = page.measure("found_by_others")
    assert (len(found.hits), found.n) == (len(others), len(known))


def test_three_the_median_of_the_detection_chains_that_are_known(
    page: Page, files: list[str]
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


def test_four_the_share_of_near_misses(page: Page, files: list[str]) -> None:
    near = [text for text in files if "\nkind: near-miss\n" in text]
    found = page.measure("near_miss_share")
    assert (len(found.hits), found.n) == (len(near), len(files))


def test_five_the_actions_that_are_open(page: Page, files: list[str]) -> None:
    boxes = sum(len(re.findall(r"(?m)^- \[ \] A\d+: ", text)) for text in files)
    assert page.measure("actions_open").value == boxes
