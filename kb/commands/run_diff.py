"""`kb run diff`: where a run leaves the path of one that went well."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kb.streams import echo, echo_json


@click.command("diff")
@click.argument("file", type=click.Path(path_type=Path))
@click.argument("passing", type=click.Path(path_type=Path))
@click.option("--run", "wanted", default="", metavar="ID|N", help="Which run of FILE.")
@click.option("--passing-run", default="", metavar="ID|N", help="Which run of PASSING.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.run-diff/1).")
def command(file: Path, passing: Path, wanted: str, passing_run: str, as_json: bool) -> int:
    """Lay the calls of the run in FILE beside those of PASSING, a run of the same task.

    Exit 0: the same calls. 1: they part. 2: could not be read, or not of the same task.
    """
    from kb.commands.run_show import line_width
    from kb.traces.analyses.alignment import align, diff_json, diff_text
    from kb.traces.read_runs import one_run, team_settings

    settings = team_settings(Path.cwd())
    other = one_run(passing, settings, passing_run, option="--passing-run")
    aligned = align(one_run(file, settings, wanted), other)
    if as_json:
        echo_json(json.dumps(diff_json(aligned), ensure_ascii=False, indent=2))
    else:
        echo(diff_text(aligned, line_width()), end="")
    return 0 if aligned.divergence.first is None else 1
