"""Whether a repository brings a file along: what Git's index names is no file of this machine.

Read from the index itself, so that a repository without such a file costs no run of Git.
Source: gitformat-index(5) of Git 2.54, versions 2 to 4.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from kb.repo import safe_git_settings
from kb.repo.git_command import Git
from kb.safe_files import UnsafePathError, read_named

#: A million files take some 100 MB.
_MAX_INDEX_BYTES = 400_000_000
_SIGNATURE = b"DIRC"
#: Version 4 writes of a path what it has not in common with the one before, and a split or sparse
#: index (`link`, `sdir`) lacks paths: there only Git can say.
_WHOLE_PATHS = (b"\0\0\0\2", b"\0\0\0\3")
_INCOMPLETE = (b"link\0", b"sdir\0")


def tracked_below(folder: Path, name: str) -> str:
    """The first tracked path that a name of a folder stands for; empty where there is none.

    Case does not count, for it does not on many disks. Raises `KbError` where Git should say and
    cannot: then it may be tracked.
    """
    tree = _tree_of(folder)
    git_dir = safe_git_settings.git_dir_of(tree) if tree else None
    if tree is None or git_dir is None or not _may_name(git_dir, f"{name}".encode()):
        return ""
    below = Path(os.path.realpath(folder)).relative_to(os.path.realpath(tree)) / name
    git = Git(tree, git_dir=git_dir)
    if safe_git_settings.names_programs(git_dir):
        git.silence()
    pattern = f":(top,literal,icase){below.as_posix()}"
    return next(iter(git.demand("ls-files", "-z", "--", pattern).paths), "")


def _tree_of(folder: Path) -> Path | None:
    """The nearest folder upwards with a `.git`."""
    whole = Path(os.path.realpath(folder))
    return next((p for p in (whole, *whole.parents) if os.path.lexists(p / ".git")), None)


def _may_name(git_dir: Path, name: bytes) -> bool:
    """Whether an index may hold a path with that part: no false no."""
    index = git_dir / "index"
    try:
        state = index.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return _holds(index, name, (state.st_mtime_ns, state.st_size, state.st_ino))


@lru_cache(maxsize=16)
def _holds(index: Path, name: bytes, _: tuple[int, ...]) -> bool:
    """The same of a file in one state, which a verb asks for several times."""
    try:
        raw = read_named(index, _MAX_INDEX_BYTES)
    except (OSError, UnsafePathError):
        return True
    if not raw.startswith(tuple(_SIGNATURE + version for version in _WHOLE_PATHS)):
        return True
    return name.lower() in raw.lower() or any(mark in raw for mark in _INCOMPLETE)
