"""A rule on walls: each can be read, and says which calls it is about."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.readings.front_matter_types import place
from kb.lint.rule import Finding, LintContext, rule
from kb.records.document import Document
from kb.records.wall_definitions import wall_faults


@rule(
    "KB130",
    "unusable-wall",
    reason="A wall that cannot be read stops nothing, and nobody notices before the day on which "
    "it is needed.",
    bad="walls:\n  - {tool: shell, verdict: deny, reason: never again}",
    good="walls:\n  - {tool: shell, command: terraform destroy, verdict: deny, reason: a person "
    "reads the plan first}",
)
def unusable_wall(document: Document, _: LintContext) -> Iterator[Finding]:
    """Walls without a tool, a verdict, a reason or a condition, and paths that are none."""
    yield from (place(fault.node, fault.message) for fault in wall_faults(document.front))
