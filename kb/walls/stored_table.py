"""The compiled walls of a repository: what its user trusted, read before every call of a tool.

A table says which state it was made of: the times and sizes of the records and of what configures
them, the trust of the user among it. While that state lasts the table is right;
otherwise `kb.walls.compile_table` looks again.
"""

from __future__ import annotations

import json
import os

from kb.user_folders import config_folder
from kb.walls.local_paths import table_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    #: `id`, `tools`, `command` (words), `effect`, `target`, `needs` (texts), `arguments`
    #: ([path, is_negated, sign, value]), `verdict`, `reason`.
    Row = dict[str, Any]

#: Raised when the form of a row changes: a table of another version is made again.
VERSION = 3
_MOST_BYTES = 20_000_000


class WallTable:
    """The walls that hold, and what is to be said beside them once."""

    __slots__ = ("notice", "rows")

    def __init__(self, rows: list[Row], notice: str = "") -> None:
        self.rows = rows
        self.notice = notice


def read_stored(root: str) -> dict[str, Any] | None:
    """The table as it was stored, to be made again where it is None.

    None for no table of this folder and version, and for a torn one.
    Raises `OSError` for a file that cannot be read.
    """
    path = table_path(root)
    if is_in_the_tree(root, path):
        return None
    try:
        with open(path, "rb") as stream:
            raw = stream.read(_MOST_BYTES)
    except FileNotFoundError:
        return None
    try:
        stored = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(stored, dict):
        return None
    is_this = stored.get("version") == VERSION and stored.get("root") == root
    return stored if is_this else None


def stamp(root: str, folder: str) -> list[Any]:
    """What changes when a record comes, goes or changes, or what is trusted does.

    `folder` is that of the records, relative to the root.
    """
    return [*settings_stamp(root), *records_stamp(root, folder)]


def settings_stamp(root: str) -> list[Any]:
    """What changes with `kb.toml` and with what the user trusts."""
    paths = (os.path.join(root, "kb.toml"), os.path.join(config_folder(), "config.toml"))
    return [*map(_times, paths), os.environ.get("KB_TRUST", "")]


def records_stamp(root: str, folder: str) -> list[Any]:
    """What changes with any record: the sums of all times and sizes, and how many there are.

    To look at 3,000 records takes 9 ms. A record that had no walls may have some now.
    """
    times = sizes = count = 0
    try:
        for entry in os.scandir(os.path.join(root, folder)):
            if entry.name.endswith(".md"):
                found = entry.stat()
                times, sizes, count = times + found.st_mtime_ns, sizes + found.st_size, count + 1
    except OSError:  # whoever reads the records says why
        return []
    return [times, sizes, count]


def _times(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except OSError:
        return [0, 0]
    return [found.st_mtime_ns, found.st_size]


def is_in_the_tree(root: str, path: str) -> bool:
    """Whether a commit of the repository could bring a file along: then it is not believed."""
    return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)
