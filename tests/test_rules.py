"""One file per rule: each breaks exactly that rule, at the line it says, all in one library."""

from __future__ import annotations

import re
import shutil
from datetime import date
from pathlib import Path

import pytest
from kb.library import open_library
from kb.lint.registry import all_rules
from kb.lint.rule import PriorSuggestion
from kb.lint.runner import Report, check

from conftest import EXAMPLE
from rule_cases import RuleCase, rule_cases

CASES = rule_cases()
TODAY = date(2026, 6, 1)
SETTINGS = """
[check]
people = ["Alex Example"]
enable = ["blame-word"]
"""
#: Rules whose fault cannot lie in a Markdown file of the repository; `test_check.py` makes it.
MADE_BY_TESTS = {"KB101", "KB102", "KB103", "KB120", "KB133", "KB806", "KB905", "KB906"}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """What one run finds in a library of all the cases and the worked example."""
    root = tmp_path_factory.mktemp("rules")
    shutil.copytree(EXAMPLE.parent, root / "postmortems")
    fixture = root / "postmortems" / EXAMPLE.stem / "fixture.json"
    fixture.parent.mkdir(exist_ok=True)
    fixture.touch()
    (root / "kb.toml").write_text(SETTINGS, encoding="utf-8")
    for case in CASES:
        (root / "postmortems" / case.file_name).write_bytes(case.content)
    return check(open_library(root), today=TODAY)


def found_in(report: Report, name: str) -> list[tuple[str, int]]:
    return sorted((p.rule, p.line) for p in report.problems if p.path.name == name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_case_yields_exactly_its_own_fault_at_its_line(case: RuleCase, report: Report) -> None:
    assert found_in(report, case.file_name) == list(case.expected)


def test_the_worked_example_yields_no_fault(report: Report) -> None:
    assert found_in(report, EXAMPLE.name) == []


def test_no_two_cases_share_a_file_name() -> None:
    names = [case.file_name.casefold() for case in CASES]
    assert sorted(set(names)) == sorted(names)


def test_every_rule_has_a_case_named_after_it() -> None:
    cases = {case.name for case in CASES}
    missing = {f"{r.code}-{r.name}" for r in all_rules() if r.code not in MADE_BY_TESTS} - cases
    assert missing == set()


def test_every_case_is_named_after_a_rule_or_says_that_it_expects_nothing() -> None:
    rules = {f"{rule.code}-{rule.name}" for rule in all_rules()}
    assert [case.name for case in CASES if case.name not in rules and case.expected] == []


def test_every_rule_gives_a_reason_a_bad_and_a_good_example() -> None:
    for rule in all_rules():
        assert rule.reason.endswith("."), rule.code
        assert rule.bad.strip(), rule.code
        assert rule.good.strip(), rule.code
        assert rule.bad != rule.good, rule.code
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", rule.name), rule.code


def test_every_message_is_one_line_that_ends_without_a_full_stop(report: Report) -> None:
    for problem in report.problems:
        assert "\n" not in problem.message
        assert not problem.message.endswith(".")


def test_a_likely_prior_incident_without_a_verdict_is_a_fault(example_library: Path) -> None:
    prior = PriorSuggestion("2025-01-02-double-mail", "Two mails", 0.91, "same tool")
    report = check(
        open_library(example_library), today=TODAY, likely_priors=lambda document: [prior]
    )
    problems = [p for p in report.problems if p.rule == "KB806"]
    assert len(problems) == 1
    assert "2025-01-02-double-mail (91% likely the same class: same tool)" in problems[0].message
    assert report.not_run == ()


def test_a_likely_prior_incident_with_any_verdict_is_none(example_library: Path) -> None:
    record = example_library / "postmortems" / EXAMPLE.name
    verdict = "\n- [different] [2025-01-02-double-mail](2025-01-02-double-mail.md) — on purpose\n"
    text = record.read_text("utf-8").replace("## What went well", f"{verdict}\n## What went well")
    record.write_text(text, encoding="utf-8")
    prior = PriorSuggestion("2025-01-02-double-mail", "Two mails", 0.91, "same tool")
    report = check(
        open_library(example_library), today=TODAY, likely_priors=lambda document: [prior]
    )
    assert "KB806" not in {problem.rule for problem in report.problems}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("— why, fix existed: no", {"KB808"}),
        ("— 62%: same tool refund; both speak of key", {"KB808"}),
        ("— <what is the same or different>, fix existed: yes|no|unknown", {"KB205"}),
        ("— a mail sent twice on purpose, fix existed: yes|no|unknown", {"KB205"}),
        ("— a mail sent twice on purpose, fix existed: no", set()),
        ("— why it differs: that one was on purpose", set()),
    ],
)
def test_what_a_proposal_left_to_say_is_no_reason(
    example_library: Path, said: str, expected: set[str]
) -> None:
    record = example_library / "postmortems" / EXAMPLE.name
    verdict = f"\n- [different] [2025-01-02-double-mail](2025-01-02-double-mail.md) {said}\n"
    text = record.read_text("utf-8").replace("## What went well", f"{verdict}\n## What went well")
    record.write_text(text, encoding="utf-8")
    report = check(open_library(example_library), today=TODAY)
    assert {problem.rule for problem in report.problems} - {"KB803"} == expected


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *((said, {"KB305"}) for said in ("3 hours", "12-15", "1.5 hours", "4626 hours", "4,6")),
        *((said, set()) for said in ("4626", "4,626 minutes (by the clocks)", "4626 min")),
    ],
)
def test_a_duration_in_another_unit_is_a_fault_and_no_number(
    example_library: Path, said: str, expected: set[str]
) -> None:
    record = example_library / "postmortems" / EXAMPLE.name
    number = "DETECTION_CHAIN_MINUTES: 4626"
    text = record.read_text("utf-8").replace(number, f"DETECTION_CHAIN_MINUTES: {said}")
    record.write_text(text, encoding="utf-8")
    report = check(open_library(example_library), today=TODAY)
    assert {problem.rule for problem in report.problems} == expected


def test_a_heading_that_says_utc_does_not_make_other_zones_utc(example_library: Path) -> None:
    record = example_library / "postmortems" / EXAMPLE.name
    text = record.read_text("utf-8").replace("## Timeline\n", "## Timeline (UTC)\n")
    text = text.replace("08:31 UTC", "08:31 UTC +2").replace("09:05 UTC", "09:05")
    record.write_text(text, encoding="utf-8")
    problems = check(open_library(example_library), today=TODAY).problems
    assert [(p.rule, "UTC +2" in p.message) for p in problems] == [("KB309", True)]
