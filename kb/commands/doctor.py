"""`kb doctor`: what this installation and this library can do, to paste into an issue."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from kb.streams import echo, echo_json
from kb.terminal import Text, joined, styled, visible

if TYPE_CHECKING:
    from kb.installation_report import DoctorFact

_WIDTH = 80
_COLOURS = {"ok": "green", "note": "yellow", "missing": "yellow", "broken": "red"}


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON (kb.doctor/1).")
def command(as_json: bool) -> int:
    """Say which parts are installed, what state they are in, and what mends them.

    The report names no file, title or person of the library, so that it can be pasted into an
    issue. Exit 1 when something that is there does not work.
    """
    from kb.installation_report import examine, is_broken

    facts = examine(Path.cwd())
    if as_json:
        answer = {"schema": "kb.doctor/1", "facts": facts}
        echo_json(msgspec.json.format(msgspec.json.encode(answer)).decode())
    else:
        echo(joined("\n", _report(facts)))
    return 1 if is_broken(facts) else 0


def _report(facts: tuple[DoctorFact, ...]) -> Iterator[Text | str]:
    for part, members in groupby(facts, lambda fact: fact.part):
        yield styled(part.capitalize(), "bold")
        for fact in members:
            yield from _lines(fact)


def _lines(fact: DoctorFact) -> Iterator[Text | str]:
    """The fact under its name, wrapped; what mends it stands below."""
    state = styled(f"{fact.state:<8}", _COLOURS[fact.state])
    indent = " " * 12
    name = f"{fact.name}: {fact.value}"
    wrapped = textwrap.wrap(visible(name), _WIDTH - len(indent), break_on_hyphens=False)
    yield "  " + state + f"  {wrapped[0]}"
    yield from (f"{indent}{line}" for line in wrapped[1:])
    if fact.mend:
        yield from textwrap.wrap(
            f"→ {fact.mend}", _WIDTH, initial_indent=indent, subsequent_indent=indent + "  "
        )
