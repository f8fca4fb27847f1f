"""`kb run show`: a run as a timeline."""

from __future__ import annotations

import json
import shutil
import sys
from itertools import chain
from pathlib import Path

import click

from kb.errors import KbError
from kb.streams import echo, echo_data, echo_json
from kb.terminal import cells, cut, joined, plain, styled, visible
from kb.traces.fixture import Blobs, fixture_chunks
from kb.traces.read_runs import (
    ReadingSettings,
    one_run,
    open_reading,
    read_runs,
    team_settings,
)
from kb.traces.render import View, timeline
from kb.traces.rows_report import rows_json, rows_text
from kb.traces.run import Run

_STYLES = {
    "title": "bold",
    "turn": "bold",
    "freeze": "cyan",
    "diverged": "red bold",
    "agent": "magenta",
    "user": "cyan",
    "label": "dim",
    "call": "bold",
    "read": "green",
    "write": "yellow",
    "destructive": "red bold",
    "unknown": "yellow",
    "fail": "red",
    "repeat": "red bold",
    "dim": "dim",
}
_WIDEST, _NARROWEST = 120, 60


@click.command("show")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "wanted", default="", metavar="ID|NUMBER", help="Which run of the file.")
@click.option(
    "--against",
    "passing",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A run of the same task that went well: mark where they part.",
)
@click.option("--passing-run", default="", metavar="ID|NUMBER", help="Which run of that file.")
@click.option("--rows", is_flag=True, help="Say of each row of the file what became of it.")
@click.option("--format", "form", default="", metavar="NAME", help="Take the format at its word.")
@click.option("--full", is_flag=True, help="Whole texts and results.")
@click.option("--json", "as_json", is_flag=True, help="The canonical run, or the rows, instead.")
def command(
    file: Path,
    wanted: str,
    passing: Path | None,
    passing_run: str,
    rows: bool,
    form: str,
    full: bool,
    as_json: bool,
) -> None:
    """Draw the run in FILE, a trace or a fixture, as a timeline.

    A file with several runs is listed; --run draws one. Secrets and personal data are replaced.
    With --rows each row of the file is accounted for instead: used, repeated, or left out and why.
    """
    settings = team_settings(Path.cwd(), format=form)
    if rows:
        _account(file, settings, as_json=as_json)
        return
    run = one_run(file, settings, wanted) if wanted or as_json else _only_run(file, settings)
    if run is None:
        return
    if as_json:
        echo_data(b"".join(fixture_chunks(run, Blobs(sys.maxsize))))
        return
    other = one_run(passing, settings, passing_run, option="--passing-run") if passing else None
    step = _divergence(run, other)
    for line in timeline(run, View(width=line_width(), full=full, divergence=step)):
        echo(joined("", [styled(piece.text, _STYLES.get(piece.style, "")) for piece in line]))


def _account(file: Path, settings: ReadingSettings, *, as_json: bool) -> None:
    """Read the file whole, and print what became of its rows."""
    reading = open_reading(file, settings)
    if reading.is_fixture:
        what = "is a run already: its rows were read when it was imported"
        raise KbError(what, where=str(file), todo="Name the trace it was made of.")
    runs = sum(1 for _ in reading.runs())
    if as_json:
        echo_json(json.dumps(rows_json(reading.rows, runs), ensure_ascii=False))
    else:
        echo(rows_text(reading.rows, runs))


def _only_run(file: Path, settings: ReadingSettings) -> Run | None:
    """The run of a file with one; a file with several is listed, and None comes back."""
    runs = read_runs(file, settings)
    first, second = next(runs, None), next(runs, None)
    if first is None:
        raise KbError("holds no run", where=str(file), todo="Export the trace with its steps.")
    if second is None:
        return first
    echo(f"{'':>5}  {'turns':>5} {'calls':>5} {'writes':>6} {'failed':>6}  id and request")
    for number, run in enumerate(chain((first, second), runs), 1):
        echo(_row(number, run))
    echo(f"\nkb run show {visible(file.name)} --run NUMBER draws one.")
    return None


def _row(number: int, run: Run) -> str:
    turns = max((step.turn for step in run.steps), default=0)
    writes = sum(call.effect.is_write for call in run.calls)
    failed = sum(call.failure is not None for call in run.calls)
    counts = f"{number:>5}  {turns:>5} {len(run.calls):>5} {writes:>6} {failed or '':>6}"
    words = plain(f"{run.id}  {run.trigger.text}")
    return f"{counts}  {cut(words, max(20, line_width() - cells(counts) - 2))}"


def _divergence(run: Run, passing: Run | None) -> int | None:
    """The step where a run leaves a passing one, None when it does not, or none was named."""
    if passing is None:
        return None
    from kb.traces.analyses.divergence import divergence

    first = divergence(run, passing).first
    return first.step if first else None


def line_width() -> int:
    """The cells of a line: the terminal's, within bounds; 80 where there is none."""
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns))
