"""Are events of OpenHands read as they happened: of the SDK, before it, and of its resolver?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kb.traces.run import Effect

from agent_traces_made import openhands, openhands_row
from traces_made import lines, run_of


def sdk(kind: str, number: int, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "id": f"e{number}", "source": "agent",
            "timestamp": f"2026-04-12T03:14:{number:02d}", **more}  # fmt: skip


def test_an_action_and_its_observation_are_one_call(tmp_path: Path) -> None:
    run = run_of(tmp_path, openhands("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
    assert (call.duration_seconds, run.messages[1].text, run.messages[1].model) == (
        2.0,
        "7781",
        "m",
    )


def test_events_of_the_sdk_are_joined_by_their_ids(tmp_path: Path) -> None:
    tool = {"name": "run", "annotations": {"readOnlyHint": True}, "parameters": {"type": "object"}}
    text = [{"type": "text", "text": "total 0"}]
    rows = [
        sdk("SystemPromptEvent", 0, system_prompt={"type": "text", "text": "Be kind."},
            tools=[tool]),
        sdk("MessageEvent", 1, llm_message={"role": "user", "content": [{"type": "text",
            "text": "List"}]}),
        *(
            sdk("ActionEvent", n, tool_name="run", tool_call_id=f"c{n}", llm_response_id="r1",
                thought=[{"type": "text", "text": "Look." if n == 2 else ""}],
                tool_call={"arguments": '{"command": "ls"}'})
            for n in (2, 3)
        ),
        sdk("ObservationEvent", 4, action_id="e2", observation={"content": text, "exit_code": 2}),
        sdk("UserRejectObservation", 5, action_id="e3", tool_call_id="c3",
            rejection_reason="not that"),
        sdk("ConversationStateUpdateEvent", 6, key="x"),
    ]  # fmt: skip
    run = run_of(tmp_path, lines(*rows))
    first, second = run.calls
    assert (first.result, first.failure and first.failure.type) == ("total 0", "exit 2")
    assert (second.failure and second.failure.type, second.result) == ("rejected", "not that")
    assert first.asked_in == second.asked_in
    assert (run.state.prompt.text, first.effect) == ("Be kind.", Effect.READ)
    assert [m.text for m in run.messages] == ["Be kind.", "List", "Look."]


def test_errors_and_an_observation_of_nothing_stand_alone(tmp_path: Path) -> None:
    rows = [
        openhands_row(1, action="run", args={"command": "ls"}),
        openhands_row(2, observation="error", cause=1, content="no such file"),
        openhands_row(3, observation="error", content="the model is away"),
    ]
    run = run_of(tmp_path, lines(*rows))
    assert (run.calls[0].tool, run.calls[0].arguments) == ("run", {"command": "ls"})
    assert run.calls[0].failure
    assert run.calls[0].failure.message == "no such file"
    assert run.steps[-1].text == "the model is away"  # type: ignore[union-attr]


def test_a_row_of_the_resolver_is_a_run_whose_observations_follow_their_actions(
    tmp_path: Path,
) -> None:
    history = [
        {"action": "message", "content": "Fix it."},
        {"action": "run", "command": "make", "thought": "Try."},
        {"observation": "run", "command": "make", "content": "broken", "exit_code": 2},
        {"action": "finish", "thought": "Given up."},
    ]
    issue = {"owner": "o", "repo": "r", "number": 5}
    row = {"issue": issue, "instruction": "Fix", "git_patch": "", "history": history}
    run = run_of(tmp_path, row)
    (call,) = run.calls
    assert (call.arguments, call.failure and call.failure.type) == ({"command": "make"}, "exit 2")
    assert [(m.role, m.text) for m in run.messages] == [
        ("user", "Fix it."),
        ("assistant", "Try."),
        ("assistant", "Given up."),
    ]
    assert run.task == "o/r#5"
