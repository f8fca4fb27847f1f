"""Semantic tokens: evidence keys and answers, closed words, labels, verdicts and tags."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from kb.lsp.open_record import OpenRecord
from kb.records.markdown import SectionText

KEY, WORD, LABEL, REFERENCE = range(4)
LEGEND = types.SemanticTokensLegend(
    token_types=["property", "enumMember", "macro", "variable"], token_modifiers=[]
)
_LABEL = re.compile(r"\[[ xX-]\][ \t]+(A\d{1,4})(?=:)")
_ATTRIBUTE = re.compile(
    r"\b(owner|due|lever|cause|gate|replay|watch|tracker|opened|closed|ran|verified):"
)
_VERDICT = re.compile(r"[-*+][ \t]+\[(\w+)\][ \t]+\[([\w-]+)\]")
_TAG = re.compile(r"\[([a-z-]+)\](?=[ \t]*(?:\[|$))")

_Token = tuple[int, int, int, int]  # line, column, length and type; line and column count from 1


def semantic_tokens(record: OpenRecord) -> types.SemanticTokens:
    """The tokens of a record in the protocol's encoding: each relative to the one before."""
    data: list[int] = []
    line, character = 0, 0
    for number, column, length, kind in sorted(set(_tokens(record))):
        where = record.range_of(number, column, length)
        ahead = where.start.line - line
        behind = where.start.character - (0 if ahead else character)
        data += [ahead, behind, where.end.character - where.start.character, kind, 0]
        line, character = where.start.line, where.start.character
    return types.SemanticTokens(data=data)


def _tokens(record: OpenRecord) -> Iterator[_Token]:
    yield from _words(record)
    for section in record.document.sections:
        yield from _fields(record, section)
        if section.key == "actions":
            yield from _actions(record)
        elif section.key == "counterfactual":
            yield from _priors(record)
        elif section.key == "timeline":
            yield from _tags(record)


def _words(record: OpenRecord) -> Iterator[_Token]:
    """The closed words of the front matter that their lists have."""
    form = record.view.library.form
    for key, node in record.scalars():
        text = node.text or ""
        if text and key in form.taxonomies and text in form.words(key):
            yield node.line, node.column + node.quoted, len(text), WORD


def _fields(record: OpenRecord, section: SectionText) -> Iterator[_Token]:
    row = record.view.library.form.section(section.key) if section.key else None
    for field in section.fields:
        source = record.document.source_line(field.line)
        at = source.find(field.written)
        if field.known and at >= 0:
            yield field.line, at + 1, len(field.written), KEY
            known = row.field(field.key) if row else None
            answer = source.find(field.word, source.find(":") + 1) if field.word else -1
            if known and field.word in known.words and answer >= 0:
                yield field.line, answer + 1, len(field.word), WORD


def _actions(record: OpenRecord) -> Iterator[_Token]:
    for action in record.document.actions:
        for number in range(action.line, action.end_line + 1):
            source = record.document.source_line(number)
            if number == action.line and (match := _LABEL.search(source)):
                yield number, match.start(1) + 1, len(match[1]), LABEL
            for match in _ATTRIBUTE.finditer(source):
                yield number, match.start(1) + 1, len(match[1]), KEY


def _priors(record: OpenRecord) -> Iterator[_Token]:
    for prior in record.document.priors:
        if match := _VERDICT.search(record.document.source_line(prior.line)):
            yield prior.line, match.start(1) + 1, len(match[1]), WORD
            yield prior.line, match.start(2) + 1, len(match[2]), REFERENCE


def _tags(record: OpenRecord) -> Iterator[_Token]:
    for entry in record.document.timeline:
        if entry.tags:
            for match in _TAG.finditer(record.document.source_line(entry.line)):
                if match[1] in entry.tags:
                    yield entry.line, match.start(1) + 1, len(match[1]), WORD
