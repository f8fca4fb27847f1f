"""Is a session of GitHub Copilot read as it happened, in the CLI and in VS Code?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kb.traces.run import Event, Ran

from agent_traces_made import copilot_cli, copilot_row, vscode_chat, vscode_request
from traces_made import lines, run_of


def test_a_call_has_the_times_of_its_events_and_the_words_of_the_answer(tmp_path: Path) -> None:
    run = run_of(tmp_path, copilot_cli("7781"))
    (call,) = run.calls
    assert (call.tool, call.arguments, call.result) == ("charge", {"note": "7781"}, "done 7781")
    assert (call.duration_seconds, call.ran, call.asked_in) == (2.0, Ran.YES, 1)
    assert (run.id, run.agent.version, run.trigger.text) == ("s1", "1.0.65", "Renew invoice 7781")
    assert [(m.role, m.model, m.output_tokens) for m in run.messages[1:]] == [("assistant", "m", 7)]


def test_a_failed_and_a_denied_call_say_why(tmp_path: Path) -> None:
    def ended(number: int, **error: str) -> list[dict[str, Any]]:
        call_id = f"c{number}"
        return [
            copilot_row("tool.execution_start", number, toolCallId=call_id, toolName="rm"),
            copilot_row(
                "tool.execution_complete", number, toolCallId=call_id, success=False, error=error
            ),
        ]

    rows = [*ended(1, message="no such file"), *ended(2, message="The user said no", code="denied")]
    failures = [call.failure for call in run_of(tmp_path, lines(*rows)).calls]
    assert [(one and one.type, one and one.message) for one in failures] == [
        ("error", "no such file"),
        ("rejected", "The user said no"),
    ]


def test_what_a_sub_agent_says_stands_under_the_call_that_started_it(tmp_path: Path) -> None:
    rows = [
        copilot_row("tool.execution_start", 1, toolCallId="t1", toolName="task", arguments={}),
        copilot_row("subagent.started", 2, toolCallId="t1", agentName="explore"),
        copilot_row("assistant.message", 3, messageId="m", content="found", parentToolCallId="t1"),
    ]
    run = run_of(tmp_path, lines(*rows))
    assert run.messages[0].parent == run.calls[0].id == "t1"
    assert [(s.kind, s.name) for s in run.steps if isinstance(s, Event)] == [("agent", "explore")]


def test_thoughts_told_apart_and_a_message_in_two_pieces_are_told_once(tmp_path: Path) -> None:
    rows = [
        copilot_row("assistant.reasoning", 1, content="Look first."),
        copilot_row("assistant.message", 2, messageId="m", content="One, ",
                    reasoningText="Look first."),
        copilot_row("assistant.message_delta", 2, messageId="m", deltaContent="One, "),
        copilot_row("assistant.message", 3, messageId="m", content="two."),
    ]  # fmt: skip
    first, second = run_of(tmp_path, lines(*rows)).messages
    assert (first.reasoning, second.reasoning, second.text) == ("Look first.", "", "One, two.")


def test_a_chat_its_file_and_its_journal_are_one_run(tmp_path: Path) -> None:
    chat = {"sessionId": "s1", "version": 3, "requests": [vscode_request("7781")]}
    told = {**chat, "responderUsername": "Copilot", "customTitle": "7781"}
    played, whole = run_of(tmp_path, vscode_chat("7781")), run_of(tmp_path, told)
    keys = [(s.text if hasattr(s, "text") else s.result, s.started) for s in played.steps]
    assert keys == [(s.text if hasattr(s, "text") else s.result, s.started) for s in whole.steps]
    assert [m.text for m in whole.messages] == ["Renew invoice 7781", "", "Renewed: 7781"]
    assert (whole.messages[2].input_tokens, whole.state.request.model) == (9, "m")
    assert whole.calls[0].where == "requests[0]"


def test_a_journal_that_cuts_its_list_keeps_what_was_put_there_last(tmp_path: Path) -> None:
    rows = [json.loads(row) for row in vscode_chat("7781").splitlines()]
    rows[2]["v"][0]["message"]["text"] = "Draft"
    rows.insert(3, {"kind": 2, "k": ["requests"], "i": 0, "v": [vscode_request("7782")]})
    run = run_of(tmp_path, lines(*rows[:4]))
    assert [m.text for m in run.messages if m.role == "user"] == ["Renew invoice 7781"]


def test_a_chat_without_rounds_is_read_from_what_was_shown(tmp_path: Path) -> None:
    def shown(number: int, **more: Any) -> dict[str, Any]:
        told = {"kind": "toolInvocationSerialized", "toolCallId": f"c{number}", "toolId": "run"}
        return {**told, "invocationMessage": {"value": "Running `ls`"}, "isComplete": True, **more}

    details = {"input": '{"command": "ls"}', "output": [{"value": "a b"}], "isError": True}
    parts = [
        {"value": "Looking."},
        shown(1, resultDetails=details, isConfirmed={"type": 4}),
        shown(2, isConfirmed={"type": 0}),
        {"kind": "markdownContent", "content": {"value": "Done in "}},
        {"kind": "inlineReference", "inlineReference": {"path": "/srv/app.py"}},
    ]
    request = {"message": {"text": "List"}, "response": parts, "result": {}}
    run = run_of(tmp_path, {"requesterUsername": "u", "requests": [request]})
    first, second = run.calls
    assert (first.arguments, first.result, first.failure and first.failure.type) == (
        {"command": "ls"},
        "a b",
        "tool_error",
    )
    assert (second.arguments, second.failure and second.failure.type, second.ran) == (
        {"shown": "Running `ls`"},
        "rejected",
        Ran.NO,
    )
    assert [m.text for m in run.messages] == ["List", "Looking.", "", "Done in app.py"]
