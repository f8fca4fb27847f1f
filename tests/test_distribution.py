"""Where this installation came from, as installers note it (PEP 610), and what is said of it."""

from __future__ import annotations

import json
import shlex
import subprocess
import tomllib
from pathlib import Path

import pytest
from kb import __version__
from kb.errors import KbError
from kb.installation import NAME, InstallSource, install_line, installed_source, parse_source
from packaging.requirements import Requirement

from conftest import ROOT

SHA = "0123456789abcdef0123456789abcdef01234567"
NEUTRAL = f"pip install '{NAME}[search] @ git+https://github.com/OWNER/REPOSITORY@SHA'"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The metadata of an installation that Python finds before this one's."""
    info = tmp_path / f"site/{NAME.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 0.1.0\n")
    monkeypatch.syspath_prepend(str(info.parent))
    return info


def came_from(info: Path, url: str, **facts: object) -> None:
    (info / "direct_url.json").write_text(json.dumps({"url": url, **facts}))


def git_commit(commit: str = SHA) -> dict[str, object]:
    return {"vcs_info": {"vcs": "git", "requested_revision": "v1", "commit_id": commit}}


def test_an_installation_from_a_commit_names_it_and_adds_extras_from_it(installed: Path) -> None:
    came_from(installed, "https://github.com/acme/kb.git", **git_commit())
    source = installed_source()
    assert source == InstallSource("https://github.com/acme/kb.git", SHA)
    assert source.github == f"acme/kb@{SHA}"
    address = f"git+https://github.com/acme/kb.git@{SHA}"
    assert install_line("search,site") == f"pip install '{NAME}[search,site] @ {address}'"


@pytest.mark.parametrize(
    ("url", "facts"),
    [
        ("file:///home/me/kb", git_commit()),
        ("https://me@example.org/kb", git_commit()),
        ("ssh://git@example.org/kb", git_commit()),
        ("https://example.org/kb.git#$(id)", git_commit()),
        ("https://example.org/kb", git_commit("v1.0")),
        ("https://example.org/kb", {"vcs_info": {"vcs": "hg", "commit_id": SHA}}),
        ("https://example.org/kb.whl", {"archive_info": {}}),
    ],
)
def test_what_other_machines_cannot_clone_by_commit_is_no_source(
    installed: Path, url: str, facts: dict[str, object]
) -> None:
    came_from(installed, url, **facts)
    assert installed_source() is None


@pytest.mark.parametrize(
    "address",
    ["https://me@example.org/kb", "ssh://git@example.org/acme/kb.git", "https://example.org/kb"],
)
def test_every_line_that_names_an_address_is_one_that_pip_can_read(
    installed: Path, address: str
) -> None:
    came_from(installed, address, **git_commit())
    assert read_by_pip(install_line("search")) == f"git+{address}@{SHA}"


def test_a_commit_of_a_repository_in_a_folder_gives_the_neutral_line(
    installed: Path, tmp_path: Path
) -> None:
    came_from(installed, tmp_path.as_uri(), **git_commit())
    assert install_line("search") == NEUTRAL
    assert read_by_pip(NEUTRAL) == "git+https://github.com/OWNER/REPOSITORY@SHA"


def read_by_pip(line: str) -> str | None:
    """The address in a line, read as pip reads it."""
    _, _, what = shlex.split(line)
    return Requirement(what).url


@pytest.mark.parametrize("text", ["", "[]", "{", '{"vcs_info": 1}'])
def test_metadata_that_says_nothing_of_use_gives_the_neutral_line(
    installed: Path, text: str
) -> None:
    (installed / "direct_url.json").write_text(text)
    assert installed_source() is None
    assert install_line("search") == NEUTRAL


def test_an_installation_from_an_index_gives_the_neutral_line(installed: Path) -> None:
    assert installed_source() is None
    assert install_line("search") == NEUTRAL


def test_a_clone_is_named_by_its_folder_for_as_long_as_it_is_there(
    installed: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    came_from(installed, clone.as_uri(), dir_info={"editable": True})
    assert install_line("site") == f"pip install -e '{clone}[site]'"
    came_from(installed, clone.as_uri(), dir_info={})
    assert install_line("site") == f"pip install '{clone}[site]'"
    clone.rmdir()
    assert install_line("search") == NEUTRAL


def test_a_full_commit_on_github_is_a_source() -> None:
    assert parse_source(f"acme/kb@{SHA}") == InstallSource("https://github.com/acme/kb", SHA)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("acme/kb@v1.0.0", "tags and branches move"),
        ("acme/kb@main", "tags and branches move"),
        ("acme/kb@0123456", "a short SHA"),
        (f"acme/kb@{SHA.upper()}", "no full commit"),
        ("acme/kb", "'nothing' is no full commit"),
        (f"kb@{SHA}", "OWNER/REPOSITORY@SHA"),
        (f"https://github.com/acme/kb@{SHA}", "OWNER/REPOSITORY@SHA"),
        (f"acme/..@{SHA}", "OWNER/REPOSITORY@SHA"),
        ("", "OWNER/REPOSITORY@SHA"),
    ],
)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(KbError) as refused:
        parse_source(text)
    assert reason in str(refused.value)
    assert refused.value.todo


def test_no_text_of_this_project_installs_it_by_a_name_it_does_not_own() -> None:
    """`pip install postmortem-kb` without an address is whoever registers that name first."""
    command = ["git", "grep", "-InE", r"(pip install|additional_dependencies).*postmortem-kb"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    here = Path(__file__).name
    bare = [line for line in found.splitlines() if " @ git+" not in line and here not in line]
    assert bare == []


def test_the_version_that_is_built_is_the_one_that_kb_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert (project["name"], project["version"]) == (NAME, __version__)
