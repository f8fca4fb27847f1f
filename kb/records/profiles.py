"""Which sections does a record need? A list for each profile."""

from __future__ import annotations

from kb.records.sections import SECTIONS

#: The profile a draft starts from, and what `published` needs. Order is advice.
PROFILES: dict[str, tuple[str, ...]] = {
    "one-page": (
        "replay",
        "policy_path",
        "outcome_asserts",
        "idempotency",
        "customer_truth",
        "counterfactual",
    ),
    "short": (
        "summary",
        "customer_truth",
        "timeline",
        "detection",
        "replay",
        "policy_path",
        "outcome_asserts",
        "idempotency",
        "failed_controls",
        "root_cause",
        "counterfactual",
        "actions",
    ),
    "full": tuple(section.key for section in SECTIONS),
    "public": (
        "summary",
        "customer_truth",
        "timeline",
        "detection",
        "policy_path",
        "outcome_asserts",
        "root_cause",
        "counterfactual",
    ),
}
