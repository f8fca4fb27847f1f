"""`kb push`: what this library shares, to the organisation's store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from kb.humanize import plural
from kb.search.is_installed import prepare_search
from kb.streams import echo, echo_json

if TYPE_CHECKING:
    from kb.library import Library
    from kb.store.connection import Store
    from kb.store.push_library import PushReport


@click.command("push")
@click.option("--set-up", "sets_up", is_flag=True, help="Make or update the tables; push nothing.")
@click.option("--force", is_flag=True, help="Push although the store holds a later commit.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.push/1).")
def command(*, sets_up: bool, force: bool, as_json: bool) -> None:
    """Bring what this library shares to the organisation's store, as of its last commit.

    What goes there is said by share in [library]: facts by default, which hold no sentence. Only
    records that changed are sent, all in one transaction; one that is gone leaves a tombstone.
    The server is [store] url, its password PGPASSWORD or ~/.pgpass. Run it in CI after a merge, as
    the role of a team: a library belongs to the role that pushes it first.
    """
    if sets_up and (force or as_json):
        raise click.UsageError("--set-up pushes nothing: run it alone.")
    prepare_search()
    from kb.library import unread_library
    from kb.store.connection import connect
    from kb.store.push_library import push

    library = unread_library(Path.cwd())
    store = connect(library)
    try:
        if sets_up:
            echo(_set_up(library, store))
            return
        from kb.commands.build import progress_bar

        with progress_bar() as progress:
            report = push(library, store, progress=progress, force=force)
    finally:
        store.close()
    if as_json:
        echo_json(msgspec.json.encode({"schema": "kb.push/1", **asdict(report)}).decode())
    else:
        echo(_words(report))


def _words(report: PushReport) -> str:
    """What was done, in two lines."""
    if report.is_older:
        return (
            f"The store holds {report.stored_revision[:12]}, which is later than "
            f"{report.revision[:12]}: nothing was pushed."
        )
    done = [
        f"{plural(report.written, 'record')} written" if report.written else "",
        f"{report.removed} removed" if report.removed else "",
        f"{report.unchanged} unchanged" if report.unchanged else "",
    ]
    counts = ", ".join(part for part in done if part) or "nothing to push"
    what = {
        "all": "texts and facts",
        "external": "signed external editions",
        "facts": "facts, no sentence",
        "none": "nothing",
    }
    shared = what.get(report.share, report.share)
    return (
        f"{report.library} at {report.revision[:12]}: {counts}.\n"
        f"Other teams get: {shared} (share = {report.share}). {report.address}"
    )


def _set_up(library: Library, store: Store) -> str:
    """Make or update the tables; what was done."""
    from kb.search.index.index import ready_encoder
    from kb.store.corpus_statistics_rows import fix_encoder
    from kb.store.fit_curves import count_open_texts
    from kb.store.migrations import set_up

    encoder = ready_encoder(library)
    with store.transaction():
        steps = set_up(store)
        if steps:
            fix_encoder(store, encoder.card)
            count_open_texts(store, encoder.card)
    if not steps:
        return "The store's tables are current."
    done = plural(len(steps), "step")
    return f"The store's tables are made: {done}.\nNext, as the role of a team: kb push"
