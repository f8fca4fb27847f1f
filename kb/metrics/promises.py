"""Did we do what we promised? Actions, reviews, publication, and copies for customers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from kb.metrics.actions import Action
from kb.metrics.facts import Facts, moment, quarter
from kb.metrics.summary import Case, counted, durations, share, total
from kb.metrics.values import Deadline, Value
from kb.records.model import Postmortem

COMPLETION_DAYS = 30
REVIEW_HOURS = 48
SHARING_HOURS = 72


def action_completion(facts: Facts) -> Value:
    """The share of actions that were closed within 30 days, of those at least 30 days old.

    Younger ones are left out also when they are closed already: counting them would let a team
    with many new actions look better, or worse, than one with few.
    """
    kept = [action for action in facts.actions if action.state != "cancelled"]
    old = [action for action in kept if _age_days(facts, action) >= COMPLETION_DAYS]
    known = [action for action in old if action.is_open or action.closed]
    notes = (
        counted(len(kept) - len(old), "action", "actions", "younger than 30 days, counted apart."),
        counted(len(facts.actions) - len(kept), "action", "actions", "cancelled, counted apart."),
        counted(len(old) - len(known), "action", "actions", "closed on an unknown day, left out."),
        _stand_ins(known),
    )
    found = share((_action_case(action, _is_in_time(action)) for action in known), notes)
    return replace(found, unknown=len(old) - len(known))


def actions_open(facts: Facts) -> Value:
    """The number of open actions, by owner and lever."""
    return total(_action_case(action, 1.0) for action in facts.actions if action.is_open)


def actions_overdue(facts: Facts) -> Value:
    """The number of open actions past their due date, by owner and lever."""
    open_actions = [action for action in facts.actions if action.is_open]
    undated = sum(1 for action in open_actions if action.due is None)
    late = (action for action in open_actions if action.days_overdue > 0)
    note = counted(undated, "open action has", "open actions have", "no due date.")
    return total((_action_case(action, 1.0) for action in late), [note], n=len(open_actions))


def time_to_publish(facts: Facts) -> Value:
    """Days from containment to the commit that set `published`."""
    found = [(r, r.clocks.contained, *facts.published_at(r)) for r in facts.records]
    known = [
        (record, (at - contained) / timedelta(days=1), stands_in)
        for record, contained, at, stands_in in found
        if contained and at and at >= contained
    ]
    notes = (
        counted(
            len(found) - len(known),
            "record",
            "records",
            "left out: when it was contained or published is unknown.",
        ),
        counted(
            sum(stands_in for *_, stands_in in known),
            "record",
            "records",
            "without a publishing commit: the day of review stands in.",
        ),
    )
    return durations((_record_case(record, days) for record, days, _ in known), notes)


def review_time(facts: Facts) -> Value:
    """Hours from the request for review to the review."""
    found = [(r, *facts.opened_at(r)) for r in facts.records if r.reviewed and r.reviewed.at]
    known = [(r, _review_hours(r, at), stood) for r, at, stood in found if at]
    forward = [(r, hours) for r, hours, _ in known if hours is not None and hours >= 0]
    notes = (
        counted(
            len(facts.records) - len(forward),
            "record",
            "records",
            "left out: when review was asked for or given is unknown.",
        ),
        counted(
            sum(stood for *_, stood in known),
            "record",
            "records",
            "without `opened`: the first commit stands in.",
        ),
    )
    return durations((_record_case(record, hours) for record, hours in forward), notes)


def reviewed_in_time(facts: Facts) -> Value:
    """The share of records reviewed within 48 hours of being asked for.

    Records that have waited longer than that and still wait are in the denominator.
    """
    cases = []
    for record in (*facts.records, *facts.in_review):
        asked, _ = facts.opened_at(record)
        hours = _review_hours(record, asked)
        waits = record.status == "in-review" and asked is not None
        if hours is not None and hours >= 0:
            cases.append(_record_case(record, hours <= REVIEW_HOURS))
        elif waits and asked and facts.as_of.at - asked > timedelta(hours=REVIEW_HOURS):
            cases.append(_record_case(record, 0.0))
    return share(cases)


def shared_in_time(facts: Facts) -> Value:
    """The share of affected customers who had their copy within 72 hours of resolution."""
    cases: list[Case] = []
    pending = unknown = 0
    for record in facts.records:
        due = _sharing_due(record)
        if due is None:
            unknown += len(set(record.affected_customers))
        elif due > facts.as_of.at:
            pending += len(set(record.affected_customers))
        else:
            cases += _copy_cases(record, due)
    notes = (
        counted(pending, "customer", "customers", "whose 72 hours still run, counted apart."),
        counted(unknown, "customer", "customers", "left out: `resolved` is unknown."),
    )
    return share(cases, notes)


def published_externally(facts: Facts) -> Value:
    """The share of SEV1 customer-visible records that the external edition may carry."""
    severe = (record for record in facts.records if _is_owed_outside(record))
    return share(_record_case(record, record.visibility == "external") for record in severe)


def deadlines(facts: Facts) -> tuple[Deadline, ...]:
    """Promises with a clock that are not kept yet: missed ones first, then by what is left."""
    found = (
        deadline
        for record in sorted(facts.known, key=moment)
        for deadline in (*_review_due(facts, record), *_outside_due(facts, record))
    )
    return tuple(sorted(found, key=lambda deadline: (deadline.due_at, deadline.record)))


def _review_due(facts: Facts, record: Postmortem) -> Iterator[Deadline]:
    asked, _ = facts.opened_at(record)
    is_waiting = record.status == "in-review" and not (record.reviewed and record.reviewed.at)
    if is_waiting and asked:
        yield _deadline(facts, record, "review", asked + timedelta(hours=REVIEW_HOURS))


def _outside_due(facts: Facts, record: Postmortem) -> Iterator[Deadline]:
    due = _sharing_due(record)
    if due is None:
        return
    is_out = record.is_published and record.visibility == "external"
    if _is_owed_outside(record) and not is_out:
        yield _deadline(facts, record, "external", due)
    copies = {copy.customer.casefold() for copy in record.shared if copy.at}
    for customer in dict.fromkeys(record.affected_customers):
        if customer.casefold() not in copies:
            yield _deadline(facts, record, "copy", due, customer)


def _deadline(
    facts: Facts, record: Postmortem, promise: str, due: datetime, customer: str = ""
) -> Deadline:
    left = (due - facts.as_of.at) / timedelta(hours=1)
    return Deadline(record.id, promise, due, left, customer)


def _is_owed_outside(record: Postmortem) -> bool:
    return record.severity == "SEV1" and record.impact == "customer-visible"


def _sharing_due(record: Postmortem) -> datetime | None:
    resolved = record.clocks.resolved
    return resolved + timedelta(hours=SHARING_HOURS) if resolved else None


def _copy_cases(record: Postmortem, due: datetime) -> Iterator[Case]:
    """One case a customer. The item carries a number, for names never leave the record."""
    copies = {copy.customer.casefold() for copy in record.shared if copy.at and copy.at <= due}
    for place, customer in enumerate(dict.fromkeys(record.affected_customers), 1):
        item = f"{record.id}@{place}"
        yield Case(record.id, item, record.happened_at, float(customer.casefold() in copies))


def _review_hours(record: Postmortem, asked: datetime | None) -> float | None:
    if asked is None or record.reviewed is None or record.reviewed.at is None:
        return None
    return (record.reviewed.at - asked) / timedelta(hours=1)


def _age_days(facts: Facts, action: Action) -> int:
    return (facts.as_of.day - action.opened).days


def _is_in_time(action: Action) -> bool:
    return action.closed is not None and (action.closed - action.opened).days <= COMPLETION_DAYS


def _stand_ins(actions: Iterable[Action]) -> str:
    n = sum(1 for action in actions if action.opened_source == "record")
    return counted(
        n, "action", "actions", "without a day of opening: a date of the record stands in."
    )


def _action_case(action: Action, number: float) -> Case:
    opened = datetime.combine(action.opened, time(), UTC)
    groups = (
        ("quarter", quarter(opened)),
        ("owner", action.owner or "nobody"),
        ("lever", action.lever or "none"),
    )
    return Case(action.record, action.id, opened, float(number), groups)


def _record_case(record: Postmortem, number: float) -> Case:
    groups = (("quarter", quarter(record.happened_at)),)
    return Case(record.id, record.id, record.happened_at, float(number), groups)
