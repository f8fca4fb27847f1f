"""Document symbols and folding: the sections, what stands in them, and the front matter."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from kb.lsp.open_record import OpenRecord
from kb.records.markdown import SectionText


def symbols(record: OpenRecord) -> list[types.DocumentSymbol]:
    """The front matter and every section, with the fields, actions and entries within."""
    front = record.document.front
    found = []
    if front.present:
        span = _lines(record, 1, front.end_line)
        found.append(types.DocumentSymbol("front matter", types.SymbolKind.Namespace, span, span))
    for section in record.document.sections:
        found.append(
            types.DocumentSymbol(
                name=section.heading or "(no heading)",
                kind=types.SymbolKind.String if section.level == 1 else types.SymbolKind.Module,
                range=_lines(record, section.line, section.end_line),
                selection_range=record.range_of(section.line),
                children=list(_inside(record, section)),
            )
        )
    return found


def _inside(record: OpenRecord, section: SectionText) -> Iterator[types.DocumentSymbol]:
    for field in section.fields:
        span = _lines(record, field.line, field.end_line)
        yield types.DocumentSymbol(field.key, types.SymbolKind.Field, span, span)
    if section.key == "actions":
        for action in record.document.actions:
            span = _lines(record, action.line, action.end_line)
            name = f"{action.label or 'action'} ({action.state})"
            yield types.DocumentSymbol(
                name, types.SymbolKind.Event, span, span, detail=action.text[:200]
            )


def folds(record: OpenRecord) -> list[types.FoldingRange]:
    """The front matter, the sections, and the fences in them."""
    front = record.document.front
    found = [_fold(1, front.end_line)] if front.present else []
    found += [_fold(s.line, _last_text(record, s)) for s in record.document.sections]
    opened = 0
    for line in record.document.lines:
        if line.is_mark and not opened:
            opened = line.number
        elif line.is_mark:
            found.append(_fold(opened, line.number))
            opened = 0
    return [fold for fold in found if fold.end_line > fold.start_line]


def _fold(start: int, end: int) -> types.FoldingRange:
    return types.FoldingRange(start - 1, end - 1, kind=types.FoldingRangeKind.Region)


def _last_text(record: OpenRecord, section: SectionText) -> int:
    """The last line of a section that is not blank, so that folded sections stay apart."""
    line = section.end_line
    while line > section.line and not record.document.source_line(line).strip():
        line -= 1
    return line


def _lines(record: OpenRecord, first: int, last: int) -> types.Range:
    end = record.offset(last) + len(record.document.source_line(last))
    return record.places.span(record.offset(first), end)
