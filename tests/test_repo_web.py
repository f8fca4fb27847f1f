"""Where a remote shows a file on the web, and that nothing secret is in the address."""

from __future__ import annotations

from pathlib import Path

import pytest
from kb.repo import open_repo

from conftest import Git

FILE = "postmortems/a ü#1.md"
QUOTED = "postmortems/a%20%C3%BC%231.md"


@pytest.fixture
def folder(git: Git, library_folder: Path) -> Path:
    """A repository with a commit and no remote."""
    git("commit", "--quiet", "--allow-empty", "-m", "first")
    return library_folder


@pytest.mark.parametrize(
    "remote",
    [
        "https://github.com/team/kb.git",
        "https://github.com/team/kb/",
        "https://someone:secret@github.com/team/kb.git",
        "https://secret@github.com/team/kb.git?access_token=secret",
        "git@github.com:team/kb.git",
        "github.com:team/kb",
        "git@github.com-work:team/kb.git",
        "ssh://git@github.com:22/team/kb.git",
        "ssh://git:secret@ssh.github.com:443/team/kb.git",
        "git://github.com/team/kb.git",
    ],
)
def test_every_spelling_of_a_remote_leads_to_the_same_page(
    git: Git, folder: Path, remote: str
) -> None:
    git("remote", "add", "origin", remote)
    repo = open_repo(folder)
    assert repo.web_url(FILE) == f"https://github.com/team/kb/blob/main/{QUOTED}"
    assert "secret" not in (repo.remote_url() or "")


GITHUB = ("blob/main/{}", "commits/main/{}", "edit/main/{}")
GITLAB = ("-/blob/main/{}", "-/commits/main/{}", "-/edit/main/{}")
BITBUCKET = ("src/main/{}", "history-node/main/{}", "src/main/{}?mode=edit")


@pytest.mark.parametrize(
    ("remote", "addresses"),
    [
        ("https://github.corp.example/team/kb.git", GITHUB),
        ("https://gitlab.com/group/subgroup/kb.git", GITLAB),
        ("https://gitlab.corp.example:8443/team/kb.git", GITLAB),
        ("https://bitbucket.org/team/kb.git", BITBUCKET),
    ],
)
def test_each_host_has_its_own_addresses(
    git: Git, folder: Path, remote: str, addresses: tuple[str, str, str]
) -> None:
    git("remote", "add", "origin", remote)
    repo = open_repo(folder)
    pages = (repo.web_url(FILE), repo.web_url(FILE, "history"), repo.web_url(FILE, "edit"))
    home = remote.removesuffix(".git")
    assert pages == tuple(f"{home}/{address.format(QUOTED)}" for address in addresses)


@pytest.mark.parametrize(
    "remote",
    [
        "/srv/git/kb.git",
        "file:///srv/git/kb.git",
        "C:/git/kb.git",
        "https://git.example.org/team/kb.git",
        "https://bitbucket.corp.example/scm/t/kb.git",
        "https://[broken/kb.git",
        "https://github.com:port/team/kb.git",
    ],
)
def test_an_unknown_host_has_no_page(git: Git, folder: Path, remote: str) -> None:
    git("remote", "add", "origin", remote)
    assert open_repo(folder).web_url(FILE) is None


def test_without_a_remote_there_is_no_address(folder: Path) -> None:
    repo = open_repo(folder)
    assert (repo.remote_url(), repo.web_url(FILE)) == (None, None)


def test_origin_comes_before_other_remotes_and_any_remote_before_none(
    git: Git, folder: Path
) -> None:
    git("remote", "add", "backup", "https://gitlab.com/team/kb.git")
    assert open_repo(folder).remote_url() == "https://gitlab.com/team/kb.git"
    git("remote", "add", "origin", "https://github.com/team/kb.git")
    assert open_repo(folder).remote_url() == "https://github.com/team/kb.git"


def test_a_token_that_the_settings_put_into_the_address_is_left_out(git: Git, folder: Path) -> None:
    git("remote", "add", "origin", "https://github.com/team/kb.git")
    git("config", "url.https://x:secret@github.com/.insteadOf", "https://github.com/")
    assert open_repo(folder).remote_url() == "https://github.com/team/kb.git"


def test_a_detached_head_is_shown_by_commit_and_cannot_be_edited(git: Git, folder: Path) -> None:
    git("remote", "add", "origin", "https://github.com/team/kb.git")
    git("checkout", "--quiet", "--detach")
    repo = open_repo(folder)
    sha = git("rev-parse", "HEAD")
    assert repo.web_url("a.md") == f"https://github.com/team/kb/blob/{sha}/a.md"
    assert repo.web_url("a.md", "edit") is None


def test_the_remotes_main_branch_is_shown_whatever_is_checked_out(git: Git, folder: Path) -> None:
    git("remote", "add", "origin", "https://github.com/team/kb.git")
    git("update-ref", "refs/remotes/origin/trunk", "HEAD")
    git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    git("checkout", "--quiet", "-b", "feature/x")
    assert open_repo(folder).web_url("a.md") == "https://github.com/team/kb/blob/trunk/a.md"
