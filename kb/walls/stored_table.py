"""The compiled walls of a repository: what its user trusted, read before every call of a tool.

A table says which state it was made of: the times and sizes of the records and of what configures
them, the trust of the user among it. While that state lasts the table is right;
otherwise `kb.walls.compile_table` looks again.
"""

from __future__ import annotations

import json
import os
import zlib

from kb.user_folders import config_folder
from kb.walls.local_paths import table_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypedDict

    #: A path: its plain steps, or its text where it looks for several values.
    Steps = list[str | int] | str
    #: Path, whether it is negated, sign of a comparison, and what is wanted; JSON makes it a list.
    Condition = tuple[Steps, bool, str, str | float]

    class Row(TypedDict):
        """One wall: `tools` are patterns, `needs` texts without which no line meets it."""

        id: str
        tool: str
        tools: list[str]
        command: list[str]
        effect: str
        target: str
        needs: list[str]
        arguments: list[Condition]
        verdict: str
        reason: str

    class StoredTable(TypedDict):
        """What is stored: the rows that are trusted, and the value that is, empty for none."""

        version: int
        root: str
        rows: list[Row]
        folder: str
        stamp: list[Any]
        value: str


#: Raised when the form of a row changes or how one is made: a table of another version is made
#: again. What rows take of the table of tools is in the stamp.
VERSION = 3
#: The shells of all agents; where the package lies in an archive no file is there.
TABLE_OF_TOOLS = os.path.join(os.path.dirname(__file__), "..", "data", "effects", "tools.json")
_MOST_BYTES = 20_000_000


class WallTable:
    """The walls that hold, and what is to be said beside them once."""

    __slots__ = ("notice", "rows")

    def __init__(self, rows: list[Row], notice: str = "") -> None:
        self.rows = rows
        self.notice = notice


def read_stored(root: str) -> StoredTable | None:
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
        stored: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    is_table = isinstance(stored, dict)
    is_this = is_table and stored.get("version") == VERSION and stored.get("root") == root
    return stored if is_this else None


def stamp(root: str, folder: str) -> list[Any]:
    """What changes when a record comes, goes or changes, or what is trusted does.

    `folder` is that of the records, relative to the root.
    """
    return [*settings_stamp(root), *records_stamp(root, folder)]


def settings_stamp(root: str) -> list[Any]:
    """What changes with `kb.toml`, with what the user trusts and with the shells that are known."""
    user = os.path.join(config_folder(), "config.toml")
    paths = (os.path.join(root, "kb.toml"), user, TABLE_OF_TOOLS)
    return [*map(_times, paths), os.environ.get("KB_TRUST", "")]


def records_stamp(root: str, folder: str) -> list[Any]:
    """What changes with any record: the sums of all times, sizes and names, and how many there are.

    To look at 3,000 records takes 9 ms. A record that had no walls may have some now.
    """
    times = sizes = names = count = 0
    try:
        for entry in os.scandir(os.path.join(root, folder)):
            if entry.name.endswith(".md"):
                time, size = _times(entry.path)  # a link that leads nowhere hides no other record
                times, sizes, count = times + time, sizes + size, count + 1
                names += zlib.crc32(os.fsencode(entry.name))
    except OSError:  # whoever reads the records says why
        return []
    return [times, sizes, names, count]


def _times(path: str) -> list[int]:
    try:
        found = os.stat(path)
    except OSError:
        return [0, 0]
    return [found.st_mtime_ns, found.st_size]


def is_in_the_tree(root: str, path: str) -> bool:
    """Whether a commit of the repository could bring a file along: then it is not believed."""
    return os.path.realpath(path).startswith(root.rstrip(os.sep) + os.sep)
