"""Which repository a folder lies in, which commit is meant, and what is said without Git."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from kb.errors import KbError
from kb.repo import File, NoRepo, open_repo

from conftest import Git, git_in

NOON = "2026-05-01T12:00:00Z"


def commit(folder: Path, name: str, text: str = "text\n", *, at: str = NOON) -> str:
    """The commit made after writing one file."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    git = git_in(folder)
    git("add", "--all")
    git("commit", "--quiet", "--message", f"write {name}", at=at)
    return git("rev-parse", "HEAD")


def new_repository(folder: Path) -> Git:
    folder.mkdir(parents=True, exist_ok=True)
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    return git


# Finding the work tree


def test_importing_the_room_does_not_load_gitpython() -> None:
    code = "import sys, kb.repo; sys.exit('git' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_repository_is_found_from_a_folder_a_file_and_a_draft_not_yet_written(
    git: Git, library_folder: Path
) -> None:
    commit(library_folder, "postmortems/a.md")
    for place in ("", "postmortems", "postmortems/a.md", "postmortems/new/draft.md"):
        assert open_repo(library_folder / place).root == library_folder.resolve()


def test_a_repository_says_what_is_checked_out(git: Git, library_folder: Path) -> None:
    sha = commit(library_folder, "a.md")
    repo = open_repo(library_folder)
    assert repo.head is not None
    assert (repo.head.sha, repo.head.author) == (sha, "A Tester")
    assert repo.head.at == datetime(2026, 5, 1, 12, tzinfo=UTC)
    assert (repo.branch, repo.is_shallow, repo.why_unknown) == ("main", False, "")


def test_a_detached_head_has_a_commit_and_no_branch(git: Git, library_folder: Path) -> None:
    sha = commit(library_folder, "a.md")
    git("checkout", "--quiet", "--detach")
    repo = open_repo(library_folder)
    assert repo.branch is None
    assert repo.head is not None
    assert repo.head.sha == sha


def test_a_repository_without_commits_has_a_branch_files_and_an_empty_history(
    git: Git, library_folder: Path
) -> None:
    (library_folder / "postmortems/a.md").write_text("draft\n", encoding="utf-8")
    repo = open_repo(library_folder)
    assert (repo.head, repo.branch, repo.why_unknown) == (None, "main", "")
    assert repo.dirty_paths("postmortems") == (PurePosixPath("postmortems/a.md"),)
    assert repo.history("postmortems").changes == ()
    with pytest.raises(KbError, match="there are no commits yet"):
        repo.changed_since("main")


def test_a_linked_worktree_is_a_repository_of_its_own(git: Git, library_folder: Path) -> None:
    commit(library_folder, "a.md")
    beside = library_folder.parent / f"{library_folder.name}-beside"
    git("worktree", "add", "--quiet", "-b", "side", str(beside))
    sha = commit(beside, "b.md")
    repo = open_repo(beside)
    assert (repo.root, repo.branch) == (beside.resolve(), "side")
    assert repo.resolve("HEAD").sha == sha
    assert [change.path.name for change in repo.history().changes] == ["a.md", "b.md"]


def test_a_submodule_is_a_repository_of_its_own_and_no_file_of_the_outer_one(
    git: Git, library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    inner = tmp_path_factory.mktemp("inner")
    new_repository(inner)
    sha = commit(inner, "inner.md")
    allow = ("-c", "protocol.file.allow=always")
    git(*allow, "submodule", "--quiet", "add", str(inner), "postmortems/inner")
    commit(library_folder, "postmortems/outer.md")
    repo = open_repo(library_folder / "postmortems/inner")
    outer = open_repo(library_folder)
    assert repo.root == (library_folder / "postmortems/inner").resolve()
    assert repo.resolve("HEAD").sha == sha
    for files in (outer.files("postmortems"), outer.files("postmortems", "HEAD")):
        assert files is not None
        assert [file.path.name for file in files] == ["outer.md"]
    assert [change.path.name for change in outer.history("postmortems").changes] == ["outer.md"]


def test_a_hook_of_another_repository_does_not_change_which_one_is_meant(
    git: Git,
    library_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = tmp_path_factory.mktemp("other")
    new_repository(other)
    commit(other, "other.md")
    sha = commit(library_folder, "postmortems/a.md")
    exported = {
        "GIT_DIR": ".git",
        "GIT_WORK_TREE": ".",
        "GIT_INDEX_FILE": ".git/index",
        "GIT_OBJECT_DIRECTORY": ".git/objects",
    }
    for variable, place in exported.items():
        monkeypatch.setenv(variable, str(other / place))
    repo = open_repo(library_folder / "postmortems")
    assert repo.root == library_folder.resolve()
    assert repo.resolve("HEAD").sha == sha
    assert repo.files("postmortems") == (File(PurePosixPath("postmortems/a.md")),)
    assert os.environ["GIT_DIR"] == str(other / ".git")


def test_git_dir_and_work_tree_from_the_environment_count_where_the_folder_lies_in_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new_repository(tmp_path / "home")
    sha = commit(tmp_path / "home", "a.md")
    (tmp_path / "home/.git").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert open_repo(tmp_path / "home").root is None
    monkeypatch.setenv("GIT_WORK_TREE", str(tmp_path / "home"))
    assert open_repo(tmp_path / "home").resolve("HEAD").sha == sha


# Nothing to ask


def test_without_a_repository_every_question_is_answered_unknown(tmp_path: Path) -> None:
    repo = open_repo(tmp_path)
    assert isinstance(repo, NoRepo)
    assert "is in no Git repository" in repo.why_unknown
    assert (repo.root, repo.head, repo.branch, repo.is_shallow) == (None, None, None, None)
    assert (repo.files(), repo.files("a", "HEAD"), repo.dirty_paths()) == (None, None, None)
    assert (repo.read("a.md", "HEAD"), repo.read_all(["a.md"], "HEAD")) == (None, {})
    assert (repo.changed_since("main"), repo.merge_base("a", "b")) == (None, None)
    assert (repo.remote_url(), repo.web_url("a.md")) == (None, None)
    assert repo.relative(tmp_path / "a.md") is None
    assert repo.history().changes == ()
    assert repo.history().why_unknown == repo.why_unknown
    with pytest.raises(KbError, match="in no Git repository"):
        repo.resolve("HEAD")


def test_without_a_git_program_a_folder_is_unknown_and_the_reason_names_git(
    git: Git, library_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "no git program can be run" in open_repo(library_folder).why_unknown


def test_without_a_git_program_a_fresh_process_says_so_too(tmp_path: Path) -> None:
    code = "import kb.repo; print(kb.repo.open_repo('.').why_unknown)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "no git program can be run" in done.stdout
    assert "install Git" in done.stdout
    assert done.stderr == ""


def test_a_bare_repository_asks_for_a_clone(tmp_path: Path) -> None:
    git_in(tmp_path)("init", "--quiet", "--bare", "kb.git")
    assert "is a bare repository" in open_repo(tmp_path / "kb.git").why_unknown


def test_the_git_directory_itself_is_no_work_tree(git: Git, library_folder: Path) -> None:
    assert "is inside a Git directory" in open_repo(library_folder / ".git/refs").why_unknown


def test_a_repository_of_somebody_else_is_refused_with_the_command_that_trusts_it(
    git: Git, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(library_folder, "postmortems/a.md")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    why = open_repo(library_folder / "postmortems").why_unknown
    assert "belongs to somebody else" in why
    assert f"--add safe.directory {library_folder.resolve()}`" in why


def test_a_damaged_repository_is_unknown_in_gits_own_words(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: /nowhere/at/all\n", encoding="utf-8")
    assert "not a git repository: /nowhere/at/all" in open_repo(tmp_path).why_unknown
    (tmp_path / ".git").write_text("nonsense\n", encoding="utf-8")
    assert "invalid gitfile format" in open_repo(tmp_path).why_unknown


def test_a_path_that_cannot_exist_is_unknown(tmp_path: Path) -> None:
    assert open_repo(tmp_path / "a\0b").why_unknown


# Which commit is meant


@pytest.fixture
def three_days(git: Git, library_folder: Path) -> dict[str, str]:
    """Commits by day; the last one in the last second of its UTC day."""
    days = {
        "2026-05-01": "2026-05-01T12:00:00Z",
        "2026-05-03": "2026-05-04T01:59:59+02:00",
        "2026-05-04": "2026-05-04T00:00:00Z",
    }
    return {day: commit(library_folder, f"{day}.md", at=at) for day, at in days.items()}


def test_a_day_means_the_last_commit_before_its_utc_midnight(
    three_days: dict[str, str], library_folder: Path
) -> None:
    repo = open_repo(library_folder)
    asked = ("2026-05-01", "2026-05-02", "2026-05-03", "2026-05-04", "2099-01-01")
    meant = ("2026-05-01", "2026-05-01", "2026-05-03", "2026-05-04", "2026-05-04")
    assert [repo.resolve(day).sha for day in asked] == [three_days[day] for day in meant]


def test_a_name_means_its_commit(
    three_days: dict[str, str], git: Git, library_folder: Path
) -> None:
    git("tag", "-a", "-m", "release", "v1", three_days["2026-05-01"])
    repo = open_repo(library_folder)
    assert repo.resolve("v1").sha == three_days["2026-05-01"]
    assert repo.resolve("HEAD~1").sha == three_days["2026-05-03"]
    assert repo.resolve("main").sha == three_days["2026-05-04"]


@pytest.mark.parametrize(
    "text",
    ["nowhere", "", "--all", "-n1", "--output=stolen", "HEAD..main", "^main", "HEAD:a.md",
     "a\nb", "a\0b", "\udcff", "2026-13-45", "2026-04-30"],
)  # fmt: skip
def test_what_is_neither_name_nor_day_is_refused_with_the_next_step(
    three_days: dict[str, str], library_folder: Path, text: str
) -> None:
    with pytest.raises(KbError) as fault:
        open_repo(library_folder).resolve(text)
    assert fault.value.todo
    assert not (library_folder / "stolen").exists()


def test_a_merge_base_is_where_two_branches_parted(
    three_days: dict[str, str], git: Git, library_folder: Path
) -> None:
    git("checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(library_folder, "side.md")
    git("checkout", "--quiet", "--orphan", "stranger")
    commit(library_folder, "stranger.md")
    repo = open_repo(library_folder)
    base = repo.merge_base("main", "side")
    assert base is not None
    assert base.sha == three_days["2026-05-03"]
    assert repo.merge_base("main", "stranger") is None
    with pytest.raises(KbError, match="no common commit"):
        repo.changed_since("main")


def test_a_shallow_clone_is_named_as_the_reason_why_a_commit_is_missing(
    three_days: dict[str, str], library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clone = tmp_path_factory.mktemp("clone")
    git_in(clone)("clone", "--quiet", "--depth=1", f"file://{library_folder}", ".")
    repo = open_repo(clone)
    assert repo.is_shallow
    for text in ("2026-05-01", three_days["2026-05-01"]):
        with pytest.raises(KbError) as fault:
            repo.resolve(text)
        assert "git fetch --unshallow" in fault.value.todo
