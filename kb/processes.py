"""The one way to start a program: an argument list, a neutral folder, a short environment, limits.

Nothing that lies in the folder a person stands in, or in a repository, is code to a program that is
started here. Git is started by `kb.repo`, which has rules of its own.
"""

from __future__ import annotations

import os
import shutil
import signal
import site
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kb.errors import KbError

Process = subprocess.Popen[bytes]
PIPE, DEVNULL = subprocess.PIPE, subprocess.DEVNULL
TimeoutExpired = subprocess.TimeoutExpired

#: What a program needs to find its files and speak the user's language. Nothing here names code
#: but PATH and LD_LIBRARY_PATH, of which only absolute folders are passed on.
_PASSED_ON = (
    *("HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TEMP", "TMP"),
    *("VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "NO_COLOR"),
    *("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "USERPROFILE", "APPDATA", "LOCALAPPDATA"),
)
_FAMILIES = ("LC_", "XDG_")
_FOLDERS = ("PATH", "LD_LIBRARY_PATH")
#: A site of 3,000 records takes MkDocs and Pagefind together under 1 GB; a leak takes all there is.
MEMORY_BYTES = 8 << 30
#: Longer than any build that was measured (3,000 records: under two minutes on two cores).
SECONDS = 3600.0
#: What is kept of an output, at its end: a page of errors, never a disk full of them.
_KEPT_BYTES = 1_000_000
_CHUNK_BYTES = 65_536
_WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """What a program left behind: its exit status, and the last megabyte of what it wrote."""

    status: int
    output: str
    complaint: str


def python_command(module: str, *arguments: str) -> list[str]:
    """The command that runs an installed module, whatever lies in the current folder.

    `-I`: no current folder, no PYTHON* variables, no user site. The last stays where this process
    found its packages there (`pip install --user`); `-P` and `-E` say the rest.
    """
    options = ("-E", "-P") if _uses_user_site() else ("-P", "-I")
    return [sys.executable, *options, "-m", module, *arguments]


def find_program(name: str) -> Path | None:
    """The absolute path of a program on PATH; relative entries and the current folder are skipped.

    An absolute path is answered with itself where it is a program, any other path with None.
    """
    if Path(name).is_absolute():
        return Path(name) if shutil.which(name) else None
    if Path(name).name != name:
        return None
    here = os.path.realpath(Path.cwd())
    for folder in _absolute(os.environ.get("PATH", os.defpath)):
        if os.path.realpath(folder) == here:
            continue
        # A path with a folder is looked for there alone, also where the system adds the current.
        found = shutil.which(str(Path(folder) / name))
        if found is not None:
            return Path(found)
    return None


def short_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The few variables every program is given, and those in `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith(_FAMILIES)
    }
    for name in _FOLDERS:
        if folders := _absolute(os.environ.get(name, "")):
            kept[name] = os.pathsep.join(folders)
    return kept | dict(more or {})


def neutral_folder() -> Path:
    """A folder that nobody's repository is: the root of the file system."""
    return Path(Path(sys.executable).anchor or os.sep)


def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    seconds: float = SECONDS,
    memory_bytes: int = MEMORY_BYTES,
) -> ProgramResult:
    """Run a program to its end; `environment` is added to the short one.

    Raises `KbError` where it cannot be started, or takes too long: it and all it started are ended.
    """
    name = _name(command)
    try:
        process = start(
            command, environment=environment, stdout=PIPE, stderr=PIPE, memory_bytes=memory_bytes
        )
    except OSError as error:
        raise KbError(f"{name} cannot be started: {error.strerror or error}") from error
    tails = [bytearray(), bytearray()]
    listeners = [
        threading.Thread(target=_keep_tail, args=(pipe, tail), daemon=True)
        for pipe, tail in zip((process.stdout, process.stderr), tails, strict=True)
    ]
    for listener in listeners:
        listener.start()
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired as error:
        raise KbError(
            f"{name} had not ended after {seconds:.0f} s and was stopped",
            todo="Run it again on a quieter machine, or on fewer records.",
        ) from error
    finally:
        end(process)
    for listener in listeners:
        # What left its group may keep the pipe open.
        listener.join(_WAIT_SECONDS)
    output, complaint = (tail.decode("utf-8", "replace") for tail in tails)
    return ProgramResult(status, output, complaint)


def start(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    only: Mapping[str, str] | None = None,
    stdin: int = DEVNULL,
    stdout: int | IO[bytes] = DEVNULL,
    stderr: int | IO[bytes] = DEVNULL,
    memory_bytes: int = 0,
) -> Process:
    """A program that runs beside this one, in a process group of its own; see `end`.

    `environment` is added to the short one, `only` stands in its place. No limit of memory where
    `memory_bytes` is 0. Raises `OSError` where it cannot be started.
    """
    process = subprocess.Popen(
        list(command),
        cwd=folder or neutral_folder(),
        env=dict(only) if only is not None else short_environment(environment),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        start_new_session=True,
    )
    if memory_bytes:
        _limit_memory(process.pid, memory_bytes)
    return process


def run_at_terminal(command: Sequence[str]) -> int:
    """Run a program of the user's own at the terminal, with all of their environment; its status.

    Only for what the user named, an editor. Raises `OSError` where there is no such program.
    """
    program = find_program(command[0])
    if program is None:
        raise FileNotFoundError(f"there is no program '{command[0]}' on PATH")
    return subprocess.run([str(program), *command[1:]], check=False).returncode


def end(process: Process) -> None:
    """End a program and everything of its process group; nothing happens to one that has ended."""
    # Once it was waited for, its number may be that of somebody else.
    if process.returncode is None:
        with suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
    process.wait()


def _limit_memory(pid: int, memory_bytes: int) -> None:
    """Limit what a process may write to. Linux only: elsewhere a child must limit itself.

    From outside, for code between fork and exec may deadlock where this process has threads.
    """
    if sys.platform != "linux":
        return
    import resource

    with suppress(OSError, ValueError):
        hard = resource.prlimit(pid, resource.RLIMIT_DATA)[1]
        most = memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard)
        resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))


def _keep_tail(pipe: IO[bytes], tail: bytearray) -> None:
    with pipe, suppress(OSError, ValueError):
        while chunk := os.read(pipe.fileno(), _CHUNK_BYTES):
            tail += chunk
            del tail[: max(0, len(tail) - _KEPT_BYTES)]


def _uses_user_site() -> bool:
    folder = site.getusersitepackages() if site.ENABLE_USER_SITE else ""
    return bool(folder) and folder in sys.path


def _absolute(folders: str) -> list[str]:
    return [folder for folder in folders.split(os.pathsep) if Path(folder).is_absolute()]


def _name(command: Sequence[str]) -> str:
    """What a command runs, in a word: the module of a Python command, or the program."""
    words = list(command)
    return words[words.index("-m") + 1] if "-m" in words else Path(words[0]).name
