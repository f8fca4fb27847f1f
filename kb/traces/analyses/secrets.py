"""Secrets and people that stood in the trace, told by the placeholders left for them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.run import Run

_NAME = "secrets"
_PLACEHOLDER = re.compile(rb"REDACTED_[A-Z]+_\d+")


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at = FindingBuilder(_NAME, run)
    if not run.redaction.applied:
        yield at.whole(Severity.WARNING, "the run was read without redaction: share it with nobody")
        return
    steps = _first_steps(run) if run.redaction.placeholders else {}
    for placeholder in run.redaction.placeholders:
        step = steps.get(placeholder.name)
        is_secret = placeholder.name.split("_")[1:2] == ["SECRET"]
        severity = Severity.FAULT if is_secret else Severity.NOTE
        todo = "; whoever reads the trace has it: rotate it" if is_secret else ""
        message = f"{placeholder.kind} in the trace, {placeholder.count} times{todo}"
        if step is None:
            yield at.whole(severity, message, evidence=placeholder.name)
        else:
            yield at.step(step, severity, message, evidence=placeholder.name)


def _first_steps(run: Run) -> dict[str, int]:
    """The first step that holds each placeholder."""
    first: dict[str, int] = {}
    for number, step in run.numbered():
        for name in _PLACEHOLDER.findall(msgspec.json.encode(step)):
            first.setdefault(name.decode("ascii"), number)
    return first


ANALYSIS = Analysis(_NAME, "Which secrets and personal data did the trace hold?", _examine)
