"""What is an agent given when it is replayed? The frozen state, and tools that only look real."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from msgspec.structs import replace

from kb.traces.run import Run, Step


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
