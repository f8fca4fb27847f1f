"""What happened to each line of a record: through merges, renames and moves, and beyond."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from kb.repo import FileChange, History, open_repo

from conftest import Git, git_in

LONG = "".join(f"line {number} of what the agent did\n" for number in range(1, 13))
OPEN = f"status: draft\n{LONG}- [ ] A1: add an assert\n"
TICKED = OPEN.replace("[ ]", "[x]")


@pytest.fixture
def folder(git: Git, library_folder: Path) -> Path:
    """A repository without commits."""
    return library_folder


def save(folder: Path, day: int, **files: str | bytes | None) -> str:
    """The commit on that day of May 2026 after writing (or, for None, deleting) records."""
    for stem, content in files.items():
        path = folder / "postmortems" / f"{stem}.md"
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return save_all(folder, day)


def save_all(folder: Path, day: int) -> str:
    git = git_in(folder)
    git("add", "--all")
    git("commit", "--quiet", "--message", f"day {day}", at=f"2026-05-{day:02}T12:00:00Z")
    return git("rev-parse", "HEAD")


def history(folder: Path, revision: str = "HEAD") -> History:
    return open_repo(folder).history("postmortems", revision)


def is_ticked(line: str) -> bool:
    return line.startswith("- [x] A1:")


def tick_of(folder: Path, stem: str = "a") -> FileChange | None:
    return history(folder).introduced(f"postmortems/{stem}.md", is_ticked)


def noon(day: int) -> datetime:
    return datetime(2026, 5, day, 12, tzinfo=UTC)


def test_changes_come_oldest_first_with_their_lines(folder: Path) -> None:
    first = save(folder, 1, a="one\ntwo\n", b="other\n")
    save(folder, 2, a="one\n2\nthree\n")
    save(folder, 3, b=None)
    new_a, new_b, changed, deleted = history(folder).changes
    assert (new_a.commit.sha, new_a.at, new_a.path.name) == (first, noon(1), "a.md")
    assert (new_a.is_new, new_a.added) == (True, ((1, "one"), (2, "two")))
    assert (new_b.path.name, new_b.is_new) == ("b.md", True)
    assert (changed.removed, changed.added) == (((2, "two"),), ((2, "2"), (3, "three")))
    assert (changed.is_new, changed.is_deleted) == (False, False)
    assert (deleted.is_deleted, deleted.removed) == (True, ((1, "other"),))


def test_only_the_folders_markdown_is_told(folder: Path) -> None:
    (folder / "postmortems/a").mkdir()
    (folder / "postmortems/a/fixture.json").write_text("{}")
    (folder / "README.md").write_text("readme\n")
    (folder / "postmortems-old.md").write_text("old\n")
    save(folder, 1, a="text\n")
    assert [str(change.path) for change in history(folder).changes] == ["postmortems/a.md"]
    everything = open_repo(folder).history().changes
    assert len(everything) == 3


def test_history_ends_at_the_revision_asked_for(folder: Path) -> None:
    first = save(folder, 1, a="one\n")
    save(folder, 2, a="two\n")
    assert [change.commit.sha for change in history(folder, "HEAD~1").changes] == [first]
    assert [change.commit.sha for change in history(folder, "2026-05-01").changes] == [first]


def test_only_lines_asked_for_are_held(folder: Path) -> None:
    save(folder, 1, a=TICKED)
    (change,) = open_repo(folder).history("postmortems", keep=is_ticked).changes
    assert change.added == ((14, "- [x] A1: add an assert"),)


# When a line came to stay


def test_a_tick_counts_from_the_commit_since_which_it_has_stayed(folder: Path) -> None:
    save(folder, 1, a=OPEN)
    save(folder, 2, a=TICKED)
    save(folder, 3, a=OPEN)
    assert tick_of(folder) is None
    save(folder, 4, a=TICKED)
    save(folder, 5, a=f"A new first line\n{TICKED}")
    tick = tick_of(folder)
    assert tick is not None
    assert tick.at == noon(4)


def test_a_tick_made_on_a_branch_counts_from_its_merge(folder: Path) -> None:
    git = git_in(folder)
    save(folder, 1, a=OPEN)
    git("checkout", "--quiet", "-b", "side")
    save(folder, 2, a=TICKED)
    git("checkout", "--quiet", "main")
    save(folder, 3, b="other\n")
    git("merge", "--quiet", "--no-ff", "-m", "merge", "side", at="2026-05-04T12:00:00Z")
    tick = tick_of(folder)
    assert tick is not None
    assert (tick.at, tick.commit.sha) == (noon(4), git("rev-parse", "HEAD"))


def test_a_tick_that_landed_inside_the_merge_commit_itself_is_seen(folder: Path) -> None:
    git = git_in(folder)
    save(folder, 1, a=OPEN)
    git("checkout", "--quiet", "-b", "side")
    save(folder, 2, b="other\n")
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    merge = save(folder, 3, a=TICKED)
    tick = tick_of(folder)
    assert tick is not None
    assert (tick.commit.sha, git("rev-list", "--merges", "HEAD")) == (merge, merge)


# Renames


def test_a_record_is_followed_through_its_renames(folder: Path) -> None:
    save(folder, 1, a=TICKED)
    save(folder, 2, a=None, b=TICKED)
    save(folder, 3, b=None, c=TICKED.replace("line 3 ", "line three "))
    told = history(folder)
    renames = [(c.old_path, c.path) for c in told.of("postmortems/c.md") if c.old_path]
    a, b, c = (PurePosixPath(f"postmortems/{stem}.md") for stem in "abc")
    assert renames == [(a, b), (b, c)]
    assert told.of(a) == ()
    tick = tick_of(folder, "c")
    assert tick is not None
    assert tick.at == noon(1)


def test_a_new_record_under_a_name_that_was_given_up_has_its_own_history(folder: Path) -> None:
    save(folder, 1, a=TICKED)
    save(folder, 2, a=None, b=TICKED)
    save(folder, 3, a="something else\n")
    told = history(folder)
    assert [change.at for change in told.of("postmortems/a.md")] == [noon(3)]
    assert [change.at for change in told.of("postmortems/b.md")] == [noon(1), noon(2)]


def test_a_record_deleted_and_restored_keeps_its_history(folder: Path) -> None:
    save(folder, 1, a=OPEN)
    save(folder, 2, a=None)
    save(folder, 3, a=TICKED)
    told = history(folder).of("postmortems/a.md")
    assert [(change.is_new, change.is_deleted) for change in told] == [
        (True, False),
        (False, True),
        (True, False),
    ]


def test_records_are_followed_back_to_the_folders_they_were_moved_from(folder: Path) -> None:
    git = git_in(folder)
    for place in ("first", "second [old]"):
        (folder / place).mkdir()
    (folder / "first/a.md").write_text(TICKED)
    (folder / "first/stays.md").write_text("stays\n")
    save_all(folder, 1)
    git("mv", "first/a.md", "second [old]/a.md")
    save_all(folder, 2)
    git("mv", "second [old]/a.md", "postmortems/a.md")
    save(folder, 3, b="other\n")
    told = history(folder)
    assert [str(change.path) for change in told.changes] == [
        "first/a.md",
        "second [old]/a.md",
        "postmortems/a.md",
        "postmortems/b.md",
    ]
    tick = tick_of(folder)
    assert tick is not None
    assert tick.at == noon(1)


# What lies beyond


def test_beyond_the_boundary_of_a_shallow_clone_dates_are_unknown(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    save(folder, 1, a=TICKED)
    boundary = save(folder, 2, b=OPEN)
    save(folder, 3, b=TICKED)
    clone = tmp_path_factory.mktemp("clone")
    git_in(clone)("clone", "--quiet", "--depth=2", f"file://{folder}", ".")
    told = history(clone)
    assert told.boundary is not None
    assert told.boundary.sha == boundary
    old = told.introduced("postmortems/a.md", is_ticked)
    new = told.introduced("postmortems/b.md", is_ticked)
    assert old is not None
    assert (old.at, old.is_boundary, old.is_new) == (None, True, False)
    assert new is not None
    assert (new.at, new.is_boundary) == (noon(3), False)


def test_a_whole_clone_has_no_boundary(folder: Path) -> None:
    save(folder, 1, a=OPEN)
    assert history(folder).boundary is None


def test_a_shallow_clone_that_reaches_the_first_commit_has_no_boundary(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    git = git_in(folder)
    save(folder, 1, a=OPEN)
    save(folder, 2, a=TICKED)
    clone = tmp_path_factory.mktemp("clone")
    git_in(clone)("clone", "--quiet", "--depth=1", f"file://{folder}", ".")
    git_in(clone)("fetch", "--quiet", "--unshallow")
    told = history(clone)
    assert (told.boundary, len(told.changes)) == (None, 2)
    assert git("rev-parse", "HEAD") == told.changes[-1].commit.sha
