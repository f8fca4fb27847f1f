"""Which files are meant as records, and read by nothing? Those of a wrong name or place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from kb.library import load_document
from kb.lint.registry import Context, Finding, Problem, Rule, active_rules, run_rules
from kb.records.document import Document, is_record_name
from kb.records.strays import is_markdown, is_meant_as_record
from kb.safe_files import walk


def stray_problems(folder: Path, context: Context) -> list[Problem]:
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


def misplaced_problems(files: Iterable[Path], folder: Path, context: Context) -> list[Problem]:
    """`bad-file-name` for those of the files that are called like records and lie deeper."""
    return [
        problem
        for file in files
        if file.is_relative_to(folder) and file.parent != folder and is_record_name(file.name)
        for document in [load_document(file, context.form, Path(context.root))]
        if is_meant_as_record(file.name, document.front)
        for problem in run_rules(document, context, _stray_rules(folder, context))
    ]


def _stray_rules(folder: Path, context: Context) -> list[Rule]:
    """The rule on names, where it is on; it says of a good name that the place is wrong."""
    rules = [row for row in active_rules(context.settings) if row.name == "bad-file-name"]

    def check(document: Document, context: Context) -> Iterator[Finding]:
        found = tuple(rules[0].check(document, context))
        message = f"nothing reads a record below the folder; move it to {folder.name}/"
        yield from found or [Finding(1, message)]

    return [replace(row, check=check) for row in rules]


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
