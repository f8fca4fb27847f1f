"""Conditions of a gate that ask for a replay: the named record's run is replayed, and has to pass.

Whatever proves nothing holds the gate: a record that is not there, one without a fixture, an agent
that did not end. A tick says that somebody believes it is mended; the replay asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kb.actions.action import Action
from kb.actions.gate_decision import GateDecision, ReplayedCondition
from kb.library import Library

if TYPE_CHECKING:
    from kb.traces.replay.suite import SuiteCase, SuiteResult
    from kb.traces.replay.trials import Settings

_NOTHING = "INCONCLUSIVE"


def with_replays(
    library: Library,
    decision: GateDecision,
    settings: Settings,
    jobs: int,
    allow: Iterable[str] = (),
) -> GateDecision:
    """The decision with each condition that asks for it replayed; one run for each record."""
    from kb.traces.replay.suite import run_suite

    asked = decision.to_replay
    cases = _cases(library, asked)
    results = run_suite(list(cases.values()), settings, jobs, allow)
    by_record = {result.case.record.id: result for result in results}
    replays = tuple(_condition(action, by_record, library) for action in asked)
    return replace(decision, replays=(*decision.replays, *replays))


def _cases(library: Library, asked: Sequence[Action]) -> dict[str, SuiteCase]:
    from kb.traces.replay.suite import case_of

    named = dict.fromkeys(action.replay for action in asked)
    found = ((name, case_of(library, name)) for name in named)
    return {name: case for name, case in found if case is not None}


def _condition(
    action: Action, results: dict[str, SuiteResult], library: Library
) -> ReplayedCondition:
    result = results.get(action.replay)
    if result is not None:
        return ReplayedCondition(action.id, action.replay, result.verdict.value, result.reason)
    is_known = library.record(action.replay) is not None
    why = "has no fixture to replay" if is_known else "is no record of this library"
    return ReplayedCondition(action.id, action.replay, _NOTHING, why)
