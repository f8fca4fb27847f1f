"""`kb run export`: the suite of replays for the tools that a team runs already."""

from __future__ import annotations

from pathlib import Path

import click

from kb.errors import KbError
from kb.library import open_library
from kb.streams import echo_data


@click.command("export")
@click.argument("tool", type=click.Choice(["inspect", "promptfoo"]))
@click.option("--route", default="", metavar="ROUTE", help="Only this route's records.")
@click.option("--class", "failure_class", default="", metavar="CLASS", help="Only this class's.")
def command(tool: str, route: str, failure_class: str) -> int:
    """Print the fixtures of published records as cases of TOOL, each replayed by `kb run replay`.

    \b
      kb run export inspect > postmortems.py
      inspect eval postmortems.py --model mockllm/model -T entry=package.module:function
    \b
      kb run export promptfoo > promptfooconfig.json
      promptfoo eval

    Both are run from the library's folder. Without `entry` the agent is [runs] replay, if trusted.
    """  # noqa: D301 - click's mark for lines that are not wrapped
    from kb.traces.replay.suite import find_cases
    from kb.traces.replay.suite_export import EXPORTERS

    library = open_library(Path.cwd())
    cases = find_cases(library, route=route, failure_class=failure_class)
    if not cases:
        raise KbError(
            "no published record of these has a fixture",
            where=str(library.folder),
            todo="Make one: kb new --from-run TRACE, or kb run import.",
        )
    echo_data(EXPORTERS[tool](cases, library.root).encode())
    return 0
