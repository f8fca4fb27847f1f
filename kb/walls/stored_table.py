"""The compiled walls of a repository: what its user trusted, read before every call of a tool.

A table says which state it was made of: the times of the records with walls, of their folder and
of the user's configuration, which holds the trust. While that state lasts the table is right;
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
VERSION = 2
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


def stamp(root: str, files: list[str]) -> list[Any]:
    """What changes when a record comes, goes or changes, or what is trusted does.

    `files` are the folder of the records, then those with walls, relative to the root.
    """
    paths = [os.path.join(root, name) for name in ("kb.toml", *files)]
    paths.append(os.path.join(config_folder(), "config.toml"))
    return [*map(_times, paths), os.environ.get("KB_TRUST", "")]


def _times(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except OSError:
        return [0, 0]
    return [found.st_mtime_ns, found.st_size]


def is_in_the_tree(root: str, path: str) -> bool:
    """Whether a commit of the repository could bring a file along: then it is not believed."""
    return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)
