"""`kb adopt`: existing postmortems become searchable records, held to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from kb.adopt.adoption import (
    ADOPTED_BEFORE,
    NO_POSTMORTEM,
    AdoptedFile,
    plan,
    sources,
    write,
)
from kb.library import open_library
from kb.repo import open_repo
from kb.streams import echo
from kb.terminal import as_lines, visible
from kb.wording import plural

_KEPT = {ADOPTED_BEFORE, NO_POSTMORTEM}


@click.command("adopt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
def command(paths: tuple[Path, ...], *, dry_run: bool) -> int:
    """Take over the Markdown postmortems in PATHS, by default those among the records.

    Each becomes a record of `form: adopted`: searched and listed, never held to the form, in no
    gate. Its text stays whole; title, date, severity and clocks are taken only where the text says
    them in so many words, each with its line, and are unknown otherwise. Files elsewhere are left
    as they are. Nothing is committed, and the command can be run again.

    Exit status 0: all were adopted; 1: some were refused, and the report says why; 2: could not
    run.
    """
    library = open_library(Path.cwd())
    files = plan(library, open_repo(library.root), sources(paths or (library.folder,)))
    wanted = [file for file in files if not file.refusal]
    if not dry_run:
        write(library, wanted)
    lines = [line for file in files for line in _lines(file, dry_run=dry_run)]
    echo(as_lines([*lines, *_sum(files, dry_run=dry_run)]), end="")
    return 1 if any(file.refusal and file.refusal not in _KEPT for file in files) else 0


def _lines(file: AdoptedFile, *, dry_run: bool) -> Iterable[str]:
    if file.refusal:
        done = "kept   " if file.refusal in _KEPT else "refused"
        yield f"{done}  {visible(file.source)}: {visible(file.refusal)}"
        return
    yield f"{'would adopt' if dry_run else 'adopted'}  {visible(file.target.as_posix())}"
    yield f"         from {visible(file.source)}"
    for fact in file.facts:
        if fact.value:
            yield f"         {fact.key}: {visible(fact.value)} ({fact.source})"
    unknown = [f for f in file.facts if not f.value and f.source != "nothing names it"]
    yield from (f"         {fact.key}: unknown ({fact.source})" for fact in unknown)
    yield f"         {plural(file.actions, 'action')} read" + (
        f", {plural(file.unboxed, 'item')} without a box" if file.unboxed else ""
    )


def _sum(files: Iterable[AdoptedFile], *, dry_run: bool) -> Iterable[str]:
    """How many of each, and what to do next."""
    files = tuple(files)
    counts = Counter(_outcome(file) for file in files)
    told = ", ".join(f"{counts[name]} {name}" for name in ("adopted", "kept", "refused"))
    yield ""
    yield f"{plural(len(files), 'file')}: {told}"
    lacking = Counter(
        f.key for file in files if not file.refusal for f in file.facts if not f.value
    )
    if lacking["severity"]:
        yield f"severity is unknown in {lacking['severity']}: one word each in front matter"
    if counts["adopted"] and not dry_run:
        yield "Nothing is committed. Next: git diff, kb check, one commit; git revert undoes it."


def _outcome(file: AdoptedFile) -> str:
    if not file.refusal:
        return "adopted"
    return "kept" if file.refusal in _KEPT else "refused"
