"""Where a replay begins and what must hold in it, from what an audit of the run proves.

A write that was made twice gives both: begin where the second was asked for, and let the tool be
called at most once with these arguments. What a passing run wrote has to be written, too: an agent
that does nothing keeps every upper bound. Everything else people have to say.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from msgspec.structs import replace

from kb.traces.analyses.calls_made import arguments_text
from kb.traces.analyses.finding import one_line
from kb.traces.analyses.idempotency import Repeat, repeats
from kb.traces.run import Effect, OutcomeAssert, Run, ToolCall

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MAX_CONDITIONS = 6
_MAX_TEXT = 200
_MAX_DEMANDS = 12


def prepared(run: Run, passing: Run | None = None) -> Run:
    """The run with the freeze step and the asserts that it, and a passing run, prove."""
    proven = [repeat for repeat in repeats(run) if _is_proven(repeat)]
    demands = _demands(run, passing) if passing is not None else ()
    asserts = {each.claim: each for each in (*run.asserts, *map(_at_most_once, proven), *demands)}
    run = replace(run, asserts=tuple(asserts.values()))
    if not proven or run.state.freeze_reason == "asked for":
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
    claim = one_line(f"{repeat.tool} is called at most once with {arguments_text(arguments)}")
    return _counted(claim, _conditions(repeat.tool, arguments), [0, 1])


def _demands(run: Run, passing: Run) -> tuple[OutcomeAssert, ...]:
    """What the passing run is known to have written is written: the very call, or else the tool.

    The arguments count where both runs made that call. Where they differ only the tool is asked
    for: the passing run may have been about another invoice.
    """
    made = set(run.call_keys)
    wrote = [call for call in passing.calls if call.succeeded and _is_known_write(call)]
    times = Counter(call.key for call in wrote)
    demands = {}
    for call in wrote:
        key = call.key
        demand = _as_often(call, times[key]) if key in made else _at_all(call)
        demands[demand.path] = demand
    return tuple(demands.values())[:_MAX_DEMANDS]


def _as_often(call: ToolCall, times: int) -> OutcomeAssert:
    often = "once" if times == 1 else f"one to {times} times"
    what = f"{call.tool} is called {often} with {arguments_text(call.arguments)}"
    conditions = _conditions(call.tool, call.arguments)
    return _counted(f"{one_line(what)}, as in the passing run", conditions, [1, times])


def _at_all(call: ToolCall) -> OutcomeAssert:
    claim = f"{one_line(call.tool)} is called, as in the passing run"
    return _counted(claim, _conditions(call.tool, None), [1, None])


def _is_known_write(call: ToolCall) -> bool:
    return call.effect.is_write and call.effect is not Effect.UNKNOWN


def _counted(claim: str, conditions: list[str], limits: list[int | None]) -> OutcomeAssert:
    path = f"$.calls[?{' && '.join(conditions)}]"
    return OutcomeAssert(claim=claim, path=path, operator="count", value=limits)


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
