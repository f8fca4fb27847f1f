"""Is a trajectory in ATIF read as it happened, where results name their calls and where not?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kb.traces.run import Effect

from agent_traces_made import atif
from traces_made import run_of


def step(calls: int, results: list[dict[str, Any]]) -> dict[str, Any]:
    asked = [{"tool_call_id": "", "function_name": "run", "arguments": {"n": n}}
             for n in range(calls)]  # fmt: skip
    observation = {"results": results}
    return {"step_id": 3, "source": "agent", "message": "", "tool_calls": asked,
            "observation": observation}  # fmt: skip


def test_messages_and_calls_with_the_names_of_chats_are_read_too(tmp_path: Path) -> None:
    value = atif("7781")
    for number, each in enumerate(value["steps"], 1):
        said = {"role": each.pop("source"), "content": each.pop("message")}
        calls = [{"id": f"c{number}", "name": one["function_name"], "arguments": one["arguments"]}
                 for one in each.pop("tool_calls", [])]  # fmt: skip
        each.update({"message": said, "tool_calls": calls} if calls else {"message": said})
        for result in each.get("observation", {}).get("results", []):
            result["source_call_id"] = f"c{number}"
    plain, run = run_of(tmp_path, atif("7781")), run_of(tmp_path, value)
    assert [(c.tool, c.result) for c in run.calls] == [(c.tool, c.result) for c in plain.calls]
    assert [(m.role, m.text) for m in run.messages] == [(m.role, m.text) for m in plain.messages]


def test_calls_results_and_metrics_of_a_step(tmp_path: Path) -> None:
    run = run_of(tmp_path, atif("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
    answer = run.messages[1]
    assert (answer.input_tokens, answer.output_tokens, answer.cost_usd) == (9, 4, 0.5)
    assert (run.id, run.agent.name, run.state.request.model) == ("s1", "a", "m")


def test_results_without_a_name_belong_to_the_calls_of_their_places(tmp_path: Path) -> None:
    value = atif("7781")
    value["steps"].append(step(2, [{"content": "a"}, {"content": "b"}]))
    assert [c.result for c in run_of(tmp_path, value).calls] == ["done 7781", "a", "b"]


def test_results_of_no_call_stand_alone(tmp_path: Path) -> None:
    value = atif("7781")
    value["steps"].append(step(2, [{"content": "a"}]))
    run = run_of(tmp_path, value)
    assert [c.is_answered for c in run.calls] == [True, False, False]
    assert run.steps[-1].text == "a"  # type: ignore[union-attr]


def test_the_keystrokes_of_a_terminal_are_a_command(tmp_path: Path) -> None:
    value = atif("7781")
    told = {"tool_call_id": "c9", "function_name": "bash_command"}
    keys = {**told, "arguments": {"keystrokes": "terraform destroy -auto-approve\n", "duration": 1}}
    value["steps"].append({**step(0, [{"content": "done"}]), "tool_calls": [keys]})
    assert run_of(tmp_path, value).calls[-1].effect is Effect.DESTRUCTIVE
