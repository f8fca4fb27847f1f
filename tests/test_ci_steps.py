"""The steps of the GitHub Action and of the GitLab component, run as their runners run them.

No container and no host: what a runner would hand to a step is handed to it, and the programs are
the real ones, `pip` and `kb` in an environment of their own among them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from kb.review.comment import MARKER

from conftest import EXAMPLE, GIT_ENVIRONMENT, ROOT, Git, git_in
from project_copy import copy_project
from test_workflows import steps, value

_ADDRESS = "https://git.example.org/acme/kb"
_PARTS = ("kb", "postmortems", "pyproject.toml", "setup.py", "README.md", "LICENSE")


@dataclass(frozen=True)
class Runner:
    """A runner of a host: an environment without kb, and this project at one commit."""

    home: Path
    commit: str

    @property
    def project(self) -> Path:
        return self.home / "project"

    def step(
        self, step: dict[str, object], job: str, cwd: Path, given: dict[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """A shell step of the action with the variables it names and those of every step."""
        named = step.get("env", {})
        assert isinstance(named, dict)
        asked = {name: filled(str(text), job) for name, text in named.items()}
        return self.run(str(step["run"]), cwd, **given, **asked)

    def run(self, script: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
        path = f"{self.home / 'python/bin'}{os.pathsep}{environment['PATH']}"
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script],
            cwd=cwd,
            env=environment | GIT_ENVIRONMENT | {"PATH": path} | variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    home = tmp_path_factory.mktemp("runner")
    commit = copy_project(home / "project", *_PARTS, "constraints.txt", "action.yml")
    venv.create(home / "python", with_pip=True)
    # What this project needs is there already, and need not be fetched; the project itself is not.
    (packages,) = (home / "python/lib").glob("*/site-packages")
    others = [entry for entry in sys.path if entry.endswith("site-packages")]
    (packages / "others.pth").write_text("\n".join(others))
    made = Runner(home, commit)
    done = install(made, "site")
    assert done.returncode == 0, done.stdout + done.stderr
    return made


def install(runner: Runner, job: str) -> subprocess.CompletedProcess[str]:
    """The step of the action that installs kb, before there is a checkout."""
    (step,) = [step for step in steps(job) if step.get("name") == "Install kb"]
    return runner.step(step, job, runner.home, {"GITHUB_ACTION_PATH": str(runner.project)})


@pytest.fixture
def pull_request(tmp_path: Path) -> Path:
    """A clone on a branch that adds a record with a fault."""
    main = tmp_path / "upstream"
    main.mkdir()
    git = git_in(main)
    git("init", "--quiet", "--initial-branch=main")
    (main / "kb.toml").write_text("")
    (main / "postmortems").mkdir()
    (main / "postmortems/README.md").write_text("# Ours\n")
    git("add", "--all")
    git("commit", "--quiet", "--message", "Start")
    clone = tmp_path / "clone"
    git("clone", "--quiet", str(main), str(clone))
    git_in(clone)("checkout", "--quiet", "-b", "draft")
    shutil.copytree(EXAMPLE.with_suffix(""), clone / "postmortems" / EXAMPLE.stem)
    write_record(git_in(clone), clone, EXAMPLE.read_text("utf-8").replace("SEV2", "SEV9"))
    return clone


def write_record(git: Git, clone: Path, text: str) -> None:
    (clone / "postmortems" / EXAMPLE.name).write_text(text, encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "--message", "A postmortem")


def github(runner: Runner, clone: Path, job: str) -> tuple[str, subprocess.CompletedProcess[str]]:
    """The outputs of the action, and how its shell step ended.

    kb is installed already: see `runner`.
    """
    temporary = clone.parent / "temporary"
    temporary.mkdir(exist_ok=True)
    given = {
        "RUNNER_TEMP": str(temporary),
        "GITHUB_OUTPUT": str(temporary / "output"),
    }
    (temporary / "output").write_text("")
    (step,) = [step for step in steps(job) if "run" in step and step.get("name") != "Install kb"]
    done = runner.step(step, job, clone, given)
    return (temporary / "output").read_text(), done


def filled(text: str, job: str) -> str:
    """A value with its expressions replaced by what an event of a pull request says."""
    event = {
        "github.base_ref": "main",
        "github.server_url": "https://github.com",
        "github.repository": "acme/incidents",
        "github.event.pull_request.head.sha": "abc123",
    }
    return re.sub(
        r"\$\{\{ (.*?) \}\}", lambda found: event.get(found[1]) or str(value(found[1], job)), text
    )


def test_the_action_reviews_a_pull_request_and_fails_for_its_fault(
    runner: Runner, pull_request: Path
) -> None:
    _, done = github(runner, pull_request, "check")
    comment = (pull_request.parent / "temporary/kb-review/comment.md").read_text("utf-8")
    assert done.returncode == 1, done.stdout + done.stderr
    assert comment.startswith(MARKER)
    assert "KB113" in comment
    assert f"https://github.com/acme/incidents/blob/abc123/postmortems/{EXAMPLE.name}" in comment
    assert f"::error file=postmortems/{EXAMPLE.name},line=" in done.stdout
    assert git_in(pull_request)("status", "--porcelain") == ""


def test_the_action_passes_a_pull_request_without_fault(runner: Runner, pull_request: Path) -> None:
    write_record(git_in(pull_request), pull_request, EXAMPLE.read_text("utf-8"))
    _, done = github(runner, pull_request, "check")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "::error" not in done.stdout


def test_the_action_runs_the_kb_of_its_own_commit(runner: Runner, pull_request: Path) -> None:
    """A package of that name in the pull request is not what runs."""
    (pull_request / "kb").mkdir()
    (pull_request / "kb/__init__.py").write_text("raise SystemExit('the pull request ran')\n")
    _, done = github(runner, pull_request, "check")
    assert "KB113" in done.stdout
    assert "the pull request ran" not in done.stdout + done.stderr
    where = runner.run(
        'command -v kb; cd /; python -c "import kb; print(kb.__file__)"', runner.home
    )
    assert [str(runner.home) in line for line in where.stdout.splitlines()] == [True, True]


@pytest.mark.site
def test_the_action_builds_the_site_and_says_where_it_is(
    runner: Runner, pull_request: Path
) -> None:
    write_record(git_in(pull_request), pull_request, EXAMPLE.read_text("utf-8"))
    output, done = github(runner, pull_request, "site")
    assert done.returncode == 0, done.stdout + done.stderr
    site = Path(output.strip().removeprefix("folder="))
    assert (site / "index.html").is_file()


def test_the_component_of_gitlab_installs_one_commit_and_reviews(
    runner: Runner, pull_request: Path
) -> None:
    text = (ROOT / "templates/postmortem-kb.yml").read_text("utf-8")
    given = {"repository": _ADDRESS, "commit": runner.commit, "path": "postmortems"}
    for name, word in given.items():
        text = text.replace(f"$[[ inputs.{name} ]]", word)
    _, jobs = yaml.safe_load_all(text)
    job = jobs["postmortems"]
    # The image has no Git and this machine has.
    lines = [line for line in job["before_script"] if not line.startswith("apt-get")]
    here = {
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": git_in(pull_request)("rev-parse", "origin/main"),
        "CI_PROJECT_URL": "https://gitlab.example.org/acme/incidents",
        "CI_COMMIT_SHA": "abc123",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{runner.project.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": _ADDRESS,
    }
    script = "\n".join((*lines, *job["script"]))
    done = runner.run(script, pull_request, **job["variables"], **here)
    assert done.returncode == 1, done.stdout + done.stderr
    comment = (pull_request / "comment.md").read_text("utf-8")
    assert comment.startswith(MARKER)
    assert "https://gitlab.example.org/acme/incidents/-/blob/abc123/postmortems/" in comment
    faults = json.loads((pull_request / "kb-quality.json").read_text("utf-8"))
    assert "KB113" in json.dumps(faults)
