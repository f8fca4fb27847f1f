"""The one page: written in a night, grown on a day, published in three rounds of the check."""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePath

import pytest
from kb.config import CheckConfig, Config, FormConfig
from kb.lint.registry import all_rules
from kb.lint.rule import LintContext, enabled_rules, run_rules
from kb.records.blank_record import FULL_NOTE, ONE_PAGE_NOTE, Prefill, blank_record
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.grow_to_profile import grow_record, open_questions

DAY = date(2026, 4, 12)
FORM = build_form()
NAME = PurePath("2026-04-12-refund-agent-paid-twice.md")
SENTENCES = {
    "Summary": "Between 14:02 and 16:51 the refund agent paid fourteen customers twice.\n"
    "The on-call revoked its token at 17:20.",
    "Replay fixture": "No: the results of the tools were not logged.",
    "Policy-path evidence": "Look up, approve, refund was allowed; it refunded unapproved.",
    "Outcome asserts": 'It said "refunded once"; the ledger would have shown two.',
    "Idempotency-key audit": "Only refund has a side effect, and a second call pays again.",
    "Customer-visible truth": "Fourteen people saw two refunds, and one wrote at 16:40.",
    "Counterfactual": "A key in the refund call would have caught it at the second call.",
}
CLOCKS = {
    "first_impact: unknown": "first_impact: 2026-04-12T14:02:00Z",
    "detected: unknown": "detected: 2026-04-12T16:51:00Z",
    "contained: unknown": "contained: 2026-04-12T17:20:00Z",
    "detected_by: unknown": "detected_by: customer",
}


def page(*, without: tuple[str, ...] = ()) -> str:
    """A one page with its sentences written, some of them left out."""
    text = blank_record("Refund agent paid twice", DAY, profile="one-page", form=FORM)
    for blank, value in CLOCKS.items():
        text = text.replace(blank, value)
    for heading, sentence in SENTENCES.items():
        if heading not in without:
            pattern = rf"(## {heading}\n\n<!--[^>]*-->\n)"
            text = re.sub(pattern, rf"\g<1>\n{sentence}\n", text)
    return text


def read(text: str) -> Document:
    return read_document(text.encode(), NAME, FORM)


def found(text: str) -> list[str]:
    """The names of what the check finds in a record."""
    settings = CheckConfig()
    context = LintContext(FORM, settings, date(2026, 6, 1), PurePath("/nowhere"))
    rules = enabled_rules(all_rules(), settings)
    return [problem.name for problem in run_rules(read(text), context, rules)]


def test_a_blank_one_page_has_at_most_15_lines_to_fill_and_120_words_of_prompts() -> None:
    text = blank_record("Refund agent paid twice", DAY, profile="one-page", form=FORM)
    comments = re.findall(r"<!--(.*?)-->", text, re.DOTALL)
    comments += re.findall(r"(?m)^# (.*)$", text.partition("\n---\n")[0])
    words = sum(len(comment.split()) for comment in comments)
    keys = re.findall(r"(?m)^ *(?!title|date|status|clocks)\w+: ?.*$", text)
    to_fill = len(keys) + text.count("\n## ")
    print(f"{to_fill} lines to fill, {words} words of prompts")
    assert to_fill <= 15
    assert words <= 120


def test_a_blank_one_page_asks_what_happened_when_and_how_it_was_stopped() -> None:
    text = blank_record("Refund agent paid twice", DAY, profile="one-page", form=FORM)
    assert "<!-- What happened, to whom, when; how was it stopped? -->" in text
    assert "00:00" not in text
    assert "```evidence" not in text


def test_a_one_page_of_fifteen_sentences_has_no_finding() -> None:
    assert found(page()) == []


def test_questions_left_open_are_one_finding_that_names_them() -> None:
    assert found(page(without=("Replay fixture", "Counterfactual"))) == ["open-question"]


def test_what_stays_open_becomes_an_action_due_in_90_days() -> None:
    text = grow_record(read(page(without=("Replay fixture",))), DAY).text
    task = "answer “Replay fixture” — owner: unknown, due: 2026-07-11, lever: review-process"
    assert f"- [ ] A1: {task}\n" in text
    assert "open-question" not in found(text)


def test_a_grown_page_keeps_every_line_and_puts_each_section_in_its_place() -> None:
    before = page()
    growth = grow_record(read(before), DAY)
    after = growth.text
    gone = [line for line in before.splitlines() if line not in after.splitlines()]
    assert gone == [ONE_PAGE_NOTE]
    assert FULL_NOTE in after
    headings = re.findall(r"(?m)^## (.*)$", after)
    asked = FORM.profiles["short"]
    assert headings == [FORM.section(key).heading for key in FORM.grown_order if key in asked]
    assert found(after) == []


def test_a_grown_page_has_a_timeline_from_the_clocks_that_are_known() -> None:
    lines = [
        f"{entry.at:%H:%M} {entry.tags[0]}"
        for entry in read(grow_record(read(page()), DAY).text).timeline
    ]
    assert lines == ["14:02 impact", "16:51 detected", "17:20 contained"]


def test_growing_twice_adds_nothing() -> None:
    once = grow_record(read(page()), DAY).text
    assert grow_record(read(once), DAY).text == once


def test_a_page_with_carriage_returns_keeps_them() -> None:
    text = grow_record(read(page().replace("\n", "\r\n")), DAY).text
    assert text.replace("\r\n", "\n") == grow_record(read(page()), DAY).text
    assert "\n" not in text.replace("\r\n", "")


def test_a_severe_page_grows_to_all_sections() -> None:
    text = grow_record(read(page().replace("severity: SEV3", "severity: SEV1")), DAY).text
    assert text.count("\n## ") == len(FORM.sections)


@pytest.mark.parametrize("name", ["unauthorised-action", "excess-authority", "wrong-objective"])
def test_a_class_of_authority_or_objective_asks_for_the_decision(name: str) -> None:
    text = page().replace("status: draft", f"status: draft\nclasses: [{name}]")
    assert "## Decision record\n" in grow_record(read(text), DAY).text
    assert "## Decision record\n" not in grow_record(read(page()), DAY).text
    assert "## Decision record\n" not in text


def test_missing_clocks_stand_among_those_that_were_given() -> None:
    text = grow_record(read(page()), DAY).text
    names = re.findall(r"(?m)^  (\w+): ", text.partition("\n---\n")[0])
    assert names == ["route_start", "first_warning", "first_impact", "detected", "contained"]


def test_a_timeline_that_is_known_stands_in_the_one_page() -> None:
    lines = "- 2026-04-12 14:02 UTC — first double refund [impact]"
    prefill = Prefill(sections={"timeline": lines})
    text = blank_record("X", DAY, profile="one-page", form=FORM, prefill=prefill)
    assert [section.key for section in read(text).sections][1:3] == ["summary", "timeline"]
    assert lines in text


def test_a_question_of_the_team_has_no_example_of_ours_below_it() -> None:
    asked = FormConfig(prompts={"summary": "Was ist geschehen?"})
    form = build_form(Config(form=asked))
    for profile in ("one-page", "full"):
        text = blank_record("X", DAY, profile=profile, form=form)
        assert "## Summary\n\n<!-- Was ist geschehen? -->\n" in text


@pytest.mark.parametrize("profile", ["short", "full", "public"])
def test_every_closed_list_a_draft_asks_for_stands_in_it(profile: str) -> None:
    text = blank_record("X", DAY, profile=profile, form=FORM)
    for name in ("classes", "causes", "missing_control", "severity", "detected_by", "warned_by"):
        assert f"# {name}: {' | '.join(word.name for word in FORM.taxonomies[name])}\n" in text
    for key in FORM.profiles[profile]:
        for field in FORM.section(key).fields:
            assert (
                not field.words
                or f"{field.key}: {' | '.join(field.words)}" in text
                or (re.search(rf"{field.key}, .*: {re.escape(' | '.join(field.words))}", text))
            )


def test_the_full_form_asks_for_four_clocks_vendors_rescues_and_who_writes_the_lessons() -> None:
    text = blank_record("X", DAY, profile="full", form=FORM)
    for line in ("route_start", "first_warning", "first_impact", "contained"):
        assert f"  {line}: unknown\n" in text
    assert "\nvendors: []\n" in text
    assert "\nrescues: unknown\n" in text
    assert "\nlessons_by: # " in text
    assert "1,500 words" in text


def test_only_the_questions_of_a_one_page_are_open_questions() -> None:
    full = blank_record("X", DAY, profile="full", form=FORM)
    assert open_questions(read(full)) == ()
