"""The times a run proves, and times that cannot be right."""

from __future__ import annotations

from collections.abc import Iterable

from kb.humanize import seconds_in_words
from kb.traces.analyses.calls_made import call_text, calls
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.run import Run

_NAME = "clocks"


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at = FindingBuilder(_NAME, run)
    if run.clocks.started is None:
        yield at.whole(Severity.NOTE, "the trace has no times")
    yield from _first_warning(run, at)
    yield from _impossible(run, at)


def _first_warning(run: Run, at: FindingBuilder) -> Iterable[TraceFinding]:
    """The first failure, and how much was written after it."""
    failed = next(((n, c) for n, c in calls(run) if c.failure), None)
    if failed is None:
        return
    number, call = failed
    later = [c for n, c in calls(run) if n > number and c.effect.is_write and c.succeeded]
    minutes = _time_to_end(run)
    message = f"first warning: {call.tool} failed{minutes}"
    message += f"; {len(later)} calls that may write succeeded after it" if later else ""
    severity = Severity.WARNING if later else Severity.NOTE
    yield at.step(number, severity, message, evidence=call_text(call))


def _time_to_end(run: Run) -> str:
    first, end = run.clocks.first_failure, run.clocks.ended
    if first is None or end is None:
        return ""
    return f", {seconds_in_words((end - first).total_seconds())} before the end of the run"


def _impossible(run: Run, at: FindingBuilder) -> Iterable[TraceFinding]:
    for number, step in run.numbered():
        if step.started and step.ended and step.ended < step.started:
            yield at.step(number, Severity.NOTE, "ends before it begins: two clocks disagree")


ANALYSIS = Analysis(
    _NAME,
    "When was the first warning, and what was done after it?",
    _examine,
    baseline=(
        "on 126 logs with a known decisive step the first failure (67 made) is that step "
        "once, and at most one step away 35 times; 'always step 1' is it 34 times, and at "
        "most one away 66 times"
    ),
)
