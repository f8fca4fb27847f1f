"""Where a person's own settings, caches and logs lie; imports nothing, for the hook starts with it.

The XDG Base Directory Specification (0.8): a variable that holds no absolute path counts as unset.
On Windows `%APPDATA%` and `%LOCALAPPDATA%` stand where no variable is set.
"""

from __future__ import annotations

import os
import sys

_NAME = "postmortem-kb"


def config_folder() -> str:
    """Settings, and what the person trusts. Raises `OSError` where there is no home folder."""
    return _folder("XDG_CONFIG_HOME", "APPDATA", ".config")


def cache_folder() -> str:
    """What can be made again. Raises `OSError` where there is no home folder."""
    return _folder("XDG_CACHE_HOME", "LOCALAPPDATA", ".cache")


def state_folder() -> str:
    """What is remembered of this machine. Raises `OSError` where there is no home folder."""
    return _folder("XDG_STATE_HOME", "LOCALAPPDATA", ".local/state")


def _folder(variable: str, on_windows: str, below_home: str) -> str:
    named = os.environ.get(variable, "")
    if sys.platform == "win32" and not named:
        named = os.environ.get(on_windows, "")
    if not os.path.isabs(named):
        home = os.path.expanduser("~")
        if home == "~":
            raise OSError("there is no home folder: set HOME")
        if not os.path.isabs(home):  # it would be looked for wherever one stands
            raise OSError(f"the home folder is no absolute path, {home}: set HOME to one")
        named = os.path.join(home, *below_home.split("/"))
    return os.path.join(named, _NAME)
