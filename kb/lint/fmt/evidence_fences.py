"""Fences evidence lines that stand bare in the text.

There every host shows them line by line, and `->`, `_` and `*` stay what they are.
"""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.fmt.edit import Edit, newline_of
from kb.records.document import Document
from kb.records.markdown import FieldLine, Line, SectionText


def fence_edits(document: Document) -> Iterator[Edit]:
    """One edit for each run of bare evidence lines that stands by itself."""
    for section in document.sections:
        if any(map(_is_bare, section.fields)):
            for run in _runs(section):
                yield _fenced(document, run)


def _runs(section: SectionText) -> Iterator[list[FieldLine]]:
    """Top-level fields on consecutive lines, with nothing but blank lines or marks around them."""
    lines = {line.number: line for line in section.lines}
    run: list[FieldLine] = []
    for field in (*section.fields, None):
        if run and (field is None or field.line != run[-1].end_line + 1 or not _is_bare(field)):
            if _is_alone(run, lines):
                yield run
            run = []
        if field is not None and _is_bare(field):
            run.append(field)


def _is_bare(field: FieldLine) -> bool:
    return field.known and field.style in {"bare", "item"}


def _is_alone(run: list[FieldLine], lines: dict[int, Line]) -> bool:
    first, last = run[0].line, run[-1].end_line
    around = (lines.get(first - 1), lines.get(last + 1))
    indented = any(lines[field.line].text[:1].isspace() for field in run)
    return not indented and all(_separates(line) for line in around)


def _separates(line: Line | None) -> bool:
    """Whether a neighbour ends a paragraph: none (the heading, the end), blank, mark or heading."""
    return line is None or line.is_mark or not line.text.strip() or line.text.startswith("#")


def _fenced(document: Document, run: list[FieldLine]) -> Edit:
    lines = ["```evidence"]
    for field in run:
        source = document.source_line(field.line)
        first = field.value.partition("\n")[0]
        written = first if first and source.rstrip().endswith(first) else ""
        lines.append(f"{field.key}: {written}".rstrip())
        lines += [
            f"  {document.source_line(number).strip()}"
            for number in range(field.line + 1, field.end_line + 1)
        ]
    last = run[-1].end_line
    start = document.offset(run[0].line)
    end = document.offset(last) + len(document.source_line(last))
    text = newline_of(document.text).join([*lines, "```"])
    return Edit(start, end, text, "evidence lines stand in an evidence fence")
