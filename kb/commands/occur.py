"""`kb occur`: the cause of a record did harm again, as one line of that record."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from kb.actions.action import Action, actions
from kb.actions.add_occurrence import (
    another_occurrence,
    occurrence_of_run,
    others_with_same_run,
    own_run,
    why_another,
)
from kb.actions.close_and_sign_lines import write_change
from kb.actions.route_names import route_known
from kb.commands.completion import record_ids, routes
from kb.commands.record_by_id import record_that_counts
from kb.errors import KbError
from kb.humanize import plural
from kb.library import Library, open_library
from kb.records.postmortem import Occurrence, read_time
from kb.streams import echo, warn
from kb.terminal import visible


@click.command("occur")
@click.argument("record_id", metavar="ID", shell_complete=record_ids)
@click.option("--at", metavar="TIME", help="When it began, such as 2026-06-20T09:12Z.")
@click.option("--route", metavar="NAME", shell_complete=routes, help="Where, if elsewhere.")
@click.option("--customers", type=click.IntRange(0), metavar="N", help="How many it reached.")
@click.option("--note", metavar="TEXT", help="What was different, in one line.")
@click.option(
    "--from-run",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The trace of it: gives the time, and is never written twice.",
)
@click.option("--run", "wanted", default="", metavar="ID|N", help="Which run of FILE.")
@click.option("--anyway", is_flag=True, help="Although the run went another way.")
def command(
    record_id: str,
    at: str | None,
    route: str | None,
    customers: int | None,
    note: str | None,
    from_run: Path | None,
    wanted: str,
    *,
    anyway: bool,
) -> int:
    """Write into the record ID that its cause did harm again.

    One line is added under `occurrences`; every other byte stays. The incident stays one incident,
    and what it promised is judged anew: a done action that is watched or was verified failed, and
    holds its gate. A part of an id is enough where one record has it. A run is compared with the
    one stored beside the record, and has to show the same fault on the same way.
    """
    library = open_library(Path.cwd())
    path = record_that_counts(library, record_id)
    document = next(d for d in library.documents if library.root / d.path == path)
    occurrence = _occurrence(at, from_run, wanted)
    where = _route(library, route)
    occurrence = replace(occurrence, route=where, customers=customers, note=_line(note))
    change = another_occurrence(
        document, occurrence, datetime.now(UTC), own_run(library, document.id)
    )
    if from_run and not anyway:
        _compare(library, document.id, from_run, wanted)
    write_change(library, change)
    for line in _consequences(open_library(library.root), document.id, occurrence):
        echo(visible(line))
    return 0


def _occurrence(at: str | None, from_run: Path | None, wanted: str) -> Occurrence:
    """What is known of it: its time, and where a run is given its name and digest."""
    from kb.traces.read_runs import team_settings

    moment = read_time(at) if at else None
    if at and moment is None:
        raise KbError(f"'{at}' is no time with an offset", todo="Write --at 2026-06-20T09:12Z.")
    if from_run is None:
        if moment is None:
            todo = "Give --at 2026-06-20T09:12Z, or --from-run FILE."
            raise KbError("when was it?", todo=todo)
        return Occurrence(moment)
    found = occurrence_of_run(from_run, wanted, team_settings(Path.cwd()))
    if found.at is None and moment is None:
        raise KbError("the trace has no times", where=str(from_run), todo="Give --at TIME too.")
    return replace(found, at=moment or found.at)


def _route(library: Library, route: str | None) -> str:
    name = _line(route)
    return route_known([record.route for record in library.records], name) if name else ""


def _compare(library: Library, record_id: str, file: Path, wanted: str) -> None:
    """Say what could not be compared. Raises `KbError` for a run that went another way."""
    from kb.traces.read_runs import one_run, team_settings

    why, uncompared = why_another(
        library, record_id, one_run(file, team_settings(Path.cwd()), wanted)
    )
    if why:
        todo = "If it is the same failure all the same, give --anyway."
        raise KbError(f"{why}; nothing was written", where=str(file), todo=todo)
    if uncompared:
        warn(visible(f"not compared: {uncompared}; whether it is the same failure is your word"))


def _line(text: str | None) -> str:
    return " ".join((text or "").split())


def _consequences(library: Library, record_id: str, occurrence: Occurrence) -> Iterator[str]:
    """What was written, and what it makes of promises: of the record, and of others it failed."""
    record = library.record(record_id)
    if record is None or occurrence.at is None:
        return
    total = plural(len(record.occurrences) + 1, "occurrence")
    yield f"{record.path}: occurrence of {occurrence.at:%Y-%m-%d %H:%M} UTC written, {total} now"
    for other in others_with_same_run(library, record_id, occurrence):
        yield f"The same run stands behind {other}, too."
    by_this = (record_id, occurrence.at.astimezone(UTC).date())
    for action in actions(library, None, datetime.now(UTC).date()):
        is_meant = action.record == record_id or (action.effect_by, action.effect_since) == by_this
        if action.has_failed and is_meant:
            yield f"{action.id} failed: {action.effect_why}{_gate(action)}"


def _gate(action: Action) -> str:
    return f"; it holds the gate {action.gate} of {action.route} again" if action.gate else ""
