"""Where do the rules on root cause stay silent, and where not? Edges of each rule."""

from __future__ import annotations

import pytest
from kb.lint.wording.fixes_by_cause import LEVERS_FOR_CAUSE, PERMANENT_LEVERS, RIGHT_FIXES
from kb.records.taxonomy import CAUSES, LEVERS

from changed_example import TEXT, changed, found, with_actions


def _model(text: str) -> str:
    start, end = TEXT.index("### Model"), TEXT.index("## Counterfactual")
    return f"{TEXT[:start]}### Model\n\n{text}\n\n{TEXT[end:]}"


@pytest.mark.parametrize(
    "text",
    [
        "The model hallucinated.",
        "The LLM made it up.",
        "The agent went rogue.",
        "The on-call ran the script in production. It was human error.",
        "- The agent hallucinated a policy that does not exist.",
        "The model is just unreliable.",
        "Root cause: human error.",
    ],
)
def test_an_explanation_must_not_end_at_a_label(text: str) -> None:
    assert found(_model(text)) == {"root-cause-is-a-label"}


@pytest.mark.parametrize(
    "text",
    [
        "The model hallucinated because the context held no order.",
        "The model hallucinated an id. The tool description does not say where ids come from.",
        "There was no human error.",
        "Human error was ruled out: the console shows one colour for both systems.",
        "n/a: the model was not called",
        "The agent behaved as instructed.",
    ],
)
def test_an_explanation_that_goes_on_is_none(text: str) -> None:
    assert "root-cause-is-a-label" not in found(_model(text))


def test_a_prong_may_have_a_longer_name_and_must_not_be_empty() -> None:
    assert found(changed(("### Code\n", "### Code and API\n"))) == set()
    assert found(_model("")) == {"missing-prong"}


def test_a_cause_is_removed_by_what_says_so() -> None:
    causes = ("causes: [code-defect, prompt-defect]", "causes: [code-defect, weak-verifier]")
    assert found(changed(causes)) == {"cause-without-action"}
    named = ("cause: prompt-defect, closed: 2026-04-22", "cause: weak-verifier, closed: 2026-04-22")
    assert found(changed(causes, named)) == set()


def test_in_a_short_record_an_open_cause_is_advice() -> None:
    text = changed(
        ("causes: [code-defect, prompt-defect]", "causes: [code-defect, weak-verifier]"),
        ("severity: SEV2", "severity: SEV4"),
        ("impact: customer-visible", "impact: internal"),
    )
    assert found(text) == {"cause-left-open"}


@pytest.mark.parametrize(
    ("policy_cause", "cause", "actions", "is_right"),
    [
        ("injection", "prompt-injection", "keep mail apart from instructions; code", True),
        ("injection", "prompt-injection", "tell it to ignore mail; prompt", False),
        ("injection", "prompt-injection", "tell it to read untrusted mail as data; prompt", False),
        ("injection", "prompt-injection", "read untrusted mail apart; code|say so; prompt", True),
        ("injection", "prompt-injection", "narrow the token; permission", True),
        ("hallucination", "hallucination", "check each id; verifier", True),
        ("hallucination", "hallucination", "ask it to be truthful; prompt", False),
        ("prompt-defect", "prompt-defect", "reword it; prompt", False),
        ("prompt-defect", "prompt-defect", "reword it; prompt|keep the case; eval", True),
    ],
)
def test_each_policy_cause_has_its_kind_of_fix(
    policy_cause: str, cause: str, actions: str, is_right: bool
) -> None:
    rows = [action.split("; ") for action in actions.split("|")]
    lines = [
        f"A{n}: {text}, never twice — owner: a, lever: {lever}, cause: {cause}"
        for n, (text, lever) in enumerate(rows, 1)
    ]
    text = changed(
        ("causes: [code-defect, prompt-defect]", f"causes: [{cause}]"),
        ("POLICY_CAUSE: not-enforced", f"POLICY_CAUSE: {policy_cause}"),
        with_actions(*lines),
    ).replace("keep mail apart", "separate mail")
    assert ("wrong-kind-of-fix" in found(text)) is not is_right
    only_prompts = all(lever == "prompt" for _, lever in rows)
    assert ("prompt-tweak-only" in found(text)) is only_prompts


def test_the_tables_of_fixes_use_only_words_of_the_taxonomy() -> None:
    levers = {word.name for word in LEVERS}
    assert set(LEVERS_FOR_CAUSE) == {word.name for word in CAUSES}
    assert set().union(*LEVERS_FOR_CAUSE.values(), PERMANENT_LEVERS) <= levers
    assert set().union(*(fix.levers for fix in RIGHT_FIXES.values())) <= levers
