"""`kb beside export`: the facts of this library as a file that others can be given."""

from __future__ import annotations

from pathlib import Path

import click

from kb.library import unread_library
from kb.records.facts_without_text import FACTS_FILE
from kb.streams import echo


@click.command("export")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path(FACTS_FILE),
    help=f"The file; default {FACTS_FILE} here.",
)
def command(out: Path) -> None:
    """Write the facts of this library's published records to a file, and no sentence of them.

    For teams that may not read this repository: put the file into one that they may, and let them
    name that folder or address beside theirs.
    """
    from kb.humanize import plural
    from kb.other_libraries.what_is_shared import refuse_to_export, shared_facts
    from kb.records.facts_without_text import written_facts
    from kb.safe_files import write_output
    from kb.terminal import visible

    library = unread_library(Path.cwd())
    refuse_to_export(library.config)
    facts = shared_facts(library.root, library.config)
    write_output(out, written_facts(facts).decode())
    echo(visible(f"{out}: the facts of {plural(len(facts.records), 'record')}"))
