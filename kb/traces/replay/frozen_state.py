"""What an agent is given in a replay: the frozen state, and tools that only look real."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from kb.traces.run import Message, Run, Step, ToolCall


@dataclass(frozen=True)
class Frozen:
    """Everything before the failing turn.

    `run.steps` ends where the replay begins; prompt, model, sampling and tool schemas stand in
    `run.state`. `trial` counts from 1: agents that draw lots can seed themselves with it.
    """

    run: Run
    trial: int = 1

    @property
    def steps(self) -> tuple[Step, ...]:
        """What had happened before."""
        return self.run.steps


class Tools(Protocol):
    """The tools of a replay. Nothing behind them changes the world."""

    def call(self, name: str, arguments: Any) -> str:
        """The answer of a tool as the agent reads it: an error and a refusal are words, too.

        A read that the tape does not hold ends the trial: `call` does not come back.
        """

    def now(self) -> datetime:
        """The time on the tape; every answer moves it on by what the call took then."""

    def say(self, text: str) -> None:
        """Note what the agent says on its way: asserts see it under `said`."""


def freeze(run: Run, trial: int) -> Frozen:
    """The run cut at its freeze step."""
    return Frozen(replace(run, steps=run.steps[: run.state.freeze_step]), trial)


_INSTRUCTIONS = frozenset({"system", "developer"})


def openai_messages(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The conversation in the shape of the OpenAI chat API, without instructions."""
    shown: list[dict[str, Any]] = []
    for words, calls in _turns(steps):
        if words is not None and (words.role != "assistant" or not calls):
            shown.append({"role": words.role, "content": words.text})
        if calls:
            text = words.text if words is not None and words.role == "assistant" else ""
            asked = [_openai_call(call) for call in calls]
            shown.append({"role": "assistant", "content": text, "tool_calls": asked})
            shown += [
                {"role": "tool", "tool_call_id": call.id, "content": answer_text(call)}
                for call in calls
            ]
    return shown


def anthropic_messages(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The conversation in the shape of the Anthropic Messages API, without instructions."""
    shown: list[dict[str, Any]] = []
    for words, calls in _turns(steps):
        if words is not None and words.text:
            role = "assistant" if words.role == "assistant" else "user"
            _add(shown, role, [{"type": "text", "text": words.text}])
        if calls:
            _add(shown, "assistant", [_anthropic_call(call) for call in calls])
            _add(shown, "user", [_anthropic_result(call) for call in calls])
    return shown


def answer_text(call: ToolCall) -> str:
    """What the agent read when the call came back."""
    if call.result is None:
        return call.failure.message if call.failure else ""
    if isinstance(call.result, str):
        return call.result
    return json.dumps(call.result, ensure_ascii=False)


def _turns(steps: Sequence[Step]) -> list[tuple[Message | None, list[ToolCall]]]:
    """Each message with the calls that follow it; calls of sub-agents are left out."""
    turns: list[tuple[Message | None, list[ToolCall]]] = []
    for step in steps:
        if isinstance(step, Message) and step.role not in _INSTRUCTIONS:
            turns.append((step, []))
        elif isinstance(step, ToolCall) and not step.parent:
            if not turns or _asks_anew(turns[-1][1], step):
                turns.append((None, []))
            turns[-1][1].append(step)
    return turns


def _asks_anew(before: list[ToolCall], call: ToolCall) -> bool:
    return bool(before) and (call.asked_in is None or before[-1].asked_in != call.asked_in)


def _openai_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.tool, "arguments": _arguments_text(call.arguments)}
    return {"id": call.id, "type": "function", "function": function}


def _arguments_text(arguments: Any) -> str:
    if isinstance(arguments, str):
        return arguments
    return json.dumps({} if arguments is None else arguments, ensure_ascii=False)


def _anthropic_call(call: ToolCall) -> dict[str, Any]:
    arguments = call.arguments if isinstance(call.arguments, dict) else {"input": call.arguments}
    return {"type": "tool_use", "id": call.id, "name": call.tool, "input": arguments}


def _anthropic_result(call: ToolCall) -> dict[str, Any]:
    result = {"type": "tool_result", "tool_use_id": call.id, "content": answer_text(call)}
    return result | ({"is_error": True} if call.failure else {})


def _add(shown: list[dict[str, Any]], role: str, blocks: list[dict[str, Any]]) -> None:
    """Append blocks; neighbours of one role are one message, as that API asks for."""
    if shown and shown[-1]["role"] == role:
        shown[-1]["content"] += blocks
    else:
        shown.append({"role": role, "content": blocks})
