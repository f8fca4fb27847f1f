"""Which agent a replay calls: the one that was named, or that of `kb.toml` where it is trusted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kb.config import Config
from kb.errors import KbError
from kb.traces.replay.agent_process import EntryPoint
from kb.trusted_settings import require


def entry_point(
    root: Path,
    config: Config,
    named: str | None = None,
    environment: Sequence[str] = (),
    python: str = "",
) -> EntryPoint:
    """The agent, which is given the variables that `environment` names, and called by `python`.

    Raises `KbError` where none is named, or where the library names one that nobody trusted.
    """
    entry = named or config.runs.replay
    if not entry:
        raise KbError(
            "no entry point is named",
            where=str(root / "kb.toml"),
            todo='Write replay = "package.module:function" under [runs], or use --entry.\n'
            "    kb run replay --help shows such a function.",
        )
    if not named:
        require(root, config, "runs.replay")
    return EntryPoint(entry, root, tuple(environment), python)
