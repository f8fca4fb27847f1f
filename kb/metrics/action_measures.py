"""Measures of actions: how many were done, how many of them worked, and what came again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date

from kb.actions.action import Action
from kb.actions.effectiveness import EFFECTIVE, FAILED
from kb.metrics.aggregate import clustered_share, counted, durations, total
from kb.metrics.inputs import Case, MetricsInput, action_case, quarter
from kb.metrics.result_types import MetricValue

COMPLETION_DAYS = 30


def action_completion(facts: MetricsInput) -> MetricValue:
    """The share of actions that were closed within 30 days, of those older than that.

    Younger ones are left out also when they are closed already: counting them would let a team
    with many new actions look better, or worse, than one with few.
    """
    kept = [action for action in facts.actions if action.state != "cancelled"]
    old = [action for action in kept if _age_days(facts, action) > COMPLETION_DAYS]
    dated = [action for action in old if action.is_open or action.closed]
    known = [action for action in dated if action.is_open or _days_taken(action) >= 0]
    notes = (
        counted(
            len(kept) - len(old),
            "action",
            "actions",
            f"not older than {COMPLETION_DAYS} days, counted apart.",
        ),
        counted(len(facts.actions) - len(kept), "action", "actions", "cancelled, counted apart."),
        counted(len(old) - len(dated), "action", "actions", "closed on an unknown day, left out."),
        counted(
            len(dated) - len(known),
            "action",
            "actions",
            "closed before the day of opening, left out: one of the days is wrong.",
        ),
        _stand_ins(known),
    )
    cases = (action_case(action, _is_in_time(action)) for action in known)
    return clustered_share(cases, notes, unknown=len(old) - len(known))


def actions_open(facts: MetricsInput) -> MetricValue:
    """The number of open actions, by owner and lever."""
    return total(action_case(action, 1.0) for action in facts.actions if action.is_open)


def actions_overdue(facts: MetricsInput) -> MetricValue:
    """The number of open actions past their due date, by owner and lever.

    Whether another's promise was kept is unknown outside: those of public records are left out.
    """
    open_actions = [action for action in facts.actions if action.is_open]
    judged = [action for action in open_actions if action.origin != "public"]
    undated = sum(1 for action in judged if action.due is None)
    late = (action for action in judged if action.days_overdue > 0)
    note = counted(undated, "open action has", "open actions have", "no due date.")
    cases = (action_case(action, 1.0) for action in late)
    return total(cases, [note], n=len(judged), unknown=len(open_actions) - len(judged))


def effectiveness(facts: MetricsInput) -> MetricValue:
    """The share of done actions that worked, of those watched out whose effect is known.

    One that failed while it is still watched is not counted yet: failures show at once, and what
    works only at the end, so that a young library would look worse than it is.
    """
    done = [action for action in facts.actions if action.state == "closed"]
    watched = [action for action in done if action.watch_days and action.watch_until]
    out = [action for action in watched if _is_over(action, facts.as_of.day)]
    known = [action for action in out if action.effect in {EFFECTIVE, FAILED}]
    running = Counter(a.effect for a in watched if not _is_over(a, facts.as_of.day))
    apart = Counter(a.effect for a in done if a.verified and a not in watched)
    notes = (
        counted(len(done) - len(watched) - apart.total(), "done action", "done actions", _ASKED),
        counted(running.total(), "action", "actions", "still watched, not counted yet."),
        counted(running[FAILED], "of these failed", "of these failed", "already."),
        counted(apart[EFFECTIVE], "action", "actions", "verified and not watched, left out."),
        counted(apart[FAILED], "action", "actions", "verified, not watched, and failed: left out."),
        counted(len(out) - len(known), "action", "actions", "watched out, effect unknown."),
    )
    cases = (action_case(action, action.effect == EFFECTIVE) for action in known)
    return clustered_share(cases, notes, unknown=len(out) - len(known))


_ASKED = "neither watched nor verified: whether they worked nobody asked."


def _is_over(action: Action, today: date) -> bool:
    return action.watch_until is not None and action.watch_until < today


def time_to_effective(facts: MetricsInput) -> MetricValue:
    """Days from the promise to the day on which it was known to work.

    No change is claimed: what was promised last has had the least time.
    """
    found = [action for action in facts.actions if action.effect == EFFECTIVE]
    known = [(action, days) for action in found if (days := _days(action)) is not None]
    verified = sum(action.effect_since == action.verified for action, _ in known)
    notes = (
        counted(len(found) - len(known), "action", "actions", "left out: the days run backwards."),
        counted(verified, "of them", "of them", "verified by a person, the others by their watch."),
    )
    cases = (action_case(action, days) for action, days in known)
    return durations(cases, notes, unknown=len(found) - len(known), claims_change=False)


def _days(action: Action) -> int | None:
    days = (action.effect_since - action.opened).days if action.effect_since else -1
    return days if days >= 0 else None


def occurrences(facts: MetricsInput) -> MetricValue:
    """How often incidents came again: entries beside the incident itself; n is the incidents."""
    found = [(record, one) for record in facts.incidents for one in facts.occurrences_of(record)]
    undated = sum(one.at is None for _, one in found)
    cases = (
        Case(
            record.id,
            f"{record.id} {one.at:%Y-%m-%d %H:%M}",
            one.at,
            1.0,
            (("quarter", quarter(one.at)), ("route", one.route or record.route or "unknown")),
        )
        for record, one in found
        if one.at is not None and one.at <= facts.as_of.at
    )
    note = counted(undated, "occurrence", "occurrences", "without a time, left out.")
    return total(cases, [note], n=len(facts.incidents), unknown=undated)


def _age_days(facts: MetricsInput, action: Action) -> int:
    return (facts.as_of.day - action.opened).days


def _days_taken(action: Action) -> int:
    return (action.closed - action.opened).days if action.closed else -1


def _is_in_time(action: Action) -> bool:
    return action.closed is not None and 0 <= _days_taken(action) <= COMPLETION_DAYS


def _stand_ins(actions: Iterable[Action]) -> str:
    n = sum(1 for action in actions if action.opened_source == "record")
    return counted(
        n, "action", "actions", "without a day of opening: a date of the record stands in."
    )
