"""What an existing postmortem says of itself in so many words, each fact with its line.

A value that can be read two ways, or is no word of the form, is not taken; the report says so.
"""

from __future__ import annotations

import json
import re

from kb.adopt.clock_lines import derive_clock
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.incident_day import FILE_NAME, derive_day, without_iso_days
from kb.adopt.labelled_lines import LabelledLine, labelled_lines, toml_title
from kb.records.compound_values import CLOCK_NAMES
from kb.records.dates import read_written_time
from kb.records.document import Document
from kb.records.markdown import SectionText

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
#: What a heading may name before what happened.
_KIND = re.compile(
    r"(?:(?:post[ -]?)?incident(?:[ ](?:report|review|retro|date|postmortem))?|post[ -]?mortem|rca)"
    r"(?:[ ]*(?::|–|—)|[ ]+-)[ ]*",
    re.IGNORECASE,
)
#: A heading that ends so names a kind of document; it may have a name before it.
_IS_KIND = re.compile(r"(?:incident[ ]report|post[ -]?mortem|root[ ]cause[ ]analysis)$", re.I)
_UNFINISHED = frozenset({"draft", "wip", "in progress", "work in progress", "in-progress"})
#: A bare number is a place on a scale that may run the other way.
_SEV = re.compile(r"(?:SEV|severity)[ \t_-]?([1-4])", re.IGNORECASE)
#: First headings that name the kind of document and nothing that happened.
_NO_TITLES = frozenset(
    {"postmortem", "post-mortem", "post mortem", "incident report", "incident postmortem"}
    | {"incident", "summary", "overview", "issue summary", "incident summary", "rca"}
    | {"postmortem report", "post-mortem report", "root cause analysis", "introduction"}
    | {"incident review", "post-incident review", "post incident review", "incident retro"}
    | {
        "metadata",
        "meta",
        "details",
        "abstract",
        "incident details",
        "tl;dr",
        "tldr",
        "what happened",
        "timeline",
        "incident overview",
        "background",
    }
)
#: Titles of a form that nobody has filled in.
_UNFILLED = re.compile(
    r"[<\[{].{0,80}[>\]}]|(?:(?:your|incident|issue|postmortem|outage|short|brief)[ ]){0,2}"
    r"(?:title|name|headline)(?:[ ](?:here|of[ ](?:the[ ])?(?:incident|issue)))?|x{3,}|todo|tbd",
    re.IGNORECASE,
)


def derive(document: Document) -> tuple[DerivedFact, ...]:
    """Title, date, status, severity, owners and clocks of a text, in the order of the form."""
    labels = list(labelled_lines(document))
    title, day = _title(document, labels), derive_day(document, labels)
    clocks = (derive_clock(name, labels) for name in CLOCK_NAMES)
    return (title, day, _status(labels), _severity(labels), _owners(labels), *clocks)


def is_unfilled(title: str) -> bool:
    """Whether a title stands for one that nobody has written: `[Incident title]`, `ISSUE NAME`."""
    return bool(_UNFILLED.fullmatch(" ".join(title.split())[:120]))


def severity_of(word: str) -> str:
    """The severity that a word names in the form's own scale, empty for any other."""
    found = _SEV.fullmatch(word.strip())
    return f"SEV{found[1]}" if found else ""


def _title(document: Document, labels: list[LabelledLine]) -> DerivedFact:
    own = document.front.text("title").strip() or toml_title(document, labels)
    if own:
        line = next((row.line for row in labels if row.label == "title"), 1)
        return DerivedFact("title", own, f"line {line}")
    heading = _title_heading(document)
    told = heading.heading.strip(" \t:#") if heading else ""
    if heading and told.lower() not in _NO_TITLES and not is_unfilled(told):
        return DerivedFact("title", _without_day(told), f"line {heading.line}")
    is_form = is_unfilled(told)
    source = f"{FILE_NAME}; line {heading.line} is a form's" if heading and is_form else FILE_NAME
    stem = document.path.stem
    words = re.sub(r"[_-]+", " ", without_iso_days(stem)).strip() or stem
    return DerivedFact("title", words, source)


def _title_heading(document: Document) -> SectionText | None:
    """The heading that is the title: of two in a row, of which one is a kind, the other."""
    first = _first_heading(document)
    if first is None or not _IS_KIND.search(first.heading):
        return first
    below = next((s for s in document.sections if s.line > first.line), None)
    text = any(line.text.strip() for line in first.lines)
    is_title = below is not None and below.key is None and below.level == first.level + 1
    return below if is_title and not text else first


def _first_heading(document: Document) -> SectionText | None:
    """The first heading of the first level, else one of any level that the text begins with."""
    first = next((s for s in document.sections if s.level == 1 and s.heading.strip()), None)
    if first or document.front.present:
        return first
    begin = next((line for line in document.lines if line.text.strip("\ufeff \t")), None)
    return next((s for s in document.sections if begin and s.line == begin.number), None)


def _without_day(heading: str) -> str:
    """A heading without the day, or the kind of document, that it begins with."""
    kind = _KIND.match(heading)
    text = heading[kind.end() :] if kind else heading
    found = read_written_time(text)
    rest = text[found.end :].lstrip(" ,:–—-") if found and found.day else text
    return rest if any(map(str.isalnum, rest)) else heading


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
        told = ", ".join(f"line {row.line} says {row.value}" for row in rows[:3])
        return DerivedFact("severity", "", told)
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
    told = " ".join(_EXPLAINED.split(word, maxsplit=1)[0].split())[:_LONGEST_SEVERITY]
    named = severity_of(told)
    why = f"{source} has a word of its own, {told}"
    return DerivedFact("severity", named, source if named else why, told.lower())
