"""Files that ship with the package: the worked example and what `kb init` writes."""

from __future__ import annotations

import os


def read_data(name: str) -> bytes:
    """The bytes of a file below this folder, also where the package lies in an archive.

    `importlib.resources` does the same and loads `zipfile` and `tempfile`, for which a hook waits.
    """
    path = os.path.join(os.path.dirname(__file__), *name.split("/"))
    return bytes(__loader__.get_data(path))  # type: ignore[name-defined]
