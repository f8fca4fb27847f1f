"""`kb init`: a knowledge base in an existing repository, nothing of it overwritten."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import click

from kb.adopt.not_yet_adopted import ExistingPostmortems, find_existing
from kb.commands.init_plan import HOSTS, Target, left_out, plan, what_to_add
from kb.config import FILE_NAME
from kb.errors import KbError
from kb.humanize import plural
from kb.installation import PLACEHOLDER, InstallSource, installed_source, parse_source
from kb.safe_files import Root, UnsafePathError, read_named, replace_known
from kb.streams import echo
from kb.terminal import as_lines, visible
from kb.trusted_settings import open_config

_WIDTH = 44
_MAX_KEPT_BYTES = 2_000_000
#: How a schema begins that kb wrote.
_SCHEMA = '"$schema": "https://json-schema.org/draft/2020-12/schema"'
_SCHEMA_HEAD = 200


@click.command("init")
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--example", is_flag=True, help="Add the worked example, which is fictional.")
@click.option(
    "--with-casebook",
    "casebook",
    is_flag=True,
    help="Let kb similar search the public incidents that ship with kb, too.",
)
@click.option(
    "--host",
    type=click.Choice(list(HOSTS)),
    help="Whose CI to set up; default that of the remote, else github.",
)
@click.option(
    "--source",
    metavar=PLACEHOLDER,
    help="The repository and full commit that CI and hooks install kb from; default the commit "
    "that this kb was installed from.",
)
@click.option(
    "--agents",
    is_flag=True,
    help="Tell coding agents: AGENTS.md, a skill, and the MCP server for the common clients.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def command(
    folder: Path,
    host: str | None,
    source: str | None,
    *,
    example: bool,
    casebook: bool,
    agents: bool,
    dry_run: bool,
) -> None:
    """Start a knowledge base in FOLDER, by default here.

    Writes postmortems/, kb.toml, mkdocs.yml, CI, a pre-commit hook and CODEOWNERS. A file that
    exists is kept as it is, and what it lacks is said; the command can be run again. CI and hooks
    install kb from one commit, and are left out where none is known.
    """
    config = open_config(folder)
    records = config.library.path.strip("/") or "."
    before = find_existing(folder.absolute(), config)
    is_first = not _exists(folder, FILE_NAME)
    host = host or _host(folder)
    origin = _source(source, host)
    targets = plan(
        records, host, origin, example=example, casebook=casebook, agents=agents, config=config
    )
    missing = [target for target in targets if _there(folder, target) is None]
    is_brief = not (missing or dry_run or casebook or agents)
    _write_all(folder, targets, missing, dry_run=dry_run, brief=is_brief)
    absent = [] if origin else [path for path in left_out(host) if not _exists(folder, path)]
    if absent:
        _say_left_out(absent)
    if is_first and not dry_run:
        _say_what_happens(records, before, [target.path for target in missing])
    _say_existing(before)
    if not dry_run:
        _say_what_next(folder, records, fresh=bool(missing), whole=not absent)


def _write_all(
    folder: Path, targets: Iterable[Target], missing: list[Target], *, dry_run: bool, brief: bool
) -> None:
    """Writes what is missing, writes anew what kb.toml changed, and says what was kept."""
    targets = tuple(targets)
    for place in () if dry_run else sorted({PurePosixPath(each.path).parent for each in targets}):
        Root(folder.absolute()).sweep(place)
    for target in missing:
        if not dry_run:
            _write(folder, target.path, target.content)
        echo(_line("would write" if dry_run else "wrote", target.path, target.purpose))
    for target in (target for target in targets if target not in missing):
        if _is_stale(folder, target):
            _refresh(folder, target, dry_run=dry_run)
        else:
            _say_kept(folder, target, brief=brief)


def _source(named: str | None, host: str) -> InstallSource | None:
    """Where CI gets kb: the source that was named, else that of this installation."""
    if named is not None:
        return parse_source(named)
    source = installed_source()
    # A workflow names an action, and actions lie on GitHub alone.
    return None if source and host == "github" and not source.github else source


def _exists(folder: Path, name: str) -> bool:
    """Whether something has that name, be it a link that leads nowhere."""
    return os.path.lexists(folder / name)


def _say_left_out(absent: list[str]) -> None:
    echo(f"\nLeft out: {', '.join(absent)}.")
    echo("They install kb from one commit, and this installation does not say which it is.")
    echo(f"To write them:  kb init --source {PLACEHOLDER}   (SHA: the full commit)")


def _line(done: str, path: str, purpose: str) -> str:
    return f"{done}  {path:{_WIDTH}}  {purpose}".rstrip()


def _there(folder: Path, target: Target) -> Path | None:
    """What already does this file's work: the file itself, or one that a host reads instead."""
    names = (target.path, *target.instead)
    return next((folder / name for name in names if _exists(folder, name)), None)


def _say_kept(folder: Path, target: Target, *, brief: bool) -> None:
    """What becomes of a file that exists; in brief no more than that it lacks something."""
    there = _there(folder, target) or folder / target.path
    text = _read(there)
    if brief:
        if what_to_add(target, text):
            name = visible(there.relative_to(folder).as_posix())
            echo(_line("kept ", name, "lacks something: kb init --dry-run says what"))
        return
    is_ours = text == target.content.decode()
    purpose = "" if is_ours else "yours, kept as it is"
    echo(_line("kept ", visible(there.relative_to(folder).as_posix()), purpose))
    if added := what_to_add(target, text):
        # An item of a list that the file has goes into that list: its key stands once.
        where = ", in the list that is there" if added[:1] == " " else ""
        echo(f"       it lacks this; add it by hand{where}:\n")
        echo("\n".join(f"         {line}".rstrip() for line in added.splitlines()))
        echo("")


def _is_stale(folder: Path, target: Target) -> bool:
    """Whether a file that kb made from the settings was made from others."""
    if not target.refreshed:
        return False
    text = _read(folder / target.path)
    return text != target.content.decode() and _SCHEMA in text[:_SCHEMA_HEAD]


def _refresh(folder: Path, target: Target, *, dry_run: bool) -> None:
    path = folder / target.path
    echo(_line("would refresh" if dry_run else "refreshed", target.path, "kb.toml changed"))
    if dry_run:
        return
    try:
        replace_known(path, read_named(path, _MAX_KEPT_BYTES), target.content)
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _say_what_happens(
    records: str, before: tuple[ExistingPostmortems, ...], written: Iterable[str]
) -> None:
    """What checks, gates and CI do from now on."""
    names = set(written)
    among = sum(one.count for one in before if one.folder == PurePosixPath(records))
    echo("\nFrom now on:")
    echo(f"  checks  kb check holds {records}/YYYY-MM-DD-slug.md to the form, and nothing else.")
    if among:
        echo(f"          {plural(among, 'file')} there would fail it: kb adopt, and none does.")
    echo("  gates   kb gate answers only where a record names a route; adopted ones hold none.")
    if any("kb-check" in name or "kb.gitlab-ci" in name for name in names):
        echo(f"  CI      a job of its own on changes of {records}/: it fails on errors, comments,")
        echo("          and touches no other job.")
    else:
        echo("  CI      nothing was added to it.")
    hook = ".pre-commit-config.yaml" in names
    echo(f"  hooks   {'kb fmt and kb check, once pre-commit is installed' if hook else 'none'}.")


def _say_existing(before: tuple[ExistingPostmortems, ...]) -> None:
    """How many postmortems there are already, and how they get in."""
    total = sum(one.count for one in before)
    if not total:
        return
    are = (
        "file looks like a postmortem and is no record"
        if total == 1
        else ("files look like postmortems and are no records")
    )
    echo(f"\n{total} {are}:")
    for one in before:
        echo(as_lines([f"  {one.count:4}  {visible(one.folder.as_posix())}/"]), end="")
    folders = " ".join(visible(shlex.quote(one.folder.as_posix())) for one in before)
    echo("They get in as they stand: searched, held to nothing, undone by one revert.")
    echo(f"  kb adopt --dry-run {folders}")


def _read(path: Path) -> str:
    try:
        return read_named(path, _MAX_KEPT_BYTES).decode("utf-8", "replace")
    except (OSError, UnsafePathError):
        return ""


def _host(folder: Path) -> str:
    """The host the repository's remote is at, as far as its name tells."""
    from kb.repo import open_repo

    if (folder / ".gitlab-ci.yml").exists():
        return "gitlab"
    address = open_repo(folder).remote_url() or ""
    return "gitlab" if "gitlab" in address else "github"


def _write(folder: Path, place: str, content: bytes) -> None:
    try:
        Root(folder.absolute()).create(place, content)
    except FileExistsError:
        pass  # another run was faster
    except (OSError, UnsafePathError) as error:
        why = (
            f"{error.where} {error.what}" if isinstance(error, UnsafePathError) else error.strerror
        )
        raise KbError(
            f"cannot be written: {why or error}",
            where=str(folder / place),
            todo="Mend that and run 'kb init' again; what is there is kept.",
        ) from error


def _say_what_next(folder: Path, records: str, *, fresh: bool, whole: bool) -> None:
    from kb.repo import open_repo

    repo = open_repo(folder)
    inside = repo.relative(folder)
    echo("")
    if inside is not None and inside.parts:
        echo(f"Move .github, .gitlab and .pre-commit-config.yaml to {repo.root}:")
        echo("hosts and hooks look for them only there.\n")
    if not fresh:
        echo(f"Nothing was written: every {'' if whole else 'other '}file is there.")
        return
    echo("Before you commit: name the people who review, in CODEOWNERS.\n")
    echo('Next:  kb new "What the agent did"    a first record')
    echo("       kb check --as published        what is missing in it")
    echo("       kb similar FILE                whether it has happened before")
