"""`kb run replay`: whether an agent does it again, judged by what it attempted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.commands.replay_options import prepared_run, replay_settings
from kb.config import read_config
from kb.errors import KbError
from kb.library import find_root, open_library
from kb.safe_files import output_of
from kb.streams import echo, echo_json, is_terminal, warn
from kb.terminal import visible
from kb.trusted_settings import allowed_values

if TYPE_CHECKING:
    from kb.traces.replay.suite import SuiteResult


_OUT = click.Path(dir_okay=False, path_type=Path)


@click.command("replay")
@click.argument("fixture", type=click.Path(path_type=Path), required=False)
@click.option("--all", "every", is_flag=True, help="Replay every published record's fixture.")
@click.option("--route", default="", metavar="ROUTE", help="With --all: only this route's.")
@click.option("--class", "failure_class", default="", metavar="CLASS", help="Only this class's.")
@click.option("--jobs", type=click.IntRange(1, 64), metavar="N", help="At a time; default: cores.")
@click.option("--junit", type=_OUT, metavar="FILE", help="With --all: write JUnit's XML.")
@click.option("--summary", type=_OUT, metavar="FILE", help="With --all: append a Markdown table.")
@click.option("-n", "--trials", type=click.IntRange(1, 1000), default=10, show_default=True)
@click.option(
    "--entry", metavar="NAME", help="Entry point or command; default [runs] replay, if trusted."
)
@click.option("--mode", type=click.Choice(["strict", "sequence"]), default="strict")
@click.option("--from", "start", type=click.IntRange(0), metavar="STEP", help="Begin there.")
@click.option(
    "--known",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Asserts, and answers that the tape does not hold: TOML or JSON.",
)
@click.option("--save", is_flag=True, help="Put --known and --from into the fixture.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=60.0, help="Of each trial.")
@click.option("--pass-env", multiple=True, metavar="NAME", help="Give the agent this variable.")
@click.option(
    "--prove", nargs=2, metavar="OLD NEW", help="Fails at the one revision, passes at the other?"
)
@click.option(
    "--repository",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="With --prove: where the agent's code is; default: here.",
)
@click.option(
    "--python", "pythons", multiple=True, metavar="PATH", help="Of both revisions, or of each."
)
@click.option("--json", "as_json", is_flag=True, help="As JSON (kb.run-replay/1, -suite/1).")
def command(fixture: Path | None, as_json: bool, **asked: Any) -> int:
    """Call your agent on the frozen state of FIXTURE, N times, and judge what it tries.

    With --all it is called on the fixture of every published record, several at a time, and one
    table says which failures could not happen again. `pytest --postmortems` does the same as tests.

    Reads are answered from the tape; writes are refused and noted. The agent runs in a child
    process with a time limit and without your environment. Nothing runs before you ask for it.

    With --prove the same entry point is called on the code of two revisions, each laid out from
    Git's objects without running anything of the repository. Where it fails on the first and passes
    on the second, `PROVED:` is written into the record; a fixture that never failed proves nothing.
    --python names an interpreter for both, or one for each, which has kb installed.

    The entry point is a function of yours, or a command that speaks JSON lines:

    \b
      def replay(state, tools):   # state: kb.traces.replay.Frozen
          answer = tools.call("read_ledger", {"invoice": "7781"})
          ...
          return "the last words of the agent"

    kb.traces.replay has openai_loop and anthropic_loop for agents of those shapes.

    Exit 0: every trial passed. 1: one failed or proved nothing. 2: could not be replayed.
    """  # noqa: D301 - click's mark for lines that are not wrapped
    if asked["every"] == (fixture is not None):
        raise click.UsageError("name a FIXTURE, or give --all")
    if asked["prove"]:
        if fixture is None:
            raise click.UsageError("--prove is of one FIXTURE")
        from kb.commands.run_replay_prove import prove_fixture

        return prove_fixture(fixture, as_json, asked)
    return _suite(as_json, asked) if fixture is None else _replay_one(fixture, as_json, asked)


def _replay_one(fixture: Path, as_json: bool, asked: dict[str, Any]) -> int:
    from kb.traces.replay.report import replay_json, replay_text
    from kb.traces.replay.trials import TrialVerdict
    from kb.traces.replay.trials import replay as run_trials

    run = prepared_run(fixture, asked)
    root = find_root(Path.cwd())
    config = read_config(root)
    allow = allowed_values(root, config)
    done = run_trials(run, replay_settings(root, config, asked))
    if as_json:
        echo_json(json.dumps(replay_json(done, allow), ensure_ascii=False, indent=2))
    else:
        echo(replay_text(done, allow), end="")
    return 0 if done.count(TrialVerdict.PASS) == len(done.trials) else 1


def _suite(as_json: bool, asked: dict[str, Any]) -> int:
    """Replay every case that is asked for; the exit status says whether all passed."""
    from kb.traces.replay import suite
    from kb.traces.replay.trials import TrialVerdict

    if asked["known"] or asked["start"] is not None or asked["save"]:
        raise click.UsageError("--known, --from and --save are of one fixture, not of --all")
    library = open_library(Path.cwd())
    cases = suite.find_cases(library, route=asked["route"], failure_class=asked["failure_class"])
    if not cases:
        raise KbError(
            "no published record of these has a fixture",
            where=str(library.folder),
            todo="Make one: kb new --from-run TRACE, or kb run import.",
        )
    settings = replay_settings(library.root, library.config, asked)
    jobs = asked["jobs"] or os.cpu_count() or 1
    allow = allowed_values(library.root, library.config)
    results = suite.run_suite(cases, settings, jobs, allow, _show_result())
    _write_reports(results, asked)
    if as_json:
        echo_json(json.dumps(suite.suite_json(results), ensure_ascii=False, indent=2))
    else:
        echo(suite.suite_text(results), end="")
    return 0 if all(result.verdict is TrialVerdict.PASS for result in results) else 1


def _show_result() -> Callable[[SuiteResult], None]:
    """Says each record when it is done, where somebody waits for it."""
    if not is_terminal("stderr"):
        return lambda _: None
    return lambda result: warn(visible(f"{result.case.record.id}: {result.verdict.value}"))


def _write_reports(results: Sequence[SuiteResult], asked: dict[str, Any]) -> None:
    from kb.traces.replay.suite import suite_junit, suite_markdown

    if asked["junit"]:
        root, name = output_of(asked["junit"])
        root.write_text(name, suite_junit(results))
    if asked["summary"]:
        root, name = output_of(asked["summary"])
        with root.appending(name) as stream:
            stream.write(suite_markdown(results).encode())
