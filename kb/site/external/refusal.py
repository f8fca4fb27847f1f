"""Reasons to refuse: files that nothing reads, and what the rules find in records and texts.

The rules on secrets, personal data and leaks are asked twice: of the record as it was written,
with the allowances it gives, and of what would leave, without any.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from pathlib import PurePath

from msgspec import structs

from kb.errors import KbError
from kb.library import Library
from kb.lint.non_records import misnamed_file_problems
from kb.lint.registry import all_rules
from kb.lint.rule import ERROR, MOST_FINDINGS, LintContext, Problem, Rule, run_rules
from kb.records.document import Document, read_document
from kb.records.front_matter_keys import STAGES

_UNREAD = frozenset(
    {"unreadable", "outside-tree", "too-large", "not-utf-8", "no-front-matter"}
    | {"unclosed-front-matter", "yaml-syntax"}
)
#: Faults through which a name may go unread.
_MISREAD = frozenset({"duplicate-key", "unclosed-fence"})
#: And those that count where the key names somebody, or seems to be meant so.
_OF_KEYS = frozenset({"wrong-type", "unknown-key"})
_NAMING = (
    *("affected_customers", "shared", "owners", "reviewed", "facts_agreed", "lessons_by"),
    *("signoffs", "systems"),
)
_ALIKE = 0.7
_MAX_KEY = 60  # what is longer is like none of them
_SEEMS_NAMING = re.compile("customer|client|owner|review|sign|person|people|author|lesson|system")


@dataclass(frozen=True, slots=True)
class Unread:
    """A file, the line of its fault, and what is wrong."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        """As an editor jumps to it."""
        return f"{self.path}:{self.line}: {self.message}"


def left_out(library: Library, today: date) -> Iterator[Unread]:
    """The files that are on no site: those that cannot be read, and those read by nothing."""
    yield from _unread(library, today, _UNREAD)
    for document in library.documents:
        node = document.front.get("status")
        if node is not None and node.text not in STAGES:
            yield Unread(str(document.path), node.line, f"'{node.text}' is no status")


def may_hide_names(library: Library, today: date) -> Iterator[Unread]:
    """The files that may hold names which nothing reads."""
    yield from _unread(library, today, _UNREAD | _MISREAD | _OF_KEYS)


def _unread(library: Library, today: date, names: frozenset[str]) -> Iterator[Unread]:
    # A rule that a team has switched off still tells what is not read.
    settings = structs.replace(library.config.check, disable=())
    context = LintContext(library.form, settings, today, library.root)
    rules = [rule for rule in all_rules() if rule.name in names]
    for document in library.documents:
        yield from _faults(document, context, rules)
    for problem in misnamed_file_problems(library.folder, context):
        yield Unread(str(problem.path), problem.line, problem.message)


def _faults(document: Document, context: LintContext, rules: list[Rule]) -> Iterator[Unread]:
    for rule in rules:
        for number, found in enumerate(rule.check(document, context)):
            if number == MOST_FINDINGS:
                message = f"more than {number} faults like this one: any of them may hide a name"
                yield Unread(str(document.path), found.line, message)
                break
            if rule.name not in _OF_KEYS or _is_of_names(document, found.line):
                yield Unread(str(document.path), found.line, found.message)


def _is_of_names(document: Document, line: int) -> bool:
    """Whether the key of the value at a line names somebody, or seems to be meant so."""
    entries = document.front.entries
    at = bisect_right(entries, line, key=lambda entry: entry.line)
    key = entries[at - 1].key if at else ""
    if _SEEMS_NAMING.search(key.lower()):
        return True
    return len(key) <= _MAX_KEY and bool(get_close_matches(key, _NAMING, 1, _ALIKE))


_FAMILIES = frozenset({"privacy", "external"})
#: What these find in a record is taken out of the edition, so only what is signed is asked.
_MENDED = frozenset({"customer-named", "person-named-outside", "internal-link"})
_OF_TEXT = frozenset({"secret", "personal-data-for-outsiders", "internal-link"})
_MOST_TOLD = 20


def refuse_unread(library: Library, today: date) -> None:
    """Raise `KbError` while a file may hold names that nothing reads."""
    found = list(map(str, may_hide_names(library, today)))
    if not found:
        return
    more = [f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else []
    what = "the names in these files cannot be known, so nobody can take them out of other records"
    lines = "\n  ".join((f"{what}:", *found[:_MOST_TOLD], *more))
    todo = "Mend them or move them away ('kb check' says more), then build again."
    raise KbError(f"no external edition: {lines}", todo=todo)


def context_for_outsiders(library: Library, today: date) -> LintContext:
    """What rules are asked with: whatever a team has switched off counts."""
    settings = structs.replace(library.config.check, disable=())
    return LintContext(library.form, settings, today, library.root)


def faults_of_record(document: Document, context: LintContext) -> Iterator[Problem]:
    """What keeps a record from being proposed: secrets and personal data in all of it."""
    yield from run_rules(document, context, [r for r in _rules() if r.name not in _MENDED])


def faults_of_text(text: str, path: PurePath, context: LintContext) -> Iterator[Problem]:
    """Secrets, personal data and links into the house in what would leave."""
    document = read_document(text.encode(errors="replace"), path, context.form)
    yield from run_rules(document, context, [r for r in _rules() if r.name in _OF_TEXT])


def _rules() -> tuple[Rule, ...]:
    return tuple(r for r in all_rules() if r.family in _FAMILIES and r.severity == ERROR)
