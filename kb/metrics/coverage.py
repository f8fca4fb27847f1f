"""Measures of what records hold: evidence by section, near misses, rescues, news."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kb.metrics.aggregate import counted, share, total
from kb.metrics.inputs import Case, MetricsInput, record_case
from kb.metrics.publication import NOT_BEFORE
from kb.metrics.result_types import MetricPart, MetricValue
from kb.records.postmortem import Postmortem
from kb.statistics import ratio, ratio_interval, share_interval

_BY = ("quarter", "route")


@dataclass(frozen=True, slots=True)
class CoverageEvidence:
    """One thing a record should hold. `section` is asked whether it says `n/a` with a reason."""

    label: str
    section: str
    holds: Callable[[MetricsInput, Postmortem], bool]


def _has_fixture(facts: MetricsInput, record: Postmortem) -> bool:
    section = record.section("replay")
    replayable = bool(section) and record.value("replay", "REPLAYABLE").lower().startswith("yes")
    is_named = bool(record.value("replay", "FIXTURE"))
    return replayable and is_named and record.id not in facts.lost_fixtures


def _has_policy_path(_: MetricsInput, record: Postmortem) -> bool:
    return bool(
        record.value("policy_path", "ACTUAL_PATH") and record.value("policy_path", "EVIDENCE")
    )


def _has_assert_in_trace(_: MetricsInput, record: Postmortem) -> bool:
    section = record.section("outcome_asserts")
    places = section.values("ASSERTED_IN") if section else ()
    return any(place.lower().startswith("trace") for place in places)


def _has_audit(_: MetricsInput, record: Postmortem) -> bool:
    return bool(
        record.value("idempotency", "TOOL")
        and record.value("idempotency", "WAS_THIS_CALL_IDEMPOTENT")
    )


def _has_truth(_: MetricsInput, record: Postmortem) -> bool:
    return bool(record.value("customer_truth", "CUSTOMER_SAW"))


def _names_prior(_: MetricsInput, record: Postmortem) -> bool:
    return any(prior.verdict in {"repeat", "related"} for prior in record.priors)


EVIDENCE: tuple[CoverageEvidence, ...] = (
    CoverageEvidence("working replay fixture", "replay", _has_fixture),
    CoverageEvidence("policy-path evidence", "policy_path", _has_policy_path),
    CoverageEvidence("outcome assert in the trace", "outcome_asserts", _has_assert_in_trace),
    CoverageEvidence("idempotency audit", "idempotency", _has_audit),
    CoverageEvidence("customer-visible truth", "customer_truth", _has_truth),
    CoverageEvidence("prior incident named", "counterfactual", _names_prior),
)


def section_coverage(facts: MetricsInput) -> MetricValue:
    """The share of evidence that is there, over records in the form and six kinds of evidence.

    A record that has none of the six sections was never asked for them.
    """
    asked = [record for record in facts.in_form if _is_asked(record)]
    rows = [_row(facts, record) for record in asked]
    parts = tuple(_part(asked, rows, place) for place in range(len(EVIDENCE)))
    # The six answers of one record hang together, so they are drawn together.
    pairs = [(sum(map(bool, row)), len(row) - row.count(None)) for row in rows]
    low, high = ratio_interval(pairs) or (None, None)
    excused = sum(row.count(None) for row in rows)
    cells = [
        (f"{record.id}:{evidence.section}", cell)
        for record, row in zip(asked, rows, strict=True)
        for evidence, cell in zip(EVIDENCE, row, strict=True)
    ]
    notes = (
        counted(excused, "section says", "sections say", "n/a with a reason, left out."),
        counted(
            len(facts.in_form) - len(asked),
            "record",
            "records",
            "without these sections, left out.",
        ),
    )
    return MetricValue(
        value=ratio(pairs),
        n=len(rows),
        low=low,
        high=high,
        records=tuple(record.id for record in asked),
        hits=tuple(item for item, cell in cells if cell),
        misses=tuple(item for item, cell in cells if cell is False),
        parts=parts,
        notes=tuple(note for note in notes if note),
    )


def near_miss_share(facts: MetricsInput) -> MetricValue:
    """The share of records in the form that are near misses."""
    return share(record_case(r, r.kind == "near-miss", *_BY) for r in facts.in_form)


def rescue_load(facts: MetricsInput) -> MetricValue:
    """How often people had saved a route, summed over the records that say so."""
    known = [record for record in facts.records if record.rescues is not None]
    return total(record_case(record, float(record.rescues or 0), *_BY) for record in known)


def reading_list(facts: MetricsInput) -> MetricValue:
    """The records published since the last all-hands: what to read at the next one."""
    found = [(record, facts.is_news(record)) for record in facts.written_here]
    news = [(record, facts.publication(record)) for record, is_news in found if is_news]
    unknown = sum(1 for _, is_news in found if is_news is None)
    notes = (
        counted(
            sum(published.is_import for _, published in news),
            "record",
            "records",
            "copied here in one commit, published already.",
        ),
        counted(
            sum(not published.is_exact for _, published in news), "record", "records", NOT_BEFORE
        ),
        counted(unknown, "record", "records", "left out: the day of publication is unknown."),
    )
    cases = (
        Case(record.id, record.id, published.at or facts.as_of.at, 1.0)
        for record, published in news
    )
    return total(cases, notes, n=len(found) - unknown, unknown=unknown)


def _row(facts: MetricsInput, record: Postmortem) -> tuple[bool | None, ...]:
    """For each kind of evidence whether it is there; None where the record says n/a and why."""
    return tuple(
        evidence.holds(facts, record) or (None if is_excused(record, evidence.section) else False)
        for evidence in EVIDENCE
    )


def _is_asked(record: Postmortem) -> bool:
    return any(record.section(evidence.section) for evidence in EVIDENCE)


def is_excused(record: Postmortem, key: str) -> bool:
    """Whether a section says why it does not apply."""
    section = record.section(key)
    text = section.text.lower() if section else ""
    return text.startswith("n/a") and len(text) > len("n/a.")


def _part(
    asked: Sequence[Postmortem], rows: Sequence[tuple[bool | None, ...]], place: int
) -> MetricPart:
    found = [
        (record.id, row[place])
        for record, row in zip(asked, rows, strict=True)
        if row[place] is not None
    ]
    held, n = sum(1 for _, holds in found if holds), len(found)
    low, high = share_interval(held, n) or (None, None)
    records = tuple(record_id for record_id, _ in found)
    return MetricPart(
        "section", EVIDENCE[place].label, held / n if n else None, n, low, high, records
    )
