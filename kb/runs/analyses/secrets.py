"""What was in the trace that should not be in any trace? Told by the placeholders left for it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kb.runs.analyses.finding import Analysis, At, Context, Finding, Severity
from kb.runs.run import Run

_NAME = "secrets"


def _examine(run: Run, _: Context) -> Iterable[Finding]:
    at = At(_NAME, run)
    if not run.redaction.applied:
        yield at.whole(Severity.WARNING, "the run was read without redaction: share it with nobody")
        return
    for placeholder in run.redaction.placeholders:
        step = _first_step(run, placeholder.name)
        is_secret = placeholder.name.split("_")[1:2] == ["SECRET"]
        severity = Severity.FAULT if is_secret else Severity.NOTE
        todo = "; whoever reads the trace has it: rotate it" if is_secret else ""
        message = f"{placeholder.kind} in the trace, {placeholder.count} times{todo}"
        if step is None:
            yield at.whole(severity, message, evidence=placeholder.name)
        else:
            yield at.step(step, severity, message, evidence=placeholder.name)


def _first_step(run: Run, name: str) -> int | None:
    """The first step that holds a placeholder, None when it stands elsewhere."""
    wanted = name.encode()
    for number, step in run.numbered():
        raw = msgspec.json.encode(step)
        at = raw.find(wanted)
        # `…_1` is also the beginning of `…_12`.
        if at >= 0 and not raw[at + len(wanted) : at + len(wanted) + 1].isdigit():
            return number
    return None


ANALYSIS = Analysis(_NAME, "Which secrets and personal data did the trace hold?", _examine)
