"""`kb run audit`: what a run proves by itself, as evidence with places."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.streams import echo, echo_json

if TYPE_CHECKING:
    from kb.traces.analyses import Audit


@click.command("audit")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--run", "wanted", default="", metavar="ID|N", help="Only this run of the file.")
@click.option(
    "--against",
    type=click.Path(path_type=Path),
    metavar="PASSING",
    help="A run of the same task that went well: where do they part?",
)
@click.option("--passing-run", default="", metavar="ID|N", help="Which run of PASSING.")
@click.option("--format", "trace_format", default="", metavar="NAME", help="Do not guess it.")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.run-audit/1).")
def command(
    file: Path,
    wanted: str,
    against: Path | None,
    passing_run: str,
    trace_format: str,
    as_json: bool,
) -> int:
    """Examine the runs of FILE: a trace in any known format, or a fixture.json.

    Exit 0: nothing that the trace proves to be wrong. 1: there are faults. 2: could not be read.
    """
    from kb.traces.analyses import Severity, audit
    from kb.traces.analyses.finding import AnalysisContext
    from kb.traces.analyses.report import audit_text, audits_json
    from kb.traces.read_runs import one_run, read_runs, team_settings

    settings = team_settings(Path.cwd(), format=trace_format)
    plain, named = team_settings(Path.cwd()), "--passing-run"
    passing = one_run(against, plain, passing_run, option=named) if against else None
    context = AnalysisContext(passing, tuple(settings.effects))
    if wanted or against:
        runs = iter([one_run(file, settings, wanted)])
    else:
        runs = read_runs(file, settings)
    audits: list[Audit] = []
    for run in runs:
        if audits and not as_json:
            echo()
        audits.append(audit(run, context))
        if not as_json:
            echo(audit_text(audits[-1]), end="")
    if as_json:
        echo_json(json.dumps(audits_json(audits), ensure_ascii=False, indent=2))
    faults = any(f.severity is Severity.FAULT for done in audits for f in done.findings)
    return 1 if faults else 0
