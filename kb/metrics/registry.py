"""The measures, one row each: definition, formula, source, and the function that computes it.

Adding a row to `_INCIDENT_ROWS` or `_ACTION_ROWS` is all it takes for a measure to appear in text,
JSON, CSV, Markdown and the site.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from kb.metrics import (
    action_measures,
    coverage,
    detection_and_containment,
    repeats,
    review_measures,
    sharing_deadlines,
)
from kb.metrics.inputs import MetricsInput
from kb.metrics.publication import READING_DAYS
from kb.metrics.repeats import LOOK_BACK_DAYS, missing_control, primary_class
from kb.metrics.result_types import Goal, Measure, MetricValue
from kb.metrics.review_measures import REVIEW_HOURS
from kb.metrics.sharing_deadlines import SHARING_HOURS


@dataclass(frozen=True, slots=True)
class MeasureRow:
    """One measure. `source` says where in records and commits its data stand."""

    name: str
    family: str
    title: str
    unit: str
    definition: str
    formula: str
    source: str
    compute: Callable[[MetricsInput], MetricValue]
    goal: Goal | None = None

    def measure(self, facts: MetricsInput) -> Measure:
        """The measure of these facts."""
        value = self.compute(facts)
        fields = {key: getattr(value, key) for key in MetricValue.__slots__}
        return Measure(
            **fields,
            name=self.name,
            family=self.family,
            title=self.title,
            unit=self.unit,
            definition=self.definition,
            formula=self.formula,
            source=self.source,
            goal=self.goal,
        )


_INCIDENT_ROWS: tuple[MeasureRow, ...] = (
    MeasureRow(
        name="repeat_rate",
        family="repetition",
        title="Incidents that repeat an earlier one",
        unit="share",
        definition="Published incidents to which their author gave at least one verdict `repeat`, "
        "as a share of those in which somebody looked: with a verdict, or FIRST_OF_CLASS; the "
        "earlier record may be of any kind. Unknown are those that nobody looked at.",
        formula="incidents with a repeat verdict ÷ incidents with any verdict or FIRST_OF_CLASS",
        source="verdicts and FIRST_OF_CLASS in the Counterfactual section",
        compute=repeats.repeat_rate,
    ),
    MeasureRow(
        name="preventable_repeats",
        family="repetition",
        title="Repeats with a promise still open",
        unit="count",
        definition="Repeats of which an action of the earlier record was still open when the later "
        "one first had an effect; n is the number of repeats of which that is known.",
        formula="repeats with an action opened before and not closed by the day of first_impact",
        source="verdicts; action items; closed:, else the commit in which the tick landed",
        compute=repeats.preventable_repeats,
    ),
    MeasureRow(
        name="class_recurrence",
        family="repetition",
        title="Failure class seen in the year before",
        unit="share",
        definition="Incidents whose primary failure class a published record of any kind had in "
        f"the {LOOK_BACK_DAYS} days before, as a share of incidents that name a class and have so "
        "many days of records before them.",
        formula=f"incidents with a gap ≤ {LOOK_BACK_DAYS} days ÷ incidents with a class and a past",
        source="classes (the first), clocks.first_impact",
        compute=repeats.recurrence(primary_class),
    ),
    MeasureRow(
        name="control_recurrence",
        family="repetition",
        title="Control missed in the year before",
        unit="share",
        definition="Incidents whose missing control a published record of any kind had in the "
        f"{LOOK_BACK_DAYS} days before, as a share of incidents that name one and have so many "
        "days of records before them.",
        formula=f"incidents with a gap ≤ {LOOK_BACK_DAYS} days ÷ incidents with a control and a "
        "past",
        source="missing_control, clocks.first_impact",
        compute=repeats.recurrence(missing_control),
    ),
    MeasureRow(
        name="occurrences",
        family="repetition",
        title="Times incidents came again",
        unit="count",
        definition="Entries under `occurrences` of incidents, and other days told by records that "
        "were merged into them: the same cause did harm again. Each incident counts once in every "
        "other number; n is the number of incidents.",
        formula="number of occurrences beside the incidents themselves",
        source="occurrences, merged_into",
        compute=action_measures.occurrences,
    ),
    MeasureRow(
        name="class_gap",
        family="repetition",
        title="Days since the class was last seen",
        unit="days",
        definition="Days from an incident back to the last record of the same primary class, or "
        "the last occurrence of one.",
        formula="median of date − date of the last earlier record of the class",
        source="classes (the first), clocks.first_impact",
        compute=repeats.gap(primary_class),
    ),
    MeasureRow(
        name="control_gap",
        family="repetition",
        title="Days since the control was last missed",
        unit="days",
        definition="Days from an incident back to the last record with the same missing control, "
        "or the last occurrence of one.",
        formula="median of date − date of the last earlier record with the control missing",
        source="missing_control, clocks.first_impact",
        compute=repeats.gap(missing_control),
    ),
    MeasureRow(
        name="detection_chain",
        family="detection",
        title="First impact to detection",
        unit="minutes",
        definition="Minutes from the first effect outside the route to the moment we knew, over "
        "incidents; none where we knew by a warning before the first effect.",
        formula="median of detected − first_impact",
        source="clocks.first_warning, clocks.first_impact, clocks.detected",
        compute=detection_and_containment.detection_chain,
    ),
    MeasureRow(
        name="detected_within_30_minutes",
        family="detection",
        title="Detected within 30 minutes",
        unit="share",
        definition="Incidents detected at most 30 minutes after first impact.",
        formula="incidents with detected − first_impact ≤ 30 min ÷ incidents with both clocks",
        source="clocks.first_impact, clocks.detected",
        compute=detection_and_containment.detected_within(30),
    ),
    MeasureRow(
        name="detected_within_4_hours",
        family="detection",
        title="Detected within 4 hours",
        unit="share",
        definition="Incidents detected at most 4 hours after first impact.",
        formula="incidents with detected − first_impact ≤ 240 min ÷ incidents with both clocks",
        source="clocks.first_impact, clocks.detected",
        compute=detection_and_containment.detected_within(240),
    ),
    MeasureRow(
        name="found_by_others",
        family="detection",
        title="Found by others than us",
        unit="share",
        definition="Incidents that a customer, a bill, a partner or the public showed us, as a "
        "share of incidents whose way of detection is known.",
        formula="incidents detected by customer, billing, partner or public ÷ incidents with "
        "detected_by",
        source="detected_by",
        compute=detection_and_containment.found_by_others,
    ),
    MeasureRow(
        name="near_miss_detection",
        family="detection",
        title="Near miss: warning to detection",
        unit="minutes",
        definition="Minutes from the first detectable warning to the moment we knew, over near "
        "misses.",
        formula="median of detected − first_warning",
        source="clocks.first_warning, clocks.detected",
        compute=detection_and_containment.near_miss_detection,
    ),
    MeasureRow(
        name="warning_to_containment",
        family="detection",
        title="First warning to containment",
        unit="minutes",
        definition="Minutes from the first detectable warning to the moment it could do no "
        "further harm, over all records.",
        formula="median of contained − first_warning",
        source="clocks.first_warning, clocks.contained",
        compute=detection_and_containment.warning_to_containment,
    ),
)

_DAYS = action_measures.COMPLETION_DAYS

_ACTION_ROWS: tuple[MeasureRow, ...] = (
    MeasureRow(
        name="action_completion",
        family="promises",
        title=f"Actions closed within {_DAYS} days",
        unit="share",
        definition=f"Actions closed at most {_DAYS} days after they were opened, as a share of "
        f"actions older than {_DAYS} days; younger and cancelled ones are counted apart. The "
        "interval and the change go by record, for a record's actions are kept or not together.",
        formula=f"actions with 0 ≤ closed − opened ≤ {_DAYS} days ÷ those older than {_DAYS} days",
        source="action items; closed: and opened:, else the commits in which they landed",
        compute=action_measures.action_completion,
        goal=Goal(">", 0.9),
    ),
    MeasureRow(
        name="effectiveness",
        family="promises",
        title="Done actions that worked",
        unit="share",
        definition="Actions that proved effective as a share of actions that are done and watched "
        "out: with `watch` days of which the last is over. Effective is one whose class was not "
        "seen on its route in that time, and whose route ran meanwhile, or that somebody verified; "
        "failed is one whose class was. Done and effective are two numbers: this is the second.",
        formula="effective ÷ (effective + failed), of those done whose watch is over",
        source="watch, closed, verified, ran of action items; later records of the class on the "
        "route, occurrences, clocks.restarted, runs-seen.csv",
        compute=action_measures.effectiveness,
    ),
    MeasureRow(
        name="time_to_effective",
        family="promises",
        title="Promised to known to work",
        unit="days",
        definition="Days from the day an action was promised to the day on which it was known to "
        "work: verified by somebody, or the end of its watch.",
        formula="median of the day it was effective − opened",
        source="as effectiveness; opened:, else the commit in which it landed",
        compute=action_measures.time_to_effective,
    ),
    MeasureRow(
        name="actions_open",
        family="promises",
        title="Open actions",
        unit="count",
        definition="Actions of published records that are neither closed nor cancelled.",
        formula="number of open actions",
        source="action items",
        compute=action_measures.actions_open,
    ),
    MeasureRow(
        name="actions_overdue",
        family="promises",
        title="Overdue actions",
        unit="count",
        definition="Open actions past their due date; n is the number of open actions.",
        formula="number of open actions with due < today",
        source="action items, due:",
        compute=action_measures.actions_overdue,
    ),
    MeasureRow(
        name="review_time",
        family="promises",
        title="Asked for review to reviewed",
        unit="hours",
        definition="Hours from the request for review to the review.",
        formula="median of reviewed.at − opened",
        source="opened, else the first commit of the record; reviewed.at",
        compute=review_measures.review_time,
        goal=Goal("≤", REVIEW_HOURS),
    ),
    MeasureRow(
        name="reviewed_in_time",
        family="promises",
        title=f"Reviewed within {REVIEW_HOURS} hours",
        unit="share",
        definition=f"Records reviewed at most {REVIEW_HOURS} hours after review was asked "
        "for; records that have waited longer and still wait, and those published without the "
        "review they asked for, are in the denominator.",
        formula=f"records with 0 ≤ reviewed − opened ≤ {REVIEW_HOURS} h ÷ records "
        "reviewed, published without the review asked for, or waiting longer",
        source="opened, else the first commit of the record; reviewed.at",
        compute=review_measures.reviewed_in_time,
    ),
    MeasureRow(
        name="time_to_publish",
        family="promises",
        title="Contained to published",
        unit="days",
        definition="Days from containment to the day the record reached the default branch as "
        "published: by a merge, a squash, a rebase or a push. Unknown where records were copied "
        "here together; of others' incidents there is none.",
        formula="median of the arrival on the default branch − contained",
        source="clocks.contained; the first-parent commit that brought `status: published`",
        compute=review_measures.time_to_publish,
    ),
    MeasureRow(
        name="shared_in_time",
        family="promises",
        title=f"Customers with a copy in {SHARING_HOURS} hours",
        unit="share",
        definition=f"Affected customers who were given their copy at most {SHARING_HOURS} "
        "hours after resolution, as a share of affected customers whose time is over.",
        formula=f"copies with at − resolved ≤ {SHARING_HOURS} h ÷ affected customers",
        source="affected_customers, shared, clocks.resolved",
        compute=sharing_deadlines.shared_in_time,
    ),
    MeasureRow(
        name="published_externally",
        family="promises",
        title="SEV1 customer-visible, shown outside",
        unit="share",
        definition="SEV1 customer-visible records that the external edition may carry.",
        formula="such records with visibility external ÷ such records",
        source="severity, impact, visibility",
        compute=sharing_deadlines.published_externally,
    ),
    MeasureRow(
        name="external_in_time",
        family="promises",
        title=f"SEV1, outside within {SHARING_HOURS} hours",
        unit="share",
        definition="SEV1 customer-visible records published with visibility external at most "
        f"{SHARING_HOURS} hours after resolution, as a share of such records, in review "
        "or published, whose time is over.",
        formula=f"those with published − resolved ≤ {SHARING_HOURS} h ÷ such records",
        source="severity, impact, visibility, clocks.resolved; the first-parent commit that "
        "brought `status: published`",
        compute=sharing_deadlines.external_in_time,
    ),
    MeasureRow(
        name="section_coverage",
        family="evidence",
        title="Evidence that is there",
        unit="share",
        definition="Of six kinds of evidence (working replay fixture, policy-path evidence, an "
        "outcome assert that was in the trace, idempotency audit, customer-visible truth, a "
        "prior incident named) the share that records hold; n/a with a reason is left out.",
        formula="evidence held ÷ evidence asked for, over records and kinds",
        source="the six sections; the fixture's file",
        compute=coverage.section_coverage,
    ),
    MeasureRow(
        name="near_miss_share",
        family="early",
        title="Near misses among records",
        unit="share",
        definition="Records of near misses as a share of all published records.",
        formula="records of kind near-miss ÷ records",
        source="kind",
        compute=coverage.near_miss_share,
    ),
    MeasureRow(
        name="rescue_load",
        family="early",
        title="Rescues by people",
        unit="count",
        definition="How often people had saved a route before, summed over records that say so.",
        formula="sum of rescues",
        source="rescues",
        compute=coverage.rescue_load,
    ),
    MeasureRow(
        name="warnings_by_kind",
        family="early",
        title="Records that name their first warning",
        unit="count",
        definition="Records that say what kind of signal their first warning was, by kind: which "
        "signals a team can learn to act on, and how often nothing showed.",
        formula="number of records with warned_by, by its word",
        source="warned_by",
        compute=detection_and_containment.warnings_by_kind,
    ),
    MeasureRow(
        name="containment_by_kind",
        family="early",
        title="Records that name how it was stopped",
        unit="count",
        definition="Records that say how the route was kept from doing further harm, by the way.",
        formula="number of records with contained_by, by its word",
        source="contained_by",
        compute=detection_and_containment.containment_by_kind,
    ),
    MeasureRow(
        name="tool_failures_poorly",
        family="evidence",
        title="Tool failures handled poorly",
        unit="share",
        definition="Records in which a tool failed and the agent handled that poorly, as a share "
        "of records in which a tool failed and somebody judged how it was handled.",
        formula="records with TOOL_FAILURE_HANDLED: poorly ÷ those with well or poorly",
        source="TOOL_FAILURE_HANDLED in the Agent path section",
        compute=detection_and_containment.tool_failures_poorly,
    ),
    MeasureRow(
        name="reading_list",
        family="early",
        title="Published lately, to be read",
        unit="count",
        definition="Records that reached the default branch as published since the last "
        f"all-hands, or the date asked for; in the last {READING_DAYS} days where neither is "
        "known.",
        formula="number of records whose arrival on the default branch is later",
        source="the first-parent commit that brought `status: published`; the newest tag "
        "all-hands/…, else [metrics] last",
        compute=coverage.reading_list,
    ),
)

#: Family key to what it is called, in the order a page shows them.
FAMILIES: dict[str, str] = {
    "repetition": "Repetition",
    "detection": "Detection",
    "promises": "Promises",
    "evidence": "Evidence in the records",
    "early": "Early signs and reading",
}

MEASURES: tuple[MeasureRow, ...] = (*_INCIDENT_ROWS, *_ACTION_ROWS)


def measure_all(facts: MetricsInput) -> tuple[Measure, ...]:
    """Every measure of these facts, in the order of the registry."""
    return tuple(row.measure(facts) for row in MEASURES)


def measure_some(facts: MetricsInput, names: Collection[str]) -> tuple[Measure, ...]:
    """The measures with these names, in the order of the registry; no other is computed."""
    return tuple(row.measure(facts) for row in MEASURES if row.name in names)
