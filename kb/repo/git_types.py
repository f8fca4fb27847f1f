"""The values Git's answers are made of: a commit, a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath

# The fields of a `Commit`, for `git log`: NUL cannot occur in any of them, and no line of a
# patch begins with it.
COMMIT_FORMAT = "--format=%x00%H%x00%ct%x00%aN%x00%P%x00%cE"
#: The committer of what GitHub itself commits when it merges, squashes or rebases a pull request.
_HOST = b"noreply@github.com"


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    `at` is when it was committed, so for a merge when the branch landed; `author` is a name,
    as `.mailmap` spells it. `dates_arrival` says that it was made by landing: a merge, or a commit
    of the host. Any other may have been made on a branch that was taken over later without a
    trace, so its line of history had it then or later.
    """

    sha: str
    at: datetime
    author: str
    dates_arrival: bool = True


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
    _, sha, seconds, author, parents, committer = line.rstrip(b"\n").split(b"\0")
    return Commit(
        sha.decode("ascii"),
        instant(seconds),
        author.decode("utf-8", "replace"),
        dates_arrival=b" " in parents or committer == _HOST,
    )


def instant(seconds: bytes) -> datetime:
    """The moment that Git counts in seconds; the epoch for what is none."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        # A damaged date: Git itself shows the epoch for it.
        return datetime.fromtimestamp(0, UTC)
