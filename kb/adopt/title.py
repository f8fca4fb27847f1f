"""The title of an old text: what happened, without the day and the kind of document before it."""

from __future__ import annotations

import re
from dataclasses import replace

from kb.adopt.day_witnesses import FILE_NAME, without_iso_days
from kb.adopt.days_in_text import first_span
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.labelled_lines import LabelledLine, toml_title
from kb.records.document import Document
from kb.records.markdown import Line, SectionText, bold_heading
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
_KIND_ALONE = "a kind of document"
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
#: Words of headings that name the kind of document, in whatever order, and nothing that happened.
_KIND_NAMES = """
    post mortem postmortem postmortems incident incidents report reports review retro rca root
    cause causes analysis summary overview introduction background abstract metadata meta details
    detail tl dr tldr timeline what happened issue issues event document documentation notes
    blameless technical security production service template draft final write up writeup an the
    of for and on a to
    informe reporte relatório relatorio incidente incidentes análisis analisis análise causa raíz
    raiz pós pos de del do da el la resumen resumo retrospectiva
    compte rendu rapport d l analyse du des le les rétrospective
    bericht vorfall vorfallsbericht störung störungsbericht ausfall nachbereitung ursachenanalyse
    постмортем инцидент инциденты отчёт отчет об инциденте разбор инцидента ретроспектива
    障害報告書 障害報告 ポストモーテム インシデントレポート 振り返り 事故报告 事故复盘 故障报告
    故障复盘 复盘 复盘报告 事后分析 회고 포스트모템 장애 보고서 사후 분석
"""
_KIND_WORDS = frozenset(_KIND_NAMES.split())
#: The number of an incident, a task or a version: `INC-2026-001`, `0x19.`, `v2`.
_ID = re.compile(
    r"\b(?:(?!cve)[a-z]{1,5}-?\d[\w.-]{0,20}|0x\d{1,4}|\d[\d./-]{0,20})", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+")
#: Titles of a form that nobody has filled in.
_UNFILLED = re.compile(
    r"[<\[{].{0,80}[>\]}]|(?:(?:your|incident|issue|postmortem|outage|short|brief)[ ]){0,2}"
    r"(?:title|name|headline)(?:[ ](?:here|of[ ](?:the[ ])?(?:incident|issue)))?|x{3,}|todo|tbd",
    re.IGNORECASE,
)


def derive_title(document: Document, labels: list[LabelledLine]) -> DerivedFact:
    """The title with its source: front matter or a heading that says what happened.

    Where these say no more than the kind of document, what stands in for it.
    """
    own = _front_title(document, labels)
    if own and not _is_kind(own.value):
        return own
    heading = _title_heading(document)
    text = _plain(heading.heading) if heading else ""
    if heading and not _is_kind(text) and not is_unfilled(text):
        # With others of its level below, a heading right below that of a kind may be a part.
        is_part = heading != _first_heading(document) and _has_next(document, heading)
        title = _without_day(text)
        return DerivedFact("title", title, f"line {heading.line}", stands_in=is_part)
    return _stand_in(document, own, heading)


def _front_title(document: Document, labels: list[LabelledLine]) -> DerivedFact | None:
    title = document.front.text("title").strip() or toml_title(document, labels)
    if not title:
        return None
    row = next((row for row in labels if row.label == "title"), None)
    # YAML ends an unquoted title at its colon, and nobody means that.
    is_cut = row and row.value.startswith(f"{title}:") and row.line <= document.front.end_line
    return DerivedFact(
        "title", row.value if row and is_cut else title, f"line {row.line if row else 1}"
    )


def _has_next(document: Document, heading: SectionText) -> bool:
    return any(s.level == heading.level and s.line > heading.line for s in document.sections)


def _stand_in(
    document: Document, own: DerivedFact | None, heading: SectionText | None
) -> DerivedFact:
    """The first line, else what says most of the file's name, front matter and heading."""
    text = _plain(heading.heading) if heading else ""
    is_form = is_unfilled(text)
    stem = document.path.stem
    words = re.sub(r"[_-]+", " ", without_iso_days(stem)).strip() or stem
    if not is_form and _is_kind(words):
        if first := _first_line(document):
            return DerivedFact("title", _without_day(_plain(first.text)), f"line {first.number}")
        if own:
            return replace(own, source=f"{own.source}, {_KIND_ALONE}", stands_in=True)
        if heading and len(text) > len(words):
            source = f"line {heading.line}, {_KIND_ALONE}"
            return DerivedFact("title", text, source, stands_in=True)
    source = f"{FILE_NAME}; line {heading.line} is a form's" if heading and is_form else FILE_NAME
    return DerivedFact("title", words, source, stands_in=True)


def _first_line(document: Document) -> Line | None:
    """The line that a text begins with, where it is bold, or no sentence and no label.

    Of headings at most that of the summary may stand above it.
    """
    above = {section.line for section in document.sections if section.key == "summary"}
    first = next((ln for ln in document.lines if ln.is_prose and ln.number not in above), None)
    text = first.text.strip(" *_") if first else ""
    is_bold = bool(first and bold_heading(first.text))
    is_title = 0 < len(text) <= _LONGEST_LINE and (is_bold or not _NO_TITLE_LINE.search(text))
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
    text = _plain(below.heading)
    return None if _is_kind(text) or _VALUE.match(text) else below


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


def _is_kind(title: str) -> bool:
    """Whether a title says no more than what kind of document it is: `INC-12 Incident report`."""
    words = _WORD.findall(_ID.sub(" ", title).lower())
    return all(word in _KIND_WORDS for word in words)


def is_unfilled(title: str) -> bool:
    """Whether a title stands for one that nobody has written: `[Incident title]`, `ISSUE NAME`."""
    return bool(_UNFILLED.fullmatch(" ".join(title.split())[:120]))
