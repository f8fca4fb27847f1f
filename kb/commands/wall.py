"""`kb wall …`: loads one verb's file, as `kb` itself does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from kb.commands.verb_group import VerbGroup

#: Verb to what it does, in the order `kb wall --help` shows them; the code is in `wall_<verb>.py`.
VERBS: dict[str, str] = {
    "check": "Prove each wall: what it stops, what it lets pass.",
    "hook": "Answer a coding agent before it uses a tool.",
    "pass": "Let one call through that a wall stops.",
    "export": "Print the walls as an agent's own deny list.",
}


class WallVerbs(VerbGroup):
    """The verbs of `kb wall`."""

    SECTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {"Commands": VERBS}
    MODULE = "kb.commands.wall_{}"


@click.group("wall", cls=WallVerbs)
def command() -> None:
    """Stop what a postmortem names before it runs again.

    A wall stands in the front matter of a record (docs/walls.md): which calls, deny, ask or note,
    and why. It is a reminder with teeth, not a sandbox: an agent that means to get past it can.
    """
