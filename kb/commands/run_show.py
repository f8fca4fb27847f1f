"""`kb run show`: a run as a timeline."""

from __future__ import annotations

import shutil
import sys
from itertools import chain
from pathlib import Path

import click

from kb.errors import KbError
from kb.streams import echo, echo_data
from kb.terminal import cells, cut, joined, plain, styled, visible
from kb.traces.fixture import Blobs, fixture_chunks
from kb.traces.read_runs import ReadingSettings, one_run, read_runs, team_settings
from kb.traces.render import View, timeline
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
@click.option("--format", "form", default="", metavar="NAME", help="Take the format at its word.")
@click.option("--full", is_flag=True, help="Whole texts and results.")
@click.option("--json", "as_json", is_flag=True, help="The canonical run instead.")
def command(
    file: Path, wanted: str, passing: Path | None, form: str, full: bool, as_json: bool
) -> None:
    """Draw the run in FILE, a trace or a fixture, as a timeline.

    A file with several runs is listed; --run draws one. Secrets and personal data are replaced.
    """
    settings = team_settings(Path.cwd(), format=form)
    run = one_run(file, settings, wanted) if wanted or as_json else _only_run(file, settings)
    if run is None:
        return
    if as_json:
        echo_data(b"".join(fixture_chunks(run, Blobs(sys.maxsize))))
        return
    step = _divergence(run, one_run(passing, settings) if passing else None)
    for line in timeline(run, View(width=_width(), full=full, divergence=step)):
        echo(joined("", [styled(piece.text, _STYLES.get(piece.style, "")) for piece in line]))


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
    return f"{counts}  {cut(words, max(20, _width() - cells(counts) - 2))}"


def _divergence(run: Run, passing: Run | None) -> int | None:
    """The step where a run leaves a passing one, None when it does not, or none was named."""
    if passing is None:
        return None
    from kb.traces.analyses.divergence import divergence

    first = divergence(run, passing).first
    return first.step if first else None


def _width() -> int:
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size((80, 24)).columns))
