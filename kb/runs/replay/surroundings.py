"""What may an agent find around it? A short list of variables, and a parent that has none to show.

On Linux every process can read what the environment of another of the same user was at its start:
what is not passed on to a child stands in `/proc/<parent>/environ` all the same.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

#: What every program needs to start. Everything else has to be named with --pass-env.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "SSL_CERT_FILE")
#: proc(5): fields 50 and 51 of `stat`; the first after the name of the program is field 3.
_ENV_START, _ENV_END = 50 - 3, 51 - 3
#: prctl(2): no other process of the user may look into the memory of this one.
_PR_SET_DUMPABLE = 4


def passed_on(named: Iterable[str] = ()) -> dict[str, str]:
    """The variables of this process that a child is given: the short list, and those named."""
    return {name: os.environ[name] for name in (*PASSED_ON, *named) if name in os.environ}


def hide_environment() -> None:
    """Wipe the block in which this process was handed its environment; `os.environ` stays whole.

    Linux only: elsewhere nothing happens. Other processes of the user, the shell for one, are
    not ours to wipe.
    """
    if sys.platform != "linux":
        return
    try:
        stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    fields = stat.rpartition(")")[2].split()
    start, end = int(fields[_ENV_START]), int(fields[_ENV_END])
    # Copies on the heap, so that C code, and processes started later, find the variables still.
    for name, value in os.environ.items():
        os.putenv(name, value)
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
