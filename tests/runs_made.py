"""Runs made by hand, for tests that are about what is done with a run and not how it is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from kb.traces.effects.call_effect import replay_policy
from kb.traces.run import (
    CONVENTIONS,
    SCHEMA,
    Effect,
    EffectSource,
    Failure,
    Message,
    OutcomeAssert,
    Ran,
    Redaction,
    Run,
    RunClocks,
    State,
    Step,
    ToolCall,
    ToolDefinition,
    Trigger,
)
from msgspec.structs import replace

START = datetime(2026, 4, 12, 3, 14, tzinfo=UTC)


def user(text: str) -> Message:
    return Message(role="user", text=text)


def agent(text: str = "", **more: Any) -> Message:
    return Message(role="assistant", text=text, **more)


def read(tool: str, arguments: Any = None, result: Any = "ok", **more: Any) -> ToolCall:
    return _call(tool, arguments, result, Effect.READ, more)


def write(tool: str, arguments: Any = None, result: Any = "ok", **more: Any) -> ToolCall:
    return _call(tool, arguments, result, Effect.WRITE, more)


def unknown(tool: str, arguments: Any = None, result: Any = "ok", **more: Any) -> ToolCall:
    return _call(tool, arguments, result, Effect.UNKNOWN, more)


def failed(call: ToolCall, kind: str = "error", message: str = "") -> ToolCall:
    failure = Failure(type=kind, message=message or kind)
    return replace(call, failure=failure, ran=Ran.UNKNOWN)


def _call(tool: str, arguments: Any, result: Any, effect: Effect, more: dict[str, Any]) -> ToolCall:
    known = effect is not Effect.UNKNOWN
    return ToolCall(
        tool=tool,
        id="",
        arguments={} if arguments is None else arguments,
        result=result,
        effect=effect,
        effect_source=EffectSource.SETTINGS if known else EffectSource.NOBODY,
        ran=Ran.YES,
        replay=replay_policy(effect),
        **more,
    )


def tool(name: str, effect: Effect = Effect.UNKNOWN, **parameters: Any) -> ToolDefinition:
    return ToolDefinition(name=name, effect=effect, parameters=parameters or None)


def at_most_one(name: str) -> OutcomeAssert:
    path = f'$.calls[?@.tool == "{name}"]'
    return OutcomeAssert(claim=f"at most one {name}", path=path, operator="count", value=[0, 1])


def made_run(*steps: Step, freeze_step: int = 0, **more: Any) -> Run:
    """A run of these steps, a second apart; calls get ids."""
    timed = tuple(_timed(step, number) for number, step in enumerate(steps))
    first = next((s.text for s in steps if isinstance(s, Message) and s.role == "user"), "")
    tools = more.pop("tools", ())
    failures = [s.ended for s in timed if isinstance(s, ToolCall) and s.failure and s.ended]
    end = START + timedelta(seconds=len(steps))
    more.setdefault("id", "run-1")
    return Run(
        schema=SCHEMA,
        trigger=Trigger(text=first),
        state=State(freeze_step=freeze_step, tools=tools),
        steps=timed,
        clocks=RunClocks(
            started=START, ended=end, frozen=START, first_failure=min(failures, default=None)
        ),
        redaction=Redaction(applied=True),
        conventions=CONVENTIONS,
        **more,
    )


def _timed(step: Step, number: int) -> Step:
    start = step.started or START + timedelta(seconds=number)
    end = step.ended or start + timedelta(seconds=1)
    if isinstance(step, ToolCall):
        return replace(step, id=step.id or f"call-{number}", started=start, ended=end)
    return replace(step, started=start, ended=end)
