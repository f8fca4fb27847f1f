"""Where a remote repository shows a file on the web: from its URL alone, nothing is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal
from urllib.parse import quote, urlsplit

View = Literal["source", "history", "edit"]

# The templates continue the address of the repository's own page.
_VIEWS: dict[str, dict[View, str]] = {
    "github": {
        "source": "blob/{ref}/{path}",
        "history": "commits/{ref}/{path}",
        "edit": "edit/{ref}/{path}",
    },
    "gitlab": {
        "source": "-/blob/{ref}/{path}",
        "history": "-/commits/{ref}/{path}",
        "edit": "-/edit/{ref}/{path}",
    },
    "bitbucket": {
        "source": "src/{ref}/{path}",
        "history": "history-node/{ref}/{path}",
        "edit": "src/{ref}/{path}?mode=edit",
    },
}
# `git@github.com:team/kb.git`, but neither `C:/kb` nor `https://…`.
_SCP = re.compile(r"(?:[^@/:]+@)?(?P<host>[^:/@]{2,}):(?!//)(?P<path>[^:]+)")
# Each is another name of a well-known host: Git over the HTTPS port, or an alias by which a
# person's SSH settings choose among several keys.
_OTHER_NAMES = (
    (re.compile(r"(ssh\.)?github\.com(-.*)?"), "github.com"),
    (re.compile(r"(altssh\.)?gitlab\.com(-.*)?"), "gitlab.com"),
    (re.compile(r"(altssh\.)?bitbucket\.org(-.*)?"), "bitbucket.org"),
)


def without_credentials(url: str) -> str | None:
    """The URL without passwords, tokens and query; None when it cannot be read.

    The user name stays for SSH alone, where it is part of the address.
    """
    if "://" not in url:
        return url
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    user = f"{parts.username}@" if parts.username and "ssh" in parts.scheme else ""
    place = f"{user}{host}" + (f":{port}" if port else "")
    return f"{parts.scheme}://{place}{parts.path}"


@dataclass(frozen=True, slots=True)
class Pages:
    """A repository's own page, whose software shows it, and what it is asked to show."""

    kind: str
    address: str
    branch: str | None
    commit: str

    def url(self, path: PurePosixPath, view: View) -> str | None:
        """The page that shows a file; None for editing what is no branch."""
        if view == "edit" and self.branch is None:
            return None
        ref = quote(self.branch or self.commit, errors="surrogateescape")
        name = quote(str(path), errors="surrogateescape")
        return f"{self.address}/{_VIEWS[self.kind][view].format(ref=ref, path=name)}"


def pages(remote_url: str, *, branch: str | None, commit: str) -> Pages | None:
    """The pages of a remote; None for a host whose addresses are not known."""
    try:
        scheme, host, port, path = _parts(remote_url)
    except ValueError:
        return None
    host = next((name for other, name in _OTHER_NAMES if other.fullmatch(host)), host)
    kind = _kind(host)
    if kind is None:
        return None
    place = f"{host}:{port}" if port else host
    name = quote(path.strip("/").removesuffix(".git"), safe="/%~")
    return Pages(kind, f"{scheme}://{place}/{name}", branch, commit)


def _parts(remote_url: str) -> tuple[str, str, int | None, str]:
    """Web scheme, host, web port and path; ValueError where the URL names no host."""
    short = _SCP.fullmatch(remote_url)
    if short is not None:
        return "https", short["host"].lower(), None, short["path"]
    url = urlsplit(remote_url)
    if not url.hostname:
        raise ValueError
    if url.scheme in ("http", "https"):
        return url.scheme, url.hostname, url.port, url.path
    return "https", url.hostname, None, url.path


def _kind(host: str) -> str | None:
    if host == "bitbucket.org":
        return "bitbucket"  # a Bitbucket of one's own has other addresses
    return next((kind for kind in ("github", "gitlab") if kind in host.split(".")), None)
