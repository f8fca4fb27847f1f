"""The formats of secrets, as kb/data/sensitive/secrets.json lists them: one row a format.

A row has an `id`, the `kind` a message names, and either `starts`, literals that begin a word, with
the `rest` that follows them, or `within`, literals one of which stands in what `rest` matches.
`source` names a row of `sources`: the document or rule set that shows the format, and the day it
was read for this list, null where it was not opened for it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import kb.data

FORMATS_FILE = Path(kb.data.__file__).parent / "sensitive" / "secrets.json"


@dataclass(frozen=True)
class Format:
    """A secret with a shape of its own: a literal that every one has, and the whole pattern."""

    kind: str
    literal: str
    rest: str
    begins_word: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The whole shape, compiled when a text holds the literal.

        A literal at the start of a word may follow `_`: `charge_ghp_…`.
        """
        before = rf"(?<![A-Za-z0-9]){re.escape(self.literal)}" if self.begins_word else ""
        return re.compile(before + self.rest)


@lru_cache(maxsize=1)
def formats() -> tuple[Format, ...]:
    """Each literal of each format, in the order of the list: the exact before the wide."""
    return tuple(
        Format(row["kind"], literal, row["rest"], begins_word="starts" in row)
        for row in listed()["formats"]
        for literal in row.get("starts") or row["within"]
    )


@lru_cache(maxsize=1)
def vendors() -> tuple[str, ...]:
    """Names of those whose keys have no shape: what is given to such a name may be one."""
    return tuple(listed()["vendors"])


def listed() -> dict[str, Any]:
    """The list as it is written, with its sources."""
    found: dict[str, Any] = json.loads(FORMATS_FILE.read_bytes())
    return found
