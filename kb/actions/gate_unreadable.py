"""Places that could hide a condition from the gate: unreadable records, and misnamed files.

What cannot be read is a condition that is not met: a gate fails closed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kb.actions.route_names import is_of_route, is_route
from kb.library import Library
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import Document
from kb.records.misplaced_records import is_meant_as_record
from kb.records.postmortem import interpret

GATES = ("restart", "rollout")
#: A gate word anywhere in a line: looser than the grammar, to see what the grammar cannot read.
_GATE_WORD = re.compile(rf"\bgate[ \t]*[:=][ \t]*[\"']?(?:{'|'.join(GATES)})\b", re.IGNORECASE)
_BOX = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]*\[")
_TICKED = re.compile(r"[ \t]*(?:[-*+]|\d+[.)])[ \t]*\[[xX]\]")
_RECORD_KEY = re.compile(r"(?m)^(?:route|status)[ \t]*:")
#: Front matter lies within this many characters of a file's begin.
_HEAD_CHARACTERS = 4000
#: A site generator has words of its own for `status`; these are a record's.
_COUNTED = {"in-review", "published"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that could hide a condition: which file, which line, and why."""

    path: str
    line: int
    message: str


def unreadable(library: Library, misplaced: Iterable[Document], route: str) -> Iterator[Unreadable]:
    """What might hide a condition of this route."""
    for document in library.documents:
        if interpret(document) is None or _may_hold_condition(document, route):
            path = str(document.path)
            yield from (Unreadable(path, fault.line, fault.message) for fault in document.faults)
            yield from (Unreadable(path, line, text) for line, text in _ambiguous_lines(document))
    for document in misplaced:
        if _may_hold_condition(document, route):
            yield from _misplaced(document)


def _may_hold_condition(document: Document, route: str) -> bool:
    """Whether a file can hold a condition of a route.

    None can that is a draft, adopted or of another route; but any that cannot be read.
    """
    front, named = document.front, document.front.text("route")
    if front.faults or not front.present:
        return True
    is_of_another = is_route(named) and not is_of_route(named, route)
    return not (document.is_adopted or front.text("status") == "draft" or is_of_another)


def _misplaced(document: Document) -> Iterator[Unreadable]:
    """Why a file that is no record by its name stands in the way; nothing for ordinary texts."""
    path = str(document.path)
    if document.read_faults and not document.text:
        yield from (Unreadable(path, fault.line, fault.message) for fault in document.faults)
    elif _looks_like_a_record(document):
        message = (
            "looks like a record and is not read as one: name it YYYY-MM-DD-slug.md, "
            "directly in the records' folder"
        )
        yield Unreadable(path, 1, message)


def _looks_like_a_record(document: Document) -> bool:
    front = document.front
    if is_route(front.text("route")) or front.text("status").lower() in _COUNTED:
        return True
    if is_meant_as_record(document.path.name, front):
        return True
    if front.faults and _RECORD_KEY.search(document.text[:_HEAD_CHARACTERS]):
        return True
    is_torn = bool(document.read_faults)
    return any(
        _BOX.match(line.text) and not _TICKED.match(line.text) and _GATE_WORD.search(line.text)
        for line in document.lines
        if not line.comment and (line.fence is None or is_torn)
    )


def _ambiguous_lines(document: Document) -> Iterator[tuple[int, str]]:
    """Lines of a record that read well and still leave open what it asks for."""
    record = interpret(document)
    if not document.front.present:
        yield 1, "has no front matter: its route and status are not known"
    elif record is None:
        yield 1, "has no date, so it is no record"
    elif not is_route(record.route):
        lines = [
            item.line
            for item in document.actions
            if item.state != "closed" and item.attribute("gate")
        ]
        yield from ((line, "sets a condition, and the record names no route") for line in lines)
    yield from _unread_conditions(document)


def _unread_conditions(document: Document) -> Iterator[tuple[int, str]]:
    for item in document.unboxed:
        yield item.line, "has no box, so it is read as no action: write '- [ ] A1: …'"
    section = document.section("actions")
    in_section = {line.number for line in section.lines} if section else set()
    read = {n for item in document.actions if _is_read(item) for n in _lines(item)}
    read |= {n for item in document.unboxed for n in range(item.line, item.end_line + 1)}
    for line in document.lines:
        is_item = line.number in in_section or _BOX.match(line.text)
        is_open = is_item and line.number not in read and not line.comment
        if is_open and _GATE_WORD.search(line.text):
            message = "names a gate in a way that is not read: write '- [ ] A1: … — gate: restart'"
            yield line.number, message


def _is_read(item: ActionItem) -> bool:
    """Whether what an item says of gates was understood: as an attribute of its own."""
    others = (value for key, value in item.attributes if key != "gate")
    return item.state == "closed" or not _GATE_WORD.search(
        " ".join((item.text, item.unread, *others))
    )


def _lines(item: ActionItem) -> range:
    return range(item.line, item.end_line + 1)
