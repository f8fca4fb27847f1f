"""Are the evidence lines those of the section's table, with its answers? Rules on fields."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.rule import Context, Finding, rule
from kb.lint.rules.reading import at_key, at_value, is_public, is_submitted, quoted
from kb.lint.rules.words import what_to_write
from kb.records.document import Document
from kb.records.form import Form
from kb.records.markdown import FieldLine, SectionText
from kb.records.sections import Section


def _sections(document: Document, form: Form) -> Iterator[tuple[SectionText, Section]]:
    for section in document.sections:
        if section.key and section.fields:
            yield section, form.section(section.key)


@rule(
    "KB211",
    "field-before-group",
    reason="Lines before the first claim or tool belong to no group, so nobody can tell which "
    "claim the assert was about.",
    bad="OUTCOME_ASSERT: the ledger holds one charge\nLLM_SAYS_IT_DID: charged once",
    good="LLM_SAYS_IT_DID: charged once\nOUTCOME_ASSERT: the ledger holds one charge",
)
def field_before_group(document: Document, context: Context) -> Iterator[Finding]:
    """Evidence lines that stand before the line which opens their group."""
    for section, row in _sections(document, context.form):
        for field in section.fields:
            if row.group_key is None or field.key == row.group_key:
                break
            if field.known:
                message = f"'{field.key}' stands before any '{row.group_key}'; begin with that line"
                yield at_key(document, field, message)


@rule(
    "KB212",
    "unknown-field",
    reason="An evidence line under a name nobody reads is not evidence: no check, no search and no "
    "table sees it.",
    bad="CUSTOMER_SEEN: two refunds for one return",
    good="CUSTOMER_SAW: two refunds for one return",
)
def unknown_field(document: Document, context: Context) -> Iterator[Finding]:
    """Keys in an evidence fence that the section's table does not have."""
    for section, row in _sections(document, context.form):
        for field in section.fields:
            if not field.known:
                advice = _where_it_belongs(field.key, row, context.form)
                message = f"{quoted(field.written)} is no line of this section; {advice}"
                yield at_key(document, field, message)


def _where_it_belongs(key: str, row: Section, form: Form) -> str:
    home = next((section for section in form.sections if section.field(key)), None)
    if home:
        return f"it belongs under '{home.heading}'"
    if row.fields:
        return what_to_write(key, [field.key for field in row.fields])
    return f"'{row.heading}' has none; write it as text outside the fence"


@rule(
    "KB213",
    "unknown-answer",
    reason="An answer outside the list cannot be counted: whether an assert held is yes, no or "
    "not-checked, and 'mostly' is none of them.",
    bad="HELD: mostly",
    good="HELD: no (13 of 14 refunds were right)",
)
def unknown_answer(document: Document, context: Context) -> Iterator[Finding]:
    """A first word outside the field's list; a remark may follow it."""
    for section, row in _sections(document, context.form):
        for field in section.fields:
            known = row.field(field.key)
            words = known.words if known else ()
            if words and field.value and not _is_answer(field, words, document):
                message = f"{quoted(field.value)} is no answer to {field.key}; "
                advice = what_to_write(_as_word(field.value), words)
                yield at_value(document, field, message + advice)


def _is_answer(field: FieldLine, words: tuple[str, ...], document: Document) -> bool:
    word = field.word
    if word == "unknown" and (is_public(document) or not is_submitted(document)):
        return True
    return word in words


def _as_word(value: str) -> str:
    """The start of a value as the lists spell words: `Not checked.` is `not-checked`."""
    return "-".join(value.partition("\n")[0].lower().strip("*`_. ").split()[:2])


@rule(
    "KB214",
    "repeated-field",
    reason="Where one answer is asked for, only the first is read; the second is lost without a "
    "word.",
    bad="REPLAYABLE: partly\nREPLAYABLE: no",
    good="REPLAYABLE: no",
)
def repeated_field(document: Document, context: Context) -> Iterator[Finding]:
    """A key twice in one section, or in one group of it, where the table does not say many."""
    for section, row in _sections(document, context.form):
        groups = section.groups(row.group_key) if row.group_key else (section.fields,)
        for group in groups:
            yield from _repeats(document, group, row)


def _repeats(document: Document, group: tuple[FieldLine, ...], row: Section) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for field in group:
        known = row.field(field.key)
        if known and not known.many and field.key in seen:
            another = f", or begin another {row.group_key}" if row.group_key else ""
            message = f"{field.key} already stands on line {seen[field.key]}; join the two{another}"
            yield at_key(document, field, message)
        seen.setdefault(field.key, field.line)
