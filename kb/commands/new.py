"""`kb new`: a draft in the editor within a second."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kb.commands.metrics import read_day
from kb.errors import KbError
from kb.humanize import plural
from kb.library import find_root, records_folder
from kb.records.blank_record import blank_record, slug
from kb.records.document import read_document
from kb.records.form import Form, build_form
from kb.records.grow_to_profile import Growth, grow_record
from kb.records.record_files import MAX_RECORD_BYTES
from kb.safe_files import Root, read_named, replace_known
from kb.streams import echo, is_terminal, warn
from kb.terminal import visible
from kb.trusted_settings import open_config

if TYPE_CHECKING:
    from kb.traces.drafting.draft import Sources

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _profile(name: str, *, help: str) -> Callable[[_Command], _Command]:
    """The option that chooses a profile; several of them are told apart in `_one_profile`."""
    option = partial(click.option, flag_value=name, multiple=True, help=help)
    return option(f"--{name}", "profiles")


def _one_profile(profiles: tuple[str, ...]) -> str:
    """The profile that was asked for, empty for none. Fails for two that differ."""
    if len(wanted := tuple(dict.fromkeys(profiles))) > 1:
        raise click.UsageError(f"A record has one profile: --{' or --'.join(wanted)}.")
    return wanted[0] if wanted else ""


@click.command("new")
@click.argument("title", required=False)
@_profile("one-page", help="A sentence a question, 30 minutes.")
@_profile("short", help="For SEV3–SEV4, near misses, rescues.")
@_profile("public", help="Written from published facts.")
@click.option(
    "--date",
    "day",
    metavar="YYYY-MM-DD",
    help="UTC day of first impact; default today, or the trace's.",
)
@click.option(
    "--full",
    "extend",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Add to a record what publishing will ask of it; change nothing else.",
)
@click.option(
    "--from-run",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Fill in what this trace proves; put fixture.json beside it.",
)
@click.option("--run", "wanted", default="", metavar="ID|N", help="Which run of that file.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="PASSING",
    help="A run of the same task that went well.",
)
@click.option("--passing-run", default="", metavar="ID|N", help="Which run of that file.")
@click.option(
    "--from-channel",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Timeline candidates from a chat, or an incident of PagerDuty, incident.io, FireHydrant.",
)
@click.option(
    "--zone",
    default="",
    metavar="ZONE",
    help="Whose clock its times are that name no zone: UTC, +02:00, Europe/Berlin.",
)
@click.option("--from-git", metavar="RANGE", help="Timeline candidates from these commits.")
@click.option("--no-edit", is_flag=True, help="Do not open $EDITOR.")
def command(  # noqa: PLR0913, PLR0917 - one parameter an option
    title: str | None,
    profiles: tuple[str, ...],
    day: str | None,
    extend: Path | None,
    from_run: Path | None,
    wanted: str,
    against: Path | None,
    passing_run: str,
    from_channel: Path | None,
    zone: str,
    from_git: str | None,
    no_edit: bool,
) -> None:
    """Start a record with TITLE: the questions of the form, ready to be answered.

    The default profile is full. On a terminal the draft opens in $VISUAL or $EDITOR.
    With --from-run the title may be left out; secrets and people are replaced before anything is
    written, and what the trace cannot prove stays a question.
    """
    profile = _one_profile(profiles)
    root = find_root(Path.cwd())
    form = build_form(open_config(root))
    on = read_day(day)
    if from_run or against or from_channel or from_git:
        from kb.traces.drafting.draft import Sources

        if extend is not None or profile == "public":
            raise click.UsageError("Evidence goes into a new record of your own.")
        asked = Sources(from_run, wanted, against, passing_run, from_channel, zone, from_git)
        path = _from_evidence(root, asked, title or "", on, profile or "full")
    elif extend is not None:
        path, growth = extend, _extend(extend, form)
        echo(visible(_what_was_added(extend, form, growth)))
    else:
        path = _write(root, title, profile or "full", on or datetime.now(UTC).date(), form)
        echo(visible(str(_shown_path(path))))
    if not no_edit:
        edit(path)


def _from_evidence(root: Path, asked: Sources, title: str, on: date | None, profile: str) -> Path:
    from kb.traces.drafting.draft import start
    from kb.traces.redaction import safe_error

    try:
        path, notes = start(root, asked, title, on, profile)
    except KbError as error:
        raise safe_error(error) from error
    for note in notes:
        warn(visible(note))
    echo(visible(str(_shown_path(path))))
    if asked.run and is_terminal("stderr"):
        _say_what_next(path)
    return path


def _say_what_next(path: Path) -> None:
    """The commands that follow, for a person at a terminal; a pipe gets the path alone."""
    fixture = _shown_path(path.with_suffix("") / "fixture.json")
    warn(f"  beside it: {fixture}")
    warn(f"  next: kb run show {fixture}")
    warn(f"        kb check {_shown_path(path)}")
    warn(f"        kb run replay {fixture}")


def _write(root: Path, title: str | None, profile: str, day: date, form: Form) -> Path:
    if not title or not title.strip():
        raise KbError("a record needs a title", todo='Say what happened: kb new "Agent did …".')
    title = " ".join(title.split())
    folder = records_folder(root, open_config(root))
    path = folder / f"{day.isoformat()}-{slug(title)}.md"
    text = blank_record(title, day, profile=profile, form=form)
    if profile == "public":
        text = text.replace("\norigin: own\n", "\norigin: public\n", 1)
    try:
        library = Root(root)
        place = library.relative(path)
        library.sweep(place.parent)
        library.create(place, text.encode("utf-8", "replace"))
    except FileExistsError as error:
        raise KbError(
            "already exists; nothing was written",
            where=str(_shown_path(path)),
            todo="Open it, or choose another title or --date.",
        ) from error
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error
    return path


def _extend(path: Path, form: Form) -> Growth:
    """Insert what publishing will ask of a record and it lacks; what was added."""
    try:
        raw = read_named(path, MAX_RECORD_BYTES)
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", where=str(path)) from error
    document = read_document(raw, path, form)
    if document.faults:
        fault = document.faults[0]
        raise KbError(fault.message, where=f"{path}:{fault.line}", todo="Mend that first.")
    growth = grow_record(document, document.name_date or datetime.now(UTC).date())
    after = growth.text.encode("utf-8", errors="surrogateescape")
    if after != raw:
        _replace(path, raw, after)
    return growth


def _what_was_added(path: Path, form: Form, growth: Growth) -> str:
    """What `--full` did, and which profile decided it."""
    document = read_document(growth.text.encode("utf-8", "surrogateescape"), path, form)
    counts = (
        (growth.sections, "section"),
        (growth.lines, "evidence line"),
        (growth.keys, "front-matter key"),
        (growth.tasks, "action for an open question"),
    )
    many = {"action for an open question": "actions for open questions"}
    parts = [plural(n, noun, many.get(noun, "")) for n, noun in counts if n]
    profile = f"the {document.profile} profile"
    if not parts:
        return f"{path}: has all that {profile} asks for; nothing was added"
    return f"{path}: {', '.join(parts)} added, for {profile}"


def _replace(path: Path, before: bytes, after: bytes) -> None:
    try:
        if not replace_known(path, before, after):
            raise KbError("changed meanwhile; nothing was written", where=str(path))
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error


def edit(path: Path) -> None:
    """Open the editor the user chose, when there is a person at the terminal."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not editor or not (is_terminal("stdin") and is_terminal("stdout")):
        return
    from kb.processes import run_at_terminal

    try:
        run_at_terminal([*shlex.split(editor), str(path)])
    except (OSError, ValueError) as error:
        raise KbError(
            f"the editor '{editor}' did not start: {error}", todo=f"Open {path} yourself."
        ) from error


def _shown_path(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
