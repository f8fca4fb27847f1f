"""The signed external editions of a library, as records that say what they say and nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from kb.as_of import AsOf
from kb.config import LibraryConfig
from kb.library import Library
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.postmortem import Postmortem
from kb.site.content import Edition, Site
from kb.site.external.approved_text import body, facts
from kb.site.external.declared_names import private_names
from kb.site.external.edition import external_edition
from kb.site.external.refusal import refuse_unread

_FOLDER = PurePosixPath(LibraryConfig().path)


def editions_as_files(library: Library, now: datetime) -> Mapping[PurePosixPath, bytes]:
    """The editions that may leave, by the path of their record in a library of default settings."""
    editions = signed_editions(library, now)
    return {_FOLDER / f"{one.public_id}.md": one.text for one in editions.values()}


@dataclass(frozen=True)
class SignedEdition:
    """What of one record leaves the house: its id and its text there."""

    public_id: str
    text: bytes

    @property
    def digest(self) -> str:
        """The hash of both."""
        return hashlib.sha256(f"{self.public_id}\n".encode() + self.text).hexdigest()

    def document(self) -> Document:
        """The edition as a record of a library of default settings."""
        return read_document(self.text, _FOLDER / f"{self.public_id}.md", build_form())


def signed_editions(library: Library, now: datetime) -> Mapping[str, SignedEdition]:
    """The editions that may leave, by the id that their record has in the library.

    Raises `KbError` while a file may hold names that nothing reads.
    """
    today = now.date()
    refuse_unread(library, today)
    names = private_names(library.records, library.config.check.people)
    name = library.config.library.name
    whole = Site(name, "", library.form, AsOf(now, ""), records=library.published)
    site = external_edition(library, whole, Edition("external"), names, today)
    texts = {record.id: _text(record) for record in site.records}
    return {own: SignedEdition(public, texts[public]) for own, public in site.public_ids.items()}


def _text(record: Postmortem) -> bytes:
    head = ("---", *facts(record), "status: published", "---", "", body(record), "")
    return "\n".join(head).encode(errors="replace")
