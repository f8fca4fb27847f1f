"""`kb run …`: loads one verb's file, as `kb` itself does."""

from __future__ import annotations

import importlib
from typing import Any

import click

from kb.errors import KbError

#: Verb to what it does, in the order `kb run --help` shows them; the code is in `run_<verb>.py`.
VERBS: dict[str, str] = {
    "import": "Make fixtures of a trace: redacted, canonical, by run.",
    "show": "Draw a run as a timeline.",
    "audit": "Say what a run proves, with the steps that prove it.",
    "diff": "Find where a run leaves the path of a passing one.",
    "replay": "Run your agent again from the freeze, and judge what it does.",
    "checkup": "Find the runs of an archive that deserve a postmortem.",
}


class RunVerbs(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"kb.commands.run_{cmd_name}").command
        return command

    def invoke(self, ctx: click.Context) -> Any:  # noqa: D102
        try:
            return super().invoke(ctx)
        except KbError as error:
            from kb.traces.redaction.redact import safe_error

            raise safe_error(error) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group("run", cls=RunVerbs)
def command() -> None:
    """Turn what an agent did into evidence: import its trace, show it, audit it, replay it.

    Reads OTLP spans (GenAI, OpenInference), OpenAI and Anthropic messages, sessions of Claude Code
    and Codex, Langfuse, LangSmith and the OpenAI Agents SDK.
    """
