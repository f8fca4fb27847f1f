"""The signed external editions of a library, as records that say what they say and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import PurePosixPath

from kb.as_of import AsOf
from kb.config import LibraryConfig
from kb.library import Library
from kb.records.model import Postmortem
from kb.site.content import Edition, Site
from kb.site.external.approved_text import body, facts
from kb.site.external.declared_names import private_names
from kb.site.external.edition import external_edition
from kb.site.external.refusal import refuse_unread

_FOLDER = PurePosixPath(LibraryConfig().path)


def signed_editions(library: Library, now: datetime) -> Mapping[PurePosixPath, bytes]:
    """The editions that may leave, by the path of their record in a library of default settings.

    Raises `KbError` while a file may hold names that nothing reads.
    """
    today = now.date()
    refuse_unread(library, today)
    names = private_names(library.records, library.config.check.people)
    name = library.config.library.name
    whole = Site(name, "", library.form, AsOf(now, ""), records=library.published)
    site = external_edition(library, whole, Edition("external"), names, today)
    return {_FOLDER / f"{record.id}.md": _text(record) for record in site.records}


def _text(record: Postmortem) -> bytes:
    head = ("---", *facts(record), "status: published", "---", "", body(record), "")
    return "\n".join(head).encode(errors="replace")
