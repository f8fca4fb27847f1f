"""Checks a large library on several cores; each reads and checks its share of the files.

Rules compare records, so the shares exchange the outlines of their records in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path, PurePath

from kb.config import Config
from kb.library import find_root, load_documents, no_collection, open_library, record_files
from kb.lint.non_records import file_problems
from kb.lint.rule import LintContext, Problem
from kb.lint.runner import (
    Report,
    build_report,
    check,
    chosen_files,
    claims,
    find,
    in_order,
    outlines,
    with_status,
)
from kb.parallel.forks import forks, usable_cores
from kb.records.document import Document
from kb.records.form import Form, build_form
from kb.records.model import Outline
from kb.trust import open_config

#: Below this many files one process is done within a second; on busy cores nothing is gained or
#: lost (tests/bench/check.py).
_WORTHWHILE = 300

_Outlines = dict[str, Outline]
_Claims = dict[str, tuple[PurePath, ...]]


@dataclass(frozen=True)
class _Job:
    """What every share knows: the library's folder and settings, the day, and what is asked.

    `chosen` are the files to check, in the order of the report; all are there to compare with.
    """

    root: Path
    config: Config
    form: Form
    today: date
    chosen: dict[Path, int]
    status: str

    def read(self, files: Iterable[Path]) -> list[Document]:
        """The documents of a share."""
        return list(load_documents(files, self.form, self.root))

    def asked(self, files: Iterable[Path], documents: Iterable[Document]) -> Iterator[Document]:
        """Those of a share that are to be checked, held to the status that was asked for."""
        for file, document in zip(files, documents, strict=True):
            if file in self.chosen:
                yield with_status(document, self.status) if self.status else document

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
) -> Report:
    """What `check` finds in the library that `start` lies in, or in `paths`, without search.

    `cores`: how many processes; by default those of the machine, where there is enough to do.
    Raises `KbError` as `open_library` and `check` do.
    """
    root = find_root(start)
    config = open_config(root)
    files = record_files(root / config.library.path)
    chosen = dict.fromkeys(files) if not paths else chosen_files(paths)
    cores = cores or (usable_cores() if len(chosen) >= _WORTHWHILE else 1)
    with no_collection():
        if cores > 1 and chosen.keys() <= set(files):
            order = {file: number for number, file in enumerate(chosen)}
            job = _Job(root, config, build_form(config), today, order, status)
            shares = [files[number::cores] for number in range(cores)]
            # A process that was killed or could not be started: one alone does it, or says why not.
            with suppress(EOFError, OSError):
                return _shared(job, shares, with_strays=not paths)
        return check(open_library(start), today=today, paths=paths, status=status)


def _shared(job: _Job, shares: list[list[Path]], *, with_strays: bool) -> Report:
    """The report of all shares, each of them read and checked in a process of its own.

    Here nothing is read but strays: to take documents apart at the end costs more than a process.
    """
    _look_at(job, shares[0][:1])
    with forks(partial(_check_share, job), shares) as pipes:
        known = _joined(pipe.recv() for pipe in pipes)
        for pipe in pipes:
            pipe.send(known)
        context = job.context(*known)
        folder = job.root / job.config.library.path
        strays = file_problems(folder, context) if with_strays else []
        problems: list[Problem] = []
        lines: dict[tuple[PurePath, int], str] = {}
        for pipe in pipes:
            more_problems, more_lines = pipe.recv()
            problems += more_problems
            lines |= more_lines
    if with_strays:
        problems = in_order([*problems, *strays])
    else:
        problems.sort(key=lambda problem: job.chosen[job.root / problem.path])
    found = (context.records.get(file.stem) for file in job.chosen)
    statuses = {job.status or one.status for one in found if one is not None}
    asks = bool(statuses & {"in-review", "published"})
    return build_report(context, problems, lines, records=len(job.chosen), asks_search=asks)


def _look_at(job: _Job, files: list[Path]) -> None:
    """Check a file for what that loads and compiles: the processes have it from the start then."""
    documents = job.read(files)
    find(documents, job.context(outlines(documents), claims(documents)))


def _joined(shares: Iterable[tuple[_Outlines, _Claims]]) -> tuple[_Outlines, _Claims]:
    """What the shares know together, the records by id."""
    records: _Outlines = {}
    paths: _Claims = {}
    for share_records, share_claims in shares:
        records |= share_records
        for name, claiming in share_claims.items():
            paths[name] = (*paths.get(name, ()), *claiming)
    return dict(sorted(records.items())), paths


def _check_share(job: _Job, files: list[Path], pipe: Connection) -> None:
    """What a process does: tells of its records, hears of all, and tells what it found."""
    documents = job.read(files)
    pipe.send((outlines(documents), claims(documents)))
    records, paths = pipe.recv()
    pipe.send(find(job.asked(files, documents), job.context(records, paths)))
