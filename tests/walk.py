#!/usr/bin/env python3
"""The files of kb that a command enters: `python tests/walk.py similar DRAFT.md`.

Runs the command, then prints each file, on standard error, in the order in which a function of it
first ran. What runs while a module is imported does not count.
"""

from __future__ import annotations

import inspect
import os
import sys
import threading
from pathlib import Path
from types import FrameType

import kb
from kb.cli import main

PACKAGE = Path(kb.__file__).parent
_PREFIX = f"{PACKAGE}{os.sep}"


def _is_import(frame: FrameType) -> bool:
    """Whether a call is part of importing a module of kb; class bodies are calls too."""
    if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        return True
    around: FrameType | None = frame
    while around is not None:
        code = around.f_code
        if code.co_name == "<module>" and code.co_filename.startswith(_PREFIX):
            return True
        around = around.f_back
    return False


def entered(arguments: list[str]) -> list[str]:
    """The files that `kb ARGUMENTS` enters, as paths from the root of the repository, in order."""
    files: dict[str, None] = {}

    def see(frame: FrameType, event: str, _: object) -> None:
        name = frame.f_code.co_filename
        is_new = event == "call" and name not in files and name.startswith(_PREFIX)
        if is_new and not _is_import(frame):
            files[name] = None

    threading.setprofile(see)
    sys.setprofile(see)
    try:
        main(arguments)
    except SystemExit as stopped:
        if stopped.code:
            raise
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return [Path(name).relative_to(PACKAGE.parent).as_posix() for name in files]


if __name__ == "__main__":
    sys.stderr.write("".join(f"{name}\n" for name in entered(sys.argv[1:])))
