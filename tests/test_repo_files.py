"""Which files a folder has, what they held, and which of them changed."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest
from kb.errors import KbError
from kb.repo import File, open_repo

from conftest import Git, git_in

ODD_NAMES = ("with space.md", "überfällig – ⚠.md", 'quote".md', "tab\tand\nnewline.md", "[a-z]*.md")


@pytest.fixture
def folder(git: Git, library_folder: Path) -> Path:
    """A repository with one record and its evidence committed."""
    write(library_folder, "postmortems/a.md", b"one\n")
    write(library_folder, "postmortems/a/fixture.json", b"{}")
    write(library_folder, "README.md", b"readme\n")
    save(library_folder)
    return library_folder


def write(folder: Path, name: str, content: bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def save(folder: Path) -> None:
    git = git_in(folder)
    git("add", "--all")
    git("commit", "--quiet", "--message", "save", at="2026-05-01T12:00:00Z")


def names(files: tuple[File, ...] | None) -> list[str]:
    assert files is not None
    return [str(file.path) for file in files]


def test_files_are_the_tracked_and_the_untracked_but_not_the_ignored(folder: Path) -> None:
    write(folder, ".gitignore", b"*.tmp\n")
    write(folder, "postmortems/draft.md", b"draft\n")
    write(folder, "postmortems/scratch.tmp", b"")
    files = open_repo(folder).files("postmortems")
    assert files == (
        File(PurePosixPath("postmortems/a/fixture.json")),
        File(PurePosixPath("postmortems/a.md")),
        File(PurePosixPath("postmortems/draft.md"), is_tracked=False),
    )


def test_files_of_a_revision_are_those_it_had(folder: Path) -> None:
    write(folder, "postmortems/b.md", b"later\n")
    save(folder)
    (folder / "postmortems/a.md").unlink()
    repo = open_repo(folder)
    assert names(repo.files("postmortems", "HEAD~1")) == [
        "postmortems/a.md",
        "postmortems/a/fixture.json",
    ]
    assert names(repo.files("postmortems")) == ["postmortems/a/fixture.json", "postmortems/b.md"]
    assert "README.md" in names(repo.files())


def test_a_folder_that_is_not_there_has_no_files(folder: Path) -> None:
    assert open_repo(folder).files("nowhere") == ()
    assert open_repo(folder).files("nowhere", "HEAD") == ()


def test_a_symlink_out_of_the_tree_is_listed_as_a_link_and_never_followed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    write(outside, "secret.md", b"secret\n")
    (folder / "postmortems/file.md").symlink_to(outside / "secret.md")
    (folder / "postmortems/directory").symlink_to(outside)
    (folder / "postmortems/dangling.md").symlink_to("nowhere")
    save(folder)
    repo = open_repo(folder)
    for files in (repo.files("postmortems"), repo.files("postmortems", "HEAD")):
        assert files is not None
        links = {file.path.name for file in files if file.is_symlink}
        assert links == {"file.md", "directory", "dangling.md"}
        assert len(files) == 5
    assert repo.read("postmortems/file.md", "HEAD") is None
    assert {change.path.name for change in repo.history("postmortems").changes} == {"a.md"}


def test_a_repository_inside_the_folder_is_none_of_its_files(folder: Path) -> None:
    (folder / "postmortems/inner").mkdir()
    inner = git_in(folder / "postmortems/inner")
    inner("init", "--quiet")
    write(folder / "postmortems/inner", "inner.md", b"")
    repo = open_repo(folder)
    assert names(repo.files("postmortems")) == ["postmortems/a/fixture.json", "postmortems/a.md"]
    assert repo.dirty_paths("postmortems") == ()


def test_contents_are_read_byte_for_byte_under_any_name(folder: Path) -> None:
    contents = {f"postmortems/{name}": name.encode() + b"\r\n\xff\x00" for name in ODD_NAMES}
    for name, content in contents.items():
        write(folder, name, content)
    save(folder)
    repo = open_repo(folder)
    assert repo.read_all(contents, "HEAD") == {
        PurePosixPath(name): content for name, content in contents.items()
    }
    assert set(contents) < set(names(repo.files("postmortems")))
    assert set(contents) < set(names(repo.files("postmortems", "HEAD")))


@pytest.mark.skipif(os.name != "posix", reason="file names are bytes only there")
def test_a_file_name_that_is_no_utf8_is_spelt_as_python_spells_it(folder: Path) -> None:
    name = os.fsdecode(b"postmortems/\xff.md")
    try:
        write(folder, name, b"odd\n")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    save(folder)
    repo = open_repo(folder)
    assert name in names(repo.files("postmortems"))
    assert repo.read(name, "HEAD") == b"odd\n"
    assert [change.added for change in repo.history("postmortems").of(name)] == [((1, "odd"),)]


def test_what_is_no_file_of_the_revision_is_left_out(folder: Path) -> None:
    repo = open_repo(folder)
    assert repo.read("postmortems/none.md", "HEAD") is None
    assert repo.read("postmortems", "HEAD") is None
    assert repo.read_all([], "HEAD") == {}


@pytest.mark.parametrize("path", ["/etc/hosts", "../outside.md", "postmortems/../../x"])
def test_a_path_out_of_the_repository_is_refused(folder: Path, path: str) -> None:
    repo = open_repo(folder)
    for question in (lambda: repo.read(path, "HEAD"), lambda: repo.files(path),
                     lambda: repo.history(path), lambda: repo.dirty_paths(path)):  # fmt: skip
        with pytest.raises(KbError, match="does not lead into the repository"):
            question()


def test_content_missing_from_a_damaged_clone_is_a_fault_with_the_next_step(folder: Path) -> None:
    blob = git_in(folder)("rev-parse", "HEAD:postmortems/a.md")
    (folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(KbError, match="missing from this clone") as fault:
        open_repo(folder).read("postmortems/a.md", "HEAD")
    assert "git fsck" in fault.value.todo


def test_dirty_paths_are_changed_staged_deleted_or_new(folder: Path) -> None:
    repo = open_repo(folder)
    assert repo.dirty_paths() == ()
    write(folder, "postmortems/a.md", b"changed\n")
    write(folder, "postmortems/ü new.md", b"new\n")
    write(folder, "elsewhere.md", b"new\n")
    git_in(folder)("rm", "--quiet", "postmortems/a/fixture.json")
    expected = ("a/fixture.json", "a.md", "ü new.md")
    assert repo.dirty_paths("postmortems") == tuple(
        PurePosixPath("postmortems") / name for name in expected
    )


def test_changed_since_counts_from_where_the_branch_parted(folder: Path) -> None:
    git = git_in(folder)
    git("checkout", "--quiet", "-b", "side")
    write(folder, "postmortems/committed.md", b"new\n")
    save(folder)
    git("checkout", "--quiet", "main")
    write(folder, "postmortems/on-main.md", b"not mine\n")
    save(folder)
    git("checkout", "--quiet", "side")
    write(folder, "postmortems/untracked.md", b"new\n")
    (folder / "postmortems/a.md").rename(folder / "postmortems/renamed.md")
    changed = open_repo(folder).changed_since("main", "postmortems")
    assert changed is not None
    assert [path.name for path in changed] == [
        "a.md",
        "committed.md",
        "renamed.md",
        "untracked.md",
    ]


def test_a_merge_in_conflict_names_each_file_once(folder: Path) -> None:
    git = git_in(folder)
    git("checkout", "--quiet", "-b", "side")
    write(folder, "postmortems/a.md", b"theirs\n")
    save(folder)
    git("checkout", "--quiet", "main")
    write(folder, "postmortems/a.md", b"ours\n")
    save(folder)
    with pytest.raises(Exception, match="merge"):
        git("merge", "side")
    repo = open_repo(folder)
    assert names(repo.files("postmortems")).count("postmortems/a.md") == 1
    assert repo.dirty_paths("postmortems") == (PurePosixPath("postmortems/a.md"),)


def test_a_lock_left_by_a_killed_git_does_not_stop_reading(folder: Path) -> None:
    write(folder, "postmortems/a.md", b"changed\n")
    (folder / ".git/index.lock").touch()
    repo = open_repo(folder)
    assert repo.dirty_paths() == (PurePosixPath("postmortems/a.md"),)
    assert repo.changed_since("HEAD") == (PurePosixPath("postmortems/a.md"),)
    assert (folder / ".git/index.lock").exists()


def test_a_file_that_was_only_touched_has_not_changed(folder: Path) -> None:
    git_in(folder)("config", "diff.autoRefreshIndex", "false")
    os.utime(folder / "postmortems/a.md", (0, 0))
    repo = open_repo(folder)
    assert (repo.dirty_paths(), repo.changed_since("HEAD")) == ((), ())


def test_no_program_named_in_the_settings_is_run(folder: Path) -> None:
    trap = folder / "trap.sh"
    write(folder, "trap.sh", b"#!/bin/sh\ntouch sprung\ncat\n")
    trap.chmod(0o755)
    write(folder, ".gitattributes", b"*.md diff=trap\n")
    save(folder)
    git = git_in(folder)
    for key in ("core.fsmonitor", "diff.external", "diff.trap.command", "diff.trap.textconv",
                "core.pager", "pager.log"):  # fmt: skip
        git("config", key, str(trap))
    git("config", "core.hooksPath", str(folder))
    write(folder, "postmortems/a.md", b"changed\n")
    repo = open_repo(folder)
    repo.files()
    repo.dirty_paths()
    repo.changed_since("HEAD")
    repo.history()
    assert not (folder / "sprung").exists()


def test_a_path_of_the_file_system_is_named_as_the_repository_names_it(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shortcut = tmp_path_factory.mktemp("shortcut") / "kb"
    shortcut.symlink_to(folder)
    (folder / "postmortems/link.md").symlink_to("/etc/hosts")
    repo = open_repo(shortcut / "postmortems")
    assert repo.relative(shortcut / "postmortems/a.md") == PurePosixPath("postmortems/a.md")
    assert repo.relative(shortcut / "postmortems/link.md") == PurePosixPath("postmortems/link.md")
    assert repo.relative(shortcut) == PurePosixPath()
    assert repo.relative(folder.parent) is None
