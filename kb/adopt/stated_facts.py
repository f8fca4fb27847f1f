"""What an existing postmortem says of itself in so many words, each fact with its line.

A value that can be read two ways, or is no word of the form, is not taken; the report says so.
"""

from __future__ import annotations

import json
import re

from kb.adopt.clock_lines import derive_clock
from kb.adopt.day_witnesses import DayWitness
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.incident_day import derive_day
from kb.adopt.labelled_lines import LabelledLine, labelled_lines
from kb.adopt.title import derive_title
from kb.records.compound_values import CLOCK_NAMES
from kb.records.document import Document

_SEVERITIES = frozenset(
    {"severity", "sev", "severity level", "incident severity", "severidad", "severidade"}
    | {"gravité", "schweregrad", "严重级别", "严重程度", "重大度", "심각도"}
)
_STATUSES = frozenset({"status", "state", "document status", "postmortem status"})
_LONGEST_SEVERITY = 30
_OWNERS = frozenset(
    {"owner", "owners", "owned by", "author", "authors", "written by", "team", "teams"}
    | {"owning team", "responsible team", "responsible", "incident owner", "service owner"}
    | {"author role", "authors' roles", "owner role", "roles"}
)
_PARTS = re.compile(r"[,;/]|[ ](?:and|&|\+)[ ]")
#: A part that ends so is a team or a role, and no person.
_ROLE = re.compile(
    r"^(?:[A-Za-z][\w-]*[ ]){0,4}(?:team|squad|sres?|on[ -]?call|engineering|platform|operations"
    r"|ops|infrastructure|infra|devops|support|engineers?|group|lead|manager|commander|guild)$",
    re.IGNORECASE,
)
#: Where the word of a severity ends and its explanation begins.
_EXPLAINED = re.compile(r"(?<![ \t])[ \t]++[–—-]++[ \t]|[,.;:(（]")
_UNFINISHED = frozenset({"draft", "wip", "in progress", "work in progress", "in-progress"})
#: A bare number is a place on a scale that may run the other way.
_SEV = re.compile(r"(?:SEV|severity)[ \t_-]?([1-4])", re.IGNORECASE)
#: The word of a scale of one's own with that of the form's: `Low (SEV-3)`.
_BESIDE = re.compile(r"\w{1,20}[ ][(（]([^()（）]{1,20})[)）]")


def derive(document: Document, entered: DayWitness | None = None) -> tuple[DerivedFact, ...]:
    """Title, date, status, severity, owners and clocks of a text, in the order of the form.

    `entered` is the day on which somebody entered it in a tool, None where nobody did.
    """
    labels = list(labelled_lines(document))
    title, day = derive_title(document, labels), derive_day(document, labels, entered)
    clocks = (derive_clock(name, labels) for name in CLOCK_NAMES)
    return (title, day, _status(labels), _severity(labels), _owners(labels), *clocks)


def severity_of(word: str) -> str:
    """The severity that a word names in the form's own scale, empty for any other."""
    found = _SEV.fullmatch(word.strip())
    return f"SEV{found[1]}" if found else ""


def _status(labels: list[LabelledLine]) -> DerivedFact:
    """Published, so that search finds it; `word` is what an unfinished text calls itself."""
    why = "adopted, so that search finds it"
    for row in labels:
        word = row.value.lower()
        if row.label in _STATUSES and word in _UNFINISHED:
            return DerivedFact("status", "published", f"{why}; line {row.line} says {word}", word)
    return DerivedFact("status", "published", why)


def _severity(labels: list[LabelledLine]) -> DerivedFact:
    rows = [row for row in labels if row.label in _SEVERITIES]
    if not rows:
        return DerivedFact("severity", "", "nothing names one")
    facts = [severity_fact(row.value, f"line {row.line}") for row in rows]
    if len({(fact.value, fact.word) for fact in facts}) > 1:
        lines = ", ".join(f"line {row.line} says {row.value}" for row in rows[:3])
        return DerivedFact("severity", "", lines)
    return facts[0]


def _owners(labels: list[LabelledLine]) -> DerivedFact:
    """The teams and roles that answer for it or wrote it; people are not carried over."""
    rows = [row for row in labels if row.label in _OWNERS]
    if not rows:
        return DerivedFact("owners", "", "nothing names one")
    parts = [part.strip(" *_`@.[]\"'") for row in rows for part in _PARTS.split(row.value)]
    roles = dict.fromkeys(part for part in parts if part.isascii() and _ROLE.search(part))
    lines = ", ".join(dict.fromkeys(f"line {row.line}" for row in rows))
    if not roles:
        return DerivedFact("owners", "", f"{lines} names no team or role")
    return DerivedFact("owners", json.dumps([*roles]), lines)


def severity_fact(word: str, source: str) -> DerivedFact:
    """The severity that a word names; unknown where it is of a scale of the team's own."""
    plain = _without_explanation(word)
    beside = _BESIDE.fullmatch(word.strip())
    named = severity_of(plain) or (severity_of(beside[1]) if beside else "")
    why = f"{source} has a word of its own, {plain}"
    return DerivedFact("severity", named, source if named else why, severity_word(word))


def severity_word(text: str) -> str:
    """The word that a scale has for a severity, in small letters, without its explanation."""
    return _without_explanation(text).lower()


def _without_explanation(text: str) -> str:
    return " ".join(_EXPLAINED.split(text, maxsplit=1)[0].split())[:_LONGEST_SEVERITY].rstrip()
