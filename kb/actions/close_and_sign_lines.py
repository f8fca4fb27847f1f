"""Edits of one line: an action is closed, a sign-off or an occurrence written down.

Every other byte stays. Each edit is read back before it is given out: what would change anything
else is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from kb.errors import KbError
from kb.library import Library
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import Document, read_document
from kb.records.front_matter import Node
from kb.records.front_matter_keys import READERS
from kb.records.postmortem import Occurrence, SignOff, interpret
from kb.safe_files import replace_known

_BOX = re.compile(r"^([ \t]*[-*+][ \t]+\[)[ xX-](\])")
_PLAIN_WORD = re.compile(r"[A-Za-z@][\w./-]*")  # what YAML reads as text without quotes
_YAML_WORDS = {"true", "false", "yes", "no", "on", "off", "null", "unknown"}


@dataclass(frozen=True, slots=True)
class ActionEdit:
    """One record with one edit made, not written yet."""

    document: Document
    text: str

    @property
    def is_needed(self) -> bool:
        """Whether anything differs."""
        return self.text != self.document.text


def close_action(document: Document, label: str, day: date, state: str = "closed") -> ActionEdit:
    """The record with an action ticked (or cancelled) and its day written.

    An action that is so already keeps its day. Raises `KbError` where the record has no action
    of that label or several, where the day lies before the promise, and where a closed action is to
    be cancelled.
    """
    item = _action(document, label)
    if item.state == state and item.date("closed"):
        return ActionEdit(document, document.text)
    if item.state == "closed" and state == "cancelled":
        raise KbError(
            f"{label} is closed: what was done cannot be cancelled",
            where=f"{document.path}:{item.line}",
            todo="Take out the tick by hand if it was never done.",
        )
    begin = _promised(document, item)
    if begin and day < begin:
        raise KbError(
            f"{day} is before {begin}, when {label} was promised",
            where=f"{document.path}:{item.line}",
            todo="Give the day it was done: --on YYYY-MM-DD.",
        )
    lines = document.text.split("\n")
    mark = "x" if state == "closed" else "-"
    lines[item.line - 1] = _BOX.sub(rf"\g<1>{mark}\g<2>", lines[item.line - 1], count=1)
    _set_attribute(lines, item, "closed", day.isoformat())
    return _edited(document, lines, label, {"state": state, "closed": str(day)})


def reopen_action(document: Document, label: str) -> ActionEdit:
    """The record with an action open again, without its days of closing and verification.

    Raises `KbError` where the record has no action of that label or several, or its line cannot be
    edited without changing anything else.
    """
    item = _action(document, label)
    if item.state == "open":
        return ActionEdit(document, document.text)
    lines = document.text.split("\n")
    lines[item.line - 1] = _BOX.sub(r"\g<1> \g<2>", lines[item.line - 1], count=1)
    for key in _OF_THE_CLOSING:
        if item.attribute(key):
            _drop_attribute(lines, item, key)
    changes = {"state": "open"} | {key: "" for key in _OF_THE_CLOSING if item.attribute(key)}
    return _edited(document, lines, label, changes)


#: What is said of a closing, and of no other.
_OF_THE_CLOSING = ("closed", "verified", "ran")


def _promised(document: Document, item: ActionItem) -> date | None:
    """The first day an action can have been done: its own, else its record's."""
    meant = interpret(document)
    return item.date("opened") or (meant.date if meant else None)


def set_tracker(document: Document, label: str, key: str) -> ActionEdit:
    """The record with the key of an action's ticket written into its line."""
    item = _action(document, label)
    if item.attribute("tracker") == key:
        return ActionEdit(document, document.text)
    lines = document.text.split("\n")
    _set_attribute(lines, item, "tracker", key)
    return _edited(document, lines, label, {"tracker": key})


def add_sign_off(document: Document, sign_off: SignOff) -> ActionEdit:
    """The record with one more entry under `signoffs`.

    Raises `KbError` where its front matter cannot take one.
    """
    fields = {
        "owner": sign_off.owner,
        "at": sign_off.at,
        "commit": sign_off.commit,
        "actions": sign_off.actions,
    }
    return _with_entry(document, "signoffs", fields, sign_off)


def add_occurrence(document: Document, occurrence: Occurrence) -> ActionEdit:
    """The record with one more entry under `occurrences`.

    Raises `KbError` where its front matter cannot take one.
    """
    given = {
        key: getattr(occurrence, key) for key in ("route", "trace", "run", "customers", "note")
    }
    fields = {key: value for key, value in given.items() if value not in ("", None)}
    return _with_entry(document, "occurrences", {"at": occurrence.at, **fields}, occurrence)


def write_change(library: Library, change: ActionEdit) -> None:
    """Put a change in the place of its file, whole or not at all.

    Raises `KbError` where the file changed since it was read or cannot be written.
    """
    path, after = library.root / change.document.path, change.text
    try:
        if not replace_known(
            path, change.document.encode(), after.encode("utf-8", "surrogateescape")
        ):
            raise _refused(change.document, "the file changed while it was being edited")
    except OSError as error:
        raise KbError(
            f"cannot be written: {error.strerror or error}", where=str(change.document.path)
        ) from error


def _action(document: Document, label: str) -> ActionItem:
    found = [item for item in document.actions if item.label == label]
    if len(found) == 1:
        return found[0]
    labels = ", ".join(item.label for item in document.actions if item.label) or "none"
    what = f"{len(found)} actions have" if found else "no action has"
    raise KbError(
        f"{what} the label '{label}'",
        where=str(document.path),
        todo=f"Its labels: {labels}. 'kb fmt' gives a label to actions without one.",
    )


def _set_attribute(lines: list[str], item: ActionItem, key: str, value: str) -> None:
    """Replace an attribute's value where it stands in the item, or put it at the item's end."""
    given = re.compile(rf"((?:^|—|–|--|,)[ \t]*{key}[ \t]*:[ \t]*)[^,\r]*?(?=[ \t]*(?:,|\r?$))")
    places = range(item.line - 1, item.end_line)
    place = next((n for n in places if item.attribute(key) and given.search(lines[n])), None)
    if place is not None:
        lines[place] = given.sub(lambda match: match[1] + value, lines[place], count=1)
        return
    body = lines[item.end_line - 1]
    end = "\r" if body.endswith("\r") else ""
    lead = "," if item.attributes else " —"
    lines[item.end_line - 1] = f"{body.rstrip()}{lead} {key}: {value}{end}"


def _drop_attribute(lines: list[str], item: ActionItem, key: str) -> None:
    """Take an attribute out of the item where it stands, with the comma that parts it off.

    A line that held nothing else goes with it.
    """
    behind = re.compile(rf",[ \t]*{key}[ \t]*:[^,\r]*")
    ahead = re.compile(rf"((?:—|–|--)[ \t]*){key}[ \t]*:[^,\r]*,[ \t]*")
    alone = re.compile(rf"[ \t]+(?:—|–|--)[ \t]*{key}[ \t]*:[^,\r]*")
    for place in range(item.line - 1, item.end_line):
        for pattern, by in ((behind, ""), (ahead, r"\1"), (alone, "")):
            lines[place], count = pattern.subn(by, lines[place], count=1)
            if count:
                if not lines[place].strip():
                    del lines[place]
                return


def _edited(
    document: Document, lines: list[str], label: str, changes: Mapping[str, str]
) -> ActionEdit:
    """The record with these lines, in which an action is to say something else."""
    before = _content(document)
    meant = tuple(
        _with_changes(one, changes) if one.label == label else one for one in before.actions
    )
    what = f"the line of {label} cannot be edited"
    return _checked(document, "\n".join(lines), replace(before, actions=meant), what)


def _with_entry(
    document: Document, key: str, fields: Mapping[str, object], value: object
) -> ActionEdit:
    """The record with an entry of these fields under a key, which is to be read as `value`."""
    text = _insert_entry(document, key, _flow(fields))
    before = _content(document)
    entry = {name: _scalar(field) for name, field in fields.items()}
    given = before.keys.get(key)
    written = [*given, entry] if isinstance(given, list) else [entry]
    values = {**before.values, key: (*before.values[key], value)}
    meant = replace(before, keys={**before.keys, key: written}, values=values)
    return _checked(document, text, meant, f"the entry cannot be added to its `{key}`")


@dataclass(frozen=True, slots=True)
class _Action:
    """What one action says; `attributes` in the order of their names."""

    label: str
    state: str
    text: str
    attributes: tuple[tuple[str, str], ...]
    unread: str


@dataclass(frozen=True, slots=True)
class _Content:
    """All that a record says, but not on which lines.

    `keys` are the entries of the front matter as written and `values` what is read of them;
    `comments` are those for the checker, `prose` the lines that belong to no action.
    """

    keys: Mapping[str, object]
    values: Mapping[str, Any]
    comments: tuple[str, ...]
    actions: tuple[_Action, ...]
    prose: tuple[str, ...]


def _content(document: Document) -> _Content:
    front = document.front
    taken = {n for item in document.actions for n in range(item.line, item.end_line + 1)}
    lines = enumerate(document.text.split("\n"), start=1)
    return _Content(
        keys={entry.key: entry.value.plain() for entry in front.entries},
        values={key: read(front, key) for key, read in READERS.items()},
        comments=tuple(text for _, text in front.comments),
        actions=tuple(map(_action_content, document.actions)),
        prose=tuple(text for n, text in lines if n > front.end_line and n not in taken),
    )


def _action_content(item: ActionItem) -> _Action:
    attributes = tuple(sorted(item.attributes))
    return _Action(item.label, item.state, item.text, attributes, item.unread)


def _with_changes(action: _Action, changes: Mapping[str, str]) -> _Action:
    """An action with another state and attributes; an empty one is taken away."""
    given = {key: value for key, value in changes.items() if key != "state"}
    kept = {key: value for key, value in (dict(action.attributes) | given).items() if value}
    state = changes.get("state", action.state)
    return replace(action, state=state, attributes=tuple(sorted(kept.items())))


def _checked(document: Document, text: str, meant: _Content, what: str) -> ActionEdit:
    """The change, once reading it back shows what was meant and nothing else.

    Raises `KbError`, which says `what` could not be done.
    """
    if _content(read_document(_encoded(text), document.path, document.form)) != meant:
        raise _refused(document, what)
    return ActionEdit(document, text)


def _encoded(text: str) -> bytes:
    """The bytes of a record's text; those that were no UTF-8 are as they were."""
    return text.encode("utf-8", "surrogateescape")


def _refused(document: Document, what: str) -> KbError:
    return KbError(
        f"{what}; nothing was written",
        where=str(document.path),
        todo="Run 'kb check' on it, or edit the file by hand.",
    )


def _flow(fields: Mapping[str, object]) -> str:
    """Fields as one entry on one line."""
    return "{" + ", ".join(f"{key}: {_yaml(value)}" for key, value in fields.items()) + "}"


def _yaml(value: object) -> str:
    """A value of a field as YAML: only texts are quoted."""
    scalar = _scalar(value)
    if isinstance(scalar, list):
        return f"[{', '.join(scalar)}]"
    return _quoted(scalar) if isinstance(value, str) else scalar


def _scalar(value: object) -> str | list[str]:
    """A value of a field as it is read back without its quotes; a time None is unknown."""
    if isinstance(value, tuple):
        return [*value]
    if value is None:
        return "unknown"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return str(value)


def _quoted(word: str) -> str:
    """A YAML scalar that every reader takes for this text: `12e4567` would be a number."""
    is_plain = _PLAIN_WORD.fullmatch(word) and word[0] != "@" and word.lower() not in _YAML_WORDS
    return word if is_plain else json.dumps(word, ensure_ascii=False)


def _insert_entry(document: Document, key: str, entry: str) -> str:
    front, text = document.front, document.text
    newline = "\r\n" if "\r\n" in text[: front.end] else "\n"
    if front.root is None or front.faults:
        raise _refused(document, "its front matter cannot be read")
    node = front.get(key)
    if node is None:
        return f"{text[: front.end]}{key}: [{entry}]{newline}{text[front.end :]}"
    if node.kind == "scalar" and node.text is None:
        lead = "" if text[node.start - 1 : node.start] == " " else " "
        return f"{text[: node.start]}{lead}[{entry}]{text[node.end :]}"
    if node.kind != "sequence":
        raise _refused(document, f"its `{key}` is no list")
    if text[node.start] == "[":
        return _into_flow(text, node, entry)
    return _into_block(text, node, entry, newline)


def _into_flow(text: str, node: Node, entry: str) -> str:
    """Before the closing bracket, whatever stands between it and the last entry."""
    place = node.end - 1
    before = text[:place].rstrip()
    lead = {"[": "", ",": " "}.get(before[-1], ", ")
    return f"{before}{lead}{entry}{text[len(before) :]}"


def _into_block(text: str, node: Node, entry: str, newline: str) -> str:
    """After the last line of the list; the mark at the end of a block lies behind it."""
    content_end = len(text[: node.items[-1].end].rstrip())
    line_end = text.find("\n", content_end) + 1
    dash = text.rfind("-", 0, node.items[0].start)
    indent = text[text.rfind("\n", 0, dash) + 1 : dash]
    return f"{text[:line_end]}{indent}- {entry}{newline}{text[line_end:]}"
