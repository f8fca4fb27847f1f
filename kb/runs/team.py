"""How does this team read runs? Its settings, and the local key that fingerprints are made with."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from kb.config import read_config
from kb.errors import KbError
from kb.library import find_root, local_place, make_local_folder
from kb.safe_files import UnsafePathError
from kb.traces.reading import ReadingSettings, settings_from

_KEY_FILE = "redaction.key"
_KEY_BYTES = 32
_MAX_KEY_BYTES = 4096


def team_settings(start: Path, **more: Any) -> ReadingSettings:
    """The settings of the knowledge base around `start`, with those of one call.

    Outside of one the defaults hold, and placeholders have no fingerprints.
    """
    try:
        root = find_root(start)
    except KbError:
        return ReadingSettings(**more)
    return settings_from(read_config(root).runs, key=local_key(root / ".kb"), **more)


def local_key(folder: Path) -> bytes | None:
    """The key of this clone, made at first use; None where it cannot be kept.

    It never leaves the machine: `.kb/` keeps itself out of Git.
    """
    root, place = local_place(folder / _KEY_FILE)
    try:
        if not root.exists(place):
            make_local_folder(folder)
            with suppress(FileExistsError):  # another run was faster
                root.create(place, secrets.token_bytes(_KEY_BYTES), 0o600)
        key = root.read_bytes(place, _MAX_KEY_BYTES)
    except (OSError, UnsafePathError):
        return None
    return key if len(key) >= _KEY_BYTES else None
