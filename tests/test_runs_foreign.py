"""Exports of other programs that were once misread: the smallest form of each, and its value."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.traces.read_runs import open_reading
from kb.traces.run import Run

from traces_made import (
    answered,
    asked,
    call,
    claude_row,
    codex_row,
    lines,
    observation,
    run_of,
    runs_in,
    span,
    written,
)

GO = {"role": "user", "content": "go"}


def said(run: Run) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in run.messages]


def made(run: Run) -> list[tuple[str, Any, Any]]:
    return [(call.tool, call.arguments, call.result) for call in run.calls]


def ends(path: Path) -> list[tuple[str, str]]:
    """What became of each row, in their order."""
    reading = open_reading(path)
    list(reading.runs())
    return [(str(row.verdict), row.why) for row in reading.rows.verdicts()]


# Recorded HTTP: bodies that the recorder decoded


def test_bodies_that_a_recorder_decoded_are_read(tmp_path: Path) -> None:
    request = {"parsed_body": {"model": "m", "messages": [GO]}, "uri": "u"}
    first = {"choices": [{"message": asked(call(1, "pay", {"n": 1}))}]}
    whole = [GO, asked(call(1, "pay", {"n": 1})), answered(1, "paid")]
    last = {"choices": [{"message": {"role": "assistant", "content": "Done."}}]}
    run = run_of(tmp_path, {"interactions": [
        {"request": request, "response": {"parsed_body": first}},
        {"request": {"parsed_body": {"model": "m", "messages": whole}},
         "response": {"body": {"string": json.dumps(last)}}},
    ]})  # fmt: skip
    assert said(run) == [("user", "go"), ("assistant", ""), ("assistant", "Done.")]
    assert made(run) == [("pay", {"n": 1}, "paid")]


def test_an_item_of_a_new_kind_does_not_hide_the_request(tmp_path: Path) -> None:
    items = [
        GO,
        {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "rates"},
        {"type": "additional_tools", "role": "developer", "tools": []},
    ]
    request = {"body": json.dumps({"model": "m", "input": items})}
    run = run_of(tmp_path, {"interactions": [{"request": request, "response": {}}]})
    assert run.trigger.text == "go"
    assert made(run) == [("find", {}, "rates")]


def test_a_tool_that_the_provider_of_gemini_ran_is_a_call(tmp_path: Path) -> None:
    parts = [
        {"toolCall": {"id": "s1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["a"]}}},
        {"toolResponse": {"id": "s1", "response": {"found": 2}}},
        {"text": "Two."},
    ]
    content = [{"role": "user", "parts": [{"text": "go"}]}, {"role": "model", "parts": parts}]
    run = run_of(tmp_path, {"contents": content})
    assert made(run) == [("GOOGLE_SEARCH_WEB", {"queries": ["a"]}, {"found": 2})]


# Langfuse


def bare(number: int, kind: str, name: str, **more: Any) -> dict[str, Any]:
    """An observation that lies in its trace and does not repeat the id of it."""
    return {k: v for k, v in observation(number, kind, name, **more).items() if k != "traceId"}


def test_observations_in_their_trace_need_not_repeat_its_id(tmp_path: Path) -> None:
    rows = [bare(1, "GENERATION", "llm", input=[GO], output="Hi."), bare(2, "TOOL", "pay")]
    run = run_of(tmp_path, {"id": "t-9", "projectId": "p", "observations": rows})
    assert (run.id, run.provenance.format) == ("t-9", "langfuse")
    assert said(run) == [("user", "go"), ("assistant", "Hi.")]
    assert [c.tool for c in run.calls] == ["pay"]


def test_the_insides_of_a_library_are_no_request(tmp_path: Path) -> None:
    insides = json.dumps(json.dumps({"run_response": "RunResponse(content=None)"}))
    reprs = json.dumps({"messages": ["role='user' content='go'"]})
    rows = [
        bare(1, "SPAN", "Agent.run", input=insides),
        bare(2, "GENERATION", "outer", input=reprs, output="Hi."),
        bare(3, "GENERATION", "inner", input="user: go", output="Hi.", parentObservationId="o2"),
    ]
    path = written(tmp_path / "t.json", {"id": "t", "observations": rows})
    (run,) = runs_in(path)
    assert said(run) == [("user", "user: go"), ("assistant", "Hi.")]
    assert [verdict for verdict, _ in ends(path)] == ["left out", "used", "used"]


def test_a_call_that_is_told_as_three_spans_is_one(tmp_path: Path) -> None:
    kind = {"openinference.span.kind": "TOOL"}
    asks = {"attributes": {**kind, "tool.parameters": '{"q": "rome"}'}}
    rows = [
        bare(1, "GENERATION", "llm", input=[GO], output="Rome."),
        bare(2, "SPAN", "tool.search.wiki.start-1", metadata=asks),
        bare(3, "SPAN", "tool.search.wiki.success-1", metadata=asks, output="a city"),
        bare(4, "SPAN", "tool.search.wiki.finish-1", metadata={"attributes": kind}),
    ]
    run = run_of(tmp_path, {"id": "t", "observations": rows})
    assert made(run) == [("search.wiki", {"q": "rome"}, "a city")]


def test_an_answer_whose_own_status_is_an_error_failed(tmp_path: Path) -> None:
    told = {"response_status": "Error", "message": "ERROR: no data"}
    run = run_of(tmp_path, {"messages": [asked(call(1, "report", {})), answered(1, told)]})
    failure = run.calls[0].failure
    assert failure is not None
    assert failure.message == "ERROR: no data"


# LangSmith


def test_runs_without_inputs_are_runs_and_the_object_names_its_model(tmp_path: Path) -> None:
    common = {"trace_id": "t1", "start_time": "2026-04-12T03:14:01Z"}
    rows = [
        {"id": "r", "run_type": "chain", "name": "agent", "parent_run_ids": [], **common},
        {"id": "l", "run_type": "llm", "name": "Chat", "parent_run_ids": ["r"], **common,
         "serialized": {"kwargs": {"model": "m-7"}},
         "outputs": {"generations": [[{"text": "Hi"}]]}},
        {"id": "p", "run_type": "tool", "name": "pay", "parent_run_ids": ["r"], **common},
    ]  # fmt: skip
    run = run_of(tmp_path, rows)
    assert run.state.request.model == "m-7"
    assert "the model" not in run.missing
    assert said(run) == [("assistant", "Hi")]
    assert [c.tool for c in run.calls] == ["pay"]


def test_a_torn_row_is_said_to_be_no_json(tmp_path: Path) -> None:
    row = {"id": "p", "run_type": "tool", "name": "pay", "inputs": {}, "trace_id": "t"}
    path = written(tmp_path / "t.jsonl", lines(row, row) + "TORN")
    assert ends(path)[-1] == ("left out", "rows that are no JSON")


# Spans


def phoenix(kind: str, number: int, **attributes: Any) -> dict[str, Any]:
    """A span as the API of Phoenix gives it: its kind stands beside the attributes."""
    return {
        "name": f"s{number}",
        "context": {"trace_id": "t", "span_id": f"s{number}"},
        "span_kind": kind,
        "parent_id": None,
        "start_time": f"2026-04-12T03:14:0{number}Z",
        "end_time": f"2026-04-12T03:14:0{number + 1}Z",
        "status_code": "OK",
        "attributes": attributes,
    }


def test_the_kind_that_phoenix_writes_beside_the_attributes_counts(tmp_path: Path) -> None:
    ask = {
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.content": "go",
    }
    pay = {"tool.name": "pay", "input.value": '{"n": 1}', "output.value": "no funds"}
    failed = {**phoenix("TOOL", 2, **pay), "status_code": "ERROR", "status_message": "no funds"}
    run = run_of(tmp_path, [phoenix("LLM", 1, **ask, **{"output.value": "Hi."}), failed])
    assert made(run) == [("pay", {"n": 1}, "no funds")]
    assert run.calls[0].failure is not None


@pytest.mark.parametrize(
    "attributes",
    [
        {"gen_ai.operation.name": "tool_call", "gen_ai.tool.name": "pay"},
        {"gen_ai.tool.name": "pay"},
    ],
)
def test_a_span_that_names_a_tool_is_a_call_whatever_its_operation(
    attributes: dict[str, str], tmp_path: Path
) -> None:
    more = {"gen_ai.tool.arguments": '{"n": 1}', "gen_ai.tool.output": "paid"}
    row = {"trace_id": "t", "span_id": "1", "name": "x", "attributes": attributes | more}
    assert made(run_of(tmp_path, row)) == [("pay", {"n": 1}, "paid")]


def test_a_prompt_and_a_completion_as_texts_tell_a_model(tmp_path: Path) -> None:
    words = {"gen_ai.prompt": json.dumps([GO]), "gen_ai.completion": "Hi."}
    row = {"trace_id": "t", "span_id": "1", "name": "llm_call", "attributes": words}
    failed = {"gen_ai.tool.name": "pay", "gen_ai.tool.error": "timed out"}
    run = run_of(tmp_path, {"spans": [row, {**row, "span_id": "2", "attributes": failed}]})
    assert said(run) == [("user", "go"), ("assistant", "Hi.")]
    failure = run.calls[0].failure
    assert failure is not None
    assert failure.message == "timed out"


def test_times_in_milliseconds_and_spans_without_a_name_are_read(tmp_path: Path) -> None:
    kind = {"openinference.span.kind": "TOOL", "tool.name": "pay"}
    at = {"start_time_ms": 1_776_000_000_000, "end_time_ms": 1_776_000_001_000}
    run = run_of(tmp_path, {"spans": [{"trace_id": "t", "span_id": "1", "attributes": kind, **at}]})
    (paid,) = run.calls
    assert (paid.tool, paid.started is not None, paid.ended is not None) == ("pay", True, True)
    assert "times" not in run.missing


def test_words_of_an_answer_under_its_response_are_words(tmp_path: Path) -> None:
    told = span(1, "llm", 0, 1, gen_ai__operation__name="chat", gen_ai__response__content="Hi.")
    run = run_of(tmp_path, {"resourceSpans": [{"scopeSpans": [{"spans": [told]}]}]})
    assert said(run) == [("assistant", "Hi.")]


# Claude Code


def test_a_session_whose_rows_name_no_row_before_them_is_read(tmp_path: Path) -> None:
    asks = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    brings = {"type": "tool_result", "tool_use_id": "t1", "content": "a.py"}
    rows = [
        claude_row("user", 0, "go", cwd="/srv"),
        claude_row("assistant", 1, [asks]),
        claude_row("user", 2, [brings]),
    ]
    for row in rows:
        del row["parentUuid"]
    run = run_of(tmp_path, lines(*rows))
    assert run.provenance.format == "claude-code"
    assert made(run) == [("Bash", {"command": "ls"}, "a.py")]


def test_the_session_that_the_web_gives_is_read_row_by_row(tmp_path: Path) -> None:
    asks = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
    brings = {"type": "tool_result", "tool_use_id": "t1", "content": "no", "is_error": True}
    log = [
        {"type": "user", "message": {"role": "user", "content": "go"}},
        {"type": "assistant", "message": {"role": "assistant", "content": [asks]}},
        {"type": "user", "message": {"role": "user", "content": [brings]}},
        {"type": "mood"},
    ]
    path = written(tmp_path / "t.json", {"loglines": log})
    (run,) = runs_in(path)
    assert made(run) == [("Bash", {}, "no")]
    assert run.calls[0].failure is not None
    assert [verdict for verdict, _ in ends(path)] == ["used", "used", "used", "left out"]


def test_results_that_stand_as_rows_of_their_own_find_their_calls(tmp_path: Path) -> None:
    asks = [{"type": "tool_use", "id": f"t{n}", "name": "Read", "input": {}} for n in (1, 2)]
    result = claude_row("tool_result", 3, "first")
    named = {**claude_row("tool_result", 4, ""), "tool_use_id": "t2", "content": "second"}
    del named["message"]
    run = run_of(tmp_path, lines(claude_row("assistant", 1, asks), result, named))
    assert [c.result for c in run.calls] == ["first", "second"]


# Codex


def test_messages_that_events_alone_tell_are_messages(tmp_path: Path) -> None:
    rows = [
        codex_row("session_meta", 0, id="s1", model="m-5"),
        codex_row("event_msg", 1, type="user_message", message="go"),
        codex_row("event_msg", 2, type="agent_message", text="I look."),
        codex_row("response_item", 3, type="message", role="assistant",
                  content=[{"type": "output_text", "text": "Done."}]),
        codex_row("event_msg", 4, type="agent_message", message="Done."),
        codex_row("event_msg", 5, type="task_complete", last_agent_message="Done."),
    ]  # fmt: skip
    path = written(tmp_path / "t.jsonl", lines(*rows))
    (run,) = runs_in(path)
    assert said(run) == [("user", "go"), ("assistant", "I look."), ("assistant", "Done.")]
    assert (run.trigger.text, run.state.request.model) == ("go", "m-5")
    verdicts = [verdict for verdict, _ in ends(path)]
    assert verdicts == ["used", "used", "used", "used", "repeated", "repeated"]


def test_words_that_an_item_has_with_more_around_them_are_repeated(tmp_path: Path) -> None:
    around = "# Context\n\n## My request\ngo"
    rows = [
        codex_row("response_item", 1, type="message", role="user",
                  content=[{"type": "input_text", "text": around}]),
        codex_row("event_msg", 2, type="user_message", message="go"),
    ]  # fmt: skip
    assert said(run_of(tmp_path, lines(*rows))) == [("user", around)]


def test_results_that_events_alone_tell_are_results(tmp_path: Path) -> None:
    rows = [
        codex_row("response_item", 1, type="function_call", call_id="p1", name="apply_patch",
                  arguments="{}"),
        codex_row("event_msg", 2, type="patch_apply_end", call_id="p1", stdout="Patched"),
        codex_row("event_msg", 3, type="mcp_tool_call_end", call_id="m1",
                  invocation={"tool": "list", "arguments": {}}, result={"count": 0}),
        codex_row("response_item", 4, type="tool_search_call", call_id="t1", arguments={"q": "a"}),
        codex_row("response_item", 5, type="tool_search_output", call_id="t1",
                  tools=[{"name": "pay"}]),
    ]  # fmt: skip
    assert made(run_of(tmp_path, lines(*rows))) == [
        ("apply_patch", {}, "Patched"),
        ("list", {}, {"count": 0}),
        ("tool_search", {"q": "a"}, [{"name": "pay"}]),
    ]


@pytest.mark.parametrize(("items", "calls"), [(0, 1), (1, 1)])
def test_a_search_that_an_event_tells_is_counted_once(
    items: int, calls: int, tmp_path: Path
) -> None:
    action = {"type": "search", "query": "a"}
    item = codex_row("response_item", 2, type="web_search_call", action=action)
    end = codex_row("event_msg", 1, type="web_search_end", call_id="w", query="a", action=action)
    run = run_of(tmp_path, lines(codex_row("session_meta", 0, id="s"), *[item] * items, end))
    assert [(c.tool, c.arguments) for c in run.calls] == [("web_search", action)] * calls


def test_a_rollout_of_the_first_versions_is_one_object(tmp_path: Path) -> None:
    shell = {"type": "local_shell_call", "call_id": "c1", "action": {"command": ["ls"]}}
    output = {"type": "local_shell_call_output", "call_id": "c1", "output": "a.py"}
    path = written(tmp_path / "t.json", {"session": {"id": "s1"}, "items": [GO, shell, output]})
    (run,) = runs_in(path)
    assert (run.id, run.provenance.format, run.trigger.text) == ("s1", "codex", "go")
    assert made(run) == [("local_shell", {"command": ["ls"]}, "a.py")]
    assert [verdict for verdict, _ in ends(path)] == ["used"] * 4
