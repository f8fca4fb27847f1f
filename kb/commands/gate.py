"""`kb gate`: whether a route may run again, as an exit status."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from kb.actions.close_and_sign_lines import write_change
from kb.actions.gate_decision import GateDecision, decide_gate
from kb.actions.gate_inputs import read_gate_context
from kb.actions.gate_unreadable import GATES
from kb.actions.render import gate_text
from kb.actions.signoff import sign_off
from kb.as_of import AsOf
from kb.commands.completion import routes
from kb.library import Library, open_library, open_library_at
from kb.metrics.compute_page import read_as_of
from kb.metrics.json_output import encoded, gate_json
from kb.repo import Repo, open_repo
from kb.streams import echo, echo_json, warn
from kb.terminal import visible
from kb.trusted_settings import allowed_values


@dataclass(frozen=True)
class _Question:
    """What was asked for on the command line."""

    route: str
    gate: str
    as_of: AsOf
    lets_unknown_pass: bool


@click.command("gate")
@click.argument("route", shell_complete=routes)
@click.option("--gate", type=click.Choice(GATES), default="restart", help="Which conditions.")
@click.option("--as-of", metavar="DATE|REV", help="Ask a commit instead of the working tree.")
@click.option("--sign-off", "owner", metavar="OWNER", help="Record who accepts the conditions.")
@click.option(
    "--unknown-route",
    type=click.Choice(["fail", "pass"]),
    default="fail",
    show_default=True,
    help="What a route that no record names does: pass it for a new route, never for an old one.",
)
@click.option("--replay", "replays", is_flag=True, help="Replay the runs that conditions name.")
@click.option("--entry", metavar="NAME", help="With --replay: the agent; default [runs] replay.")
@click.option("-n", "--trials", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, help="Of each trial.")
@click.option("--pass-env", multiple=True, metavar="NAME", help="Give the agent this variable.")
@click.option("--json", "as_json", is_flag=True, help="For a pipeline.")
def command(route: str, as_json: bool, **asked: Any) -> int:
    """Fail while a condition for running ROUTE again is open.

    Exit 0: clear. 1: blocked by a condition. 2: nobody knows, because no record names the route,
    something could not be read, or a replay was asked for and not made. A sign-off is written into
    the records, to be committed; it opens no gate, but for conditions that were cancelled.

    A condition may ask for more than its tick: `replay: 2026-02-26-x` names a record whose run has
    to pass. --replay calls your agent on it, as `kb run replay` does; a run that fails, that proves
    nothing or is not there holds the gate with exit 1.

    As a step of a deploy pipeline:

        kb gate refunds-agent --replay && ./deploy refunds-agent
    """
    if not route.strip():
        raise click.UsageError("ROUTE is empty: name the route that is to run again.")
    owner, as_of = asked["owner"], asked["as_of"]
    if as_of is not None and (owner is not None or asked["replays"]):
        raise click.UsageError("A sign-off or a replay is of the working tree: leave out --as-of.")
    library, now = open_library(Path.cwd()), datetime.now(UTC)
    repo = open_repo(library.root)
    moment = read_as_of(repo, as_of, now)
    if moment.is_past:
        library = open_library_at(repo, moment.commit, library.root)
    question = _Question(route, asked["gate"], moment, asked["unknown_route"] == "pass")
    decision = _decide(library, repo, question)
    if owner is not None:
        _sign(library, repo, decision, owner, now)
        decision = _decide(open_library(library.root), repo, question)
    if asked["replays"]:
        decision = _replayed(library, decision, asked)
    if as_json:
        echo_json(encoded(gate_json(decision)), end="")
    else:
        echo(gate_text(decision), end="")
    return _status(decision)


def _decide(library: Library, repo: Repo, asked: _Question) -> GateDecision:
    context = read_gate_context(library, repo, asked.route, asked.as_of)
    return decide_gate(
        library,
        asked.route,
        asked.gate,
        asked.as_of,
        context,
        lets_unknown_pass=asked.lets_unknown_pass,
    )


def _replayed(library: Library, decision: GateDecision, asked: dict[str, Any]) -> GateDecision:
    """The decision with the runs replayed that its conditions name."""
    if not decision.to_replay:
        return decision
    from kb.actions.gate_replay import with_replays
    from kb.traces.replay.choose_agent import entry_point
    from kb.traces.replay.trials import Settings

    entry = entry_point(library.root, library.config, asked["entry"], asked["pass_env"])
    settings = Settings(entry, asked["trials"], asked["seconds"])
    allow = allowed_values(library.root, library.config)
    return with_replays(library, decision, settings, os.cpu_count() or 1, allow)


def _sign(library: Library, repo: Repo, decision: GateDecision, owner: str, now: datetime) -> None:
    """Write the sign-off into each record; all of them are made before the first is written."""
    changes = sign_off(library, repo, decision, owner=owner, at=now)
    for change in changes:
        write_change(library, change)
        warn(visible(f"{change.document.path}: sign-off of {owner.strip()} written"))
    if not changes:
        warn("nothing to sign off: no condition without this sign-off")


def _status(decision: GateDecision) -> int:
    if decision.passes:
        return 0
    return 1 if decision.verdict == "blocked" else 2
