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


AGENT_FORMATS = {
    "copilot-cli": copilot_cli,
    "vscode-chat": vscode_chat,
    "gemini-cli": gemini_cli,
}
