"""What of a replay may be told? All of it, after secrets and people were replaced.

A fixture is clean, but the agent of today is a live one: it may print its keys, and mail addresses
it found somewhere else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kb.runs.telling.notes import Notes
from kb.traces.normalize.clean_run import Cleaner
from kb.traces.redaction.redact import Redactor
from kb.traces.replay.asserts import Held
from kb.traces.replay.executor import Attempt
from kb.traces.replay.trials import Replay, Trial


def disclosed(done: Replay, allow: Iterable[str] = ()) -> Replay:
    """The replay with placeholders in everything that the agent said, tried and complained of.

    A value has one placeholder in all trials. `allow` are values, or patterns, that stay.
    """
    cleaner = Cleaner(Redactor(allow=allow), Notes())
    told = cleaner.cleaned(_numbered(_told(trial) for trial in done.trials))
    trials = (
        _retold(trial, words) for trial, words in zip(done.trials, told.values(), strict=True)
    )
    return replace(done, trials=tuple(trials))


def _numbered(parts: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Values under numbers: texts in a list would be looked at as the pieces of one text."""
    return {str(number): part for number, part in enumerate(parts)}


def _told(trial: Trial) -> dict[str, Any]:
    """Everything in a trial that the agent had a hand in."""
    attempts = ({"tool": a.tool, "arguments": a.arguments} for a in trial.attempts)
    held = ({"claim": held.claim, "seen": held.seen} for held in trial.held)
    words = {"text": trial.text, "why": trial.why, "complaint": trial.complaint}
    return {"attempts": _numbered(attempts), "held": _numbered(held), "words": words}


def _retold(trial: Trial, told: dict[str, Any]) -> Trial:
    attempts, held = told["attempts"].values(), told["held"].values()
    return replace(
        trial,
        attempts=tuple(_attempt(*pair) for pair in zip(trial.attempts, attempts, strict=True)),
        held=tuple(_held(*pair) for pair in zip(trial.held, held, strict=True)),
        **told["words"],
    )


def _attempt(attempt: Attempt, told: dict[str, Any]) -> Attempt:
    """An attempt without what it was answered, which no report shows."""
    return replace(attempt, answer="", **told)


def _held(held: Held, told: dict[str, Any]) -> Held:
    return replace(held, **told)
