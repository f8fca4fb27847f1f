"""How is a large library checked on several cores? Each reads and checks its share of the files.

Rules compare records, so the shares exchange what their records mean, without prose, in between.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from pathlib import Path, PurePath

from kb.config import Config, read_config
from kb.library import find_root, load_document, no_collection, open_library, record_files
from kb.lint.check import Report, build_report, check, claims, find, in_order, without_sections
from kb.lint.registry import Context
from kb.lint.strays import stray_problems
from kb.records.document import Document
from kb.records.form import Form, build_form
from kb.records.model import Postmortem, interpret

#: Below this many files one process is done within a second; on busy cores nothing is gained or
#: lost (tests/bench/check.py).
_WORTHWHILE = 300
_MOST = 8

_Records = dict[str, Postmortem]
_Claims = dict[str, tuple[PurePath, ...]]


@dataclass(frozen=True)
class _Job:
    """What every share knows: the library's folder and settings, and the day."""

    root: Path
    config: Config
    form: Form
    today: date

    def read(self, files: Iterable[Path]) -> list[Document]:
        """The documents of a share."""
        return [load_document(file, self.form, self.root) for file in files]

    def context(self, meanings: Iterable[tuple[_Records, _Claims]]) -> Context:
        """The context of all shares, from what each of them found its records to mean."""
        records: _Records = {}
        paths: dict[str, tuple[PurePath, ...]] = {}
        for share_records, share_claims in meanings:
            records |= share_records
            for name, claiming in share_claims.items():
                paths[name] = (*paths.get(name, ()), *claiming)
        ordered = dict(sorted(records.items()))
        return Context(self.form, self.config.check, self.today, self.root, ordered, paths)


def check_library(start: Path, *, today: date, cores: int | None = None) -> Report:
    """What `check` finds in the whole library that `start` lies in, without search.

    `cores`: how many processes; by default those of the machine, where there is enough to do.
    Raises `KbError` as `open_library` does.
    """
    root = find_root(start)
    config = read_config(root)
    files = record_files(root / config.library.path)
    cores = cores or (_cores() if len(files) >= _WORTHWHILE else 1)
    with no_collection():
        if cores == 1:
            return check(open_library(start), today=today)
        job = _Job(root, config, build_form(config), today)
        try:
            return _shared(job, [files[number::cores] for number in range(cores)])
        except (EOFError, OSError):
            # A process was killed or could not be started: one alone does it, or says why not.
            return check(open_library(start), today=today)


def _cores() -> int:
    """The cores this process may use; one where processes cannot be forked safely."""
    if sys.platform in {"darwin", "win32"} or not hasattr(os, "sched_getaffinity"):
        return 1
    return min(len(os.sched_getaffinity(0)), _MOST)


def _shared(job: _Job, shares: list[list[Path]]) -> Report:
    """The report of all shares: the first is done here, each other one in a process."""
    with _workers(job, shares[1:]) as pipes:
        documents = job.read(shares[0])
        meanings = [_meanings(documents), *(pipe.recv() for pipe in pipes)]
        for number, pipe in enumerate(pipes, 1):
            pipe.send((meanings[:number], meanings[number + 1 :]))
        context = job.context(meanings)
        problems, lines = find(documents, context)
        for pipe in pipes:
            more_problems, more_lines = pipe.recv()
            problems += more_problems
            lines |= more_lines
    problems += stray_problems(job.root / job.config.library.path, context)
    return build_report(context, in_order(problems), lines, records=sum(map(len, shares)))


@contextmanager
def _workers(job: _Job, shares: list[list[Path]]) -> Iterator[list[Connection]]:
    """A pipe to a process for each share; the processes are gone at the end."""
    fork = multiprocessing.get_context("fork")
    pipes: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        for share in shares:
            ours, theirs = fork.Pipe()
            process = fork.Process(target=_work, args=(job, share, theirs), daemon=True)
            process.start()
            theirs.close()  # so that a process that dies is noticed at our end
            processes.append(process)
            pipes.append(ours)
        yield pipes
    finally:
        for process in processes:
            process.kill()
            process.join()


def _work(job: _Job, files: list[Path], pipe: Connection) -> None:
    """What a process does; whatever goes wrong, it ends without a word and is noticed."""
    try:
        documents = job.read(files)
        own = _meanings(documents)
        pipe.send(own)
        before, after = pipe.recv()
        context = job.context([*before, own, *after])
        pipe.send(find(documents, context))
        os._exit(0)  # to take the documents apart first would take a tenth of the time
    except BaseException:  # noqa: BLE001 - the first process does the work alone, and reports
        os._exit(1)


def _meanings(documents: list[Document]) -> tuple[_Records, _Claims]:
    meanings = (interpret(document) for document in documents)
    records = {m.id: without_sections(m) for m in meanings if m is not None}
    return records, claims(documents)
