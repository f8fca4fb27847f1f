"""Claims of success after the last write, with nothing read back between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from kb.traces.analyses.calls_made import call_text, calls, effect_words, is_open_ended
from kb.traces.analyses.claims import Claim, claims_between
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.run import Effect, Run, ToolCall

_NAME = "outcome-gap"


@dataclass(frozen=True)
class Unverified:
    """A write whose effect the run never looked at afterwards; `claim` is what was said of it."""

    step: int
    call: ToolCall
    claim: Claim | None


def last_write(run: Run) -> tuple[int, ToolCall] | None:
    """The last call that is not known to read only."""
    return next(((n, c) for n, c in reversed(tuple(calls(run))) if c.effect.is_write), None)


def unverified(run: Run) -> Unverified | None:
    """The last write, when no read succeeded after it and before the claim of its success."""
    found = last_write(run)
    if found is None:
        return None
    step, call = found
    claim = next(claims_between(run, step + 1, len(run.steps)), None)
    until = claim.step if claim else len(run.steps)
    if any(step < n < until and _reads(c) for n, c in calls(run)):
        return None
    return Unverified(step, call, claim)


def has_outcome_assert(run: Run) -> bool | None:
    """Whether the run read anything back after its last write; None where it wrote nothing."""
    return None if last_write(run) is None else unverified(run) is None


def _reads(call: ToolCall) -> bool:
    return call.effect is Effect.READ and call.succeeded


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at = FindingBuilder(_NAME, run)
    gap = unverified(run)
    if gap is not None and gap.claim is not None:
        severity = _severity(gap.call)
        text = f"“{gap.claim.text}”"
        message = f"claimed after {gap.call.tool} (step {gap.step}), {_what(gap.call)}: {text}"
        yield at.step(
            gap.claim.step, severity, message, evidence=call_text(gap.call), also=(gap.step,)
        )
    yield from _claims_without_calls(run, at)


def _severity(call: ToolCall) -> Severity:
    if call.failure is not None:
        return Severity.FAULT if call.effect is not Effect.UNKNOWN else Severity.WARNING
    return Severity.WARNING if call.effect is not Effect.UNKNOWN else Severity.NOTE


def _what(call: ToolCall) -> str:
    ended = "which failed" if call.failure else "and nothing was read back"
    if is_open_ended(call.failure):
        ended = "which ended without saying whether it had run"
    return f"{ended}; {effect_words(call)}"


def _claims_without_calls(run: Run, at: FindingBuilder) -> Iterable[TraceFinding]:
    """Claims before anything was called: nothing can have caused what they speak of."""
    first = next((number for number, call in calls(run) if call.effect.is_write), len(run.steps))
    if not run.calls:
        return
    for claim in islice(claims_between(run, 0, first), 1):
        message = f"an effect is claimed before any call that could have one: “{claim.text}”"
        yield at.step(claim.step, Severity.WARNING, message, evidence=claim.text)


ANALYSIS = Analysis(
    _NAME,
    "Did the agent claim success after its last write without reading anything back?",
    _examine,
    baseline=(
        "of 100 airline runs 51 failed; of the 43 with this finding 31 (72 %). On 126 logs "
        "with a known decisive step the first finding names it 17 times, 'always step 1' 34 "
        "times"
    ),
)
