"""When records reached the default branch as published, and since when that is news.

A merge commit, and a commit of the host, date an arrival. Any other commit may have been taken over
later by a fast-forward, of which Git keeps no trace: its day is one before which it cannot have
been.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path, PurePosixPath

from kb.actions.dates_from_git import Landing, Trail, Trails
from kb.actions.dates_from_git_cache import trails_from
from kb.as_of import AsOf
from kb.errors import KbError
from kb.repo import Repo

#: So many records that one commit brought, published already, were copied here by it: a pull
#: request of one incident publishes one to three.
IMPORTED_TOGETHER = 5
#: Days before the page's moment from which publications are news where no all-hands is known.
READING_DAYS = 30
#: A tag whose name begins so marks an all-hands.
TAG_PREFIX = "all-hands/"
#: What is said of records whose day is not that of their arrival, or not surely.
COPIED = "left out: copied here in one commit, published already."
NOT_BEFORE = (
    "landed without a merge: not before the day of the commit, for a fast-forward leaves no trace."
)


@dataclass(frozen=True, slots=True)
class Publication:
    """When a record reached the default branch as published.

    `at` is None where nobody can know. Unless `is_exact` it was then or later. `is_import` says
    that it was copied here with others, so that the day is the day of the copy.
    """

    at: datetime | None = None
    is_exact: bool = True
    is_import: bool = False

    @property
    def day(self) -> date | None:
        """The UTC day."""
        return self.at.astimezone(UTC).date() if self.at else None


@dataclass(frozen=True, slots=True)
class NewsWindow:
    """Since when a publication is news.

    `name` says what it begins with. `commits` are those that came since a tag, and decide alone
    where they are known; without them the day decides.
    """

    since: date
    name: str
    is_all_hands: bool = False
    commits: frozenset[str] | None = None

    def covers(self, landing: Landing | None, boundary: datetime | None) -> bool | None:
        """Whether a landing is news; None where nobody can know.

        `boundary` is when a shallow clone begins: what lies beyond had landed by then.
        """
        if landing is None:
            return None
        if self.commits is not None:
            return landing.commit in self.commits
        if landing.at is not None:
            return landing.at.astimezone(UTC).date() >= self.since
        return False if boundary and boundary.astimezone(UTC).date() < self.since else None


def publications(trails: Trails) -> Mapping[PurePosixPath, Publication]:
    """The publication of each record by its path."""
    born: dict[str, int] = {}
    for trail in trails.by_path.values():
        if trail.published and is_born_published(trail):
            born[trail.published.commit] = born.get(trail.published.commit, 0) + 1
    return {
        path: Publication(
            trail.published.at,
            trail.published.is_exact,
            is_born_published(trail) and born[trail.published.commit] >= IMPORTED_TOGETHER,
        )
        for path, trail in trails.by_path.items()
        if trail.published
    }


def is_born_published(trail: Trail) -> bool:
    """Whether the default branch never had it in another state: a squash, a merge, or a copy."""
    return trail.published is not None and trail.published == trail.first


def with_default_branch(
    repo: Repo, root: Path, folder: str, as_of: AsOf, trails: Trails
) -> tuple[Trails, str]:
    """The trails with publications as the default branch has them, and its name.

    The name is empty where the commit is part of that branch, and the trails are then as they were.
    """
    default = repo.default_branch() if as_of.commit else None
    if default is None or repo.contains(default[1], as_of.commit):
        return trails, ""
    name, last = default
    landed = trails_from(repo, root, folder, last.sha).until(as_of.at)
    by_path = {
        path: replace(trail, published=landed.of(path).published)
        for path, trail in trails.by_path.items()
    }
    return replace(trails, by_path=by_path), name


def read_window(repo: Repo, as_of: AsOf, asked: str | None, last: date | None) -> NewsWindow:
    """Since when a publication is news at that moment.

    `asked` is a day, `last` for the last all-hands, or None for the last one where it is known and
    else the last 30 days. `last` is the day that `kb.toml` names. Raises `KbError` for what is no
    day, and where no all-hands is known and one was asked for.
    """
    if asked and asked != "last":
        return NewsWindow(_day(asked), "")
    if found := _by_tag(repo, as_of):
        return found
    if last is not None:
        return NewsWindow(last, "the last all-hands", is_all_hands=True)
    if asked:
        raise KbError(
            "no all-hands is known here",
            todo="Mark the last one: 'git tag all-hands/2026-05', or in kb.toml: [metrics] "
            "last = 2026-05-28.",
        )
    return default_window(as_of)


def default_window(as_of: AsOf) -> NewsWindow:
    """The last 30 days."""
    return NewsWindow(as_of.day - timedelta(days=READING_DAYS), f"{READING_DAYS} days ago")


def _by_tag(repo: Repo, as_of: AsOf) -> NewsWindow | None:
    found = repo.newest_tag(TAG_PREFIX, as_of.commit, as_of.at) if as_of.commit else None
    if found is None:
        return None
    name, made = found
    came = repo.commits_since(f"refs/tags/{name}", as_of.commit)
    day = made.astimezone(UTC).date()
    return NewsWindow(day, f"the last all-hands ({name})", is_all_hands=True, commits=came)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise KbError(f"'{text}' is no date", todo="Write it as YYYY-MM-DD, or last.") from error
