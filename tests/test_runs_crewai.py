"""Are the events of a crew read as what its agents said and did?"""

from __future__ import annotations

import json
from pathlib import Path

from agent_traces_made import crewai, crewai_row
from traces_made import lines, run_of, runs_in, written

ROWS = [json.loads(row) for row in crewai("7781").splitlines()]


def test_a_tool_that_begins_and_ends_is_one_call(tmp_path: Path) -> None:
    run = run_of(tmp_path, crewai("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "7781")
    assert (call.duration_seconds, call.agent) == (2.0, "Clerk")
    assert [(m.role, m.text) for m in run.messages] == [
        ("user", "Renew invoice 7781"),
        ("assistant", "7781"),
    ]


def test_the_answers_in_a_later_request_are_told_once(tmp_path: Path) -> None:
    again = [*ROWS[1]["messages"], {"role": "assistant", "content": "7781\nObservation: done"}]
    later = crewai_row("llm_call_started", 6, agent_role="Clerk", messages=again, model="m")
    assert len(run_of(tmp_path, lines(*ROWS, later)).messages) == 2


def test_failures_say_why_and_stand_at_their_call(tmp_path: Path) -> None:
    told = {"tool_name": "charge", "tool_args": {"note": "7781"}}
    failed = crewai_row("tool_usage_error", 5, **told, error="no such invoice")
    over = crewai_row("crew_kickoff_failed", 6, error="given up")
    run = run_of(tmp_path, lines(*ROWS[:4], failed, over))
    assert run.calls[0].failure
    assert run.calls[0].failure.message == "no such invoice"
    assert run.steps[-1].text == "given up"  # type: ignore[union-attr]


def test_the_last_words_are_told_where_no_answer_has_them(tmp_path: Path) -> None:
    output = {"raw": "Renewed."}
    over = crewai_row("crew_kickoff_completed", 6, output=output)
    runs = runs_in(written(tmp_path / "t.jsonl", lines(*ROWS, over, *ROWS)))
    assert [run.messages[-1].text for run in runs] == ["Renewed.", "7781"]
