"""`kb run checkup`: which runs of an archive went wrong behind green dashboards."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.commands.metrics import read_day
from kb.errors import KbError
from kb.library import find_root, local_place, records_folder
from kb.safe_files import write_output
from kb.streams import echo, echo_json, is_terminal, progress, warn
from kb.terminal import visible
from kb.trusted_settings import open_config

if TYPE_CHECKING:
    from kb.parallel.workers import Workers
    from kb.traces.checkup.archive_files import Archive, TraceFile
    from kb.traces.checkup.examine import Progress
    from kb.traces.checkup.groups import KnownRun
    from kb.traces.checkup.run_facts import RunSummary
    from kb.traces.checkup.summary import Checkup
    from kb.traces.read_runs import ReadingSettings


@click.command("checkup")
@click.argument("paths", nargs=-1, required=True, type=click.Path())
@click.option("--top", type=click.IntRange(0, 200), default=10, show_default=True)
@click.option(
    "--draft", type=click.IntRange(0, 50), default=0, metavar="N", help="Draft the top N."
)
@click.option("--date", "day", metavar="YYYY-MM-DD", help="Of drafts whose trace has no times.")
@click.option(
    "--record-runs",
    "route",
    metavar="ROUTE",
    help="Keep that this route ran, by day: a fix that holds needs runs to prove it.",
)
@click.option("--occur", is_flag=True, help="Write runs that went a stored way into its record.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.run-checkup/1).")
@click.option("--quick", is_flag=True, help="Look for secrets in the candidates alone.")
@click.option("--fresh", is_flag=True, help="Forget what an earlier pass found.")
@click.option(
    "--scheduler", metavar="ADDRESS", help="Read on the workers of Dask, tcp://… [extra: scale]"
)
def command(paths: tuple[str, ...], top: int, draft: int, day: str | None, **asked: Any) -> int:
    """Read every trace in PATHS, in whatever mix of formats, and say which runs deserve a look.

    A path may be the address of a bucket, s3://BUCKET/PREFIX/ [extra: scale].
    Runs that went the way of one stored beside a record lead the list, runs of one failure are
    counted together. A pass that was interrupted goes on where it stopped. Files that hold no
    trace are listed and skipped. Nothing is concluded: each comes with the step that shows it.

    --record-runs ROUTE writes into runs-seen.csv beside the records on which days runs began, to be
    committed: all of them are taken for runs of that route. --occur writes each run that went the
    way of a stored one as an occurrence of its record, once.
    """
    from kb.commands.run_checkup_write import record_runs, write_occurrences
    from kb.traces.checkup.archive_files import archive_of
    from kb.traces.checkup.progress_file import shown_path
    from kb.traces.checkup.report import checkup_json, checkup_markdown
    from kb.traces.read_runs import team_settings

    settings, on = team_settings(Path.cwd()), read_day(day)
    archive = archive_of(paths)
    files = archive.files
    is_written = draft or asked["route"] or asked["occur"]
    root = find_root(Path.cwd()) if is_written else _root()
    settings = dataclasses.replace(settings, look_only=asked["quick"])
    done = _pass_over(archive, settings, root, asked["scheduler"], fresh=asked["fresh"])
    known = _stored_runs()
    if as_json := asked["as_json"]:
        text = json.dumps(checkup_json(done, top, known), ensure_ascii=False, indent=2) + "\n"
    else:
        text = checkup_markdown(done, top, known)
    _put(text, asked["out"], echo_json if as_json else echo)
    if root is not None:
        for facts in done.candidates[:draft]:
            _draft(root, facts, [file for file in files if shown_path(file) == facts.file], on)
    if asked["route"]:
        record_runs(asked["route"], done)
    if asked["occur"]:
        write_occurrences(done, known, files)
    return 0


def _stored_runs() -> Mapping[str, KnownRun]:
    """The runs beside the records of the knowledge base around, none outside of one."""
    from kb.traces.checkup.groups import stored_runs

    root = _root()
    return stored_runs(records_folder(root, open_config(root))) if root else {}


def _pass_over(
    archive: Archive,
    settings: ReadingSettings,
    root: Path | None,
    scheduler: str | None,
    *,
    fresh: bool,
) -> Checkup:
    """The checkup of an archive; after a quick pass the candidates are read again, redacted."""
    from kb.traces.checkup.examine import examine, state_file
    from kb.traces.checkup.progress_file import remove_part_file
    from kb.traces.checkup.show_runs import runs_in_words
    from kb.traces.checkup.summary import check_up

    state = state_file(root / ".kb" / "checkup", archive.files, settings) if root else None
    if fresh and state:
        place, name = local_place(state)
        place.remove_file(name)
        for file in archive.files:
            remove_part_file(state, file)
    progress = _show if is_terminal("stderr") else None
    with _workers(archive, scheduler) as workers:
        done = check_up(examine(archive.files, settings, state, progress, workers))
    done.pass_over(archive)
    if settings.look_only:
        done.tell(list(runs_in_words(done.candidates, archive.files, settings)))
    return done


def _workers(archive: Archive, scheduler: str | None) -> AbstractContextManager[Workers | None]:
    """Who reads the files: Dask's workers, else processes of this machine where they are worth it.

    Raises `KbError` where a scheduler's workers cannot be had, or do not see the files.
    """
    from kb.traces.checkup.examine import readers

    if scheduler is None:
        return readers(archive.files)
    from kb.parallel.dask_workers import dask_workers

    local = [str(file.resolve()) for file in archive.files if isinstance(file, Path)]
    return dask_workers(scheduler, must_see=local[:1])


def _root() -> Path | None:
    """The knowledge base around, None outside of one: then a pass remembers nothing."""
    try:
        return find_root(Path.cwd())
    except KbError:
        return None


def _show(at: Progress) -> None:
    runs = f", {at.runs:,} runs" if at.runs else ""
    is_last = at.done + 1 == at.files and not at.runs
    progress("" if is_last else f"{at.done + 1}/{at.files} {at.file[:60]}{runs}")


def _put(text: str, out: Path | None, printed: Callable[[str, str], None]) -> None:
    if out is None:
        printed(text, "")
        return
    try:
        write_output(out, text)
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", where=str(out)) from error


def _draft(root: Path, facts: RunSummary, files: list[TraceFile], day: date | None) -> None:
    """Write a near-miss draft of a candidate; one that is there already is left alone."""
    from kb.records.form import build_form
    from kb.traces.checkup.remote_files import on_this_machine
    from kb.traces.drafting.draft import Draft, write_draft
    from kb.traces.read_runs import one_run, team_settings

    if len(files) != 1:
        warn(visible(f"no draft: {len(files)} files are shown as {facts.file}"))
        return
    config = open_config(root)
    with on_this_machine(files[0]) as file:
        run = one_run(file, team_settings(root), str(facts.number))
    # The day of the trace comes first: only a run without times needs one of a person.
    day = None if run.clocks.started else day
    draft = Draft(run, day=day, profile="one-page", is_near_miss=True)
    try:
        path = write_draft(draft, records_folder(root, config), build_form(config))
        warn(visible(f"draft: {path}"))
    except KbError as fault:
        warn(visible(f"no draft: {fault}"))
