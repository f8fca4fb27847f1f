"""Runs all rules over a library, or over some files of it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from pathlib import Path, PurePath
from types import MappingProxyType

from kb.errors import KbError
from kb.library import Library, load_document
from kb.lint.non_records import file_problems, misplaced_problems, non_record_problems, sort_files
from kb.lint.readings.document_facts import is_submitted
from kb.lint.registry import active_rules, rules_of_scope
from kb.lint.rule import ADVICE, ERROR, LintContext, PriorSuggestion, Problem, Rule, run_rules
from kb.records.document import Document, read_document
from kb.records.postmortem import Outline, outline
from kb.records.record_files import is_record_name
from kb.safe_files import walk
from kb.sensitive.secrets.find_secrets import masked

_NO_SEARCH = "search is asked about a few named records only, once 'kb build' has run"


@dataclass(frozen=True, slots=True)
class NotRun:
    """A rule that was asked for and could not run, and why."""

    rule: str
    name: str
    why: str


#: Source lines by file and number, for the problems of a report.
Lines = Mapping[tuple[PurePath, int], str]


@dataclass(frozen=True)
class Report:
    """What a check found. `records` counts the files, `errors` and `advice` the problems."""

    problems: tuple[Problem, ...]
    records: int
    errors: int
    advice: int
    not_run: tuple[NotRun, ...] = ()
    root: Path = field(default=Path(), repr=False)
    lines: Lines = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def source_line(self, problem: Problem) -> str:
        """The line a problem points at, empty where there is none."""
        return self.lines.get((problem.path, problem.line), "")


def check(
    library: Library,
    *,
    paths: Sequence[Path] = (),
    today: date,
    likely_priors: Callable[[Document], Iterable[PriorSuggestion]] | None = None,
    status: str = "",
) -> Report:
    """What the active rules find in the library, or only in `paths` (files and folders).

    Other records stay known to the rules that compare. `status` holds the records to what that
    status asks for, whatever they say themselves. Raises `KbError` for a path that does not exist.
    """
    named = sort_files(library, chosen_files(paths))
    documents = select(library, named.records) if paths else library.documents
    if status:
        documents = tuple(with_status(document, status) for document in documents)
    context = build_context(library, documents, today=today, likely_priors=likely_priors)
    problems, lines = find(documents, context)
    if not paths:
        problems = in_order([*problems, *file_problems(library.folder, context)])
    problems += misplaced_problems(named.records, library.folder, context)
    problems += non_record_problems(named.loose, context)
    asks = any(map(is_submitted, documents))
    return build_report(context, problems, lines, records=len(documents), asks_search=asks)


def with_status(document: Document, status: str) -> Document:
    """The document as if its front matter named another status; itself where it names none."""
    node = document.front.get("status")
    if node is None or not node.text:
        return document
    text = document.text[: node.start] + status + document.text[node.end :]
    raw = text.encode("utf-8", errors="surrogateescape")
    return read_document(raw, document.path, document.form)


def build_context(
    library: Library,
    documents: Sequence[Document],
    *,
    today: date,
    likely_priors: Callable[[Document], Iterable[PriorSuggestion]] | None = None,
) -> LintContext:
    """What rules may know: settings, the day, the library's records, and who claims which id."""
    return LintContext(
        form=library.form,
        settings=library.config.check,
        today=today,
        root=library.root,
        records=outlines(library.documents),
        paths_of=claims((*library.documents, *documents)),
        likely_priors=likely_priors,
    )


def outlines(documents: Iterable[Document]) -> dict[str, Outline]:
    """The outlines of the documents that are records, by id."""
    found = (outline(document) for document in documents)
    return {record.id: record for record in found if record is not None}


def find(
    documents: Iterable[Document], context: LintContext
) -> tuple[list[Problem], dict[tuple[PurePath, int], str]]:
    """The problems of documents, and the source lines they point at."""
    rules_for = rules_by_file(context)
    problems: list[Problem] = []
    lines: dict[tuple[PurePath, int], str] = {}
    for document in documents:
        found = as_adopted(document, run_rules(document, context, rules_for(document)))
        lines |= shown_lines(document.source_line, found)
        problems += found
    return problems, lines


def rules_by_file(context: LintContext) -> Callable[[Document], tuple[Rule, ...]]:
    """What says which rules are asked of a document: those of its scope, as far as it was read."""
    rules = active_rules(context.settings)
    scoped = [(one, rules_of_scope(context.settings, one)) for one in context.form.scopes]

    def rules_for(document: Document) -> tuple[Rule, ...]:
        scope = context.form.scope(document.path) if scoped else None
        return _rules_for(document, next((own for one, own in scoped if one is scope), rules))

    return rules_for


def as_adopted(document: Document, found: list[Problem]) -> list[Problem]:
    """The problems of a document; those of an adopted one are advice."""
    if not document.is_adopted:
        return found
    return [replace(problem, severity=ADVICE) for problem in found]


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Problems file by file; those of one file stay in their order."""
    return sorted(problems, key=lambda problem: problem.path.name)


def shown_lines(
    source_line: Callable[[int], str], found: Iterable[Problem]
) -> dict[tuple[PurePath, int], str]:
    """The lines that problems of a file point at, by its path and their number."""
    return {
        place: _shown_line(source_line(place[1]), there)
        for place, there in groupby(found, key=lambda problem: (problem.path, problem.line))
    }


def _shown_line(line: str, found: Iterable[Problem]) -> str:
    """A source line with its secrets blotted out, and what the problems of the line call one.

    More people read a log than a record.
    """
    text = masked(line)
    spans = [(p.column - 1, p.column - 1 + p.length) for p in found if p.rule.startswith("KB9")]
    if not spans:
        return text
    characters = list(text)
    for start, end in spans:
        characters[start:end] = "•" * len(characters[start:end])
    return "".join(characters)


def build_report(
    context: LintContext,
    problems: Sequence[Problem],
    lines: Lines,
    *,
    records: int,
    asks_search: bool,
) -> Report:
    """The report of what was found; `asks_search`: some record is far enough to be asked of it."""
    return Report(
        problems=tuple(problems),
        records=records,
        errors=sum(problem.severity == ERROR for problem in problems),
        advice=sum(problem.severity == ADVICE for problem in problems),
        not_run=tuple(_not_run(active_rules(context.settings), context)) if asks_search else (),
        root=Path(context.root),
        lines=lines,
    )


def select(library: Library, paths: Iterable[Path]) -> tuple[Document, ...]:
    """The documents that paths name: a file whatever it is called, of a folder the records in it.

    Raises `KbError` for a path that does not exist.
    """
    known = {library.root / document.path: document for document in library.documents}
    return tuple(known.get(file) or _load(library, file) for file in chosen_files(paths))


def chosen_files(paths: Iterable[Path]) -> dict[Path, None]:
    """The files that paths name, in order: of a folder those named as records are, however deep.

    Raises `KbError` for a path that does not exist.
    """
    return dict.fromkeys(file for path in paths for file in _files(path))


def _files(path: Path) -> Iterator[Path]:
    path = Path(os.path.normpath(path.absolute()))
    found: list[Path] = []
    if path.is_dir():
        for place, folders, names in walk(path):
            found += [Path(place, name) for name in (*folders, *names) if is_record_name(name)]
        yield from sorted(found)
    elif path.exists() or path.is_symlink():
        yield path
    else:
        raise KbError("no such file or folder", where=str(path), todo="Name a record or a folder.")


def _load(library: Library, file: Path) -> Document:
    """A file that is not in the library; below its root the rules for links hold all the same."""
    root = library.root if file.is_relative_to(library.root) else None
    return load_document(file, library.form, root)


def claims(documents: Iterable[Document]) -> dict[str, tuple[PurePath, ...]]:
    """Every id and alias, case folded, with the files that claim it."""
    found: defaultdict[str, dict[PurePath, None]] = defaultdict(dict)
    for document in documents:
        for name in claimed_names(document):
            found[name][document.path] = None
    return {name: tuple(paths) for name, paths in found.items()}


def claimed_names(document: Document) -> tuple[str, ...]:
    """The id and the aliases of a record, case folded; what is no record yet claims nothing."""
    if not document.front.present:
        return ()
    return tuple(name.casefold() for name in (document.id, *document.front.texts("aliases")))


def _rules_for(document: Document, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """All rules for a record; where its facts could not be read, what it takes, and secrets.

    An adopted record is looked through for secrets and people, and held to nothing.
    """
    broken = any(fault.name == "yaml-syntax" for fault in document.faults)
    if document.is_adopted and not broken:
        return tuple(rule for rule in rules if rule.family == "privacy")
    if document.front.present and not broken:
        return rules
    return tuple(rule for rule in rules if rule.family in {"record", "privacy"})


def _not_run(rules: tuple[Rule, ...], context: LintContext) -> Iterator[NotRun]:
    for rule in rules:
        if rule.name == "unconsidered-prior" and context.likely_priors is None:
            yield NotRun(rule.code, rule.name, _NO_SEARCH)
