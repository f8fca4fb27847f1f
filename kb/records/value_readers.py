"""Readers from front-matter text to values, one for each type of key, none of them strict."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from kb.records.front_matter import FrontMatter, Node
from kb.records.value_types import (
    CLOCK_NAMES,
    AgentFacts,
    Clocks,
    Review,
    SharedCopy,
    SignOff,
    read_time,
)

Reader = Callable[[FrontMatter, str], Any]


def _text(front: FrontMatter, key: str) -> str:
    return front.text(key)


def _texts(front: FrontMatter, key: str) -> tuple[str, ...]:
    return front.texts(key)


def _text_or(default: str) -> Reader:
    return lambda front, key: front.text(key) or default


def _agent(front: FrontMatter, key: str) -> AgentFacts:
    return AgentFacts(*(_known_text(front, f"{key}.{name}") for name in AgentFacts.__slots__))


def _clocks(front: FrontMatter, key: str) -> Clocks:
    return Clocks(*(read_time(front.text(f"{key}.{name}")) for name in CLOCK_NAMES))


def _time(front: FrontMatter, key: str) -> datetime | None:
    return read_time(front.text(key))


def _known_text(front: FrontMatter, key: str) -> str:
    text = front.text(key)
    return "" if text == "unknown" else text


def _known_texts(front: FrontMatter, key: str) -> tuple[str, ...]:
    return tuple(text for text in front.texts(key) if text != "unknown")


def _number(front: FrontMatter, key: str) -> float | None:
    plain = front.text(key).replace("_", "").replace(",", "")
    return float(plain) if re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", plain) else None


def _whole(front: FrontMatter, key: str) -> int | None:
    number = _number(front, key)
    return None if number is None else int(number)


def _in(node: Node, key: str) -> str:
    value = node.get(key)
    return (value.text or "").strip() if value else ""


def _rows(front: FrontMatter, key: str) -> tuple[Node, ...]:
    node = front.get(key)
    return tuple(item for item in node.items if item.kind == "mapping") if node else ()


def _review(front: FrontMatter, key: str) -> Review | None:
    node = front.get(key)
    return Review(_in(node, "by"), read_time(_in(node, "at"))) if node else None


def _shared(front: FrontMatter, key: str) -> tuple[SharedCopy, ...]:
    copies = _rows(front, key)
    return tuple(SharedCopy(_in(n, "with"), read_time(_in(n, "at"))) for n in copies)


def _signoffs(front: FrontMatter, key: str) -> tuple[SignOff, ...]:
    return tuple(map(_signoff, _rows(front, key)))


def _signoff(node: Node) -> SignOff:
    actions = node.get("actions")
    labels = tuple(item.text for item in actions.items if item.text) if actions else ()
    return SignOff(_in(node, "owner"), read_time(_in(node, "at")), _in(node, "commit"), labels)


def _links(front: FrontMatter, key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    node = front.get(key)
    if node is None:
        return ()
    return tuple(
        (entry.key, tuple(n.text for n in (entry.value.items or (entry.value,)) if n.text))
        for entry in node.entries
    )


#: How each key of the front matter becomes the attribute of the same name.
READERS: dict[str, Reader] = {
    "status": _text_or("draft"),
    "origin": _text_or("own"),
    "kind": _text_or("incident"),
    "severity": _text,
    "impact": _text,
    "classes": _texts,
    "causes": _texts,
    "missing_control": _known_text,
    "route": _text,
    "agent": _agent,
    "models": _known_texts,
    "vendors": _known_texts,
    "tools": _known_texts,
    "systems": _known_texts,
    "clocks": _clocks,
    "detected_by": _known_text,
    "customers_affected": _whole,
    "cost_usd": _number,
    "rescues": _whole,
    "visibility": _text_or("internal"),
    "affected_customers": _texts,
    "owners": _texts,
    "opened": _time,
    "reviewed": _review,
    "lessons_by": _text,
    "links": _links,
    "shared": _shared,
    "signoffs": _signoffs,
    "sources": _texts,
    "aliases": _texts,
}
