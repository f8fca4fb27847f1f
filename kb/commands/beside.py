"""`kb beside …`: loads one verb's file, as `kb` itself does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import click

from kb.commands.verb_group import VerbGroup

#: Verb to what it does, in the order of `kb beside --help`; the code is in `beside_<verb>.py`.
VERBS: dict[str, str] = {
    "list": "Say which libraries are asked too, and what each shares.",
    "refresh": "Fetch those that lie at a Git address.",
    "export": "Write the facts of this library to a file others can read.",
    "forget": "Remove what is kept of them on this machine.",
}


class BesideVerbs(VerbGroup):
    """The verbs of `kb beside`."""

    SECTIONS: ClassVar[Mapping[str, Mapping[str, str]]] = {"Commands": VERBS}
    MODULE = "kb.commands.beside_{}"


@click.group("beside", cls=BesideVerbs)
def command() -> None:
    """Ask other teams' libraries too, as far as each shares itself.

    [[library.beside]] in kb.toml names them (docs/organisation.md); kb similar --everywhere asks
    them. What a library tells others is its own choice: share = "facts" unless it says otherwise,
    which is no sentence of any record.
    """
