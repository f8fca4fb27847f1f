"""Rules on clocks and timeline: dated, in order, and in agreement with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta

from kb.lint.fmt.detection_minutes import (
    KEY,
    agrees,
    chain_field,
    chain_minutes,
    rounded,
    written_minutes,
)
from kb.lint.readings.document_facts import (
    at_heading,
    at_value,
    is_submitted,
    quoted,
    says_not_applicable,
    what_to_write,
)
from kb.lint.readings.front_matter_types import is_blank, is_naive_time, place
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.records.action_and_prior_items import read_items
from kb.records.compound_values import EITHER_WAY
from kb.records.document import Document
from kb.records.front_matter import MappingEntry
from kb.records.front_matter_keys import KeyType
from kb.records.postmortem import CLOCK_NAMES, read_time
from kb.records.timeline import TimelineEntry

#: The clock each tag of the timeline speaks of.
_CLOCK_OF_TAG = {
    "warning": "first_warning",
    "impact": "first_impact",
    "detected": "detected",
    "contained": "contained",
    "restart": "restarted",
}
#: An entry gives the minute; the clock may give the second before it.
_ROUNDING = timedelta(minutes=1)


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
def timeline_outside_clocks(document: Document, _: LintContext) -> Iterator[Finding]:
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
def tag_against_clock(document: Document, _: LintContext) -> Iterator[Finding]:
    """A tagged entry before its clock; the first of a tag after it, or after one that follows."""
    known = {name: read_time(document.front.text(f"clocks.{name}")) for name in CLOCK_NAMES}
    seen: set[str] = set()
    for entry in document.timeline:
        for tag in entry.tags:
            name = _CLOCK_OF_TAG.get(tag, "")
            at = known.get(name)
            if at and _is_before(entry, at):
                yield _contradiction(document, entry, tag, "before", name, at)
            elif tag not in seen and (late := _passed(entry, name, known)):
                yield _contradiction(document, entry, tag, "after", *late)
            seen.add(tag)


def _passed(
    entry: TimelineEntry, name: str, known: Mapping[str, datetime | None]
) -> tuple[str, datetime] | None:
    """The first clock that an entry of a clock's own moment cannot lie after, and does."""
    if name not in CLOCK_NAMES or (name == "first_warning" and known[name] is None):
        return None  # a warning may be one of many; only the first has to come before the rest
    for other in CLOCK_NAMES[CLOCK_NAMES.index(name) :]:
        at = known[other]
        if at is None or (name, other) in EITHER_WAY:
            continue
        is_day = at.time() == time()  # midnight is how a clock says that only the day is known
        if (
            entry.at.date() > at.date()
            if is_day
            else (_is_after(entry, at) and entry.at - at > _ROUNDING)
        ):
            return other, at
    return None


def _contradiction(
    document: Document, entry: TimelineEntry, tag: str, side: str, name: str, at: datetime
) -> Finding:
    message = f"[{tag}] is {side} the clock '{name}', {at:%Y-%m-%d %H:%M} UTC; correct one"
    return _at_tag(document, entry, tag, message)


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
def timeline_out_of_order(document: Document, _: LintContext) -> Iterator[Finding]:
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
def timeline_without_zone(document: Document, _: LintContext) -> Iterator[Finding]:
    """Timed entries without UTC or an offset, unless the heading says UTC for all; `5:00 pm`."""
    section = document.section("timeline")
    if section is None or not is_submitted(document):
        return
    says_utc = "utc" in section.heading.lower()
    for entry in document.timeline:
        if entry.unclear == "day":
            continue  # `unread-time` tells
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
def undated_timeline_item(document: Document, _: LintContext) -> Iterator[Finding]:
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
def unknown_tag(document: Document, context: LintContext) -> Iterator[Finding]:
    """A tag at the end of an entry that the list does not have."""
    known = [word.name for word in context.form.taxonomies["timeline_tag"]]
    for entry in document.timeline:
        for tag in entry.tags:
            if tag not in known:
                message = f"unknown tag {quoted(tag)}; {what_to_write(tag, known)}"
                yield _at_tag(document, entry, tag, message)


def _times(document: Document) -> Iterator[MappingEntry]:
    for entry, row, _ in document.entries:
        if row is not None and row.type is KeyType.TIME and entry.value.text:
            yield entry


@rule(
    "KB301",
    "missing-clock",
    reason="Agents fail behind green dashboards: how long it took to notice is the first number "
    "a record has to give, and without clocks there is none.",
    bad="status: published\nclocks:\n  detected: 2026-04-12T16:51:00Z",
    good="status: published\nclocks:\n  first_impact: 2026-04-12T14:02:00Z\n"
    "  detected: 2026-04-12T16:51:00Z\n  contained: unknown",
)
def missing_clock(document: Document, _: LintContext) -> Iterator[Finding]:
    """The clocks that status and kind ask for; `unknown` is an answer."""
    front = document.front
    missing = [name for name in _needed(document) if is_blank(front.get(f"clocks.{name}"))]
    if missing:
        clocks = next((entry for entry in front.entries if entry.key == "clocks"), None)
        listed = ", ".join(missing)
        line, length = (clocks.line, len("clocks")) if clocks else (1, 0)
        message = f"clocks needs {listed}; give the time with its offset, or unknown"
        yield Finding(line, message, 1, length)


def _needed(document: Document) -> tuple[str, ...]:
    """SPEC 2.2: draft none; in-review two by kind; published also contained; a restart if seen."""
    if not is_submitted(document):
        return ()
    near_miss = document.front.text("kind") == "near-miss"
    needed = ("first_warning" if near_miss else "first_impact", "detected")
    if document.front.text("status") != "published":
        return needed
    restarted = any("restart" in entry.tags for entry in document.timeline)
    return (*needed, "contained", "restarted") if restarted else (*needed, "contained")


@rule(
    "KB302",
    "clock-without-offset",
    reason="A time without its offset is a different minute for every reader, and the chain from "
    "impact to detection is off by hours.",
    bad="detected: 2026-04-12 16:51",
    good="detected: 2026-04-12T16:51:00Z",
)
def clock_without_offset(document: Document, _: LintContext) -> Iterator[Finding]:
    """Times that do not say where on Earth; `kb fmt` never guesses it."""
    for entry in _times(document):
        if is_naive_time(entry.value.text or ""):
            message = f"{quoted(entry.value.text or '')} has no UTC offset; end it with Z or +02:00"
            yield place(entry.value, message)


@rule(
    "KB303",
    "clocks-out-of-order",
    reason="A detection before the impact gives a negative chain, which pulls every median down.",
    bad="first_impact: 2026-04-12T14:02:00Z\ndetected: 2026-04-12T13:51:00Z",
    good="first_impact: 2026-04-12T14:02:00Z\ndetected: 2026-04-12T16:51:00Z",
)
def clocks_out_of_order(document: Document, _: LintContext) -> Iterator[Finding]:
    """Each clock that runs before one it has to follow, named once."""
    known = [(name, read_time(document.front.text(f"clocks.{name}"))) for name in CLOCK_NAMES]
    for index, (name, at) in enumerate(known):
        for earlier, before in known[:index]:
            if at and before and at < before and (earlier, name) not in EITHER_WAY:
                node = document.front.get(f"clocks.{name}")
                message = f"{name} is before {earlier}; correct the one that is wrong"
                yield place(node, message) if node else Finding(1, message)
                break


@rule(
    "KB304",
    "date-against-clocks",
    reason="The day in the id orders the library: search leaves out what is later, and a repeat is "
    "looked for in what is earlier.",
    bad="# 2026-04-13-refund-agent.md\nfirst_impact: 2026-04-12T14:02:00Z",
    good="# 2026-04-12-refund-agent.md\nfirst_impact: 2026-04-12T14:02:00Z",
)
def date_against_clocks(document: Document, _: LintContext) -> Iterator[Finding]:
    """The id's day is the UTC day of first impact, of a near miss that of the first warning."""
    name = "first_warning" if document.front.text("kind") == "near-miss" else "first_impact"
    node = document.front.get(f"clocks.{name}")
    at = read_time(node.text or "") if node else None
    if node and at and document.name_date and at.date() != document.name_date:
        day = document.name_date
        yield place(node, f"{name} is on {at.date()} UTC, the file name says {day}; rename one")


@rule(
    "KB305",
    "wrong-detection-minutes",
    reason="The number is quoted in reviews and in the all-hands; typed by hand it drifts away "
    "from the clocks it stands for.",
    bad="DETECTION_CHAIN_MINUTES: 30",
    good="DETECTION_CHAIN_MINUTES: 169",
    fixable=True,
)
def wrong_detection_minutes(document: Document, _: LintContext) -> Iterator[Finding]:
    """The number differs from the clocks, or stands where they give none."""
    section, field = document.section("detection"), chain_field(document)
    minutes = chain_minutes(document)
    if section is None:
        return
    if field is None or not field.value.strip():
        if minutes is not None and is_submitted(document):
            yield at_heading(section, f"{KEY} is missing; the clocks give {rounded(minutes)}")
    elif minutes is not None and not agrees(field.value, minutes):
        said, right = quoted(field.value), rounded(minutes)
        is_number = written_minutes(field.value) is not None
        advice = "" if is_number else f"; write {right}, and any remark behind it in brackets"
        yield at_value(document, field, f"{said}, but the clocks give {right} minutes{advice}")
    elif minutes is None and is_submitted(document) and field.value.strip()[:1].isdecimal():
        message = "the clocks do not give this number; write unknown, or complete the clocks"
        yield at_value(document, field, message)


@rule(
    "KB312",
    "future-clock",
    reason="A time that has not come is a plan or a slip of the keyboard, and no measure can "
    "count with it.",
    bad="restarted: 2062-04-14T09:00:00Z",
    good="restarted: 2026-04-14T09:00:00Z",
)
def future_clock(document: Document, context: LintContext) -> Iterator[Finding]:
    """Any time of the front matter that lies after today."""
    for entry in _times(document):
        at = read_time(entry.value.text or "")
        if at and context.is_future(at.date()):
            yield place(
                entry.value, f"'{entry.key}' is later than today; correct it, or leave it out"
            )
