"""Traces made by hand, small enough to read: one run in every format, with one slot for a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kb.traces.read_runs import ReadingSettings, read_runs
from kb.traces.run import Run

from agent_traces_made import AGENT_FORMATS


def written(path: Path, value: Any) -> Path:
    """A file with a value as JSON, or with a text as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = value if isinstance(value, str) else json.dumps(value)
    path.write_text(text, encoding="utf-8")
    return path


def runs_in(path: Path, **settings: Any) -> list[Run]:
    return list(read_runs(path, ReadingSettings(**settings)))


def run_of(tmp_path: Path, value: Any, **settings: Any) -> Run:
    """The one run of a trace that is written down first."""
    (run,) = runs_in(written(tmp_path / "trace.json", value), **settings)
    return run


def lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def call(number: int, tool: str, arguments: Any) -> dict[str, Any]:
    """A call as OpenAI writes it."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"c{number}", "type": "function", "function": {"name": tool, "arguments": text}}


def asked(*calls: dict[str, Any], text: str | None = None) -> dict[str, Any]:
    return {"role": "assistant", "content": text, "tool_calls": list(calls)}


def answered(number: int, result: Any) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": f"c{number}", "content": result}


def chat(text: str) -> dict[str, Any]:
    """OpenAI chat messages, with the text in a result and in an unknown field."""
    return {
        "messages": [
            {"role": "system", "content": "You renew plans."},
            {"role": "user", "content": "Renew invoice 7781"},
            asked(call(1, "charge", {"invoice": "7781", "note": text})),
            answered(1, f"done: {text}"),
            {"role": "assistant", "content": "Renewed.", "debug": {"trail": text}},
        ],
        "extra": {"note": text},
    }


def attribute(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"key": key, "value": {"intValue": str(value)}}
    return {"key": key, "value": {"stringValue": value}}


def span(number: int, name: str, start: int, end: int, **attributes: Any) -> dict[str, Any]:
    """An OTLP span below span 1; `__` in a name stands for a dot, times are seconds."""
    return {
        "traceId": "a" * 32,
        "spanId": f"{number:016x}",
        "parentSpanId": f"{1:016x}" if number > 1 else "",
        "name": name,
        "startTimeUnixNano": str(1_776_000_000_000_000_000 + start * 1_000_000_000),
        "endTimeUnixNano": str(1_776_000_000_000_000_000 + end * 1_000_000_000),
        "attributes": [attribute(k.replace("__", "."), v) for k, v in attributes.items()],
        "status": {},
    }


def parts(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def otlp_spans(text: str) -> list[dict[str, Any]]:
    """An agent, an answer that calls a tool, the tool, and a last answer: parents come last."""
    asks = {"type": "tool_call", "id": "c1", "name": "charge", "arguments": {"note": text}}
    brings = {"type": "tool_call_response", "id": "c1", "response": "ok"}
    first = [parts("user", "Renew invoice 7781")]
    history = [
        *first,
        {"role": "assistant", "parts": [asks]},
        {"role": "tool", "parts": [brings]},
    ]
    return [
        span(3, "execute_tool charge", 3, 4, gen_ai__operation__name="execute_tool",
             gen_ai__tool__name="charge", gen_ai__tool__call__id="c1", custom__note=text,
             gen_ai__tool__call__arguments=json.dumps({"note": text}),
             gen_ai__tool__call__result="ok"),
        span(4, "chat m", 5, 6, gen_ai__operation__name="chat",
             gen_ai__input__messages=json.dumps(history), gen_ai__usage__output_tokens=7,
             gen_ai__output__messages=json.dumps([parts("assistant", f"Charged: {text}")])),
        span(2, "chat m", 1, 2, gen_ai__operation__name="chat", gen_ai__request__model="m",
             gen_ai__input__messages=json.dumps(first), gen_ai__usage__output_tokens=5,
             gen_ai__output__messages=json.dumps([{"role": "assistant", "parts": [asks]}])),
        span(1, "invoke_agent a", 0, 7, gen_ai__operation__name="invoke_agent",
             gen_ai__agent__name="billing-agent"),
    ]  # fmt: skip


def otlp(text: str) -> dict[str, Any]:
    resource = {"attributes": [attribute("service.name", "s"), attribute("host.note", text)]}
    scopes = [{"scope": {"name": "sdk"}, "spans": otlp_spans(text)}]
    return {"resourceSpans": [{"resource": resource, "scopeSpans": scopes}]}


def claude_row(kind: str, number: int, content: Any, **more: Any) -> dict[str, Any]:
    """A row of a Claude Code session; rows of one answer share `message_id`."""
    message = {"role": kind, "content": content, **more.pop("message", {})}
    return {
        "type": kind,
        "uuid": f"u{number}",
        "parentUuid": f"u{number - 1}" if number else None,
        "sessionId": "s1",
        "version": "2.1.0",
        "isSidechain": False,
        "timestamp": f"2026-04-12T03:14:{number:02d}Z",
        "message": message,
        **more,
    }


def claude(text: str) -> str:
    answer = {"id": "m1", "model": "m", "usage": {"input_tokens": 5, "output_tokens": 9}}
    uses = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": text}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": f"ran {text}"}
    return lines(
        claude_row("user", 0, "Renew invoice 7781"),
        claude_row("assistant", 1, [{"type": "text", "text": text}], message=answer),
        claude_row("assistant", 2, [uses], message=answer),
        claude_row("user", 3, [result], toolUseResult={"stdout": text, "note": text}),
    )


def codex_row(kind: str, second: int, **payload: Any) -> dict[str, Any]:
    return {"timestamp": f"2026-04-12T03:14:{second:02d}Z", "type": kind, "payload": payload}


def codex(text: str) -> str:
    said = [{"type": "output_text", "text": text}]
    return lines(
        codex_row("session_meta", 0, id="s1", cli_version="1", cwd=f"/srv/{text}"),
        codex_row("response_item", 1, type="message", role="user",
                  content=[{"type": "input_text", "text": "Renew invoice 7781"}]),
        codex_row("response_item", 2, type="message", role="assistant", content=said),
        codex_row("event_msg", 2, type="agent_message", message=text),
        codex_row("response_item", 3, type="function_call", name="exec", call_id="c1",
                  arguments=json.dumps({"cmd": text})),
        codex_row("event_msg", 4, type="exec_command_end", call_id="c1", exit_code=3,
                  aggregated_output=text),
        codex_row("response_item", 5, type="function_call_output", call_id="c1", output=text),
    )  # fmt: skip


def observation(number: int, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"o{number}",
        "traceId": "t1",
        "type": kind,
        "name": name,
        "startTime": f"2026-04-12T03:14:{number:02d}Z",
        "endTime": f"2026-04-12T03:14:{number + 1:02d}Z",
        "parentObservationId": None,
        **more,
    }


def langfuse(text: str) -> dict[str, Any]:
    said = json.dumps({"role": "assistant", "content": text})
    heard = json.dumps([{"role": "user", "content": "Go"}])
    return {
        "trace": {"id": "t1", "name": "renewal", "metadata": {"note": text}},
        "observations": [
            observation(4, "TOOL", "charge", input=json.dumps({"note": text}), output=text),
            observation(1, "GENERATION", "llm", input=heard, output=said, model="m",
                        usageDetails={"input": 3, "output": 4}),
        ],
    }  # fmt: skip


def langsmith(text: str) -> str:
    ids = {"trace_id": "t1"}
    output = {"type": "tool", "content": text, "tool_call_id": "c1", "status": "success"}
    return lines(
        {"operation": "post", "id": "r1", "name": "charge", "run_type": "tool", **ids,
         "start_time": "2026-04-12T03:14:01", "dotted_order": "1",
         "inputs": {"input": str({"note": text})}},
        {"operation": "patch", "id": "r1", **ids, "end_time": "2026-04-12T03:14:02",
         "dotted_order": "1", "outputs": {"output": output}, "note": text},
    )  # fmt: skip


def openai_agents(text: str) -> str:
    times = {"started_at": "2026-04-12T03:14:01Z", "ended_at": "2026-04-12T03:14:02Z"}
    data = {"type": "function", "name": "charge", "input": json.dumps({"note": text})}
    return lines(
        {"object": "trace", "id": "t1", "workflow_name": "renewal", "metadata": {"note": text}},
        {"object": "trace.span", "id": "s1", "trace_id": "t1", **times, "error": None,
         "span_data": {**data, "output": text}},
    )  # fmt: skip


#: Format to a trace in it with a text in words, arguments, results and unknown fields.
FORMATS: dict[str, Callable[[str], Any]] = {
    "messages": chat,
    "otlp": otlp,
    "claude-code": claude,
    "codex": codex,
    "langfuse": langfuse,
    "langsmith": langsmith,
    "openai-agents": openai_agents,
    **AGENT_FORMATS,
}
