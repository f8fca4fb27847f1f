"""Walls that somebody wrote and that cannot be used: which ones, and why.

They hold nowhere, so that whoever proves, exports or trusts walls is told of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kb.config import Config
from kb.lint.readings.document_facts import quoted, what_to_write
from kb.records.front_matter import FrontMatter, Node
from kb.records.front_matter_keys import KEYS
from kb.records.taxonomy import TAXONOMIES
from kb.records.wall_definitions import UnusableEntry, walls_left_out
from kb.walls.compile_table import KEY, walled_records

_KEYS = {row.name: row for key in KEYS if key.name == KEY for row in key.keys}
#: Faults behind which further walls may stand.
_ENDS_READING = {"yaml-syntax", "too-large"}


@dataclass(frozen=True, slots=True)
class UnusableWall:
    """One of them; `id` is its address, or that of its record where none of its walls is read."""

    id: str
    why: str
    is_published: bool

    def __str__(self) -> str:
        """What a person is told of it, in one line."""
        return f"UNUSABLE {self.id}: {self.why}"

    def is_of(self, named: str) -> bool:
        """Whether it belongs to what was named: a wall, a record or the beginning of one."""
        if "#" in named:
            return named == self.id or named.startswith(f"{self.id}#")
        return self.id.startswith(named)


def unusable_walls(root: Path, config: Config) -> Iterator[UnusableWall]:
    """The walls of all records of a library, drafts included, that cannot be used.

    Raises `KbError` where the records' folder cannot be read.
    """
    for record_id, front in walled_records(root, config):
        # Of a status that cannot be read nobody knows that it is a draft.
        is_published = front.text("status") in ("", "published")
        for name, why in _unusable(front):
            yield UnusableWall(f"{record_id}#{name}" if name else record_id, why, is_published)


def _unusable(front: FrontMatter) -> Iterator[tuple[str, str]]:
    broken = [fault for fault in front.faults if fault.name in _ENDS_READING]
    if broken:
        yield "", f"its front matter cannot be read: {broken[0].message}"
    for found in walls_left_out(front):
        yield found.label, "; and ".join(_reasons(found))


def _reasons(found: UnusableEntry) -> tuple[str, ...]:
    """Why a wall is none. A key that is mistyped is why another one lacks."""
    mistyped = tuple(_unknown_keys(found.node)) if found.label else ()
    faults = [fault.message for fault in found.faults if not (mistyped and fault.is_lack)]
    words = _unknown_words(found.node) if found.label else ()
    reasons = (*mistyped, *words, *faults)
    return reasons or ("walls are a list of groups such as [{tool: shell, command: …}]",)


def _unknown_keys(row: Node) -> Iterator[str]:
    for entry in row.entries:
        if entry.key not in _KEYS:
            yield f"unknown key {quoted(entry.key)}; {what_to_write(entry.key, _KEYS)}"


def _unknown_words(row: Node) -> Iterator[str]:
    for entry in row.entries:
        taxonomy = _KEYS[entry.key].taxonomy if entry.key in _KEYS else ""
        word = (entry.value.text or "").strip()
        known = [one.name for one in TAXONOMIES[taxonomy]] if taxonomy else [word]
        if word and word not in known:
            yield f"unknown word {quoted(word)} in '{entry.key}'; {what_to_write(word, known)}"
