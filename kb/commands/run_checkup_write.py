"""What a checkup saw, written down: days on which a route ran, and runs that failed as before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kb.actions.add_occurrence import another_occurrence, occurrence_of_run, own_run
from kb.actions.close_and_sign_lines import write_change
from kb.actions.route_names import route_known
from kb.errors import KbError
from kb.humanize import plural
from kb.library import open_library, records_folder
from kb.records.route_run_counts import FILE_NAME, with_runs
from kb.safe_files import Root
from kb.streams import warn
from kb.terminal import visible
from kb.traces.checkup.archive_files import TraceFile
from kb.traces.checkup.groups import KnownRun, grouped
from kb.traces.checkup.progress_file import shown_path
from kb.traces.checkup.remote_files import on_this_machine
from kb.traces.checkup.run_facts import RunSummary
from kb.traces.checkup.summary import Checkup
from kb.traces.read_runs import team_settings


def record_runs(route: str, done: Checkup) -> None:
    """Write on which days the runs of a checkup began, as runs of a route that a record names.

    Raises `KbError` for another route, and where the file holds lines that nothing reads.
    """
    library = open_library(Path.cwd())
    name = route_known([record.route for record in library.records], route)
    if library.runs_seen.faults:
        line, why = library.runs_seen.faults[0]
        raise KbError(f"line {line} {why}", where=FILE_NAME, todo="Mend it: it would be lost.")
    folder = Root(records_folder(library.root, library.config))
    text = with_runs(library.runs_seen, name, sorted(done.days.items()))
    folder.write_text(FILE_NAME, text)
    dated = done.days.total()
    sentence = (
        f"{plural(dated, 'run')} of {name} on {plural(len(done.days), 'day')} kept in {FILE_NAME}"
    )
    left = f"; {done.runs - dated} without a time left out" if done.runs > dated else ""
    warn(visible(sentence + left))


def write_occurrences(
    done: Checkup, known: Mapping[str, KnownRun], files: Sequence[TraceFile]
) -> None:
    """Write each run that went the way of a stored one into its record; what cannot be is said."""
    for group in grouped(done.candidates, known):
        for facts in reversed(group.runs) if group.record else ():
            try:
                warn(visible(_write(group.record, facts, files)))
            except KbError as fault:
                warn(visible(f"not written, {facts.run}: {fault.what}"))


def _write(record_id: str, facts: RunSummary, files: Sequence[TraceFile]) -> str:
    """Write one run down, and say where; its library is read anew, for it changed by the last."""
    found = [file for file in files if shown_path(file) == facts.file]
    if len(found) != 1:
        raise KbError(f"{len(found)} files are shown as {facts.file}")
    library = open_library(Path.cwd())
    record = library.record(record_id)
    target = record.merged_into or record_id if record else record_id
    document = next((one for one in library.documents if one.id == target), None)
    if document is None:
        raise KbError(f"there is no record '{target}'")
    with on_this_machine(found[0]) as here:
        one = occurrence_of_run(here, str(facts.number), team_settings(Path.cwd()))
    one = replace(one, note="seen by a checkup")
    change = another_occurrence(document, one, datetime.now(UTC), own_run(library, record_id))
    write_change(library, change)
    return f"{document.path}: occurrence of {one.at:%Y-%m-%d %H:%M} UTC written"
