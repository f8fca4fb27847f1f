"""What a reviewer should know of a branch's records, as values for the one comment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from kb.actions.action import Action, actions, listed
from kb.as_of import AsOf
from kb.library import Library
from kb.lint.rule import PriorSuggestion, Problem
from kb.lint.runner import Report, check
from kb.metrics.coverage import EVIDENCE, is_excused
from kb.metrics.inputs import MetricsInput
from kb.records.document import Document
from kb.records.postmortem import Postmortem, interpret
from kb.review.branch import Branch, RemovedRecord, read_branch, removed_records
from kb.review.earlier_incidents import needs_verdict, prior_search

if TYPE_CHECKING:
    from kb.search.answer import Match
    from kb.search.encoder.encoder import Progress

    Search = Callable[[Document], tuple[Match, ...]]

#: The rule that asks for verdicts: the comment has a part of its own for what it finds.
PRIOR_RULE = "unconsidered-prior"
_LOST_FIXTURE = "missing-fixture"


@dataclass(frozen=True, slots=True)
class ReviewedRecord:
    """One new or changed record with all that is said of it.

    `priors` are likely and have no verdict of the author yet, `distant` are less likely ones;
    `promises` are open actions of other records with the same primary class; `evidence` says what
    the record holds, None where it says why that does not apply; `silenced` are rules with reasons.
    `failed` are actions that were done, and did not prevent what this record tells.
    """

    id: str
    path: PurePosixPath
    title: str
    problems: tuple[Problem, ...]
    silenced: tuple[tuple[str, str], ...] = ()
    facts: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    priors: tuple[Match, ...] = ()
    distant: tuple[Match, ...] = ()
    promises: tuple[Action, ...] = ()
    evidence: tuple[tuple[str, bool | None], ...] = ()
    failed: tuple[Action, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewAdvice:
    """All that is said of a branch. `errors` are the faults that fail the check.

    `why_no_search` says in words why prior incidents were not looked up, empty where they were;
    `words_only` that they were by words alone, without probabilities;
    `settings` is the path of `kb.toml` where the branch changes it, empty where it does not, and
    `changes` are lines on what of it decides over the review; `strays` are problems of files that
    belong to no record.
    Paths are relative to the root of the repository.
    """

    records: tuple[ReviewedRecord, ...]
    removed: tuple[RemovedRecord, ...]
    errors: int
    why_no_search: str = ""
    settings: str = ""
    changes: tuple[str, ...] = ()
    strays: tuple[Problem, ...] = ()
    words_only: str = ""


def review(
    library: Library, base: str | None, now: datetime, progress: Progress | None = None
) -> ReviewAdvice:
    """What the working tree changes against where it branched off `base`, or off the main line.

    Raises `KbError` where Git cannot tell.
    """
    library, branch = read_branch(library, base)
    gone = tuple(removed_records(library, branch, now.date()))
    documents = _to_review(library, branch, gone)
    told = ReviewAdvice(
        (), gone, int(branch.moved), settings=branch.settings, changes=branch.changes
    )
    if branch.loose:
        strays = check(library, paths=branch.loose, today=now.date())
        found = (replace(p, path=branch.root / PurePosixPath(p.path)) for p in strays.problems)
        told = replace(told, strays=tuple(found), errors=told.errors + strays.errors)
    if not documents:
        return told
    search = prior_search(library, now.date(), progress)
    report = _check(library, documents, search.find, now.date())
    desk = _Desk(library, branch, report, search.find, now)
    records = tuple(_reviewed(desk, document) for document in documents)
    return replace(
        told,
        records=records,
        errors=told.errors + report.errors,
        why_no_search=search.why_not,
        words_only=search.words_only,
    )


def _to_review(
    library: Library, branch: Branch, gone: Iterable[RemovedRecord]
) -> tuple[Document, ...]:
    """What the branch changes, and the records whose links lead nowhere now."""
    broken = {name for removed in gone for name in removed.named_by}
    return tuple(
        document
        for document in library.documents
        if document.path.name in branch.changed or document.id in broken
    )


def _check(
    library: Library, documents: Iterable[Document], find: Search | None, today: date
) -> Report:
    def likely(document: Document) -> Iterable[PriorSuggestion]:
        for match in find(document) if find else ():
            if needs_verdict(match) and match.probability is not None:
                why = "; ".join(match.reasons) or "similar text"
                yield PriorSuggestion(match.id, match.title, match.probability, why)

    paths = [library.root / document.path for document in documents]
    return check(library, paths=paths, today=today, likely_priors=likely if find else None)


@dataclass(frozen=True)
class _Desk:
    """What lies before whoever reviews one record after the other."""

    library: Library
    branch: Branch
    report: Report
    find: Search | None
    now: datetime

    @cached_property
    def owed(self) -> tuple[Action, ...]:
        """Every open action of the library, overdue first."""
        return tuple(action for action in self.promised if action.is_open)

    @cached_property
    def failed(self) -> tuple[Action, ...]:
        """Every action that was done and failed, for one also by a record in draft."""
        return tuple(action for action in self.promised if action.has_failed)

    @cached_property
    def promised(self) -> tuple[Action, ...]:
        """Every action of the library; records under review speak of effects, drafts too."""
        names = [document.id for document in self.library.documents if self.is_changed(document)]
        return listed(actions(self.library, None, self.now.date(), names))

    def is_changed(self, document: Document) -> bool:
        """Whether the branch changes a record."""
        return document.path.name in self.branch.changed


def _reviewed(desk: _Desk, document: Document) -> ReviewedRecord:
    found = tuple(p for p in desk.report.problems if p.path == document.path)
    told = ReviewedRecord(
        id=document.id,
        path=desk.branch.root / PurePosixPath(document.path),
        title=document.title,
        problems=tuple(problem for problem in found if problem.name != PRIOR_RULE),
        silenced=tuple((", ".join(a.rules), a.reason) for a in document.allowances),
    )
    record = interpret(document)
    if record is None:
        return told
    matches = desk.find(document) if desk.find else ()
    given = {prior.id for prior in record.priors if prior.verdict}
    return replace(
        told,
        facts=tuple(f for f in (record.status, record.severity, record.impact) if f),
        classes=record.classes,
        priors=tuple(m for m in matches if m.id not in given and needs_verdict(m)),
        distant=tuple(m for m in matches if m.id not in given and not needs_verdict(m)),
        promises=_promises(desk.owed, record),
        failed=tuple(action for action in desk.failed if action.effect_by == record.id),
        evidence=tuple(_evidence(record, found, desk.now)),
    )


def _promises(owed: Iterable[Action], record: Postmortem) -> tuple[Action, ...]:
    """Open actions of other records of its origin whose primary class is that of this one."""
    return tuple(
        action
        for action in owed
        if action.record != record.id
        and action.origin == record.origin
        and action.classes[:1] == record.classes[:1] != ()
    )


def _evidence(
    record: Postmortem, problems: Iterable[Problem], now: datetime
) -> Iterator[tuple[str, bool | None]]:
    lost = any(problem.name == _LOST_FIXTURE for problem in problems)
    facts = MetricsInput((record,), AsOf(now), lost_fixtures=frozenset([record.id] if lost else []))
    for row in EVIDENCE:
        holds = row.holds(facts, record)
        yield row.label, None if not holds and is_excused(record, row.section) else holds
