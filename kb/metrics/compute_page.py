"""The metrics page as it stood at one moment: records and commits in, a frozen page out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path, PurePath, PurePosixPath

from kb.actions.dates_from_git import Trails
from kb.actions.dates_from_git_cache import trails_from
from kb.as_of import AsOf
from kb.errors import KbError
from kb.humanize import plural
from kb.library import Library, find_root, open_library_at, read_library
from kb.metrics.all_hands_facts import all_hands
from kb.metrics.headline_answers import ANSWERED_BY, answer_all
from kb.metrics.inputs import MetricsInput
from kb.metrics.publication import NewsWindow, read_window, with_default_branch
from kb.metrics.registry import measure_all, measure_some
from kb.metrics.repeats import preventable_pairs
from kb.metrics.result_types import Counts, Measure, MetricsPage
from kb.metrics.sharing_deadlines import deadlines
from kb.records.casebook import casebook_ids
from kb.records.document import Document, read_document
from kb.records.form import Form
from kb.records.postmortem import Postmortem
from kb.repo import Repo
from kb.trusted_settings import open_config

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Reading:
    """Everything a page is made of: no question to Git or the disk is left open.

    `lost_fixtures` are the records that name a fixture which is not there. `window` is since when a
    publication is news. `elsewhere` is the default branch where the commit is not part of it.
    """

    library: Library
    trails: Trails
    as_of: AsOf
    lost_fixtures: frozenset[str] = frozenset()
    window: NewsWindow | None = None
    elsewhere: str = ""


def read_as_of(repo: Repo, text: str | None, now: datetime) -> AsOf:
    """The moment a person means: now, the end of a UTC day, or a revision's commit.

    Raises `KbError` where Git knows no such revision, or there is no Git to look a day up in.
    """
    if text is None:
        head = repo.head
        return AsOf(now, head.sha if head else "")
    commit = repo.resolve(text)
    if not _DAY.fullmatch(text):
        return AsOf(commit.at, commit.sha, is_past=True)
    day_end = datetime.combine(date.fromisoformat(text), time(23, 59, 59), UTC)
    return AsOf(min(day_end, now), commit.sha, is_past=True)


def read_all(
    library: Library,
    repo: Repo,
    as_of: AsOf,
    published_since: str | None = None,
    *,
    is_kept: bool = True,
) -> Reading:
    """What a page at that moment needs; a past one is read from its commit, settings included.

    `published_since` is a day or `last`: see `kb.metrics.publication.read_window`. Nothing is
    written where the trails are not to be kept.
    """
    if as_of.is_past:
        library = open_library_at(repo, as_of.commit, library.root)
    folder = library.config.library.path
    trails = trails_from(repo, library.root, folder, as_of.commit, is_kept=is_kept)
    return _reading(library, repo, as_of, trails, published_since)


def read_folder(
    start: Path, repo: Repo, as_of: AsOf, published_since: str | None = None
) -> Reading:
    """The same from a folder alone: Git looks through the history while records are parsed.

    The two take about as long, so together they take half the time.
    """
    root = find_root(start)
    with ThreadPoolExecutor(1) as aside:
        config = open_config(root)
        folder = config.library.path
        history = aside.submit(trails_from, repo, root, folder, as_of.commit)
        past = open_library_at(repo, as_of.commit, root) if as_of.is_past else None
        library = past or read_library(root, config)
        trails = history.result()
    if library.config.library.path != folder:
        # The records lay elsewhere at that commit.
        trails = trails_from(repo, root, library.config.library.path, as_of.commit)
    return _reading(library, repo, as_of, trails, published_since)


def _reading(
    library: Library, repo: Repo, as_of: AsOf, trails: Trails, published_since: str | None
) -> Reading:
    folder = library.config.library.path
    landed, elsewhere = with_default_branch(repo, library.root, folder, as_of, trails)
    window = read_window(repo, as_of, published_since, library.config.metrics.last)
    lost = _lost_fixtures(library, repo, as_of)
    return Reading(library, landed, as_of, lost, window, elsewhere)


@dataclass
class MonthReader:
    """Reads a library month by month; a document that did not change is parsed once."""

    repo: Repo
    latest: Reading
    _documents: dict[tuple[PurePath, bytes], Document] = field(default_factory=dict)

    def months(self) -> tuple[date, ...]:
        """The last days of the months from the first record's commit up to the latest reading."""
        trails = self.latest.trails.by_path.values()
        times = [trail.first.at for trail in trails if trail.first and trail.first.at]
        return tuple(_month_ends(min(times).date(), self.latest.as_of.day)) if times else ()

    def at(self, day: date) -> Reading:
        """The reading at the end of a day."""
        as_of = read_as_of(self.repo, day.isoformat(), self.latest.as_of.at)
        root = self.latest.library.root
        library = open_library_at(self.repo, as_of.commit, root, self._read)
        trails = self.latest.trails.until(as_of.at)
        window = read_window(self.repo, as_of, None, library.config.metrics.last)
        lost = _lost_fixtures(library, self.repo, as_of)
        return Reading(library, trails, as_of, lost, window, self.latest.elsewhere)

    def _read(self, raw: bytes, path: PurePath, form: Form) -> Document:
        known = self._documents.get((path, raw))
        if known is None or known.form != form:
            known = self._documents[path, raw] = read_document(raw, path, form)
        return known


def _month_ends(first: date, last: date) -> Iterable[date]:
    day = first.replace(day=1)
    while True:
        following = (day + timedelta(days=31)).replace(day=1)
        if following > last:
            return
        yield following - timedelta(days=1)
        day = following


def _lost_fixtures(library: Library, repo: Repo, as_of: AsOf) -> frozenset[str]:
    named = {record.id: path for record in library.records if (path := _fixture(record))}
    if not named:
        return frozenset()
    if as_of.is_past:
        base = repo.relative(library.root) or PurePosixPath()
        files = repo.files(base / library.config.library.path, as_of.commit) or ()
        present = {file.path for file in files if not file.is_symlink}
        folder = base / library.config.library.path
        return frozenset(name for name, path in named.items() if folder / path not in present)
    return frozenset(name for name, path in named.items() if not (library.folder / path).is_file())


def _fixture(record: Postmortem) -> str:
    """The path a record gives for its fixture, without a remark behind it."""
    words = record.value("replay", "FIXTURE").split()
    path = words[0].strip("`") if words else ""
    is_path = path.lower() not in {"", "none", "no", "n/a", "unknown"}
    return path if is_path and ".." not in PurePath(path).parts else ""


def measure(
    library: Library,
    repo: Repo,
    *,
    as_of: AsOf,
    origin: str | None = None,
    since: date | None = None,
) -> MetricsPage:
    """The page of a library at a moment.

    A past `as_of` reads records, settings and history from its commit. Without an `origin` the
    team's own records are measured, and public ones only where there are no others.
    """
    return page_of(read_all(library, repo, as_of), origin, since)


def measure_months(
    latest: Reading,
    repo: Repo,
    *,
    origin: str | None = None,
    since: date | None = None,
    names: Collection[str] = (),
) -> tuple[MetricsPage, ...]:
    """The page at the end of each month since the first record was committed, and the latest.

    With `names` each holds these measures alone. Raises `KbError` where Git knows nothing.
    """
    if latest.trails.why_unknown:
        raise KbError(
            f"no months to show: {latest.trails.why_unknown}",
            where=str(latest.library.root),
            todo="Commit the records; the series is read from their history.",
        )
    reader = MonthReader(repo, latest)
    readings = (*(reader.at(day) for day in reader.months()), latest)
    if names:
        return tuple(page_of_some(reading, names, origin, since) for reading in readings)
    return tuple(page_of(reading, origin, since) for reading in readings)


def page_of(reading: Reading, origin: str | None = None, since: date | None = None) -> MetricsPage:
    """The page of what has been read: no Git, no disk, no clock."""
    facts = _facts(reading, origin, since)
    page = _page(reading, facts, measure_all(facts), origin)
    return _with_answers(page, facts)


def page_of_some(
    reading: Reading,
    names: Collection[str],
    origin: str | None = None,
    since: date | None = None,
    *,
    with_answers: bool = False,
) -> MetricsPage:
    """A page with these measures alone; no other is computed, and there are no lists.

    `with_answers`: with answers and lists, and the measures on which the answers rest.
    """
    facts = _facts(reading, origin, since)
    wanted = {*names, *ANSWERED_BY} if with_answers else {*names}
    page = _page(reading, facts, measure_some(facts, wanted), origin)
    return _with_answers(page, facts) if with_answers else page


def _facts(reading: Reading, origin: str | None, since: date | None) -> MetricsInput:
    library = reading.library
    kind = origin or main_origin(library)
    return MetricsInput(
        known=tuple(record for record in library.records if record.origin == kind),
        as_of=reading.as_of,
        trails=reading.trails,
        since=since,
        foreign=_foreign(library, kind),
        lost_fixtures=reading.lost_fixtures,
        window=reading.window,
        runs_seen=library.runs_seen,
    )


def _foreign(library: Library, kind: str) -> frozenset[str]:
    """The ids of records of another origin: those here, and for a team's own the casebook's."""
    own = {record.id for record in library.records if record.origin == kind}
    others = {record.id for record in library.records}
    return frozenset(others | (casebook_ids() if kind == "own" else set())) - own


def _page(
    reading: Reading, facts: MetricsInput, measures: tuple[Measure, ...], origin: str | None
) -> MetricsPage:
    """The page with nothing but these measures; `origin` is the one that was asked for."""
    kind = origin or main_origin(reading.library)
    return MetricsPage(
        library=reading.library.config.library.name,
        as_of=reading.as_of,
        origin=kind,
        since=facts.since,
        counts=_counts(reading.library, facts.known),
        answers=(),
        measures=measures,
        pairs=(),
        deadlines=(),
        notes=tuple(_notes(reading, kind, is_chosen=origin is not None)),
    )


def _with_answers(page: MetricsPage, facts: MetricsInput) -> MetricsPage:
    return replace(
        page,
        answers=answer_all({measure.name: measure for measure in page.measures}),
        pairs=preventable_pairs(facts),
        deadlines=deadlines(facts),
        all_hands=all_hands(facts),
    )


def main_origin(library: Library) -> str:
    """The origin that is measured unless one is asked for.

    Public only where there are public ones and none of the team's own; the worked example only
    while it stands alone.
    """
    origins = {record.origin for record in library.records}
    return next((origin for origin in ("own", "public", "example") if origin in origins), "own")


def _counts(library: Library, known: tuple[Postmortem, ...]) -> Counts:
    counted = [record for record in known if not record.merged_into]
    statuses = Counter(record.status for record in counted)
    kinds = Counter(record.kind for record in counted if record.status == "published")
    return Counts(
        published=statuses["published"],
        in_review=statuses["in-review"],
        drafts=len(counted) - statuses["published"] - statuses["in-review"],
        faulty=sum(1 for document in library.documents if document.faults),
        other_origin=len(library.records) - len(known),
        kinds=tuple(kinds.most_common()),
    )


def _notes(reading: Reading, origin: str, *, is_chosen: bool) -> Iterator[str]:
    """What holds for the page as a whole, one sentence each."""
    known = tuple(r for r in reading.library.records if r.origin == origin)
    counts = _counts(reading.library, known)
    if adopted := sum(record.is_adopted for record in known):
        yield (
            f"{plural(adopted, 'record')} adopted as they stood: a measure counts one where it "
            "says what is measured, and looked at no other."
        )
    if told := sum(bool(record.merged_into) for record in known):
        verb = "is" if told == 1 else "are"
        yield f"{plural(told, 'record')} {verb} merged into another, which is counted instead."
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
    if reading.elsewhere:
        yield (
            f"This commit is not part of {reading.elsewhere}: what is published only here has not "
            "arrived there."
        )
    if reading.trails.boundary:
        day = reading.trails.boundary.date()
        yield (
            f"This clone is shallow and begins on {day}: what landed before has no date. "
            "Deepen it with 'git fetch --unshallow'."
        )
