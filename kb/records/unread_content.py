"""What looks like content and is read as none, with what to write in its place.

Nothing that looks like content is dropped in silence: what the readers leave is named here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from msgspec import Struct

from kb.lazy_regex import regex
from kb.records.action_and_prior_items import ANY_ITEM, read_actions, read_items
from kb.records.document import Document
from kb.records.form_sections import plain_label
from kb.records.front_matter_keys import KEYS
from kb.records.informal_action_items import read_informal_actions, read_remarks, read_untasked
from kb.records.markdown import (
    Line,
    SectionText,
    bold_heading,
    even_spaces,
    is_plain_fence,
    read_heading,
    without_tags,
)
from kb.records.promises import is_link_alone, promises
from kb.records.tables import read_tables
from kb.records.timeline import TimelineEntry, has_times, read_timeline, row_text
from kb.records.written_dates import read_written_time

#: A key of capitals where a line begins, whatever mark stands before it and between it and a value.
_KEY = regex(
    r"[ \t>|*_`•-]*(?:\d{1,3}[.)][ \t]+)?(?P<key>[A-Z][A-Z0-9]{2,}(?:_[A-Z0-9]+)*)[*_`]*"
    r"[ \t]*(?P<sign>[:：=|]|[—–-](?=[ \t]))[ \t*_`]*(?P<value>.*)$"
)
_LABELLED = regex(
    r"[ \t>|*_`•-]*(?P<label>[A-Za-z][A-Za-z ]{2,30}?)[*_`]*[ \t]*[:：|][ \t*_`]*(?P<value>[^|]*)"
)
_RULE = regex(r"[ \t]*(?:[-*_=][ \t]*+){3,}$")
_NO_PROSE = regex(r"[ \t]*(?:!?\[[^\]]*\]\([^)]*\)[ \t]*)+$|[ \t]*<[^>]*>[ \t]*$|\[[^\]]+\]:")
#: Labels of the front matter as people write them at the head of a document.
_FRONT = {
    **{plain_label(row.name): row.name for row in KEYS},
    **{plain_label(key.name): f"{row.name}.{key.name}" for row in KEYS for key in row.keys},
    **{"owner": "owners", "author": "owners", "authors": "owners", "model": "models"},
    **{"containment": "clocks.contained", "restart": "clocks.restarted"},
    **{"incident date": "date", "sev": "severity", "priority": "severity"},
    **{"failure type": "causes", "classify the failure type": "causes", "class": "classes"},
}
_NO_FRONT = frozenset(
    {"impact", "name", "version", "with", "at", "by", "links", "commit", "actions"}
)
#: Items among actions that promise nothing.
_REMARK = regex(
    r"(?:what|how|why|see|note|none|nothing|n/?a|no|this|that|it|all)\b|\[[^\]]*\]\([^)]*\)[.]?$",
    re.IGNORECASE,
)
_RELATIVE = regex(r"[*_`\[(]*T ?[+-][ \[]?[\d\w]")
#: A time of day anywhere in an item of a timeline.
_CLOCK = regex(r"(?<![\d:.])(?:[01]?\d|2[0-3]):[0-5]\d(?![\d.]|:\d{3})")
#: Dated lines that make a timeline of what stands under no name, and of a part of the form.
_FEW, _SEVERAL = 2, 4
#: Where so many items of a list promise something, it is one of actions.
_MOST_OF = 0.6
_MAX_LINE = 2_000
#: Sections whose boxes say what was so, not what is to be done.
_OF_LISTS = frozenset({"went_well", "went_wrong", "timeline", "replay"})
_WALL_FENCE = regex(r"[ \t>]{0,8}(?:`{3,}|~{3,})[ \t]*(?:yaml[ \t]+)?walls?[ \t]*$", re.IGNORECASE)
#: A heading with a backslash, as editors put one into text that was pasted.
_ESCAPED = regex(r" {0,3}\\(#{1,6}[ \t]+\S.*)$")


class UnreadLine(Struct, frozen=True, gc=False):
    """One line that is read as nothing: what it looks like, and what to write in its place.

    `kind` is "evidence", "wall", "timeline", "hour" (of a day that is known), "action", "remark"
    (among the actions, and none), "front-matter", "heading" or "text".
    """

    line: int
    kind: str
    text: str
    write: str


def _prose(lines: Iterable[Line]) -> Iterator[Line]:
    for line in lines:
        is_text = line.fence is None or is_plain_fence(line.fence)
        if is_text and not line.comment and not line.is_mark and len(line.text) <= _MAX_LINE:
            yield line


def unread_evidence(document: Document) -> Iterator[UnreadLine]:
    """Keys of the form that stand where nothing reads them, and walls written as a fence."""
    taken = {
        number
        for section in document.sections
        for field in section.fields
        for number in range(field.line, field.end_line + 1)
    }
    homes = {row.key: section for section in document.form.sections for row in section.fields}
    for line in _prose(document.lines):
        match = _KEY.match(line.text) if line.number not in taken else None
        home = homes.get(match["key"]) if match else None
        if match and home and ("_" in match["key"] or match["sign"] in ":："):
            value = match["value"].strip(" |*_`")
            written = f"under '## {home.heading}', in an evidence fence: {match['key']}: {value}"
            yield UnreadLine(line.number, "evidence", line.text.strip(), written.rstrip(": "))
    for line in document.lines:
        if line.is_mark and _WALL_FENCE.match(line.text):
            yield UnreadLine(
                line.number, "wall", line.text.strip(), "it below 'walls:' at the head"
            )


def unread_times(document: Document) -> Iterator[UnreadLine]:
    """Lines of a timeline whose day or hour is open, and dated lines under no heading of ours.

    Of the entries that lack the same the first is named, with how many there are.
    """
    for section in document.sections:
        if section.key == "timeline":
            yield from _undated(document, section)
        elif section.key is None or document.section("timeline") is None:
            yield from _stray_times(document, section)
    for kind in ("hour", "timeline"):
        open_ones = [entry for entry in document.timeline if _open(entry) == kind]
        if open_ones:
            first, more = open_ones[0], len(open_ones) - 1
            further = f" (as in {more} further lines)" if more else ""
            text = document.source_line(first.line).strip()
            yield UnreadLine(first.line, kind, text, _dated(document, first) + further)


def _open(entry: TimelineEntry) -> str:
    """What an entry leaves open: its "hour", its day ("timeline"), or nothing."""
    if entry.unclear not in {"", "day"}:
        return "hour"
    return "timeline" if entry.unclear or not entry.has_day else ""


def _undated(document: Document, section: SectionText) -> Iterator[UnreadLine]:
    """Lines of a timeline that begin with a day or a time and are no entry.

    Of more than a few the first is named, with how many there are.
    """
    found = list(_undated_lines(document, section))
    if len(found) > _SEVERAL:
        further = f"{found[0].write} (as in {len(found) - 1} further lines)"
        found = [UnreadLine(found[0].line, found[0].kind, found[0].text, further)]
    yield from found


def _undated_lines(document: Document, section: SectionText) -> Iterator[UnreadLine]:
    read = {n for e in document.timeline for n in range(e.line, max(e.end_line, e.line) + 1)}
    tables = tuple(read_tables(section.lines)) if "|" in section.text else ()
    rows = {row.line: row_text(table, row) for table in tables for row in table.rows}
    timed = {row.line for table in tables if has_times(table) for row in table.rows}
    for line in _prose(section.lines):
        has_time = "T+" in line.text or any(map(str.isdigit, line.text))
        if line.number in read or not (has_time or line.number in timed):
            continue
        item = ANY_ITEM.match(line.text)
        text = without_tags(rows.get(line.number) or (item[2] if item else line.text.strip()))
        found = read_written_time(even_spaces(text), document.name_date)
        is_listed = item or line.number in rows or (found and found.clock)
        is_time = (found and is_listed) or _RELATIVE.match(text) or (item and _CLOCK.search(text))
        is_told = line.number in timed and any(map(str.isalnum, text))
        is_row = is_told or (line.number in rows and _tells_a_time(text))
        if (is_time or is_row) and read_heading(line.text) is None:
            day = document.name_date or "YYYY-MM-DD"
            yield UnreadLine(line.number, "timeline", text, f"- {day} HH:MM UTC — …")


def _tells_a_time(row: str) -> bool:
    """Whether the first cell of a row says when: `~16:0xz`, `Day 2`, `~7 days prior`."""
    return any(map(str.isdigit, row.partition(" — ")[0]))


def _stray_times(document: Document, section: SectionText) -> Iterator[UnreadLine]:
    entries = [
        e for e in read_timeline(section.lines, section.heading, document.name_date) if e.has_time
    ]
    if len(entries) >= (_FEW if section.key is None else _SEVERAL):
        first = entries[0]
        text = document.source_line(first.line).strip()
        written = f"'## Timeline' above it, and {_dated(document, first)}"
        yield UnreadLine(first.line, "timeline", text, written)


def _dated(document: Document, entry: TimelineEntry) -> str:
    hour = f"{entry.at:%H:%M}" if entry.has_time else "HH:MM"
    day = "YYYY-MM-DD" if entry.unclear == "day" else f"{entry.at:%Y-%m-%d}"
    return f"- {day} {hour} UTC — {'…' if entry.unclear else entry.text}".rstrip(" —")


def unread_actions(document: Document) -> Iterator[UnreadLine]:
    """Items and rows of the action list that are no task, and tasks under no heading of ours."""
    levers = document.form.words("lever")
    section = document.section("actions")
    if section:
        unboxed = {item.line for item in document.unboxed}
        informal = read_untasked(section.lines, levers, document.name_date)
        for action in informal:
            if action.line not in unboxed and not _REMARK.match(action.text):
                text = document.source_line(action.line).strip()
                yield UnreadLine(action.line, "action", text, action.task())
        yield from _remarks(document, section)
        yield from _tables(document, section, {action.line for action in informal})
        is_published = document.front.text("status") == "published"
        if not informal and not is_published:  # then it is `published-without-actions`
            yield from _in_prose(document, section)
    for other in document.sections:
        if other.key is None or (section is None and other.key not in _OF_LISTS):
            yield from _stray_actions(other, levers)
        if other.key is None and section is None:
            yield from _stray_promises(other)


def _remarks(document: Document, section: SectionText) -> Iterator[UnreadLine]:
    """Facts, questions and links alone among the actions: what is to be done is not said."""
    for remark in read_remarks(section.lines):
        if not _REMARK.match(remark.text):
            text = document.source_line(remark.line).strip()
            tracker = f" — tracker: {remark.text}" if is_link_alone(remark.text) else ""
            yield UnreadLine(remark.line, "remark", text, f"what is to be done: - [ ] …{tracker}")


def _in_prose(document: Document, section: SectionText) -> Iterator[UnreadLine]:
    """The first line of an action list that is nothing but prose."""
    has_list = any(ANY_ITEM.match(line.text) or "|" in line.text for line in section.prose_lines)
    first = next((line for line in section.prose_lines if not bold_heading(line.text)), None)
    if first and not has_list and not _REMARK.match(first.text.lstrip("*_> ")):
        text = first.text.strip()
        yield UnreadLine(first.number, "action", text, f"- [ ] {text}")


def _tables(
    document: Document, section: SectionText, rows: Collection[int]
) -> Iterator[UnreadLine]:
    """Tables of the action list whose heads say of no column that it is the action."""
    for table in read_tables(section.lines) if "|" in section.text else ():
        if table.rows and not any(row.line in rows for row in table.rows):
            text = document.source_line(table.line).strip()
            yield UnreadLine(
                table.line, "action", text, "its head as | Action | Owner | Due | Status |"
            )


def _stray_actions(section: SectionText, levers: Collection[str]) -> Iterator[UnreadLine]:
    for action in read_actions(section.lines):
        written = f"under '## Action items': - [ ] {action.text}"
        yield UnreadLine(action.line, "action", action.text, written)
        return
    for found in read_informal_actions(section.lines, levers):
        if found.row and found.owner and (found.due or found.state != "open"):
            yield UnreadLine(
                found.line, "action", found.text, f"under '## Action items': {found.task()}"
            )
            return


def _stray_promises(section: SectionText) -> Iterator[UnreadLine]:
    """The first item of a list that promises something, below a heading that says nothing of it."""
    texts = {item.line: item.text.strip("*_ ") for item in read_items(section.lines, ANY_ITEM)}
    promised = [line for line, text in texts.items() if promises(text)]
    if len(promised) >= max(_FEW + 1, len(texts) * _MOST_OF):
        first, more = promised[0], len(promised) - 1
        text = texts[first].partition("\n")[0]
        written = f"under '## Action items': - [ ] {text} (as in {more} further lines)"
        yield UnreadLine(first, "action", text, written)


def unread_text(document: Document) -> Iterator[UnreadLine]:
    """Text below the title or above the first heading, and what the front matter has a key for."""
    yield from _headings(document)
    yield from _escaped_headings(document)
    first = document.sections[0].line if document.sections else None
    lead = [line for line in document.lines if first is None or line.number < first]
    titles = (s.lines for s in document.sections if s.level == 1 and s.key is None)
    for lines in (lead, *titles):
        texts = [line for line in _prose(lines) if _says_something(line)]
        for line in texts:
            if front := _front_line(line.text):
                yield UnreadLine(line.number, "front-matter", line.text.strip(), front)
        rest = [line for line in texts if not _front_line(line.text)]
        if rest and document.section("summary") is None:
            heading = document.form.section("summary").heading
            yield UnreadLine(rest[0].number, "text", rest[0].text.strip(), f"## {heading}")


def _escaped_headings(document: Document) -> Iterator[UnreadLine]:
    """The first heading whose number signs have a backslash: all below it stands under none."""
    found = [(line, m) for line in _prose(document.lines) if (m := _ESCAPED.match(line.text))]
    if found:
        line, match = found[0]
        further = f" (as in {len(found) - 1} further lines)" if len(found) > 1 else ""
        yield UnreadLine(line.number, "heading", line.text.strip(), match[1] + further)


def _says_something(line: Line) -> bool:
    text = line.text
    is_note = text.lstrip()[:1] == ">"
    return bool(text.strip()) and not (is_note or _RULE.match(text) or _NO_PROSE.match(text))


def _front_line(text: str) -> str:
    """The line of front matter that a `Label: value` line stands for, empty for none."""
    match = _LABELLED.match(text)
    name = plain_label(match["label"]) if match else ""
    if not match or name not in _FRONT or name in _NO_FRONT:
        return ""
    return f"{_FRONT[name]}: {match['value'].strip(' *_`')}"


def _headings(document: Document) -> Iterator[UnreadLine]:
    """Headings that ask for a key of the front matter: `## Severity`."""
    for section in document.sections:
        name = plain_label(section.heading)
        if section.key is None and section.level > 1 and name in _FRONT and name not in _NO_FRONT:
            told = next((line.text.strip() for line in section.prose_lines), "…")
            yield UnreadLine(section.line, "front-matter", section.heading, _as_front(name, told))


#: The severities of the lightweight template, as the form's `impact` has them.
_IMPACTS = {
    "near miss": "near-miss",
    "internal impact": "internal",
    "customer visible defect": "customer-visible",
    "control breach": "control-breach",
}


def _as_front(name: str, text: str) -> str:
    impact = _IMPACTS.get(plain_label(text)) if name == "severity" else None
    return f"impact: {impact}" if impact else f"{_FRONT[name]}: {text}"
