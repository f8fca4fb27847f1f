"""The files that `kb init` writes, each with its content, what it is for, and what it must hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from kb.config import FILE_NAME, Config, config_schema
from kb.installation import PLACEHOLDER, InstallSource
from kb.records.blank_record import blank_template
from kb.records.form import build_form
from kb.records.front_matter_schema import front_matter_schema


@dataclass(frozen=True, slots=True)
class Target:
    """One file.

    `instead` are others a host would read in its place; `needle` is what a file of that name must
    hold to do its work, empty where its content is the team's own affair; `lacking` is what to add
    where it does not, empty for the whole content. One that is `refreshed` is made from the
    settings, and written anew where these changed.
    """

    path: str
    content: bytes
    purpose: str
    instead: tuple[str, ...] = ()
    needle: str = ""
    lacking: str = ""
    refreshed: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """A target as it is packaged.

    `name` is its name below `kb/data/init`; one that `runs_kb` brings kb to another machine, and is
    written only where the source it is installed from is known.
    """

    path: str
    name: str
    purpose: str
    instead: tuple[str, ...] = ()
    needle: str = ""
    runs_kb: bool = False


_CASEBOOK = "casebook = true"
_LIST_KEY = re.compile(r"(?:repos|include):")
_EVERYWHERE = (
    _Row("kb.toml", "kb.toml", "settings, every key with an example"),
    # A `mkdocs.yml` of other pages is left alone: `kb site` then has settings of its own.
    _Row("mkdocs.yml", "mkdocs.yml", "the site"),
    _Row(
        ".pre-commit-config.yaml",
        "pre-commit-config.yaml",
        "kb fmt and kb check before a commit",
        needle="kb-check",
        runs_kb=True,
    ),
    _Row(".gitignore", "gitignore", "what kb computes stays out of Git", needle=".kb/"),
)
_GITHUB = (
    _Row(
        ".github/workflows/kb-check.yml",
        "kb-check.yml",
        "reads pull requests, writes nothing",
        runs_kb=True,
    ),
    _Row(
        ".github/workflows/kb-comment.yml",
        "kb-comment.yml",
        "posts the review comment",
        runs_kb=True,
    ),
    _Row(".github/PULL_REQUEST_TEMPLATE/postmortem.md", "postmortem.md", "a pull request's text"),
    # GitHub reads the first of these, so a new one in .github would switch off another.
    _Row(
        ".github/CODEOWNERS",
        "CODEOWNERS",
        "who reviews",
        ("CODEOWNERS", "docs/CODEOWNERS"),
        "/postmortems/",
    ),
)
_GITLAB = (
    _Row(
        ".gitlab/kb.gitlab-ci.yml",
        "kb.gitlab-ci.yml",
        "checks merge requests and comments",
        runs_kb=True,
    ),
    _Row(
        ".gitlab-ci.yml",
        "gitlab-ci.yml",
        "includes that",
        needle="kb.gitlab-ci.yml",
        runs_kb=True,
    ),
    _Row(
        ".gitlab/merge_request_templates/postmortem.md", "postmortem.md", "a merge request's text"
    ),
    _Row(
        ".gitlab/CODEOWNERS",
        "CODEOWNERS",
        "who reviews",
        ("CODEOWNERS", "docs/CODEOWNERS"),
        "/postmortems/",
    ),
)
#: For coding agents: what they are told, the skill, and the MCP server in the files of the common
#: clients (Claude Code and others; Cursor; VS Code; Codex).
_SKILL = ".agents/skills/postmortem"
_AGENTS = (
    _Row("AGENTS.md", "agents/AGENTS.md", "what coding agents are told", needle="kb:agents start"),
    _Row(f"{_SKILL}/SKILL.md", "agents/SKILL.md", "how an agent drafts a record"),
    _Row(f"{_SKILL}/scripts/draft.sh", "agents/scripts/draft.sh", "from a run to a draft"),
    _Row(f"{_SKILL}/scripts/check.sh", "agents/scripts/check.sh", "formats and checks one"),
    _Row(".mcp.json", "agents/mcp.json", "the MCP server, for Claude Code", needle='"kb"'),
    _Row(".cursor/mcp.json", "agents/mcp.json", "the same for Cursor", needle='"kb"'),
    _Row(".vscode/mcp.json", "agents/vscode-mcp.json", "the same for VS Code", needle='"kb"'),
    _Row(".codex/config.toml", "agents/codex.toml", "the same for Codex", needle='"kb"'),
)
HOSTS: dict[str, tuple[_Row, ...]] = {"github": _GITHUB, "gitlab": _GITLAB, "none": ()}


def plan(
    records: str,
    host: str,
    source: InstallSource | None,
    *,
    example: bool,
    casebook: bool = False,
    agents: bool = False,
    config: Config | None = None,
) -> tuple[Target, ...]:
    """The files of a knowledge base in the order they are written.

    `records` is the folder of the records, `host` a key of `HOSTS`; what CI and hooks install comes
    from `source`, and without one they are left out. With `casebook` the settings let public
    incidents be searched; with `agents` coding agents are told how to use the knowledge base.
    """
    template = Target(f"{records}/template.md", blank_template().encode(), "the form, for cp")
    found = [template, *_schemas(records, config or Config())]
    rows = (*_EVERYWHERE, *HOSTS[host], *(_AGENTS if agents else ()))
    found += [_target(row, records, source) for row in rows if not row.runs_kb or source]
    if casebook:
        found = [_with_casebook(target) if target.path == FILE_NAME else target for target in found]
    if example:
        found += _tree(_data("example"), PurePosixPath(records))
    return tuple(found)


def left_out(host: str) -> tuple[str, ...]:
    """The paths of the files that `plan` leaves out where no source is known."""
    return tuple(row.path for row in (*_EVERYWHERE, *HOSTS[host]) if row.runs_kb)


def what_to_add(target: Target, text: str) -> str:
    """What a file that exists lacks to do a target's work; empty where it lacks nothing."""
    if not target.needle or target.needle in text:
        return ""
    whole = target.lacking or target.content.decode()
    return _items(whole, text)


def _items(whole: str, text: str) -> str:
    """What is added, without a key that the file has: a second one would take its place."""
    key, _, rest = whole.partition("\n")
    has_key = any(line.rstrip().startswith(key) for line in text.splitlines())
    return rest if _LIST_KEY.fullmatch(key) and has_key else whole


def _with_casebook(settings: Target) -> Target:
    """The settings with the mark taken off the line that lets the casebook be searched."""
    content = settings.content.replace(f"\n# {_CASEBOOK}".encode(), f"\n{_CASEBOOK}".encode())
    lacking = f"[search]\n{_CASEBOOK}\n"
    return replace(settings, content=content, needle=f"\n{_CASEBOOK}", lacking=lacking)


def _schemas(records: str, config: Config) -> Iterator[Target]:
    """The schemas that editors complete front matter and settings by."""
    for name, schema in (
        ("front-matter.schema.json", front_matter_schema(build_form(config))),
        ("kb.toml.schema.json", config_schema()),
    ):
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        yield Target(f"{records}/{name}", text.encode(), "completion in editors", refreshed=True)


def _target(row: _Row, records: str, source: InstallSource | None) -> Target:
    text = _placed(_data("init", *row.name.split("/")).read_text("utf-8"), records)
    content = _sourced(text, source, records) if source else text
    needle = _placed(row.needle, records)
    return Target(row.path, content.encode(), row.purpose, row.instead, needle)


def _placed(text: str, records: str) -> str:
    """A packaged text with the folder the records are in."""
    usual = Config().library.path
    return text.replace(f"{usual}/", f"{records}/") if records != usual else text


def _sourced(text: str, source: InstallSource, records: str) -> str:
    """A text with the place in it that kb is installed from; of a GitLab component its jobs."""
    marks = {
        PLACEHOLDER: source.github,
        "https://github.com/OWNER/REPOSITORY": source.address,
        "rev: SHA": f"rev: {source.commit}",
        "$[[ inputs.repository ]]": source.address,
        "$[[ inputs.commit ]]": source.commit,
        "$[[ inputs.path ]]": records,
    }
    before, line, jobs = text.partition("\n---\n")
    text = jobs if line else before
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def _data(*names: str) -> Traversable:
    return files("kb.data").joinpath(*names)


def _tree(folder: Traversable, target: PurePosixPath) -> list[Target]:
    found: list[Target] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        path = target / entry.name
        if entry.name == "__pycache__":
            continue  # an installer compiles the agent of the example
        if entry.is_dir():
            found += _tree(entry, path)
        else:
            found.append(Target(str(path), entry.read_bytes(), "the worked example"))
    return found
