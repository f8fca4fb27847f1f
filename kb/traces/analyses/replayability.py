"""What a replay needs, what the trace holds, and the share of both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.run import EffectSource, Message, Run

_NAME = "replayability"


class ReplayNeed(msgspec.Struct, frozen=True):
    """One thing a replay needs; `essential` ones are those without which there is none."""

    what: str
    to_log: str
    is_held: bool
    is_essential: bool = False


@dataclass(frozen=True)
class Replayability:
    """What is held of what is needed. `word` is yes, partly or no."""

    needs: tuple[ReplayNeed, ...]

    @property
    def score(self) -> float:
        """The share of needs that is held, 0–1."""
        return sum(need.is_held for need in self.needs) / len(self.needs)

    @property
    def word(self) -> str:
        """Yes: nothing is missing. No: something essential is."""
        if all(need.is_held for need in self.needs):
            return "yes"
        return "partly" if all(n.is_held for n in self.needs if n.is_essential) else "no"

    @property
    def missing(self) -> tuple[ReplayNeed, ...]:
        """The needs that are not held, the essential ones first."""
        return tuple(sorted((n for n in self.needs if not n.is_held), key=_rank))


def _rank(need: ReplayNeed) -> bool:
    return not need.is_essential


def replayability(run: Run) -> Replayability:
    """What a replay of this run needs, and has."""
    return Replayability((*_of_start(run), *_of_model(run), *_of_calls(run)))


def _of_start(run: Run) -> Iterable[ReplayNeed]:
    said = any(isinstance(s, Message) and s.role == "assistant" for s in run.steps) or run.calls
    yield ReplayNeed("the request", "the first message of the user", bool(run.trigger.text), True)
    yield ReplayNeed("the answers of the model", "gen_ai.output.messages", bool(said), True)
    prompt = run.state.prompt
    yield ReplayNeed(
        "the instructions", "gen_ai.system_instructions", bool(prompt.text or prompt.sha256)
    )


def _of_model(run: Run) -> Iterable[ReplayNeed]:
    request = run.state.request
    model = request.model or any(message.model for message in run.messages)
    sampled = request.temperature is not None or request.top_p is not None
    yield ReplayNeed("the model", "gen_ai.response.model", bool(model))
    yield ReplayNeed("the sampling", "gen_ai.request.temperature", sampled)
    yield ReplayNeed("the seed", "gen_ai.request.seed", request.seed is not None)


def _of_calls(run: Run) -> Iterable[ReplayNeed]:
    made = run.calls
    schemas = {tool.name for tool in run.state.tools if tool.parameters is not None}
    yield ReplayNeed("tool calls", "spans of tool execution, or tool_calls", bool(made), True)
    yield ReplayNeed(
        "all arguments", "gen_ai.tool.call.arguments", all(_has_arguments(c) for c in made), True
    )
    yield ReplayNeed(
        "all results", "gen_ai.tool.call.result", all(call.is_answered for call in made)
    )
    yield ReplayNeed(
        "the tool schemas", "gen_ai.tool.definitions", all(c.tool in schemas for c in made)
    )
    known = all(call.effect_source is not EffectSource.NOBODY for call in made)
    yield ReplayNeed("the effects of the tools", "MCP hints, or runs.effects in kb.toml", known)
    yield ReplayNeed("times", "start and end of every call", all(c.started for c in made))


def _has_arguments(call: object) -> bool:
    return getattr(call, "arguments", None) is not None


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at, able = FindingBuilder(_NAME, run), replayability(run)
    held = sum(need.is_held for need in able.needs)
    message = f"replayable: {able.word}; {held} of {len(able.needs)} things a replay needs"
    yield at.whole(Severity.NOTE, message)
    for need in able.missing:
        severity = Severity.WARNING if need.is_essential else Severity.NOTE
        yield at.whole(severity, f"missing: {need.what}; log {need.to_log}")


ANALYSIS = Analysis(_NAME, "Could this run be replayed, and what is missing?", _examine)
