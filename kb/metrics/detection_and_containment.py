"""Measures of how incidents were noticed and stopped: by whom, how fast, and by what warning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from kb.metrics.aggregate import counted, durations, share, total
from kb.metrics.inputs import Case, MetricsInput, asked, record_case
from kb.metrics.result_types import MetricValue
from kb.records.postmortem import Postmortem

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


def warnings_by_kind(facts: MetricsInput) -> MetricValue:
    """How many records say what kind their first warning was, sliced by kind."""
    return _by_kind(facts, lambda record: record.warned_by, "warned_by")


def containment_by_kind(facts: MetricsInput) -> MetricValue:
    """How many records say how the route was stopped, sliced by the way."""
    return _by_kind(facts, lambda record: record.contained_by, "contained_by")


def tool_failures_poorly(facts: MetricsInput) -> MetricValue:
    """The share of records with a tool failure in which the agent handled it poorly."""
    answers = [(record, _handled(record)) for record in facts.records]
    failed = [(record, word) for record, word in answers if word in {"well", "poorly"}]
    silent = sum(word not in {"well", "poorly", "none"} for _, word in answers)
    note = counted(silent, "record", "records", "left out: TOOL_FAILURE_HANDLED is not answered.")
    return share(
        (record_case(r, word == "poorly", "quarter", "route") for r, word in failed), [note]
    )


def _by_kind(facts: MetricsInput, word: Callable[[Postmortem], str], key: str) -> MetricValue:
    known = [record for record in facts.records if word(record)]
    note = counted(len(facts.records) - len(known), "record", "records", f"left out: no {key}.")
    cases = (_case(record, word(record)) for record in known)
    return total(cases, [note], n=len(known))


def _case(record: Postmortem, kind: str) -> Case:
    case = record_case(record, 1.0, "quarter")
    return replace(case, groups=(("kind", kind), *case.groups))


def _handled(record: Postmortem) -> str:
    """The first word of the answer, empty where none is given."""
    section = record.section("agent_path")
    fields = section.fields if section else ()
    return next((f.word for f in fields if f.key == "TOOL_FAILURE_HANDLED" and f.value), "")
