"""One open file with its library: what every feature is a function of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

from lsprotocol import types

from kb.lsp.library_view import LibraryView
from kb.lsp.text_positions import Places
from kb.records.document import Document
from kb.records.front_matter import Node
from kb.records.markdown import SectionText
from kb.terminal import visible

RECORD_ID = re.compile(r"\d{4}-\d{2}-\d{2}-[\w-]+(?:#A\d{1,4})?")
_MARKUP = re.compile(r"([\\`*_\[\]()<>!#|~&])")


@dataclass(frozen=True)
class OpenRecord:
    """A record as it stands in the editor. `view` holds all open records as they stand."""

    uri: str
    path: Path
    version: int
    document: Document
    places: Places
    view: LibraryView
    today: date

    @cached_property
    def _offsets(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.document.text))]

    def offset(self, line: int, column: int = 1) -> int:
        """The character offset of a place of the checker, counted from 1, kept within the text."""
        if line > len(self._offsets):
            return len(self.document.text)
        return min(self._offsets[max(line, 1) - 1] + column - 1, len(self.document.text))

    def range_of(self, line: int, column: int = 1, length: int = 0) -> types.Range:
        """The range of a place of the checker; without a length the rest of its line."""
        start = self.offset(line, column)
        source = self.document.source_line(line)
        if not length:
            start += len(source) - len(source.lstrip()) if column == 1 else 0
            length = max(len(source.rstrip()) - (start - self.offset(line)), 0)
        return self.places.span(start, min(start + length, self.offset(line) + len(source)))

    def line_at(self, position: types.Position) -> int:
        """The line of the checker, counted from 1, that a position stands on."""
        return self.document.text.count("\n", 0, self.places.offset(position)) + 1

    def column_at(self, position: types.Position) -> int:
        """The characters before a position on its line."""
        offset = self.places.offset(position)
        return offset - (self.document.text.rfind("\n", 0, offset) + 1)

    def is_in_front_matter(self, line: int) -> bool:
        """Whether a line, counted from 1, stands between the marks of the front matter."""
        return self.document.front.first_line <= line < self.document.front.end_line

    def section_at(self, line: int) -> SectionText | None:
        """The section a line, counted from 1, stands in."""
        found = (s for s in self.document.sections if s.line <= line <= s.end_line)
        return next(found, None)

    def scalars(self) -> Iterator[tuple[str, Node]]:
        """Every scalar of the front matter with the dotted key it stands under."""
        for entry in self.document.front.entries:
            yield from _scalars(entry.key, entry.value)

    def scalar_at(self, offset: int) -> tuple[str, Node] | None:
        """The scalar at a character offset, and its key."""
        return next(((k, n) for k, n in self.scalars() if n.start <= offset <= n.end), None)

    def id_at(self, position: types.Position) -> str:
        """The record id, perhaps with an action's label, at a position; empty where none is."""
        source, column = self.document.source_line(self.line_at(position)), self.column_at(position)
        found = (m for m in RECORD_ID.finditer(source) if m.start() <= column <= m.end())
        match = next(found, None)
        return match[0].removesuffix(".md") if match else ""


def _scalars(key: str, node: Node) -> Iterator[tuple[str, Node]]:
    if node.kind == "scalar":
        yield key, node
    for item in node.items:
        yield from _scalars(key, item)
    for entry in node.entries:
        yield from _scalars(f"{key}.{entry.key}", entry.value)


def quoted_markdown(text: str) -> str:
    """Text of a record as Markdown that shows it: no link, image or heading comes of it."""
    return _MARKUP.sub(r"\\\1", visible(" ".join(text.split())))
