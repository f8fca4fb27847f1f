"""What a branch does to the records: new, changed, deleted and renamed ones, from Git."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePath, PurePosixPath

from kb.actions.action import Action, actions_of
from kb.actions.dates_from_git import Trail
from kb.config import FILE_NAME
from kb.errors import KbError
from kb.library import Library
from kb.lint.non_records import sort_files
from kb.records.document import Document, read_document
from kb.records.postmortem import interpret
from kb.records.record_files import is_record_name
from kb.repo import Commit, NoRepo, Repo, open_repo
from kb.review.settings import (
    changed_settings,
    settings_before,
    with_trusted_settings,
)

_BASES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
#: Share of equal lines from which on a deleted and a new record are one that was renamed, as Git
#: has it (`git diff -M50%`).
_SAME_RECORD = 0.5


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
class Branch:
    """What a branch changes since the commit `start`. `root` is the library's folder in `repo`.

    `changed` are the file names of records that are new or different, or whose evidence is;
    `loose` are new or different files of no record below the folder of records; `removed` are paths
    of records that are gone; `settings` is the path of a changed `kb.toml`, `changes` what of it
    matters here, and `moved` whether that is the folder of the records.
    """

    repo: Repo
    start: Commit
    root: PurePosixPath
    changed: frozenset[str]
    removed: tuple[PurePosixPath, ...]
    settings: str
    loose: tuple[Path, ...] = ()
    changes: tuple[str, ...] = ()
    moved: bool = False


def read_branch(library: Library, base: str | None) -> tuple[Library, Branch]:
    """What the working tree changes against where it branched off `base`, or off the main line.

    The library comes with it, held against the settings of its base.
    Raises `KbError` without Git, for an unknown base, and where the two share no known commit.
    """
    repo = open_repo(library.root)
    root = repo.relative(library.root)
    if isinstance(repo, NoRepo) or root is None:
        raise KbError("a review compares with Git", where=str(library.root), todo=repo.why_unknown)
    other = repo.resolve(base) if base else _main_line(repo)
    paths = repo.changed_since(other, root) or ()
    start = repo.merge_base(other, "HEAD") or other
    settings = str(root / FILE_NAME) if root / FILE_NAME in paths else ""
    before = settings_before(repo, start, root) if settings else library.config
    trusted = with_trusted_settings(library, before)
    folder = root / before.library.path
    names = _record_names(paths, folder)
    present = {document.path.name for document in trusted.documents}
    return trusted, Branch(
        repo,
        start,
        root,
        changed=frozenset(names & present),
        removed=tuple(folder / name for name in sorted(names - present)),
        settings=settings,
        loose=_loose(trusted, [trusted.root / path.relative_to(root) for path in paths]),
        changes=changed_settings(library.config, before),
        moved=library.config.library.path != before.library.path,
    )


def _loose(library: Library, files: Iterable[Path]) -> tuple[Path, ...]:
    """The files below the folder of records that no record has, those in a record's shape, too."""
    below = [file for file in files if file.is_relative_to(library.folder) and file.is_file()]
    found = sort_files(library, below)
    known = {library.root / document.path for document in library.documents}
    return (*found.loose, *(file for file in found.records if file not in known))


def _main_line(repo: Repo) -> Commit:
    for name in _BASES:
        try:
            return repo.resolve(name)
        except KbError:
            continue
    shallow = (
        " This clone is shallow: run `git fetch --unshallow` first." if repo.is_shallow else ""
    )
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


def removed_records(library: Library, branch: Branch, today: date) -> Iterator[RemovedRecord]:
    """The records that the branch takes away, as they stood where it began."""
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


def _new_documents(library: Library, branch: Branch) -> tuple[Document, ...]:
    folder = branch.root / library.config.library.path
    known = branch.repo.read_all([folder / name for name in branch.changed], branch.start)
    fresh = {name for name in branch.changed if folder / name not in known}
    return tuple(document for document in library.documents if document.path.name in fresh)


def _renamed_to(before: Document, fresh: Iterable[Document]) -> str:
    """The id of the new record that holds most of the old one's lines, empty where none does."""
    shares = [(_equal_lines(before, document), document.id) for document in fresh]
    share, found = max(shares, default=(0.0, ""))
    return found if share >= _SAME_RECORD else ""


def _equal_lines(one: Document, other: Document) -> float:
    """The share of lines, 0 to 1, that two files have in common, in any order."""
    lines, others = (Counter(filter(str.strip, d.text.splitlines())) for d in (one, other))
    whole = lines.total() + others.total()
    return 2 * (lines & others).total() / whole if whole else 0.0
