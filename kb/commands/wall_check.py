"""`kb wall check`: each wall proved on the run it came from, or on the calls beside it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kb.errors import KbError
from kb.library import open_library
from kb.streams import echo, echo_json


@click.command("check")
@click.argument("wall", required=False, default="", metavar="[ID]")
@click.option(
    "--runs",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path, exists=True),
    metavar="TRACE",
    help="Count false alarms in these runs as well: a trace, or a folder of them.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON (kb.wall-check/1).")
def command(wall: str, paths: tuple[Path, ...], as_json: bool) -> int:
    """Prove each wall: that it stops the step that did harm, and lets a passing run through.

    It is asked of the record's own fixture.json, of passing.json beside that, and of the calls
    written as `stops` and `passes`. How often it would have spoken in the runs of other records,
    and in TRACE, is counted.

    ID is a record, or one wall of it (2026-02-26-x#W1). Exit status 1 when one is not proved,
    or cannot be used.
    """
    from kb.walls.proof import proofs_json, proofs_text, prove, runs_of, stored_runs
    from kb.walls.unusable_walls import unusable_walls

    library = open_library(Path.cwd())
    runs, unread = stored_runs(library)
    proofs = tuple(prove(library, (*runs, *runs_of(paths)), wall))
    found = unusable_walls(library.root, library.config)
    unusable = tuple(one for one in found if one.is_of(wall))
    if not proofs and not unusable:
        raise KbError(
            f"no wall is named '{wall}'" if wall else "no record has a wall",
            where=str(library.folder),
            todo="Write 'walls' into the front matter of a record: docs/walls.md.",
        )
    if as_json:
        echo_json(json.dumps(proofs_json(proofs, unread, unusable), ensure_ascii=False, indent=2))
    else:
        echo(proofs_text(proofs, unread, unusable), end="")
    return 0 if not unusable and all(proof.is_proved for proof in proofs) else 1
