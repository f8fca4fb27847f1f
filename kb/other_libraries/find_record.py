"""A published record of a library beside one's own, by the id that an answer gave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kb.errors import KbError
from kb.library import Library, load_document, record_files
from kb.other_libraries.open_libraries import declared, open_one
from kb.records.document import Document
from kb.records.postmortem import interpret
from kb.search.several_libraries import OtherLibrary


@dataclass(frozen=True)
class RecordBeside:
    """A record with its file, and whose it is."""

    library: str
    file: Path
    document: Document


def record_beside(library: Library, record_id: str) -> RecordBeside | None:
    """The record, None where no library beside has one of the id or may show it.

    Raises `KbError` where its library shares facts of it alone.
    """
    for one in declared(library):
        found = open_one(library, one)
        if any(facts.ref == record_id for facts in found.facts):
            what = f"{one.name} shares facts of {record_id} and no text"
            raise KbError(what, todo=f"Ask {one.name} about {record_id}.")
        record = _published(found, record_id)
        if record is not None:
            return record
    return None


def _published(found: OtherLibrary, record_id: str) -> RecordBeside | None:
    theirs = found.library
    if theirs is None:
        return None
    try:
        files = {file.name: file for file in record_files(theirs.folder)}
    except KbError:  # an answer says so
        return None
    file = files.get(f"{record_id}.md")
    document = load_document(file, theirs.form, theirs.root) if file else None
    record = interpret(document) if document else None
    if file is None or document is None or record is None or not record.is_published:
        return None
    return RecordBeside(found.name, file, document)
