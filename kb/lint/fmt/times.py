"""Writes times as `2026-04-12T13:58:00Z` in front matter, `13:58 UTC` in the timeline.

Only what says its offset is rewritten: a zone is never invented, and no digit is dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from kb.lazy_regex import regex
from kb.lint.fmt.text_edit import Edit
from kb.records.document import Document
from kb.records.front_matter import Node
from kb.records.front_matter_keys import KeyType
from kb.records.postmortem import read_time
from kb.records.timeline import TimelineEntry

_FINER_THAN_MICROSECONDS = regex(r"[.,]\d{7}")
#: Seconds of three digits, which Python reads: which of them is the slip is for a person.
_ODD_SECONDS = regex(r":\d\d:\d{3}")
#: An offset west of Greenwich looks like the end of a span of time (`08:00-09:30`): it is left, and
#: so is a time before a sign and a digit: a span would be left with two zones.
_TIMELINE_TIME = regex(
    r"[ \t]*[-*+][ \t]+[*`_]*"
    r"(?P<time>\d{4}-\d{2}-\d{2}[T \t]+\d{1,2}:\d{2}(?P<seconds>:\d{2})?"
    r"[ \t]*(?:UTC|GMT|Z|\+\d{2}:?\d{2}))(?![\w:]|[ \t]*[+−–-][ \t]*\d)"
)

#: What needs no edit, which nearly all of them are.
_CANONICAL = regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_CANONICAL_ENTRY = regex(r"[ \t]*[-*+][ \t]+[*`_]*\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? UTC(?![\w:])")


def time_edits(document: Document) -> Iterator[Edit]:
    """The edits that bring times into their one form."""
    # Of a front matter that could not be read whole, a value may be half of what was written.
    for entry, row, _ in () if document.front.faults else document.entries:
        if row is not None and row.type is KeyType.TIME:
            yield from _clock(document, entry.value)
    for timeline_entry in document.timeline:
        if timeline_entry.has_time and timeline_entry.has_zone:
            yield from _entry(document, timeline_entry)


def _clock(document: Document, node: Node) -> Iterator[Edit]:
    written = node.text or ""
    if _CANONICAL.fullmatch(written):
        return
    at = read_time(written)
    if at is None or _FINER_THAN_MICROSECONDS.search(written) or _ODD_SECONDS.search(written):
        return
    canonical = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    source = document.text[node.start : node.end]
    if written != canonical and source.strip("'\"") == written:
        start = node.start + source.index(written)
        what = f"the time {written} is {canonical}"
        yield Edit(start, start + len(written), canonical, what)


def _entry(document: Document, entry: TimelineEntry) -> Iterator[Edit]:
    source = document.source_line(entry.line)
    match = None if _CANONICAL_ENTRY.match(source) else _TIMELINE_TIME.match(source)
    if not match:
        return
    clock = entry.at.isoformat(sep=" ", timespec="seconds" if match["seconds"] else "minutes")
    canonical = clock.replace("+00:00", " UTC")
    if match["time"] != canonical:
        start = document.offset(entry.line, match.start("time") + 1)
        what = f"the time {match['time']} is {canonical}"
        yield Edit(start, start + len(match["time"]), canonical, what)
