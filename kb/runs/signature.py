"""Did two runs go the same way? Their tools, the order of calls, errors and effects compared."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from kb.errors import KbError
from kb.traces.drafting.draft import FIXTURE
from kb.traces.fixture import read_fixture
from kb.traces.run import Run, ToolCall

#: Shares of the four comparisons, set by hand: which tools and in which order say most.
_TOOLS, _ORDER, _ERRORS, _EFFECTS = 0.35, 0.35, 0.15, 0.15
#: A fixture above this size is not read for a comparison: a question has to be quick.
_MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class Signature:
    """The shape of a run: sets of tools, of neighbouring calls, of errors, and of effects."""

    tools: frozenset[str]
    order: frozenset[tuple[str, str]]
    errors: frozenset[tuple[str, str]]
    effects: frozenset[tuple[str, bool]]


def signature(run: Run) -> Signature:
    """The shape of a run; a call that failed is another step than one that did not."""
    words = ["start", *(_step(call) for call in run.calls), "end"]
    failures = ((call.tool, call.failure.type) for call in run.calls if call.failure)
    return Signature(
        tools=frozenset(call.tool for call in run.calls),
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


def alike_fixtures(run: Run, folder: Path) -> Mapping[str, float]:
    """How like a run the fixtures of a folder's records are, by record id; strangers are absent.

    A fixture that cannot be read, or is very large, is left out: `kb check` reports such files.
    """
    asked = signature(run)
    found = {}
    for path in sorted(folder.glob(f"20*/{FIXTURE}")):
        try:
            if path.stat().st_size > _MOST_BYTES:
                continue
            value = likeness(asked, signature(read_fixture(path)))
        except (KbError, OSError):
            continue
        if value > 0:
            found[path.parent.name] = value
    return found


def _step(call: ToolCall) -> str:
    return call.tool if call.succeeded else f"{call.tool} failed"


def _shared(one: Set[object], other: Set[object]) -> float:
    """Jaccard's coefficient; nothing on both sides is equal."""
    union = one | other
    return len(one & other) / len(union) if union else 1.0
