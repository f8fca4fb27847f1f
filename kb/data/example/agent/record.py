"""Runs the agent of the worked example against a small payments world, and writes its traces.

    python record.py     writes trace.json (invoice 7781), passing.json (invoice 7780), and the
                         fixture of the record beside this folder

The payments API commits a charge after 12 seconds when it is busy; its client gives up after 10.
Time is counted, not waited for. The traces are OTLP/JSON with the `gen_ai` conventions.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from billing_agent import INSTRUCTIONS, decide  # type: ignore[import-not-found]
from msgspec.structs import replace

from kb.traces.fixture import write_fixture
from kb.traces.read_runs import read_runs
from kb.traces.replay.freeze_point import prepared
from kb.traces.replay.overrides import read_known, with_known

START = datetime(2026, 4, 12, 3, 13, 57, tzinfo=UTC)
CLIENT_PATIENCE_SECONDS = 10
BUSY_COMMIT_SECONDS = 12
RETRY_WAIT_SECONDS = 10
_NANO = 1_000_000_000


class World:
    """Invoices, a ledger, a mail log, and a clock in seconds since the start."""

    def __init__(self, *, busy: bool) -> None:
        self.seconds = 0.0
        self.busy = busy
        self.ledger: list[tuple[float, str, int]] = []
        self.mails: list[str] = []

    def call(self, tool: str, arguments: dict[str, Any]) -> tuple[str, str]:
        """The result of a call as the agent gets it, and the type of its error."""
        if tool == "charge":
            return self._charge(str(arguments["invoice"]), int(arguments["amount_usd"]))
        self.seconds += 1
        if tool == "get_invoice":
            invoice = {"invoice": arguments["invoice"], "amount_usd": 120, "plan": "annual"}
            return json.dumps(invoice), ""
        if tool == "read_ledger":
            return json.dumps(self.entries(str(arguments["invoice"]))), ""
        self.mails.append(str(arguments["invoice"]))
        return "sent", ""

    def entries(self, invoice: str) -> list[dict[str, Any]]:
        """The charges the ledger holds for an invoice."""
        return [
            {"invoice": name, "amount_usd": amount, "state": "committed"}
            for at, name, amount in self.ledger
            if name == invoice
        ]

    def _charge(self, invoice: str, amount: int) -> tuple[str, str]:
        if self.busy:
            self.ledger.append((self.seconds + BUSY_COMMIT_SECONDS, invoice, amount))
            self.seconds += CLIENT_PATIENCE_SECONDS
            self.busy = False
            return f"timeout after {CLIENT_PATIENCE_SECONDS * 1000} ms", "timeout"
        self.seconds += 1
        self.ledger.append((self.seconds, invoice, amount))
        return json.dumps({"charged": amount, "invoice": invoice}), ""


class Recorder:
    """The spans of one run."""

    def __init__(self, trace_id: str) -> None:
        self.trace_id = trace_id
        self.spans: list[dict[str, Any]] = []

    def span(self, name: str, start: float, end: float, **attributes: Any) -> dict[str, Any]:
        """A span that ran between two times, in seconds since the start."""
        span = {
            "traceId": self.trace_id,
            "spanId": f"{len(self.spans) + 1:016x}",
            "parentSpanId": "" if not self.spans else f"{1:016x}",
            "name": name,
            "kind": 1,
            "startTimeUnixNano": _nanoseconds(start),
            "endTimeUnixNano": _nanoseconds(end),
            "attributes": [
                {"key": key.replace("__", "."), "value": _value(value)}
                for key, value in attributes.items()
            ],
            "status": {},
        }
        self.spans.append(span)
        return span

    def otlp(self) -> dict[str, Any]:
        """The trace as an OTLP/JSON export."""
        resource = {"attributes": [{"key": "service.name", "value": _value("billing-agent")}]}
        scope = {"name": "billing-agent", "version": "2026.04.1"}
        scope_spans = [{"scope": scope, "spans": self.spans}]
        return {"resourceSpans": [{"resource": resource, "scopeSpans": scope_spans}]}


def record(invoice: str, trace_id: str, *, busy: bool) -> tuple[dict[str, Any], World]:
    """The trace of one renewal with the instructions of the incident, and the world after it."""
    world, recorder = World(busy=busy), Recorder(trace_id)
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": INSTRUCTIONS},
        {"role": "user", "content": f"Renew the annual plan of invoice {invoice}"},
    ]
    root = recorder.span(
        "invoke_agent billing-agent",
        0,
        0,
        gen_ai__operation__name="invoke_agent",
        gen_ai__agent__name="billing-agent",
        gen_ai__agent__version="2026.04.1",
    )
    while True:
        answer = _think(messages, world, recorder)
        messages.append(answer)
        if not answer.get("tool_calls"):
            root["endTimeUnixNano"] = _nanoseconds(world.seconds)
            return recorder.otlp(), world
        for call in answer["tool_calls"]:
            messages.append(_act(call, world, recorder))


def _think(messages: list[dict[str, Any]], world: World, recorder: Recorder) -> dict[str, Any]:
    if "timeout" in str(messages[-1]["content"]):
        world.seconds += RETRY_WAIT_SECONDS - 2
    answer: dict[str, Any] = decide(messages)
    start = world.seconds
    world.seconds += 2
    recorder.span(
        "chat gpt-4o",
        start,
        world.seconds,
        gen_ai__operation__name="chat",
        gen_ai__provider__name="openai",
        gen_ai__request__model="gpt-4o",
        gen_ai__response__model="gpt-4o-2024-11-20",
        gen_ai__prompt__name="billing-system",
        gen_ai__prompt__version="2026.04.1",
        gen_ai__request__temperature=0.0,
        gen_ai__request__seed=7,
        gen_ai__usage__input_tokens=180 + 40 * len(messages),
        gen_ai__usage__output_tokens=24,
        gen_ai__system_instructions=json.dumps([{"type": "text", "content": INSTRUCTIONS}]),
        gen_ai__tool__definitions=json.dumps(TOOLS),
        gen_ai__input__messages=json.dumps([_parts(m) for m in messages[1:]]),
        gen_ai__output__messages=json.dumps([_parts(answer)]),
    )
    return answer


def _act(call: dict[str, Any], world: World, recorder: Recorder) -> dict[str, Any]:
    function, start = call["function"], world.seconds
    result, error = world.call(function["name"], json.loads(function["arguments"]))
    span = recorder.span(
        f"execute_tool {function['name']}",
        start,
        world.seconds,
        gen_ai__operation__name="execute_tool",
        gen_ai__tool__name=function["name"],
        gen_ai__tool__call__id=call["id"],
        gen_ai__tool__call__arguments=function["arguments"],
        gen_ai__tool__call__result=result,
        **({"error__type": error} if error else {}),
    )
    if error:
        span["status"] = {"code": 2, "message": result}
    return {"role": "tool", "tool_call_id": call["id"], "content": result}


def _parts(message: dict[str, Any]) -> dict[str, Any]:
    """A message in the parts of the `gen_ai` conventions."""
    if message["role"] == "tool":
        part = {"type": "tool_call_response", "id": message["tool_call_id"]}
        return {"role": "tool", "parts": [part | {"response": message["content"]}]}
    parts: list[dict[str, Any]] = []
    if message["content"]:
        parts.append({"type": "text", "content": message["content"]})
    for call in message.get("tool_calls") or []:
        function = call["function"]
        arguments = json.loads(function["arguments"])
        part = {"type": "tool_call", "id": call["id"], "name": function["name"]}
        parts.append(part | {"arguments": arguments})
    finish = "tool_call" if message.get("tool_calls") else "stop"
    ends = {"finish_reason": finish} if message["role"] == "assistant" else {}
    return {"role": message["role"], "parts": parts} | ends


def _tool(name: str, description: str, *, reads: bool, **properties: str) -> dict[str, Any]:
    parameters = {
        "type": "object",
        "properties": {key: {"type": kind} for key, kind in properties.items()},
        "required": sorted(properties),
        "additionalProperties": False,
    }
    return {
        "type": "function",
        "name": name,
        "description": description,
        "parameters": parameters,
        "annotations": {"readOnlyHint": reads, "destructiveHint": False},
    }


TOOLS = [
    _tool("get_invoice", "Look an invoice up.", reads=True, invoice="string"),
    _tool("charge", "Charge an invoice.", reads=False, invoice="string", amount_usd="integer"),
    _tool("read_ledger", "List the charges of an invoice.", reads=True, invoice="string"),
    _tool("send_receipt", "Mail the receipt.", reads=False, invoice="string", amount_usd="integer"),
]


def _nanoseconds(seconds: float) -> str:
    return str(int(START.timestamp()) * _NANO + int(seconds * _NANO))


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def write_fixture_of(folder: Path, fixture: Path) -> None:
    """Freeze the trace of the incident, with what people knew afterwards."""
    run = prepared(next(iter(read_runs(folder / "trace.json"))))
    known = read_known(folder / "known.toml")
    # The audit proposes an assert in its own words; the one people wrote says the same, better.
    run = with_known(replace(run, asserts=()), known)
    write_fixture(run, fixture, overwrite=True)


def write_traces(folder: Path) -> None:
    """Write the trace of the incident and the one of a renewal that went well."""
    failing, _ = record("7781", "4bf92f3577b34da6a3ce929d0e0e4736", busy=True)
    passing, _ = record("7780", "4bf92f3577b34da6a3ce929d0e0e4735", busy=False)
    for name, trace in (("trace.json", failing), ("passing.json", passing)):
        text = json.dumps(trace, indent=1) + "\n"
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    write_traces(here)
    write_fixture_of(here, here.parent / "2026-04-12-billing-agent-charged-twice" / "fixture.json")
