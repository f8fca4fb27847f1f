"""Does an import see through the habits of each tool? One small trace a trap, seen in the wild."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.traces.decoding.timestamps import time_of
from kb.traces.run import Effect, EffectSource, Event, Message, Ran, ToldBy, Treatment

from traces_made import (
    answered,
    asked,
    attribute,
    call,
    claude_row,
    codex_row,
    lines,
    observation,
    otlp_spans,
    parts,
    run_of,
    runs_in,
    span,
    written,
)


def tools(run: Any) -> list[tuple[str, Any]]:
    return [(call.tool, call.arguments) for call in run.calls]


def said(run: Any) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in run.messages]


# Messages


def test_arguments_that_are_encoded_twice_are_decoded_to_the_end(tmp_path: Path) -> None:
    twice = json.dumps(json.dumps({"invoice": "7781"}))
    run = run_of(tmp_path, [asked(call(1, "charge", twice)), answered(1, "ok")])
    assert tools(run) == [("charge", {"invoice": "7781"})]


def test_arguments_that_are_no_json_stay_the_text_they_are(tmp_path: Path) -> None:
    patch = "*** Begin Patch\n+ {not json\n"
    run = run_of(tmp_path, [asked(call(1, "apply_patch", patch)), answered(1, "ok")])
    assert tools(run) == [("apply_patch", patch)]


def test_an_id_that_is_used_twice_makes_two_calls_each_with_its_answer(tmp_path: Path) -> None:
    first, second = call(1, "get_user", {"id": 1}), call(1, "refund", {"amount": 5})
    rows = [asked(first), answered(1, "a user"), asked(second), answered(1, "refunded")]
    run = run_of(tmp_path, rows)
    assert [(c.tool, c.result) for c in run.calls] == [
        ("get_user", "a user"),
        ("refund", "refunded"),
    ]
    assert len({c.id for c in run.calls}) == 2
    assert run.calls[1].source["gen_ai.tool.call.id"] == "c1"


def test_a_missing_id_is_numbered_and_said(tmp_path: Path) -> None:
    nameless = {"function": {"name": "charge", "arguments": "{}"}}
    run = run_of(tmp_path, [asked(nameless), {"role": "tool", "name": "charge", "content": "ok"}])
    assert [(c.id, c.result) for c in run.calls] == [("call-1", "ok")]
    assert "calls without an id were numbered" in run.provenance.lossy


def test_a_call_without_an_answer_may_have_run(tmp_path: Path) -> None:
    run = run_of(tmp_path, [asked(call(1, "charge", {}))])
    assert (run.calls[0].is_answered, run.calls[0].ran) == (False, Ran.UNKNOWN)
    assert any(line.startswith("results of calls: charge (c1)") for line in run.missing)


def test_an_answer_without_a_call_is_no_call(tmp_path: Path) -> None:
    run = run_of(tmp_path, [{"role": "user", "content": "hi"}, answered(9, "orphan")])
    assert run.calls == ()
    assert [s.text for s in run.steps if isinstance(s, Event)] == ["orphan"]
    assert any("whose call the trace does not hold" in line for line in run.provenance.lossy)


def test_anthropic_blocks_are_words_thoughts_calls_and_answers(tmp_path: Path) -> None:
    image = {"type": "image", "source": {"type": "base64", "data": "AAAA"}}
    run = run_of(tmp_path, {
        "system": "You renew plans.",
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "Renew"}, image]},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "first look"},
                {"type": "text", "text": "Looking."},
                {"type": "tool_use", "id": "t1", "name": "charge", "input": {"n": 1}}]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "is_error": True,
                 "content": [{"type": "text", "text": "declined"}]},
                {"type": "text", "text": "and now?"}]},
        ],
    })  # fmt: skip
    assert run.state.prompt.text == "You renew plans."
    assert said(run) == [("user", "Renew"), ("assistant", "Looking."), ("user", "and now?")]
    assert (run.messages[0].parts, run.messages[1].reasoning) == ((image,), "first look")
    (charge,) = run.calls
    assert (charge.result, charge.asked_in) == ("declined", 1)
    assert charge.failure is not None
    assert charge.failure.told_by is ToldBy.STATUS


def test_items_of_the_responses_api_are_one_answer_and_join_on_the_call_id(tmp_path: Path) -> None:
    run = run_of(tmp_path, {
        "instructions": "Be brief.", "model": "m", "temperature": 0.5,
        "input": [{"role": "user", "content": "Renew"},
                  {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                  {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "charge",
                   "arguments": "{}"},
                  {"type": "function_call_output", "call_id": "c1", "output": "ok"}],
        "output": [{"type": "message", "role": "assistant",
                    "content": [{"type": "output_text", "text": "Done."}]}],
        "usage": {"input_tokens": 5, "output_tokens": 2},
    })  # fmt: skip
    assert said(run) == [("user", "Renew"), ("assistant", ""), ("assistant", "Done.")]
    assert (run.messages[1].reasoning, run.messages[2].output_tokens) == ("hm", 2)
    assert [(c.id, c.result) for c in run.calls] == [("c1", "ok")]
    assert run.state.request.temperature == 0.5


def sse(*events: dict[str, Any]) -> str:
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def test_a_streamed_anthropic_answer_is_put_together(tmp_path: Path) -> None:
    def delta(index: int, **delta: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": delta}

    start = {"type": "content_block_start"}
    body = sse(
        {"type": "message_start", "message": {"id": "m1", "role": "assistant", "model": "m",
                                              "usage": {"input_tokens": 4}}},
        {**start, "index": 0, "content_block": {"type": "text", "text": ""}},
        delta(0, text="Char"), delta(0, text="ging."),
        {**start, "index": 1, "content_block": {"type": "tool_use", "id": "t1", "name": "charge",
                                                "input": {}}},
        delta(1, partial_json='{"inv'), delta(1, partial_json='oice": 7781}'),
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"},
         "usage": {"output_tokens": 6}},
    )  # fmt: skip
    run = run_of(tmp_path, {"status": 200, "headers": {}, "body": body})
    assert said(run) == [("assistant", "Charging.")]
    assert tools(run) == [("charge", {"invoice": 7781})]
    assert (run.messages[0].input_tokens, run.messages[0].output_tokens) == (4, 6)
    assert run.messages[0].finish_reasons == ("tool_use",)


def test_a_streamed_chat_completion_is_put_together(tmp_path: Path) -> None:
    def chunk(**delta: Any) -> str:
        return f"data: {json.dumps({'id': 'x', 'model': 'm', 'choices': [{'delta': delta}]})}\n\n"

    first = {"index": 0, "id": "c1", "function": {"name": "charge", "arguments": '{"n"'}}
    rest = {"index": 0, "function": {"arguments": ": 1}"}}
    body = chunk(content="Char") + chunk(content="ging") + chunk(tool_calls=[first])
    body += chunk(tool_calls=[rest]) + "data: [DONE]\n\n"
    run = run_of(tmp_path, {"status": 200, "headers": {}, "body": body})
    assert (said(run), tools(run)) == ([("assistant", "Charging")], [("charge", {"n": 1})])


def test_requests_that_repeat_the_history_are_one_run(tmp_path: Path) -> None:
    history: list[dict[str, Any]] = [{"role": "user", "content": "yes"}]
    rows = [{"messages": list(history)}]
    for number, tool in ((1, "look"), (2, "charge")):
        history += [asked(call(number, tool, {})), answered(number, "ok")]
        history.append({"role": "user", "content": "yes"})
        rows.append({"messages": list(history)})
    (run,) = runs_in(written(tmp_path / "log.jsonl", lines(*rows)))
    assert [c.tool for c in run.calls] == ["look", "charge"]
    assert [text for role, text in said(run) if role == "user"] == ["yes"] * 3


# Spans


def test_spans_out_of_order_become_the_order_in_which_things_happened(tmp_path: Path) -> None:
    run = run_of(tmp_path, otlp_spans("x"))
    kinds = [getattr(s, "role", getattr(s, "tool", "")) for s in run.steps]
    assert kinds == ["user", "assistant", "charge", "assistant"]
    assert run.agent.name == "billing-agent"


def test_a_call_in_a_span_and_in_the_messages_is_one_call(tmp_path: Path) -> None:
    run = run_of(tmp_path, otlp_spans("x"))
    (charge,) = run.calls
    assert (charge.id, charge.asked_in, charge.result) == ("c1", 1, "ok")
    assert charge.duration_seconds == 1.0


def test_the_same_call_id_run_twice_by_a_framework_is_two_calls(tmp_path: Path) -> None:
    again = {**otlp_spans("x")[0], "spanId": "f" * 16}
    again |= {"startTimeUnixNano": "1776000004500000000", "endTimeUnixNano": "1776000004900000000"}
    run = run_of(tmp_path, [*otlp_spans("x"), again])
    assert [c.tool for c in run.calls] == ["charge", "charge"]


def test_pretty_printed_objects_one_after_the_other_are_read(tmp_path: Path) -> None:
    objects = [{"resource": {}, "scopeSpans": [{"spans": [one]}]} for one in otlp_spans("x")]
    text = "\n".join(json.dumps(one, indent=2) for one in objects)
    (run,) = runs_in(written(tmp_path / "otel.jsonl", text))
    assert len(run.steps) == 4


def test_a_file_of_several_traces_is_several_runs(tmp_path: Path) -> None:
    spans = [one | {"traceId": trace * 32} for trace in "ab" for one in otlp_spans("x")]
    runs = runs_in(written(tmp_path / "spans.jsonl", lines(*spans)))
    assert [run.id for run in runs] == ["a" * 32, "b" * 32]
    assert all(len(run.calls) == 1 for run in runs)


def test_tempo_and_jaeger_exports_are_read(tmp_path: Path) -> None:
    tool = otlp_spans("x")[0]
    nanos = int(tool["startTimeUnixNano"])
    tempo = {"batches": [{"resource": {}, "instrumentationLibrarySpans": [
        {"spans": [tool | {"startTimeUnixNano": nanos}]}]}]}  # fmt: skip
    tags = [{"key": a["key"], "type": "string", "value": a["value"]["stringValue"]}
            for a in tool["attributes"]]  # fmt: skip
    jaeger = {"data": [{"traceID": "a", "processes": {}, "spans": [
        {"traceID": "a", "spanID": "1", "operationName": "execute_tool charge", "references": [],
         "startTime": nanos // 1000, "duration": 1_000_000, "tags": tags}]}]}  # fmt: skip
    for value in (tempo, jaeger):
        (charge,) = run_of(tmp_path, value).calls
        assert (charge.tool, charge.arguments, charge.duration_seconds) == (
            "charge",
            {"note": "x"},
            1.0,
        )


def test_messages_in_numbered_attributes_sort_as_numbers(tmp_path: Path) -> None:
    flat = {f"gen_ai__prompt__{n}__role": "user" for n in range(12)}
    flat |= {f"gen_ai__prompt__{n}__content": f"word {n}" for n in range(12)}
    flat |= {"gen_ai__completion__0__role": "assistant", "gen_ai__completion__0__content": "done"}
    one = span(1, "openai.chat", 1, 2, llm__request__type="chat", **flat)
    run = run_of(tmp_path, [one])
    assert [text for _, text in said(run)] == [*(f"word {n}" for n in range(12)), "done"]


def test_messages_in_span_events_are_heard(tmp_path: Path) -> None:
    def event(name: str, **attributes: str) -> dict[str, Any]:
        pairs = [attribute(key, value) for key, value in attributes.items()]
        return {"name": name, "timeUnixNano": "1776000001000000000", "attributes": pairs}

    one = span(1, "chat m", 1, 2, gen_ai__operation__name="chat")
    one["events"] = [
        event("gen_ai.user.message", content=json.dumps([{"text": "Renew"}])),
        event("gen_ai.choice", message=json.dumps([{"text": "Done"}]), finish_reason="end_turn"),
    ]
    assert said(run_of(tmp_path, [one])) == [("user", "Renew"), ("assistant", "Done")]


def test_openinference_attributes_flat_or_nested_tell_the_same(tmp_path: Path) -> None:
    flat = {
        "openinference.span.kind": "TOOL",
        "tool.name": "charge",
        "input.value": '{"n": 1}',
        "output.value": "ok",
    }
    nested = {
        "openinference": {"span": {"kind": "TOOL"}},
        "tool": {"name": "charge"},
        "input": {"value": '{"n": 1}'},
        "output": {"value": "ok"},
    }
    times = {"start_time": "2026-04-12T03:14:00Z", "end_time": "2026-04-12T03:14:01+00:00"}
    for attributes in (flat, nested):
        one = {"name": "charge", "context": {"trace_id": "t", "span_id": "s"}, **times}
        run = run_of(tmp_path, [one | {"attributes": attributes}])
        assert tools(run) == [("charge", {"n": 1})]


def test_a_python_repr_of_arguments_is_read(tmp_path: Path) -> None:
    one = span(1, "charge", 1, 2, openinference__span__kind="TOOL", input__value="{'n': None}")
    assert tools(run_of(tmp_path, [one])) == [("charge", {"n": None})]


def test_a_failed_span_has_its_type_and_may_have_run(tmp_path: Path) -> None:
    one = span(1, "charge", 1, 11, openinference__span__kind="TOOL", error__type="timeout")
    one["status"] = {"code": 2, "message": "timeout after 10000 ms"}
    (charge,) = run_of(tmp_path, [one]).calls
    assert charge.failure is not None
    assert (charge.failure.type, charge.ran) == ("timeout", Ran.UNKNOWN)


def test_a_span_that_ended_has_run_though_its_result_was_not_recorded(tmp_path: Path) -> None:
    one = span(1, "execute_tool charge", 1, 2, gen_ai__operation__name="execute_tool")
    (charge,) = run_of(tmp_path, [one]).calls
    assert (charge.is_answered, charge.ran) == (False, Ran.YES)


def test_what_a_sub_agent_does_is_put_under_the_call_that_started_it(tmp_path: Path) -> None:
    def inside(number: int, below: int, one: dict[str, Any]) -> dict[str, Any]:
        return one | {"spanId": f"{number:016x}", "parentSpanId": f"{below:016x}"}

    heard = json.dumps([parts("user", "multiply")])
    spans = [
        span(1, "invoke_agent a", 0, 9, gen_ai__operation__name="invoke_agent"),
        inside(2, 1, span(2, "execute_tool ask", 1, 8, gen_ai__operation__name="execute_tool",
                          gen_ai__tool__name="ask", gen_ai__tool__call__id="c1")),
        inside(3, 2, span(3, "invoke_agent b", 2, 7, gen_ai__operation__name="invoke_agent",
                          gen_ai__agent__name="b")),
        inside(4, 3, span(4, "chat m", 3, 4, gen_ai__operation__name="chat",
                          gen_ai__input__messages=heard)),
        inside(5, 3, span(5, "execute_tool times", 5, 6, gen_ai__operation__name="execute_tool",
                          gen_ai__tool__name="times", gen_ai__tool__call__id="c2")),
    ]  # fmt: skip
    run = run_of(tmp_path, spans)
    by_tool = {c.tool: c for c in run.calls}
    assert (by_tool["ask"].parent, by_tool["times"].parent) == ("", "c1")
    assert (by_tool["times"].agent, run.steps[-1].turn) == ("b", 0)


# Sessions and exports


def test_rows_of_one_claude_answer_are_one_message_and_count_its_usage_once(tmp_path: Path) -> None:
    answer = {"id": "m1", "model": "m", "usage": {"input_tokens": 5, "output_tokens": 3}}
    longer = answer | {"usage": {"input_tokens": 5, "output_tokens": 9}}
    uses = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
    rows = lines(
        claude_row("user", 0, "go"),
        claude_row("assistant", 1, [{"type": "text", "text": "Looking."}], message=answer),
        claude_row("assistant", 2, [uses], message=longer),
        claude_row("user", 3, [{"type": "tool_result", "tool_use_id": "t1", "content": "a.py"}],
                   toolUseResult={"stdout": "a.py", "interrupted": False}),
    )  # fmt: skip
    run = run_of(tmp_path, rows)
    assert said(run) == [("user", "go"), ("assistant", "Looking.")]
    assert (run.messages[1].input_tokens, run.messages[1].output_tokens) == (5, 9)
    assert (run.calls[0].asked_in, run.calls[0].result) == (1, "a.py")
    assert run.calls[0].source["toolUseResult"] == {"stdout": "a.py", "interrupted": False}


def test_a_side_chain_is_put_under_the_task_with_its_prompt(tmp_path: Path) -> None:
    task = {"type": "tool_use", "id": "t1", "name": "Task", "input": {"prompt": "look around"}}
    side = {"isSidechain": True, "parentUuid": None}
    uses = {"type": "tool_use", "id": "t2", "name": "Bash", "input": {}}
    rows = lines(
        claude_row("user", 0, "go"),
        claude_row("assistant", 1, [task], message={"id": "m1"}),
        claude_row("user", 2, "look around", **side),
        claude_row("assistant", 3, [uses], message={"id": "m2"}, isSidechain=True),
    )
    run = run_of(tmp_path, rows)
    assert {c.tool: c.parent for c in run.calls} == {"Task": "", "Bash": "t1"}
    assert {m.turn for m in run.messages} == {1}


def test_a_refusal_by_a_person_did_not_run(tmp_path: Path) -> None:
    uses = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {}}
    told = "The user doesn't want to proceed with this tool use."
    result = {"type": "tool_result", "tool_use_id": "t1", "is_error": False, "content": told}
    rows = lines(
        claude_row("assistant", 1, [uses], message={"id": "m"}), claude_row("user", 2, [result])
    )
    assert run_of(tmp_path, rows).calls[0].ran is Ran.NO


def test_codex_events_repeat_items_and_only_add_the_exit_code(tmp_path: Path) -> None:
    rows = lines(
        codex_row("session_meta", 0, id="s1", cli_version="1"),
        codex_row("response_item", 1, type="message", role="user",
                  content=[{"type": "input_text", "text": "<environment_context>x"}]),
        codex_row("response_item", 2, type="function_call", name="exec", call_id="c1",
                  arguments='{"cmd": "false"}'),
        codex_row("event_msg", 3, type="exec_command_end", call_id="c1", exit_code=1,
                  aggregated_output="boom"),
        codex_row("response_item", 4, type="function_call_output", call_id="c1", output="boom"),
        codex_row("event_msg", 5, type="token_count",
                  info={"last_token_usage": {"input_tokens": 8, "output_tokens": 2}}),
    )  # fmt: skip
    run = run_of(tmp_path, rows)
    (shell,) = run.calls
    assert shell.failure is not None
    assert (shell.failure.type, shell.failure.told_by) == ("exit 1", ToldBy.EXIT_CODE)
    assert (run.messages[0].role, run.messages[0].turn) == ("developer", 0)
    assert run.messages[1].input_tokens == 8


def test_rows_out_of_time_and_results_before_their_calls_are_put_right(tmp_path: Path) -> None:
    rows = lines(
        codex_row("response_item", 5, type="function_call_output", call_id="c1", output="ok"),
        codex_row("response_item", 4, type="function_call", name="exec", call_id="c1",
                  arguments="{}"),
        codex_row("response_item", 1, type="message", role="user",
                  content=[{"type": "input_text", "text": "go"}]),
    )  # fmt: skip
    run = run_of(tmp_path, rows)
    assert isinstance(run.steps[0], Message)
    assert [(c.tool, c.result) for c in run.calls] == [("exec", "ok")]
    assert "steps were put in the order of their times" in run.provenance.lossy


def test_a_langfuse_span_is_a_tool_when_the_model_asked_for_it(tmp_path: Path) -> None:
    ask = {"role": "assistant", "content": "", "tool_calls": [call(1, "get_weather", {"c": "SF"})]}
    generation = observation(1, "GENERATION", "llm", input="[]", output=json.dumps(ask))
    value = {
        "trace": {"id": "t1"},
        "observations": [
            observation(5, "SPAN", "tools", input="{}", output="{}"),
            observation(3, "SPAN", "get_weather", input='{"c": "SF"}', output="sunny"),
            generation,
        ],
    }
    run = run_of(tmp_path, value)
    assert [(c.tool, c.id, c.result) for c in run.calls] == [("get_weather", "c1", "sunny")]


def test_langsmith_posts_and_patches_are_one_run_and_soft_failures_are_seen(tmp_path: Path) -> None:
    output = {"type": "tool", "content": "SQL Error: no such table: albums",
              "tool_call_id": "c1", "status": "success"}  # fmt: skip
    ids = {"id": "r1", "trace_id": "t1", "dotted_order": "1"}
    rows = lines(
        {"operation": "post", **ids, "name": "sql", "run_type": "tool", "error": None,
         "start_time": "2026-04-12T03:14:01", "inputs": {"input": "{'query': 'SELECT 1'}"}},
        {"operation": "patch", **ids, "end_time": "2026-04-12T03:14:02", "error": None,
         "outputs": {"output": output}},
    )  # fmt: skip
    run = run_of(tmp_path, rows)
    assert tools(run) == [("sql", {"query": "SELECT 1"})]
    assert run.calls[0].failure is not None
    assert run.calls[0].failure.told_by is ToldBy.TEXT
    assert any("taken as UTC" in line for line in run.provenance.lossy)


# Times, effects, failures


@pytest.mark.parametrize(
    "value",
    [
        "2026-04-12T03:14:00Z",
        "2026-04-12T05:14:00+02:00",
        "2026-04-12 03:14:00.000000000",
        1775963640,
        1775963640000,
        1775963640000000,
        "1775963640000000000",
    ],
)
def test_a_time_is_the_same_however_it_is_written(value: Any) -> None:
    time = time_of(value)
    assert time is not None
    assert time.isoformat() == "2026-04-12T03:14:00+00:00"


@pytest.mark.parametrize("value", ["", "soon", True, -5, 10**30, None, [], "2026-13-45T99:99"])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert time_of(value) is None


@pytest.mark.parametrize(
    ("annotations", "effect", "source"),
    [
        ({"readOnlyHint": True}, Effect.READ, EffectSource.HINTS),
        ({"readOnlyHint": False, "destructiveHint": False}, Effect.WRITE, EffectSource.HINTS),
        ({"destructiveHint": True}, Effect.DESTRUCTIVE, EffectSource.HINTS),
        ({"readOnlyHint": False}, Effect.DESTRUCTIVE, EffectSource.HINT_DEFAULTS),
        ({"title": "Charge"}, Effect.WRITE, EffectSource.HINT_DEFAULTS),
        (None, Effect.UNKNOWN, EffectSource.NOBODY),
    ],
)
def test_the_effect_of_a_tool_is_what_its_hints_say(
    annotations: Any, effect: Effect, source: EffectSource, tmp_path: Path
) -> None:
    schema = {"name": "charge", "inputSchema": {"type": "object"}, "annotations": annotations}
    messages = [asked(call(1, "charge", {})), answered(1, "ok")]
    run = run_of(tmp_path, {"tools": [schema], "messages": messages})
    assert (run.calls[0].effect, run.calls[0].effect_source) == (effect, source)
    expected = Treatment.MOCK if effect is Effect.READ else Treatment.FORBID
    assert run.calls[0].replay is expected


def test_the_team_s_word_beats_the_hints_and_patterns_count(tmp_path: Path) -> None:
    schema = {"name": "get_all", "annotations": {"readOnlyHint": True}}
    value = {"tools": [schema], "messages": [asked(call(1, "get_all", {}), call(2, "put", {}))]}
    effects = {"get_*": Effect.DESTRUCTIVE, "put": Effect.READ}
    run = run_of(tmp_path, value, effects=effects)
    assert [c.effect for c in run.calls] == [Effect.DESTRUCTIVE, Effect.READ]
    assert {c.effect_source for c in run.calls} == {EffectSource.SETTINGS}


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ("Error: user not found", "Error"),
        ("ValueError: amount must be positive", "ValueError"),
        ("Traceback (most recent call last):\n  File", "error"),
        ("timeout after 10000 ms", "timeout"),
        ("<tool_use_error>File does not exist.</tool_use_error>", "tool_error"),
        ("Chunk ID: 1\nProcess exited with code 2\nOutput:", "exit 2"),
        ('{"error": {"type": "rate_limit", "message": "slow down"}}', "rate_limit"),
        ('{"output": "x", "metadata": {"exit_code": 1}}', "exit 1"),
        ({"isError": True, "content": [{"type": "text", "text": "no"}]}, "tool_error"),
        ("502 Bad Gateway", "HTTP 502"),
        ("502 from upstream", "HTTP 502"),
        ("HTTP 500: internal", "HTTP 500"),
        ("HTTP/1.1 503 Service Unavailable", "HTTP 503"),
        ("Request failed with status code 502", "error"),
        ("Error: socket hang up", "Error"),
        ("read ECONNRESET", "error"),
        ("unexpected EOF", "error"),
        ("EOF", "error"),
        ('{"statusCode": 500, "message": "Internal server error"}', "HTTP 500"),
        ('{"status": 503, "message": "try later"}', "HTTP 503"),
        ('{"status": "declined", "reason": "card expired"}', "declined"),
        ('{"status": "REJECTED"}', "rejected"),
    ],
)
def test_a_failure_that_only_the_result_tells_is_seen(
    result: Any, kind: str, tmp_path: Path
) -> None:
    (made,) = run_of(tmp_path, [asked(call(1, "t", {})), answered(1, result)]).calls
    assert made.failure is not None
    assert made.failure.type == kind


@pytest.mark.parametrize(
    "result",
    [
        "ok",
        "No errors were found.",
        "Process exited with code 0",
        '{"errors": [], "error": null}',
        "The log says: Error: user not found",
        '[{"error": "a row of a table"}]',
        "Timely reply",
        "500 rows were updated",
        "404 Main Street",
        "HTTP 200 OK",
        "EOF marker written",
        '{"status": 404, "id": 3}',
        '{"status": "active"}',
    ],
)
def test_a_result_that_only_speaks_of_errors_is_no_failure(result: str, tmp_path: Path) -> None:
    (made,) = run_of(tmp_path, [asked(call(1, "t", {})), answered(1, result)]).calls
    assert (made.failure, made.ran) == (None, Ran.YES)


@pytest.mark.parametrize(
    ("result", "ran"),
    [
        ("502 Bad Gateway", Ran.UNKNOWN),
        ("Error: socket hang up", Ran.UNKNOWN),
        ("HTTP 408: Request Timeout", Ran.UNKNOWN),
        ("HTTP 422: amount missing", Ran.NO),
        ('{"status": "declined"}', Ran.NO),
    ],
)
def test_a_refusal_did_not_run_and_a_server_error_may_have(
    result: str, ran: Ran, tmp_path: Path
) -> None:
    (made,) = run_of(tmp_path, [asked(call(1, "t", {})), answered(1, result)]).calls
    assert made.ran is ran


def test_a_declined_payment_that_was_read_is_no_failure(tmp_path: Path) -> None:
    trace = [asked(call(1, "get_payment", {})), answered(1, '{"status": "declined"}')]
    (made,) = run_of(tmp_path, trace, effects={"get_*": Effect.READ}).calls
    assert (made.failure, made.ran) == (None, Ran.YES)


def test_a_replay_begins_at_the_turn_of_the_first_failure_or_where_it_is_told(
    tmp_path: Path,
) -> None:
    rows = [
        {"role": "user", "content": "one"},
        asked(call(1, "look", {})),
        answered(1, "ok"),
        {"role": "user", "content": "two"},
        asked(call(2, "charge", {})),
        answered(2, "Error: declined"),
    ]
    state = run_of(tmp_path, rows).state
    assert (state.freeze_step, state.freeze_reason) == (4, "turn of the first failed call")
    assert run_of(tmp_path, rows, freeze_at=2).state.freeze_step == 2
