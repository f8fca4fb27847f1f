"""Are the rules that judge wording right? Precision on text of others, read and labelled by hand.

`data/judgements.jsonl` holds one line for each place where such a rule fires in the measuring
data, and in public repositories (`source`): rule, SHA-256 of the file, line, and the verdict of a
reader; `part` is `documents` where the file is a public document of another kind, in which such
rules find more to misread. It holds no text. A firing in the measuring data that nobody has read
fails the test, so whoever widens a pattern reads what it newly finds.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path, PurePath
from typing import NamedTuple

import pytest
from kb.config import CheckConfig
from kb.lint.registry import all_rules
from kb.lint.rule import LintContext
from kb.lint.rule_docs import READ_BY_HAND
from kb.lint.wording.blame_words import blame_words
from kb.lint.wording.faults import human_errors, owned_faults
from kb.lint.wording.judged_people import judged_people
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.statistics import share_interval

from conftest import ROOT

FORM = build_form()
RULES = {r.name: r for r in all_rules() if r.family == "blameless" or r.name == "vague-action"}
#: On postmortems, and on all that was read, public documents of other kinds included.
LEAST_PRECISION, LEAST_EVERYWHERE = 0.9, 0.8
CORPORA = ("agentinfra", "atlas", "h5i", "helio", "rustsec-half", "swarmproof")
_PLAIN_ITEM = re.compile(r"^(\s*)(?:[-*+]|\d+[.)])\s+(?!\[[ xX-]\])")
#: What other teams call the list of what they will do.
_PROMISES = re.compile(
    r"^#{1,6}[ \t]+[^\w\n]*(?:\d[\d.]*[ \t]*)?"
    r"(?:corrective|preventi?(?:ve|ative)|remediation|(?:process|technical|"
    r"follow-up|(?:short|medium|long)[- ]term) (?:improvement|fix|action)"
    r"|improvements?|next steps?|future actions|planned actions|recommendations?"
    r"|follow[- ]?ups?|action (?:items|plan)|todos?)\b.*$",
    re.IGNORECASE | re.MULTILINE,
)


class Place(NamedTuple):
    rule: str
    file: str
    line: int


def verdicts(*, of_postmortems: bool = False) -> dict[Place, str]:
    """The reader's verdict on each firing: right, or wrong."""
    lines = (ROOT / "tests/data/judgements.jsonl").read_text("utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return {
        Place(r["rule"], r["file_sha256"], r["line"]): r["verdict"]
        for r in rows
        if not (of_postmortems and r.get("part") == "documents")
    }


def sources(data: Path) -> Iterator[bytes]:
    """Postmortems as teams wrote them, and the texts of the corpora."""
    for file in sorted((data / "wild-markdown").rglob("*")):
        if file.is_file():
            yield file.read_bytes()
    for name in CORPORA:
        for line in (data / "corpora" / f"{name}.jsonl").read_text("utf-8").splitlines():
            yield json.loads(line)["text"].encode()


def with_tasks(raw: bytes) -> Document:
    """A document whose plain action items are read as tasks: these teams used no check boxes."""
    document = read_document(raw, PurePath("2026-01-01-x.md"), FORM)
    if document.section("actions") is None:
        text = _PROMISES.sub("## Actions", document.text, count=1)
        raw = text.encode("utf-8", errors="surrogateescape")
        document = read_document(raw, document.path, FORM)
    lines = document.text.split("\n")
    for section in document.sections:
        if section.key == "actions":
            for number in range(section.line, section.end_line):
                lines[number] = _PLAIN_ITEM.sub(r"\1- [ ] ", lines[number])
    raw = "\n".join(lines).encode("utf-8", errors="surrogateescape")
    return read_document(raw, document.path, FORM)


def firings(data: Path) -> set[Place]:
    context = LintContext(FORM, CheckConfig(), date(2026, 6, 1), data)
    return {
        Place(rule.name, hashlib.sha256(raw).hexdigest(), finding.line)
        for raw in sources(data)
        for rule in RULES.values()
        for finding in rule.check(with_tasks(raw), context)
    }


def precision(labels: list[str]) -> float:
    return labels.count("right") / len(labels)


def by_rule(places: dict[Place, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for place, verdict in places.items():
        found[place.rule].append(verdict)
    return found


def test_the_labels_name_rules_and_verdicts_that_exist() -> None:
    assert {place.rule for place in verdicts()} <= set(RULES)
    assert set(verdicts().values()) == {"right", "wrong"}


def test_the_rule_pages_say_how_often_readers_found_them_right() -> None:
    counted = {r: (v.count("right"), len(v)) for r, v in by_rule(verdicts()).items()}
    assert counted == READ_BY_HAND


@pytest.mark.parametrize("rule", sorted({place.rule for place in verdicts()}))
def test_nine_in_ten_firings_of_each_rule_on_postmortems_are_right(rule: str) -> None:
    labels = by_rule(verdicts(of_postmortems=True))[rule]
    print(f"{rule}: {labels.count('right')} of {len(labels)} right")
    assert precision(labels) >= LEAST_PRECISION or not RULES[rule].default
    assert precision(by_rule(verdicts())[rule]) >= LEAST_EVERYWHERE


@pytest.mark.parametrize("rule", sorted(READ_BY_HAND))
def test_a_rule_of_which_little_is_known_is_off_unless_asked_for(rule: str) -> None:
    right, read = READ_BY_HAND[rule]
    assert (
        read >= 20 or (share_interval(right, read) or (0, 1))[0] >= 0.5 or not RULES[rule].default
    )


def test_every_firing_on_the_measuring_data_has_been_read(data: Path) -> None:
    found, labelled = firings(data), verdicts()
    assert found - set(labelled) == set()
    current = by_rule({place: labelled[place] for place in found})
    assert all(precision(labels) >= LEAST_EVERYWHERE for labels in current.values())


def test_what_annotators_say_went_wrong_with_agents_judges_no_person(data: Path) -> None:
    lines = (data / "runs/whowhen-algorithm-generated.jsonl").read_text("utf-8").splitlines()
    reasons = [json.loads(line)["gold"]["reason"].lower() for line in lines]
    found = [
        text[one.start : one.end]
        for text in reasons
        for rule in (judged_people, owned_faults, blame_words, human_errors)
        for one in rule(text)
    ]
    assert len(reasons) > 100
    assert found == ["he misunderstood"]  # an annotator calls an agent "he"


# --- sentences that show where the line runs ---

JUDGING = (
    "alice failed to notice the alert",
    "sarah didn't check the logs",
    "sergei broke the build",
    "john deployed faulty code without proper review",
    "the deploy went wrong because the team rushed.",
    "the engineer failed to notice the alert",
    "an on-call engineer forgot to page the team",
    "the reviewer should have caught this",
    "somebody on the team ignored the warning",
    "we should have tested the retry",
    "we could easily have noticed it",
    "the operator made a mistake",
    "the developer did not bother to read the runbook",
    "the admin mistakenly ran the script",
    "he overlooked the second entry",
    "the deletion was the operator's mistake",
    "an oversight by the reviewer",
    "it was our own fault",
    "the two reviewers had overlooked it",
    "the team was too hasty",
    "our platform engineer wrongly assumed that it was staging",
    "@alice forgot to rotate the key",
    "the engineer did not notice it",
    "the operator didn't check the diff before approving",
    "the on-call engineer missed the alert for three days",
    "the reviewer should have been more careful",
    "the engineering manager failed to answer",
    "the product owner should never have promised it",
    "no alert fired, and the engineer failed to notice",
    "we were not paged. the engineer failed to look",
    "the alert did not fire and the engineer failed to look",
)
NOT_JUDGING = (
    "the request failed to reach the queue",
    "the agent failed to notice the alert",
    "the pod failed to start and the user saw an error",
    "users failed to log in for an hour",
    "the reflector failed to notice pods",
    "the cache should have been cleared",
    "each repository should have clear rules",
    "we should have a runbook for this",
    "the model ignored the second instruction",
    "the field was ignored by the parser",
    "requests that could have been cached",
    "the engineer noticed the alert at 14:02",
    "the on-call followed the runbook and restarted the route",
    "the reviewer approved the change because the diff showed no retry",
    "a long-forgotten offer",
    "the human error rate of the form is 2 %",
    "the failure of the disk",
    "the error of the second call",
    "the on-call should have been paged at 02:00",
    "the on-call should have been shown both charges",
    "no engineer should have been able to delete it",
    "the reviewer should have been told",
    "someone should have been given the diff",
    "we should have received a page",
    "the manager failed to schedule pods",
    "the operator failed to reconcile the resource",
    "the lead failed to load",
    "the developers' error budget was spent",
    "the operator's failure domain",
    "this was not the operator's mistake",
    "not because the engineer failed to look",
    "nobody ignored the alert",
    "no reviewer overlooked it: there was none",
    "@acme/router failed to install",
    "@dependabot failed to open a request",
    "envoy failed to notice the alert",
    "the agent did not notice the alert",
    "the team missed the target for march",
    "we did not realise that jobs were left",
    "he did not ask it to buy anything",
    "operator's failure to see a request shows how hard it is",
    "the gap is not that the vendor's engineers failed to mend it",
    "it was nobody's fault",
    "the plan drops a column somebody forgot",
    "the engineer failed to generate a report",
    "signals, and why we missed it",
)
HUMAN_ERROR_AS_CAUSE = (
    "the outage was due to human error",
    "the root cause was human error.",
    "caused by an operator error",
    "- human error in not knowing where the logs are",
    "human error. the wrong file was deleted",
    "it was simply human error",
    "operator error led to the deletion",
    "the cause was not only human error",
    "no alert fired. the cause was human error",
)
HUMAN_ERROR_AS_SUBJECT = (
    "the human error rate fell to 2 %",
    "the form is built to tolerate human error",
    "a step that reduces human error",
    "user error messages name the field",
    "we plan for human error and ask twice",
    "human errors are caught by the second prompt",
    "the cause was not human error but a missing gate.",
    "this is not human error",
    "it wasn't human error.",
    "the cause was a missing gate rather than an operator error.",
    "it was a missing gate, not a human error.",
    "the form says whether it was user error",
    "outages are not the result of a developer error",
    "cases where the platform caused the issue versus user error.",
)
BLAMING = (
    "the rollout was done carelessly",
    "a reckless deployment",
    "this was sloppy",
    "through negligence the alert was off",
    "operators are to blame",
    "they should have known better",
    "a lack of diligence",
)
NOT_BLAMING = (
    "a blameless review",
    "git blame shows the line",
    "the diagnosis blamed the number",
    "the tribunal found negligent misrepresentation",
    "reaching into it is not carelessness",
    "lazy loading of the script",
    "a naive parser",
    "the dashboard is in plain sight",
    "to claim more would be irresponsible",
    "a careless user can bypass it",
    "the environment variables are to blame",
)


@pytest.mark.parametrize("sentence", JUDGING)
def test_a_judgement_about_a_person_is_seen(sentence: str) -> None:
    assert [*judged_people(sentence), *owned_faults(sentence)]


@pytest.mark.parametrize("sentence", NOT_JUDGING)
def test_software_may_fail_and_people_may_act(sentence: str) -> None:
    assert [*judged_people(sentence), *owned_faults(sentence)] == []


@pytest.mark.parametrize("sentence", HUMAN_ERROR_AS_CAUSE)
def test_human_error_as_the_cause_is_seen(sentence: str) -> None:
    assert list(human_errors(sentence))


@pytest.mark.parametrize("sentence", HUMAN_ERROR_AS_SUBJECT)
def test_human_error_as_a_subject_of_study_is_left_alone(sentence: str) -> None:
    assert not list(human_errors(sentence))


@pytest.mark.parametrize("sentence", BLAMING)
def test_a_word_that_blames_is_seen(sentence: str) -> None:
    assert list(blame_words(sentence))


@pytest.mark.parametrize("sentence", NOT_BLAMING)
def test_a_word_that_only_sounds_like_blame_is_left_alone(sentence: str) -> None:
    assert not list(blame_words(sentence))


def found_in(body: str, *, people: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Name and line of what the blameless rules find in a body, or in a whole record."""
    document = read_document(body.encode(), PurePath("2026-01-01-x.md"), FORM)
    context = LintContext(FORM, CheckConfig(people=people), date(2026, 6, 1), PurePath())
    rules = [rule for rule in RULES.values() if rule.family == "blameless"]
    return [(rule.name, f.line) for rule in rules for f in rule.check(document, context)]


def test_a_counterfactual_may_say_what_should_have_been() -> None:
    sentence = "The on-call should have looked by then."
    assert found_in(f"## Counterfactual\n\n{sentence}\n") == []
    assert found_in(f"## What went wrong\n\n{sentence}\n") == [("judged-person", 3)]


def test_also_a_counterfactual_does_not_say_that_somebody_failed_to() -> None:
    assert found_in("## Counterfactual\n\nThe on-call failed to look.\n") == [("judged-person", 3)]


@pytest.mark.parametrize(
    "body",
    [
        '## Timeline\n\n- 2026-01-01 — the customer wrote "your engineer failed to answer"\n',
        "## Timeline\n\n> the engineer failed to answer\n",
        "## Timeline\n\n```\nthe engineer failed to answer\n```\n",
        "## Timeline\n\n<!-- the engineer failed to answer -->\n",
        "## Outcome asserts\n\n```evidence\nLLM_SAYS_IT_DID: the engineer failed to answer\n```\n",
        "## Timeline\n\nThe code says `the engineer failed to answer`.\n",
    ],
)
def test_words_of_others_are_not_judged(body: str) -> None:
    assert found_in(body) == []


def test_a_sentence_over_two_lines_is_read_as_one() -> None:
    body = "## What went wrong\n\nOn that night the engineer\nfailed to notice it.\n"
    assert found_in(body) == [("judged-person", 3)]


def test_an_evidence_line_is_judged_like_prose() -> None:
    body = "## Counterfactual\n\n```evidence\nWHY_WE_DID_NOT_HAVE_IT: the lead forgot it\n```\n"
    assert found_in(body) == [("judged-person", 4)]


def test_who_reviewed_or_wrote_the_lessons_is_a_person_in_the_text() -> None:
    front = "---\nlessons_by: anneke\nreviewed: {by: Bo Lindqvist}\n---\n"
    body = "## What went wrong\n\n- Anneke failed to notice.\n- Bo Lindqvist then forgot it.\n"
    assert found_in(front + body) == [("judged-person", 7), ("judged-person", 8)]
    assert found_in(body) == []


def test_names_in_the_settings_are_people_in_the_text() -> None:
    body = "## What went wrong\n\nCarol overlooked it.\n"
    assert ("judged-person", 3) in found_in(body, people=("Carol",))


def test_names_of_people_are_found_as_words_and_only_when_they_are_set() -> None:
    body = "## Timeline\n\n- Will wrote to Ann Lee, who will answer; Annex, Willow\n"
    assert found_in(body) == []
    assert found_in(body, people=("Will", "Ann Lee")) == [("named-person", 3)] * 2
