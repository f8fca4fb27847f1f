"""When a record was published, in each of the ways in which teams bring a branch to `main`.

Every history is real: the record is drafted on 3 May, in review on the 5th, reviewed on the 6th and
set to published on the 8th; it reaches `main` on the 12th. It was contained on the 2nd.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from kb.errors import KbError
from kb.library import open_library
from kb.metrics.compute_page import page_of, read_all, read_as_of
from kb.metrics.result_types import MetricsPage
from kb.repo import open_repo

from conftest import GIT_ENVIRONMENT, Git, git_in
from known_library import Story

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
RECORD = "2026-05-01-refund-twice"
CONTAINED = {"contained": datetime(2026, 5, 2, 12, tzinfo=UTC)}
OPENED = "opened: 2026-05-05T09:00:00Z"
REVIEWED = "reviewed: {by: sre, at: 2026-05-06T09:00:00Z}"


def at(day: int) -> str:
    return f"2026-05-{day:02}T12:00:00Z"


def save(folder: Path, day: int, status: str, *extra: str, name: str = RECORD) -> None:
    """The commit of that day after writing the record in that state."""
    story = Story(name, datetime(2026, 5, 1, 8, tzinfo=UTC), status=status, clocks=CONTAINED)
    story.extra = extra
    (folder / "postmortems").mkdir(exist_ok=True)  # Git keeps no empty folder
    (folder / story.path).write_text(story.markdown(), encoding="utf-8")
    git = git_in(folder)
    git("add", "--all")
    git("commit", "--quiet", "--message", status, at=at(day))


def write_on_branch(folder: Path) -> None:
    """The record from draft to published on a branch, which is checked out."""
    git = git_in(folder)
    git("checkout", "--quiet", "-b", "postmortem")
    save(folder, 3, "draft")
    save(folder, 5, "in-review", OPENED)
    save(folder, 8, "published", OPENED, REVIEWED)


@pytest.fixture
def folder(git: Git, library_folder: Path) -> Path:
    """A repository with one commit on `main`, of 1 May."""
    git("add", "--all")
    git("commit", "--quiet", "--message", "begin", at=at(1))
    return library_folder


def page(folder: Path, published_since: str | None = None, as_of: str | None = None) -> MetricsPage:
    library, repo = open_library(folder), open_repo(folder)
    return page_of(read_all(library, repo, read_as_of(repo, as_of, NOW), published_since))


def merge(git: Git, _: Path) -> None:
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-edit", "postmortem", at=at(12))


def squash(git: Git, _: Path) -> None:
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--squash", "postmortem")
    git("commit", "--quiet", "--message", "Refund twice (#12)", at=at(12))


def squash_on_host(git: Git, folder: Path) -> None:
    """As GitHub does it: the author is the person, the committer the host."""
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--squash", "postmortem")
    host = {"GIT_COMMITTER_NAME": "GitHub", "GIT_COMMITTER_EMAIL": "noreply@github.com"}
    dates = {"GIT_AUTHOR_DATE": at(12), "GIT_COMMITTER_DATE": at(12)}
    subprocess.run(
        ["git", "commit", "--quiet", "--message", "Refund twice (#12)"],
        cwd=folder,
        env=os.environ | GIT_ENVIRONMENT | host | dates,
        check=True,
    )


def rebase(git: Git, folder: Path) -> None:
    """`main` has moved on; the branch is put on top of it on the 12th, and taken over."""
    git("checkout", "--quiet", "main")
    (folder / "other.txt").write_text("x", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "other", at=at(10))
    git("checkout", "--quiet", "postmortem")
    subprocess.run(
        ["git", "rebase", "--quiet", "main"],
        cwd=folder,
        env=os.environ | GIT_ENVIRONMENT | {"GIT_COMMITTER_DATE": at(12)},
        check=True,
    )
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--ff-only", "postmortem")


def fast_forward(git: Git, _: Path) -> None:
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--ff-only", "postmortem")


def push_directly(git: Git, folder: Path) -> None:
    """No branch at all: the record grew on `main`, and was set to published on the 12th."""
    git("checkout", "--quiet", "main")
    git("branch", "--quiet", "-D", "postmortem")
    save(folder, 3, "draft")
    save(folder, 5, "in-review", OPENED)
    save(folder, 12, "published", OPENED, REVIEWED)


def cherry_pick(git: Git, folder: Path) -> None:
    """A branch of one commit, taken over by its content."""
    git("checkout", "--quiet", "main")
    git("branch", "--quiet", "-D", "postmortem")
    git("checkout", "--quiet", "-b", "one")
    save(folder, 8, "published", OPENED, REVIEWED)
    git("checkout", "--quiet", "main")
    subprocess.run(
        ["git", "cherry-pick", "one"],
        cwd=folder,
        env=os.environ | GIT_ENVIRONMENT | {"GIT_COMMITTER_DATE": at(12)},
        check=True,
        capture_output=True,
    )


@dataclass(frozen=True)
class Way:
    """How a branch lands, and what can be known of it afterwards."""

    land: Callable[[Git, Path], None]
    day: int = 12
    is_exact: bool = False


WAYS = {
    "merge commit": Way(merge, is_exact=True),
    "squash": Way(squash),
    "squash on the host": Way(squash_on_host, is_exact=True),
    "rebase": Way(rebase),
    "fast-forward": Way(fast_forward, day=8),
    "direct push": Way(push_directly),
    "cherry-pick": Way(cherry_pick),
}


@pytest.mark.parametrize("name", WAYS)
def test_each_way_to_main_gives_its_publication_reading_list_and_review_time(
    folder: Path, name: str
) -> None:
    way = WAYS[name]
    write_on_branch(folder)
    way.land(git_in(folder), folder)
    day = date(2026, 5, way.day)
    taken = page(folder).measure("time_to_publish")
    assert (taken.value, taken.n) == (way.day - 2, 1)
    assert any("not before the day of the commit" in n for n in taken.notes) is not way.is_exact
    assert page(folder, str(day)).measure("reading_list").hits == (RECORD,)
    assert page(folder, str(date(2026, 5, way.day + 1))).measure("reading_list").hits == ()
    assert page(folder).measure("review_time").value == 24
    assert page(folder).measure("reviewed_in_time").value == 1


def test_beyond_a_shallow_clone_nobody_knows_and_nothing_stands_in(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_on_branch(folder)
    merge(git_in(folder), folder)
    clone = tmp_path_factory.mktemp("shallow") / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", folder.as_uri(), str(clone)], check=True
    )
    found = page(clone, "2026-05-10")
    taken, news = found.measure("time_to_publish"), found.measure("reading_list")
    assert (taken.value, taken.unknown) == (None, 1)
    assert (news.hits, news.n, news.unknown) == ((), 0, 1)
    assert any("git fetch --unshallow" in note for note in found.notes)
    # Where the clone begins before the day that was asked for, what lies beyond is no news.
    assert page(clone, "2026-05-20").measure("reading_list").unknown == 0
    git_in(clone)("fetch", "--quiet", "--unshallow")
    assert page(clone, "2026-05-10").measure("reading_list").hits == (RECORD,)


def test_on_a_branch_a_record_has_not_arrived(folder: Path) -> None:
    write_on_branch(folder)
    found = page(folder)
    assert found.measure("reading_list").hits == ()
    assert found.measure("time_to_publish").value is None
    assert any("not part of main" in note for note in found.notes)


def test_on_a_branch_what_main_published_meanwhile_keeps_its_day(folder: Path) -> None:
    git = git_in(folder)
    save(folder, 7, "published", name="2026-05-01-on-main")
    git("checkout", "--quiet", "-b", "topic")
    (folder / "other.txt").write_text("x", encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "x", at=at(20))
    assert page(folder, "2026-05-07").measure("reading_list").hits == ("2026-05-01-on-main",)
    assert page(folder, "2026-05-08").measure("reading_list").hits == ()


def test_in_a_clone_the_default_branch_is_that_of_the_remote(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git = git_in(folder)
    git("branch", "--move", "main", "trunk")
    save(folder, 7, "published", name="2026-05-01-on-trunk")
    clone = tmp_path_factory.mktemp("clone") / "clone"
    subprocess.run(["git", "clone", "--quiet", folder.as_uri(), str(clone)], check=True)
    git_in(clone)("checkout", "--quiet", "-b", "postmortem")
    save(clone, 8, "published")
    found = page(clone, "2026-05-01")
    assert found.measure("reading_list").hits == ("2026-05-01-on-trunk",)
    assert any("not part of trunk" in note for note in found.notes)


def test_a_merge_that_was_taken_back_and_made_again_published_the_second_time(folder: Path) -> None:
    write_on_branch(folder)
    git = git_in(folder)
    merge(git, folder)
    git("revert", "--no-edit", "-m", "1", "HEAD", at=at(14))
    git("revert", "--no-edit", "HEAD", at=at(18))
    assert page(folder).measure("time_to_publish").value == 16


def test_a_record_set_back_to_draft_is_published_when_it_comes_back(folder: Path) -> None:
    save(folder, 3, "published")
    save(folder, 5, "draft")
    save(folder, 9, "published")
    assert page(folder).measure("time_to_publish").value == 7


# --- the last all-hands --------------------------------------------------------------------------


def test_what_a_tag_did_not_have_is_new_even_where_its_commits_are_older(folder: Path) -> None:
    """The branch was fast-forwarded after the all-hands, with commits from before it."""
    write_on_branch(folder)
    git = git_in(folder)
    git("checkout", "--quiet", "main")
    save(folder, 9, "published", name="2026-05-01-known")
    git("tag", "all-hands/2026-05", at=at(10))
    git("checkout", "--quiet", "postmortem")
    subprocess.run(
        ["git", "rebase", "--quiet", "main"],
        cwd=folder,
        env=os.environ | GIT_ENVIRONMENT | {"GIT_COMMITTER_DATE": at(9)},
        check=True,
    )
    fast_forward(git, folder)
    assert page(folder, "last").measure("reading_list").hits == (RECORD,)
    assert page(folder, "2026-05-10").measure("reading_list").hits == ()


def test_the_newest_tag_counts_and_not_the_one_with_the_highest_name(folder: Path) -> None:
    git = git_in(folder)
    git("tag", "--annotate", "--message", "x", "all-hands/z", at=at(2))
    save(folder, 3, "published")
    git("tag", "--annotate", "--message", "x", "all-hands/a", at=at(4))
    assert page(folder, "last").measure("reading_list").hits == ()
    git("tag", "--delete", "all-hands/a")
    assert page(folder, "last").measure("reading_list").hits == (RECORD,)


def test_a_past_page_knows_the_all_hands_before_it(folder: Path) -> None:
    git = git_in(folder)
    save(folder, 3, "published")
    git("tag", "--annotate", "--message", "x", "all-hands/1", at=at(4))
    save(folder, 6, "published", name="2026-05-01-second")
    git("tag", "--annotate", "--message", "x", "all-hands/2", at=at(7))
    assert page(folder, "last").measure("reading_list").hits == ()
    then = page(folder, "last", as_of="2026-05-06")
    assert then.measure("reading_list").hits == ("2026-05-01-second",)


def test_without_a_tag_the_day_in_the_settings_is_the_last_all_hands(folder: Path) -> None:
    (folder / "kb.toml").write_text("[metrics]\nlast = 2026-05-04\n", encoding="utf-8")
    save(folder, 3, "published")
    save(folder, 6, "published", name="2026-05-01-second")
    assert page(folder, "last").measure("reading_list").hits == ("2026-05-01-second",)


def test_the_last_of_none_is_refused_with_what_to_do(folder: Path) -> None:
    save(folder, 3, "published")
    with pytest.raises(KbError, match="no all-hands is known") as refused:
        page(folder, "last")
    assert "git tag all-hands/" in (refused.value.todo or "")
    with pytest.raises(KbError, match="no date"):
        page(folder, "yesterday")
