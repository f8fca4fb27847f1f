"""Which files a folder has, in the working tree or in a revision, and what they hold."""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from kb.errors import KbError
from kb.repo.git_command import Git, GitOutput
from kb.repo.git_types import Commit, File

_LINK = "120000"
_SUBMODULE = "160000"


def in_working_tree(git: Git, folder: str) -> tuple[File, ...]:
    """Tracked files and untracked ones that are not ignored, as far as they exist."""
    options = ("-z", "-t", "--cached", "--others", "--exclude-standard")
    entries = _ask_below(git, ("ls-files", *options), folder).paths
    # While a merge is in conflict Git names a file once per side.
    tracked = {entry[2:]: not entry.startswith("?") for entry in entries}
    files = (_on_disk(git, path, is_tracked) for path, is_tracked in tracked.items())
    return tuple(sorted((file for file in files if file), key=lambda file: file.path))


def in_revision(git: Git, commit: Commit, folder: str) -> tuple[File, ...]:
    """The files of a commit; submodules are left out."""
    return tuple(
        File(PurePosixPath(entry.path), is_symlink=entry.mode == _LINK)
        for entry in _entries(git, commit, folder)
    )


def contents(
    git: Git, commit: Commit, paths: Iterable[PurePosixPath]
) -> dict[PurePosixPath, bytes]:
    """The bytes of those paths that are files of the commit, through two runs of Git.

    Links are left out: their content is a path, which is not followed.
    """
    wanted = {str(path) for path in paths}
    if not wanted:
        return {}
    entries = [
        entry
        for entry in _entries(git, commit, posixpath.commonpath(wanted))
        if entry.path in wanted and entry.mode != _LINK
    ]
    batch = "".join(f"{entry.sha}\n" for entry in entries).encode()
    answer = git.demand("cat-file", "--batch", stdin=batch)
    return {
        PurePosixPath(entry.path): content
        for entry, content in zip(entries, objects_in(git, answer.output), strict=True)
    }


def changed(git: Git, folder: str) -> tuple[PurePosixPath, ...]:
    """Paths whose state in the working tree is not that of the last commit, new ones included."""
    options = ("--porcelain=v1", "-z", "--untracked-files=all", "--no-renames")
    entries = _ask_below(git, ("status", *options, "--ignore-submodules=all"), folder).paths
    return _sorted(entry[3:] for entry in entries)


def changed_since(git: Git, commit: Commit, folder: str) -> tuple[PurePosixPath, ...]:
    """Paths whose state in the working tree is not that of `commit`, deleted ones included."""
    options = ("-z", "--name-only", "--no-renames", "--ignore-submodules=all")
    programs = ("--no-ext-diff", "--no-textconv")
    tracked = _ask_below(git, ("diff", *options, *programs, commit.sha), folder).paths
    untracked = _ask_below(git, ("ls-files", "-z", "--others", "--exclude-standard"), folder).paths
    return _sorted((*tracked, *untracked))


@dataclass(frozen=True, slots=True)
class _Entry:
    mode: str
    sha: str
    path: str


def _entries(git: Git, commit: Commit, below: str) -> Iterator[_Entry]:
    listing = _ask_below(git, ("ls-tree", "-r", "-z", "--full-tree", commit.sha), below).paths
    for line in listing:
        facts, path = line.split("\t", 1)
        mode, _, sha = facts.split()
        if mode != _SUBMODULE:
            yield _Entry(mode, sha, path)


def _ask_below(git: Git, question: tuple[str, ...], folder: str) -> GitOutput:
    limit = () if folder in ("", ".") else (folder,)
    return git.demand("--literal-pathspecs", *question, "--", *limit)


def objects_in(git: Git, batch: bytes) -> Iterator[bytes]:
    """The contents in what `git cat-file --batch` writes: a line with the size before each."""
    position = 0
    while position < len(batch):
        start = batch.index(b"\n", position) + 1
        sha, state, *rest = batch[position:start].decode("ascii").split()
        if state == "missing":
            raise KbError(
                f"the content {sha} is missing from this clone",
                where=str(git.folder),
                todo="run `git fsck` there, or `git fetch --refetch`",
            )
        size = int(rest[0])
        yield batch[start : start + size]
        position = start + size + 1


def _on_disk(git: Git, path: str, is_tracked: bool) -> File | None:
    """The file as it lies there; None for a deleted one, a submodule or a nested repository."""
    try:
        mode = os.lstat(git.folder / path).st_mode
    except OSError:
        return None
    if not (stat.S_ISREG(mode) or stat.S_ISLNK(mode)):
        return None
    return File(PurePosixPath(path), is_tracked, is_symlink=stat.S_ISLNK(mode))


def _sorted(paths: Iterable[str]) -> tuple[PurePosixPath, ...]:
    # A path that ends in a slash is another repository that lies inside this one.
    return tuple(sorted({PurePosixPath(path) for path in paths if not path.endswith("/")}))
