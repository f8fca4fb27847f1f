"""A finding of an analysis with its place in the trace: evidence, not verdict."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from fnmatch import fnmatchcase

import msgspec

from kb.sentences import clipped
from kb.traces.run import Run, Step

_EVIDENCE_CHARACTERS = 240
#: White space goes before the cut; nobody writes more of it than this.
_LOOKED_AT = 4_000
#: Where a text is not mostly white space, so much of it gives a line.
_MOSTLY_ENOUGH = 600
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class Severity(StrEnum):
    """How much a finding asks of its reader."""

    FAULT = "fault"
    """The trace proves that something went wrong."""
    WARNING = "warning"
    """What the trace shows deserves a look; it can be right."""
    NOTE = "note"
    """What cannot be told, or is only good to know."""


class TraceFinding(msgspec.Struct, frozen=True):
    """One thing an analysis found.

    `evidence` are the words of the trace, cut to one line; `step` is its number in the run, None
    for what concerns the run as a whole. `steps` are all steps it speaks of.
    """

    analysis: str
    severity: Severity
    message: str
    evidence: str = ""
    step: int | None = None
    steps: tuple[int, ...] = ()
    span_id: str = ""
    where: str = ""
    time: datetime | None = None


@dataclass(frozen=True)
class AnalysisContext:
    """What an analysis may know besides the run.

    `passing` is a run of the same task that went well, `effects` are the names under
    `[runs.effects]` of `kb.toml`.
    """

    passing: Run | None = None
    effects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Analysis:
    """One analysis: a row of the registry.

    `question` is what it asks of a run; `baseline` says how it fares beside a constant answer,
    empty where it predicts nothing. `examine` is a pure function.
    """

    name: str
    question: str
    examine: Callable[[Run, AnalysisContext], Iterable[TraceFinding]]
    baseline: str = ""


@dataclass(frozen=True)
class FindingBuilder:
    """A finding of one analysis in the making: it knows the run, and so the places."""

    analysis: str
    run: Run

    def step(
        self,
        number: int,
        severity: Severity,
        message: str,
        *,
        evidence: str = "",
        also: Iterable[int] = (),
    ) -> TraceFinding:
        """A finding at a step of the run."""
        step = self.run.steps[number]
        return TraceFinding(
            self.analysis,
            severity,
            message,
            one_line(evidence),
            number,
            (number, *also),
            getattr(step, "span_id", ""),
            step.where,
            time_of_step(step),
        )

    def whole(self, severity: Severity, message: str, *, evidence: str = "") -> TraceFinding:
        """A finding about the run as a whole."""
        return TraceFinding(self.analysis, severity, message, one_line(evidence))


def time_of_step(step: Step) -> datetime | None:
    """When a step was over, or began where its end is not known."""
    return step.ended or step.started


def one_line(text: str) -> str:
    """Text of a trace, fit for a terminal: one line, cut, without control characters."""
    plain = _without_controls(text[:_MOSTLY_ENOUGH])
    if len(text) > _MOSTLY_ENOUGH and len(plain) < 2 * _EVIDENCE_CHARACTERS:
        plain = _without_controls(text[:_LOOKED_AT])
    return clipped(plain, _EVIDENCE_CHARACTERS)


def _without_controls(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def counted(numbers: Mapping[str, int]) -> str:
    """`a (3), b (1)`, the most frequent first."""
    ranked = sorted(numbers.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} ({number})" for name, number in ranked)


#: Letters two names share before one is taken for a slip of the other (0–1): refnd, refund.
_LIKENESS = 0.75
_MAX_NAMES = 5


def unmatched(names: Iterable[str], run: Run) -> list[str]:
    """The names or patterns that fit no tool the run called or was offered."""
    tools = _tools(run)
    return [n for n in dict.fromkeys(names) if not any(fnmatchcase(t, n) for t in tools)]


def listed(names: Iterable[str], run: Run) -> str:
    """Names for a sentence, with the tool each may have meant: `refnd (near: refund)`."""
    near = {name: get_close_matches(name, _tools(run), n=1, cutoff=_LIKENESS) for name in names}
    ranked = sorted(near.items(), key=lambda pair: not pair[1])
    parts = [f"{name} (near: {tools[0]})" if tools else name for name, tools in ranked]
    more = [f"{len(parts) - _MAX_NAMES} more"] if len(parts) > _MAX_NAMES else []
    return ", ".join(parts[:_MAX_NAMES] + more)


def _tools(run: Run) -> list[str]:
    called = (call.tool for call in run.calls)
    return list(dict.fromkeys([*called, *(tool.name for tool in run.state.tools)]))
