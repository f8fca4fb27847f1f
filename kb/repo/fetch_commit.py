"""One commit of somebody's repository, fetched bare into an empty folder, and its files' bytes.

Nothing of it is ever checked out or run: no hook, no filter, no setting of theirs. Addresses are
https, ssh or file ones alone, so that none is an option or names a program (`ext::`).
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from kb.errors import KbError
from kb.repo import revisions
from kb.repo.files import objects_in
from kb.repo.git_command import Git, first_line
from kb.repo.git_types import Commit

#: A repository of 5,000 postmortems with their fixtures takes 100 MB; one of code more.
MOST_BYTES = 500_000_000
#: How long a fetch may take. A year of a large team over a slow line takes a minute.
MOST_SECONDS = 300.0
_TRANSPORTS = "https:ssh:file"
_SCP_LIKE = re.compile(r"\w[\w.-]*@\w[\w.-]*:[\w./~][\w./~-]*")
_REVISION = re.compile(r"[\w][\w./-]{0,199}")
_REGULAR = frozenset({"100644", "100755"})
_TOGETHER = 500
_SLOW = ("http.lowSpeedLimit=1000", "http.lowSpeedTime=30")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A regular file of a commit, with its size in bytes."""

    path: PurePosixPath
    size: int
    sha: str


@dataclass(frozen=True)
class FetchedCommit:
    """A commit that was fetched; links, submodules and odd modes of it are no files."""

    commit: Commit
    _git: Git

    def files(self, folder: str = "") -> tuple[StoredFile, ...]:
        """The regular files below a folder, in Git's order."""
        limit = (folder,) if folder not in ("", ".") else ()
        options = ("--literal-pathspecs", "ls-tree", "-r", "-l", "-z", "--full-tree")
        listing = self._git.demand(*options, self.commit.sha, "--", *limit).paths
        return tuple(file for line in listing if (file := _stored(line)))

    def read(self, files: Iterable[StoredFile]) -> Iterator[tuple[PurePosixPath, bytes]]:
        """The bytes of files, some hundreds at a time."""
        wanted = list(files)
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            batch = "".join(f"{file.sha}\n" for file in some).encode()
            answer = self._git.demand("cat-file", "--batch", stdin=batch)
            contents = objects_in(self._git, answer.output)
            yield from ((f.path, raw) for f, raw in zip(some, contents, strict=True))


def _stored(line: str) -> StoredFile | None:
    facts, path = line.split("\t", 1)
    mode, _, sha, size = facts.split()
    return StoredFile(PurePosixPath(path), int(size), sha) if mode in _REGULAR else None


def check_address(address: str, revision: str = "") -> None:
    """Raise `KbError` for what Git could take for an option, a program or a way in clear text."""
    if not _is_safe(address):
        raise KbError(
            f"{address!r} is no address that is fetched from",
            todo="Write https://…, ssh://…, name@host:path or file:///…",
        )
    if "://" in address and urlsplit(address).password is not None:
        raise KbError(
            "the address holds a password, which whoever reads kb.toml would know",
            todo="Remove it; Git asks your credential helper.",
        )
    if revision and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise KbError(f"{revision!r} is no branch, tag or commit", todo="Write one, such as main.")


def _is_safe(address: str) -> bool:
    if not address.isprintable() or any(sign in address for sign in " \\'\""):
        return False
    scheme, colon, rest = address.partition("://")
    if not colon:
        return bool(_SCP_LIKE.fullmatch(address))
    return scheme in _TRANSPORTS.split(":") and rest[:1] not in ("", "-") and "@-" not in rest


def fetch(address: str, revision: str, folder: Path) -> FetchedCommit:
    """The commit that a revision stands for at an address, in a bare repository in `folder`.

    `folder` is there and empty; an empty revision is what the repository checks out. Raises
    `KbError` for an unsafe address, and where it cannot be fetched or is too large.
    """
    check_address(address, revision)
    plain = Git(folder)
    plain.demand("init", "--quiet", "--bare", "--template=", "--", str(folder))
    git = Git(folder, git_dir=folder, more=_environment(plain))
    options = ("--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance")
    quiet = (*(word for setting in _SLOW for word in ("-c", setting)), "fetch", "--quiet")
    wanted = revision or "HEAD"
    until = time.monotonic() + MOST_SECONDS
    limits = _Limits(folder, until)
    answer = git.watch(limits.hold, *quiet, *options, "--end-of-options", address, wanted)
    if answer is None or not limits.hold():
        raise KbError(limits.why, where=address, todo="Name a repository of postmortems alone.")
    if answer.status != 0:
        text = first_line(answer.complaint) or "Git gave no reason"
        raise KbError(f"cannot be fetched: {text}", where=address, todo="Try: git ls-remote there.")
    commit = revisions.find(git, "FETCH_HEAD")
    if commit is None:
        raise KbError(f"{wanted} is no commit there", where=address)
    return FetchedCommit(commit, git)


class _Limits:
    """Whether a fetch is still within what it may take; `why` says what it was not."""

    def __init__(self, folder: Path, until: float) -> None:
        self._folder, self._until = folder, until
        self.why = ""

    def hold(self) -> bool:
        if time.monotonic() > self._until:
            self.why = f"was not fetched within {MOST_SECONDS:.0f} s"
        elif _size(self._folder) > MOST_BYTES:
            self.why = f"is larger than {MOST_BYTES // 1_000_000} MB"
        return not self.why


def _size(folder: Path) -> int:
    """The bytes below a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118 - many
            except OSError:
                continue
    return total


def _environment(git: Git) -> dict[str, str]:
    """Variables that let Git fetch, and let ssh ask nobody; a person's own ssh command holds."""
    found = {"GIT_ALLOW_PROTOCOL": _TRANSPORTS}
    has_own = {"GIT_SSH_COMMAND", "GIT_SSH"} & os.environ.keys()
    if not has_own and git.ask("config", "--get", "core.sshCommand").status != 0:
        found["GIT_SSH_COMMAND"] = "ssh -oBatchMode=yes -oConnectTimeout=20"
    return found
