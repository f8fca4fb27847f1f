"""Checks of files that lie among the records and are none: secrets, people, misnamed records.

Git keeps such a file like any other, so whoever checks what a branch changes looks at it, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from kb.lazy_regex import regex
from kb.library import Library, load_document, runs_seen_in
from kb.lint.readings.attachments import read_decoded, why_unread
from kb.lint.registry import active_rules
from kb.lint.rule import Finding, LintContext, Problem, Rule, run_rules
from kb.lint.rules.privacy import personal_kinds_of, secrets_of
from kb.records.document import Document
from kb.records.misplaced_records import is_markdown, is_meant_as_record
from kb.records.record_files import is_record_name
from kb.records.route_run_counts import FILE_NAME as RUNS_SEEN
from kb.safe_files import walk

_LINE = regex(r"line (\d+)")


@dataclass(frozen=True)
class SortedFiles:
    """Files below the folder of records: the records they belong to, and those of no record."""

    records: tuple[Path, ...]
    loose: tuple[Path, ...]


def sort_files(library: Library, files: Iterable[Path]) -> SortedFiles:
    """Each file as a record, as its record where it is evidence of one, or as loose.

    A file outside the folder, and one that is meant as a record, is taken for a record.
    """
    records: dict[Path, None] = {}
    loose: dict[Path, None] = {}
    for file in files:
        record = _record_of(library, file)
        if record is not None:
            records[record] = None
        else:
            loose[file] = None
    return SortedFiles(tuple(records), tuple(loose))


def _record_of(library: Library, file: Path) -> Path | None:
    if not file.is_relative_to(library.folder):
        return file
    parts = file.relative_to(library.folder).parts
    owner = library.folder / f"{parts[0]}.md"
    if len(parts) > 1 and is_record_name(owner.name) and owner.is_file():
        return owner
    if is_record_name(file.name) or _is_meant_as_record(library, file):
        return file
    return None


def _is_meant_as_record(library: Library, file: Path) -> bool:
    if not is_markdown(file.name):
        return False
    return is_meant_as_record(file.name, load_document(file, library.form, library.root).front)


def non_record_problems(files: Iterable[Path], context: LintContext) -> list[Problem]:
    """What the active privacy rules say of files that belong to no record."""
    rules = {row.name: row for row in active_rules(context.settings) if row.family == "privacy"}
    return [problem for file in files for problem in _problems(file, rules, context)]


def _problems(file: Path, rules: dict[str, Rule], context: LintContext) -> Iterator[Problem]:
    root = Path(context.root)
    if is_markdown(file.name):
        document = load_document(file, context.form, root)
        yield from run_rules(document, context, rules.values())
        return
    path = file.relative_to(root) if file.is_relative_to(root) else file
    for name, place, message in _found_in_file(file):
        row = rules.get(name)
        if row:
            line = _LINE.match(place)
            number = int(line[1]) if line else 1
            yield Problem(path, number, 1, row.code, row.name, row.severity, message)


def _found_in_file(file: Path) -> Iterator[tuple[str, str, str]]:
    """Rule, place and message of what a file that is no Markdown gives away."""
    if file.is_symlink():  # what it leads to may lie anywhere
        return
    unread = why_unread(file)
    if unread:
        yield "unread-beside", "", unread
    content = read_decoded(file)
    if content is None:
        return
    for kind, start, place in secrets_of(content):
        message = f"{kind}{start} at {place}: write REDACTED_SECRET_1 in its place and revoke it"
        yield "secret-beside", place, message
    for kind, count, place in personal_kinds_of(content):
        yield "personal-data", place, f"{kind}: {count}, the first at {place}"


def file_problems(folder: Path, context: LintContext) -> list[Problem]:
    """What is wrong with files in the folder of records that are none of them."""
    return [*misnamed_file_problems(folder, context), *_runs_seen_problems(folder, context)]


def misnamed_file_problems(folder: Path, context: LintContext) -> list[Problem]:
    """`bad-file-name` for each such file below the folder of records; secrets in every other."""
    strays = _stray_rules(folder, context)
    privacy = [row for row in active_rules(context.settings) if row.family == "privacy"]
    return [
        problem
        for file in _stray_files(folder)
        for document in [load_document(file, context.form, Path(context.root))]
        for problem in run_rules(
            document,
            context,
            [
                *(strays if is_meant_as_record(file.name, document.front) else ()),
                # What lies beside a record was looked through with it.
                *(() if _is_beside_a_record(file, folder) else privacy),
            ],
        )
    ]


def misplaced_problems(files: Iterable[Path], folder: Path, context: LintContext) -> list[Problem]:
    """`bad-file-name` for those of the files that are called like records and lie deeper."""
    return [
        problem
        for file in files
        if file.is_relative_to(folder) and file.parent != folder and is_record_name(file.name)
        for document in [load_document(file, context.form, Path(context.root))]
        if is_meant_as_record(file.name, document.front)
        for problem in run_rules(document, context, _stray_rules(folder, context))
    ]


def _stray_rules(folder: Path, context: LintContext) -> list[Rule]:
    """The rule on names, where it is on; it says of a good name that the place is wrong."""
    rules = [row for row in active_rules(context.settings) if row.name == "bad-file-name"]

    def check(document: Document, context: LintContext) -> Iterator[Finding]:
        found = tuple(rules[0].check(document, context))
        message = f"nothing reads a record below the folder; move it to {folder.name}/"
        yield from found or [Finding(1, message)]

    return [replace(row, check=check) for row in rules]


def _runs_seen_problems(folder: Path, context: LintContext) -> list[Problem]:
    """What of the file that says when routes ran could not be read."""
    root, path = Path(context.root), folder / RUNS_SEEN
    faults = runs_seen_in(root, folder).faults
    rules = [row for row in active_rules(context.settings) if row.name == "unread-runs-seen"]
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return [
        Problem(shown, line, 1, row.code, row.name, row.severity, f"the line {why}")
        for row in rules
        for line, why in faults
    ]


def _is_beside_a_record(file: Path, folder: Path) -> bool:
    first = file.relative_to(folder).parts[0]
    return (folder / f"{first}.md").is_file() and is_record_name(f"{first}.md")


def _stray_files(folder: Path) -> Iterator[Path]:
    """The Markdown files below a folder that are no records of it."""
    for place, folders, files in walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        is_home = Path(place) == folder
        for name in sorted(files):
            if not (is_home and is_record_name(name)) and is_markdown(name):
                yield Path(place, name)
