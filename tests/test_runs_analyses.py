"""What the analyses find, and what they leave alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.terminal import cells
from kb.traces.analyses import ANALYSES, AnalysisContext, Severity, TraceFinding, audit
from kb.traces.analyses.alignment import align, diff_text
from kb.traces.analyses.claims import claims_in
from kb.traces.analyses.divergence import divergence
from kb.traces.analyses.idempotency import key_audits, repeats
from kb.traces.analyses.loops import loops
from kb.traces.analyses.outcome_gap import has_outcome_assert, unverified
from kb.traces.analyses.policy_path import read_rule
from kb.traces.analyses.replayability import replayability
from kb.traces.analyses.report import audit_text, audits_json
from kb.traces.run import Message, Placeholder, Redaction, Request, Run, ToolDefinition

from runs_made import agent, failed, made_run, read, tool, unknown, user, write
from test_cli import kb

ROOT = Path(__file__).resolve().parent.parent


def found(run: Run, analysis: str, passing: Run | None = None) -> list[TraceFinding]:
    row = next(row for row in ANALYSES if row.name == analysis)
    return list(row.examine(run, AnalysisContext(passing)))


def faults(run: Run, analysis: str) -> list[str]:
    return [f.message for f in found(run, analysis) if f.severity is Severity.FAULT]


# Idempotency


def test_a_write_that_succeeded_twice_with_equal_arguments_is_a_fault() -> None:
    run = made_run(write("pay", {"id": 1, "usd": 5}), write("pay", {"usd": 5, "id": 1}))
    (fault,) = [f for f in found(run, "idempotency") if f.severity is Severity.FAULT]
    assert "2 times with equal arguments (steps 0, 1): 2 of them succeeded" in fault.message
    assert (fault.step, fault.steps) == (1, (1, 0))


def test_a_timeout_and_a_success_are_a_fault_because_both_may_have_run() -> None:
    run = made_run(failed(write("pay", {"id": 1}), "timeout"), write("pay", {"id": 1}))
    assert "one ended without saying whether it had run" in faults(run, "idempotency")[0]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("HTTP 502", "502 Bad Gateway"),
        ("500", "Internal Server Error"),
        ("Error", "Error: socket hang up"),
        ("error", "read ECONNRESET"),
        ("EOFError", ""),
        ("RemoteDisconnected", "Remote end closed connection without response"),
        ("error", "Request failed with status code 503"),
    ],
)
def test_a_server_error_or_a_lost_connection_leaves_open_whether_it_ran(
    kind: str, message: str
) -> None:
    run = made_run(failed(write("pay", {"id": 1}), kind, message), write("pay", {"id": 1}))
    assert "one ended without saying whether it had run" in faults(run, "idempotency")[0]
    assert [(r.ran, r.open, r.unproven) for r in repeats(run)] == [(1, 1, 0)]


def test_an_error_in_plain_words_proves_neither_and_is_a_warning_when_the_retry_ran() -> None:
    first = failed(write("pay", {"id": 1}), "Error", "Error: could not be saved")
    run = made_run(first, write("pay", {"id": 1}))
    (finding,) = [f for f in found(run, "idempotency") if f.step is not None]
    assert finding.severity is Severity.WARNING
    assert "does not prove that it had not run" in finding.message
    again = made_run(first, first)
    assert [f.severity for f in found(again, "idempotency")] == [Severity.NOTE] * 2


def test_a_claim_after_a_write_that_ended_open_says_so() -> None:
    run = made_run(failed(write("pay"), "HTTP 500", "HTTP 500: internal"), agent("It was paid."))
    assert "which ended without saying whether it had run" in faults(run, "outcome-gap")[0]


def test_a_refused_write_that_is_tried_again_is_no_fault() -> None:
    run = made_run(failed(write("pay", {"id": 1}), "ValidationError"), write("pay", {"id": 1}))
    assert faults(run, "idempotency") == []
    assert len(repeats(run)) == 1


def test_other_arguments_and_reads_are_no_repeats() -> None:
    run = made_run(
        write("pay", {"id": 1}),
        write("pay", {"id": 2}),
        read("get"),
        read("get"),
        write("pay", {"id": "1"}),
    )
    assert repeats(run) == ()


def test_a_repeat_of_unknown_effect_is_a_warning_and_says_so() -> None:
    run = made_run(unknown("look"), unknown("look"))
    (finding,) = found(run, "idempotency")
    assert finding.severity is Severity.WARNING
    assert "effect unknown, so taken as write" in finding.message


def test_the_audit_answers_what_the_trace_shows_and_leaves_the_rest_open() -> None:
    schema = {"type": "object", "properties": {"idempotency_key": {"type": "string"}}}
    run = made_run(
        write("pay", {"id": 1, "idempotency_key": "k"}),
        write("mail", {"to": "x"}),
        tools=(ToolDefinition(name="pay", parameters=schema),),
    )
    pay, mail = key_audits(run)
    assert (pay.in_schema, pay.in_trace, pay.in_prompt) == (True, True, None)
    assert (mail.in_schema, mail.in_trace, mail.hinted_idempotent) == (None, False, None)


# Outcome


def test_a_claim_after_the_last_write_with_no_read_back_is_found() -> None:
    run = made_run(write("book"), agent("Your flight has been booked. Anything else?"))
    gap = unverified(run)
    assert gap is not None
    assert gap.claim is not None
    assert gap.claim.text == "Your flight has been booked."
    assert has_outcome_assert(run) is False


def test_a_read_between_write_and_claim_closes_the_gap() -> None:
    run = made_run(write("book"), read("get_booking"), agent("It has been booked."))
    assert unverified(run) is None
    assert has_outcome_assert(run) is True


def test_a_read_after_the_claim_comes_too_late() -> None:
    run = made_run(write("book"), agent("It has been booked."), read("get_booking"))
    assert unverified(run) is not None


def test_a_claim_after_a_failed_write_is_a_fault() -> None:
    run = made_run(failed(write("book"), "error", "no seats"), agent("Your seat is confirmed."))
    assert "claimed after book (step 0), which failed" in faults(run, "outcome-gap")[0]


def test_a_claim_before_any_call_that_could_have_caused_it_is_found() -> None:
    run = made_run(read("get"), agent("I have cancelled the order."), user("thanks"), write("log"))
    assert "before any call" in found(run, "outcome-gap")[0].message


def test_a_run_without_writes_has_no_gap() -> None:
    run = made_run(read("get"), agent("The order arrives on Monday."))
    assert found(run, "outcome-gap") == []
    assert has_outcome_assert(run) is None


@pytest.mark.parametrize(
    "text",
    [
        "Your reservation has been cancelled.",
        "I've updated the record.",
        "I have successfully refunded 120 USD to the card.",
        "Renewal complete: charged 120 USD.",
        "Receipt sent.",
        "Done.",
        "All tests pass and the fix is deployed.",
        "I have refunded your order, no further action is needed.",
        "Your refund of $50 has been processed and will appear on your card within 5 days.",
        "I've upgraded you to business at no extra cost.",
        "I’ve upgraded you to business.",
        "I have updated your policy.",
        "Refund sent, you can expect it soon.",
        "Done — the error in the record has been fixed.",
        "The trip has been successfully updated to include the nonstop flight on May 21.",
        "The eligible reservations have been successfully cancelled:",
        "The flight on May 12 has been changed.",
        "I can confirm that your booking has been cancelled.",
        "I've gone ahead and cancelled your booking.",
        "I cancelled the order, but I could not refund it.",
        "Once again sorry for the wait, your order has been shipped.",
        "The load was fixed by raising the limit.",
    ],
)
def test_claims_are_told_by_their_words(text: str) -> None:
    assert list(claims_in(text)) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "Would you like me to cancel it?",
        "I will cancel the order now.",
        "Once it has been cancelled, you will get an e-mail.",
        "The order could not be updated.",
        "I have not changed anything.",
        "If the seat is booked, call us.",
        "Your options are economy and business.",
        "Please confirm that you want it cancelled.",
        "I will refund your order.",
        "Your order has not been refunded.",
        "Sorry, no refund was made.",
        "It should be processed within 5 days.",
        "It should have been processed by now.",
        "It may have been charged.",
        "I cannot confirm that it was cancelled.",
        "None of the flights were cancelled.",
        "If the seat is booked and the fare was paid, call us.",
        "Since it was booked with insurance, you can cancel it.",
        "The ticket was booked more than 24 hours ago.",
        "It will be cancelled and refunded.",
        "Booked flights cannot be changed.",
        "To complete the booking, I need your card.",
        "Was it cancelled?",
        "The load test was created by this configuration.",
        "The order had been cancelled by the customer.",
    ],
)
def test_intentions_questions_and_refusals_are_no_claims(text: str) -> None:
    assert list(claims_in(text)) == []


# Policy


@pytest.mark.parametrize(
    ("rule", "steps"),
    [
        ("refund requires approve before it", [0]),
        ("refund requires audit after it", [0, 2]),
        ("ref* at most 1 time", [2]),
        ("refund at most 2 times", []),
        ("refund is forbidden.", [0, 2]),
        ("approve requires refund before it", []),
    ],
)
def test_rules_of_order_name_the_steps_that_break_them(rule: str, steps: list[int]) -> None:
    run = made_run(write("refund"), read("approve"), write("refund"), policy=(rule,))
    assert [f.step for f in found(run, "policy-path") if f.step is not None] == steps


def test_an_approval_that_failed_approves_nothing() -> None:
    policy = ("refund requires approve before it",)
    run = made_run(failed(read("approve")), write("refund"), policy=policy)
    assert len(faults(run, "policy-path")) == 1


@pytest.mark.parametrize(
    "answer",
    ['{"approved": false}', {"allowed": False, "by": "x"}, '{"ok": false, "reason": "too much"}'],
)
def test_an_answer_that_says_no_approves_nothing(answer: object) -> None:
    policy = ("refund requires approve before it",)
    run = made_run(read("approve", result=answer), write("refund"), policy=policy)
    (fault,) = faults(run, "policy-path")
    assert "no approve succeeded before it (one was answered with a no)" in fault
    later = made_run(
        read("approve", result=answer), read("approve"), write("refund"), policy=policy
    )
    assert faults(later, "policy-path") == []


def test_a_rule_that_cannot_match_is_said_with_the_name_it_may_have_meant() -> None:
    policy = ("refnd requires approve before it", "refund at most 1 time")
    run = made_run(write("refund"), tools=(tool("approve"),), policy=policy)
    (note,) = found(run, "policy-path")
    assert (note.severity, note.step) == (Severity.NOTE, None)
    assert "“refnd requires approve before it”" in note.message
    assert "refnd (near: refund)" in note.message
    assert "approve (" not in note.message


def test_effects_whose_names_fit_no_tool_are_said_the_likely_slips_first() -> None:
    run = made_run(write("refund"), policy=("refund at most 1 time",))
    row = next(row for row in ANALYSES if row.name == "policy-path")
    (note,) = row.examine(run, AnalysisContext(effects=("get_*", "ref*", "refnd")))
    assert note.message.endswith("neither called nor offered: refnd (near: refund), get_*")
    assert list(row.examine(run, AnalysisContext(effects=("ref*",)))) == []


def test_the_command_names_a_misspelt_effect(tmp_path: Path) -> None:
    settings = '[library]\nname = "x"\npath = "p"\n[runs.effects]\nchrge = "write"\n'
    (tmp_path / "kb.toml").write_text(settings, encoding="utf-8")
    trace = ROOT / "kb/data/example/agent/trace.json"
    _, out, _ = kb("run", "audit", str(trace), cwd=tmp_path)
    assert "chrge (near: charge)" in out


def test_a_line_that_is_no_rule_is_an_error_that_shows_the_forms() -> None:
    with pytest.raises(KbError, match="is no rule of order") as caught:
        read_rule("be careful with refunds")
    assert "requires B before it" in caught.value.todo


# Divergence


def test_the_first_divergent_step_and_write_are_told_apart() -> None:
    passing = made_run(user("a"), read("get", {"q": 1}), write("put", {"v": 1}), id="good")
    run = made_run(user("a"), read("get", {"q": 2}), read("get"), write("put", {"v": 2}))
    parted = divergence(run, passing)
    assert parted.first is not None
    assert parted.first_tool is not None
    assert parted.first_write is not None
    steps = (parted.first.step, parted.first_tool.step, parted.first_write.step)
    assert steps == (1, 2, 3)


def test_values_of_the_request_may_differ_between_two_cases() -> None:
    passing = made_run(user("renew 7780"), write("charge", {"invoice": "7780"}), id="good")
    run = made_run(user("renew 7781"), write("charge", {"invoice": "7781"}))
    assert divergence(run, passing).first is None


def test_without_a_passing_run_divergence_refuses() -> None:
    (finding,) = found(made_run(write("a")), "divergence")
    assert finding.severity is Severity.NOTE
    assert "no passing run" in finding.message


def test_runs_of_two_tasks_are_not_compared() -> None:
    one, other = made_run(write("a"), task="1"), made_run(write("a"), task="2")
    with pytest.raises(KbError, match="two tasks"):
        divergence(one, other)
    with pytest.raises(KbError, match="no tool in common"):
        divergence(made_run(write("a")), made_run(write("b")))


def test_a_diff_lays_calls_side_by_side() -> None:
    run = made_run(read("get"), write("pay"), write("pay"), write("mail"))
    text = diff_text(align(run, made_run(read("get"), write("pay"), write("mail"), id="good")))
    assert "≠ 2 pay {}" in text
    assert "= 0 get {}\n" in text
    assert "= 3/2 mail {}\n" in text
    assert "first other call: call 3, step 2" in text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_diff_is_no_wider_than_the_terminal(width: int) -> None:
    run = made_run(read("get", {"n": "ä" * 200}), write("pay", {"n": "請求" * 90}))
    other = made_run(read("get", {"n": "ä" * 200}), write("mail", {"n": "x" * 200}), id="g" * 200)
    lines = diff_text(align(run, other), width).splitlines()
    assert max(map(cells, lines)) <= width


def test_a_diff_names_the_write_with_who_says_so_beside_the_first_write_of_all() -> None:
    run = made_run(write("log"), read("get"), write("pay", {"n": 2}))
    passing = made_run(write("log"), read("get"), write("pay", {"n": 1}), id="good")
    text = diff_text(align(run, passing))
    assert "first other write: call 2, step 2, pay: write (kb.toml)" in text
    assert "baseline, the first write of all: step 0" in text


def test_unknown_tools_are_writes_of_a_diff_by_their_names_and_said_to_be_a_guess() -> None:
    run = made_run(unknown("get_order"), unknown("update_order", {"n": 2}))
    parted = divergence(run, made_run(unknown("get_order"), unknown("update_order"), id="good"))
    assert parted.is_guess
    assert parted.first_write is not None
    assert parted.first_write.step == 1
    known = divergence(made_run(unknown("update_order"), write("pay")), made_run(write("pay")))
    assert not known.is_guess
    assert known.first_write is None


# Schema, loops, clocks, secrets, replayability


def test_calls_are_held_against_the_schemas_of_the_trace() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    run = made_run(
        read("count", {"n": "one"}),
        read("count", {}),
        read("count", {"n": 1}),
        read("other"),
        tools=(ToolDefinition(name="count", parameters=schema),),
    )
    messages = [f.message for f in found(run, "call-schema")]
    assert messages == [
        "count: n: 'one' is not of type integer",
        "count: lacks n",
        "other is not among the tools that were offered",
    ]


def test_a_hostile_schema_costs_nothing() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(a+)+$"}}}
    loop = {"$ref": "#"}
    run = made_run(
        read("slow", {"a": "a" * 5_000 + "!"}),
        read("loop", {}),
        tools=(
            ToolDefinition(name="slow", parameters=schema),
            ToolDefinition(name="loop", parameters=loop),
        ),
    )
    assert found(run, "call-schema") == []


def test_without_schemas_nothing_is_checked_and_that_is_said() -> None:
    (finding,) = found(made_run(read("a")), "call-schema")
    assert "no tool schemas" in finding.message


def test_a_loop_is_three_rounds_and_shows_what_it_burnt() -> None:
    steps = [
        step
        for _ in range(3)
        for step in (
            agent("", input_tokens=100, output_tokens=10, cost_usd=0.01),
            read("get", {"q": 1}),
            read("list"),
        )
    ]
    run = made_run(*steps)
    (loop,) = loops(run)
    assert (loop.period, loop.rounds) == (2, 3)
    (finding,) = found(run, "loops")
    assert "get → list: 3 rounds" in finding.message
    assert "220 tokens, 0.02 USD, 8 s burnt" in finding.message


def test_two_equal_calls_are_no_loop() -> None:
    assert loops(made_run(read("get"), read("get"), read("list"), read("get"))) == ()


def test_failures_in_a_row_are_found() -> None:
    run = made_run(*(failed(read("get", {"n": n})) for n in range(4)))
    assert "get failed 4 times in a row" in found(run, "loops")[0].message


def test_the_first_warning_counts_what_was_written_after_it() -> None:
    run = made_run(failed(read("get")), write("pay"), read("list"), write("mail"))
    (finding,) = found(run, "clocks")
    assert "2 calls that may write succeeded after it" in finding.message


def test_a_secret_is_named_by_its_placeholder_only() -> None:
    redaction = Redaction(
        applied=True, placeholders=(Placeholder(name="REDACTED_SECRET_1", kind="API key"),)
    )
    from msgspec.structs import replace

    run = replace(made_run(read("a"), user("use REDACTED_SECRET_1")), redaction=redaction)
    (finding,) = found(run, "secrets")
    assert (finding.severity, finding.step) == (Severity.FAULT, 1)
    assert "rotate it" in finding.message


def test_replayability_is_the_share_of_what_is_held() -> None:
    able = replayability(made_run(user("go"), agent(), read("get")))
    assert able.word == "partly"
    assert "the seed" in [need.what for need in able.missing]
    assert 0 < able.score < 1
    assert replayability(made_run()).word == "no"


# The whole audit


def test_findings_of_a_trace_are_one_clean_line() -> None:
    evil = "a\x1b[31m\nb\u202e" + "x" * 1_000
    run = made_run(failed(write("pay", {"memo": evil}), "error", evil), agent(f"Sent {evil}"))
    for finding in audit(run).findings:
        for text in (finding.evidence,):
            assert text.isprintable()
            assert len(text) <= 240


def test_the_audit_in_words_names_what_was_silent() -> None:
    text = audit_text(audit(made_run(user("go"), read("get"))))
    assert "nothing found by: idempotency, outcome-gap" in text
    assert "evidence, not a verdict" in text


def test_every_analysis_has_a_page_that_says_what_it_cannot_show() -> None:
    for row in ANALYSES:
        page = (ROOT / "docs" / "analyses" / f"{row.name}.md").read_text(encoding="utf-8")
        assert "## What it shows" in page
        assert "## What it cannot show" in page


def test_the_json_keeps_the_contract() -> None:
    run = made_run(write("pay", {"id": 1}), write("pay", {"id": 1}))
    answer = audits_json([audit(run)])
    assert answer["schema"] == "kb.run-audit/1"
    assert answer["replayable"] in {"yes", "partly", "no"}
    assert "the request" in answer["missing"]
    first = answer["findings"][0]
    assert {"analysis", "step", "severity", "message", "evidence"} <= first.keys()


def test_the_audit_of_the_example_exits_one(tmp_path: Path) -> None:
    trace = ROOT / "kb/data/example/agent/trace.json"
    status, out, err = kb("run", "audit", str(trace), "--json", cwd=tmp_path)
    assert (status, err) == (1, "")
    analyses = {f["analysis"] for f in json.loads(out)["findings"] if f["severity"] == "fault"}
    assert analyses == {"idempotency"}


def test_a_run_is_chosen_by_its_number_or_its_id(tmp_path: Path) -> None:
    one = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "Done."}]
    file = tmp_path / "runs.json"
    rows: list[Any] = [
        {"task_id": 1, "trial": n, "reward": 1.0, "info": {}, "traj": one} for n in (0, 1)
    ]
    file.write_text(json.dumps(rows), encoding="utf-8")
    assert kb("run", "audit", str(file), "--run", "2", cwd=tmp_path)[0] == 0
    status, _, err = kb("run", "audit", str(file), "--run", "9", cwd=tmp_path)
    assert status == 2
    assert "has no run '9'" in err


def test_analyses_do_not_change_the_run() -> None:
    run = made_run(user("go"), write("pay"), agent("Paid."), tools=(tool("pay"),))
    before = repr(run)
    audit(run)
    assert repr(run) == before
    assert isinstance(run.steps[0], Message)
    assert run.state.request == Request()
