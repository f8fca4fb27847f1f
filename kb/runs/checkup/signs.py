"""What makes a reader stop? Signs of trouble in a run, each with its weight and its reason.

The weights were set by reason, in steps of one, and not fitted; `docs/analyses/checkup.md` holds
what the order they give was measured to be worth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import msgspec

from kb.runs.analyses import call_schema, loops, outcome_gap, policy_path, secrets
from kb.runs.analyses.calls_made import call_text, same_calls
from kb.runs.analyses.finding import At, Context, Finding, Severity
from kb.runs.analyses.idempotency import repeats
from kb.runs.checkup.guess import seems_to_write
from kb.runs.checkup.world import World
from kb.runs.run import Effect, Run


class Sign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sign: its kind, what it adds to the score, and the step that proves it."""

    kind: str
    weight: float
    message: str
    evidence: str = ""
    step: int | None = None
    where: str = ""
    span_id: str = ""
    time: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of sign: each counts `weight`, at most `limit` of them; `why` says why at all."""

    name: str
    weight: float
    limit: int
    why: str
    find: Callable[[Run, World], Iterable[Finding]]


def signs(run: Run, seen: World) -> tuple[Sign, ...]:
    """The signs of a run, the heaviest first."""
    found = [sign for kind in KINDS for sign in _of_kind(kind, run, seen)]
    return tuple(sorted(found, key=lambda sign: -abs(sign.weight)))


def _of_kind(kind: Kind, run: Run, seen: World) -> Iterator[Sign]:
    for number, finding in enumerate(kind.find(run, seen)):
        if number == kind.limit:
            return
        yield Sign(
            kind=kind.name,
            weight=kind.weight,
            message=finding.message,
            evidence=finding.evidence,
            step=finding.step,
            where=finding.where,
            span_id=finding.span_id,
            time=finding.time.isoformat() if finding.time else "",
        )


def _repeated_writes(run: Run, _: World) -> Iterator[Finding]:
    return _repeated(run, known=True)


def _repeated_calls(run: Run, _: World) -> Iterator[Finding]:
    return _repeated(run, known=False)


def _repeated(run: Run, *, known: bool) -> Iterator[Finding]:
    """Repeated calls that are known to write, or only sound so."""
    at = At("repeated-write" if known else "repeated-call", run)
    for repeat in repeats(run):
        if (repeat.effect is not Effect.UNKNOWN) is not known:
            continue
        if repeat.ran + repeat.open > 1 and seems_to_write(repeat.calls[0]):
            steps = ", ".join(map(str, repeat.steps))
            message = f"{repeat.tool} ran, or may have run, twice with equal arguments: {steps}"
            text = call_text(repeat.calls[-1])
            yield at.step(repeat.steps[-1], Severity.FAULT, message, evidence=text)


def _policy(run: Run, _: World) -> Iterable[Finding]:
    return (f for f in policy_path.ANALYSIS.examine(run, Context()) if f.step is not None)


def _false_claims(run: Run, seen: World) -> Iterator[Finding]:
    gap = outcome_gap.unverified(run)
    if gap is not None and gap.claim and gap.call.failure and seems_to_write(gap.call):
        message = f"success claimed after {gap.call.tool} failed: “{gap.claim.text}”"
        text = call_text(gap.call)
        yield At("false-claim", run).step(gap.claim.step, Severity.FAULT, message, evidence=text)


def _secrets(run: Run, _: World) -> Iterable[Finding]:
    found = secrets.ANALYSIS.examine(run, Context())
    return (finding for finding in found if finding.severity is Severity.FAULT)


def _unread_writes(run: Run, seen: World) -> Iterator[Finding]:
    at = At("unread-write", run)
    for number, call in seen.unread:
        guess = "; by its name, a guess" if call.effect is Effect.UNKNOWN else ""
        message = f"{call.tool} wrote and nothing was read back after it{guess}"
        yield at.step(number, Severity.WARNING, message, evidence=call_text(call))


def _writes(run: Run, seen: World) -> Iterator[Finding]:
    at = At("write", run)
    for number, call in seen.writes:
        if call.succeeded:
            message = f"{call.tool} changed something"
            yield at.step(number, Severity.NOTE, message, evidence=call_text(call))


def _failed_writes(run: Run, seen: World) -> Iterator[Finding]:
    at = At("failed-write", run)
    for number, call in seen.writes:
        if call.failure:
            message = f"{call.tool} failed"
            yield at.step(number, Severity.WARNING, message, evidence=call_text(call))


def _loops(run: Run, _: World) -> Iterable[Finding]:
    return loops.ANALYSIS.examine(run, Context())


def _misfits(run: Run, _: World) -> Iterable[Finding]:
    return (f for f in call_schema.ANALYSIS.examine(run, Context()) if f.step is not None)


def _given_up(run: Run, _: World) -> Iterator[Finding]:
    """The same call failing, and never succeeding, last of all."""
    at = At("given-up", run)
    last = run.calls[-1:]
    for group in same_calls(run).values():
        number, call = group[-1]
        if call.failure and call is last[0]:
            message = f"the run ended on a failure of {call.tool}"
            yield at.step(number, Severity.WARNING, message, evidence=call_text(call))


def _handover(run: Run, seen: World) -> Iterator[Finding]:
    if seen.handover is not None:
        number, call = seen.handover
        message = f"{call.tool}: by its name, a person took over"
        yield At("handover", run).step(number, Severity.NOTE, message, evidence=call_text(call))


KINDS: tuple[Kind, ...] = (
    Kind("repeated-write", 5, 2, "an effect happened twice, or may have", _repeated_writes),
    Kind("repeated-call", 3, 2, "the same, if the tool writes as its name says", _repeated_calls),
    Kind("policy", 4, 3, "a rule the team wrote was broken", _policy),
    Kind("false-claim", 4, 1, "the agent reported what the trace denies", _false_claims),
    Kind("secret", 3, 1, "whoever reads the trace has the key", _secrets),
    Kind("failed-write", 2, 2, "something was attempted and refused", _failed_writes),
    Kind("unread-write", 2, 3, "nobody looked whether it happened", _unread_writes),
    Kind("loop", 2, 2, "work that did not get on", _loops),
    Kind("given-up", 2, 1, "the last thing known is a failure", _given_up),
    Kind("misfit", 1, 2, "a call did not fit its tool", _misfits),
    Kind("write", 1, 3, "every effect is a chance to be wrong", _writes),
    Kind("handover", -3, 1, "a person has seen it: it is not silent", _handover),
)
