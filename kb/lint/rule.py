"""A rule: one function, one row with a code, a name, a reason, a bad and a good example.

A rule looks at a `Document` and yields findings; it never stops at the first fault, never raises
for content, and never sees another rule. `kb check`, the rule pages and the tests read this table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePath

from kb.config import FIRST_EDITION, CheckConfig
from kb.did_you_mean import nearest_word
from kb.errors import KbError
from kb.records.document import Document
from kb.records.form import Form
from kb.records.postmortem import Outline

#: Findings of one rule in one file: nobody reads more, and a file of two megabytes can hold a
#: hundred thousand mistakes.
MOST_FINDINGS = 1000
ERROR = "error"
ADVICE = "advice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault a rule found. Places count from 1; `length` is what a caret underlines."""

    line: int
    message: str
    column: int = 1
    length: int = 0


@dataclass(frozen=True, slots=True)
class PriorSuggestion:
    """An earlier incident search holds likely; `probability` is calibrated, 0 to 1."""

    id: str
    title: str
    probability: float
    reason: str


@dataclass(frozen=True)
class LintContext:
    """What a rule may know beside the document: the form, the limits, today, and the library.

    `records` are the outlines of the library's readable records by id; `paths_of` names every file
    that claims an id or alias, case folded; `likely_priors` is None where search is not at hand
    (the report then says so).
    """

    form: Form
    settings: CheckConfig
    today: date
    root: PurePath
    records: Mapping[str, Outline] = field(default_factory=dict)
    paths_of: Mapping[str, tuple[PurePath, ...]] = field(default_factory=dict)
    likely_priors: Callable[[Document], Iterable[PriorSuggestion]] | None = None

    def asks(self, document: Document, name: str) -> bool:
        """Whether a rule runs over a document: it is switched on, and not silenced there."""
        row = next(row for row in _RULES.values() if row.name == name)
        silenced = {name for allowance in document.allowances for name in allowance.rules}
        return bool(enabled_rules([row], self.settings)) and not silenced & {row.code, row.name}

    def is_future(self, day: date) -> bool:
        """Whether a day has not come yet."""
        return day > self.today

    def folder_beside(self, document: Document) -> Path | None:
        """Where the files of a record lie, whether there are any or not; None without a name."""
        return Path(self.root) / document.path.parent / document.id if document.id else None

    @cached_property
    def records_of_class(self) -> Mapping[tuple[str, str], tuple[Outline, ...]]:
        """The records by primary class and origin, drafts apart, in the order they happened.

        To compare each with all would be quadratic.
        """
        found: dict[tuple[str, str], list[Outline]] = {}
        for record in sorted(self.records.values(), key=lambda record: record.happened_at):
            if record.status != "draft":
                found.setdefault((record.primary_class, record.origin), []).append(record)
        return {name: tuple(records) for name, records in found.items()}


Check = Callable[[Document, LintContext], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the registry.

    `code` is stable for ever; `name` is named for the fault and reads as "allow <name>".
    `severity` is error or advice (advice changes the exit code only under --strict).
    `edition` is the year it came; where a team's is earlier, it only advises.
    `default` False: off unless `kb.toml` enables it. `fixable`: `kb fmt` mends it.
    """

    code: str
    name: str
    family: str
    reason: str
    bad: str
    good: str
    check: Check = field(repr=False)
    severity: str = ERROR
    default: bool = True
    fixable: bool = False
    edition: int = FIRST_EDITION


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding with its rule and file: what every output format prints."""

    path: PurePath
    line: int
    column: int
    rule: str
    name: str
    severity: str
    message: str
    fixable: bool = False
    length: int = 0


_RULES: dict[str, Rule] = {}


def rule(  # noqa: PLR0913 - a rule is a row of this many columns
    code: str,
    name: str,
    *,
    reason: str,
    bad: str,
    good: str,
    severity: str = ERROR,
    default: bool = True,
    fixable: bool = False,
    edition: int = FIRST_EDITION,
) -> Callable[[Check], Check]:
    """Register a check under a code and a name; the family is the module, or package, of rules.

    Raises `ValueError` when the code or the name is taken: rules are never renumbered.
    """

    def register(check: Check) -> Check:
        if code in _RULES or any(row.name == name for row in _RULES.values()):
            raise ValueError(f"{code} {name} is registered twice")
        family = check.__module__.rpartition(".rules.")[2].partition(".")[0]
        _RULES[code] = Rule(
            code, name, family, reason, bad, good, check, severity, default, fixable, edition
        )
        return check

    return register


def registered_rules() -> tuple[Rule, ...]:
    """The rules registered by now, by code: all of them once `kb.lint.registry` is imported."""
    # KB1001 belongs after KB901, not between KB1 and KB2.
    return tuple(_RULES[code] for code in sorted(_RULES, key=lambda code: int(code[2:])))


def refuse_unknown_rules(names: Iterable[str], where: str) -> None:
    """Raise `KbError` for a name that no rule has: what is misspelt would be on, or off, unseen."""
    rows = registered_rules()
    known = {name for row in rows for name in (row.code, row.name)}
    for name in names:
        if name not in known:
            near = nearest_word(name, [row.name for row in rows])
            todo = f"Did you mean {near}?" if near else "kb rules lists them."
            raise KbError(f"no rule is called {name!r}", where=where, todo=todo)


def enabled_rules(rules: Iterable[Rule], settings: CheckConfig) -> tuple[Rule, ...]:
    """Those of some rules that run under these settings: disabled wins over enabled."""
    return tuple(
        row
        for row in rules
        if not {row.code, row.name} & set(settings.disable)
        and (row.default or {row.code, row.name} & set(settings.enable))
    )


def run_rules(document: Document, context: LintContext, rules: Iterable[Rule]) -> list[Problem]:
    """What the rules find in one document, allowances of the file applied, in order of lines."""
    found = [
        problem
        for row in heard_rules(document, rules)
        for problem in problems_of(row, document, context)
    ]
    return sorted(found, key=by_place)


def heard_rules(document: Document, rules: Iterable[Rule]) -> list[Rule]:
    """Those of the rules that a document does not silence."""
    silenced = {name for allowance in document.allowances for name in allowance.rules}
    return [row for row in rules if row.code not in silenced and row.name not in silenced]


def problems_of(row: Rule, document: Document, context: LintContext) -> list[Problem]:
    """What one rule finds in a document; the last of the most says that it looked no further."""
    found = list(islice(row.check(document, context), MOST_FINDINGS))
    if not found:  # as nearly always
        return []
    if len(found) == MOST_FINDINGS:
        message = f"{MOST_FINDINGS} of this kind so far: mend these to see whether there are more"
        found.append(Finding(found[-1].line, message))
    edition = context.settings.edition
    return [_problem(document, row, finding, edition) for finding in found]


def by_place(problem: Problem) -> tuple[int, int, str]:
    """The order in which the problems of a file are told."""
    return problem.line, problem.column, problem.rule


def _problem(document: Document, row: Rule, finding: Finding, edition: int) -> Problem:
    is_later = row.edition > edition and row.severity == ERROR
    message = f"{finding.message} (an error from edition {row.edition} on)"
    return Problem(
        document.path,
        finding.line,
        finding.column,
        row.code,
        row.name,
        ADVICE if is_later else row.severity,
        message if is_later else finding.message,
        row.fixable,
        finding.length,
    )
