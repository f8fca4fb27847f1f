"""Is a session of pi or OpenClaw read as it happened, with its branches?"""

from __future__ import annotations

from pathlib import Path

from kb.traces.run import Event

from agent_traces_made import pi, pi_row
from traces_made import lines, run_of

HEAD = {"type": "session", "version": 3, "id": "s1", "timestamp": "2026-04-12", "cwd": "/srv"}


def test_a_call_its_result_and_what_the_answer_cost(tmp_path: Path) -> None:
    run = run_of(tmp_path, pi("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "7781")
    assert (call.duration_seconds, run.id, run.messages[1].model) == (2.0, "s1", "m")
    answer = run.messages[1]
    assert (answer.input_tokens, answer.output_tokens, answer.cost_usd) == (12, 4, 0.5)


def test_a_session_whose_header_was_cut_off_is_one_all_the_same(tmp_path: Path) -> None:
    run = run_of(tmp_path, "".join(pi("7781").splitlines(keepends=True)[1:]))
    assert (run.provenance.format, [call.tool for call in run.calls]) == ("pi", ["charge"])


def test_errors_commands_of_a_person_and_summaries_are_told(tmp_path: Path) -> None:
    failed = {"role": "assistant", "content": [], "stopReason": "error", "errorMessage": "429"}
    ran = {"role": "bashExecution", "command": "make", "output": "no rule", "exitCode": 2}
    rows = [
        HEAD,
        pi_row("model_change", 0, provider="x", modelId="m"),
        pi_row("message", 1, message=failed),
        pi_row("message", 2, message=ran),
        pi_row("compaction", 3, summary="So far."),
        pi_row("custom_message", 4, content="Mind the time."),
    ]
    run = run_of(tmp_path, lines(*rows))
    assert [(s.kind, s.text) for s in run.steps if isinstance(s, Event)] == [
        ("error", "429"),
        ("summary", "So far."),
    ]
    assert [(c.tool, c.agent, c.failure and c.failure.type) for c in run.calls] == [
        ("bash", "user", "exit 2")
    ]
    assert (run.messages[-1].role, run.state.request.model) == ("developer", "m")


def test_where_the_talk_went_back_is_said_and_both_branches_stay(tmp_path: Path) -> None:
    said = [{"role": "user", "content": text} for text in ("one", "two", "three")]
    rows = [pi_row("message", n, message=message) for n, message in enumerate(said)]
    rows[2]["parentId"] = "e0"
    run = run_of(tmp_path, lines(HEAD, *rows))
    assert [getattr(s, "kind", "") or s.text for s in run.steps] == [  # type: ignore[union-attr]
        "one", "two", "rewind", "three"
    ]  # fmt: skip
