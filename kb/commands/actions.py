"""`kb actions`: what was promised, by whom, and whether it is done."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click

from kb.actions.action import Action, actions
from kb.actions.action_filter import ActionFilter, record_id_in
from kb.actions.close_and_sign_lines import close_action, reopen_action, write_change
from kb.actions.dates_from_git_cache import trails_from
from kb.actions.effectiveness import EFFECTS
from kb.actions.render import actions_text
from kb.actions.trackers.http_client import Client
from kb.actions.trackers.registry import NAMES, TrackerChoice, find_service, make_tracker
from kb.actions.trackers.sync import SETTLE_SECONDS, Sync, SyncEvent
from kb.actions.trackers.ticket_journal import Journal
from kb.commands.completion import owners, record_ids, words
from kb.commands.metrics import read_day
from kb.commands.record_by_id import record_file
from kb.errors import KbError
from kb.library import LOCAL_FOLDER, Library, load_document, open_library
from kb.metrics.compute_page import main_origin, read_as_of, read_folder
from kb.metrics.json_output import actions_json, encoded
from kb.records.document import Document
from kb.records.taxonomy import ORIGINS
from kb.repo import Repo, open_repo
from kb.streams import echo, echo_json
from kb.terminal import visible


@click.group("actions", invoke_without_command=True)
@click.option(
    "--owner", metavar="WHO", shell_complete=owners, help="Only what this owner promised."
)
@click.option(
    "--lever",
    metavar="WORD",
    shell_complete=words("lever"),
    help="Only this lever: test, alert, permission, …",
)
@click.option(
    "--class",
    "word",
    metavar="CLASS",
    shell_complete=words("classes"),
    help="Only of incidents of this class.",
)
@click.option("--record", metavar="ID", shell_complete=record_ids, help="Only of this record.")
@click.option(
    "--gate",
    metavar="WORD",
    shell_complete=words("gate"),
    help="Only conditions of this gate: restart, rollout.",
)
@click.option(
    "--state",
    type=click.Choice(["open", "closed", "cancelled", "all"]),
    help="Open ones, and done ones that failed, unless given; with --json all.",
)
@click.option(
    "--effect",
    type=click.Choice(EFFECTS),
    help="Only done ones of which this is known: whether it came again (docs/never-twice.md).",
)
@click.option("--due", metavar="DATE", help="Only what is due by that day.")
@click.option("--overdue", is_flag=True, help="Only what is overdue.")
@click.option(
    "--origin", type=click.Choice([word.name for word in ORIGINS]), help="Whose incidents."
)
@click.option("--as-of", metavar="DATE|REV", help="As it stood then.")
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    as_of: str | None,
    as_json: bool,
    due: str | None,
    word: str | None,
    state: str | None,
    origin: str | None,
    overdue: bool,
    **others: str | None,
) -> int:
    """List what was promised, overdue first; close or sync it with the verbs below."""
    if context.invoked_subcommand is not None:
        return 0
    repo = open_repo(Path.cwd())
    reading = read_folder(Path.cwd(), repo, read_as_of(repo, as_of, datetime.now(UTC)))
    wanted = ActionFilter(
        failure_class=word or "",
        state=state or ("all" if as_json or others["effect"] else "owed"),
        due=read_day(due),
        origin=origin or main_origin(reading.library),
        overdue=overdue,
        **{name: value or "" for name, value in others.items()},
    )
    wanted.check_words(reading.library)
    found = wanted.chosen(actions(reading.library, reading.trails, reading.as_of.day))
    if as_json:
        echo_json(encoded(actions_json(found, reading.as_of)), end="")
    else:
        echo(actions_text(found, reading.as_of), end="")
    return 0


@command.command("close")
@click.argument("action_id", metavar="ID")
@click.option("--on", "day", metavar="DATE", help="The day it was done; default today.")
@click.option("--cancel", is_flag=True, help="It will not be done: mark it so instead.")
def close(action_id: str, day: str | None, cancel: bool) -> int:
    """Tick action ID (`<record>#A2`) in its record, and write the day."""
    today = datetime.now(UTC).date()
    on = read_day(day) or today
    if on > today:
        raise KbError(f"{on} has not come yet", todo="Close an action when it is done.")
    library = open_library(Path.cwd())
    document, label = _record_and_label(library, action_id)
    change = close_action(document, label, on, "cancelled" if cancel else "closed")
    if not change.is_needed:
        echo(visible(f"{action_id} is {'cancelled' if cancel else 'closed'} already"))
        return 0
    write_change(library, change)
    done = "cancelled" if cancel else "closed"
    echo(visible(f"{document.path}: {label} {done} on {on}"))
    return 0


@command.command("reopen")
@click.argument("action_id", metavar="ID")
def reopen(action_id: str) -> int:
    """Take the tick from action ID (`<record>#A2`): what was done did not hold.

    Its day of closing and its verification go with the tick; Git keeps them. Close it again when
    it is mended: it is watched from that day on.
    """
    library = open_library(Path.cwd())
    document, label = _record_and_label(library, action_id)
    change = reopen_action(document, label)
    if not change.is_needed:
        echo(visible(f"{action_id} is open already"))
        return 0
    write_change(library, change)
    echo(visible(f"{document.path}: {label} reopened"))
    return 0


def _record_and_label(library: Library, action_id: str) -> tuple[Document, str]:
    """The record of an action's id, or of a part of it, and its label."""
    name, _, label = action_id.partition("#")
    return load_document(record_file(library, name), library.form, library.root), label


@command.command("sync")
@click.option("--to", "name", type=click.Choice(NAMES), required=True, help="Which tracker.")
@click.option("--project", default="", metavar="NAME", help="owner/name, team or project key.")
@click.option("--api", "address", default="", metavar="URL", help="Another address of the service.")
@click.option("--dry-run", "is_dry", is_flag=True, help="Look, and change nothing anywhere.")
@click.option(
    "--settle",
    "settle_seconds",
    type=float,
    default=SETTLE_SECONDS,
    show_default=True,
    help="Seconds to wait before a ticket that was begun and is not seen is made again.",
)
def sync(name: str, project: str, address: str, is_dry: bool, settle_seconds: float) -> int:
    """Give every open action one ticket, and tick the boxes of tickets that are done.

    Tokens come from the environment: GITHUB_TOKEN; LINEAR_API_KEY; JIRA_URL, JIRA_EMAIL and
    JIRA_API_TOKEN, for Data Center without JIRA_EMAIL. JIRA_ISSUE_TYPE is Task by default. A run
    that was stopped can be run again at any time. Exit 1: something waits or failed.

    Commit the keys it writes: they, and .kb/sync on this machine, are what a ticket is known by.
    Without both it is looked up by a mark, under every name Git has for the record. A second
    ticket is made where that mark is gone (its label or text was edited), where the record was
    renamed without a commit, or in Jira where another machine made one seconds ago.
    """
    library, repo = open_library(Path.cwd()), open_repo(Path.cwd())
    choice = TrackerChoice(name, project, address, repo.remote_url() or "")
    every = actions(library, None, datetime.now(UTC).date())
    promised = [action for action in every if action.origin == "own"]
    with Client(find_service(choice)) as client:
        tracker = make_tracker(choice, client)
        place = re.sub(r"[^\w.-]+", "-", f"{tracker.name}-{tracker.project}")
        file = library.root / LOCAL_FOLDER / "sync" / f"{place}.jsonl"
        with Journal(file, is_dry=is_dry) as journal:
            link, earlier = partial(_link, library, repo), _earlier_ids(library, repo)
            run = Sync(library, tracker, journal, link, is_dry, earlier, settle_seconds)
            events = [_printed(event) for event in run.run(promised)]
    echo(f"{len(events)} actions looked at" if events else "no open action to look at")
    return 0 if all(event.is_settled for event in events) else 1


def _link(library: Library, repo: Repo, action: Action) -> str:
    """Where a ticket's reader finds the postmortem: its page at the host, else its path."""
    path = next(document.path for document in library.documents if document.id == action.record)
    inside = repo.relative(library.root / path)
    return (repo.web_url(inside) if inside else None) or path.as_posix()


def _earlier_ids(library: Library, repo: Repo) -> Callable[[Action], tuple[str, ...]]:
    """The ids an action had under the earlier names of its record, the latest first."""
    head = repo.head.sha if repo.head else ""
    trails = trails_from(repo, library.root, library.config.library.path, head)
    paths = {document.id: document.path for document in library.documents}

    def ids(action: Action) -> tuple[str, ...]:
        names = [record_id_in(name.path) for name in trails.of(paths[action.record]).names]
        return tuple(f"{n}#{action.label}" for n in reversed(names) if n != action.record)

    return ids


def _printed(event: SyncEvent) -> SyncEvent:
    """The event, once it has been printed: a long run shows where it is."""
    if event.what != "unchanged":
        echo(visible(f"{event.what:<12} {event.action}  {event.key} {event.detail}".rstrip()))
    return event
