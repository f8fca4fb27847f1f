"""Measures of reviews: how long a record waited for one, and for its publication."""

from __future__ import annotations

from datetime import datetime, timedelta

from kb.humanize import format_value, plural
from kb.metrics.aggregate import counted, durations, share
from kb.metrics.inputs import MetricsInput, record_case
from kb.metrics.publication import COPIED, NOT_BEFORE
from kb.metrics.result_types import MetricValue
from kb.records.postmortem import Postmortem

REVIEW_HOURS = 48


def time_to_publish(facts: MetricsInput) -> MetricValue:
    """Days from containment to the arrival on the default branch as published.

    What others published, and what was copied here with others, has no such time.
    """
    ours = [record for record in facts.in_form if record.origin != "public"]
    found = [(record, facts.publication(record)) for record in ours]
    copied = sum(published.is_import for _, published in found)
    known = [
        (record, days, published.is_exact)
        for record, published in found
        if not published.is_import and (days := _days_to(record, published.at)) is not None
    ]
    unknown = len(ours) - len(known)
    waiting = sum(1 for record in facts.in_review if record.clocks.contained)
    notes = (
        counted(len(facts.in_form) - len(ours), "record", "records", "of others, left out."),
        counted(copied, "record", "records", COPIED),
        counted(
            unknown - copied,
            "record",
            "records",
            "left out: a day is unknown, or the days run backwards.",
        ),
        counted(sum(not exact for *_, exact in known), "record", "records", NOT_BEFORE),
        counted(waiting, "record", "records", "contained and still in review, not counted."),
    )
    cases = (record_case(record, days, "quarter") for record, days, _ in known)
    return durations(cases, notes, unknown=unknown)


def _days_to(record: Postmortem, at: datetime | None) -> float | None:
    """Days from containment to a moment; None where one is unknown or they run backwards."""
    contained = record.clocks.contained
    if contained is None or at is None or at < contained:
        return None
    return (at - contained) / timedelta(days=1)


def review_time(facts: MetricsInput) -> MetricValue:
    """Hours from the request for review to the review."""
    found = [(r, *facts.opened_at(r)) for r in facts.in_form if r.reviewed]
    timed = [(record, _review_hours(record, at), stood) for record, at, stood in found]
    known = [(r, hours, stood) for r, hours, stood in timed if hours is not None and hours >= 0]
    unknown = len(found) - len(known)
    notes = (
        counted(
            unknown, "record", "records", "left out: a time is unknown, or the times run backwards."
        ),
        counted(
            sum(stood for *_, stood in known),
            "record",
            "records",
            "without `opened`: the first commit stands in.",
        ),
        _waiting(facts),
    )
    cases = (record_case(record, hours, "quarter") for record, hours, _ in known)
    return durations(cases, notes, unknown=unknown)


def reviewed_in_time(facts: MetricsInput) -> MetricValue:
    """The share of records reviewed within 48 hours of being asked for.

    Records that have waited longer than that and still wait are in the denominator, and so are
    those that asked for a review and were published without one. Where neither is noted nobody can
    know.
    """
    kept = {
        record.id: is_kept
        for record in (*facts.in_form, *facts.in_review)
        if (is_kept := _is_reviewed_in_time(facts, record)) is not None
    }
    reviewed = [record for record in facts.in_form if record.reviewed]
    untimed = sum(1 for record in reviewed if record.id not in kept)
    silent = sum(1 for record in facts.in_form if _is_silent(record))
    cases = (record_case(facts.by_id[name], is_kept, "quarter") for name, is_kept in kept.items())
    notes = (
        counted(
            untimed, "record", "records", "left out: a time is unknown, or the times run backwards."
        ),
        counted(silent, "record", "records", "left out: no review is noted, asked for or given."),
        _waiting(facts),
    )
    return share(cases, notes, unknown=untimed + silent)


def _is_silent(record: Postmortem) -> bool:
    """Whether a record of ours says nothing of a review."""
    return record.opened is None and record.reviewed is None and record.origin != "public"


def _is_reviewed_in_time(facts: MetricsInput, record: Postmortem) -> bool | None:
    """Whether a record had its review in time; None where that is open or nobody knows."""
    asked, _ = facts.opened_at(record)
    if record.reviewed:
        hours = _review_hours(record, asked)
        return None if hours is None or hours < 0 else hours <= REVIEW_HOURS
    if record.is_published:
        # Public records are written from published facts: nobody was asked to review them.
        return None if record.origin == "public" or record.opened is None else False
    is_late = asked is not None and facts.as_of.at - asked > timedelta(hours=REVIEW_HOURS)
    return False if is_late else None


def _waiting(facts: MetricsInput) -> str:
    """How many records wait for their review, and for how long the first of them."""
    waiting = [record for record in facts.in_review if not record.reviewed]
    asked = [at for record in waiting if (at := facts.opened_at(record)[0])]
    if not asked:
        return counted(len(waiting), "record waits", "records wait", "for review.")
    longest = format_value((facts.as_of.at - min(asked)) / timedelta(hours=1), "hours")
    verb = "waits" if len(waiting) == 1 else "wait"
    return f"{plural(len(waiting), 'record')} {verb} for review, the first for {longest}."


def _review_hours(record: Postmortem, asked: datetime | None) -> float | None:
    if asked is None or record.reviewed is None or record.reviewed.at is None:
        return None
    return (record.reviewed.at - asked) / timedelta(hours=1)
