"""What does `kb init` write? Every file with its content, what it is for, and what it must hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import PurePosixPath

from kb import __version__
from kb.config import FILE_NAME, Config, config_schema
from kb.records.draft import blank_template
from kb.records.key_schema import front_matter_schema


@dataclass(frozen=True, slots=True)
class Target:
    """One file.

    `instead` are others a host would read in its place; `needle` is what a file of that name must
    hold to do its work, empty where its content is the team's own affair; `lacking` is what to add
    where it does not, empty for the whole content.
    """

    path: str
    content: bytes
    purpose: str
    instead: tuple[str, ...] = ()
    needle: str = ""
    lacking: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A target as it is packaged; `source` is its name below `kb/data/init`."""

    path: str
    source: str
    purpose: str
    instead: tuple[str, ...] = ()
    needle: str = ""


_CASEBOOK = "casebook = true"
_EVERYWHERE = (
    _Row("kb.toml", "kb.toml", "settings, every key with an example"),
    _Row("mkdocs.yml", "mkdocs.yml", "the site", needle="assets/kb/kb.css"),
    _Row(
        ".pre-commit-config.yaml",
        "pre-commit-config.yaml",
        "kb fmt and kb check before a commit",
        needle="kb-check",
    ),
    _Row(".gitignore", "gitignore", "what kb computes stays out of Git", needle=".kb/"),
)
_GITHUB = (
    _Row(".github/workflows/kb-check.yml", "kb-check.yml", "reads pull requests, writes nothing"),
    _Row(".github/workflows/kb-comment.yml", "kb-comment.yml", "posts the review comment"),
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
    _Row(".gitlab/kb.gitlab-ci.yml", "kb.gitlab-ci.yml", "checks merge requests and comments"),
    _Row(".gitlab-ci.yml", "gitlab-ci.yml", "includes that", needle="kb.gitlab-ci.yml"),
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
HOSTS: dict[str, tuple[_Row, ...]] = {"github": _GITHUB, "gitlab": _GITLAB, "none": ()}


def plan(records: str, host: str, *, example: bool, casebook: bool = False) -> tuple[Target, ...]:
    """The files of a knowledge base in the order they are written.

    `records` is the folder of the records, `host` a key of `HOSTS`; with `casebook` its settings
    let public incidents be searched.
    """
    template = Target(f"{records}/template.md", blank_template().encode(), "the form, for cp")
    found = [template, *_schemas(records)]
    found += [_target(row, records) for row in (*_EVERYWHERE, *HOSTS[host])]
    if casebook:
        found = [_with_casebook(target) if target.path == FILE_NAME else target for target in found]
    if example:
        found += _tree(_data("example"), PurePosixPath(records))
    return tuple(found)


def what_to_add(target: Target, text: str) -> str:
    """What a file that exists lacks to do a target's work; empty where it lacks nothing."""
    if not target.needle or target.needle in text:
        return ""
    return target.lacking or target.content.decode()


def _with_casebook(settings: Target) -> Target:
    """The settings with the mark taken off the line that lets the casebook be searched."""
    content = settings.content.replace(f"\n# {_CASEBOOK}".encode(), f"\n{_CASEBOOK}".encode())
    lacking = f"[search]\n{_CASEBOOK}\n"
    return replace(settings, content=content, needle=f"\n{_CASEBOOK}", lacking=lacking)


def _schemas(records: str) -> Iterator[Target]:
    """The schemas that editors complete front matter and settings by."""
    for name, schema in (
        ("front-matter.schema.json", front_matter_schema()),
        ("kb.toml.schema.json", config_schema()),
    ):
        text = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        yield Target(f"{records}/{name}", text.encode(), "completion in editors")


def _target(row: _Row, records: str) -> Target:
    content = _placed(_data("init", row.source).read_text("utf-8"), records)
    needle = _placed(row.needle, records)
    return Target(row.path, content.encode(), row.purpose, row.instead, needle)


def _placed(text: str, records: str) -> str:
    """A packaged text with this version, and with the folder the records are in."""
    usual = Config().library.path
    moved = text.replace(f"{usual}/", f"{records}/") if records != usual else text
    return moved.replace("KB_VERSION", __version__)


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
