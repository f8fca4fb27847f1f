"""The `KEY: value` lines of a section, in the forms people give them.

In an evidence fence every line is one. Elsewhere a line is evidence where its label means a field
of the section: bare, in bold, behind a bullet or a number, in a block quote, as a row of a table of
two columns, or in a fence of no language. A value goes on in the lines below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from kb.lazy_regex import regex
from kb.records.form_sections import Field, Section
from kb.records.markdown import (
    FieldLine,
    Line,
    bold_heading,
    even_spaces,
    is_plain_fence,
    read_heading,
)
from kb.records.tables import Table, TableRow, cells, read_tables

_FENCED_FIELD = regex(r"([A-Za-z][A-Za-z0-9_]*)[ \t]*:(?:[ \t]+(.*))?$")
#: A key of one word in capitals, or a label of several words; the colon may be one of East Asia.
_LABELLED = regex(
    r"(?P<quote>(?:[ \t]*>)*)(?P<lead>[ \t]*)(?P<bullet>(?:[-*+•‣◦▪·●]|\d{1,3}[.)])[ \t]+)?"
    r"(?P<mark>[*_`]{0,3})(?P<key>[^\W\d_][\w /?'’()<-]{0,90}?)"
    r"(?:(?P=mark)[ \t]*(?P<colon>[:：])|[ \t]*(?P<inner>[:：])(?P=mark)"
    r"|(?P=mark)[ \t]+(?P<dash>=|—|–|->?)(?=[ \t]))"
    r"(?P<gap>[ \t]*)(?P<value>.*)$"
)
_STARTS_ANEW = regex(
    r"[ \t]*(?:[-*+•‣◦▪·●][ \t]|\d{1,3}[.)][ \t]|[>|#]|<!--|`{3}|~{3}|[-*_]{3,}[ \t]*$|\[)"
)
_LABEL = regex(r"[*_`]{0,3}[A-Za-z][\w /'’-]{0,60}[*_`]{0,3}[:：](?:[ \t*_`]|$)")
_NESTED_ITEM = regex(r"[ \t]*[-*+][ \t]")
_QUOTE = regex(r"\A(?:[ \t]*+>)++[ \t]?")
_MAX_LINE = 20_000
_TWO = 2


def label_of(text: str, section: Section) -> tuple[re.Match[str], Field] | None:
    """The label a line begins with and the field of the section it means, None for neither."""
    match = _LABELLED.match(text)
    if not match:
        return None
    row = section.labelled(match["key"])
    return (match, row) if row and _is_meant(match) else None


def _is_meant(match: re.Match[str]) -> bool:
    """Whether a label stands as one: a blank behind its colon, or a key in capitals."""
    is_key = match["key"].isupper()
    if match["dash"]:
        return is_key and "_" in match["key"]
    wide = "：" in {match["colon"], match["inner"]}
    return bool(match["gap"]) or not match["value"] or is_key or wide


def mark_evidence(lines: Sequence[Line], section: Section | None) -> tuple[Line, ...]:
    """The lines of a section, those of a pasted fence or table of evidence marked as evidence."""
    if section is None or not section.fields:
        return tuple(lines)
    marked = list(lines)
    if any(line.is_mark for line in lines):
        _mark_fences(marked, section)
    if any("|" in line.text for line in lines):
        for table in read_tables(marked):
            if is_evidence_table(table, section):
                _mark_table(marked, table, section)
    return tuple(marked)


def _mark_fences(lines: list[Line], section: Section) -> None:
    start: int | None = None
    for index, line in enumerate(lines):
        if not line.is_mark:
            continue
        if start is None:
            start = index
            continue
        inside = lines[start + 1 : index]
        plain = is_plain_fence(line.fence or "")
        if plain and not line.is_evidence and _is_pasted_evidence(inside, section):
            for at in range(start, index + 1):
                lines[at] = replace(lines[at], fence="evidence")
        start = None


def _is_pasted_evidence(lines: Sequence[Line], section: Section) -> bool:
    """Whether a fence of no language holds evidence: it begins with a key, surely one of ours."""
    texts = [even_spaces(line.text) for line in lines if line.text.strip()]
    found = label_of(texts[0], section) if texts else None
    if found is None:
        return False
    written = found[0]["key"]
    is_sure = written.isupper() or "_" in written or " " in written
    return is_sure or all(label_of(text, section) for text in texts)


def is_evidence_table(table: Table, section: Section) -> bool:
    """Whether a table of two columns holds keys and values: half of its rows are known keys."""
    rows = [*table.rows, TableRow(table.line, table.head)]
    if any(len([cell for cell in row.cells if cell]) > _TWO for row in rows):
        return False
    known = sum(_row_field(row, section) is not None for row in rows)
    return known > 0 and known * _TWO >= len(table.rows)


def _row_field(row: TableRow, section: Section) -> Field | None:
    label = row.cells[0].strip("*_` ").rstrip(":：?") if row.cells else ""
    return section.labelled(label) if label else None


def _mark_table(lines: list[Line], table: Table, section: Section) -> None:
    head = TableRow(table.line, table.head)
    for index, line in enumerate(lines):
        if table.line <= line.number <= table.end_line:
            is_head = line.number == table.line and _row_field(head, section) is None
            is_mark = is_head or line.number == table.line + 1
            lines[index] = replace(line, fence="evidence", is_mark=is_mark)


def read_fields(lines: Sequence[Line], section: Section | None) -> Iterator[FieldLine]:
    """The evidence lines: every `KEY: value` of an evidence fence, known keys elsewhere.

    The lines are those that `mark_evidence` gives.
    """
    end, asks = 0, section is not None and bool(section.fields)
    for index, line in enumerate(lines):
        if index < end or not _may_be_field(line, asks=asks):
            continue
        text = even_spaces(line.text)
        if line.fence is not None and "|" in text and text.lstrip("> \t")[:1] == "|":
            found = _table_field(line, text, section)
        else:
            found = _field_at(line, text, section)
        if found is not None:
            end = _continuation_end(lines, index, found, section)
            yield _continued(found, lines[index + 1 : end])


def _may_be_field(line: Line, *, asks: bool) -> bool:
    """Whether a line can be a field at all, told without a pattern; most lines are none."""
    text = line.text
    if not (":" in text or "_" in text or "：" in text or "|" in text):
        return False
    if line.comment or line.is_mark or len(text) > _MAX_LINE:
        return False
    return asks if line.fence is None else line.is_evidence


def _table_field(line: Line, text: str, section: Section | None) -> FieldLine | None:

    if line.is_mark or section is None or not line.is_evidence:
        return None
    row = TableRow(line.number, cells(text))
    known = _row_field(row, section)
    label = row.cells[0].strip("*_` ").rstrip(":：?")
    value = row.cells[1] if len(row.cells) > 1 else ""
    key = known.key if known else label.replace(" ", "_").upper()
    return FieldLine(key, label, value, line.number, line.number, "table", known is not None)


def _field_at(line: Line, text: str, section: Section | None) -> FieldLine | None:
    match = _FENCED_FIELD.match(text) if line.fence is not None else None
    row = section.field(match[1]) if match and section else None  # as it is nearly always written
    if match and row:
        value, number = (match[2] or "").strip(), line.number
        return FieldLine(row.key, match[1], value, number, number, "fenced", True, row.answers)
    found = label_of(text, section) if section and section.fields else None
    if found:
        return _known_field(line, *found)
    if not match:
        return None
    key = match[1].upper()
    value = (match[2] or "").strip()
    return FieldLine(key, match[1], value, line.number, line.number, "fenced", False)


def _known_field(line: Line, match: re.Match[str], row: Field) -> FieldLine:
    style = "item" if match["bullet"] else "quote" if match["quote"] else "bare"
    style = "fenced" if line.fence is not None else style
    value = match["value"].strip()
    number = line.number
    return FieldLine(row.key, match["key"], value, number, number, style, True, row.answers)


def _continued(found: FieldLine, lines: Sequence[Line]) -> FieldLine:
    if not lines:
        return found
    texts = (line.text.strip() for line in lines)
    if found.style == "quote":
        texts = (_QUOTE.sub("", text, count=1).strip() for text in texts)
    parts = [found.value, *texts]
    value = "\n".join(part for part in parts if part)
    return replace(found, value=value, end_line=lines[-1].number)


def _continuation_end(
    lines: Sequence[Line], index: int, found: FieldLine, section: Section | None
) -> int:
    """One past the last line of a value: those below that begin nothing of their own."""
    end = index + 1
    if found.style == "table":
        return end
    while end < len(lines) and _goes_on(lines[end], lines[index], found, section):
        end += 1
    return end


def _goes_on(line: Line, first: Line, found: FieldLine, section: Section | None) -> bool:
    text = line.text
    if not text.strip() or line.is_mark or line.comment or line.fence != first.fence:
        return False
    if text[0] in " \t\u00a0\u3000":
        nested = found.style != "fenced" and _NESTED_ITEM.match(text)
        return not nested and _is_no_field(line, found, section)
    if found.style == "quote":
        rest = _QUOTE.sub("", text, count=1)
        return text[0] == ">" and bool(rest.strip()) and _is_text(rest, section)
    if not found.value and found.style != "fenced":
        return False
    return _is_text(text, section)


def _is_no_field(line: Line, found: FieldLine, section: Section | None) -> bool:
    """Whether an indented line goes on: in a list or a quote the next key may be indented, too."""
    if found.style == "fenced" or section is None:
        return True
    return label_of(even_spaces(line.text), section) is None


def _is_text(text: str, section: Section | None) -> bool:
    """Whether an unindented line is text that can only belong to the value above it."""
    if _STARTS_ANEW.match(text) or _LABEL.match(text):
        return False
    if read_heading(text) is not None or bold_heading(text) is not None:
        return False
    return section is None or label_of(even_spaces(text), section) is None
