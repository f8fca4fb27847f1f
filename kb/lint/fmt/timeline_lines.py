"""Writes a timeline's tables, plain lines and days in words as `- 2026-04-12 14:02 UTC — text`.

Only what names its day, time and zone is rewritten, where it stands or in the head above it.
"""

from __future__ import annotations

from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.fmt.text_edit import Edit, newline_of
from kb.records.document import Document
from kb.records.markdown import (
    SectionText,
    bold_heading,
    even_spaces,
    read_heading,
    without_tags,
)
from kb.records.tables import Table, read_tables
from kb.records.timeline import TimelineEntry, line_label
from kb.records.written_dates import WrittenTime, read_written_time

#: An item that begins with its day is left as it is, and nearly all of them do.
_BEGINS_WITH_DAY = regex(r"[ \t]*[-*+][ \t]+[12]\d{3}-\d\d-\d\d")
_WHAT = "timeline lines are items that begin with day, time and UTC"


def timeline_edits(document: Document) -> Iterator[Edit]:
    """One edit for each table that is a timeline, and for each line that is no plain item yet."""
    entries = {entry.line: entry for entry in document.timeline if _is_sure(entry)}
    for section in document.sections:
        if section.key == "timeline" and entries:
            yield from _edits_of(document, section, entries)


def _is_marked_up(source: str) -> bool:
    """Whether a line holds tags of HTML, which an entry does not keep."""
    return without_tags(source) != source


def _is_sure(entry: TimelineEntry) -> bool:
    return entry.has_time and entry.has_zone and entry.has_day and not entry.unclear


def _edits_of(
    document: Document, section: SectionText, entries: dict[int, TimelineEntry]
) -> Iterator[Edit]:
    rows: set[int] = set()
    for table in read_tables(section.lines) if "|" in section.text else ():
        rows.update(range(table.line, table.end_line + 1))
        lines = [row.line for row in table.rows if row.line in entries]
        is_plain = not any(_is_marked_up(document.source_line(line)) for line in lines)
        if table.rows and len(lines) == len(table.rows) and is_plain:
            yield _items(document, table, entries)
    for line in section.lines:
        entry = entries.get(line.number) if line.number not in rows else None
        if entry and line.fence is None and entry.end_line == entry.line:
            yield from _item(document, entry)


def _items(document: Document, table: Table, entries: dict[int, TimelineEntry]) -> Edit:
    items = [_written(entries[row.line]) for row in table.rows]
    text = newline_of(document.text).join(items)
    end = document.offset(table.end_line) + len(document.source_line(table.end_line))
    return Edit(document.offset(table.line), end, text, _WHAT)


def _item(document: Document, entry: TimelineEntry) -> Iterator[Edit]:
    source = document.source_line(entry.line)
    if _BEGINS_WITH_DAY.match(source):
        return
    if read_heading(source) is not None or bold_heading(source) is not None:
        return
    if _is_marked_up(source):
        return
    lead, text = line_label(source)
    moment = read_written_time(even_spaces(text))
    if moment is None or not _is_whole(moment) or not entry.text:
        return
    is_canonical = text.startswith(f"{moment.day:%Y-%m-%d}") and not lead.strip("-*+ \t")
    if is_canonical and lead.strip():
        return
    start = document.offset(entry.line)
    indent = source[: len(source) - len(source.lstrip())]
    yield Edit(start, start + len(source), indent + _written(entry), _WHAT)


def _is_whole(moment: WrittenTime) -> bool:
    return bool(moment.day and moment.clock and moment.zone and not moment.until)


def _written(entry: TimelineEntry) -> str:
    precision = "seconds" if entry.at.second else "minutes"
    clock = entry.at.isoformat(sep=" ", timespec=precision).replace("+00:00", " UTC")
    tags = "".join(f" [{tag}]" for tag in entry.tags)
    return f"- {clock} — {entry.text}{tags}"
