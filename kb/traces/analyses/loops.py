"""Loops and stalls, with the tokens, money and time they burnt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kb.traces.analyses.calls_made import call_text, calls
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
    time_of_step,
)
from kb.traces.run import Message, Run, ToolCall

_NAME = "loops"
#: Equal calls in a row, or rounds of one cycle, that are called a loop: two may be a retry.
_ROUNDS = 3
_LONGEST_CYCLE = 6
#: Failures of one tool in a row that are called a loop, whatever the arguments.
_FAILURES = 3
#: A pause that is called a stall: ten minutes, and ten times the median pause.
_STALL_SECONDS = 600.0
_STALL_FACTOR = 10.0


@dataclass(frozen=True)
class Loop:
    """A stretch of calls that repeats: its steps, how long one round is, how many rounds."""

    steps: tuple[int, ...]
    period: int
    rounds: int


@dataclass(frozen=True)
class Cost:
    """What a stretch of steps cost; None where the trace does not say."""

    tokens: int | None
    cost_usd: float | None
    seconds: float | None

    def __str__(self) -> str:
        """The cost in words, empty where nothing is known."""
        parts = [f"{self.tokens:,} tokens"] if self.tokens else []
        parts += [f"{self.cost_usd:.2f} USD"] if self.cost_usd else []
        parts += [f"{self.seconds:.0f} s"] if self.seconds else []
        return ", ".join(parts)


def loops(run: Run) -> tuple[Loop, ...]:
    """The stretches of calls that repeat with equal arguments, three rounds or more."""
    made, keys = run.numbered_calls, run.call_keys
    often = Counter(keys)
    found, start = [], 0
    while start < len(keys):
        if often[keys[start]] < _ROUNDS:  # each round has it once: most calls are made once
            start += 1
            continue
        period, rounds = _cycle(keys, start)
        if rounds >= _ROUNDS:
            steps = tuple(number for number, _ in made[start : start + period * rounds])
            found.append(Loop(steps, period, rounds))
            start += period * rounds
        else:
            start += 1
    return tuple(found)


def _cycle(keys: Sequence[str], start: int) -> tuple[int, int]:
    """The period and the number of rounds of the longest cycle that begins there."""
    best = (1, 1)
    for period in range(1, _LONGEST_CYCLE + 1):
        if keys[start + period : start + period + 1] != keys[start : start + 1]:
            continue
        first, rounds = keys[start : start + period], 1
        while keys[start + rounds * period : start + (rounds + 1) * period] == first:
            rounds += 1
        if len(first) == period and rounds >= _ROUNDS and rounds * period > best[0] * best[1]:
            best = (period, rounds)
    return best


def cost_of(run: Run, first: int, last: int) -> Cost:
    """What the steps from `first` to `last` cost."""
    words = [s for s in run.steps[first : last + 1] if isinstance(s, Message)]
    tokens = [n for m in words for n in (m.input_tokens, m.output_tokens) if n is not None]
    costs = [m.cost_usd for m in words if m.cost_usd is not None]
    begin, end = run.steps[first].started, time_of_step(run.steps[last])
    return Cost(
        sum(tokens) if tokens else None,
        sum(costs) if costs else None,
        (end - begin).total_seconds() if begin and end else None,
    )


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at = FindingBuilder(_NAME, run)
    for loop in loops(run):
        yield _loop_finding(at, loop)
    yield from _failing(run, at)
    yield from _stalls(run, at)


def _loop_finding(at: FindingBuilder, loop: Loop) -> TraceFinding:
    first, last = loop.steps[0], loop.steps[-1]
    made = [s for n in loop.steps[: loop.period] if isinstance(s := at.run.steps[n], ToolCall)]
    names = " → ".join(call.tool for call in made)
    cost = str(cost_of(at.run, first, last))
    message = f"{names}: {loop.rounds} rounds with equal arguments, steps {first} to {last}"
    message += f"; {cost} burnt" if cost else ""
    evidence = call_text(made[0]) if made else ""
    return at.step(last, Severity.WARNING, message, evidence=evidence, also=loop.steps[:-1])


def _failing(run: Run, at: FindingBuilder) -> Iterable[TraceFinding]:
    """One tool that fails again and again."""
    row: list[tuple[int, ToolCall]] = []
    for number, call in (*calls(run), (len(run.steps), None)):
        if call is not None and call.failure and (not row or row[-1][1].tool == call.tool):
            row.append((number, call))
            continue
        if len(row) >= _FAILURES:
            steps = [n for n, _ in row]
            message = f"{row[0][1].tool} failed {len(row)} times in a row, steps {steps[0]} to "
            message += str(steps[-1])
            text = call_text(row[-1][1])
            yield at.step(steps[-1], Severity.WARNING, message, evidence=text, also=steps[:-1])
        row = [(number, call)] if call is not None and call.failure else []


def _stalls(run: Run, at: FindingBuilder) -> Iterable[TraceFinding]:
    """Long pauses while the agent had the word; a person may take as long as they like."""
    pauses = [(seconds, number) for number, seconds in _pauses(run)]
    if not pauses:
        return
    median = sorted(pauses)[len(pauses) // 2][0]
    for seconds, number in pauses:
        if seconds >= _STALL_SECONDS and seconds >= _STALL_FACTOR * median:
            yield at.step(number, Severity.WARNING, f"nothing happened for {seconds / 60:.0f} min")


def _pauses(run: Run) -> Iterable[tuple[int, float]]:
    for number, (before, after) in enumerate(zip(run.steps, run.steps[1:], strict=False), 1):
        end, start = time_of_step(before), after.started
        if isinstance(after, Message) and after.role == "user":
            continue
        if end and start and start > end:
            yield number, (start - end).total_seconds()


ANALYSIS = Analysis(
    _NAME,
    "Did it repeat itself, fail in a row or stand still, and what did that cost?",
    _examine,
    baseline=(
        "on 126 logs with a known decisive step the first finding (8 made) never names it; "
        "'always step 1' does 34 times"
    ),
)
