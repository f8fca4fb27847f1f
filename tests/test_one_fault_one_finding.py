"""A fault is told once, names all that belongs to it, and never suggests what is not so."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path, PurePath

import pytest
from kb.config import CheckConfig
from kb.lint.readings.document_facts import words_offered
from kb.lint.registry import active_rules
from kb.lint.rule import LintContext, run_rules
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import read_document

from changed_example import FORM, TEXT, changed
from conftest import EXAMPLE
from test_fmt import fmt, record

A5 = (
    "- [ ] A5: add a unique index on the invoice to the ledger — owner: ledger, due: 2026-06-30, "
    "lever: code, cause: code-defect, gate: rollout"
)


def findings(text: str, settings: CheckConfig | None = None) -> list[tuple[str, str]]:
    """The rules that fire, in the order of lines, and what they say."""
    document = read_document(text.encode(), PurePath("postmortems") / EXAMPLE.name, FORM)
    context = LintContext(FORM, settings or CheckConfig(), date(2026, 6, 1), Path("nowhere"))
    found = run_rules(document, context, active_rules(context.settings))
    return [(problem.name, problem.message) for problem in found]


def names(text: str, settings: CheckConfig | None = None) -> list[str]:
    return [name for name, _ in findings(text, settings)]


def action(line: str) -> str:
    return changed((A5, line))


def test_the_changed_example_has_no_finding() -> None:
    assert names(TEXT) == []


def test_lines_that_fmt_would_write_alike_are_one_finding() -> None:
    text = TEXT
    for label in re.findall(r"^- \[.\] (A\d): ", text, re.MULTILINE)[:3]:
        text = re.sub(rf"({label}: .*?) — (owner: [^,]+), (due: [^,]+)", r"\1 — \3, \2", text)
    found = [message for name, message in findings(text) if name == "unformatted"]
    assert len(found) == 1
    assert "(and 2 more lines); kb fmt writes it" in found[0]


# --- actions ---


def test_what_an_action_lacks_is_one_finding() -> None:
    (found,) = findings(action("- [ ] A5: add a unique index on the invoice to the ledger"))
    assert found[0] == "action-without-owner"
    assert found[1].startswith("A5 has no owner, due date or lever; add 'owner: ' and one handle")


@pytest.mark.parametrize(
    ("line", "rule", "message"),
    [
        (
            "- [ ] A5: add a unique index — owner: ledger, gate: rollout",
            "action-without-due",
            "A5 has no due date or lever; add 'due: ' and a day, 'lever: ' and one of ",
        ),
        (
            "- [ ] A5: add a unique index — owner: ledger, due: 2026-06-30",
            "action-without-lever",
            "A5 has no lever; add 'lever: ' and one of ",
        ),
    ],
)
def test_the_first_thing_missing_tells_of_the_others(line: str, rule: str, message: str) -> None:
    (found,) = findings(action(line))
    assert found[0] == rule
    assert found[1].startswith(message)


def test_what_a_team_does_not_ask_for_is_not_missed() -> None:
    bare = action("- [ ] A5: add a unique index on the invoice to the ledger")
    assert names(bare, CheckConfig(disable=("action-without-owner",))) == ["action-without-due"]
    silenced = bare.replace("---\n", "---\n# kb: allow KB601, KB602 — the owner is on leave\n", 1)
    assert names(silenced) == ["action-without-lever"]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1 May 2026", date(2026, 5, 1)),
        ("May 1, 2026", date(2026, 5, 1)),
        ("May 1st, 2026", date(2026, 5, 1)),
        ("2026/05/01", date(2026, 5, 1)),
        ("2026-05-01", date(2026, 5, 1)),
        ("9/2/2026", None),
        ("end of May", None),
    ],
)
def test_a_due_date_is_read_as_people_write_it(written: str, day: date | None) -> None:
    assert ActionItem("A1", "open", "x", (("due", written),), 1, 1).date("due") == day


@pytest.mark.parametrize(
    ("written", "message", "offered"),
    [
        ("1 May 2026", "is not in the form of a day; write it as 2026-05-01", ("2026-05-01",)),
        ("May 1st", "is not in the form of a day; write it as 2026-05-01", ("2026-05-01",)),
        ("end of May", "is no day; write a day as YYYY-MM-DD", ()),
        ("9/2/2026", "is no day; write a day as YYYY-MM-DD", ()),
    ],
)
def test_a_date_in_another_form_is_never_answered_with_another_day(
    written: str, message: str, offered: tuple[str, ...]
) -> None:
    (found,) = findings(action(A5.replace("2026-06-30", written)))
    assert found == ("bad-action-date", f'due "{written}" {message}')
    assert words_offered(found[1]) == offered


def test_fmt_writes_a_whole_day_in_the_form_and_leaves_the_others() -> None:
    text = record(
        "## Action items\n\n"
        "- [ ] A1: cap refunds — owner: payments, due: 1 May 2026, lever: code\n"
        "- [ ] A2: page somebody — owner: sre, due: May 1st, lever: alert\n"
        "- [ ] A3: tell them — owner: support, due: 9/2/2026, lever: communication\n"
    )
    once = fmt(text)
    assert once == text.replace("1 May 2026", "2026-05-01")
    assert fmt(once) == once


# --- evidence ---


def test_lines_before_the_first_group_are_one_finding() -> None:
    lines = [
        "WAS_THIS_CALL_IDEMPOTENT: no",
        "SHOULD_IT_HAVE_BEEN: yes",
        "KEY_PRESENT_IN_TRACE: no",
        "REAL_HARM_OCCURRED: yes",
    ]
    text = changed(("```evidence\nTOOL: charge\n", "```evidence\nX\nTOOL: charge\n"))
    text = text.replace("```evidence\nX\n", "```evidence\n" + "\n".join(lines) + "\n")
    messages = [message for name, message in findings(text) if name == "field-before-group"]
    assert messages == [
        "'WAS_THIS_CALL_IDEMPOTENT' and 3 lines more stand before any 'TOOL'; begin with that line"
    ]


@pytest.mark.parametrize(
    "pair",
    [
        ("LATENCY_HELD: yes", "LATENCY_HELD: no"),
        ("INTEGRITY_HELD: yes", "INTEGRITY_HELD: no"),
        (
            "LATENCY_ASSERT: within 60 s of the first call\nLATENCY_HELD: yes",
            "LATENCY_ASSERT: within 60 s of the first call (actual: 2 min)",
        ),
    ],
)
def test_an_assert_of_time_or_integrity_that_failed_asks_for_an_action(
    pair: tuple[str, str],
) -> None:
    actions = TEXT[TEXT.index("## Action items") : TEXT.index("## Lessons")]
    told = (
        "## Action items\n\n- [ ] A1: tell them — owner: a, due: 2026-06-30, lever: ownership\n\n"
    )
    held = TEXT.replace("ASSERTED_IN: afterwards\nHELD: no", "ASSERTED_IN: afterwards\nHELD: yes")
    base = held.replace(actions, told)
    assert "failed-assert-without-action" not in names(base)
    assert names(base.replace(*pair)).count("failed-assert-without-action") == 1
    assert "failed-assert-without-action" not in names(held.replace(*pair))


def test_asserts_without_an_answer_are_one_finding_a_claim() -> None:
    text = changed(
        ("LATENCY_HELD: yes\n", ""),
        ("INTEGRITY_HELD: yes\n", ""),
        ("ASSERTED_IN: afterwards\nHELD: no\n", "ASSERTED_IN: afterwards\n"),
    )
    (found,) = [f for f in findings(text) if f[0] == "assert-not-answered"]
    assert found[1] == (
        "nobody says whether this held; add HELD, LATENCY_HELD and INTEGRITY_HELD: "
        "yes, no or not-checked"
    )


@pytest.mark.parametrize(
    ("written", "is_late"),
    [
        ("settled in < 2s (actual: 14s)", True),
        ("settled within 60 s (actual: 2 min)", True),
        ("settled in < 500 ms (actual 1.5 s)", True),
        ("settled in < 2 h (actual: 14 min)", False),
        ("settled in < 2s (actual: 2s)", False),
        ("settled in < 2s", False),
        ("actual: 14s", False),
    ],
)
def test_a_latency_that_was_missed_did_not_hold(written: str, *, is_late: bool) -> None:
    text = changed(("LATENCY_ASSERT: within 60 s of the first call", f"LATENCY_ASSERT: {written}"))
    assert ("assert-not-answered" in names(text)) == is_late


# --- clocks ---


@pytest.mark.parametrize(
    ("line", "tag", "message"),
    [
        ("the reviewer counts the refunds", "", ""),
        ("support hands over", "detected", "[detected] is after the clock 'detected'"),
        ("support hands over", "impact", "[impact] is after the clock 'first_impact'"),
    ],
)
def test_a_timeline_line_later_than_its_clock_contradicts_it(
    line: str, tag: str, message: str
) -> None:
    written = f"- 2026-04-16 10:00 UTC — {line}" + (f" [{tag}]" if tag else "")
    text = _without_tag(TEXT, tag)
    text = text.replace("- 2026-04-17 09:00 UTC", f"{written}\n- 2026-04-17 09:00 UTC")
    found = [told for name, told in findings(text) if name == "tag-against-clock"]
    assert len(found) == bool(message)
    assert all(told.startswith(message) for told in found)


def test_a_later_line_of_the_same_tag_is_no_contradiction() -> None:
    line = "- 2026-04-15 07:00 UTC — a second invoice is charged twice [impact]"
    before = "- 2026-04-15 08:31 UTC"
    assert "tag-against-clock" not in names(TEXT.replace(before, f"{line}\n{before}"))


def test_a_clock_at_midnight_gives_a_day() -> None:
    text = changed(
        ("  detected: 2026-04-15T08:20:00Z", "  detected: 2026-04-15T00:00:00Z"),
        ("  acknowledged: 2026-04-15T08:31:00Z\n", ""),
    )
    assert "tag-against-clock" not in names(text)


def _without_tag(text: str, tag: str) -> str:
    return text.replace(f" [{tag}]\n", "\n") if tag else text


# --- the counterfactual ---


@pytest.mark.parametrize(
    "sentence",
    [
        "This is the third incident in 2026 where the missing line was the key.",
        "It is already the second time that a key was missing.",
        "We have now had the 4th incident with this missing control.",
    ],
)
def test_a_record_that_counts_itself_behind_others_is_not_the_first(sentence: str) -> None:
    text = changed(("FIRST_OF_CLASS: yes\n```", f"FIRST_OF_CLASS: yes\n```\n\n{sentence}"))
    assert names(text) == ["first-of-class-not-first"]


@pytest.mark.parametrize(
    "sentence",
    [
        "The second call would have been refused.",
        "The first incident of its kind; a second one would be refused.",
        "For the second charge no key was sent.",
    ],
)
def test_other_ordinal_numbers_say_nothing_of_earlier_incidents(sentence: str) -> None:
    text = changed(("FIRST_OF_CLASS: yes\n```", f"FIRST_OF_CLASS: yes\n```\n\n{sentence}"))
    assert names(text) == []


def test_a_draft_that_nobody_has_written_has_one_finding_for_its_empty_sections() -> None:
    headings = ["Summary", "Timeline", "Root cause", "Lessons"]
    several = "---\nstatus: in-review\n---\n" + "".join(f"## {one}\n\n" for one in headings)
    assert names(several).count("empty-section") == 1
    assert names(several.replace("## Lessons\n\n", "")).count("empty-section") == 3
