"""Where do the rules on evidence stay silent, and where not? Edges of each rule.

The faults themselves are the files of `rules/`; here the worked example is changed a little.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from kb.lint.readings.document_facts import is_answered
from kb.lint.rules.evidence.fixture import fixture_path

from changed_example import DRAFT, PUBLIC, TEXT, changed, found, with_actions
from conftest import EXAMPLE


def test_the_worked_example_is_without_fault() -> None:
    assert found(TEXT) == set()


def test_a_draft_may_be_incomplete() -> None:
    text = changed(
        DRAFT,
        ("OUTCOME_ASSERT: the ledger holds exactly one charge for invoice 7781\n", ""),
        ("INTERVENTIONS: none before the customer wrote\n", ""),
        ("MISSING: the bodies of the answers\n", ""),
        ("### Model\n", ""),
        with_actions(),
    )
    assert found(text) == set()


@pytest.mark.parametrize("status", ["in-review", "published"])
def test_a_record_in_review_is_held_to_it(status: str) -> None:
    text = changed(
        ("status: published", f"status: {status}"),
        ("INTERVENTIONS: none before the customer wrote\n", ""),
    )
    assert found(text) == {"missing-evidence-pack"}


def test_a_file_without_front_matter_is_not_asked_for_evidence() -> None:
    assert found("# Notes\n\n## Outcome asserts\n\nLLM_SAYS_IT_DID: all is well\n") == set()


@pytest.mark.parametrize("value", ["none", "n/a", "N/A (no time)", "unknown", "TBD", "-", "?", ""])
def test_an_assert_that_says_nothing_is_none(value: str) -> None:
    line = "OUTCOME_ASSERT: the ledger holds exactly one charge for invoice 7781"
    assert found(changed((line, f"OUTCOME_ASSERT: {value}"))) == {"claim-without-assert"}


def test_an_assert_may_begin_with_none() -> None:
    assert is_answered("none of the invoices has two charges")
    assert not is_answered("none; nobody thought of it")


def test_public_records_may_say_unknown_and_owe_no_actions() -> None:
    line = "OUTCOME_ASSERT: the ledger holds exactly one charge for invoice 7781"
    text = changed(PUBLIC, (line, "OUTCOME_ASSERT: unknown"), with_actions())
    assert found(text) == set()


def test_public_records_still_need_an_assert_line() -> None:
    line = "OUTCOME_ASSERT: the ledger holds exactly one charge for invoice 7781\n"
    assert found(changed(PUBLIC, (line, ""))) == {"claim-without-assert"}


def test_evidence_has_to_point_somewhere() -> None:
    start, end = TEXT.index("EVIDENCE: trace"), TEXT.index("ROOT_CAUSE:")
    text = TEXT[:start] + "EVIDENCE: we are sure that it did\n" + TEXT[end:]
    assert found(text) == {"policy-path-without-evidence"}


def test_an_action_that_names_the_tool_answers_the_audit() -> None:
    text = changed(
        with_actions(
            "A1: stop charge after ten seconds — owner: a, lever: code, cause: code-defect",
            "A2: send receipt from the ledger — owner: a, lever: alert",
            "A3: say what a timeout means — owner: a, lever: prompt, cause: prompt-defect",
        ),
    )
    assert found(text) == set()


def test_to_ask_the_model_not_to_call_twice_makes_no_call_safe() -> None:
    asked = "A1: tell the model that charge and send_receipt need a key — owner: a, lever: prompt"
    assert "unsafe-call-without-action" in found(changed(with_actions(asked)))


def test_cancelled_actions_answer_nothing() -> None:
    text = changed(*((f"- [{mark}] A{n}", f"- [-] A{n}") for n, mark in enumerate("xxxx ", 1)))
    assert found(text) == {"failed-assert-without-action", "unsafe-call-without-action"}


# --- fixture ---


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("a/fixture.json", "a/fixture.json"),
        ("`a/fixture.json` (frozen at step 3)", "a/fixture.json"),
        ("[the run](a/fixture.json)", "a/fixture.json"),
        ("n/a", ""),
        ("none: the run was not recorded", ""),
        ("", ""),
    ],
)
def test_a_fixture_is_named_in_several_ways(value: str, path: str) -> None:
    assert fixture_path(value) == path


def _fixture(value: str) -> str:
    return changed(("REPLAYABLE: no", f"FIXTURE: {value}\nREPLAYABLE: partly"))


def test_a_fixture_that_is_there_is_no_fault(example_library: Path) -> None:
    file = example_library / "postmortems" / EXAMPLE.stem / "run.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text("{}", encoding="utf-8")
    assert found(_fixture(f"{EXAMPLE.stem}/run.json"), root=example_library) == set()
    assert found(_fixture("run.json"), root=example_library) == {"missing-fixture"}


@pytest.mark.parametrize(
    "path", ["../../../etc/passwd", "/etc/passwd", "a\0b", "x" * 5000, ".", "loop", "out"]
)
def test_a_path_that_is_no_file_of_the_repository_is_a_fault(
    path: str, example_library: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "fixture.json"
    outside.write_text("{}", encoding="utf-8")
    (example_library / "postmortems/out").symlink_to(outside)
    (example_library / "postmortems/loop").symlink_to("loop")
    assert found(_fixture(path), root=example_library) == {"missing-fixture"}


def test_an_address_is_not_looked_up() -> None:
    assert found(_fixture("https://traces.example.com/4bf92f35")) == set()


def test_replayable_without_a_fixture_is_a_fault() -> None:
    text = changed(("REPLAYABLE: no\nMISSING: the bodies of the answers", "REPLAYABLE: yes"))
    assert found(text) == {"missing-fixture"}


# --- conflicts ---


@pytest.mark.parametrize(
    ("causes", "policy_cause", "is_fault"),
    [
        ("[code-defect, prompt-defect, prompt-injection]", "none", True),
        ("[code-defect, prompt-defect, prompt-injection]", "not-enforced", False),
        ("[code-defect, prompt-defect]", "injection", True),
        ("[code-defect, prompt-defect]", "prompt-defect", False),
        ("[code-defect, prompt-defect]", "none", False),
        ("[code-defect, prompt-defect, access-control]", "none", True),
        ("[code-defect, access-control, governance-design]", "none", False),
        ("[code-defect, governance-design]", "none", False),
        ("[code-defect, stale-evidence]", "none", True),
        ("[]", "injection", False),
    ],
)
def test_causes_and_sections_must_not_contradict(
    causes: str, policy_cause: str, is_fault: bool
) -> None:
    text = changed(
        DRAFT,
        ("causes: [code-defect, prompt-defect]", f"causes: {causes}"),
        ("POLICY_CAUSE: not-enforced", f"POLICY_CAUSE: {policy_cause}"),
    )
    assert ("contradicted-cause" in found(text)) is is_fault


def _truth(text: str) -> str:
    start, end = TEXT.index("## Customer-visible truth"), TEXT.index("## Timeline")
    return f"{TEXT[:start]}## Customer-visible truth\n\n{text}\n\n{TEXT[end:]}"


@pytest.mark.parametrize(
    "text",
    [
        "MTTR was 42 minutes.",
        "Availability fell to 99.2 %. The outage lasted two hours.",
        "CUSTOMER_SAW: p95 latency of 4 s",
        "WINDOW: 2026-04-12 03:14 to 05:00",
    ],
)
def test_a_duration_is_no_truth(text: str) -> None:
    assert found(_truth(text)) == {"truth-is-a-duration"}


@pytest.mark.parametrize(
    "text",
    [
        "MTTR was 42 minutes. One customer saw two charges.",
        "Customers waited 40 s for each answer while latency rose.",
        "n/a: no customer was involved, availability stayed at 100 %",
        "CUSTOMER_SAW: two charges",
        "WINDOW: 2026-04-12\nCUSTOMERS_AFFECTED: 14",
    ],
)
def test_what_customers_went_through_is(text: str) -> None:
    assert found(_truth(text)) == set()


def test_containment_within_the_limit_needs_no_failed_control() -> None:
    start, end = TEXT.index("## Failed controls"), TEXT.index("## Root cause")
    text = TEXT[:start] + "## Failed controls\n\n- code review — expected — missed\n\n" + TEXT[end:]
    assert found(text) == {"slow-containment-without-control"}
    assert found(text, limit=5000) == set()


# --- weak answers ---


@pytest.mark.parametrize(
    ("change", "name", "answer"),
    [
        (
            ("causes: [code-defect, prompt-defect]", "causes: [stale-evidence]"),
            "stale-evidence-unanswered",
            "A9: refuse lists older than a day — owner: a, lever: retrieval",
        ),
        (
            ("AUTHORITY: authorised", "AUTHORITY: unauthorised"),
            "excess-authority-unanswered",
            "A9: read-only credentials for the agent — owner: a, lever: permission",
        ),
        (
            ("kind: incident", "kind: rescue"),
            "rescues-unanswered",
            "A9: no further market before the rate is below 1 % — owner: a, gate: rollout",
        ),
        (
            ("route_start", "route_start"),
            "late-detection-unanswered",
            "A9: page the on-call at the first double charge — owner: a, lever: alert",
        ),
    ],
)
def test_a_weak_answer_gets_a_better_one(change: tuple[str, str], name: str, answer: str) -> None:
    weak = "A1: tell it never to charge twice — owner: a, lever: prompt"
    assert name in found(changed(change, with_actions(weak)))
    assert name not in found(changed(change, with_actions(weak, answer)))


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (
            ("causes: [code-defect, prompt-defect]", "causes: [stale-evidence]"),
            "stale-evidence-unanswered",
            "tell the model to verify that a price is not stale",
        ),
        (
            ("AUTHORITY: authorised", "AUTHORITY: unauthorised"),
            "excess-authority-unanswered",
            "tell the model never to use the production credential without approval",
        ),
        (
            ("kind: incident", "kind: rescue"),
            "rescues-unanswered",
            "tell the model to prepare a hand-over where it is unsure",
        ),
        (
            ("route_start", "route_start"),
            "late-detection-unanswered",
            "tell the model to alert somebody",
        ),
    ],
)
def test_words_put_to_the_model_are_no_answer(
    change: tuple[str, str], name: str, words: str
) -> None:
    assert name in found(changed(change, with_actions(f"A1: {words} — owner: a, lever: prompt")))
    assert name not in found(changed(change, with_actions(f"A1: {words} — owner: a, lever: code")))


def test_a_page_of_a_site_pages_nobody() -> None:
    late = "late-detection-unanswered"
    for text in ("reword the checkout page", "link the page the customers see"):
        assert late in found(changed(with_actions(f"A1: {text} — owner: a, lever: code"))), text
    for text in ("page the owner at two charges", "a query that pages a person", "a pager for it"):
        assert late not in found(changed(with_actions(f"A1: {text} — owner: a, lever: code"))), text
