"""The title of an old text: what happened, without the day and the kind of document before it."""

from __future__ import annotations

import re

from kb.adopt.day_ranges import first_span
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.incident_day import FILE_NAME, without_iso_days
from kb.adopt.labelled_lines import LabelledLine, toml_title
from kb.records.document import Document
from kb.records.markdown import Line, SectionText
from kb.records.written_dates import read_written_time
from kb.terminal import cells

#: What a heading may name before what happened.
_KIND = re.compile(
    r"(?:(?:post[ -]?)?incidente?(?:[ ](?:report|review|retro|date|postmortem))?"
    r"|post[ -]?mortem|rca)"
    r"(?:[ ]*(?::|–|—)|[ ]+[-·])[ ]*",
    re.IGNORECASE,
)
#: A heading that ends so names a kind of document; it may have a name before it.
_IS_KIND = re.compile(r"(?:incident[ ]report|post[ -]?mortem|root[ ]cause[ ]analysis)$", re.I)
#: What is left of a heading without its kind is a title from so many columns on: `merging` is none.
_SHORTEST = 20
#: The name of a file: words without a space, two signs or more between them.
_NAME = re.compile(r"(?=[^-_]*[-_][^-_]*[-_])[\w.()-]+")
_LINK = re.compile(r"\[([^\[\]\n]{0,200})\]\([^()\s]{0,300}(?:[ ]\"[^\"\n]{0,200}\")?\)")
_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>~|-])")
_LONGEST_LINE = 120
#: What a first line is that is no title: a sentence, a label with its value, an item.
_NO_TITLE_LINE = re.compile(r"[.!?:;,]$|^[-+#>|\[(]|^\d+[.)]|:[ ]|__|\|")
#: A heading right below that is a value of the head, and no title: `Project: Payments`.
_VALUE = re.compile(
    r"(?:project|date|author|owner|team|service|status|severity|version|id|incident[ ]id|system"
    r"|environment|duration|reporter|prepared[ ]by|reported[ ]by|component|product)s?[ ]?[:：]",
    re.IGNORECASE,
)
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


def derive_title(document: Document, labels: list[LabelledLine]) -> DerivedFact:
    """The title with its source: front matter, a heading, or the words of the file's name."""
    own = document.front.text("title").strip() or toml_title(document, labels)
    if own:
        row = next((row for row in labels if row.label == "title"), None)
        # YAML ends an unquoted title at its colon, and nobody means that.
        is_cut = row and row.value.startswith(f"{own}:") and row.line <= document.front.end_line
        line = row.line if row else 1
        return DerivedFact("title", row.value if row and is_cut else own, f"line {line}")
    heading = _title_heading(document)
    told = _plain(heading.heading) if heading else ""
    if heading and told.lower() not in _NO_TITLES and not is_unfilled(told):
        return DerivedFact("title", _without_day(told), f"line {heading.line}")
    is_form = is_unfilled(told)
    source = f"{FILE_NAME}; line {heading.line} is a form's" if heading and is_form else FILE_NAME
    stem = document.path.stem
    words = re.sub(r"[_-]+", " ", without_iso_days(stem)).strip() or stem
    if words.lower() in _NO_TITLES and not is_form and (first := _first_line(document)):
        return DerivedFact("title", _without_day(_plain(first.text)), f"line {first.number}")
    if heading and not is_form and words.lower() in _NO_TITLES and len(told) > len(words):
        return DerivedFact("title", told, f"line {heading.line}")
    return DerivedFact("title", words, source)


def _first_line(document: Document) -> Line | None:
    """The line that a text begins with, where it is no sentence and no label.

    Of headings at most that of the summary may stand above it.
    """
    above = {section.line for section in document.sections if section.key == "summary"}
    first = next((ln for ln in document.lines if ln.is_prose and ln.number not in above), None)
    text = first.text.strip(" *_") if first else ""
    is_title = 0 < len(text) <= _LONGEST_LINE and not _NO_TITLE_LINE.search(text)
    before = [one.line for one in document.sections if first and one.line < first.number]
    is_first = above.issuperset(before) and (bool(before) or not document.sections)
    return first if is_title and is_first else None


def _title_heading(document: Document) -> SectionText | None:
    """The heading that is the title: of two in a row, of which one is a kind, the other."""
    first = _first_heading(document)
    if first and _NAME.fullmatch(_plain(first.heading)):
        return _below_name(document, first)
    if first is None or not _IS_KIND.search(first.heading):
        return first
    below = _heading_right_below(document, first)
    if below is None or below.level != first.level + 1:
        return first
    # `CVE-2021-41773 postmortem` is a title, and `Raw data` below it a part.
    is_named = not _IS_KIND.fullmatch(_plain(first.heading))
    return first if is_named and cells(_plain(below.heading)) < _SHORTEST else below


def _below_name(document: Document, first: SectionText) -> SectionText:
    """Right below the name of the file the next heading of its level is the title, if any."""
    below = _heading_right_below(document, first)
    is_title = below and below.level <= first.level and " " in below.heading.strip()
    return below if below and is_title else first


def _heading_right_below(document: Document, first: SectionText) -> SectionText | None:
    """The next heading, where no text is between and it names no section of a postmortem."""
    below = next((s for s in document.sections if s.line > first.line), None)
    if below is None or below.key is not None or any(line.text.strip() for line in first.lines):
        return None
    told = _plain(below.heading)
    return None if told.lower() in _NO_TITLES or _VALUE.match(told) else below


def _plain(heading: str) -> str:
    """A heading without bold, escapes, links, and the signs that lead to it."""
    text = _LINK.sub(r"\1", heading.replace("**", ""))
    return _ESCAPED.sub(r"\1", text).strip(" \t:#¶")


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
    is_long = kind and cells(heading[kind.end() :].strip()) >= _SHORTEST
    text = heading[kind.end() :] if kind and is_long else heading
    rest = text[_end_of_day(text) :].lstrip(" ,:–—-")
    return rest if any(map(str.isalnum, rest)) else heading


def _end_of_day(text: str) -> int:
    """Where the day, or the span of days, that a text begins with ends; 0 where there is none."""
    start, end, begin = first_span(text) or (len(text), len(text), "")
    found = read_written_time(text[:start] + begin + text[end:])
    if not found or not found.day:
        return 0
    return found.end if found.end <= start else found.end + end - start - len(begin)


def is_unfilled(title: str) -> bool:
    """Whether a title stands for one that nobody has written: `[Incident title]`, `ISSUE NAME`."""
    return bool(_UNFILLED.fullmatch(" ".join(title.split())[:120]))
