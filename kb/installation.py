"""Says where this installation of kb came from, and how more of it is installed from there.

No name on a package index is used: as long as the project has no release there, that name belongs
to whoever registers it first.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from kb.errors import KbError

NAME = "postmortem-kb"
#: What stands for a source that is not known: the reader puts the real one in.
PLACEHOLDER = "OWNER/REPOSITORY@SHA"
_GITHUB = "https://github.com/"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}")
_PLAIN_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(?::\d+)?/[A-Za-z0-9._~/-]+")


@dataclass(frozen=True, slots=True)
class InstallSource:
    """A commit of a Git repository that any machine can clone over HTTPS without a password."""

    address: str
    commit: str

    @property
    def github(self) -> str:
        """OWNER/REPOSITORY@SHA, or empty where the repository is not on GitHub."""
        path = self.address.removeprefix(_GITHUB).removesuffix(".git")
        is_there = self.address.startswith(_GITHUB) and _REPOSITORY.fullmatch(path)
        return f"{path}@{self.commit}" if is_there else ""


def parse_source(text: str) -> InstallSource:
    """The source that `OWNER/REPOSITORY@SHA` names. Raises `KbError` for anything else."""
    repository, _, revision = text.strip().partition("@")
    if not _REPOSITORY.fullmatch(repository):
        raise KbError(
            "the source is not of the form OWNER/REPOSITORY@SHA",
            where=repr(text),
            todo="Name a repository on GitHub and one of its commits.",
        )
    if not _COMMIT.fullmatch(revision):
        raise KbError(
            f"{revision or 'nothing'!r} is no full commit: tags and branches move, and a short SHA "
            "can come to mean two commits",
            where=repr(text),
            todo="Give the 40 hex digits that 'git rev-parse TAG^{commit}' prints.",
        )
    return InstallSource(f"{_GITHUB}{repository}", revision)


def installed_source() -> InstallSource | None:
    """The commit this installation was made from, where its metadata names one that others reach.

    Source: PEP 610, `direct_url.json`. A clone on this machine and an address with a user are none.
    """
    origin = _origin()
    commit = _commit(origin)
    address = str(origin.get("url", ""))
    return InstallSource(address, commit) if commit and _PLAIN_ADDRESS.fullmatch(address) else None


def install_line(extras: str) -> str:
    """The command that adds extras, separated by commas, to an installation like this one.

    From the commit, clone or archive this one was made from; where that is not known or no longer
    there, with `PLACEHOLDER` for the source.
    """
    origin = _origin()
    address = str(origin.get("url", ""))
    commit = _commit(origin)
    # PEP 508 has no form for a repository in a folder: such an address has no host.
    if commit and urlsplit(address).netloc:
        return _pip(_requirement(f"{address}@{commit}", extras))
    place = None if commit else _place(address)
    if place is None:
        return _pip(_requirement(f"{_GITHUB}{PLACEHOLDER}", extras))
    directory = origin.get("dir_info")
    editable = isinstance(directory, dict) and directory.get("editable") is True
    return _pip(f"{place}[{extras}]", "-e " if editable else "")


def _pip(what: str, option: str = "") -> str:
    return f"pip install {option}{shlex.quote(what)}"


def _requirement(address: str, extras: str) -> str:
    return f"{NAME}[{extras}] @ git+{address}"


def _origin() -> dict[str, object]:
    """What the installer wrote down of where it installed from; empty where it wrote nothing."""
    import json
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        text = distribution(NAME).read_text("direct_url.json")
        found = json.loads(text) if text else {}
    except (PackageNotFoundError, ValueError, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def _commit(origin: dict[str, object]) -> str:
    """The commit of an installation from Git; empty for any other."""
    vcs = origin.get("vcs_info")
    if not isinstance(vcs, dict) or vcs.get("vcs") != "git":
        return ""
    commit = str(vcs.get("commit_id", ""))
    return commit if _COMMIT.fullmatch(commit) else ""


def _place(address: str) -> Path | None:
    """The folder or archive of a `file:` address, where it is still there."""
    from urllib.request import url2pathname

    parts = urlsplit(address)
    if parts.scheme != "file":
        return None
    path = Path(url2pathname(parts.path))
    return path if path.exists() else None
