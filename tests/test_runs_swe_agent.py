"""Are trajectories of SWE-agent and mini-swe-agent read as what was run and what it printed?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kb.traces.run import Effect, Event, Run, ToldBy

from agent_traces_made import mini_swe_agent, swe_agent
from traces_made import asked, call, lines, run_of

END = {"action": "submit", "observation": "diff", "thought": "Handed in.", "response": ""}
OUTPUT = "<returncode>{}</returncode>\n<output>\n{}\n</output>"


def mini(tmp_path: Path, *messages: dict[str, Any], **more: Any) -> Run:
    value = {"info": {"exit_status": "Submitted"}, "messages": list(messages), **more}
    return run_of(tmp_path, value)


def says(command: str, fence: str = "bash") -> dict[str, Any]:
    return {"role": "assistant", "content": f"THOUGHT: so.\n\n```{fence}\n{command}\n```"}


def prints(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def test_each_answer_of_mini_runs_the_command_in_its_fence(tmp_path: Path) -> None:
    value = mini_swe_agent("7781")
    value["messages"] += [says("echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"), prints("7781")]
    run = run_of(tmp_path, value)
    first, last = run.calls
    assert run.provenance.format == "mini-swe-agent"
    assert (first.tool, first.arguments) == ("bash", {"command": "charge --note '7781'"})
    assert (first.result, first.failure) == (OUTPUT.format(0, "done 7781"), None)
    assert (last.result, last.effect) == ("7781", Effect.READ)
    assert [m.text for m in run.messages][2:] == ["THOUGHT: 7781", "THOUGHT: so."]
    assert (run.source["exit_status"], run.agent.version) == ("Submitted", "1.14.0")


def test_the_exit_code_decides_whether_a_command_of_mini_failed(tmp_path: Path) -> None:
    run = mini(
        tmp_path,
        *(says("grep -c x f"), prints(OUTPUT.format(2, "Error: no such file"))),
        *(says("cat log"), prints(OUTPUT.format(0, "Error: as the log has it"))),
        *(says("sleep 90"), prints("The last command <command>sleep 90</command> timed out.")),
        *(says("rm -rf /"), prints("Command not executed. The user rejected your command.")),
    )
    failures = [c.failure and (c.failure.type, c.failure.told_by) for c in run.calls]
    assert failures == [
        ("exit 2", ToldBy.EXIT_CODE),
        None,
        ("timeout", ToldBy.STATUS),
        ("rejected", ToldBy.STATUS),
    ]


def test_an_answer_of_mini_with_two_commands_ran_none_of_them(tmp_path: Path) -> None:
    two = {"role": "assistant", "content": "```bash\nls\n```\nor\n```bash\nrm -rf x\n```"}
    run = mini(tmp_path, two, prints("Please give EXACTLY ONE action."), says("ls"))
    assert [c.arguments["command"] for c in run.calls] == ["ls"]
    assert [m.role for m in run.messages] == ["assistant", "user", "assistant"]


def test_a_fence_of_code_is_no_command_of_mini(tmp_path: Path) -> None:
    text = "This fails:\n```python\nimport os\n```\n```mswea_bash_command\npython t.py\n```"
    run = mini(tmp_path, {"role": "assistant", "content": text}, prints(OUTPUT.format(0, "")))
    assert [c.arguments["command"] for c in run.calls] == ["python t.py"]


def test_calls_of_mini_2_have_their_codes_and_costs_and_end_in_an_exit(tmp_path: Path) -> None:
    reply = {"model": "deepseek-chat", "usage": {"prompt_tokens": 9, "completion_tokens": 4}}
    extra = {"response": reply, "cost": 0.25, "timestamp": 1_775_802_395.3}
    ends = {"raw_output": "no", "returncode": 1, "timestamp": 1_775_802_396.0}
    answer = {"role": "tool", "tool_call_id": "c1", "content": "no", "extra": ends}
    submits = call(2, "bash", {"command": "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"})
    run = mini(
        tmp_path,
        {**asked(call(1, "bash", {"command": "false"})), "extra": extra},
        answer,
        asked(submits),
        {"role": "exit", "content": "diff", "extra": {"exit_status": "Submitted"}},
        trajectory_format="mini-swe-agent-1.1",
        instance_id="repo__repo-1",
    )
    first, last = run.calls
    message = run.messages[0]
    assert first.failure is not None
    assert first.failure.type == "exit 1"
    assert last.result == "diff"
    assert (message.model, message.input_tokens, message.cost_usd) == ("deepseek-chat", 9, 0.25)
    assert first.ended is not None
    assert (run.id, run.task) == ("repo__repo-1", "repo__repo-1")


def test_a_run_of_mini_that_was_stopped_says_why(tmp_path: Path) -> None:
    end = {"role": "exit", "content": "", "extra": {"exit_status": "LimitsExceeded"}}
    run = mini(tmp_path, says("ls"), end)
    (event,) = [step for step in run.steps if isinstance(step, Event)]
    assert event.failure is not None
    assert (event.kind, event.failure.type) == ("exit", "LimitsExceeded")
    assert not run.calls[0].is_answered


def test_bare_messages_of_mini_are_told_by_their_return_codes(tmp_path: Path) -> None:
    run = run_of(tmp_path, lines(prints("Fix it."), says("ls"), prints(OUTPUT.format(0, "a"))))
    assert (run.provenance.format, len(run.calls)) == ("mini-swe-agent", 1)


def test_a_step_of_swe_agent_is_a_thought_a_call_and_what_was_seen(tmp_path: Path) -> None:
    value = swe_agent("7781")
    value["trajectory"] += [END]
    run = run_of(tmp_path, value)
    first, last = run.calls
    assert run.provenance.format == "swe-agent"
    assert (first.tool, first.arguments) == ("bash", {"command": "charge --note '7781'"})
    assert (first.result, first.source["execution_time"]) == ("done 7781", 0.5)
    assert (last.tool, last.effect) == ("submit", Effect.UNKNOWN)
    assert [m.role for m in run.messages] == ["system", "developer", "user", *2 * ["assistant"]]
    assert (run.task, run.source["submission"]) == ("repo", "7781")


def test_functions_that_swe_agent_called_keep_their_arguments(tmp_path: Path) -> None:
    value = swe_agent("x")
    opened = call(1, "open", {"path": "a.py", "line_number": 7})
    told = {**asked(opened, text="I open it."), "action": "open a.py 7"}
    value["trajectory"][0] |= {"action": "open a.py 7"}
    value["history"] += [told, {"role": "tool", "content": "…", "tool_call_ids": ["c1"]}]
    first = run_of(tmp_path, value).calls[0]
    assert (first.tool, first.arguments) == ("open", {"path": "a.py", "line_number": 7})
    assert first.effect is Effect.READ


@pytest.mark.parametrize("status", ["exit_cost", "submitted (exit_context)"])
def test_a_run_of_swe_agent_that_was_stopped_says_why(tmp_path: Path, status: str) -> None:
    value = swe_agent("x")
    value["info"]["exit_status"] = status
    value["trajectory"] += [END | {"action": "exit_cost"}]
    run = run_of(tmp_path, value)
    last = run.steps[-1]
    assert isinstance(last, Event)
    assert (last.name, len(run.calls)) == (status, 1)
