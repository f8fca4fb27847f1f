"""Reads what a digest is made of: the page of measures, the promises, the log of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date
from pathlib import Path

from kb.actions.action import actions
from kb.as_of import AsOf
from kb.digest.contents import ApprovedWords, DigestFacts, restricted
from kb.errors import KbError
from kb.library import Library
from kb.metrics.all_hands_facts import first_lesson
from kb.metrics.compute_page import page_of, read_folder
from kb.records.postmortem import Occurrence
from kb.repo import Repo
from kb.walls.firing_log import firings


def read_facts(
    start: Path, repo: Repo, as_of: AsOf, published_since: str | None, due_days: int
) -> DigestFacts:
    """The facts of a digest that stays inside. Raises `KbError` for a day that is none."""
    reading = read_folder(start, repo, as_of, published_since)
    library, page = reading.library, page_of(reading)
    if page.all_hands is None:
        raise KbError("there is nothing to make a digest of", where=str(library.root))
    if page.all_hands.since > as_of.day:
        raise KbError(
            f"{page.all_hands.since} has not come yet",
            todo="Give the day of the last digest: --published-since YYYY-MM-DD, or last.",
        )
    return DigestFacts(
        name=library.config.library.name,
        site=library.config.site.url,
        page=page,
        seen=page.all_hands,
        titles={record.id: record.title for record in library.records},
        actions=actions(library, reading.trails, as_of.day),
        fired=firings(os.path.realpath(library.root)),
        due_days=due_days,
        occurrences=tuple(_occurred(library, page.all_hands.since, as_of)),
    )


def _occurred(library: Library, since: date, as_of: AsOf) -> Iterator[tuple[str, Occurrence]]:
    """The occurrences of the window, with their records, in order of time."""
    found = (
        (record.id, one)
        for record in library.published
        if record.origin != "public"
        for one in record.occurrences
        if one.at and since <= one.at.astimezone(UTC).date() <= as_of.day
    )
    yield from sorted(found, key=lambda pair: str(pair[1].at))


def for_outsiders(facts: DigestFacts, start: Path, repo: Repo, as_of: AsOf) -> DigestFacts:
    """What of it is approved for outside, as the external edition has it.

    Raises `KbError` where that edition cannot be made: nothing is shown then.
    """
    from kb.library import open_library
    from kb.site.content import EXTERNAL
    from kb.site.gather import SiteRequest, gather
    from kb.site.related_incidents import no_search

    site = gather(open_library(start), repo, SiteRequest(as_of.at, no_search, EXTERNAL))
    approved = {
        record.id: ApprovedWords(record.id, record.title, first_lesson(record))
        for record in site.records
    }
    return restricted(facts, {old: approved[new] for old, new in site.public_ids.items()})
