"""What keeps a repository's own settings from naming a program that Git then runs.

A person's settings (system, global, environment) are trusted; what lies in a repository is not,
its `.git/config` included: an archive of a clone, or a bare repository inside one, brings its own.
Sources: git-config(1), gitattributes(5), git(1), of Git 2.39 and of 2.54 for what came later.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from itertools import count
from pathlib import Path

from kb.errors import KbError

#: No transport at all: a missing object of a partial clone would be fetched by a program that the
#: repository names (`remote.<name>.uploadpack`, `.vcs`, `core.sshCommand`). The second is known
#: from Git 2.45 on; the first stops every fetch of the versions before.
ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}

#: For every call, whatever a repository says.
SETTINGS = (
    f"core.hooksPath={os.devnull}",
    # It may name a program, which Git would run to list changed files.
    "core.fsmonitor=false",
    "log.showSignature=false",
    "protocol.allow=never",
    # A bare repository among the files of a clone is data. Known from Git 2.38 on; for the
    # versions before see `git_dir_of`.
    "safe.bareRepository=explicit",
)

#: The last part of each key that names a program, in any section, and what it is set to instead.
#: The calls in this package reach few of them; the others stand here because one more option of
#: one more call would.
_INSTEAD = {
    "alternaterefscommand": "",
    "askpass": "",
    "browser": "",
    "cccmd": "",
    "clean": "",
    "cmd": "",
    "command": "",
    "defaultkeycommand": "",
    "difffilter": "",
    "driver": "",
    "editor": "",
    "external": "",
    "gitproxy": "",
    "headercmd": "",
    "helper": "",
    "packobjectshook": "",
    "pager": "cat",
    "process": "",
    "program": "",
    "promisor": "false",
    "receivepack": "",
    "recentobjectshook": "",
    "required": "false",
    "sendmailcmd": "",
    "smudge": "",
    "sshcommand": "",
    "textconv": "",
    "tocmd": "",
    "tunnel": "",
    "uploadpack": "",
    "vcs": "",
}
#: The last part of each key that names a file, which Git reads to its end: a device has none.
_FILES = ("attributesfile", "excludesfile", "file", "ignorerevsfile", "orderfile")
_INSTEAD |= dict.fromkeys(_FILES, os.devnull)
#: `file` alone would be found in `core.fileMode`, which each clone has.
_WORDS = tuple(word.encode() for word in (*_INSTEAD, "include", "mailmap") if word != "file")
_OF_THE_REPOSITORY = frozenset({b"local", b"worktree"})
#: More than any `config` that Git writes; one of a thousand branches has 200 kB.
_MAX_CONFIG_BYTES = 4_000_000


def git_dir_of(root: Path) -> Path | None:
    """The Git directory of a work tree, as its `.git` says; None where there is no `.git`.

    Then Git found a directory that is a repository by its content alone, or one whose
    `core.worktree` points here: neither is a clone.
    """
    dot_git = root / ".git"
    try:
        if dot_git.is_dir():
            return dot_git
        text = _small_file(dot_git).decode("utf-8", "surrogateescape")
    except OSError:
        return None
    if "\0" in text:
        return None
    # Git takes off the end of the line and nothing else: a folder's name may end in a space.
    return root / text.removeprefix("gitdir:").removeprefix(" ").rstrip("\r\n")


def names_programs(git_dir: Path) -> bool:
    """Whether the settings of a repository may name a program, or settings elsewhere that do.

    Names of sections and keys have no escapes, so that one that is set stands there literally.
    Saves a run of Git in nearly every clone. A linked work tree has its settings in another
    folder, and where that lies only Git says.
    """
    if os.path.lexists(git_dir / "commondir"):
        return True
    config = b"".join(_config_files(git_dir)).lower()
    return any(word in config for word in _WORDS)


def neutral_settings(listing: bytes) -> dict[str, str]:
    """The settings to give Git so that no program of the repository's settings is run.

    `listing` is what `git config --list -z --show-scope` says. Where a person has set the same
    key, their value holds.
    """
    own: dict[str, str] = {}
    foreign: dict[str, str] = {}
    parts = listing.split(b"\0")
    for scope, setting in zip(parts[::2], parts[1::2], strict=False):
        key, _, value = setting.decode("utf-8", "surrogateescape").partition("\n")
        if scope not in _OF_THE_REPOSITORY:
            own[key] = value
        elif (instead := _INSTEAD.get(key.rpartition(".")[2])) is not None:
            foreign[key] = instead
        elif key.startswith("hook."):
            foreign[f"{key.rpartition('.')[0]}.enabled"] = "false"
    return {key: own.get(key, instead) for key, instead in foreign.items()}


def as_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Settings as variables for Git, after those that are there; a key may have any character."""
    there = os.environ.get("GIT_CONFIG_COUNT", "")
    first = int(there) if there.isdecimal() else 0
    variables = {"GIT_CONFIG_COUNT": str(first + len(settings))} if settings else {}
    for number, (key, value) in zip(count(first), settings.items(), strict=False):
        variables[f"GIT_CONFIG_KEY_{number}"] = key
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def _config_files(git_dir: Path) -> Iterator[bytes]:
    """What the configuration files of a repository hold. Raises `KbError` for odd ones."""
    for path in (git_dir / "config", git_dir / "config.worktree"):
        try:
            yield _small_file(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error


def _small_file(path: Path) -> bytes:
    """The bytes of a regular file. Raises `OSError`, and `KbError` for a device or a pipe."""
    state = path.stat()
    if not stat.S_ISREG(state.st_mode) or state.st_size > _MAX_CONFIG_BYTES:
        raise KbError(
            "this is no settings file of Git",
            where=str(path),
            todo="Look at what the repository brought; a fresh clone has none such.",
        )
    return path.read_bytes()
