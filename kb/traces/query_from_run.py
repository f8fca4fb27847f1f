"""A failing run as a search query: its request, course, errors, claims and faults.

The words are those of postmortems, so that a search over records understands them. Nothing is
concluded here either: what is called a fault is what the analyses find.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from kb.errors import KbError
from kb.records.facts_without_text import RunShape
from kb.traces.analyses.calls_made import is_destruction, may_have_run, result_text
from kb.traces.analyses.claims import claims
from kb.traces.analyses.finding import AnalysisContext, Severity, one_line
from kb.traces.analyses.idempotency import repeats
from kb.traces.analyses.loops import loops
from kb.traces.analyses.outcome_gap import unverified
from kb.traces.analyses.policy_path import ANALYSIS as POLICY_PATH
from kb.traces.analyses.prompt_injection import followed_instructions
from kb.traces.analyses.run_likeness import Signature, likeness, signature
from kb.traces.drafting.draft_sections import draft_title
from kb.traces.effects.tool_name_guess import seems_to_write
from kb.traces.fixture import FIXTURE, read_fixture
from kb.traces.run import Effect, Run, ToolCall

_MOST_ASKED = 2
_MOST_ERRORS = 5
_MOST_CLAIMS = 4
_MOST_STEPS = 40
_MOST_ORDERS = 2


@dataclass(frozen=True)
class QueryPart:
    """One part of the question: what it is, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class RunQuestion:
    """A run as a question. `tools` are those that were called, most used first.

    `classes` are the failure classes of what the trace proves; what only deserves a look has none.
    `shows_fault`: something went wrong in the trace. A run in which nothing did asks for nothing.
    """

    title: str
    parts: tuple[QueryPart, ...]
    tools: tuple[str, ...]
    classes: tuple[str, ...]
    shows_fault: bool


def question_from_run(run: Run) -> RunQuestion:
    """What a run asks a library of incidents; parts without a word are absent."""
    found = tuple(_faults(run))
    parts = (
        QueryPart("Asked", _request_text(run)),
        QueryPart("Course", _course(run)),
        QueryPart("Errors", " ".join(_errors(run))),
        QueryPart("Claims", " ".join(dict.fromkeys(_claimed(run)))),
        QueryPart("Found", " ".join(fault.text for fault in found)),
    )
    tools = Counter(call.tool for call in run.calls)
    return RunQuestion(
        title=draft_title(run) if any(fault.titles for fault in found) else "",
        parts=tuple(part for part in parts if part.text),
        tools=tuple(name for name, _ in tools.most_common()),
        classes=tuple(dict.fromkeys(fault.proves for fault in found if fault.proves)),
        shows_fault=any(fault.is_fault for fault in found),
    )


def _request_text(run: Run) -> str:
    parts = [run.trigger.text, *(m.text for m in run.messages if m.role == "user")]
    lines = [one_line(text) for text in dict.fromkeys(parts) if text.strip()]
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


@dataclass(frozen=True)
class _Fault:
    """What was found in words that postmortems use, and the failure class it proves, if any.

    `titles`: a draft of this run would be called after it. `is_fault`: it is not what runs that
    went well show as often.
    """

    text: str
    proves: str = ""
    titles: bool = False
    is_fault: bool = True


def _faults(run: Run) -> Iterator[_Fault]:
    for find in (_repeated, _followed, _destroyed, _claimed_success, _looped, _bypassed, _gave_up):
        yield from find(run)


def _repeated(run: Run) -> Iterator[_Fault]:
    for repeat in repeats(run):
        if repeat.ran + repeat.open > 1 and not repeat.is_harmless:
            known = repeat.effect is not Effect.UNKNOWN
            text = (
                f"{repeat.tool} was called {len(repeat.calls)} times with equal arguments: the "
                "side effect ran twice, or may have, after a retry without an idempotency key."
            )
            proves = "duplicate-side-effect" if known else ""
            yield _Fault(text, proves, titles=True, is_fault=known)


def _followed(run: Run) -> Iterator[_Fault]:
    for found in followed_instructions(run)[:_MOST_ORDERS]:
        text = (
            f"An instruction in data was followed, a prompt injection: {found.call.tool} was given "
            f"{one_line(found.value)}, which nobody asked for but the text that a tool returned."
        )
        yield _Fault(text, "prompt-injection", titles=True)


def _destroyed(run: Run) -> Iterator[_Fault]:
    for call in run.calls:
        if is_destruction(call) and may_have_run(call):
            what = call.effect_reason or f"{call.tool} is destructive"
            yield _Fault(f"Destroyed: {what}.", "destructive-action", titles=True)
            return


def _claimed_success(run: Run) -> Iterator[_Fault]:
    gap = unverified(run)
    if gap is None or gap.claim is None:
        return
    text = f"Success was claimed after {gap.call.tool}, and nothing was read back to verify it."
    is_false = gap.call.failure is not None and seems_to_write(gap.call)
    proves = "outcome-assert-gap" if is_false else ""
    yield _Fault(text, proves, titles=True, is_fault=is_false)


def _looped(run: Run) -> Iterator[_Fault]:
    for loop in loops(run):
        yield _Fault(f"The same calls ran in a loop, {loop.rounds} times.", "runaway-loop")


def _bypassed(run: Run) -> Iterator[_Fault]:
    for finding in POLICY_PATH.examine(run, AnalysisContext()):
        if finding.severity is Severity.FAULT:
            yield _Fault(f"{one_line(finding.message)}.", "policy-bypass")


def _gave_up(run: Run) -> Iterator[_Fault]:
    """The last call failed, and its tool never did what it was asked to."""
    last = run.calls[-1] if run.calls else None
    if last is not None and last.failure and not _ever_worked(run, last.tool):
        yield _Fault(f"The run ended on a failure of {last.tool}: {one_line(result_text(last))}.")


def _ever_worked(run: Run, tool: str) -> bool:
    return any(call.succeeded for call in run.calls if call.tool == tool)


#: A fixture above this size is not read for a comparison: a question has to be quick.
_MOST_BYTES = 5_000_000


#: From this likeness on a run with an error of a stored one went its way: see `checkup.groups`.
_SAME_WAY = 0.8


def alike_fixtures(run: Run, folder: Path) -> Mapping[str, float]:
    """How like a run the fixtures of a folder's records are, by record id; strangers are absent.

    A fixture that cannot be read, or is very large, is left out: `kb check` reports such files.
    """
    asked = signature(run)
    values = {name: likeness(asked, stored) for name, stored in _stored_signatures(folder)}
    return {name: value for name, value in values.items() if value > 0}


def is_known_failure(run: Run, folder: Path) -> bool:
    """Whether a run met an error that a stored run met too, and went its way otherwise."""
    asked = signature(run)
    return bool(asked.errors) and any(
        asked.errors & stored.errors and likeness(asked, stored) >= _SAME_WAY
        for _, stored in _stored_signatures(folder)
    )


def _stored_signatures(folder: Path) -> Iterator[tuple[str, Signature]]:
    return ((name, signature(run)) for name, run in _fixtures(folder))


def _fixtures(folder: Path) -> Iterator[tuple[str, Run]]:
    for path in sorted(folder.glob(f"20*/{FIXTURE}")):
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            yield path.parent.name, read_fixture(path)
        except (KbError, OSError):
            continue


def shapes_of_fixtures(folder: Path) -> Mapping[str, RunShape]:
    """The shape of each run that lies beside a folder's records, by record id."""
    return {name: shape_of(run) for name, run in _fixtures(folder)}


def shape_of(run: Run) -> RunShape:
    """A run's shape in hashes: as good as its signature for comparing, and nothing to read."""
    found = signature(run)
    parts = (found.tools, found.order, found.errors, found.effects)
    return RunShape(**dict(zip(_SHAPE_PARTS, map(_hashed, parts), strict=True)))


def alike_shapes(run: Run, shapes: Mapping[str, RunShape]) -> Mapping[str, float]:
    """How like a run these are, by their keys; strangers are absent."""
    asked = _as_signature(shape_of(run))
    found = ((name, likeness(asked, _as_signature(shape))) for name, shape in shapes.items())
    return {name: value for name, value in found if value > 0}


_SHAPE_PARTS = ("tools", "order", "errors", "effects")


def _hashed(values: Iterable[object]) -> tuple[str, ...]:
    digests = (hashlib.blake2b(repr(value).encode(), digest_size=8) for value in values)
    return tuple(sorted(digest.hexdigest() for digest in digests))


def _as_signature(shape: RunShape) -> Signature:
    """Hashes where names were: all that likeness asks is whether two are equal."""
    pairs = [frozenset((value, value) for value in v) for v in (shape.order, shape.errors)]
    effects = frozenset((value, True) for value in shape.effects)
    return Signature(frozenset(shape.tools), pairs[0], pairs[1], effects)
