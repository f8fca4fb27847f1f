"""Where a run leaves the path of one that went well: the first step, and the first write.

Calls are compared in order: first the tool, then its arguments. Values that stand in the request
of either run (an order number, a name) may differ: the two runs were asked about different cases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kb.errors import KbError
from kb.traces.analyses.calls_made import call_text, calls
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.canonical_json import digest
from kb.traces.effects.tool_name_guess import seems_to_write
from kb.traces.run import Effect, Run, ToolCall

_NAME = "divergence"
_WORD = re.compile(r"[\w@.+-]{3,}")
_ASKED = "⟨of the request⟩"


@dataclass(frozen=True)
class Difference:
    """The first place where two runs differ: the number of the call, from 1, and both calls.

    None stands for a run that had ended by then. `is_tool` says that the tools differ, and not
    the arguments only.
    """

    number: int
    step: int | None
    call: ToolCall | None
    passing: ToolCall | None
    is_tool: bool


@dataclass(frozen=True)
class Divergence:
    """Where a run leaves a passing one: in any call, in a tool, and in a write.

    Writes are the calls known to write; where none of either run is, those that sound so by their
    names, and `is_guess` says it. `baseline` is the run's first write, parted or not.
    """

    first: Difference | None
    first_tool: Difference | None
    first_write: Difference | None
    baseline: Difference | None = None
    is_guess: bool = False


def divergence(run: Run, passing: Run) -> Divergence:
    """Where a run leaves the path of a passing one.

    Raises `KbError` where both name their task and the names differ, or the two share no tool.
    """
    _refuse_strangers(run, passing)
    mine, theirs = tuple(calls(run)), tuple(calls(passing))
    asked = _words(run), _words(passing)
    is_guess = not any(_is_known_write(call) for _, call in (*mine, *theirs))
    my_writes, other_writes = _writes(mine, is_guess), _writes(theirs, is_guess)
    return Divergence(
        _first(mine, theirs, asked),
        _first(mine, theirs, asked, tools_only=True),
        _first(my_writes, other_writes, asked),
        Difference(1, *my_writes[0], None, is_tool=False) if my_writes else None,
        is_guess,
    )


def _refuse_strangers(run: Run, passing: Run) -> None:
    if run.task and passing.task and run.task != passing.task:
        raise KbError(
            f"the runs are of two tasks, {run.task!r} and {passing.task!r}",
            todo="Name a passing run of the same task.",
        )
    mine, theirs = {c.tool for c in run.calls}, {c.tool for c in passing.calls}
    if mine and theirs and not mine & theirs:
        raise KbError(
            "the runs have no tool in common: they cannot be of the same task",
            todo="Name a passing run of the same task.",
        )


Made = Sequence[tuple[int, ToolCall]]


def _is_known_write(call: ToolCall) -> bool:
    return call.effect in (Effect.WRITE, Effect.DESTRUCTIVE)


def _writes(made: Made, is_guess: bool) -> Made:
    is_write = seems_to_write if is_guess else _is_known_write
    return [(number, call) for number, call in made if is_write(call)]


def _first(
    mine: Made, theirs: Made, asked: tuple[set[str], set[str]], *, tools_only: bool = False
) -> Difference | None:
    for number in range(max(len(mine), len(theirs))):
        step, call = mine[number] if number < len(mine) else (None, None)
        other = theirs[number][1] if number < len(theirs) else None
        is_tool = (call.tool if call else "") != (other.tool if other else "")
        if is_tool or (not tools_only and not _alike(call, other, asked)):
            return Difference(number + 1, step, call, other, is_tool)
    return None


def _alike(
    mine: ToolCall | None, theirs: ToolCall | None, asked: tuple[set[str], set[str]]
) -> bool:
    if mine is None or theirs is None:
        return mine is theirs
    return digest(_masked(mine.arguments, asked[0])) == digest(_masked(theirs.arguments, asked[1]))


def _words(run: Run) -> set[str]:
    return set(_WORD.findall(run.trigger.text))


def masked_key(call: ToolCall, run: Run) -> str:
    """A key that calls of two runs share when they differ in what was asked for only."""
    return digest([call.tool, _masked(call.arguments, _words(run))])


def _masked(value: Any, words: set[str]) -> Any:
    """The value with what the request named taken out."""
    if isinstance(value, dict):
        return {key: _masked(part, words) for key, part in value.items()}
    if isinstance(value, list):
        return [_masked(part, words) for part in value]
    return _ASKED if str(value) in words else value


def _examine(run: Run, context: AnalysisContext) -> Iterable[TraceFinding]:
    at = FindingBuilder(_NAME, run)
    if context.passing is None:
        yield at.whole(
            Severity.NOTE, "not asked: there is no passing run of the same task (--against)"
        )
        return
    found = divergence(run, context.passing)
    if found.first is None:
        yield at.whole(Severity.NOTE, "the same calls with the same arguments as the passing run")
        return
    yield _divergence_finding(at, "first divergent call", found.first, Severity.NOTE)
    if found.first_tool is not None:
        yield _divergence_finding(at, "first other tool", found.first_tool, Severity.WARNING)
    if found.first_write is not None:
        what = "first divergent write" + (", by the names of tools a guess" * found.is_guess)
        yield _divergence_finding(at, what, found.first_write, Severity.WARNING)


def _divergence_finding(
    at: FindingBuilder, what: str, found: Difference, severity: Severity
) -> TraceFinding:
    mine = found.call.tool if found.call else "the run had ended"
    theirs = found.passing.tool if found.passing else "the passing run had ended"
    how = f"{mine}, where the passing run has {theirs}"
    if not found.is_tool:
        how = f"{mine} with other arguments than in the passing run"
    message = f"{what}: call {found.number}, {how}"
    passing = call_text(found.passing) if found.passing else "nothing"
    evidence = f"{call_text(found.call) if found.call else 'nothing'} | passing: {passing}"
    if found.step is None:
        return at.whole(severity, message, evidence=evidence)
    return at.step(found.step, severity, message, evidence=evidence)


ANALYSIS = Analysis(
    _NAME,
    "Where does it first leave the path of a run of the same task that passed?",
    _examine,
    baseline=(
        "two runs of a task that both passed part as well: 93 % of 110 pairs in some call, 69"
        " % in a write, against 100 % and 88 % of 26 pairs of a failed and a passed run"
    ),
)
