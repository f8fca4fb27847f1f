"""What would somebody ask who saw this run fail? Its request, course, errors, claims and faults.

The words are those of postmortems, so that a search over records understands them. Nothing is
concluded here either: what is called a fault is what the analyses find.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from kb.runs.analyses.calls_made import result_text
from kb.runs.analyses.claims import claims
from kb.runs.analyses.finding import Context, one_line
from kb.runs.analyses.idempotency import repeats
from kb.runs.analyses.loops import loops
from kb.runs.analyses.outcome_gap import unverified
from kb.runs.analyses.policy_path import ANALYSIS as POLICY_PATH
from kb.runs.evidence import draft_title
from kb.runs.run import Effect, Run, ToolCall

_MOST_ASKED = 2
_MOST_ERRORS = 5
_MOST_CLAIMS = 4
_MOST_STEPS = 40


@dataclass(frozen=True)
class AskedPart:
    """One part of the question: what it is, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class RunQuestion:
    """A run as a question. `tools` are those that were called, most used first."""

    title: str
    parts: tuple[AskedPart, ...]
    tools: tuple[str, ...]


def question_from_run(run: Run) -> RunQuestion:
    """What a run asks a library of incidents; parts without a word are absent."""
    parts = (
        AskedPart("Asked", _asked(run)),
        AskedPart("Course", _course(run)),
        AskedPart("Errors", " ".join(_errors(run))),
        AskedPart("Claims", " ".join(dict.fromkeys(_claimed(run)))),
        AskedPart("Found", " ".join(_found(run))),
    )
    tools = Counter(call.tool for call in run.calls)
    kept = tuple(part for part in parts if part.text)
    return RunQuestion(draft_title(run), kept, tuple(name for name, _ in tools.most_common()))


def _asked(run: Run) -> str:
    said = [run.trigger.text, *(m.text for m in run.messages if m.role == "user")]
    lines = [one_line(text) for text in dict.fromkeys(said) if text.strip()]
    return " ".join(lines[:_MOST_ASKED])


def _course(run: Run) -> str:
    """The calls in order, equal neighbours told once: `charge (write) failed, charge (write)`."""
    steps = [(word, len(list(same))) for word, same in groupby(map(_course_word, run.calls))]
    words = [word if times == 1 else f"{word} {times} times" for word, times in steps]
    more = f" and {len(words) - _MOST_STEPS} more" if len(words) > _MOST_STEPS else ""
    return f"The agent called {', '.join(words[:_MOST_STEPS])}{more}." if words else ""


def _course_word(call: ToolCall) -> str:
    effect = "" if call.effect is Effect.UNKNOWN else f" ({call.effect.value})"
    return f"{call.tool}{effect}{'' if call.succeeded else ' failed'}"


def _errors(run: Run) -> list[str]:
    """What went wrong, each message once."""
    failed = (call for call in run.calls if call.failure is not None)
    lines = dict.fromkeys(f"{call.tool}: {one_line(result_text(call))}." for call in failed)
    return list(lines)[:_MOST_ERRORS]


def _claimed(run: Run) -> list[str]:
    return [one_line(claim.text) for claim in claims(run)[-_MOST_CLAIMS:]]


def _found(run: Run) -> Iterator[str]:
    """What the trace proves or leaves open, in words that postmortems use."""
    for repeat in repeats(run):
        if repeat.ran + repeat.open > 1:
            times = len(repeat.calls)
            yield (
                f"{repeat.tool} was called {times} times with equal arguments: the side effect "
                "ran twice, or may have, after a retry without an idempotency key."
            )
    gap = unverified(run)
    if gap is not None and gap.claim is not None:
        yield f"Success was claimed after {gap.call.tool}, and nothing was read back to verify it."
    for loop in loops(run):
        yield f"The same calls went round in a loop, {loop.rounds} times."
    for finding in POLICY_PATH.examine(run, Context()):
        if finding.step is not None:
            yield f"{one_line(finding.message)}."
