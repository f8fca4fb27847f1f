"""Runs an agent in a child process that is watched, sees few variables, and ends in time.

The child inherits no secrets: its environment is a short list, its home an empty folder, and the
environment of this process is wiped before it starts. Memory, processor time and processes have
limits. It is no sandbox: it may open files and the network as its user may, because real agents
need their model.
"""

from __future__ import annotations

import ctypes
import math
import os
import re
import secrets
import select
import shlex
import signal
import sys
import tempfile  # noqa: TID251 - a home among the temporary files of the system, of no tree
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kb.errors import KbError
from kb.processes import PIPE, Process, find_program, start

#: What every program needs to start. Everything else has to be named with --pass-env.
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "VIRTUAL_ENV", "SSL_CERT_FILE")
#: proc(5): fields 50 and 51 of `stat`; the first after the name of the program is field 3.
_ENV_START, _ENV_END = 50 - 3, 51 - 3
#: prctl(2): no other process of the user may look into the memory of this one.
_PR_SET_DUMPABLE = 4


def inherited_env(named: Iterable[str] = ()) -> dict[str, str]:
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


_MARK = "KB_REPLAY"
#: `-P`: a folder `kb` where the agent runs must not stand in for this package. Not `-I`: the
#: variables for Python are those of `Child._environment`, and no others are passed on.
_CHILD = ("-P", "-m", "kb.traces.replay.inside_agent_process")
#: What one trial may say in all: enough for files as arguments, too little to fill the memory.
_MAX_BYTES = 16_000_000
_CHUNK_BYTES = 65_536
#: Far more than is shown: of half a secret nobody could tell that it is one.
_COMPLAINT_BYTES = 65_536
_CONTROLS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")
#: Rounds of looking for processes that got away: each new one is started by one that is found.
_SWEEPS = 20
_FUNCTION = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class EntryPoint:
    """The agent to be called: `package.module:function`, or a command that speaks the protocol.

    `folder` is where it runs and where its modules are looked for; `environment` are the names of
    variables it is given besides the few every program needs; `python` the interpreter that calls
    the function, this one where none is named.
    """

    text: str
    folder: Path
    environment: tuple[str, ...] = ()
    python: str = ""

    @property
    def command(self) -> list[str]:
        """What the child process is told to run. Raises OSError where there is no such program."""
        if _FUNCTION.fullmatch(self.text):
            return [self.text]
        words = shlex.split(self.text)
        program = self._program(words[0]) if words else None
        if program is None:
            raise OSError("there is no such program")
        return ["--", str(program), *words[1:]]

    def _program(self, name: str) -> Path | None:
        """A path is meant from the folder; a name is looked for on PATH alone."""
        if "/" in name:
            path = self.folder / name
            return path if path.is_file() else None
        return find_program(name)


class OverdueError(Exception):
    """The child did not answer in time."""


class ProtocolError(Exception):
    """The child said what is no line of the protocol, or too much of it."""


class ChildProcess:
    """One child process; a `with` block ends it and everything it started."""

    def __init__(self, entry: EntryPoint, seconds: float) -> None:
        self._entry = entry
        self._seconds = seconds
        self._until = time.monotonic() + seconds
        self._mark = secrets.token_hex(16)
        self._buffer = bytearray()
        self._received = 0

    def __enter__(self) -> ChildProcess:
        """Start it. Raises `KbError` when the command cannot be started."""
        self._home = tempfile.TemporaryDirectory(prefix="kb-replay-", ignore_cleanup_errors=True)
        self._complaints = tempfile.TemporaryFile()
        try:
            self._process = self._started()
        except (OSError, ValueError) as error:
            self._close_files()
            raise KbError(
                f"the entry point '{self._entry.text}' did not start: {error}",
                todo="Correct [runs] replay in kb.toml: package.module:function, or a command.",
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        """End it, its process group, and what left the group."""
        for _sweep in range(_SWEEPS):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            strays = list(_marked(self._mark))
            for stray in strays:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(stray, signal.SIGKILL)
            if not strays:
                break
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                _open(pipe).close()
        self._close_files()

    def send(self, raw: bytes) -> None:
        """Write to the child; a child that went away is noticed when it is read."""
        pipe, left = _open(self._process.stdin), memoryview(raw)
        while left:
            self._wait(writing=pipe)
            try:
                left = left[os.write(pipe.fileno(), left[:_CHUNK_BYTES]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError:
                return

    def line(self) -> bytes | None:
        """The next line of the child, None when it has ended.

        Raises `OverdueError` and `ProtocolError`.
        """
        pipe = _open(self._process.stdout)
        while b"\n" not in self._buffer:
            if self._received > _MAX_BYTES:
                raise ProtocolError(f"it said more than {_MAX_BYTES:,} bytes")
            self._wait(reading=pipe)
            chunk = os.read(pipe.fileno(), _CHUNK_BYTES)
            if not chunk:
                return None
            self._received += len(chunk)
            self._buffer += chunk
        line, _, rest = bytes(self._buffer).partition(b"\n")
        self._buffer = bytearray(rest)
        return line

    def complaint(self) -> str:
        """The last whole lines of what it wrote to standard error, without terminal escapes."""
        size = self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, size - _COMPLAINT_BYTES))
        raw = self._complaints.read(_COMPLAINT_BYTES)
        if size > _COMPLAINT_BYTES:
            raw = raw.partition(b"\n")[2]
        return _CONTROLS.sub("", raw.decode("utf-8", "replace")).strip()

    def _started(self) -> Process:
        python = self._entry.python or sys.executable
        command = [python, *_CHILD, str(_processor_seconds(self._seconds)), *self._entry.command]
        hide_environment()
        process = start(
            command,
            folder=self._entry.folder,
            only=self._environment(),
            stdin=PIPE,
            stdout=PIPE,
            stderr=self._complaints,
        )
        os.set_blocking(_open(process.stdin).fileno(), False)
        return process

    def _environment(self) -> dict[str, str]:
        own = {_MARK: self._mark, "HOME": self._home.name, "TMPDIR": self._home.name}
        package = str(Path(__file__).resolve().parents[3])
        paths = {"PYTHONPATH": package, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
        return inherited_env(self._entry.environment) | own | paths

    def _wait(self, *, reading: IO[bytes] | None = None, writing: IO[bytes] | None = None) -> None:
        left = self._until - time.monotonic()
        ready = left > 0 and select.select(
            [reading] if reading else [], [writing] if writing else [], [], left
        )
        if not ready or not (ready[0] or ready[1]):
            raise OverdueError

    def _close_files(self) -> None:
        self._complaints.close()
        self._home.cleanup()


def _processor_seconds(seconds: float) -> int:
    """What one process may use: all processors for the time of a trial, should it get away."""
    return math.ceil(seconds * (os.cpu_count() or 1)) + 1


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:  # cannot be: the child was started with pipes
        raise ProtocolError("there is no pipe to the child")
    return pipe


def _marked(mark: str) -> Iterator[int]:
    """The processes that carry the mark of this child in their environment: they left its group.

    Linux shows environments under /proc; elsewhere only the process group is ended.
    """
    wanted = f"{_MARK}={mark}".encode()
    proc = Path("/proc")
    for folder in proc.iterdir() if proc.is_dir() else ():
        if folder.name.isdigit():
            with suppress(OSError):
                if wanted in (folder / "environ").read_bytes().split(b"\0"):
                    yield int(folder.name)
