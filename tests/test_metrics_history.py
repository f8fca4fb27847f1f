"""Dates out of real commits: what a tick is, when it landed, and what nobody can know."""

from __future__ import annotations

import subprocess
from datetime import UTC, date, datetime
from pathlib import Path, PurePath

import pytest
from kb.actions.action import Action, actions
from kb.actions.dates_from_git import Trail
from kb.actions.dates_from_git_cache import trails_from
from kb.errors import KbError
from kb.library import open_library, open_library_at
from kb.metrics.compute_page import measure, measure_months, read_all, read_as_of
from kb.repo import open_repo

from conftest import Git, git_in
from known_library import Promise, Story, tell, write_history

IMPACT = datetime(2026, 5, 1, 8, tzinfo=UTC)
TODAY = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.fixture
def folder(git: Git, library_folder: Path) -> Path:
    """A repository without commits."""
    return library_folder


def story(*labels: str) -> Story:
    promises = [Promise(label, f"do {label} well") for label in labels or ("A1", "A2")]
    return Story("2026-05-01-incident", IMPACT, promises=promises)


def save(folder: Path, day: int, *stories: Story, month: int = 5) -> str:
    """The commit on that day after writing these records as they stand."""
    for one in stories:
        (folder / one.path).write_text(one.markdown(), encoding="utf-8")
    git = git_in(folder)
    git("add", "--all")
    git("commit", "--quiet", "--message", "x", at=f"2026-{month:02}-{day:02}T12:00:00Z")
    return git("rev-parse", "HEAD")


def found(folder: Path) -> dict[str, Action]:
    library, repo = open_library(folder), open_repo(folder)
    reading = read_all(library, repo, read_as_of(repo, None, NOW))
    return {action.label: action for action in actions(library, reading.trails, TODAY)}


def trail(folder: Path, stem: str = "2026-05-01-incident") -> Trail:
    repo = open_repo(folder)
    trails = trails_from(repo, folder, "postmortems", repo.head.sha if repo.head else "")
    return trails.of(PurePath(f"postmortems/{stem}.md"))


def test_a_tick_is_dated_by_the_commit_that_landed_it(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    one.promises[0].state = "closed"
    save(folder, 9, one)
    ticked = found(folder)["A1"]
    assert (ticked.opened, ticked.closed) == (date(2026, 5, 3), date(2026, 5, 9))
    assert (ticked.opened_source, ticked.closed_source) == ("committed", "committed")


def test_a_reorder_of_ticked_lines_moves_no_date(folder: Path) -> None:
    one = story("A1", "A2", "A3")
    one.promises[2].state = "closed"
    save(folder, 3, one)
    one.promises[0].state = "closed"
    save(folder, 9, one)
    one.promises.reverse()
    save(folder, 20, one)
    # The naive look for an added `[x]` line would say the 20th for both.
    assert found(folder)["A1"].closed == date(2026, 5, 9)
    assert found(folder)["A3"].closed == date(2026, 5, 3)


def test_a_reworded_action_keeps_its_dates_by_its_label(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    one.promises[0].state = "closed"
    save(folder, 9, one)
    one.promises[0].text, one.promises[0].owner = "do it in other words", "platform"
    save(folder, 20, one)
    kept = found(folder)["A1"]
    assert (kept.id, kept.opened, kept.closed) == (
        "2026-05-01-incident#A1",
        date(2026, 5, 3),
        date(2026, 5, 9),
    )


def test_an_action_without_a_label_hands_its_dates_to_the_label_it_gets(folder: Path) -> None:
    one = story("A1")
    path = folder / one.path
    path.write_text(one.markdown().replace("A1: ", ""), encoding="utf-8")
    save(folder, 3)
    path.write_text(one.markdown().replace("A1: ", "").replace("[ ]", "[x]"), encoding="utf-8")
    save(folder, 9)
    one.promises[0].state = "closed"
    save(folder, 20, one)
    kept = found(folder)["A1"]
    assert (kept.opened, kept.closed) == (date(2026, 5, 3), date(2026, 5, 9))


def test_a_reopened_action_is_open_and_its_last_closing_counts(folder: Path) -> None:
    one = story()
    for day, state in ((3, "open"), (9, "closed"), (12, "open")):
        one.promises[0].state = state
        save(folder, day, one)
    assert found(folder)["A1"].closed is None
    one.promises[0].state = "closed"
    save(folder, 25, one)
    assert found(folder)["A1"].closed == date(2026, 5, 25)


def test_a_record_that_was_deleted_and_brought_back_keeps_its_dates(folder: Path) -> None:
    one = story()
    one.promises[0].state = "closed"
    save(folder, 3, one)
    (folder / one.path).unlink()
    save(folder, 9)
    save(folder, 12, one)
    assert found(folder)["A1"].closed == date(2026, 5, 3)


def test_a_written_date_wins_over_the_commit(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    one.promises[0].state, one.promises[0].written_closed = "closed", date(2026, 5, 5)
    save(folder, 20, one)
    closed = found(folder)["A1"]
    assert (closed.closed, closed.closed_source) == (date(2026, 5, 5), "written")


def test_a_tick_on_a_branch_lands_when_the_branch_is_merged(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    git = git_in(folder)
    git("checkout", "--quiet", "-b", "topic")
    one.promises[0].state = "closed"
    save(folder, 9, one)
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-edit", "topic", at="2026-05-20T12:00:00Z")
    assert found(folder)["A1"].closed == date(2026, 5, 20)


def test_a_tick_made_inside_a_merge_is_seen(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    git = git_in(folder)
    git("checkout", "--quiet", "-b", "topic")
    (folder / "other.txt").write_text("x", encoding="utf-8")
    save(folder, 9)
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-commit", "topic")
    one.promises[1].state = "closed"
    save(folder, 21, one)
    # Neither parent has the tick: a log without merges would never see it.
    assert found(folder)["A2"].closed == date(2026, 5, 21)


def test_dates_follow_a_record_through_its_rename(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    one.promises[0].state = "closed"
    save(folder, 9, one)
    git_in(folder)("mv", one.path, "postmortems/2026-05-01-better-name.md")
    save(folder, 20)
    kept = found(folder)["A1"]
    assert kept.record == "2026-05-01-better-name"
    assert (kept.opened, kept.closed) == (date(2026, 5, 3), date(2026, 5, 9))


def test_publication_is_the_first_commit_that_says_so(folder: Path) -> None:
    one = story()
    one.status = "in-review"
    save(folder, 3, one)
    one.status = "published"
    save(folder, 9, one)
    one.extra = ("rescues: 2",)
    save(folder, 20, one)
    landed = trail(folder)
    assert landed.first
    assert landed.published
    assert (landed.first.at, landed.published.at) == (
        datetime(2026, 5, 3, 12, tzinfo=UTC),
        datetime(2026, 5, 9, 12, tzinfo=UTC),
    )


def test_an_imported_record_was_not_promised_on_the_day_of_the_import(folder: Path) -> None:
    old = story()
    old.id, old.extra = "2024-02-01-old", ("opened: 2024-02-03T09:00:00Z",)
    old.promises[1].state, old.promises[1].written_closed = "closed", date(2024, 2, 20)
    save(folder, 3, old)
    assert found(folder)["A1"].opened == date(2024, 2, 3)
    assert found(folder)["A2"].opened == date(2024, 2, 3)
    assert found(folder)["A1"].opened_source == "record"


def test_a_public_records_commits_say_nothing_about_its_promises(folder: Path) -> None:
    theirs = story()
    theirs.origin = "public"
    theirs.promises[0].state = "closed"
    save(folder, 3, theirs)
    closed = found(folder)["A1"]
    assert (closed.closed, closed.opened, closed.opened_source) == (
        None,
        date(2026, 5, 1),
        "record",
    )


def test_what_lies_beyond_a_shallow_boundary_is_unknown_and_the_page_says_how_to_deepen(
    folder: Path, tmp_path: Path
) -> None:
    one = story("A1", "A2")
    one.promises[0].state = "closed"
    save(folder, 3, one)
    save(folder, 9, Story("2026-05-08-other", IMPACT))
    one.promises[1].state = "closed"
    save(folder, 20, one)
    clone = tmp_path / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=2", folder.as_uri(), str(clone)], check=True
    )
    known = found(clone)
    assert (known["A1"].closed, known["A1"].closed_source) == (None, "unknown")
    assert known["A2"].closed == date(2026, 5, 20)
    repo = open_repo(clone)
    page = measure(open_library(clone), repo, as_of=read_as_of(repo, None, NOW))
    assert any("git fetch --unshallow" in note for note in page.notes)
    git_in(clone)("fetch", "--quiet", "--unshallow")
    assert found(clone)["A1"].closed == date(2026, 5, 3)


def test_without_git_written_dates_count_and_the_page_says_what_stands_in(
    library_folder: Path,
) -> None:
    one = story("A1", "A2")
    one.extra = ("opened: 2026-05-02T09:00:00Z",)
    one.promises[0].state, one.promises[0].written_closed = "closed", date(2026, 5, 9)
    one.promises[1].state = "closed"
    (library_folder / one.path).write_text(one.markdown(), encoding="utf-8")
    known = found(library_folder)
    assert (known["A1"].opened, known["A1"].closed) == (date(2026, 5, 2), date(2026, 5, 9))
    assert (known["A2"].opened_source, known["A2"].closed) == ("record", None)
    repo = open_repo(library_folder)
    page = measure(open_library(library_folder), repo, as_of=read_as_of(repo, None, NOW))
    completion = page.measure("action_completion")
    assert (completion.n, completion.unknown) == (1, 1)
    assert any(note.startswith("No dates from Git") for note in page.notes)
    assert any("a date of the record stands in" in note for note in completion.notes)


def test_a_repository_without_commits_is_measured_like_no_git(folder: Path) -> None:
    one = story()
    (folder / one.path).write_text(one.markdown(), encoding="utf-8")
    repo = open_repo(folder)
    page = measure(open_library(folder), repo, as_of=read_as_of(repo, None, NOW))
    assert page.as_of.commit == ""
    assert page.measure("actions_open").value == 2


def test_a_library_below_the_repositorys_root_has_its_dates(folder: Path) -> None:
    (folder / "docs/kb/postmortems").mkdir(parents=True)
    (folder / "docs/kb/kb.toml").write_text("", encoding="utf-8")
    one = story()
    for day, state in ((3, "open"), (9, "closed")):
        one.promises[0].state = state
        (folder / "docs/kb" / one.path).write_text(one.markdown(), encoding="utf-8")
        save(folder, day)
    assert found(folder / "docs/kb")["A1"].closed == date(2026, 5, 9)


def test_as_of_reads_records_settings_and_dates_from_that_commit(folder: Path) -> None:
    one = story()
    first = save(folder, 3, one)
    one.promises[0].state = "closed"
    save(folder, 9, one)
    (folder / "kb.toml").write_text('[library]\nname = "Later"\n', encoding="utf-8")
    save(folder, 20, Story("2026-05-19-second", IMPACT))
    library, repo = open_library(folder), open_repo(folder)
    names = ("2026-05-10", first, "HEAD~1")
    by_day, by_name, by_parent = (
        measure(library, repo, as_of=read_as_of(repo, text, NOW)) for text in names
    )
    assert by_day.as_of.day == date(2026, 5, 10)
    assert by_day.as_of.commit == by_parent.as_of.commit
    assert (by_day.counts.published, by_day.library) == (1, "Postmortems")
    assert by_name.measure("actions_open").value == 2
    assert by_day.measure("actions_open").value == 1
    assert by_name.as_of.day == date(2026, 5, 3)


def test_as_of_a_day_without_git_says_what_is_missing(library_folder: Path) -> None:
    with pytest.raises(KbError, match="no Git repository"):
        read_as_of(open_repo(library_folder), "2026-05-01", NOW)


def test_the_months_are_the_pages_as_they_stood(folder: Path) -> None:
    one = story()
    save(folder, 3, one)
    one.promises[0].state = "closed"
    save(folder, 4, one, month=6)
    library, repo = open_library(folder), open_repo(folder)
    pages = measure_months(read_all(library, repo, read_as_of(repo, None, NOW)), repo)
    days = [page.as_of.day for page in pages]
    assert days == [date(2026, 5, 31), TODAY]
    assert [page.measure("actions_open").value for page in pages] == [2, 1]
    for page in pages[:-1]:
        alone = measure(library, repo, as_of=page.as_of)
        assert alone.measures == page.measures


def test_what_is_remembered_is_what_is_read(tmp_path: Path) -> None:
    truth = tell(5, records=15)
    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    write_history(tmp_path, truth.steps)
    repo = open_repo(tmp_path)
    assert repo.head
    first = trails_from(repo, tmp_path, "postmortems", repo.head.sha)
    kept = list((tmp_path / ".kb/trails").glob("*.json"))
    again = trails_from(repo, tmp_path, "postmortems", repo.head.sha)
    assert len(kept) == 1
    assert again.by_path == first.by_path
    kept[0].write_bytes(b"{damaged")
    assert trails_from(repo, tmp_path, "postmortems", repo.head.sha).by_path == first.by_path


def test_a_revision_reads_the_records_of_that_commit(folder: Path) -> None:
    first = save(folder, 3, story())
    (folder / story().path).unlink()
    (folder / "postmortems/2026-05-04-link.md").symlink_to("/etc/hostname")
    save(folder, 4)
    library = open_library_at(open_repo(folder), first, folder)
    assert [record.id for record in library.records] == ["2026-05-01-incident"]
    linked = open_library_at(open_repo(folder), "HEAD", folder)
    assert [fault.name for document in linked.documents for fault in document.faults] == [
        "unreadable"
    ]
