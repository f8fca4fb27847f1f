"""The child process of a replay: the team's entry point, behind tools that speak to the parent.

    python -m kb.traces.replay.inside_agent_process SECONDS package.module:function
    python -m kb.traces.replay.inside_agent_process SECONDS -- command and arguments

SECONDS are those of the processor that each process may use.

Standard output belongs to the protocol: what the agent prints goes to standard error.
"""

from __future__ import annotations

import importlib
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from kb.traces.replay import protocol
from kb.traces.replay.frozen_state import Frozen

#: A file an agent may write, in bytes: enough for a log, too little to fill a disk.
_MAX_FILE_BYTES = 1 << 30
#: Memory a process may write to. Agents with a local index take some; 50 MB in a loop take all.
_MAX_DATA_BYTES = 4 << 30
#: Addresses a process may take. Far more than memory: V8 sets 10 GB aside for each WebAssembly
#: memory and never touches most of it.
_MAX_ADDRESSES = 64 << 30
#: Processes and threads of the user besides those there are: enough for pools, no fork bomb.
_MORE_TASKS = 512


class Stopped(BaseException):
    """The trial is over. No `except Exception` of an agent may swallow it."""


class PipeTools:
    """Tools whose answers come from the parent."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source = source
        self._sink = sink
        self._now = datetime.now(UTC)

    def start(self) -> Frozen:
        """The frozen state the parent sends first."""
        line = self._receive()
        if not isinstance(line, protocol.Start):
            raise Stopped
        self._set_clock(line.now)
        return Frozen(line.run, line.trial)

    def call(self, name: str, arguments: Any) -> str:
        """The answer of a tool; a call the tape does not hold ends the trial."""
        self.send(protocol.Call(tool=name, arguments=arguments))
        line = self._receive()
        if not isinstance(line, protocol.ToolReply):
            raise Stopped
        self._set_clock(line.now)
        return line.text

    def say(self, text: str) -> None:
        """Note what the agent says on its way."""
        self.send(protocol.Say(text=text))

    def now(self) -> datetime:
        """The time on the tape."""
        return self._now

    def wait(self, seconds: float, /) -> None:
        """Move the clock on instead of waiting."""
        self._now += timedelta(seconds=max(seconds, 0))

    def send(self, line: protocol.FromAgent) -> None:
        """Send a line to the parent."""
        self._sink.write(protocol.encode(line))
        self._sink.flush()

    def _receive(self) -> protocol.ToAgent:
        raw = self._source.readline()
        if not raw:
            raise Stopped
        return protocol.to_agent(raw)

    def _set_clock(self, now: str) -> None:
        if now:
            self._now = datetime.fromisoformat(now)


def main(target: str) -> int:
    """Run one trial of an entry point; the exit code of the process."""
    tools = _tools()
    try:
        state = tools.start()
        _keep_time(tools)
        entry = _entry_point(target)
        tools.send(protocol.End(text=str(entry(state, tools) or "")))
    except Stopped:
        return 0
    except BaseException as error:  # noqa: BLE001 - whatever an agent raises is told to the parent
        import traceback

        traceback.print_exc()
        tools.send(protocol.AgentFault(what=f"{type(error).__name__}: {error}"))
        return 1
    return 0


def _tools() -> PipeTools:
    """The pipes to the parent, taken away from everything the agent prints or reads."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "rb") as nothing:  # noqa: PTH123 - a descriptor is what is needed
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return PipeTools(source, sink)


def _limit(processor_seconds: int) -> None:
    """Keep what the process takes small: no core dumps, no file that fills a disk, no fork bomb."""
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: _MAX_FILE_BYTES,
        resource.RLIMIT_DATA: _MAX_DATA_BYTES,
        resource.RLIMIT_AS: _MAX_ADDRESSES,
        resource.RLIMIT_CPU: processor_seconds,
        resource.RLIMIT_NPROC: _tasks_of_user() + _MORE_TASKS,
    }
    for kind, wanted in limits.items():
        hard = resource.getrlimit(kind)[1]
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # Some systems know a limit by name only.
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))


def _tasks_of_user() -> int:
    """How many processes and threads the user has: the limit counts them all."""
    number, own = 0, os.getuid()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if folder.stat().st_uid == own:
                number += len(os.listdir(folder / "task"))  # noqa: PTH208 - names are enough
    return number


def _keep_time(tools: PipeTools) -> None:
    """Let `time` tell the time on the tape, and nobody wait.

    `datetime.now()` reads the machine's clock in C and cannot be turned: agents ask `tools.now()`.
    """
    time.time = lambda: tools.now().timestamp()
    time.time_ns = lambda: int(tools.now().timestamp() * 1_000_000_000)
    time.sleep = lambda seconds, /: tools.wait(float(seconds))


def _entry_point(target: str) -> Callable[[Frozen, PipeTools], Any]:
    module, _, name = target.partition(":")
    sys.path.insert(0, str(os.getcwd()))  # noqa: PTH109 - what an import would look for
    found: Any = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    entry: Callable[[Frozen, PipeTools], Any] = found
    return entry


def exec_agent_command(command: list[str]) -> None:
    """Become a command that speaks the protocol itself; it has a Python of its own, or none."""
    os.environ.pop("PYTHONPATH", None)
    os.execvp(command[0], command)  # noqa: S606 - no shell between


if __name__ == "__main__":
    _limit(int(sys.argv[1]))
    if sys.argv[2] == "--":
        exec_agent_command(sys.argv[3:])
    sys.exit(main(sys.argv[2]))
