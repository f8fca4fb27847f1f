"""The trails of a commit, kept in `.kb/trails` so that a long history is read once."""

from __future__ import annotations

import contextlib
import hashlib
import re
from pathlib import Path, PurePosixPath

import msgspec

from kb.actions.dates_from_git import Trail, Trails, matters, read_trails
from kb.library import local_place, make_local_folder
from kb.repo import Repo
from kb.safe_files import Root, UnsafePathError

#: To be raised when trails are read differently.
_VERSION = 2
_KEPT_FILES = 8
#: 3,000 records with 20,000 commits take 12 MB.
_MAX_BYTES = 500_000_000
#: What the files are called, so that no other is ever removed.
_NAME = re.compile(r"[0-9a-f]{24}\.json")


class _Stored(msgspec.Struct, frozen=True):
    """The trails of all files of a folder in the history of one commit."""

    key: str
    trails: dict[str, Trail]


def trails_from(
    repo: Repo, root: Path, folder: PurePosixPath | str, commit: str, *, is_kept: bool = True
) -> Trails:
    """The trails of the files in a library's folder, in the history that leads to a commit.

    `folder` is relative to `root`. Where they are not to be kept nothing is written. Without Git
    or commits they are empty, and say why.
    """
    base = repo.relative(root)
    if base is None or not commit:
        return Trails(why_unknown=repo.why_unknown or "there is no commit yet")
    below = base / folder
    made_of = f"{_VERSION}\0{below}\0{commit}"
    key = hashlib.sha256(made_of.encode("utf-8", "surrogateescape")).hexdigest()
    file = root / ".kb" / "trails" / f"{key[:24]}.json"
    if not repo.is_shallow and (stored := _load(file, key)) is not None:
        return Trails({PurePosixPath(path): trail for path, trail in stored.trails.items()})
    trails = read_trails(repo.history(below, commit, keep=matters), base)
    if trails.boundary is None and is_kept:
        _save(file, key, trails)
    return trails


def _load(file: Path, key: str) -> _Stored | None:
    try:
        root, place = local_place(file)
        stored = msgspec.json.decode(root.read_bytes(place, _MAX_BYTES), type=_Stored)
    except (OSError, UnsafePathError, msgspec.MsgspecError, RecursionError):
        return None
    return stored if stored.key == key else None


def _save(file: Path, key: str, trails: Trails) -> None:
    """Keep the trails; a folder that cannot be written only costs time."""
    stored = _Stored(key, {str(path): trail for path, trail in trails.by_path.items()})
    # Git's history may hold names that are no UTF-8; those of one folder are then read each time.
    with contextlib.suppress(OSError, UnsafePathError, UnicodeEncodeError):
        make_local_folder(file.parent)
        root, place = local_place(file)
        root.write_bytes(place, msgspec.json.encode(stored))
        _prune(root.below(place.parent))


def _prune(folder: Root) -> None:
    folder.sweep()
    names = [name for name in folder.names() if _NAME.fullmatch(name)]
    files = sorted(names, key=lambda name: (folder.path / name).lstat().st_mtime, reverse=True)
    for name in files[_KEPT_FILES:]:
        folder.remove_file(name)
