"""Are simulations of tau2-bench read one run each, with who called, what failed, and the reward?"""

from __future__ import annotations

from pathlib import Path

from agent_traces_made import tau2_bench
from traces_made import run_of, runs_in, written


def test_a_simulation_is_a_run_with_its_task_and_reward(tmp_path: Path) -> None:
    run = run_of(tmp_path, tau2_bench("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
    assert (call.id, call.failure, call.duration_seconds) == ("c1", None, 2.0)
    assert (run.id, run.task, run.source["reward"]) == ("r1", "retail/7", 0.0)
    request = run.state.request
    assert (run.agent.name, request.model, request.seed) == ("llm_agent", "m", 300)


def test_a_simulation_saved_alone_is_the_same_run_without_what_stands_around_it(
    tmp_path: Path,
) -> None:
    value = tau2_bench("7781")
    alone = run_of(tmp_path, value["simulations"][0])
    assert [(c.tool, c.result) for c in alone.calls] == [("charge", "done 7781")]
    assert (alone.id, alone.task) == ("r1", "7")


def test_a_tool_that_raised_failed_whatever_it_said(tmp_path: Path) -> None:
    value = tau2_bench("7781")
    value["simulations"][0]["messages"][2]["error"] = True
    failure = run_of(tmp_path, value).calls[0].failure
    assert failure is not None
    assert (failure.type, failure.message) == ("error", "done 7781")


def test_the_user_calls_tools_too(tmp_path: Path) -> None:
    value = tau2_bench("7781")
    messages = value["simulations"][0]["messages"]
    toggled = {"id": "u1", "name": "toggle", "arguments": {}, "requestor": "user"}
    messages.append({"role": "user", "content": None, "tool_calls": [toggled]})
    messages.append({"role": "tool", "id": "u1", "content": "on", "requestor": "user"})
    run = run_of(tmp_path, value)
    assert [(call.tool, call.result) for call in run.calls] == [
        ("charge", "done 7781"),
        ("toggle", "on"),
    ]


def test_simulations_that_never_ran_are_left_out_and_named(tmp_path: Path) -> None:
    value = tau2_bench("7781")
    value["simulations"].append({"task_id": "8"})
    assert [run.id for run in runs_in(written(tmp_path / "t.json", value))] == ["r1"]
