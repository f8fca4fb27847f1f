"""`kb adopt`: existing postmortems become searchable records, held to nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import click

from kb.adopt.adoption import (
    ADOPTED_BEFORE,
    NO_POSTMORTEM,
    UNFILLED,
    AdoptedFile,
    plan,
    write,
)
from kb.adopt.facts import DerivedFact
from kb.adopt.files import Found, find_files
from kb.adopt.sources.csv_table import KEYS
from kb.commands.adopt_classify import classify_adopted
from kb.errors import KbError
from kb.library import open_library
from kb.numbers_in_words import plural
from kb.records.taxonomy import SEVERITIES
from kb.repo import open_repo
from kb.streams import echo
from kb.terminal import as_lines, visible

_KEPT = {ADOPTED_BEFORE, NO_POSTMORTEM, UNFILLED}
#: Told only where they are known: nobody misses a clock that no old form asked for.
_QUIET = ("nothing names it", "nothing names one")


@click.command("adopt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be written, and write nothing.")
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
    columns: str,
    scale: str,
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
    files = plan(library, open_repo(library.root), found.files, _severities(scale))
    wanted = [file for file in files if not file.refusal]
    if not dry_run:
        write(library, wanted)
    # What asks for a hand stands last, above the sum.
    ordered = sorted(files, key=lambda file: ("adopted", "kept", "refused").index(_outcome(file)))
    lines = [line for file in ordered for line in _lines(file, dry_run=dry_run)]
    echo(as_lines([*lines, *_sum(files, found, dry_run=dry_run)]), end="")
    return 1 if any(file.refusal and file.refusal not in _KEPT for file in files) else 0


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
    return {word.lower(): severity for word, severity in pairs.items()}


def _pairs(option: str, text: str, keys: Iterable[str] = ()) -> dict[str, str]:
    """The pairs of an option such as `title=Name,date=Started at`."""
    pairs = [part.partition("=")[::2] for part in text.split(",") if part.strip()]
    known = tuple(keys)
    for key, value in pairs:
        if not value.strip() or (known and key.strip() not in known):
            todo = f"Use one of: {', '.join(known)}." if known else "Write WORD=SEV2."
            raise KbError(f"'{key}={value}' is not understood", where=option, todo=todo)
    return {key.strip(): value.strip() for key, value in pairs}


def _lines(file: AdoptedFile, *, dry_run: bool) -> Iterator[str]:
    if file.refusal:
        done = "kept   " if file.refusal in _KEPT else "refused"
        yield f"{done}  {visible(file.source)}: {visible(file.refusal)}"
        return
    yield f"{'would adopt' if dry_run else 'adopted'}  {visible(file.target.as_posix())}"
    yield f"         from {visible(file.source)}"
    for fact in file.facts:
        if fact.value:
            yield f"         {fact.key}: {visible(fact.value)} ({visible(fact.source)})"
    unknown = [f for f in file.facts if not f.value and f.source not in _QUIET]
    yield from (f"         {fact.key}: unknown ({visible(fact.source)})" for fact in unknown)
    items = plural(file.actions, "item") if file.actions else "nothing"
    yield f"         its action list: {items}"
    if file.left:
        yield f"         not carried over: {', '.join(file.left)}"


def _sum(files: Iterable[AdoptedFile], found: Found, *, dry_run: bool) -> Iterator[str]:
    """How many of each, what is missing in them, and what to do next."""
    files = tuple(files)
    counts = Counter(_outcome(file) for file in files)
    told = ", ".join(f"{counts[name]} {name}" for name in ("adopted", "kept", "refused"))
    yield ""
    yield f"{plural(len(files), 'file')}: {told}"
    if found.left_alone:
        kinds = ", ".join(f"{count} {visible(kind)}" for kind, count in found.left_alone.items())
        yield f"left alone, of no kind that is read: {kinds}"
    yield from _missing([file for file in files if not file.refusal])
    if counts["adopted"] and not dry_run:
        yield "Nothing is committed. Next: git diff, kb check, one commit; git revert undoes it."


def _missing(files: Iterable[AdoptedFile]) -> Iterator[str]:
    """What is unknown in how many, and what it takes."""
    facts = [fact for file in files for fact in file.facts]
    stood_in = sum(fact.stands_in for fact in facts)
    if stood_in:
        yield f"no line names the date of {stood_in}: look at what stands in for it, in brackets"
    words = _scale(facts)
    silent = sum(fact.key == "severity" and not fact.value and not fact.word for fact in facts)
    if silent:
        yield f"severity is unknown in {silent}: one word each in front matter, if you want it"
    if words:
        told = ", ".join(f"{visible(word)} ({count})" for word, count in words.items())
        example = ",".join(f"{visible(word)}=SEV…" for word in list(words)[:3])
        yield f"severity is a word of your own in {sum(words.values())}: {told}"
        yield f"  to take them over: --severity '{example}'"


def _scale(facts: Iterable[DerivedFact]) -> Mapping[str, int]:
    """The words of the team's own scale of severity, the most frequent first."""
    words = Counter(
        fact.word for fact in facts if fact.key == "severity" and not fact.value and fact.word
    )
    return dict(words.most_common(8))


def _outcome(file: AdoptedFile) -> str:
    if not file.refusal:
        return "adopted"
    return "kept" if file.refusal in _KEPT else "refused"
