"""Is every trace read right? Faults that readers met, each with the value in the trace."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.lint.rules.privacy import all_secrets
from kb.records.form_sections import SECTIONS
from kb.traces.checkup.archive_files import trace_files
from kb.traces.read_runs import ReadingSettings, one_run, open_reading
from kb.traces.run import Event, Ran, Run

from test_cli import kb
from traces_made import (
    answered,
    asked,
    attribute,
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


def spans_of(*spans: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}], **more}


def said(run: Run) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in run.messages]


# Which run: its number, else its id, else the beginning of one id


def two_runs(tmp_path: Path, first: str = "2f0c", second: str = "9b11") -> Path:
    rows = [
        {"id": name, "messages": [{"role": "user", "content": text}]}
        for name, text in ((first, "FIRST"), (second, "SECOND"))
    ]
    return written(tmp_path / "two.jsonl", lines(*rows))


@pytest.mark.parametrize(("wanted", "text"), [("2", "SECOND"), ("2f", "FIRST"), ("9b11", "SECOND")])
def test_a_number_comes_before_the_beginning_of_an_id(
    wanted: str, text: str, tmp_path: Path
) -> None:
    assert one_run(two_runs(tmp_path), ReadingSettings(), wanted).trigger.text == text


def test_a_whole_id_comes_before_the_beginning_of_another(tmp_path: Path) -> None:
    path = two_runs(tmp_path, "a1b", "a1")
    assert one_run(path, ReadingSettings(), "a1").trigger.text == "SECOND"


@pytest.mark.parametrize(("first", "second"), [("a1b", "a1c"), ("a1", "a1")])
def test_an_id_that_fits_two_runs_is_refused_with_both_numbers(
    first: str, second: str, tmp_path: Path
) -> None:
    with pytest.raises(KbError) as caught:
        one_run(two_runs(tmp_path, first, second), ReadingSettings(), "a1")
    assert "has 2 runs whose id is, or begins with, 'a1'" in caught.value.what
    assert caught.value.todo == f"Name one by its number: 1 ({first}), 2 ({second})."


@pytest.mark.parametrize("verb", [("run", "show"), ("run", "audit"), ("run", "diff")])
def test_a_passing_run_is_named_with_an_option_of_its_own(
    verb: tuple[str, str], tmp_path: Path
) -> None:
    two_runs(tmp_path)
    passing = ("two.jsonl",) if verb[1] == "diff" else ("--against", "two.jsonl")
    named = (*verb, "two.jsonl", "--run", "1", *passing)
    status, _, err = kb(*named, cwd=tmp_path)
    assert (status, "Name one with --passing-run" in err) == (2, True)
    assert kb(*named, "--passing-run", "2", cwd=tmp_path)[0] in {0, 1}


# Our own words are no secrets


def test_what_a_draft_writes_below_the_fields_of_the_form_is_no_secret() -> None:
    values = ("pass27.json, run 27-1", "passing.json, run 4bf92f3577b34da6", "run 27-1")
    fields = [field.key for section in SECTIONS for field in section.fields]
    assert "PASSING_RUN" in fields
    for text in (f"{field}: {value}\n" for field in fields for value in values):
        assert list(all_secrets(text, text.lower())) == [], text


# Logs of others


@pytest.mark.parametrize(
    ("rows", "seen"),
    [
        (
            [
                {"type": "llm_call_started", "messages": [GO]},
                {"type": "tool_usage_started", "tool_name": "pay"},
            ],
            "a log of events (tool_usage_started)",
        ),
        ([{"id": "m1", "type": "message", "text": "hi"}], "id, type, text"),
        ([{"event": "ToolCallStarted", "payload": {}}, GO], "a log of events (ToolCallStarted)"),
    ],
)
def test_foreign_logs_are_refused_with_what_was_seen(
    rows: list[Any], seen: str, tmp_path: Path
) -> None:
    with pytest.raises(KbError) as caught:
        runs_in(written(tmp_path / "log.jsonl", lines(*rows)))
    assert "is in no format that is read" in caught.value.what
    assert seen in caught.value.what


def test_an_event_of_a_tool_far_down_in_a_list_of_messages_is_refused(tmp_path: Path) -> None:
    rows: list[Any] = [GO] * 60 + [{"type": "tool_usage_finished", "tool_name": "pay"}]
    rows[30] = {"type": "tool_usage_finished", "tool_name": "pay", "n": 1}
    with pytest.raises(KbError, match="tool_usage_finished"):
        runs_in(written(tmp_path / "log.jsonl", lines(*rows)))


def test_a_reading_with_no_step_is_refused_with_what_was_seen(tmp_path: Path) -> None:
    path = written(tmp_path / "t.json", {"messages": [{"role": "user", "content": ""}]})
    with pytest.raises(KbError) as caught:
        runs_in(path)
    assert "no step of a run is in it: one JSON object with the keys messages" in caught.value.what
    assert "1 messages without words" in caught.value.todo


def test_conversations_that_a_log_tells_in_turns_are_one_run_each(tmp_path: Path) -> None:
    def grown(name: str, rounds: int) -> list[dict[str, Any]]:
        told = [{"role": "user", "content": f"{name}0"}]
        for number in range(1, rounds):
            told.append({"role": "assistant", "content": f"{name} answer {number}"})
            told.append({"role": "user", "content": f"{name}{number}"})
        return told

    rows = [{"messages": grown(name, n)} for n in (1, 2, 3) for name in ("A", "B")]
    runs = runs_in(written(tmp_path / "log.jsonl", lines(*rows)))
    assert [[text for _, text in said(run)] for run in runs] == [
        ["A0", "A answer 1", "A1", "A answer 2", "A2"],
        ["B0", "B answer 1", "B1", "B answer 2", "B2"],
    ]


def test_requests_of_one_session_are_one_run_though_their_history_was_cut(tmp_path: Path) -> None:
    rows = [
        {"session_id": "s", "messages": [GO, {"role": "assistant", "content": "one"}]},
        {"session_id": "s", "messages": [{"role": "user", "content": "(earlier: go)"}]},
    ]
    (run,) = runs_in(written(tmp_path / "log.jsonl", lines(*rows)))
    assert [text for _, text in said(run)] == ["go", "one", "(earlier: go)"]


# Results


RESULTS: dict[str, tuple[Any, Any]] = {
    "toolCall and toolResult": (
        {"content": [{"type": "toolCall", "id": "t1", "name": "pay", "arguments": {"n": 1}}]},
        {"role": "toolResult", "toolCallId": "t1", "toolName": "pay",
         "content": [{"type": "text", "text": "paid"}], "isError": False},
    ),
    "Vercel AI SDK, parts of a message": (
        {"content": [{"type": "tool-call", "toolCallId": "t1", "toolName": "pay",
                      "input": {"n": 1}}]},
        {"role": "tool", "content": [{"type": "tool-result", "toolCallId": "t1",
                                      "toolName": "pay",
                                      "output": {"type": "text", "value": "paid"}}]},
    ),
    "Bedrock Converse": (
        {"content": [{"toolUse": {"toolUseId": "t1", "name": "pay", "input": {"n": 1}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "status": "success",
                                                     "content": [{"text": "paid"}]}}]},
    ),
    "Gemini": (
        {"role": "model", "parts": [{"functionCall": {"name": "pay", "args": {"n": 1}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "pay", "response": "paid"}}]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("dialect", RESULTS)
def test_a_result_finds_its_call_in_every_dialect(dialect: str, tmp_path: Path) -> None:
    asks, brings = RESULTS[dialect]
    run = run_of(tmp_path, {"messages": [GO, {"role": "assistant", **asks}, brings]})
    (made,) = run.calls
    assert (made.tool, made.arguments, made.result) == ("pay", {"n": 1}, "paid")
    assert made.is_answered
    assert run.missing[-1] == "times"


def test_a_part_of_a_user_interface_is_a_call_with_its_answer_or_its_error(tmp_path: Path) -> None:
    base = {"type": "tool-pay", "state": "output-available", "input": {"n": 1}, "output": "paid"}
    failed = {**base, "toolCallId": "t2", "state": "output-error", "errorText": "no funds"}
    parts = [{"type": "text", "text": "I pay"}, {**base, "toolCallId": "t1"}, failed]
    run = run_of(tmp_path, {"messages": [GO, {"role": "assistant", "parts": parts}]})
    assert [(c.tool, c.arguments, c.result) for c in run.calls] == [
        ("pay", {"n": 1}, "paid"),
        ("pay", {"n": 1}, "no funds"),
    ]
    assert [c.failure is None for c in run.calls] == [True, False]


def test_a_span_that_is_named_for_its_tool_is_a_call(tmp_path: Path) -> None:
    paid = span(2, "tool.pay", 1, 2, input='{"n": 1}', output="paid")
    (made,) = run_of(tmp_path, spans_of(span(1, "run", 0, 9), paid)).calls
    assert (made.tool, made.arguments, made.result) == ("pay", {"n": 1}, "paid")


@pytest.mark.parametrize(
    "words",
    [
        {
            "llm__output_messages__0__message__role": "assistant",
            "llm__output_messages__0__message__content__0": "Refunded.",
        },
        {"output__value": "Refunded."},
    ],
)
def test_the_words_of_an_agents_span_are_read(words: dict[str, Any], tmp_path: Path) -> None:
    kind = {"openinference__span__kind": "AGENT", "input__value": "Refund 7"}
    run = run_of(tmp_path, spans_of(span(1, "agent", 0, 9, **kind, **words)))
    assert said(run) == [("user", "Refund 7"), ("assistant", "Refunded.")]


ROOT, CHILD = "1" * 8 + "-1111-4111-8111-" + "1" * 12, "2" * 8 + "-2222-4222-8222-" + "2" * 12
ORDER = f"20260412T031401000000Z{ROOT}"


def test_the_end_of_a_run_that_has_its_order_alone_is_joined_with_its_beginning(
    tmp_path: Path,
) -> None:
    child = f"{ORDER}.20260412T031402000000Z{CHILD}"
    begun = {"run_type": "tool", "inputs": {"input": '{"n": 1}'}, "name": "pay", "id": CHILD}
    batch = {
        "post": [{**begun, "trace_id": ROOT, "dotted_order": child,
                  "start_time": "2026-04-12T03:14:02Z"}],
        "patch": [{"dotted_order": child, "outputs": {"output": "paid"},
                   "end_time": "2026-04-12T03:14:03Z"}],
    }  # fmt: skip
    (made,) = run_of(tmp_path, batch).calls
    assert (made.tool, made.result, made.duration_seconds) == ("pay", "paid", 1.0)


# Claude Code


def uses(call_id: str, tool: str = "Bash", **arguments: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_use", "id": call_id, "name": tool, "input": arguments}]


def result(call_id: str, text: str, **more: Any) -> list[dict[str, Any]]:
    return [{"type": "tool_result", "tool_use_id": call_id, "content": text, **more}]


def test_an_exit_code_that_a_script_printed_is_no_failure_and_a_refusal_did_not_run(
    tmp_path: Path,
) -> None:
    refused = "The user doesn't want to proceed with this tool use. The tool use was rejected (eg."
    answers = [
        ("Exit code: 1\nas the script says", {"is_error": False}),
        ("Exit code 3\nboom", {"is_error": True}),
        (refused, {"is_error": True}),
        ("The tool use was rejected", {"is_error": True}),
        ("the file says\nExit code: 9", {}),
    ]
    rows = [claude_row("user", 0, "go")]
    for number, (text, more) in enumerate(answers):
        rows.append(claude_row("assistant", 2 * number + 1, uses(f"t{number}")))
        rows.append(claude_row("user", 2 * number + 2, result(f"t{number}", text, **more)))
    made = run_of(tmp_path, lines(*rows)).calls
    kinds = [one.failure.type if one.failure else "" for one in made]
    assert kinds == ["", "tool_error", "rejected", "rejected", ""]
    assert [one.ran for one in made] == [Ran.YES, Ran.UNKNOWN, Ran.NO, Ran.NO, Ran.YES]


def test_any_number_of_rows_may_stand_before_the_first_turn(tmp_path: Path) -> None:
    before = [{"type": "file-history-snapshot", "messageId": str(n), "snapshot": {}}
              for n in range(300)]  # fmt: skip
    strange = [{"type": "from-next-year", "n": n} for n in range(300)]
    for rows in (before, strange):
        run = run_of(tmp_path, lines(*rows, claude_row("user", 0, "go")))
        assert (run.provenance.format, run.trigger.text) == ("claude-code", "go")


def session(tmp_path: Path) -> Path:
    """A session whose agent started another one, and whose last result lies in a file."""
    folder = tmp_path / "s1"
    first, second = ({"isSidechain": True, "agentId": name} for name in ("aa", "bb"))
    written(folder / "subagents/agent-aa.jsonl", lines(
        claude_row("user", 10, "Look at X", **first),
        claude_row("assistant", 11, uses("n1", "Task", prompt="Deeper"), **first),
        claude_row("user", 14, result("n1", "deep is done"), **first),
    ))  # fmt: skip
    written(folder / "subagents/agent-bb.jsonl", lines(
        claude_row("user", 12, "Deeper", **second),
        claude_row("assistant", 13, [{"type": "text", "text": "deep"}], **second),
    ))  # fmt: skip
    written(folder / "tool-results/b1.txt", "WHOLE OUTPUT")
    cut = "<persisted-output>\nOutput too large (36.8KB). Full output saved to: "
    cut += "/home/x/.claude/projects/p/s1/tool-results/b1.txt\n\nPreview (first 2KB):\nWHO\n"
    return written(tmp_path / "s1.jsonl", lines(
        claude_row("user", 0, "go"),
        claude_row("assistant", 1, uses("t1", "Task", prompt="Look at X")),
        claude_row("user", 20, result("t1", "done"), toolUseResult={"agentId": "aa"}),
        claude_row("assistant", 21, uses("t2", command="cat big")),
        claude_row("user", 22, result("t2", cut)),
    ))  # fmt: skip


def test_the_files_of_agents_and_of_outputs_belong_to_the_run(tmp_path: Path) -> None:
    (run,) = runs_in(session(tmp_path))
    assert [(c.tool, c.id, c.parent) for c in run.calls] == [
        ("Task", "t1", ""),
        ("Task", "n1", "t1"),
        ("Bash", "t2", ""),
    ]
    assert [(m.text, m.parent) for m in run.messages if m.text] == [
        ("go", ""),
        ("Look at X", "t1"),
        ("Deeper", "n1"),
        ("deep", "n1"),
    ]
    assert run.calls[-1].source["persistedOutput"] == "WHOLE OUTPUT"
    assert str(run.calls[-1].result).startswith("<persisted-output>")


def test_no_link_beside_a_session_is_followed(tmp_path: Path) -> None:
    path = session(tmp_path / "there")
    secret = written(tmp_path / "elsewhere.txt", "not yours")
    for name in ("tool-results/b1.txt", "subagents/agent-aa.jsonl"):
        place = path.parent / "s1" / name
        place.unlink()
        place.symlink_to(secret)
    (run,) = runs_in(path)
    assert "persistedOutput" not in run.calls[-1].source
    assert "not yours" not in str(run)
    note = "results of which the session holds the beginning only"
    assert note in run.provenance.lossy


def test_a_checkup_counts_a_session_and_its_agents_once(tmp_path: Path) -> None:
    path = session(tmp_path)
    assert trace_files([tmp_path]) == (path,)
    assert trace_files([tmp_path / "s1"]) == tuple(sorted((tmp_path / "s1/subagents").iterdir()))


# Langfuse, LangSmith


def snake(row: dict[str, Any]) -> dict[str, Any]:
    names = {"traceId": "trace_id", "startTime": "start_time", "endTime": "end_time"}
    names |= {"parentObservationId": "parent_observation_id", "statusMessage": "status_message"}
    return {names.get(key, key): value for key, value in row.items()}


def test_a_double_refund_in_an_export_to_blob_storage_is_two_calls(tmp_path: Path) -> None:
    heard = [{"role": "user", "content": "Refund 7"}]
    rows = [
        observation(1, "GENERATION", "llm", input=heard, output={"role": "assistant",
                    "content": "I refund."}, provided_model_name="m",
                    usage_details={"input": 3, "output": 4}, trace_name="refunds",
                    session_id="c1"),
        observation(3, "TOOL", "refund", input={"order": 7}, output="ok"),
        observation(5, "TOOL", "refund", input={"order": 7}, output="ok"),
    ]  # fmt: skip
    (run,) = runs_in(written(tmp_path / "o.jsonl", lines(*map(snake, rows))))
    assert run.provenance.format == "langfuse"
    assert [(c.tool, c.arguments, c.result) for c in run.calls] == [
        ("refund", {"order": 7}, "ok")
    ] * 2
    assert said(run) == [("user", "Refund 7"), ("assistant", "I refund.")]
    assert (run.state.request.model, run.conversation, run.agent.name) == ("m", "c1", "refunds")
    assert run.messages[1].input_tokens == 3


def test_the_answer_of_the_observations_api_is_read(tmp_path: Path) -> None:
    rows = [observation(1, "TOOL", "refund", input='{"order": 7}', output='"ok"')]
    run = run_of(tmp_path, {"data": rows, "meta": {"cursor": "x"}})
    assert (run.provenance.format, run.calls[0].arguments) == ("langfuse", {"order": 7})


@pytest.mark.parametrize(
    "request_in",
    [
        "Refund 7",
        {"args": ["Refund 7"], "kwargs": {}},
        {"args": [], "kwargs": {"question": "Refund 7"}},
        {"args": [[{"role": "user", "content": "Refund 7"}]]},
        {"contents": [{"role": "user", "parts": [{"text": "Refund 7"}]}]},
        {"contents": "Refund 7"},
        '{"messages": [{"role": "user", "content": "Refund 7"}]}',
    ],
)
@pytest.mark.parametrize("place", ["trace", "root"])
def test_a_request_that_stands_beside_the_calls_is_not_missing(
    request_in: Any, place: str, tmp_path: Path
) -> None:
    tool = observation(3, "TOOL", "refund", input={"order": 7}, output="ok")
    root = observation(1, "SPAN", "handle", endTime="2026-04-12T03:14:09Z")
    trace: dict[str, Any] = {"id": "t1", "name": "refunds"}
    (trace if place == "trace" else root)["input"] = request_in
    run = run_of(tmp_path, {"trace": trace, "observations": [root, tool]})
    assert run.trigger.text == "Refund 7"
    assert "the request that set the run going" not in run.missing


def test_runs_as_the_api_of_langsmith_answers_them_are_read(tmp_path: Path) -> None:
    one = {"id": CHILD, "trace_id": ROOT, "run_type": "tool", "name": "pay", "inputs": {"n": 1},
           "outputs": {"output": "paid"}, "start_time": "2026-04-12T03:14:02Z"}  # fmt: skip
    (made,) = run_of(tmp_path, {"runs": [one], "cursors": {"next": None}}).calls
    assert (made.tool, made.arguments, made.result) == ("pay", {"n": 1}, "paid")


def test_runs_that_lie_in_a_run_are_read(tmp_path: Path) -> None:
    child = {"id": CHILD, "trace_id": ROOT, "run_type": "tool", "name": "pay", "inputs": {"n": 1},
             "outputs": {"output": "paid"}, "start_time": "2026-04-12T03:14:02Z"}  # fmt: skip
    root = {"id": ROOT, "trace_id": ROOT, "run_type": "chain", "name": "agent",
            "inputs": {"input": "Refund 7"}, "outputs": {"output": "Refunded."},
            "start_time": "2026-04-12T03:14:01Z", "child_runs": [child]}  # fmt: skip
    run = run_of(tmp_path, root)
    assert [one.tool for one in run.calls] == ["pay"]
    assert said(run) == [("user", "Refund 7"), ("assistant", "Refunded.")]


@pytest.mark.parametrize(
    "where",
    [
        {"inputs": {"model": "m-1", "messages": [GO]}},
        {"outputs": {"model": "m-1", "role": "assistant", "content": "hi"}},
        {"extra": {"metadata": {"ls_model_name": "m-1"}}},
        {"extra": {"invocation_params": {"model_name": "m-1"}}},
        {"outputs": {"generations": [[{"text": "hi"}]], "llm_output": {"model_name": "m-1"}}},
    ],
)
def test_the_model_is_found_wherever_langsmith_has_it(where: Any, tmp_path: Path) -> None:
    one = {"id": ROOT, "trace_id": ROOT, "run_type": "llm", "name": "ChatModel",
           "inputs": {"messages": [GO]}, "outputs": {"role": "assistant", "content": "hi"},
           "start_time": "2026-04-12T03:14:02Z", **where}  # fmt: skip
    run = run_of(tmp_path, one)
    assert "the model" not in run.missing
    assert "m-1" in {run.state.request.model, *(message.model for message in run.messages)}


def test_the_model_of_an_agents_span_is_not_missing(tmp_path: Path) -> None:
    kind = {"openinference__span__kind": "AGENT", "llm__model_name": "m-1"}
    run = run_of(tmp_path, spans_of(span(1, "agent", 0, 9, output__value="hi", **kind)))
    assert (run.state.request.model, "the model" in run.missing) == ("m-1", False)


# The GenAI conventions of today


def log(number: int, name: str, **attributes: Any) -> dict[str, Any]:
    pairs = [attribute(key.replace("__", "."), value) for key, value in attributes.items()]
    return {
        "timeUnixNano": str(1_776_000_005_000_000_000),
        "traceId": "a" * 32,
        "spanId": f"{number:016x}",
        "eventName": name,
        "attributes": pairs,
        "body": {},
    }


DETAILS = "gen_ai.client.inference.operation.details"


def details(number: int) -> dict[str, Any]:
    asks = [{"role": "user", "parts": [{"type": "text", "content": "Refund 7"}]}]
    answers = [{"role": "assistant", "parts": [{"type": "text", "content": "Refunded."}]}]
    return log(number, DETAILS, gen_ai__operation__name="chat", gen_ai__request__model="m-1",
               gen_ai__input__messages=json.dumps(asks),
               gen_ai__output__messages=json.dumps(answers))  # fmt: skip


@pytest.mark.parametrize("layout", ["one object", "two lines", "without its span"])
def test_words_in_an_event_of_the_log_belong_to_its_span(layout: str, tmp_path: Path) -> None:
    spans = spans_of(span(2, "chat m-1", 1, 2, gen_ai__operation__name="chat",
                          gen_ai__usage__output_tokens=5))  # fmt: skip
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [details(2)]}]}]}
    value: Any = {"one object": {**spans, **logs}, "two lines": lines(spans, logs)}.get(
        layout, logs
    )
    run = run_of(tmp_path, value)
    assert said(run) == [("user", "Refund 7"), ("assistant", "Refunded.")]
    assert run.state.request.model == "m-1"


def test_logs_without_a_model_are_named_for_what_they_are(tmp_path: Path) -> None:
    logs = {"resourceLogs": [{"scopeLogs": [{"logRecords": [log(2, "http.request")]}]}]}
    with pytest.raises(KbError, match="OTLP logs, not traces"):
        runs_in(written(tmp_path / "logs.json", logs))


def test_operations_of_the_present_conventions_are_told(tmp_path: Path) -> None:
    rows = [
        span(1, "invoke_workflow refunds", 0, 9, gen_ai__operation__name="invoke_workflow",
             gen_ai__workflow__name="refunds"),
        span(2, "plan", 1, 2, gen_ai__operation__name="plan"),
        span(3, "search_memory", 2, 3, gen_ai__operation__name="search_memory",
             gen_ai__memory__query__text="orders of 7"),
        span(4, "retrieval", 3, 4, gen_ai__operation__name="retrieval",
             gen_ai__retrieval__query__text="refund policy"),
        span(5, "execute_tool pay", 4, 5, gen_ai__operation__name="execute_tool",
             gen_ai__tool__name="pay", gen_ai__tool__call__result="paid"),
        span(6, "handoff to billing", 5, 6, openinference__span__kind="TOOL"),
    ]  # fmt: skip
    run = run_of(tmp_path, spans_of(*rows))
    events = [(s.kind, s.text) for s in run.steps if isinstance(s, Event)]
    assert events == [
        ("plan", ""),
        ("memory", "orders of 7"),
        ("retrieval", "refund policy"),
        ("handoff", ""),
    ]
    assert [made.tool for made in run.calls] == ["pay"]
    assert run.agent.name == "refunds"


# Bytes


@pytest.mark.parametrize("indent", [None, 1])
def test_a_list_that_was_cut_off_yields_its_whole_runs(indent: int | None, tmp_path: Path) -> None:
    rows = [{"id": name, "messages": [GO, asked(call(1, "t", {})), answered(1, name)]}
            for name in ("a", "b", "c")]  # fmt: skip
    path = written(tmp_path / "cut.json", json.dumps(rows, indent=indent)[:-60])
    runs = runs_in(path)
    assert [run.id for run in runs] == ["a", "b"]
    assert "rows that are no JSON were left out: [2]" in runs[0].provenance.lossy


def test_latin_1_is_read_as_such_and_said(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(
        '{"messages": [{"role": "user", "content": "café für Zoë"}]}'.encode("latin-1")
    )
    (run,) = runs_in(path)
    assert run.trigger.text == "café für Zoë"
    assert "bytes that are no UTF-8 were read as Latin-1" in run.provenance.lossy


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-32", "UTF-32"), ("utf-32-le", "UTF-32"), ("utf-32-be", "UTF-32"),
     ("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16")],
)  # fmt: skip
def test_wide_encodings_are_named_rightly(encoding: str, named: str, tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_bytes(json.dumps([{"messages": [GO]}]).encode(encoding))
    with pytest.raises(KbError, match=f"is written in {named}: save it as UTF-8"):
        runs_in(path)


def test_a_table_that_stands_twice_in_the_settings_is_named_with_both_lines(tmp_path: Path) -> None:
    kb("init", cwd=tmp_path)
    settings = tmp_path / "kb.toml"
    text = settings.read_text("utf-8")
    first = text.splitlines().index("[runs]") + 1
    settings.write_text(
        text + '\n[runs]\npolicy = ["refund requires approve before it"]\n', "utf-8"
    )
    status, _, err = kb("check", cwd=tmp_path)
    second = len(text.splitlines()) + 2
    assert status == 2
    assert f"[runs] stands twice, in lines {first} and {second}" in err
    assert f"Move the keys below line {second} to those below line {first}." in err


# What foreign exports taught


def test_calls_in_several_outputs_and_as_text_are_calls(tmp_path: Path) -> None:
    """As Koog writes them: a message a call, the call as JSON text, spans named for the tools."""

    def as_text(call_id: str, tool: str) -> dict[str, Any]:
        function = {"name": tool, "arguments": '{"n": 1}'}
        text = json.dumps([{"function": function, "id": call_id, "type": "function"}])
        return {"role": "assistant", "content": text, "finish_reason": "tool_calls"}

    asks = [as_text("c1", "hello"), as_text("c2", "bye")]
    again = [{**one, "role": "tool"} for one in asks]
    results = [{"role": "tool", "content": f"{word} Bob"} for word in ("hello", "bye")]
    history = [GO, again[0], results[0], again[1], results[1]]
    rows = [
        observation(1, "GENERATION", "llm", input=[GO], output=asks),
        observation(3, "SPAN", "tool.hello", input={"n": 1}, output="hello Bob"),
        observation(5, "SPAN", "tool.bye", input={"n": 1}, output="bye Bob"),
        observation(7, "GENERATION", "llm", input=history, output="Hello and bye."),
    ]
    run = run_of(tmp_path, {"trace": {"id": "t1"}, "observations": rows})
    assert [(c.tool, c.id, c.result) for c in run.calls] == [
        ("hello", "c1", "hello Bob"),
        ("bye", "c2", "bye Bob"),
    ]
    assert [step for step in run.steps if isinstance(step, Event)] == []


def test_a_request_of_gemini_has_its_instructions_and_its_tools(tmp_path: Path) -> None:
    declared = [{"functionDeclarations": [{"name": "hello", "parameters": {"type": "object"}}]}]
    contents = [{"role": "user", "parts": [{"text": "hi"}]}]
    config = {"system_instruction": "Greet.", "tools": declared}
    asks = {"content": {"role": "model", "parts": [{"function_call": {"name": "hello"}}]}}
    answered_twice = [
        *contents,
        {"role": "model", "parts": [{"function_call": {"name": "hello"}}]},
        {"role": "user", "parts": [{"function_response": {"name": "hello", "response": {"r": 1}}}]},
    ]
    rows = [
        observation(1, "GENERATION", "llm", input={"contents": contents, "config": config},
                    output=asks),
        observation(3, "TOOL", "execute_tool hello", input={}, output={"other": "spelling"}),
        observation(5, "GENERATION", "llm",
                    input={"contents": answered_twice, "config": config}, output="Hello."),
    ]  # fmt: skip
    run = run_of(tmp_path, {"trace": {"id": "t1"}, "observations": rows})
    assert run.state.prompt.text == "Greet."
    assert [tool.name for tool in run.state.tools] == ["hello"]
    assert [type(step).__name__ for step in run.steps if isinstance(step, Event)] == []
    assert len(run.calls) == 1


def test_tools_that_stand_among_the_messages_are_offers_and_no_results(tmp_path: Path) -> None:
    schema = {"name": "pay", "parameters": {"type": "object"}}
    offer = {"role": "tool", "content": {"type": "function", "function": schema}}
    row = observation(1, "GENERATION", "llm", input=[GO, offer], output="I wait.")
    run = run_of(tmp_path, {"trace": {"id": "t1"}, "observations": [row]})
    assert [tool.name for tool in run.state.tools] == ["pay"]
    assert said(run) == [("user", "go"), ("assistant", "I wait.")]
    assert len(run.steps) == 2


def test_a_message_that_a_tool_answered_with_is_unwrapped(tmp_path: Path) -> None:
    told = {"content": "no funds", "tool_call_id": "t1", "status": "error"}
    kind = {"openinference__span__kind": "TOOL", "tool__name": "pay", "input__value": '{"n": 1}'}
    paid = span(1, "pay", 0, 1, output__value=json.dumps(told), **kind)
    (made,) = run_of(tmp_path, spans_of(paid)).calls
    assert (made.id, made.result) == ("t1", "no funds")
    assert made.failure is not None
    assert made.failure.type == "tool_error"


def test_calls_that_codex_tells_by_their_end_alone_are_calls(tmp_path: Path) -> None:
    invocation = {"server": "s", "tool": "lookup", "arguments": {"n": 1}}
    ok = {"Ok": {"content": [{"type": "text", "text": "found"}], "isError": False}}
    rows = [
        codex_row("session_meta", 0, id="s1"),
        codex_row("event_msg", 1, type="mcp_tool_call_end", call_id="m1", invocation=invocation,
                  result=ok),
        codex_row("event_msg", 2, type="exec_command_end", call_id="e1", command=["ls"],
                  exit_code=2, aggregated_output="no such folder"),
        codex_row("response_item", 3, type="tool_call", function={"name": "shell"},
                  arguments={"command": "ls"}),
        codex_row("response_item", 4, type="tool_result", name="shell", result={"exitCode": 0}),
    ]  # fmt: skip
    run = run_of(tmp_path, lines(*rows))
    assert [(c.tool, c.arguments, c.result) for c in run.calls] == [
        ("lookup", {"n": 1}, "found"),
        ("exec_command", ["ls"], "no such folder"),
        ("shell", {"command": "ls"}, {"exitCode": 0}),
    ]
    assert [c.failure.type if c.failure else "" for c in run.calls] == ["", "exit 2", ""]


def test_a_trace_that_makes_no_run_has_no_row_in_one(tmp_path: Path) -> None:
    made = span(1, "create_agent a", 0, 1, gen_ai__operation__name="create_agent")
    paid = span(2, "tool.pay", 1, 2, input='{"n": 1}', output="paid")
    path = written(tmp_path / "t.json", spans_of({**made, "traceId": "b" * 32}, paid))
    reading = open_reading(path)
    assert len(list(reading.runs())) == 1
    why = "traces without a span of a model, a tool or an agent"
    assert [row.why for row in reading.rows.verdicts()] == [why, ""]


@pytest.mark.parametrize(
    ("body", "request_text"),
    [
        ({"model": "m-1", "input": "Refund 7"}, "Refund 7"),
        ({"model": "m-1", "contents": [{"role": "user", "parts": [{"text": "Refund 7"}]}]},
         "Refund 7"),
    ],
)  # fmt: skip
def test_a_recorded_request_of_one_text_is_no_missing_request(
    body: dict[str, Any], request_text: str, tmp_path: Path
) -> None:
    content = {"role": "model", "parts": [{"text": "Done."}]}
    answer = {"candidates": [{"content": content}], "modelVersion": "m-2"}
    exchange = {
        "request": {"body": json.dumps(body)},
        "response": {"body": {"string": json.dumps(answer)}},
    }
    run = run_of(tmp_path, {"interactions": [exchange]})
    assert said(run) == [("user", request_text), ("assistant", "Done.")]
    assert (run.state.request.model, run.messages[1].model) == ("m-1", "m-2")


def test_the_output_of_a_tool_as_a_part_is_its_result_and_tells_of_its_exit(tmp_path: Path) -> None:
    for code, kind in ((1, "exit 1"), (0, "")):
        text = f"Command: make\nProcess exited with code {code}\nOutput:\nerror: x"
        result = {**answered(1, ""), "content": [{"type": "tool_output", "text": text}]}
        run = run_of(tmp_path, [GO, asked(call(1, "exec_command", {"cmd": "make"})), result])
        (made,) = run.calls
        assert (made.result, made.failure.type if made.failure else "") == (text, kind)


@pytest.mark.parametrize(
    "text",
    [
        "exec_command failed for `/bin/bash -lc pwd`: CreateProcess { message: 'Denied' }",
        "apply_patch verification failed: Failed to find expected lines in a.py",
        "failed to parse function arguments: missing field `cmd`",
    ],
)
def test_a_call_of_codex_that_never_began_failed(text: str, tmp_path: Path) -> None:
    chat = [GO, asked(call(1, "exec_command", {"cmd": "pwd"})), answered(1, text)]
    failure = run_of(tmp_path, chat).calls[0].failure
    assert failure is not None
    assert (failure.message, failure.type) == (text, "error")


def test_of_two_lists_the_one_with_calls_is_read(tmp_path: Path) -> None:
    told = [GO, {"role": "assistant", "content": "<function=pay>1</function>"}]
    raw = [GO, asked(call(1, "pay", {"n": 1})), answered(1, "paid")]
    run = run_of(tmp_path, {"messages": told, "raw_messages": raw})
    assert [(c.tool, c.result) for c in run.calls] == [("pay", "paid")]


IDS = {"uuid": "u1", "parentUuid": None, "sessionId": "s1"}


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({**IDS, "type": "user", "message": {"role": "user", "parts": []}}, "Qwen Code"),
        ({"type": "user", "message": {"content": "x"}, "sessionId": "s"}, "Claude Code without"),
        ({"name": "ai.generateText", "spanContext": {}, "attributes": {}}, "SDK for JavaScript"),
    ],
)
def test_a_format_that_is_known_and_not_read_is_named(
    row: dict[str, Any], named: str, tmp_path: Path
) -> None:
    with pytest.raises(KbError) as caught:
        runs_in(written(tmp_path / "t.jsonl", lines(row, row)))
    assert named in caught.value.what


def test_a_row_of_the_system_does_not_make_a_session_of_qwen_one_of_claude_code(
    tmp_path: Path,
) -> None:
    told = {**IDS, "type": "system", "subtype": "ui_telemetry"}
    asks = {**IDS, "type": "user", "message": {"role": "user", "parts": [{"text": "Go."}]}}
    with pytest.raises(KbError) as caught:
        runs_in(written(tmp_path / "t.jsonl", lines(told, asks)))
    assert "Qwen Code" in caught.value.what
