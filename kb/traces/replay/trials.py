"""N trials of an entry point on one frozen run, and their verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from kb.errors import KbError
from kb.statistics import share_interval
from kb.traces.canonical_json import digest
from kb.traces.replay import protocol
from kb.traces.replay.agent_process import ChildProcess, EntryPoint, OverdueError, ProtocolError
from kb.traces.replay.asserts import AssertResult, check_asserts, evaluate_assert, is_vacuous, world
from kb.traces.replay.frozen_state import freeze
from kb.traces.replay.tool_answers import Attempt, Executor, LookupMode, Outcome
from kb.traces.run import Run

_MAX_CALLS = 1_000
_MAX_SAID = 1_000
#: 95 % of the normal distribution.


class TrialVerdict(StrEnum):
    """What a trial showed."""

    PASS = "PASS"  # noqa: S105 - the word, no secret
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True)
class Trial:
    """One trial: what was attempted, how it ended, and what that means.

    `why` says why it is inconclusive; `held` are the asserts judged.
    """

    number: int
    verdict: TrialVerdict
    attempts: tuple[Attempt, ...]
    held: tuple[AssertResult, ...]
    text: str = ""
    why: str = ""
    complaint: str = ""


@dataclass(frozen=True)
class Settings:
    """How a run is replayed."""

    entry: EntryPoint
    trials: int = 10
    seconds: float = 60.0
    mode: LookupMode = LookupMode.STRICT
    progress: Callable[[Trial], None] = field(default=lambda _: None)


@dataclass(frozen=True)
class Replay:
    """All trials of a run. `low` and `high` bound the share that passes: Wilson, 95 %."""

    run: Run
    mode: LookupMode
    entry: str
    trials: tuple[Trial, ...]

    def count(self, verdict: TrialVerdict) -> int:
        """How many trials ended so."""
        return sum(trial.verdict is verdict for trial in self.trials)

    @property
    def verdict(self) -> TrialVerdict:
        """FAIL where a trial failed, PASS where every one passed; anything else proves nothing."""
        if self.count(TrialVerdict.FAIL):
            return TrialVerdict.FAIL
        is_whole = 0 < self.count(TrialVerdict.PASS) == len(self.trials)
        return TrialVerdict.PASS if is_whole else TrialVerdict.INCONCLUSIVE

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares the true one of passing trials lies, with 95 % confidence."""
        return share_interval(self.count(TrialVerdict.PASS), len(self.trials)) or (0.0, 1.0)

    @property
    def is_one_trial(self) -> bool:
        """Whether all trials attempted and said the same: then N of them prove what one does."""
        return len(self.trials) > 1 and len({_course(trial) for trial in self.trials}) == 1


def replay(run: Run, settings: Settings) -> Replay:
    """The trials of a run. Raises `KbError` where there is nothing to judge by, or to begin at."""
    _check(run)
    trials = []
    for number in range(1, settings.trials + 1):
        trials.append(_trial(run, number, settings))
        settings.progress(trials[-1])
    return Replay(run, settings.mode, settings.entry.text, tuple(trials))


def _check(run: Run) -> None:
    if not run.asserts:
        raise KbError(
            "the fixture has no outcome asserts, so no trial could pass or fail",
            where="kb.asserts",
            todo="Write what must hold into a file and name it with --known; see docs/replay.md.",
        )
    if run.state.freeze_step > len(run.steps):
        raise KbError(
            f"the freeze step {run.state.freeze_step} is behind the last step, {len(run.steps)}",
            where="kb.state",
            todo="Name another with --from.",
        )
    check_asserts(run.asserts)


@dataclass
class _Course:
    """What happens in a trial, while it happens."""

    attempts: list[Attempt] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    text: str = ""
    why: str = ""


def _trial(run: Run, number: int, settings: Settings) -> Trial:
    executor, course, complaint = Executor(run, settings.mode), _Course(), ""
    with ChildProcess(settings.entry, settings.seconds) as child:
        try:
            start = protocol.Start(run=freeze(run, number).run, trial=number, now=_now(executor))
            child.send(protocol.encode(start))
            _converse(child, executor, course)
        except OverdueError:
            course.why = f"it did not end within {settings.seconds:g} s"
        except ProtocolError as fault:
            course.why = f"the entry point broke the protocol: {fault}"
        if course.why:
            complaint = child.complaint()
    return _judged(run, number, course, complaint)


def _converse(child: ChildProcess, executor: Executor, course: _Course) -> None:
    """Answer the child until it ends, breaks, or asks for what the tape does not hold."""
    while True:
        raw = child.line()
        if raw is None:
            course.why = "the entry point ended without a word"
            return
        try:
            line = protocol.from_agent(raw)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ProtocolError(str(error)) from error
        if not _go_on(line, child, executor, course):
            return


def _go_on(
    line: protocol.FromAgent, child: ChildProcess, executor: Executor, course: _Course
) -> bool:
    """Take in one line; whether the trial goes on."""
    if isinstance(line, protocol.End):
        course.text = line.text
        return False
    if isinstance(line, protocol.AgentFault):
        course.why = f"the entry point failed: {line.what}"
        return False
    if isinstance(line, protocol.Say):
        course.said += [line.text] if len(course.said) < _MAX_SAID else []
        return True
    return _answer(line, child, executor, course)


def _answer(line: protocol.Call, child: ChildProcess, executor: Executor, course: _Course) -> bool:
    if len(course.attempts) >= _MAX_CALLS:
        course.why = f"it made more than {_MAX_CALLS} calls"
        return False
    attempt = executor.attempt(line.tool, line.arguments)
    course.attempts.append(attempt)
    if attempt.outcome is Outcome.NOT_ON_TAPE:
        child.send(protocol.encode(protocol.Stop(reason="not on the tape")))
        return False
    refused = attempt.outcome is Outcome.REFUSED
    answer = protocol.ToolReply(text=attempt.answer, refused=refused, now=_now(executor))
    child.send(protocol.encode(answer))
    return True


def _judged(run: Run, number: int, course: _Course, complaint: str) -> Trial:
    """The verdict: what is broken for good fails, and a gap on the tape never passes."""
    seen = world(run, course.attempts, course.said, course.text)
    held = tuple(evaluate_assert(each, seen) for each in run.asserts)
    why = course.why or _gap(course.attempts) or _idleness(run, course)
    broken = [each for each in held if not each.holds and (each.is_final or not why)]
    verdict = (
        TrialVerdict.FAIL if broken else TrialVerdict.INCONCLUSIVE if why else TrialVerdict.PASS
    )
    return Trial(number, verdict, tuple(course.attempts), held, course.text, why, complaint)


def _gap(attempts: list[Attempt]) -> str:
    """The first call that neither the tape nor a person could answer, in words."""
    unknown = next((a for a in attempts if not a.is_known and not a.has_drift), None)
    if unknown is None:
        return ""
    arguments = msgspec.json.encode(unknown.arguments, enc_hook=str).decode("utf-8", "replace")
    kind = "write" if unknown.effect.is_write else "read"
    lacking = "does not hold"
    if unknown.is_beyond_write:
        lacking = "has a write between the freeze and"
    return f"the tape {lacking} this {kind}: {unknown.tool} {arguments}"


def _idleness(run: Run, course: _Course) -> str:
    """Why a trial that called nothing proves nothing: words alone keep every upper bound."""
    if course.attempts or not is_vacuous(run):
        return ""
    return "it attempted nothing, and no assert asks for anything: add one with --known"


def _now(executor: Executor) -> str:
    now = executor.now()
    return now.isoformat() if now else ""


def _course(trial: Trial) -> str:
    return digest([[[a.tool, a.arguments] for a in trial.attempts], trial.text, trial.why])
