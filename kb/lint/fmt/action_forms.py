"""Writes actions of a plain list or a table as tasks, where each part of them is told apart."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.fmt.actions import box_edits
from kb.lint.fmt.text_edit import Edit, newline_of
from kb.records.document import Document
from kb.records.informal_actions import InformalAction, read_informal_actions
from kb.records.tables import read_tables

_RULE = "unread-action"
_WHAT = "an action is a task with its owner, day and lever"


def task_edits(document: Document) -> Iterator[Edit]:
    """One edit for each item that tells its owner, day or lever, and for each table of actions."""
    levers = document.form.words("lever")
    for section in document.sections:
        if section.key != "actions":
            continue
        found = read_informal_actions(section.lines, levers, document.name_date)
        rows = {action.line: action for action in found if action.row}
        for table in read_tables(section.lines) if rows else ():
            actions = [rows[row.line] for row in table.rows if row.line in rows]
            if actions and len(actions) == len(table.rows):
                yield _edit(document, table.line, table.end_line, actions)
        for action in found:
            told = action.is_whole and action.attributes
            if told and not action.row and not _lacks_its_box_alone(document, action):
                yield _edit(document, action.line, action.end_line, [action])


def _lacks_its_box_alone(document: Document, action: InformalAction) -> bool:
    """Whether the item has the attributes of the form: then its box is mended in its own place."""
    items = (item for item in document.unboxed if item.line == action.line)
    return any(True for item in items for _ in box_edits(document, item))


def _edit(document: Document, first: int, last: int, actions: list[InformalAction]) -> Edit:
    end = document.offset(last) + len(document.source_line(last))
    text = newline_of(document.text).join(action.task() for action in actions)
    return Edit(document.offset(first), end, text, _WHAT, _RULE)
