"""Tests of front-matter values against the type of their key, one for each type."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime

from kb.lint.readings.document_facts import quoted
from kb.lint.rule import Finding
from kb.records.document import MAX_TITLE_CHARACTERS as _LONGEST_TITLE
from kb.records.document import Document
from kb.records.front_matter import MappingEntry, Node
from kb.records.front_matter_keys import Key, KeyType


def is_blank(node: Node | None) -> bool:
    """Whether nothing was given: no key, no value, an empty list or group."""
    return node is None or not ((node.text or "").strip() or node.items or node.entries)


def place(node: Node, message: str) -> Finding:
    """A finding at a value; a scalar is underlined whole."""
    length = len(node.text or "") + (2 if node.quoted else 0)
    return Finding(node.line, message, node.column, length)


def is_naive_time(text: str) -> bool:
    """Whether this is a day or a time of day that lacks its offset."""
    try:
        return datetime.fromisoformat(text.strip()).tzinfo is None
    except (ValueError, OverflowError):
        return re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", text.strip()) is not None


def type_faults(document: Document) -> Iterator[Finding]:
    """What has another type than its key asks for. Blank values and naive times are not judged."""
    for entry, row, _ in document.entries:
        if row is not None and row.name == "title" and len(entry.value.text or "") > _LONGEST_TITLE:
            size = f"{len(entry.value.text or ''):,} characters"
            yield place(entry.value, f"'title' has {size}; of them {_LONGEST_TITLE} are shown")
        elif row is not None and not is_blank(entry.value):
            yield from (_fault(entry, row, node, text) for node, text in _misfits(row, entry.value))


def _fault(entry: MappingEntry, row: Key, node: Node, written: str) -> Finding:
    wanted = f"{row.type.value}{', or unknown' if row.unknown == 'always' else ''}"
    return place(node, f"'{entry.key}' needs {wanted}, not {written}")


def _misfits(row: Key, node: Node) -> Iterator[tuple[Node, str]]:
    """The nodes that do not fit, each with what was written in words."""
    test = _SCALARS.get(row.type)
    if test is not None:
        if node.kind != "scalar":
            yield node, f"a {node.kind}"
        elif not (test(node.text or "") or (row.unknown and node.text == "unknown")):
            yield node, quoted(node.text or "")
    elif row.type in {KeyType.TEXTS, KeyType.WORDS}:
        yield from _list_misfits(node)
    elif row.type is KeyType.LINKS:
        values = [entry.value for entry in node.entries]
        bad = [value for value in values if value.kind == "mapping"]
        yield from _not_a("mapping", node) or [(value, "a mapping") for value in bad]
    elif row.type is KeyType.GROUPS:
        bad = [item for item in node.items if item.kind != "mapping"]
        yield from _not_a("sequence", node) or [(i, f"one with {_described(i)}") for i in bad]
    elif row.type is not KeyType.CALLS:  # which may be anything
        yield from _not_a("mapping", node)


def _list_misfits(node: Node) -> Iterator[tuple[Node, str]]:
    if node.kind == "scalar":
        yield node, f"{quoted(node.text or '')}; put it in brackets: [{node.text}]"
        return
    yield from _not_a("sequence", node)
    yield from ((item, f"one with {_described(item)}") for item in node.items if not item.text)


def _not_a(kind: str, node: Node) -> list[tuple[Node, str]]:
    return [] if node.kind == kind else [(node, _described(node))]


def _described(node: Node) -> str:
    if node.kind != "scalar":
        return f"a {node.kind}"
    return quoted(node.text) if node.text else "an empty value"


def _is_day(text: str) -> bool:
    try:
        return bool(re.fullmatch(r"\d{4}-\d{2}-\d{2}", text)) and bool(date.fromisoformat(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    # A missing offset is a fault of its own, `clock-without-offset`.
    try:
        return bool(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        return is_naive_time(text)


def _is_count(text: str) -> bool:
    return re.fullmatch(r"\d{1,15}", text) is not None


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", text) is not None


_SCALARS: dict[KeyType, Callable[[str], bool]] = {
    KeyType.TEXT: bool,
    KeyType.WORD: bool,
    KeyType.DATE: _is_day,
    KeyType.TIME: _is_time,
    KeyType.COUNT: _is_count,
    KeyType.NUMBER: _is_number,
}
