"""Is a task of Cline or Roo Code read as it happened, as it was shown and as it was sent?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from agent_traces_made import cline
from traces_made import lines, run_of


def shown(number: int, kind: str, text: str, **more: Any) -> dict[str, Any]:
    way = more.pop("type", "say")
    return {"ts": 1_776_000_000_000 + number * 1000, "type": way, way: kind, "text": text, **more}


def sent(role: str, *texts: Any) -> dict[str, Any]:
    blocks = [{"type": "text", "text": t} if isinstance(t, str) else t for t in texts]
    return {"role": role, "content": blocks}


TASK = sent("user", "<task>\nList\n</task>", "<environment_details>\nmac\n</environment_details>")


def test_what_was_shown_has_the_words_the_calls_and_what_they_cost(tmp_path: Path) -> None:
    run = run_of(tmp_path, cline("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments) == ("newFileCreated", {"path": "7781", "content": "7781"})
    assert (call.is_answered, call.asked_in, run.trigger.text) == (False, 1, "Renew invoice 7781")
    answer = run.messages[1]
    assert (answer.text, answer.input_tokens, answer.cost_usd) == ("7781", 9, 0.5)


def test_what_was_shown_of_files_has_the_effect_of_its_tool(tmp_path: Path) -> None:
    shows = ("readFile", "editedExistingFile", "fileDeleted", "aNewTool")
    calls = [shown(n, "tool", json.dumps({"tool": t, "path": "a"})) for n, t in enumerate(shows, 2)]
    rows = [shown(0, "task", "List"), shown(1, "api_req_started", "{}"), *calls]
    effects = [call.effect.value for call in run_of(tmp_path, rows).calls]
    assert effects == ["read", "write", "destructive", "unknown"]


def test_the_output_of_a_command_comes_in_pieces_and_an_approval_is_no_second_call(
    tmp_path: Path,
) -> None:
    rows = [
        shown(0, "task", "List"),
        shown(1, "api_req_started", "{}"),
        shown(2, "command", "lsREQ_APP", type="ask"),
        shown(3, "command_output", "a.py", type="ask"),
        shown(4, "command_output", "b.py"),
        shown(5, "use_mcp_server", json.dumps(
            {"serverName": "s", "toolName": "charge", "arguments": '{"n": 1}'}), type="ask"),
        shown(5, "use_mcp_server", json.dumps(
            {"serverName": "s", "toolName": "charge", "arguments": '{"n": 1}'})),
        shown(6, "mcp_server_response", "paid"),
        shown(7, "error_retry", '{"attempt": 1}'),
        shown(8, "text", "", partial=True),
        shown(9, "completion_result", "Done."),
    ]  # fmt: skip
    run = run_of(tmp_path, rows)
    assert [(c.tool, c.arguments, c.result) for c in run.calls] == [
        ("execute_command", {"command": "ls"}, "a.py\nb.py"),
        ("charge", {"n": 1}, "paid"),
    ]
    assert run.calls[0].duration_seconds == 2.0
    assert run.messages[-1].text == "Done."


def test_calls_in_words_get_the_results_in_words(tmp_path: Path) -> None:
    asks = "Looking.\n<execute_command>\n<command>ls -la</command>\n</execute_command>"
    back = sent(
        "user", "[execute_command for 'ls -la'] Result:", "a.py", TASK["content"][1]["text"]
    )
    run = run_of(tmp_path, [TASK, sent("assistant", asks), back])
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == (
        "execute_command",
        {"command": "ls -la"},
        "a.py",
    )
    assert [(m.role, m.text.split("\n")[0]) for m in run.messages] == [
        ("developer", "<environment_details>"),
        ("user", "List"),
        ("assistant", "Looking."),
        ("developer", "<environment_details>"),
    ]


def test_calls_in_blocks_get_results_in_words_though_their_names_differ(tmp_path: Path) -> None:
    uses = {"type": "tool_use", "id": "t1", "name": "use_subagents", "input": {"prompt_1": "Look"}}
    back = sent("user", "[subagents] Result:\nall seen", "<feedback>\nGood\n</feedback>")
    run = run_of(tmp_path, lines(TASK, sent("assistant", uses), back))
    assert [(c.id, c.result) for c in run.calls] == [("t1", "all seen")]
    assert run.messages[-1].text == "Good"
