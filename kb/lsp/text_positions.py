"""The text of an open file, and places in it as the protocol counts them.

Lines end at CR LF, LF or CR, and nowhere else; a character is counted in the units that client and
server agreed on.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import Any

from lsprotocol import types
from pygls.workspace import TextDocument, Workspace

_LINE_END = re.compile(r"\r\n|\n|\r")
_CODECS = {"utf-8": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_UNIT_BYTES = {"utf-8": 1, "utf-16": 2, "utf-32": 4}


class Places:
    """Turns character offsets of a text into positions of the protocol, and back."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self._codec = _CODECS[encoding]
        self._unit_bytes = _UNIT_BYTES[encoding]

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    @property
    def line_count(self) -> int:
        """How many lines there are, the one behind the last line end included."""
        return len(self._starts)

    def line_span(self, line: int) -> tuple[int, int]:
        """Where a line, counted from 0, begins and ends, its line end left out."""
        start = self._starts[line]
        following = self._starts[line + 1] if line + 1 < len(self._starts) else len(self.text)
        return start, start + len(self.text[start:following].rstrip("\r\n"))

    def line_text(self, line: int) -> str:
        """The text of a line, counted from 0; empty beyond the last."""
        if not 0 <= line < len(self._starts):
            return ""
        start, end = self.line_span(line)
        return self.text[start:end]

    def offset(self, position: types.Position) -> int:
        """The character offset of a position; one beyond its line or the text is its end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start, end = self.line_span(position.line)
        return start + self._characters(self.text[start:end], position.character)

    def position(self, offset: int) -> types.Position:
        """The position of a character offset."""
        line = bisect_right(self._starts, offset) - 1
        return types.Position(line, self._units(self.text[self._starts[line] : offset]))

    def span(self, start: int, end: int) -> types.Range:
        """The range between two character offsets."""
        return types.Range(self.position(start), self.position(end))

    def line_range(self, line: int) -> types.Range:
        """The range of a line, counted from 0; an empty one at the end beyond the last."""
        start, end = self.line_span(min(max(line, 0), len(self._starts) - 1))
        return self.span(start, end)

    def _units(self, text: str) -> int:
        if text.isascii():
            return len(text)
        return len(text.encode(self._codec, "replace")) // self._unit_bytes

    def _characters(self, text: str, units: int) -> int:
        if text.isascii():
            return min(units, len(text))
        raw = text.encode(self._codec, "replace")[: units * self._unit_bytes]
        return len(raw.decode(self._codec, "ignore"))


class RecordText(TextDocument):
    """One file of the editor. Changes are put in by offsets.

    The library's own way cuts lines at every character that Unicode calls a line break, and would
    put a change behind a form feed into another place than the editor did.
    """

    _places: Places | None = None

    @property
    def places(self) -> Places:
        """The places of the text as it stands now."""
        source = self.source
        if self._places is None or self._places.text is not source:
            encoding = types.PositionEncodingKind(self.position_codec.encoding or "utf-16")
            self._places = Places(source, encoding.value)
        return self._places

    def _apply_incremental_change(self, change: types.TextDocumentContentChangePartial) -> None:
        places = self.places
        start, end = places.offset(change.range.start), places.offset(change.range.end)
        self._source = places.text[:start] + change.text + places.text[max(start, end) :]


class RecordWorkspace(Workspace):
    """The files a client has open, each as `RecordText`."""

    def _create_text_document(self, doc_uri: str, *arguments: Any, **named: Any) -> RecordText:
        plain = super()._create_text_document(doc_uri, *arguments, **named)
        return RecordText(
            doc_uri,
            source=plain._source,
            version=plain.version,
            language_id=plain.language_id,
            sync_kind=self._sync_kind,
            position_codec=self._position_codec,
        )
