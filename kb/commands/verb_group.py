"""A group of verbs whose code is imported when one is asked for, so that none pays for another."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import ClassVar

import click

from kb.did_you_mean import did_you_mean


class VerbGroup(click.Group):
    """The verbs of `SECTIONS`, in its order; the code of each is the module `MODULE` names."""

    #: Heading to verbs, each with what it does, as help shows them.
    SECTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {}
    #: The path of a verb's module, in which it is `command`; `{}` stands for the verb.
    MODULE: ClassVar[str] = "kb.commands.{}"

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: D102
        return [verb for verbs in self.SECTIONS.values() for verb in verbs]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: D102
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(self.MODULE.format(cmd_name)).command
        return command

    def resolve_command(  # noqa: D102
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            raise click.UsageError(
                self._did_you_mean(ctx, args[0]) or error.message, ctx
            ) from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: D102
        widest = max(map(len, self.list_commands(ctx)))
        for heading, verbs in self.SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(verb.ljust(widest), does) for verb, does in verbs.items()])

    def _did_you_mean(self, ctx: click.Context, word: str) -> str:
        hint = did_you_mean(word, self.list_commands(ctx), "")
        return hint and f"No such command '{word}'. {hint}"
