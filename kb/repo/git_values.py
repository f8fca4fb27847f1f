"""The values Git's answers are made of: a commit, a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

# The fields of a `Commit`, for `git log`: NUL cannot occur in any of them, and no line of a
# patch begins with it.
COMMIT_FORMAT = "--format=%x00%H%x00%ct%x00%aN"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    `at` is when it was committed, so for a merge when the branch landed; `author` is a name,
    as `.mailmap` spells it.
    """

    sha: str
    at: datetime
    author: str


@dataclass(frozen=True, slots=True)
class File:
    """One file of the working tree or of a revision, relative to the repository root.

    A symbolic link is a file of its own with `is_symlink`; what it points to is never read.
    """

    path: PurePosixPath
    is_tracked: bool = True
    is_symlink: bool = False


def read_commit(line: bytes) -> Commit:
    """The commit that a line in `COMMIT_FORMAT` describes."""
    _, sha, seconds, author = line.rstrip(b"\n").split(b"\0")
    return Commit(sha.decode("ascii"), _instant(seconds), author.decode("utf-8", "replace"))


def _instant(seconds: bytes) -> datetime:
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        # A damaged date: Git itself shows the epoch for it.
        return datetime.fromtimestamp(0, UTC)
