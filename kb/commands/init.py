"""`kb init`: a knowledge base in an existing repository, nothing of it overwritten."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

import click

from kb.errors import KbError
from kb.records.draft import blank_template

#: File in the repository to the packaged file it is copied from (below `kb/data`).
_FILES = {
    "kb.toml": "init/kb.toml",
    "mkdocs.yml": "init/mkdocs.yml",
    "postmortems/front-matter.schema.json": "schemas/front-matter.schema.json",
    ".pre-commit-config.yaml": "init/pre-commit-config.yaml",
}
_GITHUB = {
    ".github/workflows/kb-check.yml": "init/kb-check.yml",
    ".github/workflows/kb-comment.yml": "init/kb-comment.yml",
    ".github/PULL_REQUEST_TEMPLATE/postmortem.md": "init/postmortem.md",
    ".github/CODEOWNERS": "init/CODEOWNERS",
}
_GITLAB = {
    ".gitlab/kb.gitlab-ci.yml": "init/kb.gitlab-ci.yml",
    ".gitlab/merge_request_templates/postmortem.md": "init/postmortem.md",
}
_HOSTS = {"github": _GITHUB, "gitlab": _GITLAB, "none": {}}


@click.command("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--example", is_flag=True, help="Add the worked example, which is fictional.")
@click.option(
    "--host",
    type=click.Choice(list(_HOSTS)),
    default="github",
    show_default=True,
    help="Whose CI to set up.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def command(folder: Path, example: bool, host: str, dry_run: bool) -> None:
    """Start a knowledge base in FOLDER, by default here.

    Writes postmortems/, kb.toml, mkdocs.yml, a CI workflow, a pre-commit hook and CODEOWNERS.
    A file that exists is kept as it is, so the command can be run again.
    """
    plan = _plan(host, example=example)
    kept = [name for name in plan if (folder / name).exists()]
    for name, content in plan.items():
        if name not in kept:
            if not dry_run:
                _write(folder / name, content)
            click.echo(f"{'would write' if dry_run else 'wrote'}  {name}")
    for name in kept:
        click.echo(f"kept         {name}" if dry_run else f"kept   {name}")
    if not dry_run:
        _say_what_next()


def _plan(host: str, *, example: bool) -> dict[str, bytes]:
    """Path in the repository to content, in the order it is written."""
    plan = {"postmortems/template.md": blank_template().encode()}
    for target, source in {**_FILES, **_HOSTS[host]}.items():
        plan[target] = _data(source).read_bytes()
    if example:
        plan |= dict(_tree(_data("example"), PurePosixPath("postmortems")))
    return plan


def _data(name: str) -> Traversable:
    return files("kb.data").joinpath(*name.split("/"))


def _tree(folder: Traversable, target: PurePosixPath) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        path = target / entry.name
        found += _tree(entry, path) if entry.is_dir() else [(str(path), entry.read_bytes())]
    return found


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as stream:
            stream.write(content)
    except OSError as error:
        raise KbError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            todo="Mend that and run 'kb init' again; what is there is kept.",
        ) from error


def _say_what_next() -> None:
    click.echo('\nNext: kb new "What the agent did"    a first record')
    click.echo("      kb check                       what is missing in it")
    click.echo("      kb similar FILE                whether it has happened before")
