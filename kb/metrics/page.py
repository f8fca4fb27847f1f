"""The metrics page as it stood at one moment: records and commits in, a frozen page out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date

from kb.errors import KbError
from kb.format import plural
from kb.library import Library
from kb.metrics.answers import answer_all
from kb.metrics.inputs import Facts
from kb.metrics.reading import MonthReader, Reading, read_all
from kb.metrics.registry import measure_all
from kb.metrics.repetition import preventable_pairs
from kb.metrics.sharing_deadlines import deadlines
from kb.metrics.values import AsOf, Counts, Page
from kb.records.model import Postmortem
from kb.repo import Repo


def measure(
    library: Library,
    repo: Repo,
    *,
    as_of: AsOf,
    origin: str | None = None,
    since: date | None = None,
) -> Page:
    """The page of a library at a moment.

    A past `as_of` reads records, settings and history from its commit. Without an `origin` the
    team's own records are measured, and public ones only where there are no others.
    """
    return page_of(read_all(library, repo, as_of), origin, since)


def measure_months(
    latest: Reading, repo: Repo, *, origin: str | None = None, since: date | None = None
) -> tuple[Page, ...]:
    """The page at the end of each month since the first record was committed, and the latest.

    Raises `KbError` where Git knows nothing.
    """
    if latest.trails.why_unknown:
        raise KbError(
            f"no months to show: {latest.trails.why_unknown}",
            where=str(latest.library.root),
            todo="Commit the records; the series is read from their history.",
        )
    reader = MonthReader(repo, latest)
    readings = (*(reader.at(day) for day in reader.months()), latest)
    return tuple(page_of(reading, origin, since) for reading in readings)


def page_of(reading: Reading, origin: str | None = None, since: date | None = None) -> Page:
    """The page of what has been read: no Git, no disk, no clock."""
    library = reading.library
    kind = origin or main_origin(library)
    facts = Facts(
        known=tuple(record for record in library.records if record.origin == kind),
        as_of=reading.as_of,
        trails=reading.trails,
        since=since,
        foreign=frozenset(record.id for record in library.records if record.origin != kind),
        lost_fixtures=reading.lost_fixtures,
    )
    measures = measure_all(facts)
    return Page(
        library=library.config.library.name,
        as_of=reading.as_of,
        origin=kind,
        since=since,
        counts=_counts(library, facts.known),
        answers=answer_all({measure.name: measure for measure in measures}),
        measures=measures,
        pairs=preventable_pairs(facts),
        deadlines=deadlines(facts),
        notes=tuple(_notes(reading, kind, is_chosen=origin is not None)),
    )


def main_origin(library: Library) -> str:
    """The origin that is measured unless one is asked for.

    Public only where there are public ones and none of the team's own; the worked example only
    while it stands alone.
    """
    origins = {record.origin for record in library.records}
    return next((origin for origin in ("own", "public", "example") if origin in origins), "own")


def _counts(library: Library, known: tuple[Postmortem, ...]) -> Counts:
    statuses = Counter(record.status for record in known)
    return Counts(
        published=statuses["published"],
        in_review=statuses["in-review"],
        drafts=len(known) - statuses["published"] - statuses["in-review"],
        faulty=sum(1 for document in library.documents if document.faults),
        other_origin=len(library.records) - len(known),
    )


def _notes(reading: Reading, origin: str, *, is_chosen: bool) -> Iterator[str]:
    """What holds for the page as a whole, one sentence each."""
    counts = _counts(
        reading.library, tuple(r for r in reading.library.records if r.origin == origin)
    )
    if origin == "public" and not is_chosen:
        yield "All records are of public incidents: this measures a casebook, not a team."
    if origin == "example":
        yield "Only the worked example is here: these numbers are fiction, to show the page."
    for other in ("own", "public"):
        apart = sum(1 for record in reading.library.records if record.origin == other != origin)
        if apart:
            yield f"{plural(apart, 'record')} of other origin not counted: --origin {other}."
    if counts.faulty:
        yield f"{plural(counts.faulty, 'file')} could not be read completely: kb check names them."
    if reading.trails.why_unknown:
        yield f"No dates from Git, only those written in records: {reading.trails.why_unknown}."
    if reading.trails.boundary:
        day = reading.trails.boundary.date()
        yield (
            f"This clone is shallow and begins on {day}: what landed before has no date. "
            "Deepen it with 'git fetch --unshallow'."
        )
