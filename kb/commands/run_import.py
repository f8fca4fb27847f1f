"""`kb run import`: fixtures of a trace."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import click

from kb.errors import KbError
from kb.humanize import plural
from kb.streams import echo, echo_data, echo_json
from kb.terminal import as_lines, plain, wrapped
from kb.traces.fixture import Blobs, fixture_chunks, write_fixture
from kb.traces.read_runs import one_run, open_reading, team_settings
from kb.traces.rows_report import rows_counts, rows_line
from kb.traces.run import Effect, Run

_LINES = 6


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="The fixture, a folder for several, or - for standard output.",
)
@click.option(
    "--run", "wanted", default="", metavar="ID|NUMBER", help="Which run; all if not said."
)
@click.option("--format", "form", default="", metavar="NAME", help="Take the format at its word.")
@click.option(
    "--freeze-at", type=click.IntRange(min=0), metavar="STEP", help="Where a replay begins."
)
@click.option("--no-redact", is_flag=True, help="Keep secrets and people; kb check refuses it.")
@click.option("--force", is_flag=True, help="Replace fixtures that are there.")
@click.option("--json", "as_json", is_flag=True, help="The report for machines.")
def command(
    file: Path,
    out: Path | None,
    wanted: str,
    form: str,
    freeze_at: int | None,
    no_redact: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Make fixtures of the trace in FILE: canonical JSON, secrets and personal data taken out.

    One run becomes fixture.json, several become a folder of one file each. The format is told
    from the content; docs/replay.md lists those that are read, also packed (gz, zst, zip, tar).
    """
    settings = team_settings(Path.cwd(), format=form, redact=not no_redact, freeze_at=freeze_at)
    reading = open_reading(file, settings)
    runs = iter((one_run(file, settings, wanted),)) if wanted else reading.runs()
    if out is not None and str(out) == "-":
        _print(file, runs)
        return
    reports = []
    for within, path, run in _placed(file, runs, out):
        write_fixture(run, path, within=within, overwrite=force)
        reports.append(_report(path, run))
        if not as_json:
            echo(_text(path, run))
    counts = None if wanted or reading.is_fixture else reading.rows
    if as_json:
        report: dict[str, Any] = {"schema": "kb.run-import/1", "runs": reports}
        report |= {"rows": rows_counts(counts)} if counts else {}
        echo_json(json.dumps(report, ensure_ascii=False))
    elif counts:
        echo(f"{rows_line(counts)} (kb run show --rows names them)")


def _placed(
    file: Path, runs: Iterator[Run], out: Path | None
) -> Iterator[tuple[Path | None, Path, Run]]:
    """Each run with the file it goes to, and the folder that a person named, or stands in.

    No folder where they named the file itself.
    """
    first, second = next(runs, None), next(runs, None)
    if first is None:
        raise KbError("holds no run", where=str(file), todo="Export the trace with its steps.")
    if second is None:
        if out is None or out.is_dir():
            within = out or Path()
            yield within, within / "fixture.json", first
        else:
            yield None, out, first
        return
    # Not the name of the file: it may be somebody's mail address.
    folder = out or Path(f"{first.provenance.file.split('.')[0]}-runs")
    within = folder if out is not None else Path()
    for number, run in enumerate(chain((first, second), runs), 1):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", run.id)[:60].strip("-.") or "run"
        yield within, folder / f"{number:04d}-{name}" / "fixture.json", run


def _print(file: Path, runs: Iterator[Run]) -> None:
    first, second = next(runs, None), next(runs, None)
    if first is None or second is not None:
        what = "holds several runs" if second else "holds no run"
        raise KbError(what, where=str(file), todo="Name one with --run.")
    # In pieces, and without blobs: there is no place beside standard output.
    for piece in fixture_chunks(first, Blobs(most_inline_bytes=1 << 62)):
        echo_data(piece)


def _report(path: Path, run: Run) -> dict[str, Any]:
    return {
        "path": str(path),
        "id": run.id,
        "format": run.provenance.format,
        "place": run.provenance.place,
        "sha256": run.provenance.sha256,
        "steps": len(run.steps),
        "tool_calls": len(run.calls),
        "freeze_step": run.state.freeze_step,
        "redacted": run.redaction.applied,
        "placeholders": [
            {"name": each.name, "kind": each.kind, "count": each.count}
            for each in run.redaction.placeholders
        ],
        "lossy": list(run.provenance.lossy),
        "missing": list(run.missing),
    }


def _text(path: Path, run: Run) -> str:
    """What was written, in a few lines."""
    effects = [
        f"{count} {effect}"
        for effect in Effect
        if (count := sum(call.effect is effect for call in run.calls))
    ]
    calls = plural(len(run.calls), "tool call") + (f" ({', '.join(effects)})" if effects else "")
    name = plain(f"{run.provenance.file} ({run.provenance.format})")
    lines = [
        f"{path}: run {plain(run.id)} of {name}",
        f"  {plural(len(run.steps), 'step')}, {calls}",
        f"  a replay begins at step {run.state.freeze_step}: {run.state.freeze_reason}",
        *_listed("redacted", [_placeholder(each) for each in run.redaction.placeholders]),
        *_listed("missing", list(run.missing)),
        *_listed("import", list(run.provenance.lossy)),
    ]
    if not run.redaction.applied:
        lines.append("  NOT REDACTED: keep this out of the repository; kb check refuses it")
    return as_lines(lines).rstrip()


def _placeholder(each: Any) -> str:
    return f"{each.name} ({each.kind}, {plural(each.count, 'time')})"


def _listed(title: str, rows: list[str]) -> list[str]:
    if not rows:
        return []
    lines = wrapped("; ".join(rows), 68, _LINES)
    return [f"  {title + ':':<10}{lines[0]}", *(" " * 12 + line for line in lines[1:])]
