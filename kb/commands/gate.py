"""`kb gate`: whether a route may run again, as an exit status."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from kb.library import open_library, open_library_at
from kb.metrics.edit import write_change
from kb.metrics.gate import GATES, Decision, decide, sign_off
from kb.metrics.lists import gate_json, gate_text
from kb.metrics.reading import read_as_of
from kb.repo import open_repo


@click.command("gate")
@click.argument("route")
@click.option("--gate", type=click.Choice(GATES), default="restart", help="Which conditions.")
@click.option("--as-of", metavar="DATE|REV", help="Ask a commit instead of the working tree.")
@click.option("--sign-off", "owner", metavar="OWNER", help="Record who accepts the conditions.")
@click.option("--json", "as_json", is_flag=True, help="For a pipeline.")
def command(route: str, gate: str, as_of: str | None, owner: str | None, as_json: bool) -> int:
    """Fail while a condition for running ROUTE again is open.

    Exit 0: clear. 1: blocked by an open condition. 2: something could not be read, so nobody
    knows. A sign-off is written into the records, to be committed; it opens no gate.

    As a step of a deploy pipeline:

        kb gate refunds-agent && ./deploy refunds-agent
    """
    if owner is not None and as_of is not None:
        raise click.UsageError("A sign-off goes into the working tree: leave out --as-of.")
    library, now = open_library(Path.cwd()), datetime.now(UTC)
    repo = open_repo(library.root)
    moment = read_as_of(repo, as_of, now)
    if moment.is_past:
        library = open_library_at(repo, moment.commit, library.root)
    decision = decide(library, route, gate, moment)
    if owner is not None:
        changes = sign_off(library, decision, owner, now)
        for change in changes:
            write_change(library, change)
            click.echo(f"{change.document.path}: sign-off of {owner} written", err=True)
        if not changes:
            click.echo("nothing to sign off: no condition without a sign-off", err=True)
        decision = decide(open_library(library.root), route, gate, moment)
    text = json.dumps(gate_json(decision), ensure_ascii=False, indent=2) + "\n"
    click.echo(text if as_json else gate_text(decision), nl=False)
    return _status(decision)


def _status(decision: Decision) -> int:
    if decision.passes:
        return 0
    return 1 if decision.blocking else 2
