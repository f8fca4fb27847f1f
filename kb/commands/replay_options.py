"""What the options of `kb run replay` mean, for one side or for both."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from kb.config import Config
from kb.streams import is_terminal, warn

if TYPE_CHECKING:
    from kb.traces.replay.trials import Settings, Trial
    from kb.traces.run import Run


def prepared_run(fixture: Path, asked: dict[str, Any]) -> Run:
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


def replay_settings(root: Path, config: Config, asked: dict[str, Any]) -> Settings:
    """How to replay, as the options say. Raises `KbError` where no agent may be called."""
    from kb.traces.replay.choose_agent import entry_point
    from kb.traces.replay.tool_answers import LookupMode
    from kb.traces.replay.trials import Settings

    pythons = asked["pythons"]
    if len(pythons) > 1:
        raise click.UsageError("--python is named once for each revision of --prove")
    point = entry_point(root, config, asked["entry"], asked["pass_env"], *pythons)
    alone = is_terminal("stderr") and not asked["every"]
    progress = _show if alone else (lambda _: None)
    return Settings(point, asked["trials"], asked["seconds"], LookupMode(asked["mode"]), progress)


def _show(trial: Trial) -> None:
    warn(f"trial {trial.number}: {trial.verdict.value}")
