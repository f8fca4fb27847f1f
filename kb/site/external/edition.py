"""The edition for outsiders: a site made of nothing but texts that a person has signed.

Every page, feed, index and copy is made of these records, so none of them can leak by itself.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from kb.library import Library
from kb.records.blank_record import slug
from kb.records.form import Form
from kb.records.postmortem import Postmortem
from kb.records.taxonomy import TAXONOMIES
from kb.sensitive.names.find_names import NameIndex
from kb.sensitive.names.folding import fold
from kb.site.content import Edition, Site
from kb.site.external.name_replacement import TextCleaner, without_marks
from kb.site.external.record_release import (
    Refusal,
    candidates,
    refusals,
    release_of,
    released_record,
)
from kb.site.external.refusal import context_for_outsiders
from kb.site.related_incidents import Related

_SHIPPED = frozenset(word for words in TAXONOMIES.values() for word in words)
_TAIL = 6  # hexadecimal digits that tell two incidents of one day and title apart


def external_edition(
    library: Library, site: Site, edition: Edition, names: NameIndex, today: date
) -> Site:
    """The edition of a site. `refused` says which records are left out, and why."""
    context = context_for_outsiders(library, today)
    released: dict[str, Postmortem] = {}
    refused: list[str] = []
    for record in candidates(site.records):
        if not affects(record, edition.customer):
            continue
        out = release_of(library, record, names, context)
        why = list(refusals(out, context))
        if why:
            refused.append(_left_out_note(why))
        else:
            released[record.id] = released_record(out)
    return _site_of(site, edition, released, names, library.config.site.key, tuple(refused))


def _left_out_note(why: list[Refusal]) -> str:
    more = f" (and {len(why) - 1} more)" if len(why) > 1 else ""
    return f"left out: {why[0]}{more}"


def affects(record: Postmortem, customer: str | None) -> bool:
    """Whether a record is one that a customer is owed; everybody's where there is no customer."""
    if customer is None:
        return True
    return fold(customer).strip() in {fold(name).strip() for name in record.affected_customers}


def _site_of(
    site: Site,
    edition: Edition,
    released: dict[str, Postmortem],
    names: NameIndex,
    key: str,
    refused: tuple[str, ...],
) -> Site:
    ids = {record_id: _public_id(record_id, record, key) for record_id, record in released.items()}
    return Site(
        name=site.name,
        url=site.url,
        form=_told_form(site.form, released.values(), TextCleaner(names)),
        as_of=replace(site.as_of, commit=""),
        records=tuple(replace(record, id=ids[old]) for old, record in released.items()),
        edition=edition,
        related={
            ids[record_id]: tuple(
                Related(ids[one.id], one.probability)
                for one in site.related.get(record_id, ())
                if one.id in ids
            )
            for record_id in released
        },
        refused=refused,
        public_ids=ids,
    )


def _public_id(record_id: str, record: Postmortem, key: str) -> str:
    """The id of its page: day, title, and a tail that no other record has.

    The file name may tell more than the title, so only its digest stands there; it stays what it
    is whatever other records come and go.
    """
    tail = hmac.new(key.encode(), os.fsencode(record_id), hashlib.sha256).hexdigest()[:_TAIL]
    return f"{record.date}-{slug(record.title)}-{tail}"


def _told_form(form: Form, shown: Iterable[Postmortem], cleaner: TextCleaner) -> Form:
    """The form; of a team's own words those a record uses, their meanings cleaned."""
    used = {word for r in shown for word in (*r.classes, *r.causes, r.missing_control)}
    taxonomies = {
        name: tuple(
            word
            if word in _SHIPPED
            else replace(word, definition=without_marks(cleaner.text(word.definition)))
            for word in words
            if word in _SHIPPED or word.name in used
        )
        for name, words in form.taxonomies.items()
    }
    return replace(form, taxonomies=taxonomies)
