"""Where a record, an action or a class is written, and where it is named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from kb.config import FILE_NAME
from kb.lsp.library_view import LibraryView, RecordCard
from kb.lsp.open_record import OpenRecord
from kb.safe_files import read_named

_MOST_SYMBOLS = 200
_MOST_SETTINGS_BYTES = 2_000_000


def definition(record: OpenRecord, position: types.Position) -> list[types.Location]:
    """The record or action that is named at a position; of a team's own class its line of kb.toml.

    The words that ship with kb are defined in no file of a library: hover tells them.
    """
    record_id, _, label = record.id_at(position).partition("#")
    if card := record.view.by_id.get(record_id):
        line = next((a.line for a in card.actions if label and a.label == label), 1)
        return [_location(record.view, card, line)]
    line = _settings_line(record.view, class_at(record, position))
    return [_line_of(record.view.library.root / FILE_NAME, line)] if line else []


def references(
    record: OpenRecord, position: types.Position, *, with_declaration: bool
) -> list[types.Location]:
    """Where the record, or the class, at a position is named; elsewhere where this record is."""
    if word := class_at(record, position):
        return [_word(record.view, *place) for place in uses_of(record.view, word)]
    record_id = record.id_at(position).partition("#")[0] or record.document.id
    found = [
        _location(record.view, card, line)
        for card in record.view.by_id.values()
        for named, line in card.priors
        if named == record_id
    ]
    own = record.view.by_id.get(record_id)
    return [_location(record.view, own, 1), *found] if with_declaration and own else found


def class_at(record: OpenRecord, position: types.Position) -> str:
    """The failure class at a position of the front matter; empty where none is."""
    found = record.scalar_at(record.places.offset(position))
    return (found[1].text or "").strip() if found and found[0] == "classes" else ""


def uses_of(view: LibraryView, word: str) -> Iterator[tuple[RecordCard, int, int, int]]:
    """Every record with a class: its card, line and column counted from 1, and the length."""
    for card in view.by_id.values():
        for place in card.classes:
            if place.word == word:
                yield card, place.line, place.column, len(word)


def workspace_symbols(view: LibraryView, query: str) -> list[types.WorkspaceSymbol]:
    """The records whose id or title has every word of a query, later ones first."""
    words = query.lower().split()
    found = []
    for card in reversed(tuple(view.by_id.values())):
        if all(word in f"{card.id} {card.title}".lower() for word in words):
            where = _location(view, card, 1)
            kind = types.SymbolKind.File
            found.append(types.WorkspaceSymbol(where, card.title, kind, container_name=card.id))
    return found[:_MOST_SYMBOLS]


def _location(view: LibraryView, card: RecordCard, line: int) -> types.Location:
    return _line_of(view.library.root / card.path, line)


def _word(
    view: LibraryView, card: RecordCard, line: int, column: int, length: int
) -> types.Location:
    where = _location(view, card, line)
    start, end = types.Position(line - 1, column - 1), types.Position(line - 1, column - 1 + length)
    return types.Location(where.uri, types.Range(start, end))


def _line_of(file: Path, line: int) -> types.Location:
    start = types.Position(line - 1, 0)
    return types.Location(uri_of(file), types.Range(start, start))


def uri_of(file: Path) -> str:
    """The address of a file."""
    return from_fs_path(str(file)) or file.as_uri()


def settings_text(view: LibraryView) -> str:
    """The text of kb.toml, empty where there is none."""
    try:
        raw = read_named(view.library.root / FILE_NAME, _MOST_SETTINGS_BYTES)
    except OSError:
        return ""
    return raw.decode("utf-8", "replace")


def _settings_line(view: LibraryView, word: str) -> int:
    """The line of kb.toml, counted from 1, that defines a class; 0 where none does."""
    if word not in view.library.config.taxonomy.classes:
        return 0
    lines = settings_text(view).splitlines()
    keys = (f"{word} ", f"{word}=", f'"{word}"')
    found = (n for n, line in enumerate(lines, 1) if line.strip().startswith(keys))
    return next(found, 0)
