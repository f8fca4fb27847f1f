"""`kb adopt`: existing postmortems become searchable records, held to nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

import click

from kb.adopt.adoption import AdoptedFile, plan, write
from kb.adopt.input_files import Found, find_files
from kb.adopt.report import detail_lines, fitted, outcome, sum_lines, summary_lines
from kb.adopt.sources.csv_table import KEYS
from kb.adopt.stated_facts import severity_word
from kb.commands.adopt_classify import classify_adopted
from kb.errors import KbError
from kb.library import LOCAL_FOLDER, local_place, make_local_folder, open_library
from kb.records.taxonomy import SEVERITIES
from kb.repo import open_repo
from kb.streams import echo, is_terminal, warn
from kb.terminal import as_lines

#: Of a report that goes into a file or a pipe: a row then names the record, too.
_FILE_WIDTH = 132
_LOCK = f"{LOCAL_FOLDER}/adopt.lock"


@click.command("adopt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
@click.option("--verbose", is_flag=True, help="All that is known of each file, with its line.")
@click.option(
    "--columns",
    default="",
    metavar="KEY=NAME,…",
    help=f"Which column of a CSV file is which: {', '.join(KEYS)}.",
)
@click.option(
    "--severity",
    "scale",
    default="",
    metavar="WORD=SEV,…",
    help="Your scale in that of the form: P1=SEV1,critical=SEV1.",
)
@click.option(
    "--proposed-days",
    is_flag=True,
    help="Take the day that is proposed for a file where none is certain; the record says so.",
)
@click.option(
    "--classify",
    is_flag=True,
    help="Propose class, cause and control of what was adopted, and write what is confirmed.",
)
@click.option(
    "--checklist",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --classify: write the proposals to this file, or read what was ticked in it.",
)
def command(
    paths: tuple[Path, ...],
    *,
    dry_run: bool,
    verbose: bool,
    columns: str,
    scale: str,
    proposed_days: bool,
    classify: bool,
    checklist: Path | None,
) -> int:
    """Take over the postmortems in PATHS, by default those among the records.

    Markdown, Word, HTML of Google Docs and Confluence, exports of Notion as a folder or zip, JSON
    of PagerDuty, incident.io, FireHydrant, Rootly, Opsgenie, Jira and GitHub issues, and CSV.

    Each becomes a record of `form: adopted`: searched and listed, never held to the form, in no
    gate. Its text stays whole; title, date, severity and clocks are taken only where the text says
    them in so many words, each with its line, and are unknown otherwise. Files elsewhere are left
    as they are. Nothing is committed, and the command can be run again.
    A day is certain where a line calls it that of the incident, or two places agree on it, and
    proposed otherwise. A dry run prints a row for each file; a question mark is at what only stands
    in for a value. The run that writes prints those rows alone that ask for a look.

    With --classify each adopted record that lacks them is proposed a class, a cause and a control,
    with how often such a proposal holds: on a terminal to answer yes, no or with another word, else
    as a Markdown checklist, which a second call reads.

    Exit status 0: all were adopted; 1: some were refused, and the report says why; 2: could not
    run.
    """
    library = open_library(Path.cwd())
    if classify or checklist:
        classify_adopted(library, checklist, dry_run=dry_run)
        return 0
    found = find_files(paths or (library.folder,), library.root, _pairs("--columns", columns, KEYS))
    scales = _severities(scale)
    files = _adopt(library.root, found, scales, proposed=proposed_days, dry_run=dry_run)
    _tell(files, found, dry_run=dry_run, verbose=verbose)
    return 1 if any(outcome(file) == "refused" for file in files) else 0


def _tell(files: Iterable[AdoptedFile], found: Found, *, dry_run: bool, verbose: bool) -> None:
    width = shutil.get_terminal_size((_FILE_WIDTH, 24)).columns
    lines = _report(files, found, dry_run=dry_run, width=0 if verbose else width)
    echo(as_lines(fitted(lines, width) if is_terminal("stdout") else lines), end="")


def _adopt(
    root: Path, found: Found, severities: dict[str, str], *, proposed: bool, dry_run: bool
) -> tuple[AdoptedFile, ...]:
    """What becomes of each file; it is done unless it is a dry run."""
    with nullcontext() if dry_run else _one_run_at_a_time(root):
        library = open_library(root)
        repo = open_repo(root)
        files = plan(library, repo, found.files, severities, takes_proposals=proposed)
        if not dry_run:
            write(library, [file for file in files if not file.refusal])
    return files


@contextmanager
def _one_run_at_a_time(root: Path) -> Iterator[None]:
    """Let one run at a time choose names for what it adopts: two would take each file twice.

    Within, the library is opened anew: another run may have adopted them while this one waited.
    """
    path = root / _LOCK
    with ExitStack() as held:
        try:
            make_local_folder(path.parent)
            folder, place = local_place(path)
            waiting = "another kb adopts here: waiting for it"
            held.enter_context(folder.lock(place, waiting=lambda: warn(waiting)))
        except OSError as error:
            raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error
        yield


def _report(
    files: Iterable[AdoptedFile], found: Found, *, dry_run: bool, width: int
) -> Iterator[str]:
    """What asks for a hand stands last, above the sum; everything is told where no width is set."""
    ordered = sorted(files, key=lambda file: ("adopted", "kept", "refused").index(outcome(file)))
    if not width:
        for file in ordered:
            yield from detail_lines(file, dry_run=dry_run)
    else:
        yield from summary_lines(ordered, dry_run=dry_run, width=width)
    yield from sum_lines(ordered, found, dry_run=dry_run)


def _severities(scale: str) -> dict[str, str]:
    """The words of `--severity`, in small letters, with the severity of the form they are."""
    known = tuple(word.name for word in SEVERITIES)
    pairs = _pairs("--severity", scale)
    if wrong := sorted(set(pairs.values()) - set(known)):
        raise KbError(
            f"no severity is called {', '.join(wrong)}",
            where="--severity",
            todo=f"Use one of: {', '.join(known)}.",
        )
    return {severity_word(word): severity for word, severity in pairs.items()}


def _pairs(option: str, text: str, keys: Iterable[str] = ()) -> dict[str, str]:
    """The pairs of an option such as `title=Name,date=Started at`."""
    pairs = [part.partition("=")[::2] for part in text.split(",") if part.strip()]
    known = tuple(keys)
    for key, value in pairs:
        if not value.strip() or (known and key.strip() not in known):
            todo = f"Use one of: {', '.join(known)}." if known else "Write WORD=SEV2."
            raise KbError(f"'{key}={value}' is not understood", where=option, todo=todo)
    return {key.strip(): value.strip() for key, value in pairs}
