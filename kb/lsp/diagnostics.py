"""Problems of `kb check` as diagnostics of the protocol."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from lsprotocol import types

from kb.lint.rule import ERROR, PriorSuggestion, Problem
from kb.lint.runner import find
from kb.lsp.open_record import OpenRecord
from kb.terminal import visible

SOURCE = "kb"


def problems_of(
    record: OpenRecord, likely: Sequence[PriorSuggestion] | None = None
) -> tuple[Problem, ...]:
    """What the active rules find in a record as it stands.

    `likely` are the earlier incidents search holds likely, None where it was not asked.
    """
    context = record.view.context(record.today)
    if likely is not None:
        context = replace(context, likely_priors=lambda _: likely)
    problems, _ = find((record.document,), context)
    return tuple(problems)


def diagnostics(record: OpenRecord, problems: Iterable[Problem]) -> list[types.Diagnostic]:
    """The diagnostics of problems, each where its words stand."""
    return [diagnostic(record, problem) for problem in problems]


def diagnostic(record: OpenRecord, problem: Problem) -> types.Diagnostic:
    """One problem: errors are errors, advice is information."""
    is_error = problem.severity == ERROR
    return types.Diagnostic(
        range=record.range_of(problem.line, problem.column, problem.length),
        message=visible(problem.message),
        severity=types.DiagnosticSeverity.Error
        if is_error
        else types.DiagnosticSeverity.Information,
        code=f"{problem.rule} {problem.name}",
        source=SOURCE,
    )
