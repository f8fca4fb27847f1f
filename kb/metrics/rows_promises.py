"""Which measures speak of what we owe? Promises, evidence in the records, early signs, reading."""

from __future__ import annotations

from kb.metrics import action_measures, coverage, sharing_deadlines
from kb.metrics.row import Row
from kb.metrics.values import Goal

_DAYS = action_measures.COMPLETION_DAYS

ROWS: tuple[Row, ...] = (
    Row(
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
    Row(
        name="actions_open",
        family="promises",
        title="Open actions",
        unit="count",
        definition="Actions of published records that are neither closed nor cancelled.",
        formula="number of open actions",
        source="action items",
        compute=action_measures.actions_open,
    ),
    Row(
        name="actions_overdue",
        family="promises",
        title="Overdue actions",
        unit="count",
        definition="Open actions past their due date; n is the number of open actions.",
        formula="number of open actions with due < today",
        source="action items, due:",
        compute=action_measures.actions_overdue,
    ),
    Row(
        name="review_time",
        family="promises",
        title="Asked for review to reviewed",
        unit="hours",
        definition="Hours from the request for review to the review.",
        formula="median of reviewed.at − opened",
        source="opened, else the first commit of the record; reviewed.at",
        compute=action_measures.review_time,
        goal=Goal("≤", action_measures.REVIEW_HOURS),
    ),
    Row(
        name="reviewed_in_time",
        family="promises",
        title=f"Reviewed within {action_measures.REVIEW_HOURS} hours",
        unit="share",
        definition=f"Records reviewed at most {action_measures.REVIEW_HOURS} hours after review was asked "
        "for; records that have waited longer and still wait, and records of our own published "
        "without a review, are in the denominator.",
        formula=f"records with 0 ≤ reviewed − opened ≤ {action_measures.REVIEW_HOURS} h ÷ records "
        "reviewed, published without review, or waiting longer",
        source="opened, else the first commit of the record; reviewed.at",
        compute=action_measures.reviewed_in_time,
    ),
    Row(
        name="time_to_publish",
        family="promises",
        title="Contained to published",
        unit="days",
        definition="Days from containment to the commit that set the status to published; of a "
        "public record, or one that came here published, to its review.",
        formula="median of the publishing commit's time − contained",
        source="clocks.contained; the commit that set `status: published`, else reviewed.at",
        compute=action_measures.time_to_publish,
    ),
    Row(
        name="shared_in_time",
        family="promises",
        title=f"Customers with a copy in {sharing_deadlines.SHARING_HOURS} hours",
        unit="share",
        definition=f"Affected customers who were given their copy at most {sharing_deadlines.SHARING_HOURS} "
        "hours after resolution, as a share of affected customers whose time is over.",
        formula=f"copies with at − resolved ≤ {sharing_deadlines.SHARING_HOURS} h ÷ affected customers",
        source="affected_customers, shared, clocks.resolved",
        compute=sharing_deadlines.shared_in_time,
    ),
    Row(
        name="published_externally",
        family="promises",
        title="SEV1 customer-visible, shown outside",
        unit="share",
        definition="SEV1 customer-visible records that the external edition may carry.",
        formula="such records with visibility external ÷ such records",
        source="severity, impact, visibility",
        compute=sharing_deadlines.published_externally,
    ),
    Row(
        name="external_in_time",
        family="promises",
        title=f"SEV1, outside within {sharing_deadlines.SHARING_HOURS} hours",
        unit="share",
        definition="SEV1 customer-visible records published with visibility external at most "
        f"{sharing_deadlines.SHARING_HOURS} hours after resolution, as a share of such records, in review "
        "or published, whose time is over.",
        formula=f"those with published − resolved ≤ {sharing_deadlines.SHARING_HOURS} h ÷ such records",
        source="severity, impact, visibility, clocks.resolved; the commit that set `status: "
        "published`, else reviewed.at",
        compute=sharing_deadlines.external_in_time,
    ),
    Row(
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
    Row(
        name="near_miss_share",
        family="early",
        title="Near misses among records",
        unit="share",
        definition="Records of near misses as a share of all published records.",
        formula="records of kind near-miss ÷ records",
        source="kind",
        compute=coverage.near_miss_share,
    ),
    Row(
        name="rescue_load",
        family="early",
        title="Rescues by people",
        unit="count",
        definition="How often people had saved a route before, summed over records that say so.",
        formula="sum of rescues",
        source="rescues",
        compute=coverage.rescue_load,
    ),
    Row(
        name="reading_list",
        family="early",
        title="Published lately, to be read",
        unit="count",
        definition=f"Records published in the last {coverage.READING_DAYS} days, or since the date "
        "asked for.",
        formula="number of records with a publishing commit since the date",
        source="the commit that set `status: published`, else reviewed.at",
        compute=coverage.reading_list,
    ),
)
