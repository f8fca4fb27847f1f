"""Copies owed to customers and external editions, with the days that run out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from kb.metrics.aggregate import clustered_share, counted, share
from kb.metrics.inputs import Case, MetricsInput, moment, record_case
from kb.metrics.result_types import Deadline, MetricValue
from kb.metrics.review_measures import REVIEW_HOURS
from kb.records.postmortem import Postmortem

SHARING_HOURS = 72


def shared_in_time(facts: MetricsInput) -> MetricValue:
    """The share of affected customers who had their copy within 72 hours of resolution."""
    cases: list[Case] = []
    pending = unknown = 0
    for record in facts.in_form:
        due = _sharing_due(record)
        if due is None:
            unknown += len(set(record.affected_customers))
        elif due > facts.as_of.at:
            pending += len(set(record.affected_customers))
        else:
            cases += _copy_cases(record, due)
    notes = (
        counted(
            pending,
            "customer",
            "customers",
            f"whose {SHARING_HOURS} hours still run, counted apart.",
        ),
        counted(unknown, "customer", "customers", "left out: `resolved` is unknown."),
    )
    return clustered_share(cases, notes, unknown=unknown)


def published_externally(facts: MetricsInput) -> MetricValue:
    """The share of SEV1 customer-visible records that the external edition may carry."""
    severe = (record for record in facts.in_form if _is_owed_outside(record))
    return share(record_case(r, r.visibility == "external", "quarter") for r in severe)


def external_in_time(facts: MetricsInput) -> MetricValue:
    """The share of SEV1 customer-visible records that were outside within 72 hours of resolution.

    Records in review whose time is over are in the denominator.
    """
    severe = [r for r in (*facts.in_form, *facts.in_review) if _is_owed_outside(r)]
    found = [(record, _is_outside_in_time(facts, record)) for record in severe]
    running = sum(1 for record in severe if _is_running(facts, record))
    known = [(record, is_kept) for record, is_kept in found if is_kept is not None]
    unknown = len(found) - len(known) - running
    notes = (
        counted(
            running, "record", "records", f"whose {SHARING_HOURS} hours still run, counted apart."
        ),
        counted(
            unknown, "record", "records", "left out: when it was resolved or published is unknown."
        ),
    )
    return share((record_case(r, kept, "quarter") for r, kept in known), notes, unknown=unknown)


def deadlines(facts: MetricsInput) -> tuple[Deadline, ...]:
    """Promises with a clock that are not kept yet: missed ones first, then by what is left."""
    found = (
        deadline
        for record in sorted(facts.known, key=moment)
        for deadline in (*_review_due(facts, record), *_outside_due(facts, record))
    )
    return tuple(sorted(found, key=lambda deadline: (deadline.due_at, deadline.record)))


def _review_due(facts: MetricsInput, record: Postmortem) -> Iterator[Deadline]:
    asked, _ = facts.opened_at(record)
    is_waiting = record.status == "in-review" and not (record.reviewed and record.reviewed.at)
    if is_waiting and asked:
        yield _deadline(facts, record, "review", _later(asked, REVIEW_HOURS))


def _outside_due(facts: MetricsInput, record: Postmortem) -> Iterator[Deadline]:
    due = _sharing_due(record)
    if due is None:
        return
    if _is_owed_outside(record) and not record.is_adopted and not _is_outside(record):
        yield _deadline(facts, record, "external", due)
    copies = {copy.customer.casefold() for copy in record.shared if copy.at}
    for customer in dict.fromkeys(record.affected_customers):
        if customer.casefold() not in copies:
            yield _deadline(facts, record, "copy", due, customer)


def _deadline(
    facts: MetricsInput, record: Postmortem, promise: str, due: datetime, customer: str = ""
) -> Deadline:
    left = (due - facts.as_of.at) / timedelta(hours=1)
    return Deadline(record.id, promise, due, left, customer)


def _is_owed_outside(record: Postmortem) -> bool:
    return record.severity == "SEV1" and record.impact == "customer-visible"


def _sharing_due(record: Postmortem) -> datetime | None:
    resolved = record.clocks.resolved
    return _later(resolved, SHARING_HOURS) if resolved else None


def _later(at: datetime, hours: int) -> datetime:
    """The moment that many hours later; the last one there is where the calendar ends."""
    try:
        return at + timedelta(hours=hours)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def _copy_cases(record: Postmortem, due: datetime) -> Iterator[Case]:
    """One case a customer. The item carries a number, for names never leave the record."""
    copies = {copy.customer.casefold() for copy in record.shared if copy.at and copy.at <= due}
    for place, customer in enumerate(dict.fromkeys(record.affected_customers), 1):
        item = f"{record.id}@{place}"
        yield record_case(record, customer.casefold() in copies, item=item)


def _is_running(facts: MetricsInput, record: Postmortem) -> bool:
    """Whether the time for the external edition runs, and it is not out."""
    due = _sharing_due(record)
    return due is not None and due > facts.as_of.at and not _is_outside(record)


def _is_outside(record: Postmortem) -> bool:
    return record.is_published and record.visibility == "external"


def _is_outside_in_time(facts: MetricsInput, record: Postmortem) -> bool | None:
    due, published = _sharing_due(record), facts.publication(record)
    if due is None or _is_running(facts, record):
        return None
    if not _is_outside(record):
        return False
    if published.at is None or published.is_import:
        return None
    return published.at <= due
