"""Signs of trouble in a run, each with its reason and the step that shows it.

A sign that proves something puts its run before all others; the rest explain a run and move no
rank, which is fitted (`kb.traces.checkup.likelihood`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import msgspec

from kb.traces.analyses import call_schema, loops, outcome_gap, policy_path, secrets
from kb.traces.analyses.calls_made import (
    call_text,
    calls,
    is_destruction,
    is_handover,
    is_local_removal,
    may_have_run,
)
from kb.traces.analyses.finding import (
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
    one_line,
)
from kb.traces.analyses.idempotency import Repeat, repeats
from kb.traces.analyses.prompt_injection import followed_instructions
from kb.traces.effects.tool_name_guess import seems_to_write
from kb.traces.run import Effect, Run, ToolCall

Made = tuple[tuple[int, ToolCall], ...]


@dataclass(frozen=True)
class WriteSummary:
    """The calls that write, or sound so; those of them after which nothing was read back.

    `handover` is the call that gave the case to a person, None where there is none. `repeats` are
    the equal calls that are not known to read only.
    """

    writes: Made
    unread: Made
    handover: tuple[int, ToolCall] | None
    repeats: tuple[Repeat, ...]


def write_summary(run: Run) -> WriteSummary:
    """What a run did to the world. Effects nobody names are guessed from the names of tools."""
    made = tuple(calls(run))
    handover = next((pair for pair in made if is_handover(pair[1].tool)), None)
    writes = tuple(p for p in made if seems_to_write(p[1]) and not is_handover(p[1].tool))
    reads = [
        n for n, c in made if c.succeeded and not seems_to_write(c) and not is_handover(c.tool)
    ]
    last_read = max(reads, default=-1)
    unread = tuple((n, c) for n, c in writes if c.succeeded and n > last_read)
    return WriteSummary(writes, unread, handover, repeats(run))


class Sign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sign: its kind, whether it proves something, and the step and tool that show it."""

    kind: str
    message: str
    proves: bool = False
    tool: str = ""
    evidence: str = ""
    step: int | None = None
    where: str = ""
    span_id: str = ""
    time: str = ""


@dataclass(frozen=True)
class SignKind:
    """One kind of sign: `proves` where the trace shows that something went wrong.

    At most `limit` of them are kept of a run; `why` says why it is one at all.
    """

    name: str
    proves: bool
    limit: int
    why: str
    find: Callable[[Run, WriteSummary], Iterable[TraceFinding]]


def signs(run: Run, seen: WriteSummary) -> tuple[Sign, ...]:
    """The signs of a run, those that prove something first."""
    found = [sign for kind in KINDS for sign in _of_kind(kind, run, seen)]
    return tuple(sorted(found, key=lambda sign: not sign.proves))


def _of_kind(kind: SignKind, run: Run, seen: WriteSummary) -> Iterator[Sign]:
    for finding in islice(kind.find(run, seen), kind.limit):
        step = run.steps[finding.step] if finding.step is not None else None
        yield Sign(
            kind=kind.name,
            proves=kind.proves,
            tool=step.tool if isinstance(step, ToolCall) else "",
            message=finding.message,
            evidence=finding.evidence,
            step=finding.step,
            where=finding.where,
            span_id=finding.span_id,
            time=finding.time.isoformat() if finding.time else "",
        )


def _repeated_writes(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    return _repeated(run, seen, known=True)


def _repeated_calls(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    return _repeated(run, seen, known=False)


def _repeated(run: Run, seen: WriteSummary, *, known: bool) -> Iterator[TraceFinding]:
    """Repeated calls that are known to write, or only sound so."""
    at = FindingBuilder("repeated-write" if known else "repeated-call", run)
    for repeat in seen.repeats:
        if (repeat.effect is not Effect.UNKNOWN) is not known or repeat.is_harmless:
            continue
        if seems_to_write(repeat.calls[0]) and repeat.ran + repeat.open > 1:
            steps = ", ".join(map(str, repeat.steps))
            message = f"{repeat.tool} ran, or may have run, twice with equal arguments: {steps}"
            text = call_text(repeat.calls[-1])
            yield at.step(repeat.steps[-1], Severity.FAULT, message, evidence=text)


def _policy(run: Run, _: WriteSummary) -> Iterable[TraceFinding]:
    if not run.policy:
        return ()
    return (f for f in policy_path.ANALYSIS.examine(run, AnalysisContext()) if f.step is not None)


def _false_claims(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    last = outcome_gap.last_write(run)
    if last is None or not last[1].failure or not seems_to_write(last[1]):
        return  # before what was said is read
    gap = outcome_gap.unverified(run)
    if gap is not None and gap.claim:
        message = f"success claimed after {gap.call.tool} failed: “{gap.claim.text}”"
        text = call_text(gap.call)
        yield FindingBuilder("false-claim", run).step(
            gap.claim.step, Severity.FAULT, message, evidence=text
        )


def _followed_instructions(run: Run, _: WriteSummary) -> Iterator[TraceFinding]:
    at = FindingBuilder("followed-order", run)
    for found in followed_instructions(run):
        message = (
            f"{found.call.tool} was given “{one_line(found.value)}”, which only an order in the "
            f"result of step {found.told} names"
        )
        evidence = call_text(found.call)
        yield at.step(found.step, Severity.FAULT, message, evidence=evidence, also=(found.told,))


def _secrets(run: Run, _: WriteSummary) -> Iterable[TraceFinding]:
    if not run.redaction.placeholders:
        return ()
    found = secrets.ANALYSIS.examine(run, AnalysisContext())
    return (finding for finding in found if finding.severity is Severity.FAULT)


def _unread_writes(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    at = FindingBuilder("unread-write", run)
    for number, call in seen.unread:
        guess = "; by its name, a guess" if call.effect is Effect.UNKNOWN else ""
        message = f"{call.tool} wrote and nothing was read back after it{guess}"
        yield at.step(number, Severity.WARNING, message, evidence=call_text(call))


def _writes(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    at = FindingBuilder("write", run)
    for number, call in seen.writes:
        if call.succeeded:
            message = f"{call.tool} changed something"
            yield at.step(number, Severity.NOTE, message, evidence=call_text(call))


def _failed_writes(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    at = FindingBuilder("failed-write", run)
    for number, call in seen.writes:
        if call.failure:
            message = f"{call.tool} failed"
            yield at.step(number, Severity.WARNING, message, evidence=call_text(call))


def _loops(run: Run, _: WriteSummary) -> Iterable[TraceFinding]:
    return loops.ANALYSIS.examine(run, AnalysisContext())


def _misfits(run: Run, _: WriteSummary) -> Iterable[TraceFinding]:
    if not run.state.tools:
        return ()
    return (f for f in call_schema.ANALYSIS.examine(run, AnalysisContext()) if f.step is not None)


def _given_up(run: Run, _: WriteSummary) -> Iterator[TraceFinding]:
    """A failure of the last call."""
    for number, call in run.numbered_calls[-1:]:
        if call.failure:
            message = f"the run ended on a failure of {call.tool}"
            yield FindingBuilder("given-up", run).step(
                number, Severity.WARNING, message, evidence=call_text(call)
            )


def _handover(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    if seen.handover is not None:
        number, call = seen.handover
        message = f"{call.tool}: by its name, a person took over"
        yield FindingBuilder("handover", run).step(
            number, Severity.NOTE, message, evidence=call_text(call)
        )


def _destroyed(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    return _taken_away(run, is_local=False)


def _removed(run: Run, seen: WriteSummary) -> Iterator[TraceFinding]:
    return _taken_away(run, is_local=True)


def _taken_away(run: Run, *, is_local: bool) -> Iterator[TraceFinding]:
    """Calls known to be destructive that ran, or may have; guesses are no sign."""
    at = FindingBuilder("removed-files" if is_local else "destroyed", run)
    for number, call in calls(run):
        found = is_local_removal(call) if is_local else is_destruction(call)
        if found and may_have_run(call):
            what = call.effect_reason or f"{call.tool} is destructive"
            yield at.step(number, Severity.WARNING, what, evidence=call_text(call))


KINDS: tuple[SignKind, ...] = (
    SignKind("repeated-write", True, 2, "an effect happened twice, or may have", _repeated_writes),
    SignKind("policy", True, 3, "a rule the team wrote was broken", _policy),
    SignKind("false-claim", True, 1, "the agent reported what the trace denies", _false_claims),
    SignKind(
        "followed-order", True, 2, "text that came as data was followed", _followed_instructions
    ),
    SignKind("destroyed", True, 3, "something was taken away beyond this machine", _destroyed),
    SignKind("secret", True, 1, "whoever reads the trace has the key", _secrets),
    SignKind(
        "repeated-call", False, 2, "the same, if the tool writes as its name says", _repeated_calls
    ),
    SignKind("failed-write", False, 2, "something was attempted and refused", _failed_writes),
    SignKind("unread-write", False, 3, "nobody looked whether it happened", _unread_writes),
    SignKind("removed-files", False, 2, "files or uncommitted work were removed", _removed),
    SignKind("loop", False, 2, "work that did not get on", _loops),
    SignKind("given-up", False, 1, "the last thing known is a failure", _given_up),
    SignKind("misfit", False, 2, "a call did not fit its tool", _misfits),
    SignKind("write", False, 3, "every effect is a chance to be wrong", _writes),
    SignKind("handover", False, 1, "a person has seen it: it is not silent", _handover),
)
