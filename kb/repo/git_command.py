"""How Git is run, so that neither a person's settings nor a prompt changes what it answers."""

from __future__ import annotations

import os
import re
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import IO, TYPE_CHECKING

from kb.errors import KbError
from kb.processes import PIPE, TimeoutExpired, find_program
from kb.repo import safe_git_settings
from kb.safe_files import walk

if TYPE_CHECKING:
    from git.cmd import Git as GitPython

# `git rev-parse --local-env-vars` without the configuration ones, which a pipeline uses to say
# which directories are safe. A hook of one repository exports them, and `GIT_DIR` alone would
# make any folder look like the root of that repository.
_REPOSITORY_VARIABLES = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_ENVIRONMENT = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    # `GIT_DIFF_OPTS=-u3` would win over `-U0` on the command line.
    "GIT_DIFF_OPTS": "",
    "GIT_LITERAL_PATHSPECS": "0",
    "GIT_GLOB_PATHSPECS": "0",
    "GIT_NOGLOB_PATHSPECS": "0",
    "GIT_ICASE_PATHSPECS": "0",
    **safe_git_settings.ENVIRONMENT,
}
_SETTINGS = (
    *safe_git_settings.SETTINGS,
    # Quoted names are plain ASCII with C escapes, which Python reads as well.
    "core.quotePath=true",
    "diff.autoRefreshIndex=true",
    "log.follow=false",
    "log.showRoot=true",
)
_OPTIONS = ("--no-pager", *(word for setting in _SETTINGS for word in ("-c", setting)))
#: How long Git may say nothing. It waits for ever where a copied folder has a pipe among the files
#: that it opens (`.gitignore`, `packed-refs`). A minute is what a verb may hang at most.
SILENT_SECONDS = 60.0
#: After this silence the files that Git opens are looked at, and where a pipe is one of them nobody
#: waits any longer. In a healthy repository nothing is looked at.
LOOK_SECONDS = 2.0
_LOOKED_AT = 200_000
_LOOK_AGAIN_SECONDS = 0.1
_environment_lock = threading.Lock()
#: What GitPython calls the program; a person may name one of their own.
_PROGRAM_VARIABLE = "GIT_PYTHON_GIT_EXECUTABLE"
_NOT_FETCHED = re.compile(
    r"promisor remote|lazy fetching disabled|transport '\S+' not allowed|missing blob object"
)


@dataclass(frozen=True, slots=True)
class GitOutput:
    """What one run of Git left behind."""

    status: int
    output: bytes
    complaint: str

    @property
    def text(self) -> str:
        """The output without its last newline; odd bytes survive as in file names."""
        return decoded_path(self.output).removesuffix("\n")

    @property
    def paths(self) -> tuple[str, ...]:
        """The output as paths, each ended by NUL."""
        return tuple(map(decoded_path, self.output.split(b"\0")[:-1]))


class Git:
    """Runs Git in one folder.

    `inherits` keeps `GIT_DIR` and its relatives from the environment; without it the folder
    alone says which repository is meant, or `git_dir`, so that Git looks for none itself.
    `more` are further variables for it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        inherits: bool = False,
        git_dir: Path | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.folder = folder
        self.inherits = inherits
        self._more = more
        self._place = () if git_dir is None else (f"--git-dir={git_dir}", f"--work-tree={folder}")
        self._silence: dict[str, str] = {}

    def silence(self) -> None:
        """From now on no setting of the repository names a program; KbError when Git fails."""
        listing = self.demand("config", "--list", "-z", "--show-scope").output
        self._silence = safe_git_settings.neutral_settings(listing)

    def ask(self, *arguments: str, stdin: bytes | None = None) -> GitOutput:
        """The answer, also where Git refuses; KbError only when Git cannot be run at all."""
        process = self._start(arguments, has_stdin=stdin is not None)
        try:
            output, complaint = self._answer(process, stdin)
        except TimeoutExpired as fault:
            process.kill()
            process.communicate()
            raise self._no_answer() from fault
        return GitOutput(process.returncode, output, _readable(complaint))

    def _answer(self, process: GitPython.AutoInterrupt, stdin: bytes | None) -> tuple[bytes, bytes]:
        """What Git writes. Raises `TimeoutExpired`, soon where a pipe is among what it opens."""
        try:
            answer: tuple[bytes, bytes] = process.communicate(stdin, timeout=LOOK_SECONDS)
        except TimeoutExpired:
            if opens_pipes(self.folder):
                raise
            answer = process.communicate(timeout=SILENT_SECONDS)
        return answer

    def watch(self, goes_on: Callable[[], bool], *arguments: str) -> GitOutput | None:
        """The answer to what may take long; None where `goes_on`, asked again and again, said no.

        Then Git was stopped.
        """
        process = self._start(arguments, has_stdin=False)
        while True:
            try:
                output, complaint = process.communicate(timeout=_LOOK_AGAIN_SECONDS)
            except TimeoutExpired:
                if goes_on():
                    continue
                process.kill()
                process.communicate()
                return None
            return GitOutput(process.returncode, output, _readable(complaint))

    def demand(self, *arguments: str, stdin: bytes | None = None) -> GitOutput:
        """The answer to what a healthy repository can answer; else KbError."""
        answer = self.ask(*arguments, stdin=stdin)
        if answer.status != 0:
            raise self._failure(arguments, answer.complaint)
        return answer

    def lines(self, *arguments: str) -> Iterator[bytes]:
        """The output line by line while Git writes it, line ends kept; KbError when Git fails."""
        process = self._start(arguments, has_stdin=False)
        complaint: list[bytes] = []
        # Nobody else empties the pipe of complaints, and Git would wait once it is full.
        listener = threading.Thread(target=_drain, args=(process.stderr, complaint), daemon=True)
        listener.start()
        with _Watch(process, self.folder) as watch:
            yield from watch.lines()
        listener.join()
        # Both pipes have been read to their end: this only waits for the program.
        process.communicate()
        if watch.was_silent:
            raise self._no_answer()
        if process.returncode != 0:
            raise self._failure(arguments, _readable(b"".join(complaint)))

    def _no_answer(self) -> KbError:
        return KbError(
            "Git said nothing for so long that it was stopped",
            where=str(self.folder),
            todo="look for a pipe among its files: find . -type p",
        )

    def _failure(self, arguments: tuple[str, ...], complaint: str) -> KbError:
        if _NOT_FETCHED.search(complaint):
            return KbError(
                "this is a partial clone, and an object that is asked for was not fetched yet",
                where=str(self.folder),
                todo="kb fetches nothing itself: run `git fetch --refetch --no-filter` there",
            )
        verb = next(word for word in arguments if not word.startswith("-"))
        return KbError(
            f"`git {verb}` failed: {first_line(complaint) or 'it gave no reason'}",
            where=str(self.folder),
            todo="run `git fsck` there, and check that `git --version` is 2.31 or later",
        )

    def _start(self, arguments: tuple[str, ...], *, has_stdin: bool) -> GitPython.AutoInterrupt:
        program, git = str(_program()), _load()
        try:
            with _without(() if self.inherits else _REPOSITORY_VARIABLES):
                process: GitPython.AutoInterrupt = git.Git().execute(
                    [program, *_OPTIONS, "-C", str(self.folder), *self._place, *arguments],
                    as_process=True,
                    istream=PIPE if has_stdin else None,
                    env=_ENVIRONMENT
                    | safe_git_settings.as_environment(self._silence)
                    | dict(self._more),
                    shell=False,
                )
                return process
        except (git.GitError, OSError) as fault:
            raise _no_program(fault) from fault
        except ValueError as fault:
            raise KbError(
                f"this cannot be passed to Git: {fault}",
                where=str(self.folder),
                todo="leave out control characters",
            ) from fault


class _Watch:
    """Ends a Git that keeps its reader waiting; what the reader does meanwhile does not count."""

    def __init__(self, process: GitPython.AutoInterrupt, folder: Path) -> None:
        self.was_silent = False
        self._folder = folder
        self._process = process
        self._waits_since: float | None = None
        self._is_over = threading.Event()

    def __enter__(self) -> _Watch:
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()

    def lines(self) -> Iterator[bytes]:
        """What the program writes, line by line."""
        self._waits_since = time.monotonic()
        for line in self._process.stdout:
            self._waits_since = None
            yield line
            self._waits_since = time.monotonic()

    def _run(self) -> None:
        patience = LOOK_SECONDS
        while not self._is_over.wait(min(1.0, patience)):
            since = self._waits_since
            if since is None or time.monotonic() - since <= patience:
                continue
            if patience < SILENT_SECONDS and not opens_pipes(self._folder):
                patience = SILENT_SECONDS
            else:
                self.was_silent = True
                self._process.kill()
                return


def opens_pipes(folder: Path) -> bool:
    """Whether a pipe or a device lies where Git opens files: in `.git`, or as `.gitignore`."""
    seen = 0
    for place, _, names in walk(folder):
        in_git = f"{os.sep}.git{os.sep}" in f"{place}{os.sep}"
        for name in names:
            if (in_git or name.startswith(".git") or name == ".mailmap") and _is_pipe(place, name):
                return True
        seen += len(names) + 1
        if seen > _LOOKED_AT:
            return False
    return False


def _is_pipe(place: str, name: str) -> bool:
    with suppress(OSError):
        mode = Path(place, name).stat().st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    return False


def first_line(complaint: str) -> str:
    """The first thing Git said, without its own `fatal:`."""
    line = (complaint.strip().splitlines() or [""])[0]
    return line.removeprefix("fatal: ").removeprefix("error: ")


def decoded_path(path: bytes) -> str:
    """The path as Python's own file functions spell it, odd bytes included."""
    return path.decode("utf-8", "surrogateescape")


def _readable(complaint: bytes) -> str:
    return complaint.decode("utf-8", "replace")


def _program() -> Path:
    """Git, never one of the current folder. Raises `KbError` where there is none."""
    program = find_program(os.environ.get(_PROGRAM_VARIABLE, "git"))
    if program is None:
        raise _no_program(FileNotFoundError("there is none on PATH"))
    return program


def _load() -> ModuleType:
    # GitPython runs `git version` when it is loaded: only who asks Git pays for it.
    if "git" not in sys.modules:
        with _environment_lock, _set(_PROGRAM_VARIABLE, str(_program())):
            return _imported()
    return _imported()


def _imported() -> ModuleType:
    try:
        import git
    except ImportError as fault:
        raise _no_program(fault) from fault
    return git


def _no_program(fault: Exception) -> KbError:
    return KbError(
        f"no git program can be run ({first_line(str(fault))})",
        todo="install Git 2.31 or later and put it on PATH",
    )


def _drain(pipe: IO[bytes], into: list[bytes]) -> None:
    # The pipe is closed under this thread when the reader gives up half-way.
    with suppress(OSError, ValueError):
        into.extend(pipe)


@contextmanager
def _set(name: str, value: str) -> Iterator[None]:
    """The process environment has another value; under the lock."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


@contextmanager
def _without(names: tuple[str, ...]) -> Iterator[None]:
    """The process environment lacks `names`: GitPython can add variables for Git, not remove."""
    with _environment_lock:
        hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
        try:
            yield
        finally:
            os.environ.update(hidden)
