"""Side effects that ran more than once: the same write with equal arguments.

The trace answers three questions of the audit (a key in the tool's schema, in the prompt, in the
calls). Whether the system behind the tool drops a second call is for people to say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from functools import lru_cache

from kb.traces.analyses.calls_made import (
    call_text,
    calls,
    effect_words,
    has_unknown_end,
    is_open_ended,
    may_have_run,
    same_calls,
    stays_on_this_machine,
)
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.run import Effect, Run, ToolCall, ToolDefinition

_NAME = "idempotency"
_KEY = re.compile(
    r"idempoten|dedup|request[_-]?id|client[_-]?token|transaction[_-]?id|nonce|external[_-]?id",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Repeat:
    """Equal calls of one tool that are not known to read only; `steps` are their places.

    `ran` counts those that succeeded, `open` those that ended without saying (a timeout), and
    `unproven` those that failed in words that do not prove that nothing happened.
    """

    tool: str
    effect: Effect
    calls: tuple[ToolCall, ...]
    steps: tuple[int, ...]

    @property
    def ran(self) -> int:
        """How many succeeded."""
        return sum(call.succeeded for call in self.calls)

    @property
    def open(self) -> int:
        """How many ended without saying whether they had run."""
        return sum(has_unknown_end(call) for call in self.calls if not call.succeeded)

    @property
    def is_harmless(self) -> bool:
        """Whether only files where the agent works can have changed, as when an edit is redone."""
        return all(map(stays_on_this_machine, self.calls))

    @property
    def unproven(self) -> int:
        """How many failed, and may have run all the same."""
        return sum(may_have_run(call) for call in self.calls if not call.succeeded) - self.open


@dataclass(frozen=True)
class KeyAudit:
    """What the trace says about one writing tool; None where it does not say."""

    tool: str
    effect: Effect
    times: int
    in_schema: bool | None
    in_prompt: bool | None
    in_trace: bool
    hinted_idempotent: bool | None
    repeat: Repeat | None


def repeats(run: Run) -> tuple[Repeat, ...]:
    """Calls that are not known to read only and were made more than once with equal arguments."""
    if len(set(run.call_keys)) == len(run.call_keys):
        return ()
    found = []
    for group in same_calls(run).values():
        first = group[0][1]
        if len(group) > 1 and first.effect.is_write:
            steps = tuple(number for number, _ in group)
            found.append(Repeat(first.tool, first.effect, tuple(c for _, c in group), steps))
    return tuple(found)


def key_audits(run: Run) -> tuple[KeyAudit, ...]:
    """The audit of every tool that was called and is not known to read only."""
    repeated = {repeat.tool: repeat for repeat in reversed(repeats(run))}
    tools: dict[str, list[ToolCall]] = {}
    for _, call in calls(run):
        if call.effect.is_write:
            tools.setdefault(call.tool, []).append(call)
    prompt = run.state.prompt.text
    in_prompt = _is_named_in(prompt) if prompt and tools else None
    return tuple(
        _audit(run, tool, made, repeated.get(tool), in_prompt) for tool, made in tools.items()
    )


def take_keys(run: Run, tools: Set[str]) -> bool:
    """Whether each tool was given a key in a call that may write, or could be given one."""
    keyed: set[str] = set()
    for call in run.calls:
        if call.tool in tools and call.tool not in keyed and call.effect.is_write:
            keyed |= {call.tool} if _has_key(call) else set()
    return all(tool in keyed or _has_key_in_schema(run.tool(tool)) for tool in tools)


def _has_key_in_schema(definition: ToolDefinition | None) -> bool | None:
    """Whether a tool's schema names a key; None where there is no schema."""
    schema = definition.parameters if definition else None
    return None if schema is None else bool(_KEY.search(json.dumps(schema, default=str)))


def _audit(
    run: Run, tool: str, made: list[ToolCall], repeat: Repeat | None, in_prompt: bool | None
) -> KeyAudit:
    definition = run.tool(tool)
    hints = (definition.annotations or {}) if definition else {}
    hint = hints.get("idempotentHint")
    return KeyAudit(
        tool=tool,
        effect=made[0].effect,
        times=len(made),
        in_schema=_has_key_in_schema(definition),
        in_prompt=in_prompt,
        in_trace=any(_has_key(call) for call in made),
        hinted_idempotent=hint if isinstance(hint, bool) else None,
        repeat=repeat,
    )


def _has_key(call: ToolCall) -> bool:
    """Whether the arguments name a key: the names count, not the values."""
    if isinstance(call.arguments, dict):
        return any(_is_key(str(name)) for name in call.arguments)
    return isinstance(call.arguments, str) and _is_named_in(call.arguments)


#: All that `_KEY` finds, as bytes: they are looked through 100 times as fast, and texts are long.
_KEY_BYTES = (
    *(b"idempoten", b"dedup", b"nonce"),
    *(
        first + between + last
        for first, last in (
            *((b"request", b"id"), (b"client", b"token")),
            *((b"transaction", b"id"), (b"external", b"id")),
        )
        for between in (b"", b"_", b"-")
    ),
)


def _is_named_in(text: str) -> bool:
    lowered = text.encode("ascii", "replace").lower()
    return any(word in lowered for word in _KEY_BYTES)


@lru_cache(maxsize=4096)
def _is_key(name: str) -> bool:
    return bool(_KEY.search(name))


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at = FindingBuilder(_NAME, run)
    for repeat in repeats(run):
        severity, what = _judged(repeat)
        step = repeat.steps[-1]
        message = (
            f"{repeat.tool} was called {len(repeat.calls)} times with equal arguments "
            f"(steps {', '.join(map(str, repeat.steps))}): {what}; "
            f"{effect_words(repeat.calls[0])}"
        )
        earlier = repeat.steps[:-1]
        yield at.step(step, severity, message, evidence=call_text(repeat.calls[-1]), also=earlier)
    for audit in key_audits(run):
        if audit.effect is not Effect.UNKNOWN:
            yield at.whole(Severity.NOTE, _key_sentences(audit))


def _key_sentences(audit: KeyAudit) -> str:
    """What the trace says about keys, and what has to be asked."""
    answers = {"schema": audit.in_schema, "prompt": audit.in_prompt, "calls": audit.in_trace}
    known = ", ".join(
        f"{place} {'unknown' if held is None else 'yes' if held else 'no'}"
        for place, held in answers.items()
    )
    return f"{audit.tool}: key in {known}; to ask: would the API, or the database, drop a repeat?"


def _judged(repeat: Repeat) -> tuple[Severity, str]:
    """How bad a repeat is: twice for certain, perhaps twice, or refused and tried again."""
    known = repeat.effect is not Effect.UNKNOWN and not repeat.is_harmless
    if repeat.ran > 1:
        return (Severity.FAULT if known else Severity.WARNING), f"{repeat.ran} of them succeeded"
    if (repeat.ran and repeat.open) or repeat.open > 1:
        what = (
            "one ended without saying whether it had run"
            if any(is_open_ended(call.failure) for call in repeat.calls)
            else "one was not answered"
        )
        return (Severity.FAULT if known else Severity.WARNING), what
    if repeat.ran and repeat.unproven and known:
        what = "one succeeded, and the error of the other does not prove that it had not run"
        return Severity.WARNING, what
    return Severity.NOTE, "not more than one of them succeeded"


ANALYSIS = Analysis(
    _NAME,
    "Was a side effect executed more than once, and was there a key that made it safe?",
    _examine,
    baseline=(
        "of 100 airline runs 3 repeated a write and 1 ran it twice; all 3 failed, as did 51 "
        "of all: too few to predict anything"
    ),
)
