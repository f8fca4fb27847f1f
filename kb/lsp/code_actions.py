"""What mends a problem: the edits of `kb fmt`, the words a message offers, and an allowance."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lsprotocol import types

from kb.lint.fmt.formatter import edits, formatted
from kb.lint.readings.document_facts import words_offered
from kb.lint.rule import Problem
from kb.lsp.diagnostics import diagnostic
from kb.lsp.open_record import OpenRecord
from kb.sentences import clipped
from kb.terminal import visible

FIX_ALL = "source.fixAll.kb"
_STRONGER = re.compile(r"\bWrite (.+?)$")
_MOST_OFFERED = 8
#: What a menu shows of an edit.
_MENU_CHARACTERS = 90


def code_actions(
    record: OpenRecord, problems: Sequence[Problem], span: types.Range
) -> list[types.CodeAction]:
    """What can be done about the problems in a range, the likeliest first, and `kb fmt` whole."""
    there = [problem for problem in problems if _is_in(record, problem, span)]
    return [
        *(action for problem in there for action in _words(record, problem)),
        *_formatting(record, there, span),
        *_fix_all(record),
        *(action for problem in there for action in _stronger(record, problem)),
        *(_allowance(record, problem) for problem in _one_a_rule(record, there)),
    ]


def format_edits(record: OpenRecord) -> list[types.TextEdit]:
    """One edit that makes the record what `kb fmt` writes; none where it is so already."""
    before = record.document.text
    after = formatted(record.document, record.view.context(record.today))
    if before == after:
        return []
    start = _common(before, after)
    end = _common(before[start:][::-1], after[start:][::-1])
    span = record.places.span(start, len(before) - end)
    return [types.TextEdit(span, after[start : len(after) - end])]


def _common(one: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    shorter = min(len(one), len(other))
    return next((i for i in range(shorter) if one[i] != other[i]), shorter)


def _is_in(record: OpenRecord, problem: Problem, span: types.Range) -> bool:
    where = record.range_of(problem.line, problem.column, problem.length)
    return where.start.line <= span.end.line and span.start.line <= where.end.line


def _quick_fix(
    record: OpenRecord, title: str, changes: Sequence[types.TextEdit], problem: Problem | None
) -> types.CodeAction:
    return types.CodeAction(
        title=visible(title),
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[diagnostic(record, problem)] if problem else None,
        edit=types.WorkspaceEdit(changes={record.uri: list(changes)}),
    )


def _words(record: OpenRecord, problem: Problem) -> Iterator[types.CodeAction]:
    """One action for each word that the message offers for what it underlines."""
    offered = words_offered(problem.message) if problem.length else ()
    start = record.offset(problem.line, problem.column)
    for place, word in enumerate(offered[:_MOST_OFFERED]):
        span = record.places.span(start, start + problem.length)
        action = _quick_fix(record, f"Write '{word}'", [types.TextEdit(span, word)], problem)
        action.is_preferred = place == 0 and len(offered) == 1
        yield action


def _stronger(record: OpenRecord, problem: Problem) -> Iterator[types.CodeAction]:
    """The stronger form of a message, put where the weak words stand, for a person to fill in."""
    match = _STRONGER.search(problem.message) if problem.length else None
    if match:
        start = record.offset(problem.line, problem.column)
        span = record.places.span(start, start + problem.length)
        edit = types.TextEdit(span, f"<{match[1]}>")
        yield _quick_fix(record, f"Answer instead: {match[1]}", [edit], problem)


def _formatting(
    record: OpenRecord, problems: Sequence[Problem], span: types.Range
) -> Iterator[types.CodeAction]:
    """The single edits of `kb fmt` on the lines of a range."""
    for edit in edits(record.document, record.view.context(record.today)):
        where = record.places.span(edit.start, edit.end)
        if where.start.line <= span.end.line and span.start.line <= where.end.line:
            of = next((problem for problem in problems if problem.name == edit.rule), None)
            changed = [types.TextEdit(where, edit.replacement)]
            yield _quick_fix(record, f"kb fmt: {clipped(edit.what, _MENU_CHARACTERS)}", changed, of)


def _fix_all(record: OpenRecord) -> Iterator[types.CodeAction]:
    if changes := format_edits(record):
        edit = types.WorkspaceEdit(changes={record.uri: changes})
        title = "kb fmt: everything in this record"
        yield types.CodeAction(title, kind=FIX_ALL, edit=edit)


def _one_a_rule(record: OpenRecord, problems: Sequence[Problem]) -> list[Problem]:
    """One problem of each rule; none where no front matter can hold an allowance."""
    if not record.document.front.present:
        return []
    return list({problem.name: problem for problem in problems}.values())


def _allowance(record: OpenRecord, problem: Problem) -> types.CodeAction:
    """A comment of the front matter that silences a rule in this record and has to say why."""
    at = record.places.position(record.document.front.start)
    text = f"# kb: allow {problem.name} — <why it is right here>\n"
    title = f"Allow {problem.rule} {problem.name} in this record"
    return _quick_fix(record, title, [types.TextEdit(types.Range(at, at), text)], problem)
