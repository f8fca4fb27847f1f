"""Measures of how routes warned, how they were stopped, and how agents took a tool's failure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kb.metrics.aggregate import counted, share, total
from kb.metrics.inputs import Case, MetricsInput, record_case
from kb.metrics.page_values import MetricValue
from kb.records.model import Postmortem


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
