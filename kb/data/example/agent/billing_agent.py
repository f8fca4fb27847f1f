"""The agent of the worked example that charged twice: as it ran, and as it was mended.

A rule stands in for the language model, so that every run is the same and nothing leaves the
machine. It does what the real one did: it follows its instructions to the letter. The two variants
differ in the instructions only, as the fix of the record did (action A3).
"""

from __future__ import annotations

import json
from typing import Any

from kb.traces.replay import Frozen, Tools, openai_loop

INSTRUCTIONS = (
    "You renew annual plans. Charge the invoice, send the receipt, then report. "
    "Retry failed tools up to three times."
)
MENDED_INSTRUCTIONS = (
    "You renew annual plans. Charge the invoice, send the receipt, then report. "
    "A timeout leaves the outcome open: after one, read the ledger before you charge again."
)

Message = dict[str, Any]


def as_it_ran(state: Frozen, tools: Tools) -> str:
    """What the agent says in the end, with the instructions of the incident."""
    return openai_loop(state, tools, decide, instructions=INSTRUCTIONS)


def mended(state: Frozen, tools: Tools) -> str:
    """What the agent says in the end, with the instructions of the fix."""
    return openai_loop(state, tools, decide, instructions=MENDED_INSTRUCTIONS)


def decide(messages: list[Message]) -> Message:
    """The model's next message, in the shape of the OpenAI chat API."""
    invoice = _invoice(messages)
    done = [message for message in messages if message["role"] == "tool"]
    if not done:
        return _call("get_invoice", {"invoice": invoice}, number=1)
    last_tool, last_result = _tool_of(messages, done[-1]), str(done[-1]["content"])
    if "timeout" in last_result:
        return _after_timeout(messages, last_tool, len(done) + 1)
    return _next(messages, last_tool, len(done) + 1)


def _after_timeout(messages: list[Message], tool: str, number: int) -> Message:
    if "read the ledger" in str(messages[0]["content"]):
        return _call("read_ledger", {"invoice": _invoice(messages)}, number)
    return _call(tool, _arguments_of(messages, tool), number)


def _next(messages: list[Message], last_tool: str, number: int) -> Message:
    """The next step of a renewal, given the step that was answered last."""
    invoice, amount = _invoice(messages), _amount(messages)
    if last_tool == "get_invoice":
        return _call("charge", {"invoice": invoice, "amount_usd": amount}, number)
    if last_tool == "read_ledger" and "[]" in str(messages[-1]["content"]):
        return _call("charge", {"invoice": invoice, "amount_usd": amount}, number)
    if last_tool in {"charge", "read_ledger"}:
        return _call("send_receipt", {"invoice": invoice, "amount_usd": amount}, number)
    text = f"Renewal complete: charged {amount} USD for invoice {invoice}. Receipt sent."
    return {"role": "assistant", "content": text}


def _call(tool: str, arguments: dict[str, Any], number: int) -> Message:
    function = {"name": tool, "arguments": json.dumps(arguments)}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": "", "tool_calls": [call]}


def _calls(messages: list[Message]) -> list[dict[str, Any]]:
    return [call for message in messages for call in message.get("tool_calls") or []]


def _tool_of(messages: list[Message], answer: Message) -> str:
    named = (c for c in _calls(messages) if c["id"] == answer["tool_call_id"])
    return str(next(named)["function"]["name"])


def _arguments_of(messages: list[Message], tool: str) -> dict[str, Any]:
    named = (c for c in reversed(_calls(messages)) if c["function"]["name"] == tool)
    arguments: dict[str, Any] = json.loads(next(named)["function"]["arguments"])
    return arguments


def _invoice(messages: list[Message]) -> str:
    task = next(str(m["content"]) for m in messages if m["role"] == "user")
    return task.rsplit(" ", 1)[-1].strip(".")


def _amount(messages: list[Message]) -> int:
    invoice = next(str(m["content"]) for m in messages if m["role"] == "tool")
    return int(json.loads(invoice)["amount_usd"])
