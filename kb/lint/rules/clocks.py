"""Is the timeline dated, in order, and in agreement with the clocks? Rules on entries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kb.lint.rule import ADVICE, Context, Finding, rule
from kb.lint.rules.reading import is_submitted, quoted, says_not_applicable
from kb.lint.rules.words import what_to_write
from kb.records.document import Document
from kb.records.list_items import TimelineEntry, read_items
from kb.records.model import CLOCK_NAMES, read_time

#: The clock each tag of the timeline speaks of.
_CLOCK_OF_TAG = {
    "warning": "first_warning",
    "impact": "first_impact",
    "detected": "detected",
    "contained": "contained",
    "restart": "restarted",
}


def _is_before(entry: TimelineEntry, at: datetime) -> bool:
    """Whether an entry lies before a time, at the precision it was written with."""
    if entry.has_time:
        return entry.at < at.replace(second=0, microsecond=0)
    return entry.at.date() < at.date()


def _is_after(entry: TimelineEntry, at: datetime) -> bool:
    return entry.at > at if entry.has_time else entry.at.date() > at.date()


@rule(
    "KB306",
    "timeline-outside-clocks",
    reason="The clocks are drawn to scale over the timeline; an entry outside them means that one "
    "of the two is incomplete.",
    bad="clocks: {first_warning: 2026-04-12T14:00:00Z, resolved: 2026-04-12T19:00:00Z}\n\n"
    "- 2026-04-12 13:10 UTC — queue depth doubles",
    good="clocks: {first_warning: 2026-04-12T13:10:00Z, resolved: 2026-04-12T19:00:00Z}\n\n"
    "- 2026-04-12 13:10 UTC — queue depth doubles [warning]",
    severity=ADVICE,
)
def timeline_outside_clocks(document: Document, _: Context) -> Iterator[Finding]:
    """Entries before the first clock (triggers apart) or after the last."""
    front = document.front
    known = [at for name in CLOCK_NAMES if (at := read_time(front.text(f"clocks.{name}")))]
    if not known:
        return
    first, last = min(known), max(known)
    is_over = any(read_time(front.text(f"clocks.{name}")) for name in ("resolved", "restarted"))
    for entry in document.timeline:
        if _is_before(entry, first) and "trigger" not in entry.tags:
            message = "this is before the first clock; correct one, or tag what led to it [trigger]"
            yield Finding(entry.line, message)
        elif is_over and _is_after(entry, last):
            yield Finding(entry.line, "this is after the last clock; correct one, or add the clock")


@rule(
    "KB307",
    "tag-against-clock",
    reason="A record that was contained at 15:00 by its timeline and at 17:20 by its clocks has "
    "one wrong number in every measure.",
    bad="clocks: {detected: 2026-04-12T16:51:00Z}\n\n- 2026-04-12 15:10 UTC — alert [detected]",
    good="clocks: {detected: 2026-04-12T15:10:00Z}\n\n- 2026-04-12 15:10 UTC — alert [detected]",
)
def tag_against_clock(document: Document, _: Context) -> Iterator[Finding]:
    """A tagged entry that is earlier than the clock which its tag speaks of."""
    for entry in document.timeline:
        for tag in entry.tags:
            name = _CLOCK_OF_TAG.get(tag)
            at = read_time(document.front.text(f"clocks.{name}")) if name else None
            if at and _is_before(entry, at):
                message = f"[{tag}] is before the clock '{name}', {at:%Y-%m-%d %H:%M} UTC"
                yield _at_tag(document, entry, tag, f"{message}; correct one")


def _at_tag(document: Document, entry: TimelineEntry, tag: str, message: str) -> Finding:
    column = document.source_line(entry.line).rfind(f"[{tag}]") + 1
    return Finding(entry.line, message, max(column, 1), len(tag) + 2 if column else 0)


@rule(
    "KB308",
    "timeline-out-of-order",
    reason="Cause comes before effect on the page, too; an entry out of order suggests a chain "
    "that did not happen.",
    bad="- 2026-04-12 16:51 UTC — alert\n- 2026-04-12 14:02 UTC — first duplicate refund",
    good="- 2026-04-12 14:02 UTC — first duplicate refund\n- 2026-04-12 16:51 UTC — alert",
    severity=ADVICE,
)
def timeline_out_of_order(document: Document, _: Context) -> Iterator[Finding]:
    """Entries that are earlier than the one before them."""
    for before, entry in zip(document.timeline, document.timeline[1:], strict=False):
        timed = before.has_time and entry.has_time
        if entry.at < before.at if timed else entry.at.date() < before.at.date():
            message = f"this is earlier than line {before.line}; put the entries in order"
            yield Finding(entry.line, message)


@rule(
    "KB309",
    "timeline-without-zone",
    reason="Chat, traces and dashboards show local times; an entry that does not say UTC may be "
    "hours away from the trace event it explains.",
    bad="- 2026-04-12 14:02 — first duplicate refund posted",
    good="- 2026-04-12 14:02 UTC — first duplicate refund posted",
)
def timeline_without_zone(document: Document, _: Context) -> Iterator[Finding]:
    """Timed entries without UTC or an offset, unless the heading says UTC for all; `5:00 pm`."""
    section = document.section("timeline")
    if section is None or not is_submitted(document):
        return
    says_utc = "utc" in section.heading.lower()
    for entry in document.timeline:
        if entry.unclear:
            what = quoted(entry.unclear)
            message = f"{what} leaves open which hour this is; write it in UTC, as 14:02 UTC"
            yield Finding(entry.line, message)
        elif entry.has_time and not entry.has_zone and not says_utc:
            yield Finding(entry.line, "the time has no zone; write UTC behind it")


@rule(
    "KB310",
    "undated-timeline-item",
    reason="An item without a day cannot be placed between a trace event and the first customer "
    "who wrote.",
    bad="- shortly after, the second refund is posted",
    good="- 2026-04-12 14:03 UTC — the second refund is posted",
    severity=ADVICE,
)
def undated_timeline_item(document: Document, _: Context) -> Iterator[Finding]:
    """Items of the first level that do not begin with a date."""
    section = document.section("timeline")
    if section is None or not is_submitted(document) or says_not_applicable(section):
        return
    dated = {entry.line for entry in document.timeline}
    for item in read_items(section.lines):
        if item.indent == 0 and item.line not in dated:
            yield Finding(item.line, "no date; begin the item '- 2026-04-12 14:02 UTC — '")


@rule(
    "KB311",
    "unknown-tag",
    reason="Tags mark the first divergence, the impact and the detection for readers and for the "
    "drawing of the clocks; an unknown one marks nothing.",
    bad="- 2026-04-12 16:51 UTC — alert fires [detection]",
    good="- 2026-04-12 16:51 UTC — alert fires [detected]",
)
def unknown_tag(document: Document, context: Context) -> Iterator[Finding]:
    """A tag at the end of an entry that the list does not have."""
    known = [word.name for word in context.form.taxonomies["timeline_tag"]]
    for entry in document.timeline:
        for tag in entry.tags:
            if tag not in known:
                message = f"unknown tag {quoted(tag)}; {what_to_write(tag, known)}"
                yield _at_tag(document, entry, tag, message)
