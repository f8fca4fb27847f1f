"""Which measures speak of incidents? Whether they repeat, and how long until we knew."""

from __future__ import annotations

from kb.metrics import detection, repetition
from kb.metrics.repetition import LOOK_BACK_DAYS, missing_control, primary_class
from kb.metrics.row import Row

ROWS: tuple[Row, ...] = (
    Row(
        name="repeat_rate",
        family="repetition",
        title="Incidents that repeat an earlier one",
        unit="share",
        definition="Published incidents to which their author gave at least one verdict `repeat`, "
        "as a share of published incidents; the earlier record may be of any kind.",
        formula="incidents with a repeat verdict ÷ incidents",
        source="verdicts in the Counterfactual section",
        compute=repetition.repeat_rate,
    ),
    Row(
        name="preventable_repeats",
        family="repetition",
        title="Repeats with a promise still open",
        unit="count",
        definition="Repeats of which an action of the earlier record was still open when the later "
        "one first had an effect; n is the number of repeats of which that is known.",
        formula="repeats with an action opened before and not closed by the day of first_impact",
        source="verdicts; action items; closed:, else the commit in which the tick landed",
        compute=repetition.preventable_repeats,
    ),
    Row(
        name="class_recurrence",
        family="repetition",
        title="Failure class seen in the year before",
        unit="share",
        definition="Incidents whose primary failure class a published record of any kind had in "
        f"the {LOOK_BACK_DAYS} days before, as a share of incidents that name a class and have so "
        "many days of records before them.",
        formula=f"incidents with a gap ≤ {LOOK_BACK_DAYS} days ÷ incidents with a class and a past",
        source="classes (the first), clocks.first_impact",
        compute=repetition.recurrence(primary_class),
    ),
    Row(
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
        compute=repetition.recurrence(missing_control),
    ),
    Row(
        name="class_gap",
        family="repetition",
        title="Days since the class was last seen",
        unit="days",
        definition="Days from an incident back to the last record of the same primary class.",
        formula="median of date − date of the last earlier record of the class",
        source="classes (the first), clocks.first_impact",
        compute=repetition.gap(primary_class),
    ),
    Row(
        name="control_gap",
        family="repetition",
        title="Days since the control was last missed",
        unit="days",
        definition="Days from an incident back to the last record with the same missing control.",
        formula="median of date − date of the last earlier record with the control missing",
        source="missing_control, clocks.first_impact",
        compute=repetition.gap(missing_control),
    ),
    Row(
        name="detection_chain",
        family="detection",
        title="First impact to detection",
        unit="minutes",
        definition="Minutes from the first effect outside the route to the moment we knew, over "
        "incidents; none where we knew by a warning before the first effect.",
        formula="median of detected − first_impact",
        source="clocks.first_warning, clocks.first_impact, clocks.detected",
        compute=detection.detection_chain,
    ),
    Row(
        name="detected_within_30_minutes",
        family="detection",
        title="Detected within 30 minutes",
        unit="share",
        definition="Incidents detected at most 30 minutes after first impact.",
        formula="incidents with detected − first_impact ≤ 30 min ÷ incidents with both clocks",
        source="clocks.first_impact, clocks.detected",
        compute=detection.detected_within(30),
    ),
    Row(
        name="detected_within_4_hours",
        family="detection",
        title="Detected within 4 hours",
        unit="share",
        definition="Incidents detected at most 4 hours after first impact.",
        formula="incidents with detected − first_impact ≤ 240 min ÷ incidents with both clocks",
        source="clocks.first_impact, clocks.detected",
        compute=detection.detected_within(240),
    ),
    Row(
        name="found_by_others",
        family="detection",
        title="Found by others than us",
        unit="share",
        definition="Incidents that a customer, a bill, a partner or the public showed us, as a "
        "share of incidents whose way of detection is known.",
        formula="incidents detected by customer, billing, partner or public ÷ incidents with "
        "detected_by",
        source="detected_by",
        compute=detection.found_by_others,
    ),
    Row(
        name="near_miss_detection",
        family="detection",
        title="Near miss: warning to detection",
        unit="minutes",
        definition="Minutes from the first detectable warning to the moment we knew, over near "
        "misses.",
        formula="median of detected − first_warning",
        source="clocks.first_warning, clocks.detected",
        compute=detection.near_miss_detection,
    ),
    Row(
        name="warning_to_containment",
        family="detection",
        title="First warning to containment",
        unit="minutes",
        definition="Minutes from the first detectable warning to the moment it could do no "
        "further harm, over all records.",
        formula="median of contained − first_warning",
        source="clocks.first_warning, clocks.contained",
        compute=detection.warning_to_containment,
    ),
)
