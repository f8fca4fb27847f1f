"""Where the user keeps the walls of a repository on this machine, and which repository it is."""

from __future__ import annotations

import os
import zlib

from kb.user_folders import cache_folder, state_folder

_SETTINGS = "kb.toml"
_RECORDS = "postmortems"
#: No system opens a longer one; the folders above a path of 200,000 took 9 GB.
_LONGEST_PATH = 33_000


def library_root(start: str) -> str:
    """The folder of the knowledge base around a folder, links followed; empty where there is none.

    As `kb.library.find_root` looks for it, without what that imports.
    """
    if len(start) > _LONGEST_PATH:
        return ""
    start = os.path.realpath(start)
    folders = [start]
    while (above := os.path.dirname(folders[-1])) != folders[-1]:
        folders.append(above)
    for marker in (_SETTINGS, _RECORDS):
        for folder in folders:
            if os.path.exists(os.path.join(folder, marker)):
                return folder
    return ""


def table_path(root: str) -> str:
    """The compiled walls of a repository, in the user's cache."""
    return os.path.join(cache_folder(), "walls", f"{_name(root)}.json")


def firings_path(root: str) -> str:
    """What fired there, a line each, in the user's state."""
    return os.path.join(state_folder(), "walls", f"{_name(root)}.jsonl")


def passes_path(root: str) -> str:
    """The passes that were given and not used."""
    return os.path.join(state_folder(), "walls", f"{_name(root)}.passes.json")


def _name(root: str) -> str:
    """A file name for a folder; two folders of one name are told apart by what is in the file."""
    words = "".join(c if c.isalnum() else "-" for c in os.path.basename(root))[:60]
    return f"{words}-{zlib.crc32(os.fsencode(root)):08x}"
