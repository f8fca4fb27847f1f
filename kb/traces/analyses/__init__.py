"""Analyses of a run that ask nobody, one row each.

`finding` says what a finding is, `calls_made` and `claims` answer questions that several share,
`report` tells an audit in words. What each can and cannot show stands in `docs/analyses/`.
"""

from __future__ import annotations

from dataclasses import dataclass

from kb.traces.analyses import (
    call_schema,
    clocks,
    divergence,
    idempotency,
    loops,
    outcome_gap,
    policy_path,
    replayability,
    secrets,
)
from kb.traces.analyses.finding import Analysis, AnalysisContext, Severity, TraceFinding
from kb.traces.run import Run

__all__ = ["ANALYSES", "Analysis", "AnalysisContext", "Audit", "Severity", "TraceFinding", "audit"]

ANALYSES: tuple[Analysis, ...] = (
    idempotency.ANALYSIS,
    outcome_gap.ANALYSIS,
    policy_path.ANALYSIS,
    divergence.ANALYSIS,
    call_schema.ANALYSIS,
    loops.ANALYSIS,
    clocks.ANALYSIS,
    secrets.ANALYSIS,
    replayability.ANALYSIS,
)


@dataclass(frozen=True)
class Audit:
    """All findings about a run, in the order of the registry."""

    run: Run
    findings: tuple[TraceFinding, ...]

    @property
    def replayability(self) -> replayability.Replayability:
        """Whether the run can be replayed."""
        return replayability.replayability(self.run)


def audit(run: Run, context: AnalysisContext | None = None) -> Audit:
    """What all analyses find in a run. Raises `KbError` for a policy rule that is none."""
    context = context or AnalysisContext()
    found = (finding for row in ANALYSES for finding in row.examine(run, context))
    return Audit(run, tuple(found))
