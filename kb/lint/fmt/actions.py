"""Writes actions as `- [ ] A1: text — owner: …, due: …, lever: …`, of lists and tables too."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.fmt.text_edit import Edit, newline_of
from kb.records.action_and_prior_items import ActionItem, Item, read_actions
from kb.records.document import Document
from kb.records.informal_action_items import InformalAction, read_informal_actions
from kb.records.markdown import scan_lines
from kb.records.tables import read_tables
from kb.records.written_dates import read_day

#: Attributes in the order of SPEC 2.2; dates of the past stand last.
_ORDER = (
    *("owner", "due", "lever", "cause", "gate", "replay", "watch", "tracker", "opened", "closed"),
    *("ran", "verified"),
)
_DAYS = frozenset({"due", "closed", "opened", "ran"})
_BOX = regex(r"[ \t]*[-*+][ \t]+\[[ xX-]\][ \t]+")
#: An item that lacks its box, or the space in it; `text` is what the box stands before.
_BOXLESS = regex(r"(?P<lead>[ \t]*[-*+][ \t]+)(?P<box>\[\][ \t]+)?(?P<text>[^\[\s~].*)$")
_LABELLED = regex(r"(?:\*\*)?A\d{1,4}(?:\*\*)?[ \t]*:[ \t]*\S")
_LABEL = regex(r"\**A-?\d+\b")
#: The dash stands first and what is before it behind: that is what a search is fast by.
_DASH = regex(rf"(?P<dash>[—–-](?<=[ \t].)(?:(?<=-)-)?)[ \t]+(?=(?:{'|'.join(_ORDER)})[ \t]*:)")
_ATTRIBUTE_FIRST = regex(rf"(?:{'|'.join(_ORDER)})[ \t]*:")
_TAKEN = regex(r"\bA\d{1,4}(?=[*_~]*[ \t]*:)")
_MAX_LABEL = 9999
_AS_TASK = "an action is a task with its owner, day and lever"
_AS_TASK_RULE = "unread-action"


def action_edits(document: Document) -> Iterator[Edit]:
    """The edits that label actions and put their attributes in order."""
    free = _free_number(document) if any(not a.label for a in document.actions) else 0
    for item in document.unboxed:
        yield from _box_edits(document, item)
    for action in document.actions:
        if (edit := _labelled(document, action, free)) is not None:
            yield edit
            free += 1
        yield from _ordered(document, action)


def _free_number(document: Document) -> int:
    """The number of the next label: above all in the list, also those that stand amiss."""
    section = document.section("actions")
    written = _TAKEN.findall(section.text) if section else []
    signed = (label for label in _signed_off(document) if re.fullmatch(r"A\d{1,4}", label))
    return max((int(label[1:]) for label in (*written, *signed)), default=0) + 1


def _box_edits(document: Document, item: Item) -> Iterator[Edit]:
    """The open box of an item that is surely an action, and does not say that it is done."""
    match = _BOXLESS.match(document.source_line(item.line))
    if not match or "closed:" in item.text.lower():
        return
    is_whole = bool(_DASH.search(match["text"])) and not _ATTRIBUTE_FIRST.match(match["text"])
    if _LABELLED.match(match["text"]) or (not item.indent and (is_whole or match["box"])):
        at = document.offset(item.line, match.end("lead") + 1)
        box = match["box"] or ""
        yield Edit(at, at + len(box), "[ ] ", "an action begins with a box", "action-without-box")


def _signed_off(document: Document) -> Iterator[str]:
    """Labels of sign-offs: they stay taken when their action is gone."""
    signoffs = document.front.get("signoffs")
    for signoff in signoffs.items if signoffs else ():
        actions = signoff.get("actions")
        yield from (item.text or "" for item in (actions.items if actions else ()))


def _labelled(document: Document, action: ActionItem, number: int) -> Edit | None:
    source = document.source_line(action.line)
    box = _BOX.match(source)
    says_something = bool(action.text or action.attributes)
    if action.label or not box or not says_something or number > _MAX_LABEL:
        return None
    if _LABEL.match(source, box.end()):  # `A1 do this`: which part is the label is for a person
        return None
    at = document.offset(action.line, box.end() + 1)
    return Edit(at, at, f"A{number}: ", f"the action is A{number}", "action-without-label")


def _ordered(document: Document, action: ActionItem) -> Iterator[Edit]:
    """The edit of the attributes, where they stand together on the item's last line."""
    found = _dash(document, action)
    if found is None:
        return
    line, match = found
    source = document.source_line(line)
    if not action.attributes:
        if match["dash"] == "-" and source[: match.start()].strip():
            at = document.offset(line, match.start() + 1)
            yield Edit(at, at + 1, "—", "a dash '—' opens the attributes")
        return
    written = source[match.start() :].rstrip()
    canonical = _rendered(action)
    if canonical and canonical != written and _same(action, source[: match.start()] + canonical):
        at = document.offset(line, match.start() + 1)
        is_day = _in_iso(action) != list(action.attributes)
        rule = "bad-action-date" if is_day else "unformatted"
        yield Edit(at, at + len(written), canonical, "attributes have one order", rule)


def _dash(document: Document, action: ActionItem) -> tuple[int, re.Match[str]] | None:
    """The dash before the attributes, None unless it stands on the item's last line."""
    for line in range(action.line, action.end_line + 1):
        if match := _DASH.search(document.source_line(line)):
            return (line, match) if line == action.end_line else None
    return None


def _rendered(action: ActionItem) -> str:
    """The attributes in order, empty where that would lose or guess something."""
    counts = Counter(key for key, _ in action.attributes)
    if action.unread or max(counts.values()) > 1 or not all(v for _, v in action.attributes):
        return ""
    pairs = sorted(_in_iso(action), key=lambda pair: _ORDER.index(pair[0]))
    return "— " + ", ".join(f"{key}: {value}" for key, value in pairs)


def _in_iso(action: ActionItem) -> list[tuple[str, str]]:
    """The attributes with each whole day as the form writes it: `1 May 2026` is `2026-05-01`."""
    return [
        (key, str(day) if key in _DAYS and (day := read_day(value)) else value)
        for key, value in action.attributes
    ]


def _same(action: ActionItem, line: str) -> bool:
    """Whether the attributes read the same from the new line."""
    if not _BOX.match(line):  # a continuation line is read behind any item
        line = f"- [ ] x\n{line}"
    lines, _ = scan_lines(line.split("\n"), 1)
    actions = read_actions(lines)
    return len(actions) == 1 and sorted(actions[0].attributes) == sorted(_in_iso(action))


def task_edits(document: Document) -> Iterator[Edit]:
    """One edit for each item that tells its owner, day or lever, and for each table of actions."""
    levers = document.form.words("lever")
    for section in document.sections:
        if section.key != "actions":
            continue
        found = read_informal_actions(section.lines, levers, document.name_date)
        rows = {action.line: action for action in found if action.row}
        unboxed = {item.line: item for item in document.unboxed}
        for table in read_tables(section.lines) if rows else ():
            actions = [rows[row.line] for row in table.rows if row.line in rows]
            if actions and len(actions) == len(table.rows):
                yield _task_edit(document, table.line, table.end_line, actions)
        for action in found:
            told = action.is_whole and action.attributes
            if not told or action.row:
                continue
            item = unboxed.get(action.line)
            # An item with the attributes of the form has its box mended in its own place.
            if item is None or not any(True for _ in _box_edits(document, item)):
                yield _task_edit(document, action.line, action.end_line, [action])


def _task_edit(document: Document, first: int, last: int, actions: list[InformalAction]) -> Edit:
    end = document.offset(last) + len(document.source_line(last))
    text = newline_of(document.text).join(action.task() for action in actions)
    return Edit(document.offset(first), end, text, _AS_TASK, _AS_TASK_RULE)
