"""Reads what ranking knows of a text as it lies in the store, where others may have written it."""

from __future__ import annotations

import msgspec

from kb.search.indexed_records.entry import IndexedRecord


def read_stored(raw: bytes) -> IndexedRecord | None:
    """The record in the bytes of `kb.texts.entry`, None where they hold none."""
    try:
        entry = msgspec.msgpack.decode(raw, type=IndexedRecord)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return entry if entry.happened_at.tzinfo else None


def stored_classes(raw: bytes) -> tuple[str, ...]:
    """The classes of a text as they were counted, none where it cannot be read."""
    entry = read_stored(raw)
    return entry.classes if entry else ()
