"""Rules on one incident told more than once: its occurrences, merged records, runs seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from kb.lint.readings.document_facts import quoted, what_to_write
from kb.lint.readings.front_matter_types import place
from kb.lint.rule import Finding, LintContext, rule
from kb.records.document import Document
from kb.records.front_matter import Node
from kb.records.merged_records import end_of
from kb.records.postmortem import outline, read_time

_MOST_COMPARED = 50  # records that a mistyped id is held against
_RUN_KEYS = ("run", "trace")


@rule(
    "KB131",
    "unusable-occurrence",
    reason="An occurrence counts by its time: without one it makes no action failed and stands in "
    "no rate, one that is written twice doubles both, and one before the incident is none.",
    bad="occurrences:\n  - {customers: 2, note: again}",
    good="occurrences:\n  - {at: 2026-06-20T09:12:00Z, customers: 2, note: again}",
)
def unusable_occurrence(document: Document, _: LintContext) -> Iterator[Finding]:
    """Occurrences without a time or before the incident, and those whose run stands already."""
    seen: dict[tuple[str, str], int] = {}
    found = document.front.get("occurrences")
    known = outline(document) if found else None
    for entry in found.items if found else ():
        at = entry.get("at")
        if at is None or not at.text:
            yield place(entry, "the occurrence has no time; write at: 2026-06-20T09:12:00Z")
        elif known and (moment := read_time(at.text)) and _is_before(moment, known.happened_at):
            day = known.happened_at.astimezone(UTC).date()
            yield place(at, f"the occurrence is before {day}, when the incident itself was")
        for key, value in _runs_of(entry):
            line = seen.setdefault((key, value.text or ""), entry.line)
            if line != entry.line:
                yield place(value, f"this {key} stands on line {line} already; keep one of the two")


def _is_before(moment: datetime, began: datetime) -> bool:
    return moment.astimezone(UTC).date() < began.astimezone(UTC).date()


def _runs_of(entry: Node) -> Iterator[tuple[str, Node]]:
    for key in _RUN_KEYS:
        value = entry.get(key)
        if value is not None and value.text and value.text != "unknown":
            yield key, value


@rule(
    "KB132",
    "merged-nowhere",
    reason="A merged record counts no more and leads to the one that does; when that is not there, "
    "is no record that counts, or leads back, the incident would be lost.",
    bad="merged_into: 2026-04-12-no-such-record",
    good="merged_into: 2026-04-12-refund-agent-paid-twice",
)
def merged_nowhere(document: Document, context: LintContext) -> Iterator[Finding]:
    """`merged_into` that names no record, itself, a ring, or a draft for a published record."""
    node = document.front.get("merged_into")
    target = (node.text or "").strip() if node else ""
    if node is None or not target:
        return
    if target not in context.records and target != document.id:
        near = list(context.records)[:_MOST_COMPARED]
        advice = what_to_write(target, near)
        yield place(node, f"no record is named {quoted(target)}; {advice}")
        return
    into = {name: one.merged_into for name, one in context.records.items() if one.merged_into}
    end = end_of(document.id, into | {document.id: target})
    if not end:
        yield place(node, "the merged records lead back to this one; one of them has to count")
    elif end in context.records and _counts_less(document, context.records[end].status):
        yield place(node, f"{end} is not published, and this record would count no more")


def _counts_less(document: Document, status: str) -> bool:
    return document.front.text("status") == "published" and status != "published"


@rule(
    "KB133",
    "unread-runs-seen",
    reason="runs-seen.csv says when a route ran; a line that is not read leaves the effect of a "
    "fix unknown.",
    bad="billing-agent,in May,many",
    good="billing-agent,2026-05-03,312",
)
def unread_runs_seen(_document: Document, _: LintContext) -> Iterator[Finding]:
    """Lines of the file beside the records; no record is at fault."""
    yield from ()
