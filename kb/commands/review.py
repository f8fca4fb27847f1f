"""`kb review`: a pull request's whole comment."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import click

from kb.commands.check import likely_matches
from kb.errors import KbError
from kb.library import Library, open_library
from kb.lint.check import Report, check
from kb.lint.registry import LikelyPrior
from kb.metrics.actions import Action, actions
from kb.metrics.coverage import EVIDENCE
from kb.metrics.facts import Facts
from kb.metrics.values import AsOf
from kb.publish.comment import ReviewedRecord, review_comment
from kb.records.document import Document, is_record_name
from kb.records.model import Postmortem, interpret
from kb.search.answer import Match

_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")


@click.command("review")
@click.option("--base", metavar="REV", help="What the branch is compared with; default the main line.")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the comment here instead of printing it.",
)
@click.pass_context
def command(context: click.Context, base: str | None, output: Path | None) -> None:
    """Write the review of a branch: faults, prior incidents without a verdict, open promises.

    Exit status 1 when a record has a fault; the comment is written all the same.
    """
    library = open_library(Path.cwd())
    changed, removed = _changed(library, base)
    documents = [d for d in library.documents if library.root / d.path in changed]
    report = _report(library, [library.root / d.path for d in documents])
    comment = review_comment(_reviewed(library, documents, report), removed)
    if output is None:
        click.echo(comment, nl=False)
    else:
        _write(output, comment)
    context.exit(1 if report.errors else 0)


def _changed(library: Library, base: str | None) -> tuple[set[Path], list[str]]:
    """The record files the branch adds or changes, and the paths of those it removes."""
    from kb.repo import NoRepo, open_repo

    repo = open_repo(library.folder)
    folder = repo.relative(library.folder)
    if isinstance(repo, NoRepo) or folder is None:
        raise KbError("a review compares with Git", where=str(library.root), todo=repo.why_unknown)
    for name in (base,) if base else _BASES:
        try:
            commit = repo.resolve(name)
        except KbError:
            if base:
                raise
            continue
        paths = repo.changed_since(commit, folder) or ()
        return _split(library, folder, paths)
    raise KbError("the main line was not found", todo="Name it: kb review --base REV.")


def _split(
    library: Library, folder: PurePosixPath, paths: Iterable[PurePosixPath]
) -> tuple[set[Path], list[str]]:
    named = [library.folder / path.relative_to(folder) for path in paths]
    records = [file for file in named if file.parent == library.folder and is_record_name(file.name)]
    removed = [file.relative_to(library.root).as_posix() for file in records if not file.exists()]
    return {file for file in records if file.exists()}, removed


def _report(library: Library, paths: list[Path]) -> Report:
    if not paths:
        return Report((), 0, 0, 0)
    # Prior incidents have a part of the comment of their own, with their reasons.
    return check(library, paths=paths, today=datetime.now(UTC).date(), likely_priors=_none)


def _none(_: Document) -> Iterable[LikelyPrior]:
    return ()


def _reviewed(
    library: Library, documents: list[Document], report: Report
) -> Iterable[ReviewedRecord]:
    now = AsOf(datetime.now(UTC))
    owed = [action for action in actions(library, None, now.day) if action.is_open]
    matches = likely_matches(library, now.day)
    for document in documents:
        record = interpret(document)
        if record is None:
            continue
        given = {prior.id for prior in record.priors if prior.verdict}
        yield ReviewedRecord(
            id=record.id,
            path=document.path.as_posix(),
            title=record.title,
            problems=tuple(p for p in report.problems if p.path == document.path),
            priors=None if matches is None else _undiscussed(matches(document), given),
            promises=_promises(owed, record),
            evidence=_evidence(record, now),
        )


def _undiscussed(found: Iterable[Match], given: set[str]) -> tuple[Match, ...]:
    return tuple(match for match in found if match.id not in given)


def _promises(owed: Iterable[Action], record: Postmortem) -> tuple[Action, ...]:
    """Open actions of other records whose primary class is that of this one."""
    return tuple(
        action
        for action in owed
        if action.record != record.id and action.classes[:1] == record.classes[:1] != ()
    )


def _evidence(record: Postmortem, now: AsOf) -> tuple[tuple[str, bool], ...]:
    facts = Facts(known=(record,), as_of=now)
    return tuple((evidence.label, evidence.holds(facts, record)) for evidence in EVIDENCE)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error
