"""Records of `form: adopted`: searched and listed, held to nothing, asked only what they say."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from kb.actions.gate_decision import decide_gate
from kb.as_of import AsOf
from kb.commands.list import command as list_command
from kb.library import open_library
from kb.lint.parallel_check import check_library
from kb.metrics import detection_and_containment, repeats
from kb.metrics.coverage import reading_list
from kb.metrics.inputs import MetricsInput
from kb.metrics.review_measures import time_to_publish

TODAY = date(2026, 11, 30)
AS_OF = AsOf(datetime(2026, 11, 30, tzinfo=UTC), "", False)
ADOPTED = """---
title: {title}
date: {day}
status: published
form: adopted
route: refunds
{more}---
# {title}

What happened is told in our own way.

## Action items

- restart only after gate: restart is done
- [ ] A1: add an alert — gate: restart
"""


def library_with(tmp_path: Path, **texts: str) -> Path:
    """A library of adopted records, by the end of their names, each with its further keys."""
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "kb.toml").write_text("")
    for number, (name, more) in enumerate(texts.items(), 1):
        day = f"2024-03-{number:02d}"
        text = ADOPTED.format(title=f"Queue {name} stood still", day=day, more=more)
        (tmp_path / "postmortems" / f"{day}-{name}.md").write_text(text)
    return tmp_path


def facts_of(root: Path) -> MetricsInput:
    return MetricsInput(open_library(root).records, AS_OF)


def test_check_finds_no_error_in_an_adopted_record(tmp_path: Path) -> None:
    report = check_library(library_with(tmp_path, one="", two="severity: P1\n"), today=TODAY)
    assert (report.records, report.errors, report.problems) == (2, 0, ())


def test_a_secret_in_an_adopted_record_is_said_and_is_no_error(tmp_path: Path) -> None:
    root = library_with(tmp_path, one="")
    path = root / "postmortems" / "2024-03-01-one.md"
    path.write_text(path.read_text() + f"\ntoken: {'ghp_'}a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8\n")
    report = check_library(root, today=TODAY)
    assert report.errors == 0
    assert report.advice >= 1


def test_a_slip_in_the_word_adopted_does_not_free_a_record(tmp_path: Path) -> None:
    root = library_with(tmp_path, one="")
    path = root / "postmortems" / "2024-03-01-one.md"
    path.write_text(path.read_text().replace("form: adopted", "form: adoptd"))
    assert check_library(root, today=TODAY).errors > 0


def test_no_gate_waits_for_an_adopted_record(tmp_path: Path) -> None:
    decision = decide_gate(
        open_library(library_with(tmp_path, one="")), "refunds", "restart", AS_OF
    )
    assert decision.verdict == "unknown-route"
    assert (decision.blocking, decision.unreadable) == ((), ())


def test_a_measure_does_not_ask_what_an_adopted_record_never_said(tmp_path: Path) -> None:
    clocks = (
        "clocks:\n  first_impact: 2024-03-02T10:00:00Z\n  detected: 2024-03-02T10:20:00Z\n"
        "detected_by: alert\n"
    )
    facts = facts_of(library_with(tmp_path, silent="", told=clocks))
    found = detection_and_containment.detection_chain(facts)
    assert (found.value, found.n, found.unknown, found.notes) == (20.0, 1, 0, ())
    assert detection_and_containment.found_by_others(facts).unknown == 0
    assert repeats.repeat_rate(facts).unknown == 0


def test_adopted_records_are_neither_news_nor_late_in_publication(tmp_path: Path) -> None:
    facts = facts_of(library_with(tmp_path, one="", two=""))
    for value in (reading_list(facts), time_to_publish(facts)):
        assert (value.n, value.unknown) == (0, 0)


def test_kb_list_says_that_a_record_is_adopted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library_with(tmp_path, one=""))
    said = CliRunner().invoke(list_command, []).output
    assert "2024-03-01-one [adopted, not held to the form]" in said
