"""May this edition be built? Not while a file is unread, or something in a record must not leave.

The rules on secrets, personal data and leaks are asked twice: of the record as it was written,
with the allowances it gives, and of what is left of it, without any.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import PurePath

from msgspec import structs

from kb.errors import KbError
from kb.library import Library
from kb.lint.rule import ERROR, Context, Problem, Rule, all_rules, run_rules
from kb.publish.outside.unread import may_hide_names
from kb.records.document import read_document
from kb.records.model import Postmortem
from kb.site.external.redaction import Redacted

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
    context = Context(library.form, settings, today, library.root)
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
    library: Library, shown: Iterable[Postmortem], context: Context
) -> Iterator[Problem]:
    paths = {record.path for record in shown}
    rules = [rule for rule in _rules() if rule.name not in _MENDED]
    for document in library.documents:
        if document.path in paths:
            yield from run_rules(document, context, rules)


def _in_what_is_left(library: Library, redacted: Redacted, context: Context) -> Iterator[Problem]:
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
