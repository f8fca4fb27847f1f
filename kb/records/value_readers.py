"""Readers from front-matter text to values, one for each type of key, none of them strict."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from kb.records.compound_values import (
    CLOCK_NAMES,
    AgentFacts,
    Clocks,
    Occurrence,
    Review,
    SharedCopy,
    SignOff,
    read_time,
)
from kb.records.front_matter import FrontMatter, Node

Reader = Callable[[FrontMatter, str], Any]


def text_of(front: FrontMatter, key: str) -> str:
    """The text as written, empty where there is none."""
    return front.text(key)


def texts(front: FrontMatter, key: str) -> tuple[str, ...]:
    """The texts of a list, as written."""
    return front.texts(key)


def text_or(default: str) -> Reader:
    """A reader of a text that stands for a missing one by its default."""
    return partial(_text_or, default)


def _text_or(default: str, front: FrontMatter, key: str) -> str:
    return front.text(key) or default


def agent(front: FrontMatter, key: str) -> AgentFacts:
    """The facts of the agent; `unknown` becomes empty."""
    return AgentFacts(*(known_text(front, f"{key}.{name}") for name in AgentFacts.__slots__))


def clocks(front: FrontMatter, key: str) -> Clocks:
    """The clocks; what is no time becomes None."""
    return Clocks(*(read_time(front.text(f"{key}.{name}")) for name in CLOCK_NAMES))


def time_of(front: FrontMatter, key: str) -> datetime | None:
    """A time, None for what is none."""
    return read_time(front.text(key))


def known_text(front: FrontMatter, key: str) -> str:
    """The text, empty for `unknown`."""
    text = front.text(key)
    return "" if text == "unknown" else text


def known_texts(front: FrontMatter, key: str) -> tuple[str, ...]:
    """The texts of a list without `unknown`."""
    return tuple(text for text in front.texts(key) if text != "unknown")


def number(front: FrontMatter, key: str) -> float | None:
    """A number, None for what is none; marks of thousands are left out."""
    return _number(front.text(key))


def _number(text: str) -> float | None:
    plain = text.replace("_", "").replace(",", "")
    return float(plain) if re.fullmatch(r"\d{1,15}(?:\.\d{1,6})?", plain) else None


def whole_number(front: FrontMatter, key: str) -> int | None:
    """A whole number, None for what is no number."""
    return _whole_number(front.text(key))


def _whole_number(text: str) -> int | None:
    value = _number(text)
    return None if value is None else int(value)


def _text_under(node: Node, key: str) -> str:
    value = node.get(key)
    return (value.text or "").strip() if value else ""


def _rows(front: FrontMatter, key: str) -> tuple[Node, ...]:
    node = front.get(key)
    return tuple(item for item in node.items if item.kind == "mapping") if node else ()


def review(front: FrontMatter, key: str) -> Review | None:
    """The review, None where none is given."""
    node = front.get(key)
    return Review(_text_under(node, "by"), read_time(_text_under(node, "at"))) if node else None


def shared_copies(front: FrontMatter, key: str) -> tuple[SharedCopy, ...]:
    """The copies given, in the order written."""
    copies = _rows(front, key)
    return tuple(
        SharedCopy(_text_under(n, "with"), read_time(_text_under(n, "at"))) for n in copies
    )


def signoffs(front: FrontMatter, key: str) -> tuple[SignOff, ...]:
    """The sign-offs, in the order written."""
    return tuple(map(_signoff, _rows(front, key)))


def _signoff(node: Node) -> SignOff:
    actions = node.get("actions")
    labels = tuple(item.text for item in actions.items if item.text) if actions else ()
    return SignOff(
        _text_under(node, "owner"),
        read_time(_text_under(node, "at")),
        _text_under(node, "commit"),
        labels,
    )


def occurrences(front: FrontMatter, key: str) -> tuple[Occurrence, ...]:
    """The times the cause came again, in the order written."""
    return tuple(map(_occurrence, _rows(front, key)))


def _occurrence(node: Node) -> Occurrence:
    route, trace, run, note = (
        _text_under(node, name) for name in ("route", "trace", "run", "note")
    )
    return Occurrence(
        read_time(_text_under(node, "at")),
        route,
        trace,
        run,
        _whole_number(_text_under(node, "customers")),
        note,
    )


def links(front: FrontMatter, key: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each name with its targets."""
    node = front.get(key)
    if node is None:
        return ()
    return tuple(
        (entry.key, tuple(n.text for n in (entry.value.items or (entry.value,)) if n.text))
        for entry in node.entries
    )


def pairs(front: FrontMatter, key: str) -> tuple[tuple[str, str], ...]:
    """The texts of a group by the names of its keys, in the order written."""
    node = front.get(key)
    return _pairs(node) if node else ()


def lists_of_pairs(front: FrontMatter, key: str) -> tuple[tuple[tuple[str, str], ...], ...]:
    """The same of each group of a list."""
    return tuple(map(_pairs, _rows(front, key)))


def _pairs(node: Node) -> tuple[tuple[str, str], ...]:
    return tuple((entry.key, entry.value.text or "") for entry in node.entries)
