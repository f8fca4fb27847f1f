"""Where should a replay begin, and what must hold in it? What the audit of a run proves of both.

A write that was made twice gives both: begin where the second was asked for, and let the tool be
called at most once with these arguments. Everything else people have to say.
"""

from __future__ import annotations

import json
import re
from typing import Any

from msgspec.structs import replace

from kb.runs.analyses.calls_made import arguments_text
from kb.runs.analyses.finding import one_line
from kb.runs.analyses.idempotency import Repeat, repeats
from kb.runs.run import Effect, OutcomeAssert, Run, ToolCall

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_CONDITIONS = 6
_MAX_TEXT = 200


def prepared(run: Run) -> Run:
    """The run with the freeze step and the asserts that its repeated writes prove."""
    proven = [repeat for repeat in repeats(run) if _is_proven(repeat)]
    if not proven:
        return run
    asserts = {each.claim: each for each in (*run.asserts, *map(_at_most_once, proven))}
    run = replace(run, asserts=tuple(asserts.values()))
    if run.state.freeze_reason == "asked for":
        return run
    second = min(repeat.steps[1] for repeat in proven)
    reason = f"where the repeated call of step {second} was asked for"
    return at_step(run, _asked_at(run, second), reason)


def at_step(run: Run, step: int, reason: str) -> Run:
    """The run with another freeze step, and the time on the tape there."""
    before = [t for s in run.steps[:step] for t in (s.started, s.ended) if t]
    clocks = replace(run.clocks, frozen=max(before, default=run.clocks.frozen))
    state = replace(run.state, freeze_step=step, freeze_reason=reason)
    return replace(run, state=state, clocks=clocks)


def _is_proven(repeat: Repeat) -> bool:
    """Whether it ran, or may have run, more than once, and is known to write."""
    return repeat.effect is not Effect.UNKNOWN and repeat.ran + repeat.open > 1


def _asked_at(run: Run, step: int) -> int:
    call = run.steps[step]
    asked = call.asked_in if isinstance(call, ToolCall) else None
    return step if asked is None or asked > step else asked


def _at_most_once(repeat: Repeat) -> OutcomeAssert:
    arguments = repeat.calls[0].arguments
    return OutcomeAssert(
        claim=one_line(f"{repeat.tool} is called at most once with {arguments_text(arguments)}"),
        path=f"$.calls[?{' && '.join(_conditions(repeat.tool, arguments))}]",
        operator="count",
        value=[0, 1],
    )


def _conditions(tool: str, arguments: Any) -> list[str]:
    """The call as a JSONPath filter: its tool and the plain values among its arguments."""
    conditions = [f"@.tool == {json.dumps(tool)}"]
    if isinstance(arguments, str):
        return conditions + ([f"@.arguments == {_text(arguments)}"] if _is_plain(arguments) else [])
    for name, value in arguments.items() if isinstance(arguments, dict) else ():
        if _is_plain(value) and len(conditions) <= _MAX_CONDITIONS:
            place = f".{name}" if _NAME.fullmatch(name) else f"[{_text(name)}]"
            conditions.append(f"@.arguments{place} == {_text(value)}")
    return conditions


def _is_plain(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_TEXT and value.isprintable()
    return value is None or isinstance(value, bool | int | float)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
