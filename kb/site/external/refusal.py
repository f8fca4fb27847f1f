"""Reasons to refuse an external build: unread files, and records that would leak.

The rules on secrets, personal data and leaks are asked twice: of the record as it was written,
with the allowances it gives, and of what is left of it, without any.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from difflib import get_close_matches
from pathlib import PurePath

from msgspec import structs

from kb.errors import KbError
from kb.library import Library
from kb.lint.non_records import stray_problems
from kb.lint.registry import all_rules
from kb.lint.rule import ERROR, MOST_FINDINGS, LintContext, Problem, Rule, run_rules
from kb.records.document import Document, read_document
from kb.records.front_matter_keys import STAGES
from kb.records.model import Postmortem
from kb.site.external.redaction import Redacted

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
    for problem in stray_problems(library.folder, context):
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
#: What these find in a record is taken out of the edition, so only what is left is asked.
_MENDED = frozenset({"customer-named", "person-named-outside", "internal-link"})
_OF_TEXT = frozenset({"secret", "personal-data-for-outsiders", "internal-link"})
_MOST_TOLD = 20


def refuse_unread(library: Library, today: date) -> None:
    """Raise `KbError` while a file may hold names that nothing reads."""
    _refuse(
        "the names in these files cannot be known, so nobody can take them out of other records",
        map(str, may_hide_names(library, today)),
        "Mend them or move them away ('kb check' says more), then build again.",
    )


def refuse_faults(library: Library, redacted: Redacted, today: date) -> None:
    """Raise `KbError` for what must not leave, naming file and line."""
    settings = structs.replace(library.config.check, disable=())
    context = LintContext(library.form, settings, today, library.root)
    written = list(_in_sources(library, redacted.sources.values(), context))
    known = {(problem.path, problem.message) for problem in written}
    left = _in_what_is_left(library, redacted, context)
    found = (*written, *(p for p in left if (p.path, p.message) not in known))
    _refuse("these must not leave the house", map(_told, found), "Mend them, then build again.")


def _refuse(what: str, faults: Iterable[str], todo: str) -> None:
    if found := list(faults):
        more = [f"and {len(found) - _MOST_TOLD} more"] if len(found) > _MOST_TOLD else []
        lines = "\n  ".join((f"{what}:", *found[:_MOST_TOLD], *more))
        raise KbError(f"no external edition: {lines}", todo=todo)


def _rules() -> tuple[Rule, ...]:
    return tuple(r for r in all_rules() if r.family in _FAMILIES and r.severity == ERROR)


def _in_sources(
    library: Library, shown: Iterable[Postmortem], context: LintContext
) -> Iterator[Problem]:
    paths = {record.path for record in shown}
    rules = [rule for rule in _rules() if rule.name not in _MENDED]
    for document in library.documents:
        if document.path in paths:
            yield from run_rules(document, context, rules)


def _in_what_is_left(
    library: Library, redacted: Redacted, context: LintContext
) -> Iterator[Problem]:
    rules = [rule for rule in _rules() if rule.name in _OF_TEXT]
    for record in redacted.site.records:
        lines = list(_lines(record))
        raw = "\n".join(text for _, text in lines).encode("utf-8", errors="replace")
        document = read_document(raw, PurePath(f"{record.id}.md"), library.form)
        source = redacted.sources[record.id].path
        for problem in run_rules(document, context, rules):
            yield replace(problem, path=source, line=lines[problem.line - 1][0])


def _lines(record: Postmortem) -> Iterator[tuple[int, str]]:
    """What is left of a record as a file, each line with that of the file it was made of."""
    title = json.dumps(record.title, ensure_ascii=False)
    for text in ("---", f"title: {title}", "visibility: external", "---"):
        yield 1, text
    for section in record.sections:
        yield section.line, f"## {section.heading}"
        yield from ((line.number, " ".join(line.text.split("\n"))) for line in section.lines)


def _told(problem: Problem) -> str:
    return f"{problem.path}:{problem.line}: {problem.rule} {problem.name}: {problem.message}"
