"""The CI that `kb init` writes: accepted by the linters of its hosts, and safe in what it posts."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from kb import __version__
from kb.commands.init_plan import plan
from kb.publish.review.comment import MARKER

GITHUB = {
    Path(t.path).name: t.content.decode() for t in plan("postmortems", "github", example=False)
}
GITLAB = {
    Path(t.path).name: t.content.decode() for t in plan("postmortems", "gitlab", example=False)
}
WORKFLOWS = ("kb-check.yml", "kb-comment.yml")


def tool(name: str) -> str:
    """A program on PATH or beside this Python; the test is skipped where there is none."""
    found = shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    for name in WORKFLOWS:
        (folder / name).write_text(GITHUB[name], encoding="utf-8")
    (tmp_path / "kb.gitlab-ci.yml").write_text(GITLAB["kb.gitlab-ci.yml"], encoding="utf-8")
    return tmp_path


def clean(repository: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_accepts_the_workflows(repository: Path) -> None:
    paths = [f".github/workflows/{name}" for name in WORKFLOWS]
    clean(repository, tool("actionlint"), "-no-color", *paths)


def test_actionlint_would_refuse_a_wrong_one(repository: Path) -> None:
    path = repository / ".github/workflows/kb-check.yml"
    path.write_text(GITHUB["kb-check.yml"].replace("github.base_ref", "github.base_reef"))
    done = subprocess.run(
        [tool("actionlint"), "-no-color", str(path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "base_reef" in done.stdout


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", ".github/workflows/kb-check.yml"),
        ("vendor.github-workflows", ".github/workflows/kb-comment.yml"),
        ("vendor.gitlab-ci", "kb.gitlab-ci.yml"),
    ],
)
def test_the_published_schemas_accept_the_files(repository: Path, schema: str, path: str) -> None:
    clean(repository, tool("check-jsonschema"), "--builtin-schema", schema, path)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_actions_are_pinned_by_commit_with_their_version_beside(name: str) -> None:
    uses = re.findall(r"uses: (.*)", GITHUB[name])
    assert uses
    for line in uses:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_the_check_may_read_and_nothing_else() -> None:
    check = yaml.safe_load(GITHUB["kb-check.yml"])
    assert check["permissions"] == {"contents": "read"}
    assert "secrets." not in GITHUB["kb-check.yml"]
    (job,) = check["jobs"].values()
    assert "permissions" not in job
    checkout = next(s for s in job["steps"] if s.get("uses", "").startswith("actions/checkout@"))
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}


def test_nothing_of_the_pull_request_takes_part_in_the_installation() -> None:
    (job,) = yaml.safe_load(GITHUB["kb-check.yml"])["jobs"].values()
    steps = [step.get("uses", step.get("run", "")) for step in job["steps"]]
    install = next(i for i, step in enumerate(steps) if step.startswith("pip install"))
    checkout = next(i for i, step in enumerate(steps) if step.startswith("actions/checkout@"))
    assert install < checkout
    assert f"postmortem-kb[search]=={__version__}" in steps[install]
    # `python -m` would import from the checkout.
    assert not any("python -m" in text for text in (*GITHUB.values(), *GITLAB.values()))


def test_what_an_event_says_reaches_a_shell_only_as_a_variable() -> None:
    for name in WORKFLOWS:
        for job in yaml.safe_load(GITHUB[name])["jobs"].values():
            for step in job["steps"]:
                assert "${{" not in step.get("run", "")
                assert "${{" not in step.get("with", {}).get("script", "")


def test_the_poster_checks_nothing_out_and_may_only_comment() -> None:
    comment = yaml.safe_load(GITHUB["kb-comment.yml"])
    assert comment["permissions"] == {}
    (job,) = comment["jobs"].values()
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert [step["uses"].partition("@")[0] for step in job["steps"]] == ["actions/github-script"]


def test_the_jobs_of_gitlab_wait_for_the_check_and_clone_nothing_with_the_token() -> None:
    jobs = yaml.safe_load(GITLAB["kb.gitlab-ci.yml"])
    poster = jobs["postmortems comment"]
    assert set(jobs) == {"postmortems", "postmortems comment"}
    assert poster["needs"] == ["postmortems"]
    assert poster["variables"] == {"GIT_STRATEGY": "none"}
    assert "KB_COMMENT_TOKEN" not in json.dumps(jobs["postmortems"])


def test_every_file_speaks_of_the_folder_the_records_are_in() -> None:
    for target in plan("incidents/reports", "github", example=False):
        if not target.path.endswith((".json", "template.md", "kb.toml")):
            assert "postmortems/" not in target.content.decode(), target.path


# The script of the poster, run by Node against a host that remembers what it was asked to do.

HOST = """
const { script, zip, comments, head } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const did = [];
const artifacts = zip ? [{ id: 1, size_in_bytes: zip.length }] : [];
const list = values => Object.assign(async () => ({ data: values }), { values });
const rest = {
  pulls: { list: list([{ number: 7, head: { sha: head } }]) },
  issues: {
    listComments: list(comments),
    createComment: async asked => did.push(['create', asked]),
    updateComment: async asked => did.push(['update', asked]),
  },
  actions: {
    listWorkflowRunArtifacts: async () => ({ data: { artifacts } }),
    downloadArtifact: async () => ({ data: Buffer.from(zip, 'base64') }),
  },
};
const github = { rest, paginate: async call => call.values };
const head_repository = { owner: { login: 'eve' } };
const context = {
  repo: { owner: 'acme', repo: 'incidents' },
  payload: { workflow_run: { id: 1, head_sha: 'abc123', head_branch: 'fix', head_repository } },
};
const say = word => text => did.push([word, text]);
const core = { info: say('info'), setFailed: say('failed') };
const run = Object.getPrototypeOf(async () => {}).constructor;
new run('github', 'context', 'core', 'require', script)(github, context, core, require)
  .then(() => console.log(JSON.stringify(did)));
"""


def post(
    tmp_path: Path,
    comment: str | None,
    earlier: tuple[dict[str, object], ...] = (),
    head: str = "abc123",
) -> list[list[object]]:
    """What the poster does with an artifact."""
    import base64
    import os

    (step,) = yaml.safe_load(GITHUB["kb-comment.yml"])["jobs"]["comment"]["steps"]
    archive = tmp_path / "artifact.zip"
    if comment is not None:
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("comment.md", comment)
    zipped = base64.b64encode(archive.read_bytes()).decode() if comment is not None else ""
    asked = {"script": step["with"]["script"], "zip": zipped, "comments": earlier, "head": head}
    if not shutil.which("node") or not shutil.which("unzip"):
        pytest.skip("needs node and unzip, as the runners of the host have them")
    done = subprocess.run(
        ["node", "-e", HOST],
        input=json.dumps(asked),
        env=os.environ | {"RUNNER_TEMP": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: list[list[object]] = json.loads(done.stdout)
    return found


def mine(text: str) -> dict[str, object]:
    return {"id": 5, "user": {"login": "github-actions[bot]"}, "body": text}


def test_the_first_comment_is_created_and_the_next_replaces_it(tmp_path: Path) -> None:
    text = f"{MARKER}\n\n## Postmortem review\n"
    ((what, asked),) = post(tmp_path, text)
    assert what == "create"
    assert isinstance(asked, dict)
    assert asked["issue_number"] == 7
    assert str(asked["body"]).startswith(text)
    assert "abc123" in str(asked["body"])
    others = (mine("hello"), {"id": 4, "user": {"login": "eve"}, "body": MARKER}, mine(MARKER))
    ((what, asked),) = post(tmp_path, text, others)
    assert isinstance(asked, dict)
    assert (what, asked["comment_id"]) == ("update", 5)


def test_a_forged_file_calls_nobody_and_is_cut(tmp_path: Path) -> None:
    ((_, asked),) = post(tmp_path, f"{MARKER}\n@acme/everyone look\n" + "x" * 100_000)
    assert isinstance(asked, dict)
    assert "@\u200bacme" in str(asked["body"])
    assert len(str(asked["body"])) < 65_536


def test_a_file_that_is_no_comment_is_refused(tmp_path: Path) -> None:
    assert post(tmp_path, "hello")[0][0] == "failed"


def test_without_an_artifact_or_for_an_older_commit_nothing_is_posted(tmp_path: Path) -> None:
    assert post(tmp_path, None) == [["info", "the check left no comment"]]
    text = f"{MARKER}\n"
    assert post(tmp_path, text, head="newer") == [["info", "no open pull request has this head"]]


def test_the_guide_names_the_version_that_is_here() -> None:
    assert f"rev: v{__version__}" in (ROOT / "docs/review.md").read_text("utf-8")
