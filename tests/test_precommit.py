"""The hooks of this repository, run by pre-commit from a clone of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from canaries import SHAPED
from conftest import EXAMPLE, GIT_ENVIRONMENT, git_in, locked_pip
from project_copy import copy_project

_MINUTES = 10


@pytest.fixture(scope="module")
def pre_commit() -> list[str]:
    """How pre-commit is started."""
    return [sys.executable, "-m", "pre_commit"]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as it stands, uncommitted work included, with one commit and a tag."""
    folder = tmp_path_factory.mktemp("hooks") / "postmortem-kb"
    copy_project(folder, "kb", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
    git_in(folder)("tag", "v0")
    return folder


@pytest.fixture(scope="module")
def team(
    clone: Path, pre_commit: list[str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """A team's repository with the hooks installed, and where pre-commit keeps its things."""
    root = tmp_path_factory.mktemp("team")
    home = tmp_path_factory.mktemp("pre-commit-home")
    (root / "postmortems").mkdir()
    (root / "kb.toml").write_text("")
    (root / ".pre-commit-config.yaml").write_text(
        f"repos:\n  - repo: {clone.as_uri()}\n    rev: v0\n"
        "    hooks:\n      - id: kb-fmt\n      - id: kb-check\n"
    )
    git = git_in(root)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Start")
    done = run(root, home, *pre_commit, "install", "--install-hooks")
    assert done.returncode == 0, done.stdout + done.stderr
    return root, home


def run(root: Path, home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    # A test runs inside this project's environment; the hook has to do with its own.
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return subprocess.run(
        command,
        cwd=root,
        env=clean | GIT_ENVIRONMENT | locked_pip() | {"PRE_COMMIT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60 * _MINUTES,
        check=False,
    )


def commit(team: tuple[Path, Path], name: str, text: str) -> subprocess.CompletedProcess[str]:
    """An attempt to commit one file, through the hook that Git itself runs."""
    root, home = team
    git = git_in(root)
    git("reset", "--quiet", "--hard")
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")
    git("add", "--all")
    return run(root, home, "git", "commit", "--message", "A postmortem")


def outcomes(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What became of each hook, in their order."""
    lines = (done.stdout + done.stderr).splitlines()
    words = ("Passed", "Failed", "Skipped")
    return [word for line in lines for word in words if line.startswith("kb ") and word in line]


def test_a_fault_stops_the_commit_and_names_file_and_line(team: tuple[Path, Path]) -> None:
    text = "---\ntitle: x\ndate: 2026-04-12\nstatus: drafted\n---\n# x\n"
    done = commit(team, "postmortems/2026-04-12-x.md", text)
    assert done.returncode == 1
    assert outcomes(done) == ["Passed", "Failed"]
    assert "postmortems/2026-04-12-x.md:4:9: KB113 unknown-word" in done.stdout + done.stderr


def test_what_has_one_right_answer_is_mended_and_shown(team: tuple[Path, Path]) -> None:
    text = "---\nstatus: draft\ndate: 2026-04-12\ntitle: x\n---\n# x\n"
    done = commit(team, "postmortems/2026-04-12-x.md", text)
    assert done.returncode == 1
    assert outcomes(done)[0] == "Failed"
    assert "files were modified by this hook" in done.stdout + done.stderr
    mended = (team[0] / "postmortems/2026-04-12-x.md").read_text("utf-8")
    assert mended == "---\ntitle: x\ndate: 2026-04-12\nstatus: draft\n---\n# x\n"


def test_other_files_are_none_of_its_business(team: tuple[Path, Path]) -> None:
    for name in ("notes.md", "2026-04-12-x.md", "docs/2026-04-12-x.txt"):
        done = commit(team, name, "status: drafted\n")
        assert (done.returncode, outcomes(done)) == (0, ["Skipped", "Skipped"]), done.stdout


@pytest.mark.parametrize(
    "name", ["notes.md", "2026-04-12-x.txt", "2026-04-12 A b.md", "2026-04-12-x/fixture.json"]
)
def test_whatever_lies_among_the_records_is_looked_through_for_secrets(
    team: tuple[Path, Path], name: str
) -> None:
    done = commit(team, f"postmortems/{name}", "status: drafted\n")
    assert (done.returncode, outcomes(done)) == (0, ["Skipped", "Passed"]), done.stdout
    done = commit(team, f"postmortems/{name}", f"used {SHAPED['GitHub classic']}\n")
    assert (done.returncode, outcomes(done)) == (1, ["Skipped", "Failed"]), done.stdout
    assert SHAPED["GitHub classic"] not in done.stdout + done.stderr


def test_records_with_names_of_many_kinds_are_passed_on_whole(team: tuple[Path, Path]) -> None:
    text = "---\ntitle: x\ndate: 2026-04-12\nstatus: drafted\n---\n# x\n"
    done = commit(team, "postmortems/2026-04-12-a b é.md", text)
    assert "postmortems/2026-04-12-a b é.md:4:9: KB113" in done.stdout + done.stderr


def test_a_record_without_fault_goes_in(team: tuple[Path, Path]) -> None:
    shutil.copytree(EXAMPLE.with_suffix(""), team[0] / "postmortems" / EXAMPLE.stem)
    git_in(team[0])("add", "--all")
    git_in(team[0])("commit", "--quiet", "--no-verify", "--message", "Evidence")
    done = commit(team, f"postmortems/{EXAMPLE.name}", EXAMPLE.read_text("utf-8"))
    assert (done.returncode, outcomes(done)) == (0, ["Passed", "Passed"]), done.stdout + done.stderr


def test_the_hooks_have_the_base_install_and_nothing_heavy(team: tuple[Path, Path]) -> None:
    pythons = list(team[1].glob("repo*/py_env*/bin/python"))
    assert len(pythons) == 1
    code = "import importlib.util as u; print([n for n in %r if u.find_spec(n)])"
    heavy = ["numpy", "torch", "faiss", "onnxruntime", "mkdocs"]
    done = run(team[0], team[1], str(pythons[0]), "-I", "-c", code % heavy)
    assert done.stdout.strip() == "[]"
