"""An audit in words, by analysis, and as the contract's JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kb.terminal import as_lines
from kb.traces.analyses import ANALYSES, Audit, Severity
from kb.traces.analyses.finding import TraceFinding

_MARKS = {Severity.FAULT: "✗", Severity.WARNING: "!", Severity.NOTE: "·"}


def audit_text(done: Audit) -> str:
    """The findings, one analysis after the other; what is silent is said at the end."""
    lines = [f"{done.run.id}: {len(done.run.steps)} steps, {len(done.run.calls)} tool calls"]
    quiet = []
    for row in ANALYSES:
        found = [finding for finding in done.findings if finding.analysis == row.name]
        if not found:
            quiet.append(row.name)
            continue
        lines += ["", f"{row.name}: {row.question}"]
        for finding in found:
            lines += _finding_lines(finding)
        if row.baseline and any(finding.step is not None for finding in found):
            lines.append(f"  baseline: {row.baseline}")
    if quiet:
        lines += ["", f"nothing found by: {', '.join(quiet)}"]
    lines += ["", "This is evidence, not a verdict: docs/analyses says what each can show."]
    return as_lines(lines)


def audits_json(audits: Sequence[Audit]) -> dict[str, Any]:
    """The findings for machines: each names its run; the summary is over all runs of the file."""
    ables = [done.replayability for done in audits]
    words = {able.word for able in ables}
    return {
        "schema": "kb.run-audit/1",
        "findings": [
            {"run": done.run.id} | _finding_json(finding)
            for done in audits
            for finding in done.findings
        ],
        "replayable": words.pop() if len(words) == 1 else "partly" if words else "no",
        "missing": list(dict.fromkeys(need.what for able in ables for need in able.missing)),
        "runs": [
            {"run": done.run.id, "replayable": able.word, "replayability": round(able.score, 4)}
            for done, able in zip(audits, ables, strict=True)
        ],
        "baselines": {row.name: row.baseline for row in ANALYSES if row.baseline},
    }


def _finding_lines(finding: TraceFinding) -> list[str]:
    place = [f"step {finding.step}"] if finding.step is not None else []
    place += [f"{finding.time:%Y-%m-%d %H:%M:%SZ}"] if finding.time else []
    place += [finding.where] if finding.where else []
    shown = f" ({', '.join(place)})" if place else ""
    lines = [f"  {_MARKS[finding.severity]} {finding.message}{shown}"]
    return lines + ([f"      {finding.evidence}"] if finding.evidence else [])


def _finding_json(finding: TraceFinding) -> dict[str, Any]:
    values = {
        "analysis": finding.analysis,
        "step": finding.step,
        "severity": finding.severity.value,
        "message": finding.message,
        "evidence": finding.evidence,
        "steps": list(finding.steps),
    }
    values |= {"span_id": finding.span_id} if finding.span_id else {}
    values |= {"where": finding.where} if finding.where else {}
    return values | ({"time": finding.time.isoformat()} if finding.time else {})
