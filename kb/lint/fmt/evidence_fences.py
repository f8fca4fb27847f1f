"""Fences evidence lines that stand bare in the text.

There every host shows them line by line, and `->`, `_` and `*` stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.fmt.text_edit import Edit, newline_of
from kb.records.document import Document
from kb.records.markdown import FieldLine, Line, SectionText, even_spaces, is_plain_fence

_FENCE_NAME = regex(r"([ \t]*(?:`{3,}|~{3,})[ \t]*)(.*?)[ \t]*$")
_QUOTE = regex(r"\A(?:[ \t]*+>)++[ \t]?")
#: What the head of a table of keys and values says, where it says no more than that.
_HEAD_WORDS = frozenset({"key", "value", "field", "name", "question", "answer", "line"})


def fence_edits(document: Document) -> Iterator[Edit]:
    """One edit for each run of bare evidence lines that stands by itself, and each table of them.

    A pasted fence of evidence is given its name; within fences keys have one spelling, and a value
    goes on in indented lines.
    """
    for section in document.sections:
        if any(map(_is_bare, section.fields)):
            for run in _runs(section):
                yield _fenced(document, run)
        if any(field.style == "table" for field in section.fields):
            yield from _from_tables(document, section)
        if any(field.style == "fenced" for field in section.fields):
            yield from _edits_within(document, section)


def _from_tables(document: Document, section: SectionText) -> Iterator[Edit]:
    at = {field.line: field for field in section.fields if field.style == "table"}
    numbers = sorted(line.number for line in section.lines if _is_table_line(line))
    for first, last in _stretches(numbers):
        fields = [at[n] for n in range(first, last + 1) if n in at]
        heads = [n for n in range(first, last + 1) if n not in at]
        is_sure = all(field.known and "\n" not in field.value for field in fields)
        if fields and is_sure and all(_is_named_head(document.source_line(n)) for n in heads):
            lines = [f"{field.key}: {field.value}".rstrip() for field in fields]
            text = newline_of(document.text).join(["```evidence", *lines, "```"])
            end = document.offset(last) + len(document.source_line(last))
            what = "evidence lines stand in an evidence fence"
            yield Edit(document.offset(first), end, text, what)


def _is_table_line(line: Line) -> bool:
    return line.is_evidence and line.text.lstrip()[:1] == "|"


def _stretches(numbers: list[int]) -> Iterator[tuple[int, int]]:
    """The first and last of each run of numbers that follow each other."""
    first = last = None
    for number in numbers:
        if last is not None and first is not None and number != last + 1:
            yield first, last
            first = None
        first, last = (number if first is None else first), number
    if first is not None and last is not None:
        yield first, last


def _is_named_head(source: str) -> bool:
    """Whether a line is the rule of a table, or a head that says no more than key and value."""
    words = set(re.findall(r"\w+", source.lower()))
    return words <= _HEAD_WORDS


def _edits_within(document: Document, section: SectionText) -> Iterator[Edit]:
    at = {field.line: field for field in section.fields if field.style == "fenced"}
    inside = {n: f for f in at.values() for n in range(f.line + 1, f.end_line + 1)}
    is_open = False
    for line in section.lines if at or "```" in section.text or "~~~" in section.text else ():
        source = document.source_line(line.number)
        if line.is_mark and line.is_evidence:
            is_open = not is_open
            name = _FENCE_NAME.match(source) if is_open else None
            if name and name[2].strip() != "evidence" and is_plain_fence(name[2]):
                start = document.offset(line.number, name.start(2) + 1)
                what = "a fence of evidence is called evidence"
                yield Edit(start, start + len(name[2]), "evidence", what)
        elif field := at.get(line.number):
            if source != f"{field.key}: {field.value}":  # as nearly all of them are written
                yield from _spelt(document, field)
        elif line.number in inside and source[:1] not in {" ", "\t"}:
            place = document.offset(line.number)
            yield Edit(place, place, "  ", "a value goes on in an indented line")


def _spelt(document: Document, field: FieldLine) -> Iterator[Edit]:
    """The key in capitals where it stands in another spelling, the mark behind it a colon."""
    source = document.source_line(field.line)
    first = field.value.partition("\n")[0]
    label = source.rstrip().removesuffix(first) if first else source.rstrip()
    is_plain = label.strip() == f"{field.key}:" and label[:1] not in {" ", "\t"}
    if not field.known or is_plain or not source.rstrip().endswith(first):
        return
    start = document.offset(field.line)
    text = f"{field.key}: " if first else f"{field.key}:"
    yield Edit(start, start + len(label), text, "a key of evidence is written in capitals")


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
    return field.known and field.style in {"bare", "item", "quote"}


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
        is_here = first and even_spaces(source).rstrip().endswith(first)
        lines.append(f"{field.key}: {first if is_here else ''}".rstrip())
        lines += [
            f"  {_QUOTE.sub('', document.source_line(number)).strip()}"
            for number in range(field.line + 1, field.end_line + 1)
        ]
    last = run[-1].end_line
    start = document.offset(run[0].line)
    end = document.offset(last) + len(document.source_line(last))
    text = newline_of(document.text).join([*lines, "```"])
    return Edit(start, end, text, "evidence lines stand in an evidence fence")
