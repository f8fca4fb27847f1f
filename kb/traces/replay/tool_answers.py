"""Answers calls of a replay: reads come from the recording, writes are refused and noted.

An answer counts only where no write of the tape lies between it and the freeze, on either side:
beyond one the tape tells of a world that the agent of a replay never made.
A call that the tape does not hold is never made up: a read of that kind ends the trial.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from kb.traces.canonical_json import digest
from kb.traces.replay.frozen_state import answer_text
from kb.traces.run import Effect, Run, ToolCall

REFUSED = (
    "refused: this is a replay, and {tool} is not known to read only; nothing was done. "
    "The attempt was noted."
)


class LookupMode(StrEnum):
    """How a call is looked up on the tape."""

    STRICT = "strict"
    """The same tool with the same arguments."""
    SEQUENCE = "sequence"
    """The next answer of that tool, whatever the arguments; a difference is drift."""


class Outcome(StrEnum):
    """What became of a call."""

    SERVED = "served"
    REFUSED = "refused"
    NOT_ON_TAPE = "not-on-tape"


@dataclass(frozen=True)
class Attempt:
    """One call the agent tried to make, and what became of it.

    `is_known` says whether the tape, or a person, holds this very call; `is_beyond_write` that the
    tape holds it, but on the other side of a write.
    """

    tool: str
    arguments: Any
    outcome: Outcome
    effect: Effect
    is_known: bool = True
    has_drift: bool = False
    is_beyond_write: bool = False
    answer: str = ""
    seconds: float = 0.0


@dataclass
class Executor:
    """The tape of one trial, being read."""

    run: Run
    mode: LookupMode = LookupMode.STRICT
    used: set[int] = field(default_factory=set)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        """Sort the tape: what a replay may serve, and what it holds at all."""
        self._tape = _servable(self.run)
        self._held = {_key(call.tool, call.arguments) for call in self.run.calls}
        self._answers = {_key(c.tool, c.arguments): c for c in self.run.lookups}

    def attempt(self, tool: str, arguments: Any) -> Attempt:
        """What a call comes to; a served one moves the clock on."""
        key, effect = _key(tool, arguments), effect_of(self.run, tool)
        known = key in self._held or key in self._answers
        if key in self._answers:
            return self._served(tool, arguments, self._answers[key], effect)
        if effect.is_write:
            text = REFUSED.format(tool=tool)
            return Attempt(tool, arguments, Outcome.REFUSED, effect, known, answer=text)
        found = self._find(tool, key)
        if found is None:
            return Attempt(
                tool,
                arguments,
                Outcome.NOT_ON_TAPE,
                effect,
                is_known=False,
                is_beyond_write=known,
            )
        return self._served(tool, arguments, found, effect)

    def now(self) -> datetime | None:
        """The time on the tape, None where the trace has no times."""
        frozen = self.run.clocks.frozen
        return frozen + timedelta(seconds=self.seconds) if frozen else None

    def _served(self, tool: str, arguments: Any, call: ToolCall, effect: Effect) -> Attempt:
        taken = max(call.duration_seconds or 0.0, 0.0)
        self.seconds += taken
        drift = _key(tool, arguments) != _key(call.tool, call.arguments)
        return Attempt(
            tool,
            arguments,
            Outcome.SERVED,
            effect,
            is_known=not drift,
            has_drift=drift,
            answer=answer_text(call),
            seconds=taken,
        )

    def _find(self, tool: str, key: str) -> ToolCall | None:
        """The first answer not used yet; the last one again when all are used."""
        fitting = [
            (step, call)
            for step, call in self._tape
            if call.tool == tool
            and (self.mode is LookupMode.SEQUENCE or _key(call.tool, call.arguments) == key)
        ]
        if not fitting:
            return None
        step, call = next((pair for pair in fitting if pair[0] not in self.used), fitting[-1])
        self.used.add(step)
        return call


def effect_of(run: Run, tool: str) -> Effect:
    """What a tool does: by its schema, its calls on the tape, or a person who looked it up."""
    definition = run.tool(tool)
    if definition is not None and definition.effect is not Effect.UNKNOWN:
        return definition.effect
    effects = (call.effect for call in (*run.calls, *run.lookups) if call.tool == tool)
    return next((effect for effect in effects if effect is not Effect.UNKNOWN), Effect.UNKNOWN)


def _servable(run: Run) -> tuple[tuple[int, ToolCall], ...]:
    """The answered reads between the writes around the freeze, those after the freeze first."""
    frozen = run.state.freeze_step
    calls = [(step, call) for step, call in run.numbered() if isinstance(call, ToolCall)]
    writes = [step for step, call in calls if call.effect.is_write]
    last_write = max((step for step in writes if step < frozen), default=-1)
    next_write = min((step for step in writes if step >= frozen), default=len(run.steps))
    reads = [(s, c) for s, c in calls if not c.effect.is_write and c.is_answered]
    after = [pair for pair in reads if frozen <= pair[0] < next_write]
    before = [pair for pair in reads if last_write < pair[0] < frozen]
    return tuple(after + before)


def _key(tool: str, arguments: Any) -> str:
    return digest([tool, {} if arguments is None else arguments])
