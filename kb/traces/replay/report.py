"""A replay as k of N in words with an interval, and as JSON; without secrets or people.

`allow` are values, or patterns of values, that are told all the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import msgspec

from kb.sentences import clipped
from kb.terminal import as_lines
from kb.traces.normalize.clean_run import RunCleaner
from kb.traces.redaction import Redactor
from kb.traces.replay.asserts import AssertResult
from kb.traces.replay.tool_answers import Attempt, Outcome
from kb.traces.replay.trials import Replay, Trial, TrialVerdict
from kb.traces.run import ImportWarnings


def redact_report(done: Replay, allow: Iterable[str] = ()) -> Replay:
    """The replay with placeholders in everything that the agent said, tried and complained of.

    A value has one placeholder in all trials. `allow` are values, or patterns, that stay.
    """
    cleaner = RunCleaner(Redactor(allow=allow), ImportWarnings())
    told = cleaner.cleaned(_numbered(_agent_texts(trial) for trial in done.trials))
    trials = (
        _retold(trial, words) for trial, words in zip(done.trials, told.values(), strict=True)
    )
    return replace(done, trials=tuple(trials))


def _numbered(parts: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values under numbers: texts in a list would be looked at as the pieces of one text."""
    return {str(number): part for number, part in enumerate(parts)}


def _agent_texts(trial: Trial) -> dict[str, Any]:
    """Everything in a trial that the agent had a hand in."""
    attempts = ({"tool": a.tool, "arguments": a.arguments} for a in trial.attempts)
    held = ({"claim": held.claim, "seen": held.seen} for held in trial.held)
    words = {"text": trial.text, "why": trial.why, "complaint": trial.complaint}
    return {"attempts": _numbered(attempts), "held": _numbered(held), "words": words}


def _retold(trial: Trial, fields: dict[str, Any]) -> Trial:
    attempts, held = fields["attempts"].values(), fields["held"].values()
    return replace(
        trial,
        attempts=tuple(_attempt(*pair) for pair in zip(trial.attempts, attempts, strict=True)),
        held=tuple(_held(*pair) for pair in zip(trial.held, held, strict=True)),
        **fields["words"],
    )


def _attempt(attempt: Attempt, fields: dict[str, Any]) -> Attempt:
    """An attempt without what it was answered, which no report shows."""
    return replace(attempt, answer="", **fields)


def _held(held: AssertResult, fields: dict[str, Any]) -> AssertResult:
    return replace(held, **fields)


_ARGUMENT_CHARACTERS = 100
_SAME_SHOWN = 3
_SEEN_CHARACTERS = 160
_COMPLAINT_LINES = 6
_COMPLAINT_CHARACTERS = 600


def replay_text(done: Replay, allow: Iterable[str] = ()) -> str:
    """The report of all trials, each different course shown once."""
    done = redact_report(done, allow)
    lines = [_headline(done), ""]
    for trials in _courses(done.trials):
        lines += _course_lines(trials)
    lines += _remarks(done)
    return as_lines(lines).rstrip() + "\n"


def replay_json(done: Replay, allow: Iterable[str] = ()) -> dict[str, Any]:
    """The report for machines."""
    done = redact_report(done, allow)
    low, high = done.interval
    return {
        "schema": "kb.run-replay/1",
        "entry": done.entry,
        "mode": done.mode.value,
        "freeze_step": done.run.state.freeze_step,
        "n": len(done.trials),
        "passed": done.count(TrialVerdict.PASS),
        "failed": done.count(TrialVerdict.FAIL),
        "inconclusive": done.count(TrialVerdict.INCONCLUSIVE),
        "low": round(low, 4),
        "high": round(high, 4),
        "trials": [_trial_json(trial) for trial in done.trials],
    }


def _headline(done: Replay) -> str:
    low, high = done.interval
    n = len(done.trials)
    parts = [
        f"{done.count(verdict)} {verdict.value}" for verdict in TrialVerdict if done.count(verdict)
    ]
    share = f"{done.count(TrialVerdict.PASS)}/{n} passed (95 % interval {low:.0%}–{high:.0%})"
    return f"{', '.join(parts)}: {share}, {done.entry}, from step {done.run.state.freeze_step}"


def _courses(trials: tuple[Trial, ...]) -> list[list[Trial]]:
    """The trials, those that took the same course together."""
    groups: dict[str, list[Trial]] = {}
    for trial in trials:
        key = repr((trial.verdict, trial.attempts, trial.text, trial.why))
        groups.setdefault(key, []).append(trial)
    return list(groups.values())


def _course_lines(trials: list[Trial]) -> list[str]:
    first = trials[0]
    lines = [f"{_numbers(trials)}: {first.verdict.value}"]
    lines += [f"  {_attempt_line(attempt)}" for attempt in first.attempts]
    if first.text:
        lines.append(f"  said: {_shown(first.text)}")
    for held in first.held:
        # A trial that was cut short might have mended it still.
        is_broken = held.is_final or not first.why
        mark = "holds" if held.holds else "BROKEN" if is_broken else "open"
        lines.append(f"  {mark}: {_shown(held.claim)} ({_seen_text(held)})")
    if first.why:
        lines.append(f"  why: {_shown(first.why)}")
    complaint = first.complaint.splitlines()[-_COMPLAINT_LINES:]
    lines += [f"    | {line[:_COMPLAINT_CHARACTERS]}" for line in complaint]
    return [*lines, ""]


def _numbers(trials: list[Trial]) -> str:
    if len(trials) == 1:
        return f"trial {trials[0].number}"
    if len(trials) > _SAME_SHOWN:
        return f"{len(trials)} trials alike"
    return f"trials {', '.join(str(trial.number) for trial in trials)}"


def _attempt_line(attempt: Attempt) -> str:
    notes = [attempt.outcome.value]
    if attempt.has_drift:
        notes.append("answer to other arguments")
    if attempt.outcome is Outcome.REFUSED and not attempt.is_known:
        notes.append("not on the tape")
    return f"{attempt.tool} {_arguments(attempt.arguments)} → {', '.join(notes)}"


def _arguments(arguments: Any) -> str:
    return _shown(msgspec.json.encode(arguments, enc_hook=str).decode("utf-8", "replace"))


def _shown(text: str) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return clipped(shown, 2 * _ARGUMENT_CHARACTERS)


def _seen_text(held: AssertResult) -> str:
    return clipped(held.seen, _SEEN_CHARACTERS)


def _remarks(done: Replay) -> list[str]:
    remarks = []
    if done.is_one_trial:
        remarks.append(
            "All trials took the same course: an agent without chance proves by N trials what it "
            "proves by one, and the interval says nothing more."
        )
    drift = sum(any(a.has_drift for a in t.attempts) for t in done.trials)
    if drift:
        remarks.append(f"{drift} of {len(done.trials)} trials got answers to other arguments.")
    if done.count(TrialVerdict.INCONCLUSIVE):
        remarks.append(
            "An inconclusive trial proves nothing. Where the tape lacks an answer, look it up and "
            "add it with --known."
        )
    return remarks


def _trial_json(trial: Trial) -> dict[str, Any]:
    return {
        "number": trial.number,
        "verdict": trial.verdict.value,
        "why": trial.why,
        "text": trial.text,
        "attempts": [
            {
                "tool": attempt.tool,
                "arguments": attempt.arguments,
                "outcome": attempt.outcome.value,
                "effect": attempt.effect.value,
                "on_tape": attempt.is_known,
                "drift": attempt.has_drift,
            }
            for attempt in trial.attempts
        ],
        "asserts": [
            {"claim": held.claim, "holds": held.holds, "seen": _seen_text(held)}
            for held in trial.held
        ],
    }
