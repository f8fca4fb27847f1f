"""How much of what people write do the rules on wording see? Recall on written sentences.

`data/judged-sentences.jsonl` holds sentences that each should be seen, by the rule that is meant.
They were written from the kinds of judgement in five lists, each before the patterns of its time
were read; the patterns were then mended by all but list c, which was kept for measuring.
"""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import date
from pathlib import PurePath

import pytest
from kb.config import CheckConfig
from kb.lint.registry import all_rules
from kb.lint.rule import LintContext
from kb.lint.wording.blame_words import blame_words
from kb.lint.wording.faults import owned_faults, unmeant_slips
from kb.lint.wording.judged_people import judged_people
from kb.lint.wording.judgement_phrases import blamed_people, judged_agents, slip_phrases
from kb.lint.wording.vague_actions import vague_wording
from kb.records.document import read_document
from kb.records.form import build_form

from conftest import ROOT

FORM = build_form()
RULES = {rule.name: rule for rule in all_rules()}
CONTEXT = LintContext(FORM, CheckConfig(), date(2026, 6, 1), PurePath())
LEAST_RECALL = 0.7
#: A slip that is given as the cause is seen by any of the rules that ask what led to it.
SEEN_BY = {
    "judged-person": ("judged-person", "human-error-as-cause"),
    "human-error-as-cause": ("human-error-as-cause", "judged-person", "root-cause-is-a-label"),
}
ROWS = [
    json.loads(line)
    for line in (ROOT / "tests/data/judged-sentences.jsonl").read_text("utf-8").splitlines()
]


def is_seen(rule: str, sentence: str) -> bool:
    """Whether a rule fires for a sentence that stands where such sentences stand."""
    if rule == "vague-action":
        text = f"## Action items\n\n- [ ] A1: {sentence}\n"
    elif rule == "root-cause-is-a-label":
        text = f"---\nstatus: in-review\n---\n## Root cause\n\n### Code\n\n{sentence}\n"
    else:
        text = f"## Summary\n\nIt broke on Monday.\n\n{sentence}\n"
    document = read_document(text.encode(), PurePath("2026-01-01-x.md"), FORM)
    return any(True for _ in RULES[rule].check(document, CONTEXT))


@pytest.mark.parametrize("name", ["a", "b", "c", "d", "e"])
def test_seven_of_ten_written_judgements_of_each_kind_are_seen(name: str) -> None:
    seen: dict[str, list[bool]] = defaultdict(list)
    for row in ROWS:
        if row["list"] == name:
            rule = row["rule"]
            rules = SEEN_BY.get(rule, (rule,))
            seen[rule].append(any(is_seen(other, row["sentence"]) for other in rules))
    for rule, found in sorted(seen.items()):
        print(f"list {name}, {rule}: {sum(found)} of {len(found)}")
    assert all(sum(found) / len(found) >= LEAST_RECALL for found in seen.values())


def test_the_lists_are_as_long_as_a_share_needs() -> None:
    assert len(ROWS) >= 300
    assert len({(row["rule"], row["sentence"]) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize(
    "text",
    [
        "coordinate-snapped cache that no build invalidates",
        "sync completes without an error",
        "chat works end to end",
        "visit the page that lists them",
        "monitoring script for changes of the address",
        "monitor the first run after the deployment",
        "review and merge the fix",
        "include the identifiers and how they are related (parent, child?)",
        "the cache rule should ideally exclude them",
        "align the documents of the check",
        "implement periodic cleanup of artwork that nobody refers to",
        "improve p95 from 900 → 300",
        "explore-agent maps the caller",
        "enhance the log line with the request id",
        "investigate the pool: rejected",
        "research complete",
        "monitoring confirms the mend",
        "define policy checks in the pipeline",
        "consult `docs/limits.md`",
        "improve monitoring — **completed** 2025-03-01",
        "review the process (done)",
        "improve monitoring ✅",
        "investigate the pool: done in #12",
        "investigate the pool — shipped on 4 May 2026.",
        "monitoring and alerts:",
        "**if yes:** consider route groups",
        "**never:** try to lift the state",
        "review and apply the failover settings in all environments",
        "review and extend the checklist to include memory",
        "revisit the choice of models only through a new decision record",
        "monitoring procedures",
        "increase the frequency of backups to every hour",
        "increase the usable memory of the server",
    ],
)
def test_what_only_begins_like_a_vague_action_is_none(text: str) -> None:
    assert vague_wording(text) is None


@pytest.mark.parametrize(
    "text",
    [
        "Investigate further: done by Friday",
        "Investigate root cause: deployed version was wrong",
        "Look into the queue — complete by Q3",
        "Complete review of better monitoring",
        "Consider better alerts: implemented as a cron job?",
        "Look into is_done.",
        "Investigate the pool: resolved by Friday",
    ],
)
def test_a_word_of_doing_does_not_say_that_an_action_was_done(text: str) -> None:
    assert vague_wording(text.lower()) is not None
    assert vague_wording(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "the logs could show that the operator accidentally deleted it",
        "we might add: the engineer accidentally dropped the table",
        "the engineer deleted the nearly full volume by accident",
        "the engineer deleted the nearly used volume by accident",
        "in may, the engineer deleted it by accident",
        "if nothing else helps we stop, and the engineer deleted it by accident",
    ],
)
def test_a_word_of_doubt_elsewhere_takes_no_verdict_back(text: str) -> None:
    assert list(slip_phrases(text)) != []


@pytest.mark.parametrize(
    "text",
    [
        "we were slow to answer",
        "the team was told before noon",
        "a wrong click opens the other page, and a second one closes it",
        "the operator was asleep: it was three in the morning",
        "it was caused by the eviction manager failing to start",
        "the cost of a wrong default is paid by someone else",
        "whoever prints a list vouches for it, whoever wrote it",
        "by 80 i mean 55, because i forgot what we asked for",
        "if developers approve without reading, nothing helps",
        "he did not ask it to buy anything",
        "the service support failed to load",
        "the fault was found by accident",
        "a fat finger order moved the price",
        "the operator could have deleted it by accident",
        "the engineer nearly deleted it by accident",
        "we ask whether it was deleted by accident",
        "the agent had been told not to delete files",
        "customers had been warned before the migration",
        "this was solely on the reviewer agent",
        "they did not care which region answered",
        "a stray click handler caused the second submit",
        "the llm judge showed poor judgement",
        "the kubernetes operator failed to restart the pod",
        "a kubernetes operator did not check the quota",
        "the fault lies with the provider's engineer tooling",
        "the operator was asleep at 03:14, and nobody else had the key",
        "nothing panicked, and the process stayed alive",
        "the probe misreads a refused login as an absent mirror",
        "alert fatigue is a risk where each write asks",
        "this is not evidence of negligence",
        "the parser put the pages in the wrong order",
        "assumed user error at the time",
        "he did not ask it to buy anything, and she did not see the page",
    ],
)
def test_what_only_sounds_like_a_verdict_is_none(text: str) -> None:
    finders = (judged_people, blamed_people, slip_phrases, judged_agents)
    judged = tuple(one for find in (*finders, owned_faults, unmeant_slips) for one in find(text))
    assert judged == ()
    assert list(blame_words(text)) == []


@pytest.mark.parametrize("who", ["he", "the on-call engineer", "maria"])
def test_a_person_who_had_been_told_is_judged(who: str) -> None:
    assert list(blamed_people(f"{who} had been told twice not to run it"))


def test_what_a_customer_wrote_of_an_agent_is_told_and_judges_nobody() -> None:
    assert list(judged_agents("the customer wrote that the bot was stupid")) == []
    assert list(judged_agents("the bot was stupid")) != []


def test_what_is_quoted_of_a_vague_action_ends_with_its_word() -> None:
    text = "Improve monitoring of the queue"
    found = vague_wording(text)
    assert found is not None
    assert text[found.start : found.end] == "Improve monitoring"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("judged-person", "The shift supervisor never bothered to read the alert."),
        ("judged-person", "Management brushed the warning aside."),
        ("judged-person", "The new hire at the vendor was obviously in over her head."),
        ("judged-person", "Two reviewers waved the change through."),
        ("judged-person", "The release manager took the green check for granted."),
        ("judged-person", "It came from the complacency of the platform team."),
        ("human-error-as-cause", "This stemmed from a momentary lapse."),
        ("human-error-as-cause", "The wrong row was ticked in the console."),
        ("human-error-as-cause", "The tenant was mistakenly purged."),
        ("human-error-as-cause", "The deletion is attributable to plain haste."),
        ("root-cause-is-a-label", "An inherent limitation of stochastic models."),
        ("root-cause-is-a-label", "Unexpected behaviour of a third-party component."),
        ("root-cause-is-a-label", "The pipeline malfunctioned again."),
        ("vague-action", "Implement guardrails and checks for the agent"),
        ("vague-action", "Write documentation"),
    ],
)
def test_classes_of_words_combine(rule: str, sentence: str) -> None:
    assert any(is_seen(other, sentence) for other in SEEN_BY.get(rule, (rule,)))


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ("root-cause-is-a-label", "The race:"),
        ("root-cause-is-a-label", "The cache failed because the key held no tenant."),
        ("root-cause-is-a-label", "The service account could drop tables."),
        ("vague-action", "Add a test that a second refund of one order is refused"),
        ("vague-action", "Write docs/restore.md"),
    ],
)
def test_a_word_that_says_more_takes_a_label_back(rule: str, sentence: str) -> None:
    assert not is_seen(rule, sentence)
