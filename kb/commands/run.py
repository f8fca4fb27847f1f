"""`kb run …`: loads one verb's file, as `kb` itself does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import click

from kb.commands.verb_group import VerbGroup
from kb.errors import KbError

#: Verb to what it does, in the order `kb run --help` shows them; the code is in `run_<verb>.py`.
VERBS: dict[str, str] = {
    "import": "Make fixtures of a trace: redacted, canonical, by run.",
    "show": "Draw a run as a timeline.",
    "audit": "Say what a run proves, with the steps that prove it.",
    "diff": "Find where a run leaves the path of a passing one.",
    "replay": "Run your agent again from the freeze, and judge what it does.",
    "export": "Print the suite of replays for Inspect or promptfoo.",
    "capture": "Keep a session of a coding agent before it is deleted.",
    "checkup": "Find the runs of an archive that deserve a postmortem.",
}


class RunVerbs(VerbGroup):
    """The verbs of `kb run`."""

    SECTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {"Commands": VERBS}
    MODULE = "kb.commands.run_{}"

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        try:
            return super().invoke(ctx)
        except KbError as error:
            from kb.traces.redaction import safe_error

            raise safe_error(error) from error


@click.group("run", cls=RunVerbs)
def command() -> None:
    """Turn what an agent did into evidence: import its trace, show it, audit it, replay it.

    Reads OTLP spans (GenAI, OpenInference), messages of any API, sessions of coding agents and
    exports of frameworks and platforms, packed ones too: docs/replay.md lists them.
    """
