"""The answers of `kb metrics|actions|gate --json` as types, and their JSON Schemas.

What a type here does not say is said by the frozen values it is made of. Shares are 0–1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from kb.actions.action import Action, listed
from kb.actions.gate_decision import GateDecision, ReplayedCondition
from kb.actions.gate_unreadable import Unreadable
from kb.as_of import AsOf
from kb.json_schemas import schema_of
from kb.metrics.result_types import (
    AllHands,
    Counts,
    Deadline,
    Measure,
    MetricsPage,
    Pair,
    QuestionAnswer,
)
from kb.records.postmortem import SignOff
from kb.terminal import whole_value
from kb.walls.firing_summary import WallsOnThisMachine


class AsOfJson(Struct, kw_only=True):
    """The moment an answer speaks of; `commit` is null outside Git."""

    date: date
    commit: str | None
    at: datetime | UnsetType = UNSET


class NumberJson(Struct, kw_only=True):
    """A bare number of a series."""

    value: float | None
    n: int
    low: float | None
    high: float | None


class PointJson(Struct, kw_only=True):
    """One month of a series: every measure by name, as numbers alone."""

    as_of: AsOfJson
    metrics: dict[str, NumberJson]


class TeamJson(Struct, kw_only=True):
    """The column of one team; `shares` is own, all, facts, external or none.

    A measure for which what it shares is not enough is absent; `note` says what else to know.
    """

    name: str
    shares: str
    note: str
    metrics: dict[str, NumberJson]


class PageJson(Struct, kw_only=True):
    """`kb.metrics/1`: the metrics page, every measure by name.

    `compare` is the page of --compare, `history` the months of --history. `all_hands` is null where
    only measures were asked for. `walls` is what the log of this machine says, of today alone.
    `everywhere` are the teams of --everywhere, one's own first.
    """

    schema: str = "kb.metrics/1"
    library: str
    as_of: AsOfJson
    origin: str
    since: date | None
    counts: Counts
    metrics: dict[str, Measure]
    answers: tuple[QuestionAnswer, ...]
    preventable_pairs: tuple[Pair, ...]
    deadlines: tuple[Deadline, ...]
    notes: tuple[str, ...]
    all_hands: AllHands | None
    compare: PageJson | UnsetType = UNSET
    history: list[PointJson] | UnsetType = UNSET
    walls: WallsOnThisMachine | UnsetType = UNSET
    everywhere: list[TeamJson] | UnsetType = UNSET


class ActionsJson(Struct, kw_only=True):
    """`kb.actions/1`: what was promised, overdue first."""

    schema: str = "kb.actions/1"
    as_of: AsOfJson
    actions: tuple[Action, ...]


class SignOffJson(Struct, kw_only=True):
    """Who accepted which conditions of a record, and when."""

    record: str
    owner: str
    at: datetime | None
    commit: str
    actions: tuple[str, ...]


class GateJson(Struct, kw_only=True):
    """`kb.gate/1`: whether a route may go on; lists of texts are ids of actions.

    `verdict` is clear, blocked, unreadable, unknown-route or not-replayed; `near` a known route of
    similar name.
    `to_replay` are conditions that ask for a replay which was not made (`kb gate --replay`).
    """

    schema: str = "kb.gate/1"
    route: str
    gate: str
    passes: bool
    verdict: str
    near: str | None
    as_of: AsOfJson
    records: tuple[str, ...]
    blocking: tuple[Action, ...]
    met: tuple[str, ...]
    waived: tuple[str, ...]
    elsewhere: tuple[str, ...]
    in_drafts: tuple[str, ...]
    reworded: tuple[str, ...]
    unreadable: tuple[Unreadable, ...]
    signoffs: tuple[SignOffJson, ...]
    replays: tuple[ReplayedCondition, ...]
    to_replay: tuple[str, ...]


def page_json(
    page: MetricsPage,
    compared: MetricsPage | None = None,
    months: Sequence[MetricsPage] = (),
    walls: WallsOnThisMachine | None = None,
) -> PageJson:
    """A page, what it is compared with, and the months before it."""
    return PageJson(
        library=page.library,
        as_of=_as_of(page.as_of, page.as_of.at),
        origin=page.origin,
        since=page.since,
        counts=page.counts,
        metrics={measure.name: measure for measure in page.measures},
        answers=page.answers,
        preventable_pairs=page.pairs,
        deadlines=page.deadlines,
        notes=page.notes,
        all_hands=page.all_hands,
        compare=page_json(compared) if compared else UNSET,
        history=[_point(month) for month in months] or UNSET,
        walls=walls or UNSET,
    )


def actions_json(found: Sequence[Action], as_of: AsOf) -> ActionsJson:
    """The actions of a list."""
    return ActionsJson(as_of=_as_of(as_of), actions=listed(found))


def gate_json(decision: GateDecision) -> GateJson:
    """The decision for a pipeline."""
    return GateJson(
        route=decision.route,
        gate=decision.gate,
        passes=decision.passes,
        verdict=decision.verdict,
        near=decision.near or None,
        as_of=_as_of(decision.as_of),
        records=decision.records,
        blocking=decision.blocking,
        met=_ids(decision.met),
        waived=_ids(decision.waived),
        elsewhere=_ids(decision.elsewhere),
        in_drafts=_ids(decision.in_drafts),
        reworded=decision.reworded,
        unreadable=decision.unreadable,
        signoffs=tuple(_signed(record, signed) for record, signed in decision.signoffs),
        replays=decision.replays,
        to_replay=_ids(decision.to_replay),
    )


def encoded(answer: Struct) -> str:
    """An answer as JSON for people and machines: indented, with a line end."""
    return msgspec.json.format(msgspec.json.encode(value_of(answer))).decode() + "\n"


def value_of(answer: Struct) -> dict[str, Any]:
    """The same as plain values; bytes of records that are no UTF-8 became U+FFFD."""
    value: dict[str, Any] = whole_value(msgspec.to_builtins(answer))
    return value


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of each answer by its name."""
    types = {"metrics": PageJson, "actions": ActionsJson, "gate": GateJson}
    return {name: schema_of(answer) for name, answer in types.items()}


def _as_of(as_of: AsOf, at: datetime | UnsetType = UNSET) -> AsOfJson:
    return AsOfJson(date=as_of.day, commit=as_of.commit or None, at=at)


def _point(page: MetricsPage) -> PointJson:
    numbers = {measure.name: number_json(measure) for measure in page.measures}
    return PointJson(as_of=_as_of(page.as_of), metrics=numbers)


def number_json(measure: Measure) -> NumberJson:
    """A measure as a bare number."""
    return NumberJson(value=measure.value, n=measure.n, low=measure.low, high=measure.high)


def _signed(record: str, signed: SignOff) -> SignOffJson:
    given = {field.name: getattr(signed, field.name) for field in fields(signed)}
    return SignOffJson(record=record, **given)


def _ids(found: Sequence[Action]) -> tuple[str, ...]:
    return tuple(action.id for action in found)
