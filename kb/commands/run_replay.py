"""`kb run replay`: whether an agent does it again, judged by what it attempted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from kb.config import Config, read_config
from kb.errors import KbError
from kb.library import find_root
from kb.streams import echo, echo_json, is_terminal, warn
from kb.trust import allowed_values, require

if TYPE_CHECKING:
    from kb.traces.replay.trials import Settings, Trial
    from kb.traces.run import Run


@click.command("replay")
@click.argument("fixture", type=click.Path(path_type=Path))
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
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.run-replay/1).")
def command(fixture: Path, as_json: bool, **asked: Any) -> int:
    """Call your agent on the frozen state of FIXTURE, N times, and judge what it tries.

    Reads are answered from the tape; writes are refused and noted. The agent runs in a child
    process with a time limit and without your environment. Nothing runs before you ask for it.

    The entry point is a function of yours, or a command that speaks JSON lines:

    \b
      def replay(state, tools):   # state: kb.traces.replay.Frozen
          answer = tools.call("read_ledger", {"invoice": "7781"})
          ...
          return "the last words of the agent"

    kb.traces.replay has openai_loop and anthropic_loop for agents of those shapes.

    Exit 0: every trial passed. 1: one failed or proved nothing. 2: could not be replayed.
    """  # noqa: D301 - click's mark for lines that are not wrapped
    from kb.traces.replay.report import replay_json, replay_text
    from kb.traces.replay.trials import TrialVerdict
    from kb.traces.replay.trials import replay as run_trials

    run = _prepared(fixture, asked)
    root = find_root(Path.cwd())
    config = read_config(root)
    allow = allowed_values(root, config)
    done = run_trials(run, _settings(root, config, asked))
    if as_json:
        echo_json(json.dumps(replay_json(done, allow), ensure_ascii=False, indent=2))
    else:
        echo(replay_text(done, allow), end="")
    return 0 if done.count(TrialVerdict.PASS) == len(done.trials) else 1


def _prepared(fixture: Path, asked: dict[str, Any]) -> Run:
    """The run with what people know, and begun where it was asked to."""
    from kb.traces.fixture import read_fixture, write_fixture
    from kb.traces.replay.overrides import read_known, with_known

    run = read_fixture(fixture)
    if asked["known"]:
        run = with_known(run, read_known(asked["known"]))
    if asked["start"] is not None:
        state = replace(run.state, freeze_step=asked["start"], freeze_reason="asked for")
        run = replace(run, state=state)
    if asked["save"]:
        write_fixture(run, fixture, overwrite=True)
        warn(f"{fixture}: saved")
    return run


def _settings(root: Path, config: Config, asked: dict[str, Any]) -> Settings:
    from kb.traces.replay.agent_process import EntryPoint
    from kb.traces.replay.tool_answers import Mode
    from kb.traces.replay.trials import Settings

    entry = asked["entry"] or config.runs.replay
    if not entry:
        raise KbError(
            "no entry point is named",
            where=str(root / "kb.toml"),
            todo='Write replay = "package.module:function" under [runs], or use --entry.\n'
            "    kb run replay --help shows such a function.",
        )
    if not asked["entry"]:
        require(root, config, "runs.replay")
    point = EntryPoint(entry, root, asked["pass_env"])
    progress = _show if is_terminal("stderr") else (lambda _: None)
    return Settings(point, asked["trials"], asked["seconds"], Mode(asked["mode"]), progress)


def _show(trial: Trial) -> None:
    warn(f"trial {trial.number}: {trial.verdict.value}")
