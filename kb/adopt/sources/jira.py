"""Jira: issues of its REST API, v2 (wiki text) and v3 (Atlassian Document Format).

`{"issues": [{"key", "fields": {…}}]}` of GET /rest/api/3/search/jql, or one issue of
GET /rest/api/3/issue/{key}; when an issue was created says when it was entered, not when it
happened. Comments and people are left out. The document format is read by the names of its nodes:
https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues and
https://developer.atlassian.com/cloud/jira/platform/apis/document/structure (read 2026-11-30).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kb.adopt.sources.tool_incident import ToolIncident, tool_source
from kb.traces.decoding.json_objects import inner, rows, word
from kb.traces.decoding.timestamps import time_of

_MOST_LEVELS = 20
#: A link that is shown as a card has its address alone.
_CARDS = frozenset({"inlineCard", "blockCard", "embedCard"})
_NO_ADDRESS = re.compile(r"[\s()<>\\]")
_LISTS = {"bulletList": "- ", "orderedList": "1. ", "taskList": "- [ ] ", "decisionList": "- "}


def _is_issue(one: dict[str, Any]) -> bool:
    return bool(word(one, "key")) and bool(word(inner(one, "fields"), "summary"))


def _incidents(value: Any) -> Iterator[ToolIncident]:
    for one in _outer_issues(value):
        fields = inner(one, "fields")
        incident = ToolIncident(word(fields, "summary"), word(one, "key"))
        incident.severity = (word(inner(fields, "priority"), "name"), "priority.name")
        description = fields.get("description")
        if not isinstance(description, str):
            description = "\n".join(_blocks(description, "", 0))
        incident.section("Description", description)
        for row in rows(fields, "subtasks"):
            status = inner(row, "fields", "status", "statusCategory")
            done = word(status, "key") == "done"
            incident.actions.append(("x" if done else " ", word(inner(row, "fields"), "summary")))
        incident.entered_at(fields, "created")
        yield incident


def _outer_issues(value: Any) -> list[dict[str, Any]]:
    """The issues of a file; those inside another, its subtasks and links, are no incidents."""
    if isinstance(value, dict) and _is_issue(value):
        return [value]
    listed = value.get("issues") if isinstance(value, dict) else value
    if not isinstance(listed, list):
        return []
    return [one for one in listed if isinstance(one, dict) and _is_issue(one)]


def _blocks(node: Any, indent: str, level: int) -> Iterator[str]:
    """The lines of a node of the document format and those below it."""
    if not isinstance(node, dict) or level > _MOST_LEVELS:
        return
    kind = word(node, "type")
    if kind in _LISTS:
        for item in rows(node, "content"):
            done = inner(item, "attrs").get("state") == "DONE"
            yield from _item(item, indent + _LISTS[kind].replace("[ ]", "[x]" if done else "[ ]"))
    elif kind == "codeBlock":
        yield from ("```text", *_text(node).splitlines(), "```", "")
    elif kind in _CARDS:
        yield from (indent + _text(node), "")
    elif kind == "table":
        yield from (*_table(node), "")
    elif kind in {"paragraph", "heading"}:
        yield from (indent + (_marks(node) if kind == "heading" else "") + _text(node), "")
    else:
        for part in rows(node, "content"):
            yield from _blocks(part, indent, level + 1)


def _marks(heading: dict[str, Any]) -> str:
    """The signs of a heading, one level below the title."""
    level = inner(heading, "attrs").get("level")
    return "#" * min(1 + (level if isinstance(level, int) and level > 0 else 1), 6) + " "


def _item(item: dict[str, Any], lead: str) -> Iterator[str]:
    parts = rows(item, "content")
    inside = [part for part in parts if word(part, "type") in _LISTS]
    yield lead + " ".join(_text(part) for part in parts if part not in inside)
    for part in inside:
        yield from _blocks(part, " " * len(lead), 1)


def _table(node: dict[str, Any]) -> Iterator[str]:
    for number, row in enumerate(rows(node, "content")):
        cells = [_text(cell).replace("|", "\\|") for cell in rows(row, "content")]
        yield f"| {' | '.join(cells)} |"
        if number == 0:
            yield "|" + " --- |" * len(cells)


def _text(node: dict[str, Any], level: int = 0) -> str:
    """The text of a node; a mention of a person is `someone`, a date its day."""
    read = _LEAVES.get(word(node, "type"))
    if read is not None:
        return read(node)
    if level > _MOST_LEVELS:
        return ""
    return "".join(_text(part, level + 1) for part in rows(node, "content"))


def _linked(node: dict[str, Any]) -> str:
    """The text of a leaf, as a link where it has the mark of one."""
    text = str(node.get("text") or "")
    marks = (mark for mark in rows(node, "marks") if word(mark, "type") == "link")
    target = next((_address(inner(mark, "attrs").get("href")) for mark in marks), "")
    return f"[{text}]({target})" if target and text.strip() and target != text else text


def _address(value: Any) -> str:
    """An address as one word of Markdown, empty for anything else."""
    return "" if not isinstance(value, str) or _NO_ADDRESS.search(value) else value


def _day(milliseconds: Any) -> str:
    at = time_of(milliseconds)
    return f"{at:%Y-%m-%d}" if at else ""


def _attribute(*keys: str) -> Callable[[dict[str, Any]], str]:
    return lambda node: word(inner(node, "attrs"), *keys)


def _card(node: dict[str, Any]) -> str:
    return _address(inner(node, "attrs").get("url"))


#: What a leaf is as text, by its kind.
_LEAVES: dict[str, Callable[[dict[str, Any]], str]] = {
    "text": _linked,
    "hardBreak": lambda _: " ",
    "mention": lambda _: "someone",
    "date": lambda node: _day(inner(node, "attrs").get("timestamp")),
    "emoji": _attribute("text", "shortName"),
    "status": _attribute("text"),
    **dict.fromkeys(_CARDS, _card),
}

SOURCE = tool_source("Jira", "JSON of issues, REST API v2 or v3", _is_issue, _incidents)
