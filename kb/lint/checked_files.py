"""Reads and checks files of a library, each only as far as what is kept of it does not hold."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath
from typing import NamedTuple

from kb.library import load_document, raw_files
from kb.lint.findings_cache import (
    Asked,
    KeptFile,
    KeptProblem,
    WatchedContext,
    digest_of,
    kept_problem,
    problem_in,
)
from kb.lint.rule import LintContext, Problem, Rule, by_place, heard_rules, problems_of
from kb.lint.runner import as_adopted, claimed_names, find, rules_by_file, shown_lines, with_status
from kb.records.document import Document, lines_of, read_document
from kb.records.form import Form
from kb.records.postmortem import Outline, outline


class FoundInFiles(NamedTuple):
    """Problems of files, the lines they point at, and what is kept of it, by path."""

    problems: list[Problem]
    lines: dict[tuple[PurePath, int], str]
    kept: dict[str, KeptFile]


@dataclass(frozen=True)
class LibraryFile:
    """A file of a library; `raw` is None where it could not be read as it should, and has a fault.

    `kept` is what is known of these very bytes, None where nothing is.
    """

    file: Path
    path: PurePath
    root: Path
    form: Form
    raw: bytes | None = field(repr=False)
    digest: str
    kept: KeptFile | None

    @cached_property
    def document(self) -> Document:
        """What it says: read when it is needed."""
        if self.raw is None:
            return load_document(self.file, self.form, self.root)
        return read_document(self.raw, self.path, self.form)

    @cached_property
    def outline(self) -> Outline | None:
        """What other records have to know of it."""
        return self.kept.outline if self.kept else outline(self.document)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names that it claims, case folded."""
        return self.kept.names if self.kept else claimed_names(self.document)

    def source_line(self, number: int) -> str:
        """The text of one line, counted from 1; empty beyond the file."""
        return self._lines[number - 1] if 0 < number <= len(self._lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        return lines_of((self.raw or b"").decode("utf-8", errors="surrogateescape"))


def read_files(
    files: Sequence[Path], form: Form, root: Path, kept: Mapping[str, KeptFile] | None
) -> list[LibraryFile]:
    """The files of a library, with what is kept of them; None where nothing is to be kept."""
    read: list[LibraryFile] = []
    for file, raw in zip(files, raw_files(files, root), strict=True):
        path = file.relative_to(root)
        digest = digest_of(raw) if raw is not None and kept is not None else ""
        row = kept.get(str(path)) if kept is not None and digest else None
        row = row if row is not None and row.digest == digest else None
        read.append(LibraryFile(file, path, root, form, raw, digest, row))
    return read


def check_files(files: Iterable[LibraryFile], context: LintContext, status: str) -> FoundInFiles:
    """What all rules find in files, held to a status where one is given; nothing is kept of it."""
    documents = (file.document for file in files)
    held = (with_status(document, status) for document in documents) if status else documents
    return FoundInFiles(*find(held, context), {})


def check_files_kept(
    files: Iterable[LibraryFile], context: LintContext, beside: frozenset[str]
) -> FoundInFiles:
    """The same, a file as far as what is kept of it does not hold; what is kept from now on.

    `beside` are the names in the folder of records, in lower case.
    """
    watched = WatchedContext(context, beside)
    rules_for = rules_by_file(watched)
    found = FoundInFiles([], {}, {})
    for file in files:
        kept = _checked(file, watched, rules_for)
        problems = [*(kept.of_text or ()), *(one for rule in kept.asked for one in rule.problems)]
        there = sorted((problem_in(file.path, problem) for problem in problems), key=by_place)
        found.problems.extend(there)
        found.lines.update(shown_lines(file.source_line, there))
        if file.digest and kept is not file.kept:
            found.kept[str(file.path)] = kept
    return found


def kept_unchecked(files: Iterable[LibraryFile]) -> dict[str, KeptFile]:
    """What others ask of files, by path, to be kept of those that were not checked."""
    return {
        str(file.path): file.kept or KeptFile(file.digest, file.outline, file.names)
        for file in files
        if file.digest
    }


def names_beside(folder: Path) -> frozenset[str]:
    """The names in the folder of records, in lower case."""
    return frozenset(entry.name.casefold() for entry in os.scandir(folder))


def _checked(
    file: LibraryFile,
    context: WatchedContext,
    rules_for: Callable[[Document], tuple[Rule, ...]],
) -> KeptFile:
    """What is found in a file; itself where all that is kept of it holds."""
    kept = file.kept
    if kept is None or kept.of_text is None:
        rules = heard_rules(file.document, rules_for(file.document))
        of_text, asked = _ask(rules, file.document, context)
        return KeptFile(file.digest, file.outline, file.names, of_text, tuple(asked))
    stale = {one.rule for one in kept.asked if not context.holds(one.needs)}
    if not stale:
        return kept
    rules = [row for row in rules_for(file.document) if row.code in stale]
    of_text, asked = _ask(rules, file.document, context)
    held = [one for one in kept.asked if one.rule not in stale]
    of_text = (*kept.of_text, *of_text)
    return KeptFile(file.digest, file.outline, file.names, of_text, (*held, *asked))


def _ask(
    rules: Iterable[Rule], document: Document, context: WatchedContext
) -> tuple[tuple[KeptProblem, ...], list[Asked]]:
    """What rules find by the text alone, and what those find that asked for more."""
    of_text: list[KeptProblem] = []
    asked: list[Asked] = []
    for row in rules:
        found = problems_of(row, document, context)
        problems = tuple(map(kept_problem, as_adopted(document, found))) if found else ()
        if context.asked:
            asked.append(Asked(row.code, context.taken_needs(), problems))
        else:
            of_text += problems
    return tuple(of_text), asked
