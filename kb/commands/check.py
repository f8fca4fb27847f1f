"""`kb check`: what is wrong with records, by line."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.did_you_mean import did_you_mean
from kb.errors import KbError
from kb.library import LOCAL_FOLDER, Library, find_root, open_library, unread_library
from kb.lint.parallel_check import check_library, is_large
from kb.lint.registry import all_rules
from kb.lint.report import FORMATS, JSON_FORMATS, render, text
from kb.lint.rule import PriorSuggestion
from kb.lint.runner import Report, check
from kb.records.document import Document
from kb.streams import echo, echo_commands, echo_json

if TYPE_CHECKING:
    from kb.search.index.index import Index


@click.command("check")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", *FORMATS]),
    default="text",
    help="For people, or for the program that reads it.",
)
@click.option("--strict", is_flag=True, help="Advice fails the check, too.")
@click.option("--changed-since", metavar="REV", help="Only what differs from where REV branched.")
@click.option(
    "--as",
    "status",
    type=click.Choice(["in-review", "published"]),
    help="Hold records to what this status asks for.",
)
@click.option("--no-cache", is_flag=True, help="Neither read nor keep what was found before.")
@click.option(
    "--explain",
    metavar="RULE",
    help="Show what a rule is about, by code, name or part of one.",
)
@click.pass_context
def command(
    context: click.Context,
    paths: tuple[Path, ...],
    style: str,
    strict: bool,
    changed_since: str | None,
    status: str | None,
    no_cache: bool,
    explain: str | None,
) -> None:
    """Check all records, or those in PATHS: files of any name, or folders.

    A draft may be incomplete; --as published says what it still lacks.

    Exit status 0: no fault; 1: faults; 2: could not run.
    """
    if explain is not None:
        echo(_explained(explain))
        return
    report = _report(paths, changed_since, status or "", keep=not no_cache)
    if style in JSON_FORMATS:
        echo_json(render(report, style, base=Path.cwd()))
    elif style == "text":
        echo(text(report, base=Path.cwd()))
    elif shown := render(report, style, base=Path.cwd()):
        echo_commands(shown)
    context.exit(1 if report.errors or (strict and report.advice) else 0)


def library_of(paths: tuple[Path, ...]) -> Library:
    """The library the first path lies in, else the one of the working folder."""
    return open_library(_start(paths))


def _start(paths: tuple[Path, ...]) -> Path:
    """Where to look for the library."""
    if paths:
        try:
            # Without `..`, as files are when they are looked for in the library.
            first = Path(os.path.normpath(paths[0].absolute()))
            find_root(first)
            return first
        except KbError:
            pass  # A draft kept elsewhere is held against the library one stands in.
    return Path.cwd()


def changed_paths(library: Library, paths: tuple[Path, ...], revision: str) -> tuple[Path, ...]:
    """The files below the folder of records that differ from where `revision` branched off.

    `paths`, where there are any, are the files and folders to keep to.

    Raises `KbError` where Git cannot say.
    """
    from kb.repo import NoRepo, open_repo

    repo = open_repo(library.folder)
    if isinstance(repo, NoRepo):
        raise KbError("what changed is not known", where=str(library.folder), todo=repo.why_unknown)
    folder = repo.relative(library.folder)
    changed = repo.changed_since(revision, folder or "") or ()
    files = [library.folder / name.relative_to(folder or "") for name in changed]
    wanted = [path.absolute() for path in paths]
    return tuple(
        file
        for file in files
        if file.is_file() and (not wanted or any(file.is_relative_to(path) for path in wanted))
    )


def _report(paths: tuple[Path, ...], revision: str | None, status: str, *, keep: bool) -> Report:
    today = datetime.now(UTC).date()
    start = _start(paths)
    chosen = changed_paths(unread_library(start), paths, revision) if revision else paths
    if revision and not chosen:
        return Report((), 0, 0, 0)
    # To ask search about every record would take minutes: it is asked about a few named ones.
    asks_search = (chosen or status) and _was_built(start) and not is_large(start, chosen)
    if not asks_search:
        return check_library(start, today=today, paths=chosen, status=status, keep=keep)
    library = open_library(start)
    search = _likely_priors(library, today)
    return check(library, paths=chosen, today=today, likely_priors=search, status=status)


def _was_built(start: Path) -> bool:
    return (find_root(start) / LOCAL_FOLDER / "index").exists()


def _likely_priors(
    library: Library, today: date
) -> Callable[[Document], Iterable[PriorSuggestion]] | None:
    """Search for the rule that asks it; None where it is not at hand."""
    index = _index(library)
    if index is None:
        return None
    from kb.search.find_similar import likely_priors

    def likely(document: Document) -> list[PriorSuggestion]:
        found = likely_priors(library, document, today=today, index=index)
        return [PriorSuggestion(p.id, p.title, p.probability, p.reason) for p in found]

    return likely


def _index(library: Library) -> Index | None:
    """The index of a library that was built once, where search is installed; else None."""
    try:
        from kb.search.index.index import index_home, open_index

        return open_index(library) if index_home(library.root).exists() else None
    except (ImportError, KbError):
        return None


def _explained(text: str) -> str:
    """The page of the rule a code, a name or a part of one means; where there are several, a list.

    Raises `KbError` where no rule is meant.
    """
    from kb.commands.rules import find_rules, row
    from kb.lint.rule_docs import rule_page

    found = find_rules(text)
    named = [rule for rule in found if _as_rule_name(text) in rule.name] or list(found)
    if len(named) == 1:
        return rule_page(named[0])
    if not named:
        raise _no_rule(text)
    return "\n".join([f"{len(named)} rules speak of '{text.strip()}':", *map(row, named)])


def _as_rule_name(text: str) -> str:
    """A text as the names of rules are spelled."""
    return "-".join(text.lower().replace("-", " ").split())


def _no_rule(text: str) -> KbError:
    known = [word for rule in all_rules() for word in (rule.name, rule.code)]
    todo = did_you_mean(text.strip(), known, "'kb rules' lists them all.")
    return KbError(f"there is no rule '{text}'", todo=todo)
