"""What an item of an action list says: a promise, or a fact, a question, a link alone."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from kb.adopt.action_count import count_actions
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.informal_action_items import read_all_actions
from kb.records.promises import is_link_alone, promises, tells_no_action
from kb.records.unread_content import unread_actions


def read(text: str) -> Document:
    body = f"# T\n\n## Action items\n\n{text}\n"
    return read_document(body.encode(), PurePath("2026-04-12-a.md"), build_form())


@pytest.mark.parametrize(
    "text",
    [
        "Test coverage is low",
        "Alert thresholds were too high",
        "The staging cluster isn't like production",
        "There is no runbook for the queue",
        "No one knows the cluster",
        "We do not have a backup of the index",
        "Lack of monitoring",
        "Why was nobody paged?",
        "How long did the failover take?",
    ],
)
def test_a_fact_or_a_question_is_no_action(text: str) -> None:
    assert tells_no_action(text)
    assert not promises(text)


@pytest.mark.parametrize(
    "text",
    [
        "Test the coverage of the parser",
        "Check what is deployed",
        "Confirm backups are on",
        "Figure out if there is a way to see it",
        "Better monitoring is needed",
        "Runbook is updated",
        "The cache is too small. Increase it to 2 GB.",
        "Database is on a single node, so add a replica",
        "Test coverage is low (see #2127)",
        "Flux metrics and alerts",
        "Can we page on the error rate?",
        "Deploys are frozen until the tests are green",
    ],
)
def test_what_asks_for_a_deed_or_has_a_ticket_stays_an_action(text: str) -> None:
    assert not tells_no_action(text)
    found = read_all_actions(read(f"- {text}").sections[-1].lines, ())
    assert [action.text for action in found] == [text]


@pytest.mark.parametrize(
    ("text", "is_alone"),
    [
        ("#2127", True),
        ("See https://tracker.example/17", True),
        ("org/repo#17 and org/repo#18", True),
        ("[#17](https://tracker.example/17)", True),
        ("[Issue](https://tracker.example/17)", True),
        ("[Add a rate limit](https://tracker.example/17)", False),
        ("Add a rate limit (#17)", False),
        ("Add a rate limit", False),
    ],
)
def test_a_link_alone_says_nothing_of_what_is_done(text: str, is_alone: bool) -> None:
    assert is_link_alone(text) is is_alone


def test_what_is_no_action_is_named_with_what_to_write() -> None:
    document = read("- Add a replica\n- Test coverage is low\n- #2127")
    named = {one.line: (one.kind, one.write) for one in unread_actions(document)}
    assert named[5] == ("action", "- [ ] Add a replica")
    assert named[6] == ("remark", "what is to be done: - [ ] …")
    assert named[7] == ("remark", "what is to be done: - [ ] … — tracker: #2127")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("- Add a replica\n- Page on the error rate", 2),
        ("- Add a replica\n- Test coverage is low", None),
        ("- #2127\n- #2128", None),
    ],
)
def test_adoption_counts_no_list_of_facts(text: str, number: int | None) -> None:
    count = count_actions(read(text))
    assert count.number == number
    assert bool(count.why) is (number is None)
