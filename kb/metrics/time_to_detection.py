"""Measures of the clocks: time to detection and to containment."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from kb.metrics.aggregate import counted, durations, share
from kb.metrics.inputs import MetricsInput, asked, record_case
from kb.metrics.page_values import MetricValue
from kb.records.model import Postmortem

#: Words of `detected_by` that mean somebody else told us.
OTHERS = ("customer", "billing", "partner", "public")

_BY = ("quarter", "year")

Minutes = Callable[[Postmortem], float | None]


def detection_chain(facts: MetricsInput) -> MetricValue:
    """Minutes from first impact to detection, over incidents."""
    return _clock(facts.incidents, _chain, "first_impact or detected")


def near_miss_detection(facts: MetricsInput) -> MetricValue:
    """Minutes from first warning to detection, over near misses."""
    near_misses = (record for record in facts.records if record.kind == "near-miss")
    return _clock(
        near_misses,
        lambda record: record.clocks.warning_to_detection_minutes,
        "first_warning or detected",
    )


def warning_to_containment(facts: MetricsInput) -> MetricValue:
    """Minutes from first warning to containment, over all counted records."""
    return _clock(
        facts.records,
        lambda record: record.clocks.warning_to_containment_minutes,
        "first_warning or contained",
    )


def detected_within(minutes: float) -> Callable[[MetricsInput], MetricValue]:
    """The share of incidents detected within so many minutes of first impact."""

    def compute(facts: MetricsInput) -> MetricValue:
        every = asked(facts.incidents, lambda record: _chain(record) is not None)
        known, notes = _with_duration(every, _chain, "first_impact or detected")
        cases = (record_case(record, found <= minutes, *_BY) for record, found in known)
        return share(cases, notes, unknown=len(every) - len(known))

    return compute


def found_by_others(facts: MetricsInput) -> MetricValue:
    """The share of incidents that a customer, a bill, a partner or the public showed us."""
    known = [record for record in facts.incidents if record.detected_by]
    unknown = len(asked(facts.incidents, lambda record: record.detected_by)) - len(known)
    note = counted(unknown, "incident", "incidents", "left out: detected_by is unknown.")
    cases = (record_case(record, record.detected_by in OTHERS, *_BY) for record in known)
    return share(cases, [note], unknown=unknown)


def _chain(record: Postmortem) -> float | None:
    """Minutes from first impact to detection; none passed where the warning had told us."""
    clocks = record.clocks
    minutes, warned = clocks.detection_chain_minutes, clocks.warning_to_detection_minutes
    was_warned = minutes is not None and minutes < 0 and warned is not None and warned >= 0
    return 0.0 if was_warned else minutes


def _clock(records: Iterable[Postmortem], minutes: Minutes, clocks: str) -> MetricValue:
    every = asked(records, lambda record: minutes(record) is not None)
    known, notes = _with_duration(every, minutes, clocks)
    cases = (record_case(record, found, *_BY) for record, found in known)
    return durations(cases, notes, unknown=len(every) - len(known))


def _with_duration(
    records: Iterable[Postmortem], minutes: Minutes, clocks: str
) -> tuple[list[tuple[Postmortem, float]], list[str]]:
    """The records with a duration, and what has to be said about the others.

    A negative duration is a clock fault, not a fast detection.
    """
    found = [(record, minutes(record)) for record in records]
    known = [(record, value) for record, value in found if value is not None and value >= 0]
    unknown = sum(value is None for _, value in found)
    backwards = len(found) - unknown - len(known)
    return known, [
        counted(unknown, "record", "records", f"left out: {clocks} is unknown."),
        counted(backwards, "record", "records", "left out: the clocks run backwards."),
    ]
