"""Which files are meant as records, and read by nothing? Those of a wrong name or place."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kb.library import load_document
from kb.lint.registry import Context, Finding, Problem, active_rules, run_rules
from kb.records.document import Document, is_record_name
from kb.records.strays import is_markdown, is_meant_as_record


def stray_problems(folder: Path, context: Context) -> list[Problem]:
    """One problem, `bad-file-name`, for each such file below the folder of records."""
    rules = [row for row in active_rules(context.settings) if row.name == "bad-file-name"]
    if not rules:
        return []

    def check(document: Document, context: Context) -> Iterator[Finding]:
        """What the rule says of the name, else that the place is wrong."""
        found = tuple(rules[0].check(document, context))
        message = f"nothing reads a record below the folder; move it to {folder.name}/"
        yield from found or [Finding(1, message)]

    return [
        problem
        for file in _stray_files(folder)
        for document in [load_document(file, context.form, Path(context.root))]
        if is_meant_as_record(file.name, document.front)
        for problem in run_rules(document, context, [replace(rules[0], check=check)])
    ]


def _stray_files(folder: Path) -> Iterator[Path]:
    """The Markdown files below a folder that are no records of it."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            is_record = is_record_name(name) and Path(place) == folder
            if is_markdown(name) and not is_record:
                yield Path(place, name)
