"""Traces of agents made by hand after what their makers document: one call, one slot for a text."""

from __future__ import annotations

import json
from typing import Any

ASKED = "Renew invoice 7781"


def _lines(*rows: Any) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def _at(second: int) -> str:
    return f"2026-04-12T03:14:{second:02d}Z"


def copilot_row(kind: str, second: int, **data: Any) -> dict[str, Any]:
    """An event of the Copilot CLI: a type, data, an id and a time."""
    return {"type": kind, "data": data, "id": f"e{second}", "timestamp": _at(second)}


def copilot_cli(text: str) -> str:
    request = {"toolCallId": "c1", "name": "charge", "arguments": {"note": text}}
    return _lines(
        copilot_row("session.start", 0, sessionId="s1", copilotVersion="1.0.65",
                    selectedModel="m", context={"cwd": f"/srv/{text}"}),
        copilot_row("user.message", 1, content=ASKED),
        copilot_row("assistant.message", 2, messageId="m1", content=text, model="m",
                    outputTokens=7, toolRequests=[request]),
        copilot_row("tool.execution_start", 3, toolCallId="c1", toolName="charge",
                    arguments={"note": text}),
        copilot_row("tool.execution_complete", 5, toolCallId="c1", success=True,
                    result={"content": f"done {text}"}),
    )  # fmt: skip


def vscode_request(text: str) -> dict[str, Any]:
    """A request of a chat in VS Code: one round that calls, one that tells."""
    calls = [{"id": "c1", "name": "charge", "arguments": json.dumps({"note": text})}]
    rounds = [
        {"response": "", "toolCalls": calls, "timestamp": 1_776_000_001_000, "modelId": "m"},
        {"response": f"Renewed: {text}", "toolCalls": [], "timestamp": 1_776_000_005_000},
    ]
    results = {"c1": {"content": [{"value": f"done {text}"}]}}
    metadata = {"toolCallRounds": rounds, "toolCallResults": results, "resolvedModel": "m"}
    return {
        "requestId": "r1",
        "timestamp": 1_776_000_000_000,
        "message": {"text": ASKED, "parts": []},
        "response": [{"value": f"Renewed: {text}"}],
        "result": {"metadata": {**metadata, "promptTokens": 9, "outputTokens": 4}},
    }


def vscode_chat(text: str) -> str:
    empty = {"version": 3, "sessionId": "s1", "requests": [], "responderUsername": "Copilot"}
    request = vscode_request(text)
    told = request.pop("result")
    return _lines(
        {"kind": 0, "v": empty},
        {"kind": 1, "k": ["customTitle"], "v": text},
        {"kind": 2, "k": ["requests"], "v": [request]},
        {"kind": 1, "k": ["requests", 0, "result"], "v": told},
    )


def gemini_call(text: str, status: str = "success") -> dict[str, Any]:
    """A call of the Gemini CLI with what came back."""
    word = "error" if status == "error" else "output"
    response = {"id": "c1", "name": "charge", "response": {word: f"done {text}"}}
    call = {"id": "c1", "name": "charge", "args": {"note": text}, "status": status}
    return {**call, "timestamp": _at(4), "result": [{"functionResponse": response}]}


def gemini_cli(text: str) -> str:
    tokens = {"input": 9, "output": 4, "cached": 2, "total": 13}
    return _lines(
        {"sessionId": "s1", "projectHash": "h", "startTime": _at(0), "kind": "main"},
        {"id": "m1", "timestamp": _at(1), "type": "user", "content": [{"text": ASKED}]},
        {"id": "m2", "timestamp": _at(2), "type": "gemini", "content": text, "model": "m",
         "tokens": tokens, "thoughts": [{"subject": "Plan", "description": text}],
         "toolCalls": [gemini_call(text)]},
    )  # fmt: skip


def gemini_stream(text: str) -> str:
    """What the Gemini CLI prints with `--output-format stream-json`."""
    call = {"tool_name": "charge", "tool_id": "c1", "parameters": {"note": text}}
    words = {"type": "message", "role": "assistant", "delta": True}
    return _lines(
        {"type": "init", "timestamp": _at(0), "session_id": "s1", "model": "m"},
        {"type": "message", "timestamp": _at(1), "role": "user", "content": ASKED},
        {**words, "timestamp": _at(2), "content": text},
        {**words, "timestamp": _at(2), "content": ", then"},
        {"type": "tool_use", "timestamp": _at(3), **call},
        {"type": "tool_result", "timestamp": _at(4), "tool_id": "c1", "status": "success",
         "output": f"done {text}"},
        {"type": "result", "timestamp": _at(5), "status": "success", "stats": {"tool_calls": 1}},
    )  # fmt: skip


def cursor(text: str) -> str:
    uses = {"type": "tool_use", "name": "charge", "input": {"note": text}}
    query = {"type": "text", "text": f"<user_query>\n{ASKED}\n</user_query>"}
    return _lines(
        {"role": "user", "message": {"content": [query]}},
        {"role": "assistant", "message": {"content": [{"type": "text", "text": text}, uses]}},
        {"role": "assistant", "message": {"content": [{"type": "text", "text": "Renewed."}]}},
    )


def opencode_messages(text: str, status: str = "completed") -> list[dict[str, Any]]:
    """The messages of a session of OpenCode: one that asks, one that calls and tells."""
    times = {"start": 1_776_000_002_000, "end": 1_776_000_004_000}
    state = {"status": status, "input": {"note": text}, "time": times}
    state |= {"output": f"done {text}"} if status == "completed" else {"error": f"no {text}"}
    tool = {"id": "p3", "type": "tool", "tool": "charge", "callID": "c1", "state": state}
    head = {"id": "m2", "role": "assistant", "modelID": "m", "providerID": "x", "cost": 0.5}
    head |= {"tokens": {"input": 9, "output": 4, "cache": {"read": 2}}}
    return [
        {"info": {"id": "m1", "role": "user", "time": {"created": 1_776_000_000_000}},
         "parts": [{"id": "p1", "type": "text", "text": ASKED}]},
        {"info": {**head, "time": {"created": 1_776_000_001_000}},
         "parts": [{"id": "p2", "type": "text", "text": text}, tool]},
    ]  # fmt: skip


def opencode(text: str) -> str:
    def event(kind: str, **data: Any) -> dict[str, Any]:
        return {"type": kind, "data": {"sessionID": "s1", **data}}

    rows = [event("session.created.1", info={"id": "s1", "version": "1.17", "title": text})]
    for message in opencode_messages(text):
        told = {"sessionID": "s1", "messageID": message["info"]["id"]}
        rows.append(event("message.updated.1", info=message["info"]))
        rows += [event("message.part.updated.1", part=told | p) for p in message["parts"]]
    return _lines(*rows)


def openhands_row(number: int, **more: Any) -> dict[str, Any]:
    """An event of OpenHands before its SDK: an action, or an observation."""
    return {"id": number, "timestamp": _at(number)[:-1], "source": "agent", **more}


def openhands(text: str) -> str:
    told = {"function_name": "charge", "tool_call_id": "c1", "model_response": {"model": "m"}}
    arguments = {"note": text, "thought": text}
    return _lines(
        openhands_row(0, action="message", args={"content": ASKED}) | {"source": "user"},
        openhands_row(1, action="run", args=arguments, tool_call_metadata=told),
        openhands_row(3, observation="run", cause=1, content=f"done {text}",
                      extras={"metadata": {"exit_code": 0}}, tool_call_metadata=told),
    )  # fmt: skip


def goose_row(number: int, role: str, *blocks: Any) -> dict[str, Any]:
    """A row of Goose's table of messages."""
    row = {"id": number, "session_id": "s1", "role": role, "content_json": json.dumps(blocks)}
    return {**row, "created_timestamp": 1_776_000_000 + number}


def goose(text: str) -> str:
    call = {"status": "success", "value": {"name": "charge", "arguments": {"note": text}}}
    back = {"content": [{"type": "text", "text": f"done {text}"}], "isError": False}
    result = {"status": "success", "value": back}
    return _lines(
        goose_row(0, "user", {"type": "text", "text": ASKED}),
        goose_row(1, "assistant", {"type": "text", "text": text},
                  {"type": "toolRequest", "id": "c1", "toolCall": call}),
        goose_row(3, "user", {"type": "toolResponse", "id": "c1", "toolResult": result}),
    )  # fmt: skip


def pi_row(kind: str, number: int, **more: Any) -> dict[str, Any]:
    """An entry of a session of pi."""
    above = f"e{number - 1}" if number else None
    return {"type": kind, "id": f"e{number}", "parentId": above, "timestamp": _at(number), **more}


def pi(text: str) -> str:
    call = {"type": "toolCall", "id": "c1", "name": "charge", "arguments": {"note": text}}
    usage = {"input": 9, "output": 4, "cacheRead": 2, "cacheWrite": 1, "cost": {"total": 0.5}}
    answer = {"role": "assistant", "model": "m", "usage": usage, "stopReason": "toolUse"}
    back = {"role": "toolResult", "toolCallId": "c1", "toolName": "charge", "isError": False}
    return _lines(
        {"type": "session", "version": 3, "id": "s1", "timestamp": _at(0), "cwd": f"/{text}"},
        pi_row("message", 0, message={"role": "user", "content": ASKED}),
        pi_row("message", 1, message={**answer, "content": [{"type": "text", "text": text}, call]}),
        pi_row("message", 3, message={**back, "content": [{"type": "text", "text": text}]}),
    )


def inspect_sample(text: str) -> dict[str, Any]:
    """A sample of a log of Inspect: its messages, and the events that repeat them."""
    call = {"id": "c1", "function": "charge", "arguments": {"note": text}}
    asks = {"role": "assistant", "content": text, "tool_calls": [call], "model": "m"}
    tool = {"event": "tool", "id": "c1", "function": "charge", "timestamp": _at(3)}
    usage = {"input_tokens": 9, "output_tokens": 4}
    output = {"choices": [{"message": asks}], "usage": usage}
    return {
        "id": 7,
        "epoch": 1,
        "input": ASKED,
        "target": "",
        "messages": [
            {"role": "user", "content": "attachment://a1"},
            asks,
            {"role": "tool", "tool_call_id": "c1", "function": "charge", "content": text},
        ],
        "attachments": {"a1": ASKED},
        "events": [
            {"event": "model", "model": "x/m", "timestamp": _at(1), "completed": _at(2),
             "tools": [{"name": "charge", "parameters": {"type": "object"}}], "output": output},
            {**tool, "completed": _at(5)},
        ],
    }  # fmt: skip


def inspect(text: str) -> dict[str, Any]:
    return inspect_sample(text)


def atif(text: str) -> dict[str, Any]:
    call = {"tool_call_id": "c1", "function_name": "charge", "arguments": {"note": text}}
    results = [{"source_call_id": "c1", "content": f"done {text}"}]
    metrics = {"prompt_tokens": 9, "completion_tokens": 4, "cost_usd": 0.5}
    return {
        "schema_version": "ATIF-v1.5",
        "session_id": "s1",
        "agent": {"name": "a", "version": "1", "model_name": "m"},
        "steps": [
            {"step_id": 1, "source": "user", "message": ASKED, "timestamp": _at(0)},
            {"step_id": 2, "source": "agent", "message": text, "timestamp": _at(1),
             "tool_calls": [call], "observation": {"results": results}, "metrics": metrics},
        ],
    }  # fmt: skip


def cline(text: str) -> str:
    """Messages that were shown, one a line as the CLI prints them."""
    tool = json.dumps({"tool": "newFileCreated", "path": text, "content": text})
    request = json.dumps({"tokensIn": 9, "tokensOut": 4, "cost": 0.5})
    rows = [("task", ASKED), ("api_req_started", request), ("text", text), ("tool", tool)]
    return _lines(
        *(
            {"ts": 1_776_000_000_000 + n * 1000, "type": "say", "say": kind, "text": words}
            for n, (kind, words) in enumerate(rows)
        )
    )


def crewai_row(kind: str, second: int, **more: Any) -> dict[str, Any]:
    """An event of CrewAI's bus."""
    return {"type": kind, "timestamp": _at(second), "source_fingerprint": "f", **more}


def crewai(text: str) -> str:
    told = {"agent_role": "Clerk", "tool_name": "charge"}
    asked = [{"role": "user", "content": ASKED}]
    return _lines(
        crewai_row("crew_kickoff_started", 0, crew_name=text),
        crewai_row("llm_call_started", 1, agent_role="Clerk", messages=asked, model="m"),
        crewai_row("llm_call_completed", 2, agent_role="Clerk", response=text, model="m"),
        crewai_row("tool_usage_started", 3, **told, tool_args=json.dumps({"note": text})),
        crewai_row("tool_usage_finished", 5, **told, tool_args={"note": text}, output=text),
    )


def smolagents_step(text: str) -> dict[str, Any]:
    """A step of smolagents that acts."""
    return {
        "step_number": 1,
        "timing": {"start_time": 1_776_000_001.0, "end_time": 1_776_000_003.0},
        "tool_calls": [{"id": "c1", "name": "charge", "arguments": {"note": text}}],
        "model_output": text,
        "model_input_messages": [{"role": "system", "content": f"Be kind, {text}"}],
        "observations": f"done {text}",
        "action_output": None,
        "error": None,
        "token_usage": {"input_tokens": 9, "output_tokens": 4},
    }


def smolagents(text: str) -> str:
    return _lines({"task": ASKED, "task_images": None}, smolagents_step(text))


def swe_agent(text: str) -> dict[str, Any]:
    """A trajectory of SWE-agent 1.x: one command, after what the agent was told."""
    told = {"response": text, "state": {"working_dir": "/repo"}, "execution_time": 0.5}
    step = {"action": f"charge --note '{text}'", "observation": f"done {text}", "thought": text}
    demo = {"role": "user", "content": "Here is a demonstration.", "is_demo": True}
    return {
        "environment": "repo",
        "trajectory": [step | told],
        "history": [{"role": "system", "content": "Be kind."}, demo,
                    {"role": "user", "content": ASKED}],
        "info": {"exit_status": "submitted", "submission": text},
    }  # fmt: skip


def mini_swe_agent(text: str) -> dict[str, Any]:
    """A trajectory of mini-swe-agent 1.x: a command in a fence."""
    asks = f"THOUGHT: {text}\n\n```bash\ncharge --note '{text}'\n```"
    output = f"<returncode>0</returncode>\n<output>\ndone {text}\n</output>"
    return {
        "info": {"exit_status": "Submitted", "submission": text, "mini_version": "1.14.0"},
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": ASKED},
            {"role": "assistant", "content": asks},
            {"role": "user", "content": output},
        ],
    }


def tau2_bench(text: str) -> dict[str, Any]:
    """Results of tau2-bench: one simulation, whose result bears the id of its call."""
    told = {"requestor": "assistant", "error": False, "timestamp": _at(3)}
    call = {"id": "c1", "name": "charge", "arguments": {"note": text}, "requestor": "assistant"}
    messages = [
        {"role": "user", "content": ASKED, "turn_idx": 0, "timestamp": _at(0)},
        {"role": "assistant", "content": text, "tool_calls": [call], "timestamp": _at(1)},
        {"role": "tool", "id": "c1", "content": f"done {text}", **told},
    ]
    ended = {"task_id": "7", "trial": 1, "termination_reason": "user_stop"}
    simulation = {
        "id": "r1",
        "seed": 300,
        **ended,
        "reward_info": {"reward": 0.0},
        "messages": messages,
    }
    about = {
        "environment_info": {"domain_name": "retail", "policy": "Be kind."},
        "agent_info": {"implementation": "llm_agent", "llm": "m", "llm_args": {"temperature": 0.0}},
    }
    return {"timestamp": _at(0), "info": about, "tasks": [], "simulations": [simulation]}


def pydantic_ai(text: str) -> str:
    call = {"part_kind": "tool-call", "tool_name": "charge", "tool_call_id": "c1"}
    back = {"part_kind": "tool-return", "tool_name": "charge", "tool_call_id": "c1"}
    asked = [
        {"part_kind": "system-prompt", "content": "Be kind."},
        {"part_kind": "user-prompt", "content": ASKED, "timestamp": _at(0)},
    ]
    said = [{"part_kind": "text", "content": text}, {**call, "args": json.dumps({"note": text})}]
    usage = {"input_tokens": 9, "output_tokens": 4}
    return _lines(
        {"kind": "request", "parts": asked},
        {"kind": "response", "parts": said, "model_name": "m", "usage": usage,
         "timestamp": _at(1)},
        {"kind": "request", "parts": [{**back, "content": f"done {text}", "timestamp": _at(3)}]},
    )  # fmt: skip


def model_stream(text: str) -> str:
    item = {"type": "function_call", "call_id": "c1", "name": "charge",
            "arguments": json.dumps({"note": text})}  # fmt: skip
    words = {"type": "message", "role": "assistant",
             "content": [{"type": "output_text", "text": text}]}  # fmt: skip
    whole = {"id": "r1", "object": "response", "model": "m", "instructions": f"Be kind, {text}",
             "usage": {"input_tokens": 9, "output_tokens": 4}}  # fmt: skip
    events: list[dict[str, Any]] = [
        {"type": "response.created", "sequence_number": 0, "response": {**whole, "output": []}},
        {"type": "response.output_item.done", "item_id": "i1", "item": item},
        {"type": "response.completed", "response": {**whole, "output": [words, item]}},
    ]
    return "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)


def mlflow_span(number: int, name: str, kind: str, given: Any, gave: Any) -> dict[str, Any]:
    """A span of MLflow; values of attributes are JSON texts."""
    start = 1_776_000_000_000_000_000 + number * 1_000_000_000
    told = {"mlflow.spanType": kind, "mlflow.spanInputs": given, "mlflow.spanOutputs": gave}
    if kind == "CHAT_MODEL":
        told["mlflow.chat.tokenUsage"] = {"input_tokens": 9, "output_tokens": 4}
    return {
        "span_id": f"s{number}",
        "parent_span_id": None,
        "name": name,
        "start_time_unix_nano": str(start),
        "end_time_unix_nano": str(start + 2_000_000_000),
        "status": {"code": "STATUS_CODE_OK", "message": ""},
        "attributes": {key: json.dumps(value) for key, value in told.items()},
        "events": [],
    }


def mlflow(text: str) -> dict[str, Any]:
    function = {"name": "charge", "arguments": json.dumps({"note": text})}
    call = {"id": "c1", "type": "function", "function": function}
    message = {"role": "assistant", "content": text, "tool_calls": [call]}
    asked = {"model": "m", "messages": [{"role": "user", "content": ASKED}]}
    spans = [
        mlflow_span(3, "charge", "TOOL", {"note": text}, f"done {text}"),
        mlflow_span(1, "chat", "CHAT_MODEL", asked, {"choices": [{"message": message}]}),
    ]
    return {"info": {"trace_id": "tr-1", "tags": {"note": text}}, "data": {"spans": spans}}


AGENT_FORMATS = {
    "copilot-cli": copilot_cli,
    "vscode-chat": vscode_chat,
    "gemini-cli": gemini_cli,
    "gemini-stream": gemini_stream,
    "cursor": cursor,
    "opencode": opencode,
    "openhands": openhands,
    "goose": goose,
    "pi": pi,
    "inspect": inspect,
    "atif": atif,
    "cline": cline,
    "crewai": crewai,
    "smolagents": smolagents,
    "swe-agent": swe_agent,
    "mini-swe-agent": mini_swe_agent,
    "tau2-bench": tau2_bench,
    "pydantic-ai": pydantic_ai,
    "model-stream": model_stream,
    "mlflow": mlflow,
}
