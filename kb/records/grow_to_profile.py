"""Grows a record to a fuller profile: what it lacks is inserted in its place, the rest stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from kb.records.blank_record import (
    FULL_NOTE,
    ONE_PAGE,
    ONE_PAGE_NOTE,
    blank_body,
    blank_evidence,
    evidence_questions,
    front_lines,
    open_question,
    questions,
    section_text,
)
from kb.records.compound_values import CLOCK_NAMES, Clocks, read_time
from kb.records.document import Document
from kb.records.form_sections import Section
from kb.records.front_matter import MappingEntry
from kb.records.front_matter_keys import KEYS, position
from kb.records.markdown import SectionText

#: The clocks every record of a fuller profile asks for.
_CLOCKS = ("route_start", "first_warning", "first_impact", "detected", "contained")


@dataclass(frozen=True, slots=True)
class Growth:
    """The text of a grown record, and how many sections, lines, keys and open tasks were added."""

    text: str
    sections: int
    lines: int
    keys: int
    tasks: int


@dataclass(frozen=True, slots=True)
class _Insertion:
    """Lines that go before a line of the file, counted from 1."""

    line: int
    text: str
    kind: str
    count: int = 1


def grow_record(document: Document, day: date) -> Growth:
    """A record with what publishing will ask of it: sections, evidence lines, front-matter keys.

    A question of the one page that is still open becomes a task. `day` is that of the record.
    """
    form = document.form
    wanted = form.sections_for(document.profile, document.front.texts("classes"))
    tasks = tuple(
        open_question(form.section(section.key or ""), day, f"A{number}")
        for number, section in enumerate(open_questions(document), _free_label(document))
    )
    found = [
        *_missing_keys(document),
        *_missing_clocks(document),
        *_missing_lines(document, wanted),
        *_missing_sections(document, wanted, tasks),
        *_added_tasks(document, tasks),
    ]

    def count(kind: str) -> int:
        return sum(insertion.count for insertion in found if insertion.kind == kind)

    text = _with_full_note(_inserted(document.text, found))
    return Growth(text, count("section"), count("line"), count("key"), len(tasks))


def _with_full_note(text: str) -> str:
    """The text with what a full draft says of itself in place of what the one page does."""
    note = FULL_NOTE.replace("\n", "\r\n") if "\r\n" in text else FULL_NOTE
    return text.replace(ONE_PAGE_NOTE, note, 1)


def open_questions(document: Document) -> tuple[SectionText, ...]:
    """The questions of a one page that have neither an answer nor a task that names them."""
    keys = set(document.form.profiles[ONE_PAGE])
    promised = "\n".join(action.text for action in document.actions)
    return tuple(
        section
        for section in document.sections
        if section.key in keys and section.is_empty and not section.fields
        if f"“{section.heading}”" not in promised
    )


def _free_label(document: Document) -> int:
    labels = [int(action.label[1:]) for action in document.actions if action.label]
    return max(labels, default=0) + 1


def _inserted(text: str, insertions: list[_Insertion]) -> str:
    """The text with the lines put in; of two at one place the first stays first."""
    end = "\r" if "\r\n" in text else ""
    lines = text.split("\n")
    in_order = sorted(insertions, key=lambda one: one.line)
    for insertion in in_order[::-1]:
        lines[insertion.line - 1 : insertion.line - 1] = [
            line + end for line in insertion.text.split("\n")
        ]
    return "\n".join(lines)


# --- front matter ---


def _missing_keys(document: Document) -> Iterator[_Insertion]:
    """The keys a blank record has and this one lacks, each before the first that comes after it."""
    present = {entry.key for entry in document.front.entries}
    lines = [entry.line for entry in document.front.entries]
    if len(set(lines)) != len(lines):
        return  # several keys on one line: there is no place between them
    for row in KEYS:
        if row.blank and row.name not in present:
            later = [e for e in document.front.entries if position(e.key) > position(row.name)]
            line = _first_line(document, later[0]) if later else document.front.end_line
            text = "\n".join(front_lines(row.name, row.blank, document.form))
            yield _Insertion(line, text, "key")


def _first_line(document: Document, entry: MappingEntry) -> int:
    """The line of a key, or of the comments right above it."""
    line = entry.line
    while document.source_line(line - 1).startswith("# "):
        line -= 1
    return line


def _missing_clocks(document: Document) -> Iterator[_Insertion]:
    node = document.front.get("clocks")
    entries = node.entries if node else ()
    if not entries or entries[0].line == entries[-1].line or entries[0].column == 1:
        return
    present = {entry.key for entry in entries}
    for name in _CLOCKS:
        later = [e for e in entries if _clock(e.key) > _clock(name)]
        if name not in present and later:
            indent = " " * (later[0].column - 1)
            yield _Insertion(later[0].line, f"{indent}{name}: unknown", "key")


def _clock(name: str) -> int:
    return CLOCK_NAMES.index(name) if name in CLOCK_NAMES else -1


# --- evidence lines ---


def _missing_lines(document: Document, wanted: tuple[str, ...]) -> Iterator[_Insertion]:
    """A fence for each section that has no evidence line, and the lines a fence lacks."""
    for section in document.sections:
        if section.key not in wanted or section.text.lower().startswith("n/a"):
            continue
        row = document.form.section(section.key or "")
        if not section.fields and row.fields:
            yield _fence(document, section, row)
        elif not row.group_key:
            yield from _lines_of_fence(section, row)


def _fence(document: Document, section: SectionText, row: Section) -> _Insertion:
    line = section.end_line
    while line > section.line and not document.source_line(line).strip():
        line -= 1
    hints = evidence_questions(row, document.form)
    text = f"\n{hints}{blank_evidence(row)}"
    return _Insertion(line + 1, text, "line", len(row.fields))


def _lines_of_fence(section: SectionText, row: Section) -> Iterator[_Insertion]:
    fenced = [field for field in section.fields if field.style == "fenced"]
    if not fenced or len(fenced) < len(section.fields):
        return
    places = {field.key: place for place, field in enumerate(row.fields)}
    for key, place in places.items():
        if any(field.key == key for field in fenced):
            continue
        earlier = [f.end_line for f in fenced if places.get(f.key, len(places)) < place]
        yield _Insertion(max(earlier) + 1 if earlier else fenced[0].line, f"{key}:", "line")


# --- sections ---


def _missing_sections(
    document: Document, wanted: tuple[str, ...], tasks: tuple[str, ...]
) -> Iterator[_Insertion]:
    present = {section.key for section in document.sections}
    order = _order(document)
    for key in sorted(wanted, key=order.index):
        if key not in present:
            row = document.form.section(key)
            body = _body(document, row)
            body = "\n".join(filter(None, [body, *(tasks if key == "actions" else ())]))
            text = section_text(row, questions(row, document.form), body)
            yield _Insertion(*_placed(document, text, key, order), "section")


def _order(document: Document) -> tuple[str, ...]:
    """The order the record keeps to: that of one that began as one page, where it did."""
    form = document.form
    keys = [section.key for section in document.sections if section.key]
    grown_order = form.grown_order
    is_grown = keys == sorted(keys, key=grown_order.index)
    return grown_order if is_grown else tuple(section.key for section in form.sections)


def _placed(document: Document, text: str, key: str, order: tuple[str, ...]) -> tuple[int, str]:
    """The line before which a section goes, and its text with the blank line that parts it."""
    later = [s for s in document.sections if s.key and order.index(s.key) > order.index(key)]
    if later:
        return later[0].line, text
    count = document.text.count("\n")
    if document.text.endswith("\n"):
        return count + 1, "\n" + text.rstrip("\n")
    return count + 2, "\n" + text.rstrip("\n")


def _body(document: Document, row: Section) -> str:
    clocks = Clocks(*(read_time(document.front.text(f"clocks.{name}")) for name in CLOCK_NAMES))
    return blank_body(row, document.form, clocks)


def _added_tasks(document: Document, tasks: tuple[str, ...]) -> Iterator[_Insertion]:
    """The tasks at the end of an action list that is there already."""
    section = document.section("actions")
    if section and tasks:
        line = section.end_line
        while line > section.line and not document.source_line(line).strip():
            line -= 1
        gap = "" if document.actions else "\n"
        yield _Insertion(line + 1, gap + "\n".join(tasks), "task")
