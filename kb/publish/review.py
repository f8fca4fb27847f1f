"""What does a branch change, and what should its reviewer know of it? Values for the one comment."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING

from kb.config import FILE_NAME
from kb.errors import KbError
from kb.library import Library
from kb.lint.check import Report, check
from kb.lint.registry import LikelyPrior, Problem
from kb.metrics.actions import Action, actions, actions_of, listed
from kb.metrics.coverage import EVIDENCE
from kb.metrics.facts import Facts
from kb.metrics.history import Trail
from kb.metrics.values import AsOf
from kb.publish.priors import needs_verdict, prior_search
from kb.records.document import Document, is_record_name, read_document
from kb.records.model import Postmortem, interpret
from kb.repo import Commit, NoRepo, Repo, open_repo

if TYPE_CHECKING:
    from kb.search.answer import Match
    from kb.search.encoder import Progress
    Search = Callable[[Document], tuple[Match, ...]]

_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
#: The rule that asks for verdicts: the comment has a part of its own for what it finds.
PRIOR_RULE = "unconsidered-prior"
_LOST_FIXTURE = "missing-fixture"
#: Share of equal lines from which on a deleted and a new record are one that was renamed, as Git
#: has it (`git diff -M50%`).
_SAME_RECORD = 0.5


@dataclass(frozen=True, slots=True)
class ReviewedRecord:
    """One new or changed record with all that is said of it.

    `priors` are likely and have no verdict of the author yet, `distant` are less likely ones;
    `promises` are open actions of other records with the same primary class; `evidence` says what
    the record holds, None where it says why that does not apply; `silenced` are rules with reasons.
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


@dataclass(frozen=True, slots=True)
class RemovedRecord:
    """A record that the branch takes away.

    `renamed_to` is the id of the new record that carries on its text, empty where there is none;
    `named_by` are records that call it an earlier incident, `promises` its open actions.
    """

    path: PurePosixPath
    renamed_to: str
    named_by: tuple[str, ...]
    promises: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """All that is said of a branch. `errors` are the faults that fail the check.

    `why_no_search` says in words why prior incidents were not looked up, empty where they were;
    `settings` is the path of `kb.toml` where the branch changes it, empty where it does not.
    Paths are relative to the root of the repository.
    """

    records: tuple[ReviewedRecord, ...]
    removed: tuple[RemovedRecord, ...]
    errors: int
    why_no_search: str = ""
    settings: str = ""


def review(
    library: Library, base: str | None, now: datetime, progress: Progress | None = None
) -> Review:
    """What the working tree changes against where it branched off `base`, or off the main line.

    Raises `KbError` where Git cannot tell.
    """
    branch = _branch(library, base)
    gone = tuple(_removed(library, branch, now.date()))
    documents = _to_review(library, branch, gone)
    if not documents:
        return Review((), gone, 0, settings=branch.settings)
    search = prior_search(library, now.date(), progress)
    report = _check(library, documents, search.find, now.date())
    desk = _Desk(library, branch, report, search.find, now)
    records = tuple(_reviewed(desk, document) for document in documents)
    return Review(records, gone, report.errors, search.why_not, branch.settings)


@dataclass(frozen=True, slots=True)
class _Branch:
    """Where a branch stands: `changed` are the names of its record files, `removed` their paths."""

    repo: Repo
    start: Commit
    root: PurePosixPath
    changed: frozenset[str]
    removed: tuple[PurePosixPath, ...]
    settings: str


def _branch(library: Library, base: str | None) -> _Branch:
    repo = open_repo(library.root)
    root = repo.relative(library.root)
    if isinstance(repo, NoRepo) or root is None:
        raise KbError("a review compares with Git", where=str(library.root), todo=repo.why_unknown)
    other = repo.resolve(base) if base else _main_line(repo)
    paths = repo.changed_since(other, root) or ()
    start = repo.merge_base(other, "HEAD") or other
    settings = str(root / FILE_NAME) if root / FILE_NAME in paths else ""
    names = _record_names(paths, root / library.config.library.path)
    present = {document.path.name for document in library.documents}
    folder = root / library.config.library.path
    removed = tuple(folder / name for name in sorted(names - present))
    return _Branch(repo, start, root, frozenset(names & present), removed, settings)


def _main_line(repo: Repo) -> Commit:
    for name in _BASES:
        try:
            return repo.resolve(name)
        except KbError:
            continue
    shallow = " This clone is shallow: run `git fetch --unshallow` first." if repo.is_shallow else ""
    raise KbError(
        "the main line was not found, which a branch is compared with",
        where=str(repo.root),
        todo=f"Name it: kb review --base REV.{shallow}",
    )


def _record_names(paths: Iterable[PurePosixPath], folder: PurePosixPath) -> set[str]:
    """The files of the records that these paths belong to; evidence counts as its record."""
    found = set()
    for path in paths:
        if path.is_relative_to(folder) and path != folder:
            inside = path.relative_to(folder).parts
            name = inside[0] if len(inside) == 1 else f"{inside[0]}.md"
            if is_record_name(name):
                found.add(name)
    return found


def _to_review(
    library: Library, branch: _Branch, gone: Iterable[RemovedRecord]
) -> tuple[Document, ...]:
    """What the branch changes, and the records whose links lead nowhere now."""
    broken = {name for removed in gone for name in removed.named_by}
    return tuple(
        document
        for document in library.documents
        if document.path.name in branch.changed or document.id in broken
    )


def _removed(library: Library, branch: _Branch, today: date) -> Iterable[RemovedRecord]:
    contents = branch.repo.read_all(branch.removed, branch.start)
    fresh = _new_documents(library, branch) if contents else ()
    for path in branch.removed:
        if path not in contents:  # evidence without a record, or a link
            continue
        before = read_document(contents[path], PurePath(path.name), library.form)
        record = interpret(before)
        found = actions_of(record, Trail(), today) if record else ()
        named_by = [
            document.id
            for document in library.documents
            if any(prior.id == before.id for prior in document.priors)
        ]
        promises = tuple(action for action in found if action.is_open)
        yield RemovedRecord(path, _renamed_to(before, fresh), tuple(named_by), promises)


def _new_documents(library: Library, branch: _Branch) -> tuple[Document, ...]:
    folder = branch.root / library.config.library.path
    known = branch.repo.read_all([folder / name for name in branch.changed], branch.start)
    fresh = {name for name in branch.changed if folder / name not in known}
    return tuple(document for document in library.documents if document.path.name in fresh)


def _renamed_to(before: Document, fresh: Iterable[Document]) -> str:
    """The id of the new record with most of the old one's lines, or that names it as an alias."""
    lines = before.text.splitlines()
    best, best_share = "", _SAME_RECORD
    for document in fresh:
        if before.id in document.front.texts("aliases"):
            return document.id
        matcher = difflib.SequenceMatcher(None, lines, document.text.splitlines(), autojunk=False)
        if matcher.quick_ratio() >= best_share and (share := matcher.ratio()) >= best_share:
            best, best_share = document.id, share
    return best


def _check(
    library: Library, documents: Iterable[Document], find: Search | None, today: date
) -> Report:
    def likely(document: Document) -> Iterable[LikelyPrior]:
        for match in find(document) if find else ():
            if needs_verdict(match):
                why = "; ".join(match.reasons) or "similar text"
                yield LikelyPrior(match.id, match.title, match.probability, why)

    paths = [library.root / document.path for document in documents]
    return check(library, paths=paths, today=today, likely_priors=likely if find else None)


@dataclass(frozen=True)
class _Desk:
    """What lies before whoever reviews one record after the other."""

    library: Library
    branch: _Branch
    report: Report
    find: Search | None
    now: datetime

    @cached_property
    def owed(self) -> tuple[Action, ...]:
        """Every open action of the library, overdue first."""
        found = listed(actions(self.library, None, self.now.date()))
        return tuple(action for action in found if action.is_open)


def _reviewed(desk: _Desk, document: Document) -> ReviewedRecord:
    found = tuple(p for p in desk.report.problems if p.path == document.path)
    told = ReviewedRecord(
        id=document.id,
        path=desk.branch.root / PurePosixPath(document.path),
        title=document.front.text("title") or document.title or document.id,
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
    facts = Facts((record,), AsOf(now), lost_fixtures=frozenset([record.id] if lost else []))
    for row in EVIDENCE:
        holds = row.holds(facts, record)
        yield row.label, None if not holds and _is_excused(record, row.section) else holds


def _is_excused(record: Postmortem, key: str) -> bool:
    """Whether a section says why it does not apply."""
    section = record.section(key)
    text = section.text.lower() if section else ""
    return text.startswith("n/a") and len(text) > len("n/a.")
