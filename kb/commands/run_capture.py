"""`kb run capture`: the session of a coding agent, before its transcript is deleted."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import click

from kb.errors import KbError
from kb.humanize import plural
from kb.library import find_root, local_place, make_local_folder
from kb.streams import echo
from kb.terminal import visible


@click.command("capture")
@click.argument("session", default="latest", metavar="[SESSION|latest]")
@click.option(
    "--beside",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="RECORD",
    help="Put it in the folder of that draft.",
)
def command(session: str, beside: Path | None) -> None:
    """Keep a session of a coding agent as one redacted run, with a note of where it came from.

    Looks in the places of Claude Code, Codex, Gemini CLI and Copilot CLI alone. The run holds the
    session, the agents it started and the commits made meanwhile. It is kept in .kb/captures, or
    beside a draft; `kb new --from-run` makes a draft of one that is kept.
    """
    from kb.traces.drafting.agent_sessions import chosen, sessions
    from kb.traces.drafting.capture_session import capture
    from kb.traces.read_runs import team_settings

    work = Path.cwd()
    found = sessions(Path.home(), os.environ)
    one = chosen(found, session, work)
    now = datetime.now(UTC)
    folder = beside.with_suffix("") if beside else _capture_folder(one.agent, one.name, now)
    make = _make if beside is None else _make_nothing
    taken = capture(one, found, team_settings(work), work, now, folder, make)
    sources = taken.custody["sources"]
    echo(visible(f"{folder}: {one.agent}, session {taken.custody['session']}"))
    parts = [plural(len(taken.run.steps), "step"), plural(len(sources), "file")]
    echo(f"  {', '.join([*parts, plural(len(taken.custody['commits']), 'commit')])}")
    first = f"{taken.custody['tool']}, {taken.custody['captured_at']}"
    echo(f"  custody: {first}, sha256 {sources[0]['sha256']}")


def _capture_folder(agent: str, name: str, now: datetime) -> Path:
    """A folder of its own in `.kb/captures`, not made yet."""
    root = find_root(Path.cwd())
    short = re.sub(r"[^A-Za-z0-9]+", "", name)[-12:]
    return root / ".kb" / "captures" / f"{now:%Y-%m-%d-%H%M%S}-{agent}-{short}"


def _make(folder: Path) -> None:
    try:
        local_place(folder / "x")
        make_local_folder(folder)
    except OSError as error:
        raise KbError(f"cannot be made: {error.strerror}", where=str(folder)) from error


def _make_nothing(_: Path) -> None:
    """The folder of a draft is made with its first file."""
