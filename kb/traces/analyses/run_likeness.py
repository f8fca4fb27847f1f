"""How far two runs went the same way: their tools, the order of calls, errors and effects."""

from __future__ import annotations

from collections.abc import Set
from itertools import pairwise

import msgspec

from kb.traces.run import EffectSource, Run, ToolCall

_OF_COMMANDS = frozenset({EffectSource.COMMAND, EffectSource.GUESS})

#: Shares of the four comparisons, set by hand: which tools and in which order say most.
_TOOLS, _ORDER, _ERRORS, _EFFECTS = 0.35, 0.35, 0.15, 0.15


class Signature(msgspec.Struct, frozen=True):
    """The shape of a run: sets of tools, of neighbouring calls, of errors, and of effects."""

    tools: frozenset[str]
    order: frozenset[tuple[str, str]]
    errors: frozenset[tuple[str, str]]
    effects: frozenset[tuple[str, bool]]


def signature(run: Run) -> Signature:
    """The shape of a run; a call that failed is another step than one that did not."""
    words = ["start", *(_step(call) for call in run.calls), "end"]
    failures = ((_name(call), call.failure.type) for call in run.calls if call.failure)
    return Signature(
        tools=frozenset(_name(call) for call in run.calls),
        order=frozenset(pairwise(words)) if run.calls else frozenset(),
        errors=frozenset(failures),
        effects=frozenset((call.effect.value, call.succeeded) for call in run.calls),
    )


def likeness(one: Signature, other: Signature) -> float:
    """How far two runs went the same way, 0…1; 0 where they share no tool."""
    if not one.tools & other.tools:
        return 0.0
    return (
        _TOOLS * _shared(one.tools, other.tools)
        + _ORDER * _shared(one.order, other.order)
        + _ERRORS * _shared(one.errors, other.errors)
        + _EFFECTS * _shared(one.effects, other.effects)
    )


def _step(call: ToolCall) -> str:
    return _name(call) if call.succeeded else f"{_name(call)} failed"


def _name(call: ToolCall) -> str:
    """The tool; of a shell also the program with its action, which is what the run did."""
    program, colon, _ = call.effect_reason.partition(": ")
    return f"{call.tool} {program}" if colon and call.effect_source in _OF_COMMANDS else call.tool


def _shared(one: Set[object], other: Set[object]) -> float:
    """Jaccard's coefficient; nothing on both sides is equal."""
    union = one | other
    return len(one & other) / len(union) if union else 1.0
