"""What is a value whose writer may have meant anything? An object, a list, a word, or nothing."""

from __future__ import annotations

from typing import Any


def an_object(value: Any) -> dict[str, Any]:
    """The object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def a_list(value: Any) -> list[Any]:
    """The list, an empty one for anything else."""
    return value if isinstance(value, list) else []


def a_word(value: Any) -> str:
    """The text, an empty one for anything else: it can be looked up in a set."""
    return value if isinstance(value, str) else ""
