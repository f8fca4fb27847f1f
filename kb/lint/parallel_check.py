"""Checks a large library on several cores; each reads and checks its share of the files.

Rules compare records, so the shares exchange the outlines of their records in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from kb.config import Config
from kb.library import find_root, no_collection, open_library, record_files
from kb.lint.checked_files import (
    FoundInFiles,
    LibraryFile,
    check_files,
    check_files_kept,
    kept_unchecked,
    names_beside,
    read_files,
)
from kb.lint.findings_cache import CacheOfFindings, KeptFile
from kb.lint.non_records import file_problems
from kb.lint.rule import LintContext, Problem
from kb.lint.runner import Report, build_report, check, chosen_files, in_order
from kb.parallel.forks import forks, usable_cores
from kb.records.form import Form, build_form
from kb.records.postmortem import Outline
from kb.trusted_settings import open_config

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

#: Below this many files one process is done within a second; on busy cores nothing is gained or
#: lost (tests/bench/check.py).
_WORTHWHILE = 300

_Outlines = dict[str, Outline]
_Claims = dict[str, tuple[PurePath, ...]]


@dataclass(frozen=True)
class _Job:
    """What every share knows: the library's folder and settings, the day, and what is asked.

    `chosen` are the files to check, in the order of the report; all are there to compare with.
    `kept` is what was found earlier, None where nothing is to be kept.
    """

    root: Path
    config: Config
    form: Form
    today: date
    chosen: dict[Path, int]
    status: str
    kept: Mapping[str, KeptFile] | None

    @property
    def folder(self) -> Path:
        """The folder of the records."""
        return self.root / self.config.library.path

    def read(self, files: Sequence[Path]) -> list[LibraryFile]:
        """The files of a share."""
        return read_files(files, self.form, self.root, self.kept)

    def check(self, files: Iterable[LibraryFile], context: LintContext) -> FoundInFiles:
        """What is found in those of a share that are to be checked."""
        asked = [file for file in files if file.file in self.chosen]
        if self.kept is None or self.status:
            return check_files(asked, context, self.status)
        return check_files_kept(asked, context, names_beside(self.folder))

    def context(self, records: _Outlines, paths: _Claims) -> LintContext:
        """The context that all shares have."""
        return LintContext(self.form, self.config.check, self.today, self.root, records, paths)


def is_large(start: Path, paths: Sequence[Path]) -> bool:
    """Whether `paths`, or without any the library that `start` lies in, are many records.

    Raises `KbError` as `open_library` and `check` do.
    """
    if paths:
        return len(chosen_files(paths)) >= _WORTHWHILE
    root = find_root(start)
    return len(record_files(root / open_config(root).library.path)) >= _WORTHWHILE


def check_library(
    start: Path,
    *,
    today: date,
    cores: int | None = None,
    paths: Sequence[Path] = (),
    status: str = "",
    keep: bool = False,
) -> Report:
    """What `check` finds in the library that `start` lies in, or in `paths`, without search.

    `cores`: how many processes; by default those of the machine, where there is enough to do.
    `keep`: what is found is kept in the user's cache, and what was is believed where it holds.
    Raises `KbError` as `open_library` and `check` do.
    """
    root = find_root(start)
    config = open_config(root)
    files = record_files(root / config.library.path)
    chosen = dict.fromkeys(files) if not paths else chosen_files(paths)
    cores = cores or (usable_cores() if len(chosen) >= _WORTHWHILE else 1)
    with no_collection():
        if (cores > 1 or keep) and chosen.keys() <= set(files):
            order = {file: number for number, file in enumerate(chosen)}
            cache = CacheOfFindings(root, config) if keep else None
            kept = cache.read() if cache else None
            job = _Job(root, config, build_form(config), today, order, status, kept)
            # A process that was killed or could not be started: one alone does it, or says why not.
            with suppress(EOFError, OSError):
                report, now_kept = _checked(job, files, cores, with_strays=not paths)
                if cache and now_kept != kept:
                    cache.write(now_kept)
                return report
        return check(open_library(start), today=today, paths=paths, status=status)


def _checked(
    job: _Job, files: list[Path], cores: int, *, with_strays: bool
) -> tuple[Report, dict[str, KeptFile]]:
    """The report on files, in shares if there are cores, and what is kept of them from now on."""
    if cores > 1:
        shares = [files[number::cores] for number in range(cores)]
        if len(job.kept or ()) < len(files) // 2:
            _look_at(job, shares[0][:1])
        with forks(partial(_check_share, job), shares) as pipes:
            known = _joined(pipe.recv() for pipe in pipes)
            for pipe in pipes:
                pipe.send(known)
            context = job.context(*known)
            strays = file_problems(job.folder, context) if with_strays else []
            shares_found = [pipe.recv() for pipe in pipes]
    else:
        read = job.read(files)
        context = job.context(*_joined([_outlines_and_claims(read)]))
        strays = file_problems(job.folder, context) if with_strays else []
        shares_found = [(job.check(read, context), _unchecked(job, read))]
    found = FoundInFiles([], {}, {})
    kept: dict[str, KeptFile] = {}
    for one, others in shares_found:
        found.problems.extend(one.problems)
        found.lines.update(one.lines)
        kept |= others | one.kept
    return _report(job, context, found, strays, with_strays=with_strays), kept


def _report(
    job: _Job,
    context: LintContext,
    found: FoundInFiles,
    strays: list[Problem],
    *,
    with_strays: bool,
) -> Report:
    if with_strays:
        problems = in_order([*found.problems, *strays])
    else:
        problems = sorted(found.problems, key=lambda one: job.chosen[job.root / one.path])
    outlines = (context.records.get(file.stem) for file in job.chosen)
    statuses = {job.status or one.status for one in outlines if one is not None}
    asks = bool(statuses & {"in-review", "published"})
    return build_report(context, problems, found.lines, records=len(job.chosen), asks_search=asks)


def _look_at(job: _Job, files: list[Path]) -> None:
    """Check a file for what that loads and compiles: the processes have it from the start then."""
    read = job.read(files)
    job.check(read, job.context(*_joined([_outlines_and_claims(read)])))


def _outlines_and_claims(files: Iterable[LibraryFile]) -> tuple[_Outlines, _Claims]:
    """What others have to know of files: their outlines by id, and who claims which names."""
    outlines: _Outlines = {}
    claims: dict[str, dict[PurePath, None]] = {}
    for file in files:
        if file.outline is not None:
            outlines[file.outline.id] = file.outline
        for name in file.names:
            claims.setdefault(name, {})[file.path] = None
    return outlines, {name: tuple(paths) for name, paths in claims.items()}


def _joined(shares: Iterable[tuple[_Outlines, _Claims]]) -> tuple[_Outlines, _Claims]:
    """What the shares know together, the records by id."""
    records: _Outlines = {}
    paths: _Claims = {}
    for share_records, share_claims in shares:
        records |= share_records
        for name, claiming in share_claims.items():
            paths[name] = tuple(sorted({*paths.get(name, ()), *claiming}))
    return dict(sorted(records.items())), paths


def _unchecked(job: _Job, files: list[LibraryFile]) -> dict[str, KeptFile]:
    return {} if job.kept is None else kept_unchecked(files)


def _check_share(job: _Job, files: list[Path], pipe: Connection) -> None:
    """What a process does: tells of its records, hears of all, and tells what it found."""
    read = job.read(files)
    pipe.send(_outlines_and_claims(read))
    records, paths = pipe.recv()
    pipe.send((job.check(read, job.context(records, paths)), _unchecked(job, read)))
