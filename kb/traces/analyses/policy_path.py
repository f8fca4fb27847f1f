"""The order of calls against rules of order between tools.

A rule is one line of `kb.toml`; names may be patterns such as `refund_*`:

    refund requires approve before it      every refund comes after an approve that succeeded
    refund requires read_ledger after it   every refund is followed by a read_ledger
    refund at most 1 time                  counted over the run
    delete_* is forbidden

A call that answered `approved: false` has succeeded and approves nothing. A name that fits no tool
of the run is said: a rule that cannot match is not a rule that was kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from kb.errors import KbError
from kb.traces.analyses.calls_made import call_text, calls
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
    listed,
    unmatched,
)
from kb.traces.decoding.lenient_json import embedded
from kb.traces.run import Run, ToolCall

_NAME = "policy-path"
_NAMELESS = "speaks of what was neither called nor offered"
_ORDER = re.compile(r"(\S+) requires (\S+) (before|after) it")
_AT_MOST = re.compile(r"(\S+) at most (\d{1,6}) times?")
_FORBIDDEN = re.compile(r"(\S+) is forbidden")
#: Keys of an answer that say, with false beside them, that what was asked for is not allowed.
_GRANTS = ("approved", "allowed", "ok", "granted", "permitted", "authorized")

Made = Sequence[tuple[int, ToolCall]]


@dataclass(frozen=True)
class PolicyRule:
    """One rule read; `broken` gives the steps that break it, with the reason.

    `tool` and `other` are the names or patterns it speaks of; `other` may be empty.
    """

    text: str
    tool: str
    broken: Callable[[Made], Iterable[tuple[int, str]]]
    other: str = ""


def read_rule(text: str) -> PolicyRule:
    """The rule a line states. Raises `KbError` for a line that states none."""
    line = " ".join(text.split()).rstrip(".")
    if found := _ORDER.fullmatch(line):
        tool, other, side = found.groups()
        return PolicyRule(line, tool, lambda made: _out_of_order(made, tool, other, side), other)
    if found := _AT_MOST.fullmatch(line):
        tool, limit = found[1], int(found[2])
        return PolicyRule(line, tool, lambda made: _too_often(made, tool, limit))
    if found := _FORBIDDEN.fullmatch(line):
        tool = found[1]
        return PolicyRule(line, tool, lambda made: _forbidden(made, tool))
    raise KbError(
        f"'{text}' is no rule of order",
        where="kb.toml, runs.policy",
        todo="Write 'A requires B before it', 'A requires B after it', 'A at most N times' or "
        "'A is forbidden'.",
    )


def actual_path(run: Run) -> tuple[str, ...]:
    """The tools in the order they were called."""
    return tuple(call.tool for _, call in calls(run))


def _out_of_order(made: Made, tool: str, other: str, side: str) -> Iterable[tuple[int, str]]:
    made_other = [(step, call) for step, call in _calls_of_tool(made, other) if call.succeeded]
    kept = [step for step, call in made_other if not _is_refusal(call)]
    refused = len(made_other) > len(kept)
    why = f"no {other} succeeded {side} it" + (" (one was answered with a no)" if refused else "")
    for step, _ in _calls_of_tool(made, tool):
        if not kept or (min(kept) >= step if side == "before" else max(kept) <= step):
            yield step, why


def _is_refusal(call: ToolCall) -> bool:
    """Whether the answer itself says no: `{"approved": false}`."""
    answer = embedded(call.result)
    return isinstance(answer, dict) and any(answer.get(key) is False for key in _GRANTS)


def _too_often(made: Made, tool: str, limit: int) -> Iterable[tuple[int, str]]:
    for number, (step, _) in enumerate(_calls_of_tool(made, tool), 1):
        if number > limit:
            yield step, f"this is call {number}"


def _forbidden(made: Made, tool: str) -> Iterable[tuple[int, str]]:
    return ((step, "it was called") for step, _ in _calls_of_tool(made, tool))


def _calls_of_tool(made: Made, tool: str) -> list[tuple[int, ToolCall]]:
    return [(step, call) for step, call in made if fnmatchcase(call.tool, tool)]


def _examine(run: Run, context: AnalysisContext) -> Iterable[TraceFinding]:
    at, made = FindingBuilder(_NAME, run), tuple(calls(run))
    if not run.policy:
        yield at.whole(Severity.NOTE, "no policy is named: write rules of order into kb.toml")
    for rule in (read_rule(text) for text in run.policy):
        for step, why in rule.broken(made):
            call = run.steps[step]
            text = call_text(call) if isinstance(call, ToolCall) else ""
            yield at.step(step, Severity.FAULT, f"against “{rule.text}”: {why}", evidence=text)
        if strange := unmatched(filter(None, (rule.tool, rule.other)), run):
            yield at.whole(Severity.NOTE, f"“{rule.text}” {_NAMELESS}: {listed(strange, run)}")
    if strange := unmatched(context.effects, run):
        yield at.whole(Severity.NOTE, f"runs.effects {_NAMELESS}: {listed(strange, run)}")


ANALYSIS = Analysis(_NAME, "Did the calls keep to the rules of order the team wrote?", _examine)
