"""How does this team read runs? Its settings, and the local key that fingerprints are made with."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from kb.config import read_config
from kb.errors import KbError
from kb.library import find_root, make_local_folder
from kb.runs.reading import ReadingSettings, settings_from

_KEY_FILE = "redaction.key"
_KEY_BYTES = 32


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
    path = folder / _KEY_FILE
    try:
        make_local_folder(folder)
        if not path.exists():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(_KEY_BYTES))
        key = path.read_bytes()
    except FileExistsError:
        key = path.read_bytes()
    except OSError:
        return None
    return key if len(key) >= _KEY_BYTES else None
