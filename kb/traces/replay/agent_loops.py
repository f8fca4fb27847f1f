"""The two usual tool loops over frozen state, for agents without a loop of their own.

`complete` and `create` are the team's own calls of a model, with their model, tools and sampling.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kb.traces.replay.frozen_state import Frozen, Tools, anthropic_messages, openai_messages

_MAX_TURNS = 50

JsonObject = dict[str, Any]


def openai_loop(
    state: Frozen,
    tools: Tools,
    complete: Callable[[list[JsonObject]], Any],
    *,
    instructions: str | None = None,
) -> str:
    """The last words of an agent that speaks to an OpenAI-style chat API.

    `complete(messages)` gives the assistant's message, as a dict or as the client's own object.
    `instructions` are those of today; without them the frozen ones count.
    """
    system = state.run.state.prompt.text if instructions is None else instructions
    messages: list[JsonObject] = [{"role": "system", "content": system}] if system else []
    messages += openai_messages(state.steps)
    for _ in range(_MAX_TURNS):
        answer = _plain(complete(messages))
        messages.append(answer)
        calls = answer.get("tool_calls") or []
        if not calls:
            return str(answer.get("content") or "")
        if answer.get("content"):
            tools.say(str(answer["content"]))
        for call in calls:
            function = call["function"]
            text = tools.call(function["name"], _arguments(function.get("arguments")))
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": text})
    raise RuntimeError(f"the agent did not come to an end in {_MAX_TURNS} turns")


def anthropic_loop(
    state: Frozen,
    tools: Tools,
    create: Callable[[str, list[JsonObject]], Any],
    *,
    instructions: str | None = None,
) -> str:
    """The last words of an agent that speaks to an Anthropic-style messages API.

    `create(system, messages)` gives the message, as a dict or as the client's own object.
    """
    system = state.run.state.prompt.text if instructions is None else instructions
    messages = anthropic_messages(state.steps)
    for _ in range(_MAX_TURNS):
        blocks = [_plain(block) for block in _plain(create(system, messages))["content"]]
        messages.append({"role": "assistant", "content": blocks})
        text = "".join(str(block["text"]) for block in blocks if block.get("type") == "text")
        uses = [block for block in blocks if block.get("type") == "tool_use"]
        if not uses:
            return text
        if text:
            tools.say(text)
        results = [
            {
                "type": "tool_result",
                "tool_use_id": use["id"],
                "content": tools.call(use["name"], use["input"]),
            }
            for use in uses
        ]
        messages.append({"role": "user", "content": results})
    raise RuntimeError(f"the agent did not come to an end in {_MAX_TURNS} turns")


def _plain(answer: Any) -> JsonObject:
    """A client's own object as a dict: both vendors' clients are pydantic models."""
    plain: JsonObject = answer if isinstance(answer, dict) else answer.model_dump()
    return plain


def _arguments(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text or "{}")
    except (ValueError, RecursionError):
        return text
