"""One run of an archive in a few lines: what it did, what looks wrong in it, whether it failed."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from kb.traces.analyses import policy_path
from kb.traces.analyses.idempotency import take_keys
from kb.traces.analyses.replayability import replayability
from kb.traces.analyses.run_likeness import Signature, signature
from kb.traces.canonical_json import digest, digest_of_rows, value_key
from kb.traces.checkup.likelihood import features, score
from kb.traces.checkup.signs import Sign, WriteSummary, signs, write_summary
from kb.traces.run import Effect, Event, Message, Run, Step, ToolCall

#: Changes whenever facts or signs mean something else, so that old ones are not taken up again.
VERSION = 9
_POLICY = re.compile(r"\bpolic(?:y|ies)\b", re.IGNORECASE)
_GUARDS = frozenset({"guardrail", "permission", "policy"})


class RunSummary(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of an archive. `number` is its place in the file, from 1; `file` as it may be shown.

    `score` is the fitted likelihood of failure, `signature` its way for comparisons with others.
    `reads_back` and `has_key` are None where the run wrote nothing. `failed` is what the source
    itself says of the outcome, None where it says nothing; no rank depends on it.
    Runs with the same `content` are one run, exported twice; empty where there are no steps.
    """

    file: str
    number: int
    run: str
    format: str = ""
    task: str = ""
    content: str = ""
    steps: int = 0
    calls: int = 0
    tools: int = 0
    writes: int = 0
    is_guessed: bool = False
    replayable: str = "no"
    missing: tuple[str, ...] = ()
    reads_back: bool | None = None
    has_key: bool | None = None
    names_policy: bool = False
    failed: bool | None = None
    errors: int = 0
    started: str = ""
    score: float = 0.0
    signs: tuple[Sign, ...] = ()
    signature: Signature | None = None

    @property
    def is_proven(self) -> bool:
        """Whether a sign proves that something went wrong."""
        return any(sign.proves for sign in self.signs)


def facts(run: Run, file: str, number: int) -> RunSummary:
    """The facts of a run, its score among them."""
    seen, able = write_summary(run), replayability(run)
    found = signs(run, seen)
    return RunSummary(
        file=file,
        number=number,
        run=run.id,
        format=run.provenance.format,
        task=run.task,
        content=content_digest(run),
        steps=len(run.steps),
        calls=len(run.calls),
        tools=len({call.tool for call in run.calls}),
        writes=len(seen.writes),
        is_guessed=any(call.effect is Effect.UNKNOWN for call in run.calls),
        replayable=able.word,
        missing=tuple(need.to_log for need in able.missing),
        reads_back=None if not seen.writes else not seen.unread,
        has_key=_has_key(run, seen),
        names_policy=_names_policy(run),
        failed=_failed(run.source),
        errors=sum(call.failure is not None for call in run.calls),
        started=run.clocks.started.isoformat() if run.clocks.started else "",
        score=score(features(run, seen)),
        signs=found,
        signature=signature(run),
    )


def content_digest(run: Run) -> str:
    """What two exports of one run share: all that was said and called, with ids and times.

    Places in the source differ, and so may the id of the run where the source names none.
    """
    return digest_of_rows(map(_shared, run.steps)) if run.steps else ""


def _shared(step: Step) -> list[Any]:
    times = [step.started, step.ended]
    if isinstance(step, Message):
        parts = digest(step.parts) if step.parts else ""
        return [step.role, step.text, step.reasoning, parts, *times]
    if isinstance(step, ToolCall):
        failure = step.failure.message if step.failure else ""
        made = [value_key(step.arguments), value_key(step.result)]
        return [step.tool, step.id, *made, failure, *times]
    return [step.kind, step.name, step.text, *times]


def _has_key(run: Run, seen: WriteSummary) -> bool | None:
    """Whether every tool that wrote was given, or could be given, an idempotency key."""
    if not seen.writes:
        return None
    wrote = {call.tool for _, call in seen.writes}
    return take_keys(run, wrote)


def _names_policy(run: Run) -> bool:
    if _speaks_of_policy(run.state.prompt.text) or any(_applies(run, text) for text in run.policy):
        return True
    return any(isinstance(step, Event) and step.kind in _GUARDS for step in run.steps)


def _speaks_of_policy(text: str) -> bool:
    # Bytes are looked through 100 times as fast as the pattern; a byte for each character.
    at = text.encode("ascii", "replace").lower().find(b"polic")
    return at >= 0 and bool(_POLICY.search(text, max(0, at - 1)))


def _applies(run: Run, text: str) -> bool:
    """Whether a rule speaks of a tool that the run called."""
    rule = policy_path.read_rule(text)
    return any(fnmatchcase(call.tool, rule.tool) for call in run.calls)


def _failed(source: dict[str, Any]) -> bool | None:
    """What the source says of the outcome: a reward or score of 0 to 1, or a plain yes or no."""
    for key in ("reward", "score"):
        value = source.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return value < 1
    for key in ("success", "passed", "resolved"):
        if isinstance(source.get(key), bool):
            return not source[key]
    return None
