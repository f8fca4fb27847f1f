"""`kb init`: what it writes, what it leaves alone, and what it tells to add by hand."""

from __future__ import annotations

import compileall
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result
from kb.cli import cli, main
from kb.commands.init_plan import HOSTS, left_out
from kb.commands.site import folder_suffix
from kb.config import Config, parse_config
from kb.records.form import build_form

from conftest import EXAMPLE, git_in

SHA = "0123456789abcdef0123456789abcdef01234567"
#: What names the source that CI and hooks install kb from.
FROM = ("--source", f"acme/kb@{SHA}")
Snapshot = dict[str, bytes]


def kb(folder: Path, *arguments: str) -> Result:
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(cli, list(arguments))
    finally:
        os.chdir(before)


def init(folder: Path, *arguments: str) -> str:
    result = kb(folder, "init", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


def fails(folder: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a user reads when it cannot be done."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        with pytest.raises(SystemExit) as ended:
            main(["init", *arguments])
    finally:
        os.chdir(before)
    assert ended.value.code == 2
    return capsys.readouterr().err


def snapshot(folder: Path) -> Snapshot:
    files = (path for path in folder.rglob("*") if path.is_file() and ".git/" not in str(path))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def named(output: str, word: str) -> set[str]:
    return {line.split()[-1 if word == "kept" else 0] for line in _after(output, word)}


def _after(output: str, word: str) -> Iterator[str]:
    for line in output.splitlines():
        if line.startswith(f"{word} "):
            yield line.removeprefix(word).strip()


@pytest.mark.parametrize("host", HOSTS)
def test_a_dry_run_names_exactly_the_files_that_are_written_then(tmp_path: Path, host: str) -> None:
    arguments = ("--host", host, "--example", *FROM)
    foretold = named(init(tmp_path, "--dry-run", *arguments), "would write")
    assert snapshot(tmp_path) == {}
    assert named(init(tmp_path, *arguments), "wrote") == foretold == set(snapshot(tmp_path))


def test_what_an_installer_compiled_is_no_part_of_the_example(tmp_path: Path) -> None:
    compileall.compile_dir(str(EXAMPLE.parent), quiet=1)
    init(tmp_path, "--example")
    written = snapshot(tmp_path)
    assert any(path.endswith("billing_agent.py") for path in written)
    assert not [path for path in written if "__pycache__" in path]


@pytest.mark.parametrize("host", HOSTS)
def test_run_again_it_writes_nothing_and_asks_for_nothing(tmp_path: Path, host: str) -> None:
    init(tmp_path, "--host", host, *FROM)
    before = snapshot(tmp_path)
    output = init(tmp_path, "--host", host)
    assert "Left out" not in output
    assert snapshot(tmp_path) == before
    assert "wrote " not in output
    assert "by hand" not in output
    assert "yours" not in output
    assert "Nothing was written: every file is there." in output


def test_what_it_starts_can_be_used_at_once(tmp_path: Path) -> None:
    init(tmp_path)
    assert kb(tmp_path, "new", "Agent mailed the wrong customer").exit_code == 0
    assert kb(tmp_path, "check").exit_code == 0


def test_it_ends_with_what_to_do_next(tmp_path: Path) -> None:
    output = init(tmp_path)
    assert 'kb new "What the agent did"' in output
    assert "CODEOWNERS" in output.partition("\n\n")[2]


def test_files_of_the_team_are_kept_and_what_they_lack_is_said(tmp_path: Path) -> None:
    (tmp_path / ".github").mkdir()
    own = {
        ".github/CODEOWNERS": "* @everyone\n",
        ".pre-commit-config.yaml": "repos: []\n",
        ".gitignore": "node_modules/\n",
        "mkdocs.yml": "site_name: Ours\n",
    }
    for name, text in own.items():
        (tmp_path / name).write_text(text)
    output = init(tmp_path, *FROM)
    assert {name: (tmp_path / name).read_text() for name in own} == own
    assert output.count("it lacks this; add it by hand") == 3
    for part in ("/postmortems/ @incident-review", "- id: kb-check", ".kb/"):
        assert part in output
    assert "\nrepos:" not in output.replace(" ", "")  # a second one would switch off the first
    again = init(tmp_path, *FROM)
    assert "kb.toml" not in again
    assert "Nothing was written: every file is there." in again


def test_the_item_of_a_hook_is_printed_with_its_key_where_there_is_none(tmp_path: Path) -> None:
    (tmp_path / ".pre-commit-config.yaml").write_text("ci: {}\n")
    assert "         repos:\n           - repo: https://github.com/acme/kb" in init(tmp_path, *FROM)


def test_a_schema_follows_the_settings_and_one_of_the_team_is_kept(tmp_path: Path) -> None:
    init(tmp_path)
    schema = tmp_path / "postmortems/front-matter.schema.json"
    before = schema.read_text()
    settings = (tmp_path / "kb.toml").read_text()
    words = '[taxonomy]\nclasses = { voice-misheard = "Speech was transcribed wrongly." }\n'
    (tmp_path / "kb.toml").write_text(settings.replace("[taxonomy]\n", words))
    output = init(tmp_path)
    assert "refreshed  postmortems/front-matter.schema.json" in output
    assert "voice-misheard" in schema.read_text()
    assert "voice-misheard" not in before
    assert "refreshed" not in init(tmp_path)
    schema.write_text("{}\n")
    init(tmp_path)
    assert schema.read_text() == "{}\n"


def test_it_says_what_is_there_and_what_happens_to_checks_gates_and_ci(tmp_path: Path) -> None:
    (tmp_path / "docs/post-mortems/2020").mkdir(parents=True)
    for number in range(40):
        year = "2020/" if number % 2 == 0 else ""
        (tmp_path / f"docs/post-mortems/{year}PM {number}.md").write_text("# It fell over\n")
    (tmp_path / "docs/post-mortems/README.md").write_text("# All\n")
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "postmortems/2021-03-04-pump.md").write_text("# Pump\n\nOn 2021-03-04 it did.\n")
    output = init(tmp_path)
    assert "41 files look like postmortems and are no records:" in output
    assert "40  docs/post-mortems/" in output
    assert "kb adopt --dry-run docs/post-mortems postmortems" in output
    assert "1 file there would fail it" in output
    assert "CI      nothing was added to it." in output
    assert "CI      a job of its own" in init(tmp_path / "docs", *FROM)
    (tmp_path / "docs/post-mortems/PM 3.md").write_text("# Pump\n\nIncident date: 2021-03-04\n")
    adopted = kb(tmp_path, "adopt", "docs/post-mortems/PM 3.md", "postmortems").output
    assert ": 2 adopted, 1 kept, 0 refused" in adopted  # and the template is kept
    assert "39 files look like postmortems and are no records:" in init(tmp_path)


def test_other_documentation_keeps_its_settings_and_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mkdocs.yml").write_text("site_name: Ours\n")
    init(tmp_path)
    assert (tmp_path / "mkdocs.yml").read_text() == "site_name: Ours\n"
    assert folder_suffix(tmp_path) == ("postmortems",)
    (tmp_path / "mkdocs.yml").write_text("site_name: Ours\nsite_dir: public\n")
    assert folder_suffix(tmp_path) == ()
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("theirs")
    assert folder_suffix(tmp_path) == ("postmortems",)


def test_what_was_added_by_hand_is_not_asked_for_again(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("node_modules/\n.kb/\n")
    output = init(tmp_path)
    assert ".gitignore" in output
    assert "by hand" not in output


@pytest.mark.parametrize("name", ["CODEOWNERS", "docs/CODEOWNERS"])
def test_code_owners_elsewhere_are_not_switched_off_by_new_ones(tmp_path: Path, name: str) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / name).write_text("* @everyone\n")
    output = init(tmp_path)
    assert not (tmp_path / ".github/CODEOWNERS").exists()
    assert f"kept   {name}" in output
    assert "/postmortems/ @incident-review" in output


def test_a_folder_of_older_postmortems_is_kept_and_explained(tmp_path: Path) -> None:
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "postmortems/outage-march.md").write_text("# Outage\n")
    (tmp_path / "postmortems/2025-01-01-older.md").write_text("# Older\n")
    output = init(tmp_path)
    assert (tmp_path / "postmortems/outage-march.md").read_text() == "# Outage\n"
    assert "2 files look like postmortems and are no records:" in output


def test_settings_that_exist_decide_where_records_go(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text('[library]\npath = "incidents"\n')
    init(tmp_path, *FROM)
    assert (tmp_path / "incidents/template.md").is_file()
    assert not (tmp_path / "postmortems").exists()
    assert "incidents/**" in (tmp_path / ".github/workflows/kb-check.yml").read_text()
    assert r"^incidents/\d{4}" in (tmp_path / ".pre-commit-config.yaml").read_text()


def test_a_remote_at_gitlab_gets_the_files_of_gitlab(tmp_path: Path) -> None:
    git = git_in(tmp_path)
    git("init", "--quiet")
    git("remote", "add", "origin", "https://gitlab.example.org/acme/incidents.git")
    init(tmp_path, *FROM)
    assert (tmp_path / ".gitlab/kb.gitlab-ci.yml").is_file()
    assert not (tmp_path / ".github").exists()


def test_an_existing_pipeline_of_gitlab_is_told_to_include_ours(tmp_path: Path) -> None:
    (tmp_path / ".gitlab-ci.yml").write_text("build:\n  script: make\n")
    output = init(tmp_path, *FROM)
    assert "- local: .gitlab/kb.gitlab-ci.yml" in output
    assert (tmp_path / ".gitlab-ci.yml").read_text() == "build:\n  script: make\n"


def test_in_a_folder_of_a_repository_it_says_where_hosts_look(tmp_path: Path) -> None:
    git_in(tmp_path)("init", "--quiet")
    output = init(tmp_path, "incidents")
    assert (tmp_path / "incidents/kb.toml").is_file()
    assert f"Move .github, .gitlab and .pre-commit-config.yaml to {tmp_path}" in output


def test_a_link_that_leads_nowhere_is_not_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.toml"
    root = tmp_path / "root"
    root.mkdir()
    (root / "mkdocs.yml").symlink_to(elsewhere)
    init(root)
    assert not elsewhere.exists()


def test_a_file_in_the_way_is_an_error_that_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".github").write_text("a file")
    err = fails(tmp_path, capsys)
    assert "cannot be written" in err
    assert "run 'kb init' again" in err


@pytest.mark.skipif(os.name == "nt", reason="Windows asks other rights than those of a mode")
def test_a_folder_that_may_not_be_written_is_an_error(tmp_path: Path) -> None:
    # Root may write everywhere as long as it has these capabilities.
    taken = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    as_anybody = [] if os.geteuid() else taken
    tmp_path.chmod(0o500)
    command = [*as_anybody, sys.executable, "-m", "kb", "init", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    tmp_path.chmod(0o700)
    assert done.returncode == 2
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a folder nobody may write to")
def test_a_file_system_that_takes_no_files_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "cannot be written" in fails(tmp_path, capsys, "/proc/self/kb")


def test_settings_that_cannot_be_read_are_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kb.toml").write_text("[library\n")
    assert "kb.toml: cannot be read" in fails(tmp_path, capsys)


def test_ci_and_hooks_run_the_commit_that_was_named_and_no_name_of_an_index(tmp_path: Path) -> None:
    init(tmp_path, *FROM, "--host", "github")
    init(tmp_path, *FROM, "--host", "gitlab")
    for path in (".github/workflows/kb-check.yml", ".github/workflows/kb-comment.yml"):
        assert f"uses: acme/kb@{SHA}\n" in (tmp_path / path).read_text()
    hooks = (tmp_path / ".pre-commit-config.yaml").read_text()
    assert f"repo: https://github.com/acme/kb\n    rev: {SHA}\n" in hooks
    assert f'KB_COMMIT: "{SHA}"' in (tmp_path / ".gitlab/kb.gitlab-ci.yml").read_text()
    for name, raw in snapshot(tmp_path).items():
        assert not re.search(rb"install.*postmortem-kb", raw), name


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_nobody_is_asked_to_review_before_the_team_has_named_somebody(
    tmp_path: Path, host: str
) -> None:
    init(tmp_path, "--host", host)
    lines = (tmp_path / f".{host}/CODEOWNERS").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == []


@pytest.mark.parametrize("host", ["github", "gitlab"])
def test_without_a_known_source_ci_and_hooks_are_left_out_and_that_is_said(
    tmp_path: Path, host: str
) -> None:
    output = init(tmp_path, "--host", host)
    assert "Left out: .pre-commit-config.yaml, " in output
    assert "kb init --source OWNER/REPOSITORY@SHA" in output
    runs = [path for path in snapshot(tmp_path) if path.endswith((".yml", ".yaml"))]
    assert runs == ["mkdocs.yml"]
    output = init(tmp_path, "--host", host, *FROM)
    assert named(output, "wrote") == set(left_out(host))
    assert "Left out" not in output


@pytest.mark.parametrize("word", ["acme/kb@v1.0.0", "acme/kb@main", "acme/kb@0123456", "kb"])
def test_a_source_that_can_move_is_refused_before_anything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], word: str
) -> None:
    err = fails(tmp_path, capsys, "--source", word)
    assert "OWNER/REPOSITORY@SHA" in err or "tags and branches move" in err
    assert snapshot(tmp_path) == {}


def installed_from(folder: Path, address: str) -> Path:
    """The metadata of an installation from a commit of a repository, for PYTHONPATH."""
    info = folder / "site/postmortem_kb-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: postmortem-kb\nVersion: 0.1.0\n")
    facts = {"url": address, "vcs_info": {"vcs": "git", "commit_id": SHA}}
    (info / "direct_url.json").write_text(json.dumps(facts))
    return info.parent


def test_an_installation_from_a_commit_needs_no_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed_from(tmp_path, "https://github.com/acme/kb.git")))
    assert "Left out" not in init(tmp_path, "library", "--host", "github")
    check = (tmp_path / "library/.github/workflows/kb-check.yml").read_text()
    assert f"uses: acme/kb@{SHA}\n" in check


def test_an_installation_from_another_host_serves_gitlab_and_not_the_actions_of_github(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(installed_from(tmp_path, "https://git.example.org/acme/kb")))
    assert "Left out" in init(tmp_path, "one", "--host", "github")
    assert "Left out" not in init(tmp_path, "two", "--host", "gitlab")
    jobs = (tmp_path / "two/.gitlab/kb.gitlab-ci.yml").read_text()
    assert 'KB_REPOSITORY: "https://git.example.org/acme/kb"' in jobs


# The settings it writes.

_EXAMPLE = re.compile(r"^# (?=\w+ = )", re.MULTILINE)


@pytest.fixture
def settings(tmp_path: Path) -> str:
    init(tmp_path)
    return (tmp_path / "kb.toml").read_text("utf-8")


def test_the_settings_say_what_holds_without_them(settings: str) -> None:
    assert parse_config(settings.encode(), "kb.toml") == Config()


def test_every_example_in_the_settings_can_be_taken_as_it_is(settings: str) -> None:
    text = _EXAMPLE.sub("", settings)
    build_form(parse_config(text.encode(), "kb.toml"))
    for example in _EXAMPLE.finditer(settings):
        alone = settings[: example.start()] + settings[example.end() :]
        parse_config(alone.encode(), "kb.toml")


def test_the_settings_show_every_key_there_is(settings: str) -> None:
    shown = {name: set(keys) for name, keys in tomllib.loads(_EXAMPLE.sub("", settings)).items()}
    known = {
        table.name: {field.name for field in msgspec.structs.fields(table.type)}
        for table in msgspec.structs.fields(Config)
    }
    assert shown == known


def test_the_schema_that_the_settings_name_is_written_and_accepts_them(tmp_path: Path) -> None:
    import jsonschema

    init(tmp_path)
    text = (tmp_path / "kb.toml").read_text("utf-8")
    schema = json.loads((tmp_path / text.splitlines()[0].split()[-1]).read_text("utf-8"))
    jsonschema.validate(tomllib.loads(_EXAMPLE.sub("", text)), schema)


def test_with_casebook_public_incidents_are_searched_by_default(tmp_path: Path) -> None:
    init(tmp_path, "--with-casebook")
    settings = (tmp_path / "kb.toml").read_bytes()
    assert parse_config(settings, "kb.toml").search.casebook
    output = init(tmp_path, "--with-casebook")
    assert "by hand" not in output
    assert (tmp_path / "kb.toml").read_bytes() == settings


def test_settings_that_exist_are_told_how_to_search_the_casebook(tmp_path: Path) -> None:
    init(tmp_path)
    before = (tmp_path / "kb.toml").read_bytes()
    output = init(tmp_path, "--with-casebook")
    assert (tmp_path / "kb.toml").read_bytes() == before
    assert "         [search]\n         casebook = true" in output
