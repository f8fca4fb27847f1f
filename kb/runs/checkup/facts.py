"""What is worth keeping of a run? A few lines: what it holds, and what in it looks wrong.

Values here go to disk between two passes, so they are small and plain.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from kb.runs.checkup.world import World, world
from kb.traces.analyses import policy_path
from kb.traces.analyses.idempotency import key_audits
from kb.traces.analyses.replayability import replayability
from kb.traces.canonical_json import digest
from kb.traces.checkup.signs import Sign, signs
from kb.traces.run import Effect, Event, Message, Run, Step, ToolCall

#: Changes whenever facts or signs mean something else, so that old ones are not taken up again.
VERSION = 3
_POLICY = re.compile(r"\bpolic(?:y|ies)\b", re.IGNORECASE)
_GUARDS = frozenset({"guardrail", "permission", "policy"})


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of an archive. `number` is its place in the file, from 1; `file` as it may be shown.

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
    score: float = 0.0
    signs: tuple[Sign, ...] = ()


def facts(run: Run, file: str, number: int) -> Facts:
    """The facts of a run, its score among them."""
    seen, able = world(run), replayability(run)
    found = signs(run, seen)
    return Facts(
        file=file,
        number=number,
        run=run.id,
        format=run.provenance.format,
        task=run.task,
        content=_content(run),
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
        score=round(sum(sign.weight for sign in found), 3),
        signs=found,
    )


def _content(run: Run) -> str:
    """What two exports of one run share: all that was said and called, with ids and times.

    Places in the source differ, and so may the id of the run where the source names none.
    """
    return digest([_shared(step) for step in run.steps]) if run.steps else ""


def _shared(step: Step) -> list[Any]:
    times = [step.started, step.ended]
    if isinstance(step, Message):
        return [step.role, step.text, step.reasoning, step.parts, *times]
    if isinstance(step, ToolCall):
        failure = step.failure.message if step.failure else ""
        return [step.tool, step.id, step.arguments, step.result, failure, *times]
    return [step.kind, step.name, step.text, *times]


def _has_key(run: Run, seen: World) -> bool | None:
    """Whether every tool that wrote was given, or could be given, an idempotency key."""
    if not seen.writes:
        return None
    wrote = {call.tool for _, call in seen.writes}
    return all(a.in_trace or a.in_schema for a in key_audits(run) if a.tool in wrote)


def _names_policy(run: Run) -> bool:
    if _POLICY.search(run.state.prompt.text) or any(_applies(run, text) for text in run.policy):
        return True
    return any(isinstance(step, Event) and step.kind in _GUARDS for step in run.steps)


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
